"""What targets promise: an operator's file is read to the letter, and judged only when it may be.

Verdicts are tested on summaries made by hand, so no test here depends on how metrics come about.
"""

import textwrap
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from performance_pipeline.domain.aggregate import EMPTY
from performance_pipeline.domain.metrics import (
    DataQuality,
    PerformanceSummary,
    TargetResult,
    summarize,
)
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.targets import Targets, TargetsFile, judge, judged, parse_targets
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window

SHIPPED = Path(__file__).parents[3] / "config" / "dashboard-targets.yaml"
DAY = date(2025, 10, 8)
N = 20
MICROSECOND = timedelta(microseconds=1)

FLAT = """\
win_rate_target: 60
avg_risk_reward_target: 1.5
daily_pl_target: 100
trades_per_day_target: 20
max_drawdown_target: -1500
"""
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
    Window.RANGE: [*RATIOS, "avg_daily_pnl", "trades_per_day"],
    Window.ROLLING: RATIOS,
}
KEYS = [
    "win_rate_target",
    "avg_risk_reward_target",
    "daily_pl_target",
    "trades_per_day_target",
    "max_drawdown_target",
]

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


def summary(window: Window, **changes: Any) -> PerformanceSummary:
    period = (
        Period.spanning(DAY, DAY + timedelta(days=2))
        if window is Window.RANGE
        else Period.of(window, DAY)
    )
    empty = summarize(
        period,
        EMPTY,
        zone=ZoneInfo("UTC"),
        data_quality=DataQuality("complete", (), 0, 0, 0, 0, 0, (), ()),
        settings={},
        generated_at=datetime(2025, 10, 8, tzinfo=UTC),
    )
    return msgspec.structs.replace(empty, **{**GOOD, **changes})


@cache
def parsed(text: str) -> TargetsFile:
    return parse_targets(textwrap.dedent(text), "t.yaml")


def targets(text: str) -> Targets:
    file = parsed(text)
    assert file.errors == ()
    assert file.targets is not None
    return file.targets


def verdicts(
    subject: PerformanceSummary, text: str, now: datetime | None = None
) -> dict[str, TargetResult]:
    """The verdicts by metric; the period is just over unless `now` says otherwise."""
    results = judge(subject, targets(text), now=now or subject.ends_at, rolling_window=N)
    return {result.metric: result for result in results}


def status(subject: PerformanceSummary, text: str | None, now: datetime | None = None) -> str:
    file = None if text is None else parsed(text)
    return judged(subject, file, now=now or subject.ends_at, rolling_window=N).alert_status


def lines(text: str, window: Window) -> dict[str, tuple[Decimal, Decimal | None]]:
    return {line.metric: (line.target, line.critical) for line in targets(text).for_window(window)}


# Which target says what, in which window, and when


@pytest.mark.parametrize("window", Window)
def test_flat_targets_judge_the_metrics_of_the_table_in_its_order(window: Window) -> None:
    assert list(verdicts(summary(window), FLAT)) == JUDGED_BY_FLAT_KEYS[window]


@pytest.mark.parametrize("window", [Window.WEEKLY, Window.MONTHLY, Window.ROLLING, Window.RANGE])
def test_a_longer_window_has_no_drawdown_target_but_its_own(window: Window) -> None:
    section = "weekly" if window is Window.RANGE else window.value
    own = f"{FLAT}alerts: {{windows: {{{section}: {{max_drawdown_target: -300}}}}}}"
    assert "max_drawdown" not in lines(FLAT, window)
    assert lines(own, window)["max_drawdown"] == (Decimal("-300"), None)
    assert list(verdicts(summary(window), own))[-1] == "max_drawdown"


def test_what_a_day_may_lose_at_most_is_no_critical_line_of_a_week() -> None:
    text = """\
        max_drawdown_target: -1500
        alerts:
          critical: {max_drawdown_target: -3000}
          windows: {weekly: {max_drawdown_target: -4000}}
        """
    assert lines(text, Window.DAILY)["max_drawdown"] == (Decimal(-1500), Decimal(-3000))
    assert lines(text, Window.WEEKLY)["max_drawdown"] == (Decimal(-4000), None)


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


# The status of a whole summary


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
    before = judged(subject, parsed(FLAT), now=subject.ends_at, rolling_window=N)
    file = None if text is None else parsed(text)
    after = judged(before, file, now=subject.ends_at, rolling_window=N)
    assert len(before.targets) == len(KEYS)
    assert after.targets == ()


