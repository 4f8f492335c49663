"""What verdicts promise: a target is judged only when it may be, on the number as published.

Summaries are made by hand, so no test here depends on how metrics come about.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain import verdicts as domain
from performance_pipeline.domain.aggregate import EMPTY
from performance_pipeline.domain.metrics import summarize
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.strategies import StrategyFigures
from performance_pipeline.domain.summary import (
    DataQuality,
    EdgeReading,
    PerformanceSummary,
    TargetResult,
)
from performance_pipeline.domain.targets import TargetsFile
from performance_pipeline.domain.verdicts import Evidence, judged_like, with_verdicts
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.targets import (
    FLAT,
    KEYS,
    NUMBERS,
    lines,
    parsed,
    target_files,
    targets,
)

DAY = date(2025, 10, 8)

N = 20

MICROSECOND = timedelta(microseconds=1)

FULL = (
    FLAT
    + """\
alerts:
  critical:
    win_rate_target: 40
    avg_risk_reward_target: 1
    daily_pl_target: -500
    trades_per_day_target: 10
    max_drawdown_target: -3000
  windows:
    weekly: {max_drawdown_target: -1500, critical: {max_drawdown_target: -3000}}
    monthly: {max_drawdown_target: -1500, critical: {max_drawdown_target: -3000}}
    rolling: {max_drawdown_target: -1500, critical: {max_drawdown_target: -3000}}
