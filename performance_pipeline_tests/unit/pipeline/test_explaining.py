"""Alerts explained: from an id to the trades that made it so, which add up exactly."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from performance_pipeline.domain.alerts import AlertEvent, UnknownAlertError
from performance_pipeline.domain.explanation import Cause, Explanation
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.summary import EdgeReading
from performance_pipeline.domain.targets import METRICS
from performance_pipeline.domain.verdicts import published_metric
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.pipeline.explaining import AlertHistory, Explainer, history_of
from performance_pipeline.reports.explanation_wording import (
    asked_sentence,
    found_sentences,
    since_sentence,
)
from performance_pipeline.storage.plain_json import encode_plain
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    Place,
    at,
    breakeven,
    line,
    loss,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.schemas import schema, validator
from performance_pipeline_tests.support.strategies import folders

VALIDATOR: Final = validator("explanation")
EVERY_METRIC: Final = [
    (window, metric) for window in PARTITIONED_WINDOWS for metric in METRICS[window].values()
]
LAST_DAY: Final = DAY + 2 * ONE_DAY


def breach(
    window: Window,
    metric: str,
    target: str,
    *,
    day: date = DAY,
    actual: str | None = "0",
    raised_at: datetime = LATER,
    **changes: object,
) -> AlertEvent:
    period = Period.of(window, day)
    return alert(
        id=f"{window}-{period.key}-{metric}-1",
        window=window,
        period=period.key,
        start_date=period.first_day,
        end_date=period.last_day,
        metric=metric,
        actual=None if actual is None else Decimal(actual),
        target=Decimal(target),
        raised_at=raised_at,
        asset_key=f"{window}_summary",
        **changes,
    )


def explained(logs: Place, raised: AlertEvent, now: datetime = LATER) -> Explanation:
    explanation = Explainer(logs.tracker(now)).explain(AlertHistory(raised, raised))
    VALIDATOR.validate(json.loads(encode_plain(explanation)))
    return explanation


def fractions(values: Sequence[Decimal | None]) -> Fraction:
    return sum((Fraction(value) for value in values if value is not None), Fraction(0))


def rounded(value: Fraction) -> Fraction:
    """To the 6 decimals of a ratio, half to even."""
    return Fraction(round(value * 10**6), 10**6)


def by_hand(explanation: Explanation) -> Fraction | None:
    """The metric, from the listed trades alone, in fractions."""
    trades = explanation.trades
    pnl = fractions([trade.pnl for trade in trades])
    days = len({trade.instant.date() for trade in trades})
    ratios = [one.planned_risk_reward for one in trades if one.planned_risk_reward is not None]
    match explanation.asked.metric:
        case "win_rate":
            wins = sum(trade.outcome == "win" for trade in trades)
            return rounded(Fraction(wins, len(trades))) if trades else None
        case "avg_risk_reward_ratio":
            return rounded(fractions(ratios) / len(ratios)) if ratios else None
        case "realized_pnl":
            return pnl
        case "avg_daily_pnl":
            return rounded(pnl / days) if days else None
        case "total_trades":
            return Fraction(len(trades))
        case "trades_per_day":
            return rounded(Fraction(len(trades), days)) if days else None
        case _:
            return fractions([trade.pnl for trade in explanation.causing])


# --- each metric and window ----------------------------------------------------------------------


def fraction(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def assert_it_adds_up(explanation: Explanation, published: Decimal | None) -> None:
    """Trades come to the actual, groups and running totals to the trades."""
    found, trades, causing = explanation.found, explanation.trades, explanation.causing
    assert explanation.complete
    assert (found.actual, fraction(found.actual)) == (published, by_hand(explanation))
    assert fractions([found.realized_pnl]) == fractions([trade.pnl for trade in trades])
    assert fraction(found.effect) in (None, fractions([trade.effect for trade in causing]))
    highest = total = Fraction(0)
    for trade in trades:
        total += Fraction(trade.pnl)
        highest = max(highest, total)
        assert Fraction(trade.running_total) == total
        assert Fraction(trade.below_peak) == total - highest
    for causes in (
        explanation.by_strategy,
        explanation.by_symbol,
        explanation.by_hour,
        explanation.by_day,
    ):
        assert_groups_add_up(causes, explanation)
    fall = explanation.fall
    if explanation.asked.metric == "peak_drawdown":
        # From the highest point of all, so all of its trades are listed, and no other.
        assert (fall is None) == (not trades)
        assert fall is None or (fall.first, fall.total_trades) == (0, len(trades))
    else:
        assert (fall is None) == (found.max_drawdown == 0)
        assert fall is None or fall.depth == min(trade.below_peak for trade in trades)
    if fall is not None:
        lost = trades[fall.first : fall.first + fall.total_trades]
        assert fall.depth == fractions([trade.pnl for trade in lost])
        assert fraction(fall.depth) == Fraction(fall.trough) - Fraction(fall.peak)


def assert_groups_add_up(causes: Sequence[Cause], explanation: Explanation) -> None:
    causing = explanation.causing
    assert fractions([cause.realized_pnl for cause in causes]) == fractions(
        [trade.pnl for trade in causing]
    )
    assert sum(cause.total_trades for cause in causes) == len(causing)
    if explanation.found.effect is not None:
        assert fractions([cause.effect for cause in causes]) == explanation.found.effect


@pytest.mark.parametrize("pairing", ["none", "fifo", "lifo"])
@given(data=st.data())
@settings(max_examples=often(60, usual=6))
def test_the_trades_of_any_window_add_up_to_its_metric_to_the_digit(
    pairing: str, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=pairing != "none"))
    rules = {"PAIRING": pairing, "TRADE": data.draw(st.sampled_from(("exit", "flat")))}
    with TemporaryDirectory() as root:
        here = place(
            Path(root) / "logs",
            **rules,
            SHORT_SELLING=data.draw(st.sampled_from(("yes", "no"))),
            ALERT_ROLLING_WINDOW=str(data.draw(st.integers(1, 5))),
            SUMMARY_TIMEZONE=data.draw(st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo"))),
        )
        for day, content in folder.logs.items():
            here.write_bytes(day, content)
        now = datetime(2027, 1, 1, tzinfo=UTC)
        tracker = here.tracker(now)
        explainer = Explainer(tracker)
        day = data.draw(st.sampled_from(folder.days))
        target = data.draw(st.sampled_from(("0.6", "-3.25", "1e2")))
        for window, metric in EVERY_METRIC:
            raised = breach(window, metric, target, day=day, raised_at=now)
            explanation = explainer.explain(AlertHistory(raised, raised))
            VALIDATOR.validate(json.loads(encode_plain(explanation)))
            summary = tracker.get_summary(window, day)
            assert_it_adds_up(explanation, published_metric(summary, metric))
            if metric != "peak_drawdown":
                assert explanation.found.total_trades == summary.total_trades
            lines = [(trade.file, trade.line) for trade in explanation.trades]
            assert len(lines) == len({*lines})


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    """Five trades on Tuesday, three on Wednesday: 2 + 1 won of 8, P&L -7.75."""
    here = place(tmp_path / "logs", ALERT_ROLLING_WINDOW="4")
    here.write(
        DAY,
        win("10.25", at("09:00"), symbol="AAPL", stop_loss="95", target="110"),
        loss("-4", at("09:30"), symbol="TSLA", strategy_name="reversal"),
        breakeven(at("10:00"), symbol="AAPL"),
        loss("-12.5", at("10:30"), symbol="TSLA", stop_loss="90", target="105"),
        win("1.25", at("11:00"), symbol="AAPL"),
    )
    here.write(
        NEXT_DAY,
        *session("-2", "-3.75", "3", day=NEXT_DAY, strategy_name="reversal", symbol="AAPL"),
    )
    return here


def test_a_win_rate_says_how_many_more_wins_would_have_met_it(logs: Place) -> None:
    why = explained(logs, breach(Window.DAILY, "win_rate", "0.6", actual="0.4"))
    assert (why.found.actual, why.found.variance) == (Decimal("0.4"), Decimal("-0.2"))
    assert why.missing.wins == 1
    # Each trade is worth what it is above or below the 0.6 wins that it should have been.
    assert [(one.name, one.effect) for one in why.by_symbol] == [
        ("TSLA", Decimal("-1.2")),
        ("AAPL", Decimal("0.2")),
    ]
    assert why.found.effect == Decimal("-1.0")


@pytest.mark.parametrize(("target", "wins"), [("0.4", None), ("0.41", 1), ("1", 3), ("1.01", None)])
def test_more_wins_are_none_where_it_is_met_or_where_no_number_would_do(
    logs: Place, target: str, wins: int | None
) -> None:
    why = explained(logs, breach(Window.DAILY, "win_rate", target))
    assert why.missing.wins == wins


def test_a_published_rate_is_rounded_and_so_is_what_would_have_met_it(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, *session("1", "-1", "-1"))
    # 2 of 3 is 0.6666..., published as 0.666667, which meets a target of just that.
    assert explained(here, breach(Window.DAILY, "win_rate", "0.666667")).missing.wins == 1


def test_pnl_says_what_each_trade_and_hour_cost(logs: Place) -> None:
    why = explained(logs, breach(Window.DAILY, "realized_pnl", "5", actual="-5"))
    assert (why.found.actual, why.missing.money) == (Decimal("-5.00"), Decimal("10.00"))
    assert [(one.name, one.effect) for one in why.by_hour] == [
        ("10:00", Decimal("-12.5")),
        ("11:00", Decimal("1.25")),
        ("09:00", Decimal("6.25")),
    ]
    assert [trade.line for trade in why.trades] == [1, 2, 3, 4, 5]
    assert {trade.file for trade in why.trades} == {"2025-06-10.jsonl"}


def test_pnl_a_day_is_told_by_day_and_as_money_over_all_days(logs: Place) -> None:
    why = explained(logs, breach(Window.WEEKLY, "avg_daily_pnl", "1", actual="-3.875"))
    assert (why.found.actual, why.found.trading_days) == (Decimal("-3.875"), 2)
    assert why.missing.money == Decimal("9.75")
    assert [(one.name, one.effect) for one in why.by_day] == [
        (str(DAY), Decimal("-5")),
        (str(NEXT_DAY), Decimal("-2.75")),
    ]


def test_planned_reward_and_risk_are_told_of_the_trades_that_have_a_plan(logs: Place) -> None:
    why = explained(logs, breach(Window.MONTHLY, "avg_risk_reward_ratio", "2", actual="1.25"))
    assert (why.found.actual, why.found.risk_reward_trades) == (Decimal("1.25"), 2)
    assert why.missing.risk_reward == Decimal("1.5")
    assert [one.effect for one in why.trades] == [0, None, None, Decimal("-1.5"), *[None] * 4]


@pytest.mark.parametrize(
    ("window", "metric", "target", "missing"),
    [
        (Window.DAILY, "total_trades", "7.5", 3),
        (Window.WEEKLY, "trades_per_day", "4.5", 1),
        (Window.WEEKLY, "trades_per_day", "4", None),
    ],
)
def test_a_count_says_how_many_more_trades_it_would_have_taken(
    logs: Place, window: Window, metric: str, target: str, missing: int | None
) -> None:
    why = explained(logs, breach(window, metric, target))
    assert why.missing.trades == missing
    assert fractions([one.effect for one in why.by_day]) == Fraction(
        why.found.total_trades
    ) - Fraction(target) * len(why.by_day)


def test_a_drawdown_is_told_from_peak_to_trough(logs: Place) -> None:
    why = explained(logs, breach(Window.WEEKLY, "max_drawdown", "-10", actual="-21"))
    # 10.25, 6.25, 6.25, -6.25, -5, -7, -10.75, -7.75
    assert why.fall is not None
    assert (why.fall.peak, why.fall.trough, why.fall.depth) == (
        Decimal("10.25"),
        Decimal("-10.75"),
        Decimal("-21"),
    )
    assert [f"{one.file}:{one.line}" for one in why.causing] == [
        *(f"{DAY}.jsonl:{number}" for number in (2, 3, 4, 5)),
        *(f"{NEXT_DAY}.jsonl:{number}" for number in (1, 2)),
    ]
    assert [(one.name, one.effect) for one in why.by_strategy] == [
        ("momentum", Decimal("-11.25")),
        ("reversal", Decimal("-9.75")),
    ]
    assert why.missing.money == Decimal("11")


def test_a_rolling_window_lists_its_last_trades_alone(logs: Place) -> None:
    raised = breach(Window.ROLLING, "win_rate", "0.6", day=NEXT_DAY, actual="0.5")
    why = explained(logs, raised)
    assert [f"{one.file}:{one.line}" for one in why.trades] == [
        f"{DAY}.jsonl:5",
        *(f"{NEXT_DAY}.jsonl:{number}" for number in (1, 2, 3)),
    ]
    assert why.found.actual == Decimal("0.5")
    assert [one.running_total for one in why.trades][-1] == Decimal("-1.50")


def test_a_trade_made_of_fills_names_the_line_that_opened_it(tmp_path: Path) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo")
    buy = {"outcome": None, "net_profit_loss": None, "quantity": "10", "price": "100"}
    here.write(DAY, b"", line(timestamp=at("10:00"), **buy))
    here.write(
        NEXT_DAY, line(timestamp=at("10:00", NEXT_DAY), **{**buy, "action": "SELL", "price": "97"})
    )
    why = explained(here, breach(Window.DAILY, "realized_pnl", "0", day=NEXT_DAY, actual="-30"))
    [trade] = why.trades
    assert (trade.file, trade.line) == (f"{NEXT_DAY}.jsonl", 1)
    assert (trade.entry_file, trade.entry_line) == (f"{DAY}.jsonl", 2)
    assert (trade.pnl, why.found.actual) == (Decimal("-30"), Decimal("-30"))


# --- what has changed since ----------------------------------------------------------------------


def test_trades_that_closed_after_it_are_counted_and_marked(logs: Place) -> None:
    raised = breach(
        Window.DAILY,
        "max_drawdown",
        "-3",
        actual="-4",
        raised_at=datetime(2025, 6, 10, 9, 30, 2, tzinfo=UTC),
    )
    why = explained(logs, raised)
    assert why.since is not None
    assert (why.since.trades_added, why.since.restated) == (3, False)
    assert [trade.after_raised for trade in why.trades] == [False, False, True, True, True]
    assert (why.since.actual, why.since.status, why.since.breached) == (
        Decimal("-16.5"),
        "not_checked",
        True,
    )


def test_a_trade_that_was_not_yet_written_when_it_was_raised_is_one_that_was_added(
    logs: Place,
) -> None:
    raised = breach(
        Window.DAILY,
        "max_drawdown",
        "-3",
        actual="-4",
        # Stamped a second before, and written after it was judged.
        raised_at=datetime(2025, 6, 10, 10, 30, 1, tzinfo=UTC),
    )
    why = explained(logs, raised)
    assert why.since is not None
    assert (why.since.trades_added, why.since.restated) == (2, False)


def test_logs_that_tell_something_else_by_now_are_restated(logs: Place) -> None:
    raised = breach(Window.DAILY, "realized_pnl", "5", actual="-17.5")
    why = explained(logs, raised)
    assert why.since is not None
    assert (why.since.restated, why.since.trades_added) == (True, None)
    assert why.raised.variance == Decimal("-22.5")
    assert why.found.variance == Decimal("-10.00")


def test_trades_of_a_clock_that_is_ahead_are_not_taken_for_restated(logs: Place) -> None:
    before = datetime(2025, 6, 10, 0, 30, tzinfo=UTC)
    raised = breach(Window.DAILY, "realized_pnl", "5", actual="-5", raised_at=before)
    why = explained(logs, raised)
    assert why.since is not None
    assert (why.since.restated, why.since.trades_added) == (False, 0)


def test_the_verdict_of_now_is_by_the_targets_of_now(logs: Place, tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text(
        "daily_pl_target: -6\nalerts: {critical: {daily_pl_target: -9}}"
    )
    now = logs.under(TARGETS_FILE=str(tmp_path / "targets.yaml"))
    why = explained(now, breach(Window.DAILY, "realized_pnl", "5", actual="-5"))
    assert why.since is not None
    assert (why.since.status, why.since.target, why.since.breached) == ("met", Decimal(-6), True)
    assert why.asked.critical == Decimal(-9)


def test_it_is_told_how_likely_luck_alone_would_do_as_badly(logs: Place, tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text("win_rate_target: 60")
    now = logs.under(TARGETS_FILE=str(tmp_path / "targets.yaml"))
    why = explained(now, breach(Window.DAILY, "win_rate", "0.6", actual="0.4"))
    assert why.since is not None
    # At most 2 wins of 4 decided trades: 0.4^4 + 4 x 0.6 x 0.4^3 + 6 x 0.6^2 x 0.4^2.
    assert why.since.p_value == Decimal("0.5248")
    assert "luck alone would do as badly 52.5 % of the time" in since_sentence(why)


def test_the_rolling_window_of_now_is_that_of_the_newest_day(logs: Place) -> None:
    raised = breach(
        Window.ROLLING,
        "win_rate",
        "0.6",
        actual="0.5",
        # After the first four trades of Tuesday, of which one was won.
        raised_at=datetime(2025, 6, 10, 11, 0, 1, tzinfo=UTC),
    )
    why = explained(logs, raised, now=datetime(2025, 6, 11, 18, tzinfo=UTC))
    assert why.since is not None
    assert why.found.actual == Decimal("0.25")
    assert (why.since.period, why.since.actual) == (NEXT_DAY, Decimal("0.5"))
    assert (why.since.restated, why.since.trades_added) == (True, None)
    right = breach(Window.ROLLING, "win_rate", "0.6", actual="0.25", raised_at=raised.raised_at)
    why = explained(logs, right, now=datetime(2025, 6, 11, 18, tzinfo=UTC))
    assert why.since is not None
    assert (why.since.restated, why.since.trades_added) == (False, 3)


# --- logs that are not there ---------------------------------------------------------------------


def test_a_log_that_disappeared_is_named_and_the_rest_is_explained(logs: Place) -> None:
    logs.materialize(DAY, NEXT_DAY)
    logs.path(DAY).unlink()
    why = explained(logs, breach(Window.WEEKLY, "avg_daily_pnl", "1", actual="-3.875"))
    assert not why.complete
    assert [(log.log, "disappeared" in log.reason) for log in why.unread] == [
        ("2025-06-10.jsonl", True)
    ]
    assert {trade.file for trade in why.trades} == {f"{NEXT_DAY}.jsonl"}
    assert why.found.realized_pnl == Decimal("-2.75")
    assert why.since is not None
    # The summary still counts what was kept of it.
    assert (why.since.actual, why.since.restated) == (Decimal("-3.875"), None)


def test_a_rolling_window_does_not_reach_further_back_for_what_disappeared(logs: Place) -> None:
    logs.write(DAY - ONE_DAY, *session("1", "2", "3", "4", day=DAY - ONE_DAY))
    logs.materialize(DAY - ONE_DAY, DAY, NEXT_DAY)
    logs.path(DAY).unlink()
    why = explained(logs, breach(Window.ROLLING, "win_rate", "0.6", day=NEXT_DAY, actual="0.5"))
    assert not why.complete
    assert {trade.file for trade in why.trades} == {f"{NEXT_DAY}.jsonl"}


@pytest.mark.parametrize("pairing", ["none", "fifo"])
def test_a_log_that_cannot_be_read_is_named_and_the_rest_is_explained(
    logs: Place, pairing: str
) -> None:
    logs.path(NEXT_DAY).rename(logs.path(NEXT_DAY).with_suffix(".jsonl.gz"))
    why = explained(
        logs.under(PAIRING=pairing), breach(Window.WEEKLY, "win_rate", "0.6", actual="0.375")
    )
    assert not why.complete
    [unread] = {log.log for log in why.unread if log.log == f"{NEXT_DAY}.jsonl"}
    assert "cannot be read" in why.unread[0].reason
    assert len(why.trades) == 5
    assert why.since is None
    assert why.since_unknown is not None
    assert unread in why.since_unknown


def test_of_a_rolling_alert_a_later_log_that_cannot_be_read_hides_only_what_came_since(
    logs: Place,
) -> None:
    logs.write(LAST_DAY, b"")
    logs.path(LAST_DAY).rename(logs.path(LAST_DAY).with_suffix(".jsonl.gz"))
    raised = breach(Window.ROLLING, "win_rate", "0.6", day=NEXT_DAY, actual="0.5")
    explainer = Explainer(logs.tracker())
    assert explainer.bytes_to_read(AlertHistory(raised, raised)) == sum(
        logs.path(day).stat().st_size for day in (DAY, NEXT_DAY)
    )
    why = explained(logs, raised)
    assert (why.complete, why.unread, why.found.actual) == (True, (), Decimal("0.5"))
    assert why.since is None
    assert why.since_unknown is not None
    assert f"{LAST_DAY}.jsonl.gz" in why.since_unknown


def test_a_log_in_an_archive_is_read_like_any(logs: Place) -> None:
    before = explained(logs, breach(Window.WEEKLY, "win_rate", "0.6"))
    logs.archive(DAY)
    assert explained(logs, breach(Window.WEEKLY, "win_rate", "0.6")) == before


# --- what the alert log says ---------------------------------------------------------------------


def test_the_line_that_raised_it_is_told_apart_from_its_latest() -> None:
    raised = breach(Window.DAILY, "win_rate", "0.6", actual="0.4")
    resolved = breach(
        Window.DAILY,
        "win_rate",
        "0.6",
        actual="0.7",
        status="resolved",
        resolved_at=LATER + timedelta(hours=1),
    )
    assert history_of([raised, resolved], raised.id) == AlertHistory(raised, resolved)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("daily-2025-06-10-winrate-1", "the nearest is daily-2025-06-10-win_rate-1"),
        ("x", "the nearest is daily-2025-06-10-win_rate-1"),
    ],
)
def test_an_unknown_id_is_answered_with_the_nearest(asked: str, told: str) -> None:
    with pytest.raises(UnknownAlertError, match=f"'{asked}' is no alert in the log; {told}"):
        history_of([breach(Window.DAILY, "win_rate", "0.6")], asked)


def test_an_empty_alert_log_has_no_nearest_id() -> None:
    with pytest.raises(UnknownAlertError, match="'x' is no alert in the log; it is empty"):
        history_of([], "x")


def test_the_schema_lists_every_key_in_the_order_in_which_it_is_written(logs: Place) -> None:
    why = explained(logs, breach(Window.WEEKLY, "max_drawdown", "-10"))
    document: dict[str, Any] = json.loads(encode_plain(why))
    described = schema("explanation")
    assert list(described["properties"]) == list(document)
    for name in ("asked", "raised", "found", "missing"):
        assert list(described["properties"][name]["properties"]) == list(document[name])
    assert list(described["$defs"]["trade"]["properties"]) == list(document["trades"][0])
    assert list(described["$defs"]["cause"]["properties"]) == list(document["by_day"][0])


# --- what rests on all trades so far, and strategies ----------------------------------------------


EDGE_TARGETS: Final = "alerts: {edge: {win_rate: 60, false_alarm_trades: 3}}\n"


@pytest.fixture
def stream(tmp_path: Path) -> Place:
    """Three days: four wins; then a win and two losses; a loss, a breakeven and a loss."""
    (tmp_path / "targets.yaml").write_text(EDGE_TARGETS)
    here = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    here.write(DAY, *session("5", "5", "5", "5"))
    here.write(NEXT_DAY, *session("5", "-3", "-2", day=NEXT_DAY, strategy_name="breakout"))
    here.write(LAST_DAY, *session("-4", "0", "-6", day=LAST_DAY))
    return here


def of_stream(here: Place, metric: str, target: str, **changes: Any) -> Explanation:
    actual = here.summary(Window.ROLLING, LAST_DAY).verdict(metric)
    told = None if actual is None else plain(actual.actual or Decimal(0))
    raised = breach(
        Window.ROLLING, metric, target, day=LAST_DAY, actual=changes.pop("actual", told)
    )
    return explained(here, raised)


def test_an_edge_is_told_by_the_trades_since_the_win_rate_has_most_likely_fallen(
    stream: Place,
) -> None:
    why = of_stream(stream, "edge", "3")
    assert why.complete
    assert [(trade.outcome, trade.effect) for trade in why.trades] == [
        ("loss", Decimal("-0.6")),
        ("loss", Decimal("-0.6")),
        ("loss", Decimal("-0.6")),
        ("breakeven", None),
        ("loss", Decimal("-0.6")),
    ]
    # The whole stream makes it so: W W W W W L L L L, which a loop in fractions says too.
    reading = stream.summary(Window.ROLLING, LAST_DAY).edge
    assert isinstance(reading, EdgeReading)
    assert why.found.actual == reading.statistic == Decimal("20.0054")
    assert (why.asked.win_rate, why.found.effect) == (Decimal("0.6"), Decimal("-2.4"))
    assert why.since is not None
    assert (why.since.status, why.since.breached, why.since.trades_added) == ("breached", True, 0)
    assert "win rate of 60 %" in asked_sentence(why)
    sentences = " ".join(found_sentences(why))
    assert "since it has most likely fallen, 5 closed trades" in sentences
    assert "At 60 % some 2.40 would have won." in sentences


def test_an_edge_that_is_no_longer_asked_for_is_told_by_its_window(stream: Place) -> None:
    stream.settings.targets_file.write_text("win_rate_target: 1\n")
    why = of_stream(stream, "edge", "3", actual="20")
    assert (why.found.actual, why.asked.win_rate) == (None, None)
    assert why.found.total_trades == 10
    assert why.since is not None
    assert why.since.status == "not_checked"


def test_a_peak_drawdown_is_told_by_the_trades_since_the_highest_point(stream: Place) -> None:
    why = of_stream(stream, "peak_drawdown", "-9", actual="-15")
    assert [trade.pnl for trade in why.trades] == [-3, -2, -4, 0, -6]
    assert (why.found.actual, why.found.effect) == (Decimal(-15), Decimal(-15))
    assert why.missing.money == 6
    fall = why.fall
    assert fall is not None
    assert (fall.peak, fall.trough, fall.depth) == (Decimal(25), Decimal(10), Decimal(-15))
    assert fall.peak_at is not None
    assert fall.peak_at.date() == NEXT_DAY
    assert why.since is not None
    assert (why.since.trades_added, why.since.restated) == (0, False)


def test_at_the_highest_point_nothing_is_listed(stream: Place) -> None:
    stream.write(LAST_DAY, *session("-4", "40", day=LAST_DAY))
    why = of_stream(stream, "peak_drawdown", "-9", actual="-9")
    assert (why.trades, why.fall) == ((), None)
    assert why.found.actual == 0


def test_an_alert_of_a_strategy_is_told_by_its_trades_alone(stream: Place) -> None:
    for window, day in ((Window.DAILY, NEXT_DAY), (Window.ROLLING, LAST_DAY)):
        raised = breach(window, "win_rate", "0.5", day=day, actual="0.333333", strategy="breakout")
        why = explained(stream, raised)
        assert why.complete
        assert (why.asked.strategy, why.found.total_trades) == ("breakout", 3)
        assert why.found.actual == Decimal("0.333333")
        assert why.missing.wins == 1
        assert why.since is not None
        assert (why.since.trades_added, why.since.restated) == (0, False)