def test_no_trades_leave_an_empty_list_even_while_running() -> None:
    subject = summary(Window.DAILY, total_trades=0)
    assert verdicts(subject, FLAT, subject.ends_at - MICROSECOND) == {}


def test_a_window_no_target_applies_to_is_ok_so_that_old_alerts_may_be_resolved() -> None:
    assert status(summary(Window.ROLLING), "daily_pl_target: 100") == "OK"


def test_critical_outranks_warn() -> None:
    subject = summary(Window.DAILY, win_rate=Decimal("0.5"), realized_pnl=Decimal(-501))
    assert status(subject, FULL) == "CRITICAL"


# Reading the file


def test_the_shipped_targets_parse_without_a_word() -> None:
    file = parse_targets(SHIPPED.read_text("utf-8"), SHIPPED.name)
    assert (file.errors, file.warnings) == ((), ())
    assert file.targets is not None
    daily = {line.metric: plain(line.target) for line in file.targets.for_window(Window.DAILY)}
    assert list(daily.values()) == ["0.55", "1.5", "100", "20", "-1500"]


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing yet\n", "---\n", "null\n", "alerts:\n", "{}"]
)
def test_a_file_that_says_nothing_is_valid(text: str) -> None:
    file = parsed(text)
    assert file.errors == ()
    assert file.targets is not None
    assert [file.targets.for_window(window) for window in Window] == [()] * len(Window)
    assert file.warnings == (
        f"t.yaml: not set, so checked only where alerts.windows sets it: {', '.join(KEYS)}",
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("60", "60"),
        ("0.1", "0.1"),
        ("60.00000000000000001", "60.00000000000000001"),
        ("59.1234567890123456789012345678901234567", "59.1234567890123456789012345678901234567"),
        ("100", "100"),
        ("0", "0"),
        ("1e1", "10"),
        ("1.5E1", "15"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("010", "10"),
        ("-0", "0"),
        ("60 # percent", "60"),
    ],
)
def test_a_number_is_read_as_it_is_written_digit_by_digit(written: str, read: str) -> None:
    line = lines(f"daily_pl_target: {written}", Window.DAILY)["realized_pnl"]
    assert plain(line[0]) == read
    percent = lines(f"win_rate_target: {written}", Window.DAILY)["win_rate"]
    assert Fraction(percent[0]) == Fraction(read) / 100


NO_NUMBER = "not a number in plain digits"


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("1_000", NO_NUMBER),
        ("1,5", NO_NUMBER),
        ("60%", NO_NUMBER),
        ("sixty", NO_NUMBER),
        (".nan", NO_NUMBER),
        ("NaN", NO_NUMBER),
        (".inf", NO_NUMBER),
        ("-.inf", NO_NUMBER),
        ("0x1F", NO_NUMBER),
        ("1:30", NO_NUMBER),
        ("٣", NO_NUMBER),  # a digit, but no ASCII one
        ("'60'", "text in quotes, not a number"),
        ('"60"', "text in quotes, not a number"),
        ("true", "true or false"),
        ("no", "true or false"),
        ("2025-01-01", "a date"),
        ("[60]", "a list"),
        ("{a: 60}", "not a number"),
        ("!!str [60]", "not a number"),
        ("!percent 60", "not a number"),
        ("1e999999999", "more than 100 digits on a side of the point"),
    ],
)
def test_what_is_not_a_plain_number_is_named_with_its_line_and_key(
    written: str, wrong: str
) -> None:
    file = parsed(f"# targets\ndaily_pl_target: {written}\n")
    assert file.targets is None
    assert file.errors == (f"t.yaml:2: daily_pl_target: {wrong}; accepted is a number like 100",)