"""
)

GOOD: dict[str, Any] = {
    "total_trades": 40,
    "risk_reward_trades": 40,
    "trading_days": 2,
    "win_rate": Decimal("0.65"),
    "avg_risk_reward_ratio": Decimal("1.8"),
    "realized_pnl": Decimal("250"),
    "avg_daily_pnl": Decimal("125"),
    "max_drawdown": Decimal("-400"),
}

RATIOS = ["win_rate", "avg_risk_reward_ratio"]

JUDGED_BY_FLAT_KEYS = {
    Window.DAILY: [*RATIOS, "realized_pnl", "total_trades", "max_drawdown"],
    Window.WEEKLY: [*RATIOS, "avg_daily_pnl", "trades_per_day"],
    Window.MONTHLY: [*RATIOS, "avg_daily_pnl", "trades_per_day"],
    Window.RANGE: [*RATIOS, "avg_daily_pnl", "trades_per_day"],  # of three days: like a week
    Window.ROLLING: RATIOS,
}

# Per metric a summary that is just at the target, just below it, at the critical line, below that.
EDGES: dict[str, list[dict[str, Any]]] = {
    **{
        metric: [{metric: Decimal(value)} for value in values.split()]
        for metric, values in {
            "win_rate": "0.6 0.599999 0.4 0.399999",
            "avg_risk_reward_ratio": "1.5 1.499999 1 0.999999",
            "realized_pnl": "100 99.99 -500 -500.01",
            "avg_daily_pnl": "100 99.999999 -500 -500.000001",
            "max_drawdown": "-1500 -1500.01 -3000 -3000.01",
        }.items()
    },
    "total_trades": [{"total_trades": count} for count in (20, 19, 10, 9)],
    # 1000 days, so that a single trade is seen in the third decimal.
    "trades_per_day": [
        {"total_trades": count, "trading_days": 1000} for count in (20000, 19999, 10000, 9999)
    ],
}

ROWS = [
    (window, metric)
    for window, metrics in JUDGED_BY_FLAT_KEYS.items()
    for metric in dict.fromkeys([*metrics, "max_drawdown"])
]


def summary(window: Window, *, days: int = 3, **changes: Any) -> PerformanceSummary:
    """A summary in which all goes well but for `changes`; a range is of so many `days`."""
    period = (
        Period.spanning(DAY, DAY + timedelta(days=days - 1))
        if window is Window.RANGE
        else Period.of(window, DAY)
    )
    empty = summarize(
        period,
        EMPTY,
        None,
        zone=ZoneInfo("UTC"),
        data_quality=DataQuality("complete", (), 0, 0, 0, 0, 0, 0, (), (), ()),
        settings={},
        generated_at=datetime(2025, 10, 8, tzinfo=UTC),
    )
    return msgspec.structs.replace(empty, **{**GOOD, **changes})


def verdicts(
    subject: PerformanceSummary, text: str, now: datetime | None = None
) -> dict[str, TargetResult]:
    """The verdicts by metric; the period is just over unless `now` says otherwise."""
    results = domain.verdicts(subject, targets(text), now=now or subject.ends_at, rolling_window=N)
    return {result.metric: result for result in results}


def status(subject: PerformanceSummary, text: str | None, now: datetime | None = None) -> str:
    file = TargetsFile() if text is None else parsed(text)
    return with_verdicts(subject, file, now=now or subject.ends_at, rolling_window=N).alert_status


@pytest.mark.parametrize("window", Window)
def test_flat_targets_judge_the_metrics_of_the_table_in_its_order(window: Window) -> None:
    assert list(verdicts(summary(window), FLAT)) == JUDGED_BY_FLAT_KEYS[window]


@pytest.mark.parametrize("window", [Window.WEEKLY, Window.MONTHLY, Window.ROLLING, Window.RANGE])
def test_a_longer_window_has_no_drawdown_target_but_its_own(window: Window) -> None:
    own_window = judged_like(summary(window))
    own = f"{FLAT}alerts: {{windows: {{{own_window}: {{max_drawdown_target: -300}}}}}}"
    assert "max_drawdown" not in lines(FLAT, own_window)
    assert lines(own, own_window)["max_drawdown"] == (Decimal("-300"), None)
    assert list(verdicts(summary(window), own))[-1] == "max_drawdown"


# A range of days is judged like the window that it is most like.
LIKE_A_DAY = (1, 2)
LIKE_A_WEEK = (3, 7, 10)
LIKE_A_MONTH = (11, 31, 90)
RANGES = [
    *((days, Window.DAILY) for days in LIKE_A_DAY),
    *((days, Window.WEEKLY) for days in LIKE_A_WEEK),
    *((days, Window.MONTHLY) for days in LIKE_A_MONTH),
]


@pytest.mark.parametrize(("days", "like"), RANGES)
def test_a_range_is_judged_on_the_metrics_of_what_it_is_most_like(days: int, like: Window) -> None:
    subject = summary(Window.RANGE, days=days)
    assert judged_like(subject) is like
    assert list(verdicts(subject, FLAT)) == JUDGED_BY_FLAT_KEYS[like]


@pytest.mark.parametrize(("days", "like"), RANGES)
def test_a_range_takes_the_overrides_of_what_it_is_most_like_and_no_others(
    days: int, like: Window
) -> None:
    text = """\
        win_rate_target: 60
        daily_pl_target: 100
        alerts:
          windows:
            daily:
              win_rate_target: 71
              max_drawdown_target: -100
              min_trades: 1
              critical: {win_rate_target: 11, max_drawdown_target: -500}
            weekly:
              win_rate_target: 72
              max_drawdown_target: -200
              min_trades: 2
              critical: {win_rate_target: 12, max_drawdown_target: -300}
            monthly:
              win_rate_target: 73
              max_drawdown_target: -401
              min_trades: 41
              critical: {win_rate_target: 13, max_drawdown_target: -600}
            rolling: {win_rate_target: 1, max_drawdown_target: -1}
        """
    found = verdicts(summary(Window.RANGE, days=days), text)
    own = verdicts(summary(like), text)
    assert found == own
    assert (
        plain(found["win_rate"].target)
        == {"daily": "0.71", "weekly": "0.72", "monthly": "0.73"}[like]
    )
    assert (found["max_drawdown"].status, found["max_drawdown"].severity) == {
        "daily": ("breached", "WARN"),
        "weekly": ("breached", "CRITICAL"),
        "monthly": ("met", None),
    }[like]
    enough = like is not Window.MONTHLY  # which asks for 41 trades, and there are 40
    assert found["win_rate"].status == ("breached" if enough else "insufficient_data")


@pytest.mark.parametrize(("days", "like"), RANGES)
def test_only_a_range_like_a_day_is_judged_by_what_a_day_may_lose(days: int, like: Window) -> None:
    subject = summary(Window.RANGE, days=days, max_drawdown=Decimal(-2000))
    assert ("max_drawdown" in verdicts(subject, FLAT)) == (like is Window.DAILY)
    assert status(subject, FLAT) == ("WARN" if like is Window.DAILY else "OK")


@pytest.mark.parametrize("window", [window for window in Window if window is not Window.RANGE])
def test_every_other_window_is_judged_like_itself(window: Window) -> None:
    assert judged_like(summary(window)) is window


@pytest.mark.parametrize(("window", "metric"), ROWS)
@pytest.mark.parametrize(
    ("edge", "expected", "severity", "overall"),
    [
        (0, "met", None, "OK"),
        (1, "breached", "WARN", "WARN"),
        (2, "breached", "WARN", "WARN"),
        (3, "breached", "CRITICAL", "CRITICAL"),
    ],
)
def test_a_target_is_met_at_the_line_and_breached_below_it(
    window: Window, metric: str, edge: int, expected: str, severity: str | None, overall: str
) -> None:
    subject = summary(window, **EDGES[metric][edge])
    results = verdicts(subject, FULL)
    verdict = results.pop(metric)
    assert (verdict.status, verdict.severity) == (expected, severity)
    assert {(result.status, result.severity) for result in results.values()} == {("met", None)}
    assert status(subject, FULL) == overall


@pytest.mark.parametrize("window", [Window.DAILY, Window.WEEKLY, Window.MONTHLY, Window.RANGE])
def test_a_running_period_is_pending_in_all_but_its_drawdown(window: Window) -> None:
    subject = summary(window, win_rate=Decimal(0), max_drawdown=Decimal(-2000))
    running = verdicts(subject, FULL, subject.ends_at - MICROSECOND)
    assert running.pop("max_drawdown").severity == "WARN"
    assert {result.status for result in running.values()} == {"pending"}
    assert {result.severity for result in running.values()} == {None}
    assert running["win_rate"].variance == Decimal("-0.6")
    over = verdicts(subject, FULL, subject.ends_at)
    assert "pending" not in {result.status for result in over.values()}


def test_a_running_period_with_pending_targets_alone_is_ok() -> None:
    subject = summary(Window.DAILY, win_rate=Decimal(0))
    assert status(subject, FULL, subject.ends_at - MICROSECOND) == "OK"


def test_a_rolling_window_speaks_before_its_day_is_over() -> None:
    subject = summary(Window.ROLLING, total_trades=N, win_rate=Decimal("0.5"))
    running = verdicts(subject, FULL, subject.ends_at - timedelta(hours=3))
    assert running["win_rate"].status == "breached"
    assert running["avg_risk_reward_ratio"].status == "met"


@pytest.mark.parametrize(("count", "expected"), [(N - 1, "insufficient_data"), (N, "breached")])
def test_a_rolling_window_short_of_trades_judges_nothing(count: int, expected: str) -> None:
    bad = {metric: EDGES[metric][3][metric] for metric in (*RATIOS, "max_drawdown")}
    subject = summary(Window.ROLLING, total_trades=count, **bad)
    assert {result.status for result in verdicts(subject, FULL).values()} == {expected}
    assert status(subject, FULL) == ("OK" if count < N else "CRITICAL")


@pytest.mark.parametrize(
    ("closed", "planned", "expected"),
    [
        (4, 4, ["insufficient_data", "insufficient_data"]),
        (5, 4, ["breached", "insufficient_data"]),
        (5, 5, ["breached", "breached"]),
    ],
)
def test_min_trades_counts_the_trades_that_a_ratio_is_over(
    closed: int, planned: int, expected: list[str]
) -> None:
    subject = summary(
        Window.DAILY,
        total_trades=closed,
        risk_reward_trades=planned,
        win_rate=Decimal("0.2"),
        avg_risk_reward_ratio=Decimal("0.5"),
        realized_pnl=Decimal(-1),
    )
    results = verdicts(subject, FLAT + "alerts: {min_trades: 5}")
    assert [results[metric].status for metric in RATIOS] == expected
    assert results["realized_pnl"].status == results["total_trades"].status == "breached"


def test_an_undefined_metric_is_insufficient_data_without_a_variance() -> None:
    subject = summary(Window.DAILY, risk_reward_trades=0, avg_risk_reward_ratio=None)
    verdict = verdicts(subject, FLAT)["avg_risk_reward_ratio"]
    assert verdict == TargetResult(
        "avg_risk_reward_ratio", None, Decimal("1.5"), None, None, "insufficient_data"
    )
    assert status(subject, FLAT) == "OK"


def test_a_running_period_short_of_trades_is_pending_for_it_may_yet_have_enough() -> None:
    subject = summary(
        Window.DAILY, total_trades=1, risk_reward_trades=0, avg_risk_reward_ratio=None
    )
    running = verdicts(subject, FLAT + "alerts: {min_trades: 5}", subject.ends_at - MICROSECOND)
    assert {running[metric].status for metric in RATIOS} == {"pending"}


def test_trades_per_day_is_over_days_with_a_trade_and_rounded_once_half_even() -> None:
    subject = summary(Window.WEEKLY, total_trades=50, trading_days=3)
    verdict = verdicts(subject, "trades_per_day_target: 16.666667")["trades_per_day"]
    assert (verdict.actual, verdict.variance) == (Decimal("16.666667"), Decimal(0))
    assert verdict.status == "met"


def test_the_published_rounded_number_is_judged() -> None:
    subject = summary(Window.DAILY, win_rate=Decimal("0.666667"))
    assert verdicts(subject, "win_rate_target: 66.6667")["win_rate"].status == "met"
    assert verdicts(subject, "win_rate_target: 66.66671")["win_rate"].status == "breached"


def test_a_verdict_is_in_the_unit_of_its_metric() -> None:
    verdict = verdicts(summary(Window.DAILY, win_rate=Decimal("0.55")), FLAT)["win_rate"]
    assert plain(verdict.target) == "0.6"
    assert plain(verdict.actual or Decimal(0)) == "0.55"
    assert plain(verdict.variance or Decimal(0)) == "-0.05"


@pytest.mark.parametrize(
    ("text", "without_trades", "with_trades"),
    [
        (None, "NO_TARGETS", "NO_TARGETS"),
        ("win_rate_target: x", "INVALID_TARGETS", "INVALID_TARGETS"),
        ("", "NO_TRADES", "OK"),
        (FLAT, "NO_TRADES", "WARN"),
    ],
)
def test_trouble_with_the_file_comes_before_no_trades_and_that_before_a_verdict(
    text: str | None, without_trades: str, with_trades: str
) -> None:
    subject = summary(Window.DAILY, win_rate=Decimal("0.5"))
    empty = summary(Window.DAILY, total_trades=0, win_rate=None, max_drawdown=Decimal(0))
    assert status(subject, text) == with_trades
    assert status(empty, text) == without_trades


@pytest.mark.parametrize("text", [None, "win_rate_target: x", ""])
def test_without_targets_no_verdict_is_left_from_an_earlier_judgement(text: str | None) -> None:
    subject = summary(Window.DAILY)
    before = with_verdicts(subject, parsed(FLAT), now=subject.ends_at, rolling_window=N)
    file = TargetsFile() if text is None else parsed(text)
    after = with_verdicts(before, file, now=subject.ends_at, rolling_window=N)
    assert len(before.targets) == len(KEYS)
    assert after.targets == ()


def test_no_trades_leave_an_empty_list_even_while_running() -> None:
    subject = summary(Window.DAILY, total_trades=0)
    assert verdicts(subject, FLAT, subject.ends_at - MICROSECOND) == {}


def test_a_window_no_target_applies_to_is_ok_so_that_old_alerts_may_be_resolved() -> None:
    assert status(summary(Window.ROLLING), "daily_pl_target: 100") == "OK"


# --- luck -----------------------------------------------------------------------------------------

# 10 of 20 decided trades won, where 60 % were asked: p is 0.244663. 10 of 40 would be no luck.
LUCKLESS: dict[str, Any] = {"total_wins": 10, "total_losses": 10, "win_rate": Decimal("0.5")}
BELOW_CRITICAL: dict[str, Any] = {**LUCKLESS, "win_rate": Decimal("0.25")}


@pytest.mark.parametrize(
    ("confidence", "changes", "expected", "severity", "overall"),
    [
        pytest.param(None, LUCKLESS, "breached", "WARN", "WARN", id="not asked"),
        pytest.param("null", LUCKLESS, "breached", "WARN", "WARN", id="turned off"),
        pytest.param("0.95", LUCKLESS, "unsure", None, "OK", id="may be luck"),
        pytest.param("0.95", BELOW_CRITICAL, "unsure", None, "OK", id="below critical, few trades"),
        pytest.param("0.755337", LUCKLESS, "breached", "WARN", "WARN", id="p just at the line"),
        pytest.param("0.755338", LUCKLESS, "unsure", None, "OK", id="p just above the line"),
        pytest.param("0.5", LUCKLESS, "breached", "WARN", "WARN", id="less sure asked"),
        pytest.param(
            "0.95", {**LUCKLESS, "total_losses": 30}, "breached", "WARN", "WARN", id="no luck"
        ),
        pytest.param(
            "0.95",
            {"total_wins": 0, "total_losses": 0, "win_rate": Decimal(0)},
            "unsure",
            None,
            "OK",
            id="all breakeven: nothing was decided",
        ),
        pytest.param("0.95", {}, "met", None, "OK", id="met, whatever its p"),
    ],
)
def test_a_miss_is_unsure_while_luck_explains_it_more_often_than_asked(
    confidence: str | None,
    changes: dict[str, Any],
    expected: str,
    severity: str | None,
    overall: str,
) -> None:
    text = "win_rate_target: 60\nalerts:\n  critical: {win_rate_target: 30}\n"
    text += f"  confidence: {confidence}\n" if confidence else ""
    subject = summary(Window.DAILY, **changes)
    verdict = verdicts(subject, text)["win_rate"]
    assert (verdict.status, verdict.severity) == (expected, severity)
    assert status(subject, text) == overall


def test_breakevens_count_in_the_win_rate_and_not_in_its_p_value() -> None:
    subject = summary(
        Window.DAILY,
        total_trades=40,
        total_wins=10,
        total_losses=10,
        total_breakevens=20,
        win_rate=Decimal("0.25"),
    )
    assert verdicts(subject, FLAT)["win_rate"].p_value == Decimal("0.244663")


def test_a_running_period_and_too_few_trades_keep_their_status_and_show_their_p_value() -> None:
    subject = summary(Window.DAILY, **LUCKLESS)
    text = "win_rate_target: 60\nalerts: {confidence: 0.95, min_trades: 50}"
    for now, expected in (
        (subject.ends_at - MICROSECOND, "pending"),
        (subject.ends_at, "insufficient_data"),
    ):
        verdict = verdicts(subject, text, now)["win_rate"]
        assert (verdict.status, verdict.p_value) == (expected, Decimal("0.244663"))


# 40 trades of 11 or -9, 20 each: P&L 40, squares 4040, s^2 n = 160000/39, s sqrt(n) = 64.05.
@pytest.mark.parametrize(
    ("window", "metric", "target", "p_value"),
    [
        (Window.DAILY, "realized_pnl", "40", "0.5"),
        (Window.DAILY, "realized_pnl", "100", "0.174444"),
        (Window.WEEKLY, "avg_daily_pnl", "20", "0.5"),
        (Window.WEEKLY, "avg_daily_pnl", "50", "0.174444"),
        (Window.MONTHLY, "avg_daily_pnl", "50", "0.174444"),
    ],
)
def test_the_p_value_of_a_pnl_is_of_what_is_asked_of_all_trading_days(
    window: Window, metric: str, target: str, p_value: str
) -> None:
    subject = summary(
        window,
        total_trades=40,
        trading_days=2,
        realized_pnl=Decimal(40),
        avg_daily_pnl=Decimal(20),
        squared_pnl_sum=Decimal(20 * 121 + 20 * 81),
    )
    found = verdicts(subject, f"daily_pl_target: {target}\nalerts: {{confidence: 0.8}}")[metric]
    assert found.p_value == Decimal(p_value)
    assert found.status == ("met" if p_value == "0.5" else "breached")


def test_no_other_metric_has_a_p_value_or_is_ever_unsure() -> None:
    untested = ("avg_risk_reward_ratio", "total_trades", "max_drawdown")
    subject = summary(Window.DAILY, **{metric: EDGES[metric][1][metric] for metric in untested})
    found = verdicts(subject, FULL.replace("alerts:", "alerts:\n  confidence: 0.999999"))
    for metric in untested:
        assert (found[metric].status, found[metric].p_value) == ("breached", None)


def test_critical_outranks_warn() -> None:
    subject = summary(Window.DAILY, win_rate=Decimal("0.5"), realized_pnl=Decimal(-501))
    assert status(subject, FULL) == "CRITICAL"


WINDOWS = st.sampled_from(list(Window))


@st.composite
def summaries(draw: st.DrawFn) -> PerformanceSummary:
    fraction = st.decimals(min_value=0, max_value=1, places=6)
    return summary(
        draw(WINDOWS),
        total_trades=draw(st.integers(0, 60)),
        risk_reward_trades=draw(st.integers(0, 60)),
        trading_days=draw(st.integers(1, 5)),
        win_rate=draw(st.none() | fraction),
        avg_risk_reward_ratio=draw(st.none() | fraction),
        realized_pnl=draw(NUMBERS),
        avg_daily_pnl=draw(NUMBERS),
        max_drawdown=-abs(draw(NUMBERS)),
    )


@examples(20)
@given(summaries(), target_files(), st.booleans())
def test_a_judged_target_is_met_exactly_when_its_variance_is_not_negative(
    subject: PerformanceSummary, files: tuple[str, str], over: bool
) -> None:
    now = subject.ends_at if over else subject.ends_at - MICROSECOND
    for result in verdicts(subject, files[0], now).values():
        if result.actual is not None and result.variance is not None:
            exact = Fraction(result.actual) - Fraction(result.target)
            assert Fraction(result.variance) == exact
        if result.status in ("met", "breached", "unsure"):
            assert result.variance is not None
            assert (result.status == "met") == (result.variance >= 0)
        assert (result.severity is not None) == (result.status == "breached")


@examples(20)
@given(summaries(), target_files(), st.booleans())
def test_a_critical_line_changes_the_severity_of_a_breach_and_nothing_else(
    subject: PerformanceSummary, files: tuple[str, str], over: bool
) -> None:
    now = subject.ends_at if over else subject.ends_at - MICROSECOND
    hard, soft = (verdicts(subject, text, now) for text in files)
    assert hard.keys() == soft.keys()
    for metric, result in hard.items():
        if result.severity == "CRITICAL":
            assert soft[metric].severity == "WARN"
        assert msgspec.structs.replace(result, severity=soft[metric].severity) == soft[metric]


# --- edge and room, which rest on all trades so far -----------------------------------------------


WATCHED = "alerts: {edge: {win_rate: 60, false_alarm_trades: 2000}}"


def rolling_with(statistic: str | None, text: str = WATCHED, **changes: Any) -> PerformanceSummary:
    def told(win_rate: Decimal) -> Decimal | None:
        assert win_rate == Decimal("0.6")
        return None if statistic is None else Decimal(statistic)

    subject = summary(Window.ROLLING, **changes)
    return with_verdicts(
        subject,
        parsed(text),
        now=subject.ends_at,
        rolling_window=N,
        evidence=Evidence(edge_statistic=told),
    )


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("0", "met"), ("1999.99", "met"), ("2000", "breached"), ("1234570", "breached")],
)
@pytest.mark.parametrize("trades", [1, 40])
def test_an_edge_is_an_alarm_from_its_number_on_however_few_trades_the_window_holds(
    statistic: str, expected: str, trades: int
) -> None:
    judged = rolling_with(statistic, total_trades=trades)
    assert judged.edge == EdgeReading(Decimal(statistic), Decimal(2000))
    [verdict] = judged.targets
    assert (verdict.metric, verdict.status, verdict.p_value) == ("edge", expected, None)
    assert verdict.severity == ("WARN" if expected == "breached" else None)
    assert verdict.variance == Decimal(statistic) - 2000
    assert judged.alert_status == ("WARN" if expected == "breached" else "OK")


def test_an_edge_that_cannot_be_told_is_not_judged() -> None:
    judged = rolling_with(None)
    assert judged.edge == EdgeReading(None, Decimal(2000))
    assert [result.status for result in judged.targets] == ["insufficient_data"]


@pytest.mark.parametrize("text", [FLAT, "alerts: {edge: null}", "alerts: {edge: {}}", "win: [1"])
def test_without_a_watched_rate_there_is_no_edge(text: str) -> None:
    judged = rolling_with("5", text)
    assert judged.edge is None
    assert judged.verdict("edge") is None


@pytest.mark.parametrize("window", [one for one in Window if one is not Window.ROLLING])
def test_edge_and_peak_drawdown_are_judged_in_the_rolling_window_alone(window: Window) -> None:
    text = f"peak_drawdown_target: -5\n{WATCHED}"
    assert {"edge", "peak_drawdown"}.isdisjoint(verdicts(summary(window), text))


PEAK = "peak_drawdown_target: -500\nalerts: {critical: {peak_drawdown_target: -900}}"


@pytest.mark.parametrize(
    ("fall", "expected"),
    [
        ("0", ("met", None)),
        ("-500", ("met", None)),
        ("-500.01", ("breached", "WARN")),
        ("-900", ("breached", "WARN")),
        ("-900.01", ("breached", "CRITICAL")),
        (None, ("insufficient_data", None)),
    ],
)
@pytest.mark.parametrize("trades", [1, 40])
def test_a_peak_drawdown_is_judged_however_few_trades_the_window_holds(
    fall: str | None, expected: tuple[str, str | None], trades: int
) -> None:
    actual = None if fall is None else Decimal(fall)
    found = verdicts(summary(Window.ROLLING, total_trades=trades, peak_drawdown=actual), PEAK)
    assert (found["peak_drawdown"].status, found["peak_drawdown"].severity) == expected


def test_without_a_trade_in_the_window_neither_is_judged() -> None:
    assert rolling_with("9999", total_trades=0).targets == ()
    assert verdicts(summary(Window.ROLLING, total_trades=0, peak_drawdown=-999), PEAK) == {}


# --- strategies ---------------------------------------------------------------------------------


STRATEGIES = (
    FLAT
    + """\
