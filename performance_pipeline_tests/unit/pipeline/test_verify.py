"""`verify`: every kind of wrong figure is found, and none where there is none."""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline import cli
from performance_pipeline.domain import (
    edge,
    log_reading,
    metrics,
    open_book,
    trade_lines,
    trade_stats,
    verdicts,
)
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline import recount
from performance_pipeline.pipeline.recount.documents import Recount
from performance_pipeline.pipeline.recount.exact import plain, ratio
from performance_pipeline.pipeline.verify import NOT_COMPARED, periods_of, verify
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    BOM,
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    at,
    breakeven,
    line,
    log,
    loss,
    opened,
    place,
    session,
    set_modified,
    win,
)
from performance_pipeline_tests.support.strategies import LogFolder, folders, moments

LAST_DAY: Final = NEXT_DAY + ONE_DAY
DAYS: Final = (DAY, NEXT_DAY, LAST_DAY)
RANGE: Final = ("--start", str(DAY), "--end", str(LAST_DAY))

LINES: Final = {
    DAY: (
        breakeven("2025-06-09T23:00:00Z"),  # misdated: counts from midnight on
        win("-1", at("13:00")),  # labelled against its P&L
        win(
            "5",
            at("14:00"),
            stop_loss="95",
            target="110",
            commission="0.5",
            slippage="0.1",
            hold_duration_seconds=60,
        ),
        loss("-3", at("15:00")),
        loss("-3", at("15:00")),  # a duplicate
        b"{",
        win("4", at("16:00")),
        win("2", at("17:00")),
        opened("7", at("18:00"), order_id="A"),
        opened("1", at("19:00")),
    ),
    NEXT_DAY: (
        win("3", at("13:00", NEXT_DAY), order_id="A"),
        win("1", at("14:00", NEXT_DAY)),
        breakeven(at("15:00", NEXT_DAY)),
        loss("-6", at("16:00", NEXT_DAY)),
        loss("-2", at("17:00", NEXT_DAY)),
    ),
    LAST_DAY: (
        loss("-1", at("13:00", LAST_DAY), symbol="MSFT"),
        loss("-1", at("14:00", LAST_DAY), strategy_name=None),
        win("8", at("15:00", LAST_DAY)),
    ),
}


@dataclass(frozen=True)
class Tampering:
    """A value of a stored aggregate made another one, and a field that then differs."""

    where: str
    """Dotted path within the aggregate, or what else of a part it is `inside` of."""
    change: Callable[[Any], Any]
    found: str
    """A window and the field of it that differs."""
    day: date = DAY
    inside: str = "aggregate"

    def __str__(self) -> str:
        return f"{self.where} of {self.day}"

    def apply(self, stored: Any) -> None:
        *parents, last = self.where.split(".")
        inner = stored["parts"][0][self.inside]
        for name in parents:
            inner = inner[int(name)] if isinstance(inner, list) else inner[name]
        key = int(last) if isinstance(inner, list) else last
        before = inner[key]
        inner[key] = self.change(before)
        assert inner[key] != before


def more(value: Any) -> Any:
    """A count, or a number written as text, that is one larger."""
    return str(Decimal(value) + 1) if isinstance(value, str) else value + 1