SECTION_KEYS = ", ".join(KEYS)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "a: 1\nb: [c\nd: 2",
            "3: not YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
        ),
        ("a: 1\n\tb: 2", "2: not YAML: while scanning for the next token, found character '\\t'"),
        ("a: 1\n\nb: \x01", "3: not YAML: nested too deeply, or a forbidden character"),
        ("a: 1\n\nb: \udc80", "3: not YAML: nested too deeply, or a forbidden character"),
        ('a: "\\UFFFFFFFF"', "1: not YAML: nested too deeply, or a forbidden character"),
        ("- " * 1000, "1: not YAML: nested too deeply, or a forbidden character"),
        ("a: 1\n---\nb: 2", "2: not YAML: expected a single document in the stream, but found"),
        ("a: *nowhere", "1: not YAML: found undefined alias 'nowhere'"),
        (
            "# list\n- 60",
            f"2: the file: not a mapping; accepted are the keys {SECTION_KEYS}, alerts",
        ),
        ("60", f"1: the file: not a mapping; accepted are the keys {SECTION_KEYS}, alerts"),
        (
            "daily_pl_target: 1\n\ndaily_pl_target: 1",
            "3: daily_pl_target: a key twice, first on line 1; accepted is once",
        ),
        (
            "alerts:\n  windows:\n    daily: {}\n    daily: {}",
            "4: alerts.windows.daily: a key twice, first on line 3; accepted is once",
        ),
        (
            "bot:\n  - {x: {y: 1,\n     y: 2}}",
            "3: bot.x.y: a key twice, first on line 2; accepted is once",
        ),
        ("{a: 1, a: 2}", "1: a: a key twice, first on line 1; accepted is once"),
        ("win_rate_target: 101", "1: win_rate_target: 101 is out of range; accepted is 0 to 100"),
        ("win_rate_target: -1", "1: win_rate_target: -1 is out of range; accepted is 0 to 100"),
        (
            "max_drawdown_target: 1500",
            "1: max_drawdown_target: 1500 is out of range; accepted is 0 or less, as -1500",
        ),
        (
            "alerts:\n  critical:\n    max_drawdown_target: 1",
            "3: alerts.critical.max_drawdown_target: 1 is out of range; accepted is 0 or less",
        ),
        (
            "alerts: 5",
            "1: alerts: not a mapping; accepted are the keys critical, min_trades, windows",
        ),
        (
            "alerts:\n  critical: [1]",
            f"2: alerts.critical: not a mapping; accepted are the keys {SECTION_KEYS}",
        ),
        (
            "alerts:\n  windows: daily",
            "2: alerts.windows: not a mapping; accepted are the keys daily, weekly, monthly, rol",
        ),
        (
            "alerts:\n  min_trades: 0",
            "2: alerts.min_trades: 0 is out of range; accepted is a whole number from 1",
        ),
        (
            "alerts:\n  windows:\n    daily:\n      min_trades: 2.5",
            "4: alerts.windows.daily.min_trades: 2.5 is out of range; accepted is a whole number",
        ),
        (
            "alerts:\n  <<: {min_trades: 2}",
            "2: alerts.<<: a merge; accepted are the keys themselves",
        ),
    ],
)
def test_an_error_names_file_line_key_and_what_is_accepted(text: str, error: str) -> None:
    file = parsed(text)
    assert file.targets is None
    assert len(file.errors) == 1
    assert file.errors[0].startswith(f"t.yaml:{error}")


def test_every_error_is_reported_at_once_in_the_order_of_lines() -> None:
    file = parsed("win_rate_target: x\nalerts:\n  min_trades: no\ndaily_pl_target: '1'\n")
    assert [error.split(": ")[:2] for error in file.errors] == [
        ["t.yaml:1", "win_rate_target"],
        ["t.yaml:3", "alerts.min_trades"],
        ["t.yaml:4", "daily_pl_target"],
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        # Equal is wrong too: two lines in one place are one line too many.
        (
            "win_rate_target: 60\nalerts: {critical: {win_rate_target: 60}}",
            "2: alerts.critical.win_rate_target: critical (line 2) is on the wrong side of "
            "its target (line 1); accepted is below it",
        ),
        (
            "max_drawdown_target: -9\nalerts:\n  critical: {max_drawdown_target: -8}",
            "3: alerts.crit",
        ),
        (
            "daily_pl_target: 9\nalerts:\n  critical: {daily_pl_target: 8}\n"
            "  windows:\n    daily: {daily_pl_target: 7}",
            "5: alerts.windows.daily.daily_pl_target: critical (line 3)",
        ),
        (
            "daily_pl_target: 9\nalerts:\n  windows:\n"
            "    weekly: {critical: {daily_pl_target: 10}}",
            "4: alerts.windows.weekly.critical.daily_pl_target: critical (line 4)",
        ),
        # The day overrides both lines, and still they stand on the wrong sides of each other.
        (
            "max_drawdown_target: -9\nalerts:\n  critical: {max_drawdown_target: -8}\n  windows:\n"
            "    daily: {max_drawdown_target: -1, critical: {max_drawdown_target: -2}}",
            "3: alerts.critical.max_drawdown_target: critical (line 3)",
        ),
        (
            "alerts:\n  windows:\n    rolling:\n      max_drawdown_target: -5\n"
            "      critical:\n        max_drawdown_target: -4",
            "6: alerts.windows.rolling.critical.max_drawdown_target: critical (line 6)",
        ),
    ],
)
def test_a_critical_line_that_is_not_below_its_target_is_an_error(text: str, where: str) -> None:
    file = parsed(text)
    assert file.targets is None
    assert len(file.errors) == 1
    assert file.errors[0].startswith(f"t.yaml:{where}")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "win_rat_target: 5",
            "1: win_rat_target: unknown key, ignored; the nearest known key is win_rate_target",
        ),
        (
            "alerts:\n  windows:\n    dayly: {}",
            "3: alerts.windows.dayly: unknown key, ignored; the nearest known key is daily",
        ),
        (
            "alerts:\n  critical:\n    daily_pnl_target: 'x'",
            "3: alerts.critical.daily_pnl_target: unknown key, ignored; the nearest known key is "
            "daily_pl_target",
        ),
        (
            "critical: {win_rate_target: 5}",
            "1: critical: unknown key, ignored; the nearest known key is critical, under alerts",
        ),
        (
            "alerts: {win_rate_target: 5}",
            "1: alerts.win_rate_target: unknown key, ignored; the nearest known key is "
            "win_rate_target, at the top level",
        ),
        (
            '"a\\nb": &a [*a]',
            "1: 'a\\nb': unknown key, ignored; the nearest known key is daily, "
            "under alerts.windows",
        ),
    ],
)
def test_an_unknown_key_is_ignored_with_its_line_and_the_nearest_known_key(
    text: str, warning: str
) -> None:
    file = parse_targets(text, "t.yaml")
    assert file.errors == ()
    assert file.warnings[0] == f"t.yaml:{warning}"