alerts:
  min_trades: 3
  critical: {win_rate_target: 20}
  windows:
    weekly: {min_trades: 30}
  strategies:
    good: {win_rate_target: 60}
    bad:
      win_rate_target: 60
      avg_risk_reward_target: 2
      daily_pl_target: 10
      trades_per_day_target: 5
      max_drawdown_target: -50
      min_trades: 4
      critical: {win_rate_target: 30}
    absent: {win_rate_target: 60, trades_per_day_target: 1}
"""
)
OF_BAD = StrategyFigures(
    total_trades=4,
    total_wins=1,
    total_losses=3,
    win_rate=Decimal("0.25"),
    realized_pnl=Decimal("-40"),
    avg_risk_reward_ratio=Decimal("1.5"),
    risk_reward_trades=3,
    max_drawdown=Decimal("-60"),
    squared_pnl_sum=Decimal("1000"),
    trading_days=2,
    avg_daily_pnl=Decimal("-20"),
)
OF_GOOD = StrategyFigures(
    total_trades=3, total_wins=2, total_losses=1, win_rate=Decimal("0.666667"), trading_days=1
)


def of_strategies(
    window: Window, text: str = STRATEGIES, now: datetime | None = None
) -> dict[tuple[str, str], TargetResult]:
    subject = summary(window)
    judged = with_verdicts(
        subject,
        parsed(text),
        now=now or subject.ends_at,
        rolling_window=N,
        evidence=Evidence(strategies=lambda: {"good": OF_GOOD, "bad": OF_BAD}),
    )
    return {(one.strategy, one.metric): one for one in judged.targets}


@pytest.mark.parametrize(
    ("window", "metrics"),
    [
        (
            Window.DAILY,
            {
                "win_rate": ("breached", "CRITICAL"),
                "avg_risk_reward_ratio": ("insufficient_data", None),
                "realized_pnl": ("breached", "WARN"),
                "total_trades": ("breached", "WARN"),
                "max_drawdown": ("breached", "WARN"),
            },
        ),
        (
            Window.WEEKLY,
            {
                "win_rate": ("breached", "CRITICAL"),
                "avg_risk_reward_ratio": ("insufficient_data", None),
                "avg_daily_pnl": ("breached", "WARN"),
                "trades_per_day": ("breached", "WARN"),
            },
        ),
        (
            Window.ROLLING,
            {
                "win_rate": ("breached", "CRITICAL"),
                "avg_risk_reward_ratio": ("insufficient_data", None),
            },
        ),
    ],
)
def test_a_strategy_is_judged_by_its_own_trades_and_targets_in_each_window(
    window: Window, metrics: dict[str, tuple[str, str | None]]
) -> None:
    found = of_strategies(window)
    of_bad = {metric: one for (name, metric), one in found.items() if name == "bad"}
    assert {metric: (one.status, one.severity) for metric, one in of_bad.items()} == metrics
    assert of_bad["win_rate"].actual == Decimal("0.25")
    assert of_bad["win_rate"].p_value == Decimal("0.1792")
    # The whole has the verdicts it always had, first and without a name.
    whole = [metric for name, metric in found if not name]
    assert whole == JUDGED_BY_FLAT_KEYS[window]
    assert [name for name, _ in found][: len(whole)] == [""] * len(whole)


def test_a_strategy_has_its_fewest_trades_from_all_where_it_says_nothing_itself() -> None:
    assert of_strategies(Window.DAILY)["good", "win_rate"].status == "met"
    assert of_strategies(Window.WEEKLY)["good", "win_rate"].status == "insufficient_data"


@pytest.mark.parametrize("metric", ["win_rate", "total_trades"])
def test_a_strategy_without_a_trade_has_too_little_data_which_resolves_nothing(
    metric: str,
) -> None:
    assert of_strategies(Window.DAILY)["absent", metric].status == "insufficient_data"


def test_a_strategy_is_pending_while_the_day_runs_but_for_its_drawdown() -> None:
    running = of_strategies(Window.DAILY, now=summary(Window.DAILY).ends_at - MICROSECOND)
    assert running["bad", "win_rate"].status == "pending"
    assert running["bad", "max_drawdown"].status == "breached"


def test_a_miss_of_a_strategy_may_be_luck() -> None:
    asked = STRATEGIES.replace("min_trades: 4", "min_trades: 4\n      confidence: 0.9")
    found = of_strategies(Window.DAILY, asked)
    assert found["bad", "win_rate"].status == "unsure"
    assert found["bad", "max_drawdown"].status == "breached"


def test_one_failing_strategy_makes_the_status_though_the_whole_is_met() -> None:
    subject = summary(Window.DAILY)
    judged = with_verdicts(
        subject,
        parsed("win_rate_target: 60\nalerts: {strategies: {bad: {win_rate_target: 60}}}"),
        now=subject.ends_at,
        rolling_window=N,
        evidence=Evidence(strategies=lambda: {"bad": OF_BAD}),
    )
    assert [(one.strategy, one.status) for one in judged.targets] == [
        ("", "met"),
        ("bad", "breached"),
    ]
    assert judged.alert_status == "WARN"