def become(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def renamed(buckets: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}?": bucket for name, bucket in buckets.items()}


def flipped(items: list[Any]) -> list[Any]:
    return items[::-1]


TAMPERINGS: Final = [
    *(
        Tampering(f"stats.{name}", more, f"daily {field}")
        for name, field in (
            ("total_wins", "total_wins"),
            ("total_losses", "total_losses"),
            ("total_breakevens", "total_breakevens"),
            ("gross_profit", "gross_profit"),
            ("gross_loss", "gross_loss"),
            ("commission", "commission"),
            ("slippage", "slippage"),
            ("planned_ratio_sum", "avg_risk_reward_ratio"),
            ("planned_ratio_trades", "risk_reward_trades"),
            ("hold_seconds_sum", "avg_hold_seconds"),
            ("hold_seconds_trades", "avg_hold_seconds"),
            ("best_trade", "best_trade"),
            ("worst_trade", "worst_trade"),
            ("squared_pnl_sum", "squared_pnl_sum"),
            ("streaks.trailing_wins", "current_streak"),
            ("streaks.longest_wins", "longest_win_streak"),
            ("streaks.longest_losses", "longest_loss_streak"),
            ("drawdown.total", "realized_pnl"),
            ("drawdown.worst", "max_drawdown"),
            ("by_symbol.AAPL.total_trades", "by_symbol.AAPL.total_trades"),
            ("by_strategy.momentum.total_wins", "by_strategy.momentum.total_wins"),
            ("by_strategy.momentum.total_losses", "by_strategy.momentum.total_losses"),
            ("by_execution_mode.LIVE.realized_pnl", "by_execution_mode.LIVE.realized_pnl"),
        )
    ),
    *(
        Tampering(f"stats.{name}", renamed, f"daily {name}.{key}")
        for name, key in (
            ("by_symbol", "AAPL"),
            ("by_strategy", "momentum"),
            ("by_execution_mode", "LIVE?"),
        )
    ),
    # What only targets ask for, of one strategy or of all trades so far.
    Tampering("strategies.momentum.total_wins", more, "daily targets.3.p_value"),
    Tampering("strategies.momentum.total_losses", more, "daily targets.3.actual"),
    Tampering("strategies.momentum.total_breakevens", more, "weekly targets.2.actual"),
    Tampering("strategies.momentum.planned_ratio_sum", more, "daily targets.4.actual"),
    Tampering("strategies.momentum.planned_ratio_trades", more, "daily targets.4.actual"),
    Tampering("strategies.momentum.drawdown.total", more, "daily targets.5.actual"),
    Tampering("strategies.momentum.drawdown.worst", more, "daily targets.6.actual"),
    Tampering("strategies.momentum.trading_days", more, "weekly targets.4.actual"),
    Tampering("stats.drawdown.total", more, "daily peak_drawdown"),
    Tampering("decided", become("AQ=="), "rolling edge.statistic"),
    Tampering("stats.total_wins", more, "daily win_rate_low"),
    Tampering("stats.total_losses", more, "daily win_rate_high"),
    Tampering("stats.total_losses", more, "daily targets.0.p_value"),
    Tampering("stats.total_wins", become(0), "daily targets.0.status", NEXT_DAY),
    Tampering("stats.streaks.trailing_losses", more, "daily current_streak", NEXT_DAY),
    Tampering("stats.streaks.trailing_losses", become(0), "daily streak_type", NEXT_DAY),
    # What only shows once days are combined.
    Tampering("stats.streaks.leading_wins", become(1), "weekly longest_win_streak", NEXT_DAY),
    Tampering("stats.streaks.leading_losses", become(1), "weekly longest_loss_streak", LAST_DAY),
    Tampering("stats.drawdown.peak", become("1000"), "weekly max_drawdown"),
    Tampering("stats.drawdown.lowest", become("-50"), "weekly max_drawdown", LAST_DAY),
    Tampering("days.0.total_trades", more, "weekly daily.0.total_trades"),
    Tampering("days.0.drawdown.total", more, "weekly daily.0.realized_pnl"),
    Tampering("days.0.drawdown.worst", more, "monthly daily.0.max_drawdown"),
    Tampering("days.0.date", become("2025-06-09"), "weekly daily.0.date"),
    Tampering("days", become([]), "weekly trading_days"),
    Tampering("days", become([]), "daily avg_daily_pnl"),
    # The rolling window is rebuilt from the last trades.
    Tampering("tail", flipped, "rolling current_streak"),
    Tampering("tail", lambda tail: tail[:-1], "rolling total_trades"),
    Tampering("tail.1.pnl", more, "rolling realized_pnl"),
    Tampering("tail.1.outcome", become("loss"), "rolling total_losses"),
    Tampering("tail.0.instant", become("2025-06-10T01:00:00Z"), "rolling starts_at"),
    Tampering("tail.2.commission", more, "rolling commission"),
    Tampering("tail.2.slippage", more, "rolling slippage"),
    Tampering("tail.2.planned_ratio", more, "rolling avg_risk_reward_ratio"),
    Tampering("tail.2.hold_seconds", more, "rolling avg_hold_seconds"),
    Tampering("tail.2.symbol", become("MSFT"), "rolling by_symbol.MSFT"),
    Tampering("tail.2.strategy", become("x"), "rolling by_strategy.x"),
    Tampering("tail.2.mode", become("PAPER"), "rolling by_execution_mode.PAPER"),
    Tampering("opens.orders.A", more, "daily unrealized_pnl"),
    Tampering("opens.orders.A", become(None), "rolling unrealized_pnl"),
    Tampering("opens.orders", become({}), "daily open_trades"),
    Tampering("opens.anonymous", more, "daily open_trades"),
    Tampering("opens.anonymous_unknown", more, "daily unrealized_pnl"),
    Tampering("opens.anonymous_pnl", more, "monthly unrealized_pnl"),
    Tampering("opens.order_ids", become([["B"]]), "weekly open_trades", NEXT_DAY),
    *(
        Tampering(f"quality.{name}", more, f"daily data_quality.{name}")
        for name in ("accepted", "duplicates", "rejected", "misdated", "outcome_conflicts")
    ),
    Tampering("quality.rejected", become(0), "daily data_quality.status"),
    Tampering("quality.rejected_lines", become([]), "daily data_quality.rejected_lines.0"),
    Tampering("quality.rejected_lines.0.line", more, "daily data_quality.rejected_lines.0.line"),
    Tampering(
        "quality.rejected_lines.0.reason", str.upper, "daily data_quality.rejected_lines.0.reason"
    ),
    Tampering("quality.logs.0.closed", become(0), "daily data_quality.warnings.0"),
    Tampering("modes", become(["LIVE", "PAPER"]), "daily data_quality.warnings.0"),
]
ONE_OF_EACH_WINDOW: Final = list({one.found.split(" ")[0]: one for one in TAMPERINGS}.values())


@pytest.fixture(scope="module")
def materialized(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Days that are clean; a test puts back what it spoils."""
    targets = tmp_path_factory.mktemp("targets") / "targets.yaml"
    targets.write_text(
        "win_rate_target: 50\ndaily_pl_target: 1\nmax_drawdown_target: -5\n"
        "peak_drawdown_target: -4\n"
        "alerts:\n"
        "  confidence: 0.6\n"
        "  edge: {win_rate: 60, false_alarm_trades: 3}\n"
        "  strategies:\n"
        "    momentum:\n"
        "      {win_rate_target: 50, avg_risk_reward_target: 1, daily_pl_target: 1,"
        " max_drawdown_target: -5}\n"
    )
    made = place(tmp_path_factory.mktemp("logs"), TARGETS_FILE=str(targets))
    for day, lines in LINES.items():
        made.write(day, *lines)
    made.materialize(*DAYS)
    return made


@pytest.fixture
def here(materialized: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, value in materialized.environment.items():
        monkeypatch.setenv(name, value)
    before = {day: materialized.aggregate_path(day).read_bytes() for day in DAYS}
    yield materialized
    for day, content in before.items():
        materialized.aggregate_path(day).write_bytes(content)


def tamper(here: Place, tampering: Tampering) -> None:
    path = here.aggregate_path(tampering.day)
    stored = json.loads(path.read_bytes())
    tampering.apply(stored)
    path.write_text(json.dumps(stored))


def fields(here: Place) -> list[str]:
    """Window and field of every difference."""
    found = verify(here.tracker(), periods_of(DAY, LAST_DAY))
    return [f"{one.period.window} {one.field}" for one in found]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=str)
def test_every_figure_of_an_aggregate_that_was_tampered_with_is_found(
    here: Place, tampering: Tampering
) -> None:
    tamper(here, tampering)
    assert tampering.found in fields(here)


@pytest.mark.parametrize("tampering", ONE_OF_EACH_WINDOW, ids=str)
def test_the_command_names_what_was_tampered_with(
    here: Place, tampering: Tampering, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(here, tampering)
    with pytest.raises(SystemExit) as ended:
        cli.main(["verify", *RANGE])
    assert ended.value.code == 2
    window, field = tampering.found.split(" ")
    rows = [row.split(": ") for row in capsys.readouterr().out.splitlines()]
    assert [window, field] in [[row[0].split(" ")[0], row[1]] for row in rows]


def test_what_is_tampered_with_shows_in_the_verdicts_too(here: Place) -> None:
    # The day earned 7, and fell by 3 at worst.
    tamper(here, Tampering("stats.drawdown.worst", become("-6"), ""))
    found = {one.field: one for one in verify(here.tracker(), [Period.of(Window.DAILY, DAY)])}
    assert set(found) == {
        "max_drawdown",
        # What is left to be lost before the target, which has been missed then.
        "room.max_drawdown",
        "targets.2.actual",
        "targets.2.variance",
        "targets.2.status",
    }
    assert (found["targets.2.status"].recombined, found["targets.2.status"].recomputed) == (
        "breached",
        "met",
    )
    assert (found["targets.2.variance"].recombined, found["targets.2.variance"].recomputed) == (
        "-1",
        "2",
    )


def test_a_wrong_sum_of_squares_shows_in_the_p_value_of_the_pnl(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("daily_pl_target: 9\nalerts: {confidence: 0.95}\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(targets))
    pnls = [str((number * 7) % 11 - 5) for number in range(30)]
    here.write(DAY, *session(*pnls))
    here.materialize(DAY)
    period = Period.of(Window.DAILY, DAY)
    [verdict] = here.document()["targets"]
    assert (verdict["actual"], verdict["status"], verdict["p_value"]) == (
        "2",
        "unsure",
        "0.346489",
    )
    assert list(verify(here.tracker(), [period])) == []
    tamper(here, Tampering("stats.squared_pnl_sum", become("180"), ""))
    found = {one.field: one for one in verify(here.tracker(), [period])}
    assert set(found) == {"squared_pnl_sum", "targets.0.p_value"}
    tamper(here, Tampering("stats.squared_pnl_sum", become("17"), ""))
    found = {one.field: one for one in verify(here.tracker(), [period])}
    assert (found["targets.0.status"].recombined, found["targets.0.status"].recomputed) == (
        "breached",
        "unsure",
    )


def test_trades_that_are_not_there_are_no_ground_for_a_verdict(here: Place) -> None:
    empty = here.path(DAY + timedelta(days=30))
    empty.write_bytes(b"")
    here.materialize(DAY + timedelta(days=30))
    path = here.aggregate_path(DAY + timedelta(days=30))
    stored = json.loads(path.read_bytes())
    stored["parts"][0]["aggregate"]["stats"]["total_wins"] = 1
    path.write_text(json.dumps(stored))
    period = Period.of(Window.DAILY, DAY + timedelta(days=30))
    found = {one.field: one.recomputed for one in verify(here.tracker(), [period])}
    assert found["total_trades"] == 0
    assert found["targets.0"] == "nothing"
    empty.unlink()
    path.unlink()


def test_every_field_of_a_summary_is_compared_but_the_ones_named(here: Place) -> None:
    for window in (Window.DAILY, Window.WEEKLY, Window.ROLLING):
        period = Period.of(window, DAY)
        counted = Recount(here.tracker()).document(period)
        whole = here.document(window)
        assert set(whole) - set(counted) == {*NOT_COMPARED, "targets"} - {"generated_at"}
        assert set(counted) <= set(whole)


@pytest.mark.usefixtures("here")
def test_a_clean_folder_has_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["verify", *RANGE])
    assert capsys.readouterr().out == f"8 summaries of {DAY} to {LAST_DAY}: 0 differences\n"


# --- fills --------------------------------------------------------------------------------------


@pytest.fixture
def fills(tmp_path: Path) -> Place:
    """Three days of fills: a position held over two of them, and one that is still open."""
    here = place(tmp_path / "fills", PAIRING="fifo")
    here.write(
        DAY, fill("BUY", "2", "100", at("14:00")), fill("BUY", "1", "5", at("15:00"), "MSFT")
    )
    here.write(NEXT_DAY, fill("SELL", "1", "103", at("14:00", NEXT_DAY)))
    here.write(LAST_DAY, fill("SELL", "2", "104", at("14:00", LAST_DAY)))
    here.materialize(*DAYS)
    return here


def fill(action: str, quantity: str, price: str, when: str, symbol: str = "AAPL") -> bytes:
    return opened(None, when, action=action, quantity=quantity, price=price, symbol=symbol)


def test_a_clean_folder_of_fills_has_no_difference(fills: Place) -> None:
    assert fields(fills) == []
    assert fills.summary(Window.DAILY, LAST_DAY).data_quality.unmatched_exits == 1


LOT: Final = "positions.0.lots.0"  # when, which of that instant, quantity, price, ...

CHECKPOINTS: Final = [
    Tampering(f"{LOT}.2", more, "daily open_positions.0.quantity", inside="book"),
    Tampering(f"{LOT}.3", more, "daily open_positions.0.average_price", inside="book"),
    Tampering(f"{LOT}.0", become("2025-06-09T14:00:00Z"), "daily open_trades", inside="book"),
    Tampering("positions.1.symbol", become("MSF"), "daily open_positions.1.symbol", inside="book"),
    Tampering("positions", become([]), "daily open_positions.0", inside="book"),
    Tampering("stats.by_side.long.realized_pnl", more, "daily by_side.long.realized_pnl", NEXT_DAY),
    Tampering("quality.unmatched_exits", become(0), "daily data_quality.unmatched_exits", LAST_DAY),
    Tampering(
        "quality.unmatched_lines.0.quantity",
        more,
        "daily data_quality.unmatched_lines.0.quantity",
        LAST_DAY,
    ),
]


@pytest.mark.parametrize("tampering", CHECKPOINTS, ids=str)
def test_a_tampered_checkpoint_lot_or_side_is_found(fills: Place, tampering: Tampering) -> None:
    tamper(fills, tampering)
    assert tampering.found in fields(fills)


def test_a_lot_tampered_with_shows_in_the_trades_that_close_it_later(fills: Place) -> None:
    tamper(fills, Tampering(f"{LOT}.3", become("50"), "", inside="book"))
    for day in (NEXT_DAY, LAST_DAY):
        fills.aggregate_path(day).unlink()
    found = fields(fills)
    assert {"daily realized_pnl", "weekly realized_pnl"} <= set(found)


def test_a_day_missing_from_files_and_index_is_read_again_and_nothing_differs(
    fills: Place,
) -> None:
    index = fills.output / "performance-index.json"
    known = json.loads(index.read_bytes())
    opening, closing = known["days"][str(NEXT_DAY)][1:3]
    assert opening != closing
    # As if the day took its positions on unchanged.
    known["days"][str(NEXT_DAY)][2] = opening
    index.write_text(json.dumps(known))
    assert fields(fills) == []
    del known["days"][str(NEXT_DAY)], known["logs"][f"{NEXT_DAY}.jsonl"]
    index.write_text(json.dumps(known))
    fills.aggregate_path(NEXT_DAY).unlink()
    assert fields(fills) == []
    assert [fills.summary(Window.DAILY, day).realized_pnl for day in DAYS] == [0, 3, 4]


# --- its own arithmetic -------------------------------------------------------------------------


MISTAKES: Final[dict[str, tuple[object, str, Callable[[Any], Any]]]] = {
    "trades lost from the stats": (
        trade_stats.TradeStats,
        "of",
        lambda _: classmethod(
            lambda cls, trades: cls(total_wins=sum(trade.outcome == "win" for trade in trades))
        ),
    ),
    "a drawdown of nothing": (
        trade_stats.Drawdown,
        "of",
        lambda _: classmethod(lambda cls, pnls: cls(total=sum(pnls, Decimal(0)))),
    ),
    "open records lost": (open_book.OpenBook, "of", lambda _: classmethod(lambda cls, _: cls())),
    "a ratio rounded otherwise": (
        metrics,
        "divide_or_none",
        lambda divide: (
            lambda numerator, denominator: (
                divide(numerator, denominator) and divide(numerator, denominator) + Decimal("1e-6")
            )
        ),
    ),
    "a millionth more of luck in wins": (
        verdicts,
        "binomial_tail",
        lambda tail: lambda *counts: tail(*counts) - Decimal("1e-6"),
    ),
    "luck asked about P&L over too few trades": (
        verdicts,
        "pnl_tail",
        lambda _: lambda *_: Decimal("0.5"),
    ),
    "an edge rounded too early": (edge, "_PUBLISHED", lambda _: Context(2)),
    "misses that are never luck": (
        verdicts,
        "_could_be_luck",
        lambda _: lambda *_: False,
    ),
    "an interval too wide": (
        metrics,
        "wilson_interval",
        lambda interval: lambda wins, trades: (interval(wins, trades)[0], Decimal(1)),
    ),
    "reward over risk the wrong way round": (
        trade_lines,
        "planned_reward_risk",
        lambda ratio: lambda price, stop, target: ratio(price, target, stop),
    ),
    "labels that never conflict": (log_reading, "_label_conflicts", lambda _: lambda _: False),
    "a day that starts an hour late": (
        metrics,
        "end_of_day",
        lambda end: lambda day, zone: end(day, zone) + timedelta(hours=1),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_arithmetic_of_the_pipeline_is_found(
    materialized: Place, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    # Without a stored aggregate everything is read again, under the mistake.
    unread = materialized.under(OUTPUT_DIR=str(materialized.log_dir / "none"))
    assert fields(unread) == []
    target, name, changed = MISTAKES[mistake]
    monkeypatch.setattr(target, name, changed(getattr(target, name)))
    assert fields(unread) != []


def test_what_is_shared_with_the_pipeline_is_what_the_module_says() -> None:
    shared = {
        (str(node.module).removeprefix("performance_pipeline."), name.name)
        for module in Path(recount.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(module.read_bytes()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("performance_pipeline.")
        for name in node.names
    }
    assert {one for one in shared if not one[0].startswith("pipeline.recount.")} == {
        # What a field must look like, and the one reason that is not about a field alone.
        ("domain.line_fields", "read_fields"),
        ("domain.trade_lines", "NEEDS_PNL"),
        # Containers of facts counted apart, to be worded as warnings.
        ("domain.aggregate", "DailyAggregate"),
        ("domain.aggregate", "LogRecords"),
        ("domain.aggregate", "Quality"),
        ("domain.quality", "data_quality"),
        # Which days, which logs, which lines, which sessions.
        ("domain.windows", "Period"),
        ("domain.windows", "Window"),
        ("pipeline.tracker", "PerformanceTracker"),
        ("storage.logs", "LogContent"),
        ("storage.logs", "LogFile"),
        ("storage.logs", "UnreadableLogError"),
        ("storage.logs", "log_name"),
        ("storage.sessions", "market_sessions"),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-5), "-5"),
        (Fraction(1, 4), "0.25"),
        (Fraction(-1, 1000), "-0.001"),
        (Fraction(100), "100"),
        (Fraction(10**15 * 8 + 1, 8), "1000000000000000.125"),
    ],
)
def test_a_number_is_written_with_just_its_decimals(value: Fraction, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (1, 0, None),
        (0, 3, "0"),
        (2, 3, "0.666667"),
        (-1, 3, "-0.333333"),
        (1, 2_000_000, "0"),  # half a millionth: to the even neighbour
        (3, 2_000_000, "0.000002"),
        (-3, 2_000_000, "-0.000002"),
    ],
)
def test_a_ratio_is_rounded_once_half_to_even(
    numerator: int, denominator: int, text: str | None
) -> None:
    assert ratio(numerator, denominator) == text


# --- no false alarm -------------------------------------------------------------------------------


def test_a_byte_order_mark_counts_as_nothing_only_at_the_start_of_a_file(tmp_path: Path) -> None:
    here = place(tmp_path)
    for content, accepted in ((BOM + log(line()), 1), (b" " + BOM + log(line()), 0)):
        here.write_bytes(DAY, content)
        assert here.summary().data_quality.accepted == accepted
        assert list(verify(here.tracker(), periods_of(DAY, DAY))) == []


@st.composite
def filters(draw: st.DrawFn, folder: LogFolder) -> dict[str, str]:
    return {
        "SUMMARY_TIMEZONE": draw(
            st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo", "Africa/Cairo"))
        ),
        "ALERT_ROLLING_WINDOW": str(draw(st.sampled_from((1, 3, 20)))),
        "START_DATE": str(draw(st.sampled_from((date(2025, 1, 1), *folder.days[1:2])))),
        "EXECUTION_MODE": draw(st.sampled_from(("ALL", "ALL", "LIVE", "PAPER"))),
        "ACCOUNT": draw(st.sampled_from(("", "", "U1"))),
        "MARKET_CALENDAR": draw(st.sampled_from(("none", "24/7"))),
        "TRADE": draw(st.sampled_from(("exit", "flat"))),
        "SHORT_SELLING": draw(st.sampled_from(("yes", "no"))),
    }


@pytest.mark.parametrize("pairing", ["none", "fifo", "lifo"])
@examples(50)
@given(data=st.data())
def test_no_log_however_odd_makes_the_two_differ(pairing: str, data: st.DataObject) -> None:
    folder = data.draw(folders(of_fills=pairing != "none"))
    now = data.draw(moments(folder))
    rules = data.draw(filters(folder)) | {"PAIRING": pairing}
    with TemporaryDirectory() as temporary:
        here = place(Path(temporary) / "logs", **rules)
        (Path(temporary) / "targets.yaml").write_text(
            "win_rate_target: 50\ndaily_pl_target: 1\nalerts: {confidence: 0.8}\n"
        )
        here = here.under(TARGETS_FILE=str(Path(temporary) / "targets.yaml"))
        for day, content in folder.logs.items():
            set_modified(here.write_bytes(day, content), 1_700_000_000_000_000_000)
        if data.draw(st.booleans()):
            here.materialize(*folder.days, now=now)
        periods = periods_of(folder.days[0] - ONE_DAY, folder.days[-1] + ONE_DAY)
        periods.append(Period.spanning(folder.days[0], folder.days[-1]))
        assert [str(found) for found in verify(here.tracker(now), periods)] == []