def test_targets_that_are_absent_or_null_are_named_in_one_line() -> None:
    file = parsed("win_rate_target: 5\ndaily_pl_target: 5\nmax_drawdown_target: null\n")
    assert file.warnings == (
        "t.yaml: not set, so checked only where alerts.windows sets it: "
        "avg_risk_reward_target, trades_per_day_target, max_drawdown_target",
    )


# What is in force in one window


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_a_window_overrides_and_adds_for_itself_alone(window: Window) -> None:
    text = f"""\
        win_rate_target: 60
        alerts:
          critical: {{win_rate_target: 40}}
          windows:
            {window}:
              win_rate_target: 50
              avg_risk_reward_target: 2
              min_trades: 7
              critical: {{avg_risk_reward_target: 1}}
        """
    assert lines(text, window) == {
        "win_rate": (Decimal("0.5"), Decimal("0.4")),
        "avg_risk_reward_ratio": (Decimal(2), Decimal(1)),
    }
    for other in set(PARTITIONED_WINDOWS) - {window}:
        assert lines(text, other) == {"win_rate": (Decimal("0.6"), Decimal("0.4"))}
        assert {line.min_trades for line in targets(text).for_window(other)} == {1}
    assert {line.min_trades for line in targets(text).for_window(window)} == {7}


BOTH = "win_rate_target: 60\nalerts:\n  min_trades: 5\n  critical: {win_rate_target: 40}\n"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("{win_rate_target: null}", []),
        ("{win_rate_target: ~}", []),
        ("{critical: {win_rate_target: null}}", [("0.6", None, 5)]),
        ("{critical: null}", [("0.6", None, 5)]),
        ("{critical: {}}", [("0.6", "0.4", 5)]),
        ("{min_trades: null}", [("0.6", "0.4", 1)]),
        # A section whose lines are all commented out turns nothing off.
        ("null", [("0.6", "0.4", 5)]),
        ("{}", [("0.6", "0.4", 5)]),
    ],
)
def test_null_turns_off_just_what_it_is_written_for(
    override: str, expected: list[tuple[str, str | None, int]]
) -> None:
    text = f"{BOTH}  windows: {{daily: {override}}}"
    assert [
        (plain(line.target), line.critical and plain(line.critical), line.min_trades)
        for line in targets(text).for_window(Window.DAILY)
    ] == expected
    assert lines(text, Window.WEEKLY) == {"win_rate": (Decimal("0.6"), Decimal("0.4"))}


def test_a_null_in_a_window_lifts_a_critical_line_that_would_be_on_the_wrong_side() -> None:
    daily = "{win_rate_target: 30, critical: {win_rate_target: null}}"
    text = f"{BOTH}  windows: {{daily: {daily}}}"
    assert lines(text, Window.DAILY) == {"win_rate": (Decimal("0.3"), None)}


