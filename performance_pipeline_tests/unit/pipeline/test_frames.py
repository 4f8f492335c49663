"""DataFrames for notebooks: exact, typed, and equal to the summaries."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline import PerformanceTracker, load_summaries, load_trades
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline.storage.logs import UnreadableLogError
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    ABSENT,
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    Place,
    Raw,
    at,
    line,
    loss,
    opened,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.strategies import folders

ACCOUNT: Final = "ACC-4711"
LAST_DAY: Final = DAY + 2 * ONE_DAY
DECIMALS: Final = (
    "pnl",
    "unrealized_pnl",
    "commission",
    "slippage",
    "planned_risk_reward",
    "hold_seconds",
)
TRADE_DTYPES: Final = {
    "instant": "datetime64[us, UTC]",
    "trading_day": "object",
    "file": "string",
    "line": "int64",
    "symbol": "string",
    "side": "string",
    "quantity": "object",
    "price": "object",
    "strategy": "string",
    "execution_mode": "string",
    "order_id": "string",
    "outcome": "string",
    "position": "string",
    "entered_at": "datetime64[us, UTC]",
    "exited_at": "datetime64[us, UTC]",
    "entry_file": "string",
    "entry_line": "int64",
    **dict.fromkeys(DECIMALS, "object"),
    "still_open": "bool",
    "misdated": "bool",
}


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    here = place(tmp_path / "logs")
    here.write(DAY, *session("0.1", "0.2", "-1e2", account_id=ACCOUNT), opened("3", order_id="A"))
    here.write(LAST_DAY, *session("1", "-2", day=LAST_DAY), b"not json")
    return here


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def total(values: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=500):
        return sum(values, Decimal(0))


# --- summaries --------------------------------------------------------------------------------


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_each_row_is_the_summary_of_its_period(logs: Place, window: Window) -> None:
    tracker = logs.tracker()
    frame = load_summaries(window, DAY, LAST_DAY, tracker)
    assert len(frame) == (3 if window in (Window.DAILY, Window.ROLLING) else 1)
    for row in frame.to_dict("records"):
        summary = tracker.get_summary(window, row.pop("period"))
        assert row.pop("data_quality") == summary.data_quality.status
        for name, value in row.items():
            told = getattr(summary, str(name))
            expected = None if told is msgspec.UNSET else told
            assert expected == value or (expected is None and pd.isna(value)), name


def test_every_number_of_a_summary_has_its_column(logs: Place) -> None:
    summary = logs.summary()
    numbers = {
        name
        for name in PerformanceSummary.__struct_fields__
        if isinstance(getattr(summary, name), int | Decimal) and name != "schema_version"
    }
    assert numbers <= set(load_summaries("daily", DAY, DAY, logs.tracker()).columns)


def test_money_is_decimal_counts_are_int64_and_undefined_is_none(logs: Place) -> None:
    frame = load_summaries("daily", DAY, LAST_DAY, logs.tracker())
    kinds = dtypes(frame)
    assert {kinds[name] for name in ("total_trades", "open_trades", "trading_days")} == {"int64"}
    assert kinds["starts_at"] == kinds["ends_at"] == "datetime64[us, UTC]"
    assert kinds["running"] == "bool"
    assert {kinds[name] for name in ("streak_type", "alert_status")} == {"string"}
    assert list(frame["realized_pnl"]) == [Decimal("-99.7"), Decimal(0), Decimal(-1)]
    assert {type(value) for value in frame["realized_pnl"]} == {Decimal}
    # The day in between has no trade, the first one no loss that is planned.
    assert frame["win_rate"][1] is None
    assert set(frame["avg_risk_reward_ratio"]) == {None}
    assert frame["period"].tolist() == [DAY, NEXT_DAY, LAST_DAY]


def test_instants_are_in_the_summary_time_zone(logs: Place) -> None:
    tracker = logs.under(SUMMARY_TIMEZONE="America/New_York").tracker()
    assert dtypes(load_summaries("daily", DAY, DAY, tracker))["starts_at"] == (
        "datetime64[us, America/New_York]"
    )
    instants = load_trades(DAY, DAY, tracker)["instant"]
    assert instants[0].isoformat() == "2025-06-10T10:00:00-04:00"


def test_a_rolling_window_without_trades_has_no_start(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY)
    frame = load_summaries("rolling", DAY, DAY, here.tracker())
    assert frame["starts_at"].isna().all()
    assert frame["start_date"].tolist() == [None]


def test_days_before_the_first_partition_and_after_today_have_no_row(logs: Place) -> None:
    tracker = logs.under(START_DATE=str(NEXT_DAY)).tracker()
    frame = load_summaries("daily", "2000-01-01", "2099-01-01", tracker)
    assert [frame["period"].min(), frame["period"].max()] == [NEXT_DAY, LATER.date()]


@pytest.mark.parametrize(
    ("window", "day"), [("hourly", "2025-06-10"), ("range", "2025-06-10"), ("daily", "June")]
)
def test_what_is_no_window_or_no_date_is_a_value_error(logs: Place, window: str, day: str) -> None:
    with pytest.raises(ValueError, match=r"^(window|start)="):
        load_summaries(window, day, "2025-06-11", logs.tracker())


# --- trades -----------------------------------------------------------------------------------


def test_trades_say_what_they_are_and_where_they_stand(logs: Place) -> None:
    frame = load_trades(DAY, LAST_DAY, logs.tracker())
    assert dtypes(frame) == TRADE_DTYPES
    assert frame[["file", "line", "outcome"]].values.tolist() == [
        ["2025-06-10.jsonl", 1, "win"],
        ["2025-06-10.jsonl", 2, "win"],
        ["2025-06-10.jsonl", 3, "loss"],
        ["2025-06-10.jsonl", 4, "open"],
        ["2025-06-12.jsonl", 1, "win"],
        ["2025-06-12.jsonl", 2, "loss"],
    ]
    assert frame["pnl"].tolist() == [
        Decimal(text) for text in ("0.1", "0.2", "-1e2", "0", "1", "-2")
    ]
    assert frame["unrealized_pnl"].tolist() == [Decimal(text) for text in "000300"]
    assert frame["still_open"].tolist() == [False, False, False, True, False, False]


def test_trades_stand_in_the_order_in_which_they_count(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(
        DAY,
        win("1", f"{DAY}T15:00:00Z"),
        win("2", "2025-06-10T10:30:00-05:00"),
        win("3", f"{DAY}T09:00:00Z", exit_timestamp=f"{DAY}T15:10:00Z"),
        win("4", "2025-06-11T09:00:00Z"),
        loss("-5", f"{DAY}T15:00:00Z"),
    )
    frame = load_trades(DAY, DAY, here.tracker())
    assert [int(pnl) for pnl in frame["pnl"]] == [1, -5, 3, 2, 4]
    assert frame["misdated"].tolist() == [False, False, False, False, True]
    assert frame["instant"].iloc[-1].isoformat() == "2025-06-10T23:59:59.999999+00:00"


def test_a_later_record_of_an_order_supersedes_an_open_one(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, opened("1", order_id="A"), opened("2", order_id="B"), opened(None))
    here.write(NEXT_DAY, win("9", f"{NEXT_DAY}T10:00:00Z", order_id="A"))
    frame = load_trades(DAY, NEXT_DAY, here.tracker())
    assert frame["still_open"].tolist() == [False, True, True, False]
    assert load_trades(DAY, DAY, here.tracker())["still_open"].tolist() == [True, True, True]
    assert frame["pnl"].tolist() == [Decimal(0), Decimal(0), Decimal(0), Decimal(9)]
    assert frame["unrealized_pnl"].tolist() == [Decimal(1), Decimal(2), None, Decimal(0)]


def test_sums_cumulated_sums_and_sums_by_group_hold_with_open_records_of_unknown_p_and_l(
    tmp_path: Path,
) -> None:
    here = place(tmp_path / "logs")
    here.write(
        DAY,
        win("0.1", at("10:00")),
        opened(None, at("11:00"), symbol="MSFT", commission="0.3"),
        loss("-0.3", at("12:00"), symbol="MSFT"),
        win("0.2", at("13:00"), stop_loss="95", target="110", hold_duration_seconds="7"),
    )
    trades = load_trades(DAY, DAY, here.tracker())
    assert trades.pnl.sum() == 0
    assert trades.pnl.cumsum().tolist() == [Decimal(text) for text in ("0.1", "0.1", "-0.2", "0.0")]
    assert trades.groupby("symbol").pnl.sum().to_dict() == {
        "AAPL": Decimal("0.3"),
        "MSFT": Decimal("-0.3"),
    }
    for name in ("quantity", "price", "commission", "slippage"):
        assert all(isinstance(value, Decimal) for value in trades[name].cumsum())
        assert all(isinstance(value, Decimal) for value in trades.groupby("symbol")[name].sum())
    assert trades.commission.sum() == Decimal("0.3")
    assert trades.hold_seconds.dropna().sum() == 7


def test_a_trade_says_what_was_ordered_and_when_it_was_entered_and_left(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(
        DAY,
        win("1", at("10:00"), action="SELL", quantity="2.5", price=Raw("99.10")),
        win("1", at("09:00"), exit_timestamp=at("11:00")),
        opened("1", at("12:00")),
    )
    rows = load_trades(DAY, DAY, here.tracker())
    assert rows[["side", "quantity", "price"]].values.tolist()[0] == [
        "SELL",
        Decimal("2.5"),
        Decimal("99.1"),
    ]
    shown = rows[["entered_at", "exited_at"]].map(lambda at: "" if at is pd.NaT else f"{at:%H:%M}")
    assert shown.values.tolist() == [["", "10:00"], ["09:00", "11:00"], ["12:00", ""]]


def test_a_trade_made_of_fills_names_the_lines_that_closed_and_opened_it(tmp_path: Path) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo", TRADE="exit")
    here.write(
        DAY,
        opened(None, at("10:00"), symbol="MSFT"),
        opened(None, at("10:00"), quantity="1", price="100"),
        opened(None, at("10:00"), quantity="2", price="101", strategy_name="second"),
    )
    sell = {"action": "SELL", "price": "103", "order_id": "out"}
    here.write(
        NEXT_DAY,
        b"{",
        opened(None, at("10:00", NEXT_DAY), quantity="1", **sell),
        opened(None, at("11:00", NEXT_DAY), quantity="1", **sell),
    )
    rows = load_trades(NEXT_DAY, NEXT_DAY, here.tracker())
    columns = ["file", "line", "entry_file", "entry_line", "side", "position", "strategy"]
    first, second = f"{DAY}.jsonl", f"{NEXT_DAY}.jsonl"
    assert rows[columns].values.tolist() == [
        [second, 2, first, 2, "SELL", "long", "momentum"],
        [second, 3, first, 3, "SELL", "long", "second"],
    ]
    assert rows.pnl.tolist() == [Decimal(3), Decimal(2)]
    assert rows.entered_at.dt.day.tolist() == [DAY.day, DAY.day]
    both = load_trades(DAY, NEXT_DAY, here.tracker())
    left = both[both.still_open]
    assert left[["symbol", "line", "outcome"]].values.tolist() == [
        ["MSFT", 1, "open"],
        ["AAPL", 3, "open"],
    ]
    assert left.quantity.tolist() == [Decimal(10), Decimal(1)]
    assert both.pnl.sum() == here.tracker().get_range(DAY, NEXT_DAY).realized_pnl


def test_what_does_not_count_is_not_there_and_no_account_is(logs: Place) -> None:
    logs.write(NEXT_DAY, *session("5", "5", day=NEXT_DAY)[:1] * 2, line(price="x"))
    assert len(load_trades(NEXT_DAY, NEXT_DAY, logs.tracker())) == 1
    one = load_trades(DAY, LAST_DAY, logs.under(ACCOUNT=ACCOUNT).tracker())
    assert len(one) == 3
    assert ACCOUNT not in one.to_csv()
    assert "account" not in " ".join(one.columns)


def test_names_that_are_absent_are_empty(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, line(strategy_name=ABSENT, execution_mode=None, order_id=None))
    [row] = load_trades(DAY, DAY, here.tracker()).to_dict("records")
    assert [row["strategy"], row["execution_mode"], row["order_id"]] == ["", "", ""]


def test_the_unfinished_line_of_today_is_not_there(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    today = LATER.date()
    here.write_bytes(today, b"\n".join(session("1", "2", day=today)))
    assert len(load_trades(today, today, here.tracker())) == 1


def test_a_log_that_disappeared_is_told_and_one_that_cannot_be_read_is_an_error(
    logs: Place,
) -> None:
    logs.materialize(DAY, LAST_DAY)
    logs.path(DAY).unlink()
    with pytest.warns(UserWarning, match=r"disappeared.*: 2025-06-10\.jsonl"):
        assert len(load_trades(DAY, LAST_DAY, logs.tracker())) == 2
    logs.path(LAST_DAY).unlink()
    logs.path(LAST_DAY).mkdir()
    with pytest.raises(UnreadableLogError, match=r"2025-06-12\.jsonl"):
        load_trades(LAST_DAY, LAST_DAY, logs.tracker())


@pytest.mark.parametrize(
    ("start", "end"),
    [(NEXT_DAY, NEXT_DAY), (LAST_DAY, DAY), (date(2000, 1, 1), date(2000, 1, 2))],
    ids=["no log", "backwards", "before everything"],
)
def test_an_empty_range_has_the_same_columns_and_dtypes(
    logs: Place, start: date, end: date
) -> None:
    empty = load_trades(start, end, logs.tracker())
    assert (len(empty), dtypes(empty)) == (0, TRADE_DTYPES)
    if start > end or end.year == 2000:
        rows = load_summaries("weekly", start, end, logs.tracker())
        full = load_summaries("weekly", DAY, DAY, logs.tracker())
        assert (len(rows), dtypes(rows)) == (0, dtypes(full))


def test_lines_are_named_without_the_kept_fills_and_without_the_log_but_not_without_both(
    tmp_path: Path,
) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo", SUMMARY_TIMEZONE="America/New_York")
    # One evening in New York, over two logs.
    here.write(DAY, opened(None, at("23:00"), price="100"))
    sell = opened(None, at("01:00", NEXT_DAY), price="103", action="SELL")
    here.write(NEXT_DAY, b"{", sell)
    here.materialize(DAY, NEXT_DAY)
    named = [f"{NEXT_DAY}.jsonl", 2, f"{DAY}.jsonl", 1]
    columns = ["file", "line", "entry_file", "entry_line"]

    def rows() -> list[list[object]]:
        found: list[list[object]] = load_trades(DAY, DAY, here.tracker())[columns].values.tolist()
        return found

    assert rows() == [named]
    kept = {path: path.read_bytes() for path in (here.output / "fills").iterdir()}
    for path in kept:
        path.unlink()
    assert rows() == [named]
    here.path(NEXT_DAY).unlink()
    with pytest.raises(UnreadableLogError, match="its fills are not kept any more"):
        rows()
    for path, content in kept.items():
        path.write_bytes(content)
    assert rows() == [named]


@pytest.mark.parametrize("pairing", ["none", "fifo", "lifo"])
@examples(25)
@given(data=st.data())
def test_sums_over_the_trades_are_the_summary_s_numbers(pairing: str, data: st.DataObject) -> None:
    folder = data.draw(folders(of_fills=pairing != "none"))
    zone = data.draw(st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo")))
    rules = {"PAIRING": pairing, "TRADE": data.draw(st.sampled_from(("exit", "flat")))}
    with TemporaryDirectory() as temporary:
        here = place(
            Path(temporary) / "logs", SUMMARY_TIMEZONE=zone, START_DATE="2024-12-01", **rules
        )
        for day, content in folder.logs.items():
            here.write_bytes(day, content)
        tracker = here.tracker(LATER.replace(year=2026))
        first, last = folder.days[0] - ONE_DAY, folder.days[-1] + ONE_DAY
        summary = tracker.get_range(first, last)
        trades = load_trades(first, last, tracker)
        closed, still_open = trades[trades.outcome != "open"], trades[trades.still_open]
        if pairing == "none":
            assert len(trades) == summary.data_quality.accepted
            assert trades.misdated.sum() == summary.data_quality.misdated
        assert total(closed.pnl) == summary.realized_pnl
        assert total(closed.commission) == summary.commission
        assert total(closed.slippage) == summary.slippage
        assert len(closed) == summary.total_trades
        assert len(still_open) == summary.open_trades
        if summary.unrealized_pnl is not None:
            assert total(still_open.unrealized_pnl) == summary.unrealized_pnl
        days = load_summaries("daily", first, last, tracker)
        assert total(days.realized_pnl) == summary.realized_pnl
        assert days.total_trades.sum() == summary.total_trades


# --- whose logs -------------------------------------------------------------------------------


def test_settings_come_from_the_environment_unless_a_tracker_is_given(
    logs: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in logs.environment.items():
        monkeypatch.setenv(name, value)
    assert len(load_trades(str(DAY), str(LAST_DAY))) == 6
    assert PerformanceTracker().get_summary(Window.DAILY, DAY).total_trades == 3


def test_a_tracker_takes_a_folder_of_logs_and_keeps_what_it_writes_with_them(
    logs: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERFORMANCE_START_DATE", "2025-01-01")
    monkeypatch.setenv("PERFORMANCE_LOG_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("PERFORMANCE_OUTPUT_DIR", str(tmp_path / "other" / "out"))
    for folder in (logs.log_dir, str(logs.log_dir)):
        tracker = PerformanceTracker(folder)
        assert tracker.get_summary("daily", DAY).total_trades == 3
        assert tracker.settings.output_dir == logs.log_dir / "performance"
    with pytest.raises(TypeError, match=r"^settings=7: accepted are Settings, or the folder"):
        PerformanceTracker(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hourly", DAY, DAY), "window='hourly': accepted is one of daily, weekly, monthly"),
        (("range", DAY, DAY), "window='range': accepted is one of daily"),
        (("daily", "2025-6-1", DAY), "start='2025-6-1': accepted is a date, or text such as"),
        (("daily", DAY, None), "end=None: accepted is a date, or text such as 2025-06-10"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named_with_what_is_accepted(
    logs: Place, arguments: tuple[Any, Any, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        load_summaries(*arguments, logs.tracker())
    window, start, end = arguments
    attempts: list[Callable[[], object]] = (
        [lambda: logs.tracker().get_summary(window, start)]
        if said.startswith("window")
        else [
            lambda: load_trades(start, end, logs.tracker()),
            lambda: logs.tracker().get_range(start, end),
        ]
    )
    for attempt in attempts:
        with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
            attempt()


def test_a_day_may_be_text_a_date_or_an_instant(logs: Place) -> None:
    tracker = logs.tracker()
    found = tracker.get_summary("daily", DAY)
    assert found.total_trades == 3
    noon = datetime.combine(DAY, time(12))
    for day in (str(DAY), noon, pd.Timestamp(noon)):
        assert tracker.get_summary(Window.DAILY, day) == found
        assert tracker.get_range(day, day).total_trades == 3
        assert len(load_trades(day, day, tracker)) == 4
    with pytest.raises(ValueError, match=r"^day='x': accepted is a date"):
        tracker.get_summary("daily", "x")


def test_amounts_of_summaries_that_add_up_are_defined_in_every_row(logs: Place) -> None:
    days = load_summaries("daily", DAY, LAST_DAY, logs.tracker())
    for name in ("realized_pnl", "gross_profit", "gross_loss", "commission", "slippage"):
        assert {type(value) for value in days[name]} == {Decimal}
        assert days[name].cumsum().iloc[-1] == days[name].sum()
    assert days.realized_pnl.sum() == Decimal("-100.7")