def test_a_critical_line_without_a_target_judges_nothing() -> None:
    assert lines("alerts: {critical: {win_rate_target: 40}}", Window.DAILY) == {}


def test_an_alias_stands_for_the_number_or_section_it_names() -> None:
    text = (
        "win_rate_target: &w 60\nalerts: {windows: {daily: &d {daily_pl_target: *w}, weekly: *d}}"
    )
    assert lines(text, Window.WEEKLY)["avg_daily_pnl"] == (Decimal(60), None)


def test_a_range_has_the_targets_of_a_week() -> None:
    of_a_week = "{win_rate_target: 50, min_trades: 9, max_drawdown_target: -300}"
    found = targets(f"{BOTH}  windows: {{daily: {{win_rate_target: 45}}, weekly: {of_a_week}}}")
    assert found.for_window(Window.RANGE) == found.for_window(Window.WEEKLY)
    assert found.for_window(Window.RANGE) != found.for_window(Window.MONTHLY)


# What holds for all files and summaries

some = settings(max_examples=20, deadline=None, database=None)
many = settings(max_examples=80, deadline=None, database=None)

NUMBERS = st.decimals(min_value=-9999, max_value=9999, places=8) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-5, max_value=5
)
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


@st.composite
def target_files(draw: st.DrawFn) -> tuple[str, str]:
    """One file twice: with critical lines, and without."""
    written, critical = [], []
    for key in KEYS:
        low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
        if key == "max_drawdown_target":
            low, high = -abs(low) - abs(high) - 1, -abs(high)
        if key == "win_rate_target":
            low, high = Decimal(10), 10 + abs(high) % 90
        if low < high and draw(st.booleans()):
            critical.append(f"{key}: {low}")
        written.append(f"{key}: {high}")
    flat = "\n".join(written)
    rest = f"min_trades: {draw(st.integers(1, 50))}"
    return (
        f"{flat}\nalerts: {{{rest}, critical: {{{', '.join(critical)}}}}}",
        f"{flat}\nalerts: {{{rest}}}",
    )


@some
@given(summaries(), target_files(), st.booleans())
def test_a_judged_target_is_met_exactly_when_its_variance_is_not_negative(
    subject: PerformanceSummary, files: tuple[str, str], over: bool
) -> None:
    now = subject.ends_at if over else subject.ends_at - MICROSECOND
    for result in verdicts(subject, files[0], now).values():
        if result.actual is not None and result.variance is not None:
            exact = Fraction(result.actual) - Fraction(result.target)
            assert Fraction(result.variance) == exact
        if result.status in ("met", "breached"):
            assert result.variance is not None
            assert (result.status == "met") == (result.variance >= 0)
        assert (result.severity is not None) == (result.status == "breached")


@some
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


@some
@given(target_files(), st.sampled_from(PARTITIONED_WINDOWS))
def test_writing_the_flat_keys_under_a_window_says_the_same_there(
    files: tuple[str, str], window: Window
) -> None:
    flat = files[1].partition("alerts")[0].strip().replace("\n", ", ")
    within = f"alerts: {{windows: {{{window}: {{{flat}}}}}}}"
    drawdown = {"max_drawdown"} if window is not Window.DAILY else set()
    expected = {**lines(files[1], window)}
    found = lines(within, window)
    assert {metric: found[metric] for metric in found.keys() - drawdown} == expected


@many
@given(NUMBERS)
def test_no_digit_of_a_target_is_lost(number: Decimal) -> None:
    target, _ = lines(f"daily_pl_target: {number}", Window.DAILY)["realized_pnl"]
    assert Fraction(target) == Fraction(number)


WORDS = ["alerts", "critical", "windows", "daily", "min_trades", "null", "60", "-5", "'1'", '"\\U']
ODD = ["*a", "&a ", "!x ", "<<"]
MARKS = [": ", ": ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ", ", "- ", "? ", "\t", "---"]
FRAGMENTS = st.sampled_from([*KEYS, *WORDS, *ODD, *MARKS])


@many
@given(st.text(max_size=40) | st.lists(FRAGMENTS, max_size=25).map("".join))
def test_no_text_whatever_makes_parsing_fail(text: str) -> None:
    file = parse_targets(text, "t.yaml")
    assert (file.targets is None) == bool(file.errors)
    assert all("\n" not in message for message in file.errors + file.warnings)
    assert all(message.startswith("t.yaml:") for message in file.errors + file.warnings)
