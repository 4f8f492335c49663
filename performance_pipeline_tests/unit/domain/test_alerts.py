"""What alerts promise: one line when a target is missed, one when it is met again, and no other.

Nothing here touches Dagster; what the checks say is made by hand, or comes from a real summary.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.alerts import (
    AlertEvent,
    UnknownAlertError,
    acknowledge,
    fold,
    raised_warnings,
)
from performance_pipeline.domain.reconciling import Evaluation, evaluation_of, reconcile
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.storage.plain_json import encode_plain
from performance_pipeline_tests.support.alerts import CRITICAL, MET, NOW, WARN, evaluation, verdict
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, ONE_DAY, Place, place, session

MICROSECOND: Final = timedelta(microseconds=1)
ENDS: Final = {
    Window.DAILY: datetime(2025, 6, 11, tzinfo=UTC),
    Window.WEEKLY: datetime(2025, 6, 16, tzinfo=UTC),
    Window.MONTHLY: datetime(2025, 7, 1, tzinfo=UTC),
    Window.ROLLING: datetime(2025, 6, 11, tzinfo=UTC),
}
KEYS: Final = {
    Window.DAILY: DAY,
    Window.WEEKLY: date(2025, 6, 9),
    Window.MONTHLY: date(2025, 6, 1),
    Window.ROLLING: DAY,
}

Said = tuple[str, str] | None
Episode = tuple[Window, date | None, str]


class Log:
    """The lines of an alert log that was only ever reconciled and acknowledged."""

    def __init__(self) -> None:
        self.lines: list[AlertEvent] = []

    def see(
        self, *evaluations: Evaluation, now: datetime = NOW, lookback_days: int | None = None
    ) -> list[AlertEvent]:
        """Reconcile with `evaluations`, and return what that adds."""
        alerts = fold(self.lines)
        added = reconcile(alerts, evaluations, now=now, lookback_days=lookback_days)
        self.lines += added
        return added

    def acknowledge(self, *ids: str, now: datetime = NOW) -> list[AlertEvent]:
        added = acknowledge(fold(self.lines), ids, now=now)
        self.lines += added
        return added


def said(lines: Iterable[AlertEvent]) -> list[tuple[str, str]]:
    return [(line.id, line.status) for line in lines]


# --- every state of an alert, every verdict ---------------------------------------------------


def no_alert(log: Log, window: Window) -> None:
    """Nothing was ever raised."""


def raised(log: Log, window: Window) -> None:
    log.see(evaluation(WARN, window=window))


def raised_critical(log: Log, window: Window) -> None:
    log.see(evaluation(CRITICAL, window=window))


def acknowledged(log: Log, window: Window) -> None:
    raised(log, window)
    log.acknowledge(log.lines[0].id)


def updated(log: Log, window: Window) -> None:
    raised(log, window)
    log.see(evaluation(CRITICAL, window=window))


def acknowledged_and_updated(log: Log, window: Window) -> None:
    acknowledged(log, window)
    log.see(evaluation(CRITICAL, window=window))


def acknowledged_after_an_update(log: Log, window: Window) -> None:
    updated(log, window)
    log.acknowledge(log.lines[0].id)


def resolved(log: Log, window: Window) -> None:
    raised(log, window)
    log.see(evaluation(MET, window=window))


STATES: Final = {
    no_alert: None,
    raised: "WARN",
    raised_critical: "CRITICAL",
    acknowledged: "WARN",
    updated: "CRITICAL",
    acknowledged_and_updated: "CRITICAL",
    acknowledged_after_an_update: "CRITICAL",
    resolved: None,
}

# What a check may say, and what that adds to no alert, to one at WARN and to one at CRITICAL.
VERDICTS: Final[dict[str, tuple[dict[str, Any], tuple[Said, Said, Said]]]] = {
    "breached": ({"of": [WARN]}, (("raised", "WARN"), None, ("updated", "WARN"))),
    "critical": ({"of": [CRITICAL]}, (("raised", "CRITICAL"), ("updated", "CRITICAL"), None)),
    "met": ({"of": [MET]}, (None, ("resolved", "WARN"), ("resolved", "CRITICAL"))),
    "pending": ({"of": [verdict("pending")]}, (None, None, None)),
    "unsure": ({"of": [verdict("unsure")]}, (None, None, None)),
    "too few": ({"of": [verdict("insufficient_data")]}, (None, None, None)),
    "undefined": ({"of": [verdict("insufficient_data", actual=None)]}, (None, None, None)),
    "no longer checked": (
        {"of": [verdict("met", metric="max_drawdown")]},
        (None, ("resolved", "WARN"), ("resolved", "CRITICAL")),
    ),
    "no target at all": ({}, (None, ("resolved", "WARN"), ("resolved", "CRITICAL"))),
    "no trades": ({"alert_status": "NO_TRADES"}, (None, None, None)),
    "no targets file": ({"alert_status": "NO_TARGETS"}, (None, None, None)),
    "invalid targets": ({"alert_status": "INVALID_TARGETS"}, (None, None, None)),
}


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("state", STATES, ids=lambda state: str(state.__name__))
def test_a_verdict_adds_this_line_to_an_alert_in_this_state_or_none(
    state: Any, name: str, window: Window
) -> None:
    log = Log()
    state(log, window)
    says, (to_none, to_warn, to_critical) = VERDICTS[name]
    expected = {None: to_none, "WARN": to_warn, "CRITICAL": to_critical}[STATES[state]]
    verdicts, rest = says.get("of", []), {key: says[key] for key in says if key != "of"}
    added = log.see(evaluation(*verdicts, window=window, **rest))
    assert [(line.status, line.severity) for line in added] == ([expected] if expected else [])
    assert log.see(evaluation(*verdicts, window=window, **rest)) == []


# --- the lines, field by field ----------------------------------------------------------------


def the_raised_line() -> AlertEvent:
    return AlertEvent(
        id="weekly-2025-06-09-win_rate-1",
        status="raised",
        window=Window.WEEKLY,
        period=date(2025, 6, 9),
        start_date=date(2025, 6, 9),
        end_date=date(2025, 6, 15),
        metric="win_rate",
        actual=Decimal("0.55"),
        target=Decimal("0.6"),
        severity="WARN",
        message="weekly 2025-06-09: win_rate 0.55 below its target 0.6 (WARN)",
        late=False,
        raised_at=NOW,
        asset_key="weekly_summary",
        run_id="run-1",
    )


def test_each_line_is_the_whole_state_of_its_alert_from_raised_to_resolved() -> None:
    log = Log()
    one, two, three = (NOW + hours * timedelta(hours=1) for hours in (1, 2, 3))
    log.see(evaluation(WARN, window=Window.WEEKLY))
    log.acknowledge("weekly-2025-06-09-win_rate-1", now=one)
    log.see(evaluation(CRITICAL, window=Window.WEEKLY, run_id="run-2"), now=two)
    log.see(evaluation(MET, window=Window.WEEKLY, run_id="run-3"), now=three)
    first = the_raised_line()
    second = msgspec.structs.replace(first, status="acknowledged", acknowledged_at=one)
    third = msgspec.structs.replace(
        second,
        status="updated",
        severity="CRITICAL",
        actual=Decimal("0.3"),
        message="weekly 2025-06-09: win_rate 0.3 below its target 0.6 (CRITICAL)",
        run_id="run-2",
    )
    fourth = msgspec.structs.replace(
        third,
        status="resolved",
        actual=Decimal("0.65"),
        message="weekly 2025-06-09: win_rate 0.65 meets its target 0.6",
        resolved_at=three,
        run_id="run-3",
    )
    assert log.lines == [first, second, third, fourth]


def test_a_target_taken_out_of_the_file_resolves_saying_so_and_keeps_the_last_numbers() -> None:
    log = Log()
    log.see(evaluation(WARN, window=Window.WEEKLY))
    later = NOW + ONE_DAY
    assert log.see(evaluation(window=Window.WEEKLY, run_id="run-9"), now=later) == [
        msgspec.structs.replace(
            the_raised_line(),
            status="resolved",
            message="weekly 2025-06-09: win_rate is no longer checked",
            resolved_at=later,
            run_id="run-9",
        )
    ]


def test_a_line_has_its_fields_in_the_order_of_the_schema() -> None:
    document = json.loads(encode_plain(the_raised_line()))
    assert list(document.items()) == [
        ("event", "performance.alert"),
        ("id", "weekly-2025-06-09-win_rate-1"),
        ("status", "raised"),
        ("window", "weekly"),
        ("period", "2025-06-09"),
        ("start_date", "2025-06-09"),
        ("end_date", "2025-06-15"),
        ("metric", "win_rate"),
        ("strategy", ""),
        ("actual", "0.55"),
        ("target", "0.6"),
        ("severity", "WARN"),
        ("message", "weekly 2025-06-09: win_rate 0.55 below its target 0.6 (WARN)"),
        ("late", False),
        ("raised_at", "2025-06-10T18:00:00Z"),
        ("acknowledged_at", None),
        ("resolved_at", None),
        ("asset_key", "weekly_summary"),
        ("run_id", "run-1"),
    ]


def test_numbers_are_said_digit_by_digit_however_large_or_small() -> None:
    exact = verdict("breached", "WARN", "realized_pnl", "-1234567890123456789.00000000000000000001")
    (line,) = Log().see(evaluation(exact))
    assert json.loads(encode_plain(line))["actual"] == "-1234567890123456789.00000000000000000001"
    assert line.message == (
        "daily 2025-06-10: realized_pnl -1234567890123456789.00000000000000000001"
        " below its target 0.6 (WARN)"
    )


# --- episodes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_a_breach_after_it_was_resolved_is_a_new_episode_with_a_new_id(window: Window) -> None:
    log = Log()
    for verdict_ in (WARN, MET, WARN, MET, CRITICAL):
        log.see(evaluation(verdict_, window=window))
    stem = f"{window}-{KEYS[window]}-win_rate"
    assert said(log.lines) == [
        (f"{stem}-1", "raised"),
        (f"{stem}-1", "resolved"),
        (f"{stem}-2", "raised"),
        (f"{stem}-2", "resolved"),
        (f"{stem}-3", "raised"),
    ]


def test_each_window_period_and_metric_has_an_episode_of_its_own() -> None:
    log = Log()
    both = (WARN, verdict("breached", "CRITICAL", "max_drawdown", "-9"))
    places = [(window, DAY) for window in PARTITIONED_WINDOWS] + [(Window.DAILY, NEXT_DAY)]
    log.see(*(evaluation(*both, window=window, day=day) for window, day in places))
    log.see(evaluation(MET, both[1], window=Window.DAILY, day=NEXT_DAY))
    assert said(log.lines) == [
        *(
            (f"{window}-{Period.of(window, day).key}-{metric}-1", "raised")
            for (window, day), metric in product(places, ("win_rate", "max_drawdown"))
        ),
        ("daily-2025-06-11-win_rate-1", "resolved"),
    ]


def test_an_id_that_a_deleted_log_gave_out_is_given_out_again_from_the_start() -> None:
    assert said(Log().see(evaluation(WARN))) == [("daily-2025-06-10-win_rate-1", "raised")]


def test_an_id_is_never_given_to_two_alerts_even_when_the_log_holds_only_a_later_one() -> None:
    log = Log()
    for verdict_ in (WARN, MET, WARN, MET):
        log.see(evaluation(verdict_))
    log.lines = log.lines[2:]
    assert said(log.see(evaluation(WARN))) == [("daily-2025-06-10-win_rate-1", "raised")]
    assert said(log.see(evaluation(MET))) == [("daily-2025-06-10-win_rate-1", "resolved")]
    assert said(log.see(evaluation(WARN))) == [("daily-2025-06-10-win_rate-3", "raised")]


def test_the_rolling_window_is_one_stream_whose_period_is_the_day_it_was_raised_on() -> None:
    log = Log()
    days = [DAY + count * ONE_DAY for count in range(5)]
    for day, verdict_ in zip(days, (WARN, WARN, CRITICAL, MET, WARN), strict=True):
        log.see(evaluation(verdict_, window=Window.ROLLING, day=day))
    assert [(line.id, line.status, line.period, line.message) for line in log.lines] == [
        (
            "rolling-2025-06-10-win_rate-1",
            "raised",
            days[0],
            "rolling 2025-06-10: win_rate 0.55 below its target 0.6 (WARN)",
        ),
        (
            "rolling-2025-06-10-win_rate-1",
            "updated",
            days[0],
            "rolling 2025-06-12: win_rate 0.3 below its target 0.6 (CRITICAL)",
        ),
        (
            "rolling-2025-06-10-win_rate-1",
            "resolved",
            days[0],
            "rolling 2025-06-13: win_rate 0.65 meets its target 0.6",
        ),
        (
            "rolling-2025-06-14-win_rate-1",
            "raised",
            days[4],
            "rolling 2025-06-14: win_rate 0.55 below its target 0.6 (WARN)",
        ),
    ]


def test_a_target_of_the_rolling_window_taken_out_days_later_resolves_its_stream() -> None:
    log = Log()
    log.see(evaluation(WARN, window=Window.ROLLING))
    log.see(evaluation(window=Window.ROLLING, day=DAY + 9 * ONE_DAY))
    assert [(line.status, line.message) for line in log.lines[1:]] == [
        ("resolved", "rolling 2025-06-19: win_rate is no longer checked")
    ]


def test_a_target_taken_out_of_one_window_leaves_the_alerts_of_every_other() -> None:
    log = Log()
    log.see(*(evaluation(WARN, window=window) for window in PARTITIONED_WINDOWS))
    added = log.see(evaluation(window=Window.WEEKLY), evaluation(day=NEXT_DAY))
    assert said(added) == [("weekly-2025-06-09-win_rate-1", "resolved")]


# --- late, and the look-back ------------------------------------------------------------------


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
@pytest.mark.parametrize(
    ("after_its_end", "late"),
    [
        (-MICROSECOND, False),
        (timedelta(), False),
        (ONE_DAY, False),
        (ONE_DAY + MICROSECOND, True),
        (400 * ONE_DAY, True),
    ],
)
def test_an_alert_is_late_when_its_window_had_been_over_for_more_than_a_day(
    window: Window, after_its_end: timedelta, late: bool
) -> None:
    (line,) = Log().see(evaluation(WARN, window=window), now=ENDS[window] + after_its_end)
    assert (line.late, line.raised_at) == (late, ENDS[window] + after_its_end)


def test_whether_an_alert_was_late_is_said_of_its_raising_and_stays() -> None:
    log = Log()
    on_time, years_after = ENDS[Window.DAILY], ENDS[Window.DAILY] + 700 * ONE_DAY
    log.see(evaluation(WARN), now=on_time)
    log.see(evaluation(CRITICAL), now=years_after)
    log.see(evaluation(MET), now=years_after)
    log.see(evaluation(WARN), now=years_after)
    assert [(line.status, line.late) for line in log.lines] == [
        ("raised", False),
        ("updated", False),
        ("resolved", False),
        ("raised", True),
    ]


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
@pytest.mark.parametrize("lookback_days", [0, 1, 30])
def test_a_window_over_for_longer_than_the_look_back_raises_nothing(
    window: Window, lookback_days: int
) -> None:
    last = ENDS[window] + lookback_days * ONE_DAY
    breach = evaluation(WARN, window=window)
    running = ENDS[window] - MICROSECOND
    assert len(Log().see(breach, now=running, lookback_days=lookback_days)) == 1
    assert len(Log().see(breach, now=last, lookback_days=lookback_days)) == 1
    assert Log().see(breach, now=last + MICROSECOND, lookback_days=lookback_days) == []


def test_the_look_back_keeps_no_alert_from_being_updated_or_resolved() -> None:
    log, long_after = Log(), NOW + 900 * ONE_DAY
    log.see(evaluation(WARN, verdict("breached", "WARN", "max_drawdown")), lookback_days=0)
    worse = evaluation(CRITICAL, verdict("breached", "WARN", "max_drawdown"))
    log.see(worse, now=long_after, lookback_days=0)
    log.see(evaluation(MET), now=long_after, lookback_days=0)
    assert said(log.lines[2:]) == [
        ("daily-2025-06-10-win_rate-1", "updated"),
        ("daily-2025-06-10-win_rate-1", "resolved"),
        ("daily-2025-06-10-max_drawdown-1", "resolved"),
    ]
    assert log.see(evaluation(WARN), now=long_after, lookback_days=0) == []


def test_raised_alerts_are_a_sentence_each_and_late_ones_one_sentence_together() -> None:
    on_time = evaluation(WARN, window=Window.MONTHLY)
    late = [evaluation(WARN, day=DAY - count * ONE_DAY) for count in range(2, 5)]
    log = Log()
    raised_now = log.see(*late, on_time)
    assert raised_warnings(raised_now) == [
        "alert monthly-2025-06-01-win_rate-1:"
        " monthly 2025-06-01: win_rate 0.55 below its target 0.6 (WARN)",
        "3 late alerts of windows that have been over for more than a day;"
        " `alerts list --all` shows them",
    ]
    others = log.see(evaluation(CRITICAL, window=Window.MONTHLY), *(evaluation(day=DAY),))
    assert [line.status for line in others] == ["updated"]
    assert raised_warnings(others) == []


# --- acknowledging ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["nothing-like-it"], "'nothing-like-it' is no alert in the log"),
        (
            ["daily-2025-06-11-win_rate-1"],
            "'daily-2025-06-11-win_rate-1' is resolved; only an active alert can be",
        ),
        (["daily-2025-06-10-win_rate-1", "typo"], "'typo' is no alert in the log"),
        (["", "daily-2025-06-10-win_rate-1"], "'' is no alert in the log"),
    ],
)
def test_an_id_that_is_unknown_or_resolved_is_an_error_for_all_that_were_given(
    ids: list[str], message: str
) -> None:
    log = Log()
    log.see(evaluation(WARN), evaluation(WARN, day=NEXT_DAY))
    log.see(evaluation(MET, day=NEXT_DAY))
    before = list(log.lines)
    with pytest.raises(UnknownAlertError) as caught:
        log.acknowledge(*ids)
    assert str(caught.value).startswith(message)
    assert log.lines == before


def test_acknowledging_twice_in_one_go_or_later_or_after_an_update_adds_nothing() -> None:
    log = Log()
    log.see(evaluation(WARN))
    alert_id = log.lines[0].id
    assert said(log.acknowledge(alert_id, alert_id)) == [(alert_id, "acknowledged")]
    assert log.acknowledge(alert_id, now=NOW + ONE_DAY) == []
    log.see(evaluation(CRITICAL))
    assert log.acknowledge(alert_id, now=NOW + ONE_DAY) == []
    assert [line.acknowledged_at for line in log.lines] == [None, NOW, NOW]


def test_a_new_episode_is_not_acknowledged_by_what_was_said_of_the_last() -> None:
    log = Log()
    log.see(evaluation(WARN))
    log.acknowledge(log.lines[0].id)
    log.see(evaluation(MET))
    (again,) = log.see(evaluation(WARN))
    assert (again.acknowledged_at, again.resolved_at) == (None, None)
    assert said(log.acknowledge(again.id)) == [(again.id, "acknowledged")]


# --- any interleaving -------------------------------------------------------------------------

DAYS: Final = [DAY, NEXT_DAY, DAY + 7 * ONE_DAY]
METRICS: Final = ("win_rate", "max_drawdown")
ANY_VERDICT: Final[st.SearchStrategy[tuple[str, str | None] | None]] = st.sampled_from(
    [
        ("breached", "WARN"),
        ("breached", "CRITICAL"),
        ("met", None),
        ("pending", None),
        ("unsure", None),
        ("insufficient_data", None),
        None,  # not in force
    ]
)


@st.composite
def evaluations(draw: st.DrawFn) -> list[Evaluation]:
    """What checks may say in one look: one evaluation a period, one of the rolling window."""
    periods = [(window, day) for window in PARTITIONED_WINDOWS for day in DAYS]
    chosen = draw(st.lists(st.sampled_from(periods), min_size=1, max_size=4, unique=True))
    found: dict[tuple[Window, date | None], Evaluation] = {}
    for window, day in chosen:
        verdicts = [
            verdict(*drawn, metric)
            for metric in METRICS
            if (drawn := draw(ANY_VERDICT)) is not None
        ]
        without = draw(st.sampled_from([None, None, "NO_TRADES", "NO_TARGETS", "INVALID_TARGETS"]))
        made = evaluation(
            *([] if without else verdicts), window=window, day=day, alert_status=without
        )
        found[episode(window, made.period, "")[:2]] = made
    return list(found.values())


def episode(window: Window, period: date, metric: str) -> Episode:
    return (window, None if window is Window.ROLLING else period, metric)


def model(active: Mapping[Episode, str], seen: Sequence[Evaluation]) -> dict[Episode, Said]:
    """What `seen` must add, worked out another way: per episode its event and severity."""
    expected: dict[Episode, Said] = {}
    for one in seen:
        verdicts = {judged.metric: judged for judged in one.targets}
        for metric in METRICS:
            key = episode(one.window, one.period, metric)
            severity, judged = active.get(key), verdicts.get(metric)
            over = one.alert_status in ("OK", "WARN", "CRITICAL") if judged is None else False
            if severity is None and judged is not None and judged.status == "breached":
                expected[key] = ("raised", str(judged.severity))
            elif severity and judged is not None and judged.severity not in (None, severity):
                expected[key] = ("updated", str(judged.severity))
            elif severity and (over or (judged is not None and judged.status == "met")):
                expected[key] = ("resolved", severity)
    return expected


STEPS: Final = st.lists(st.one_of(evaluations(), st.integers(0, 50)), min_size=1, max_size=25)


@given(STEPS)
def test_any_interleaving_of_evaluations_and_acknowledging_adds_what_it_must_and_only_once(
    steps: list[list[Evaluation] | int],
) -> None:
    log = Log()
    for step in steps:
        active = {
            episode(alert.window, alert.period, alert.metric): alert
            for alert in fold(log.lines).values()
            if alert.active
        }
        if isinstance(step, int):
            ids = [alert.id for alert in active.values()]
            log.acknowledge(*ids[step : step + 1])
            continue
        added = log.see(*step)
        expected = model({key: alert.severity for key, alert in active.items()}, step)
        assert {
            episode(line.window, line.period, line.metric): (line.status, line.severity)
            for line in added
        } == expected
        assert len(added) == len(expected)
        assert log.see(*step) == []
    check_history(log.lines)


def check_history(lines: Sequence[AlertEvent]) -> None:
    """Per episode key raised and resolved alternate, and every raising has an id of its own."""
    raised_ids = [line.id for line in lines if line.status == "raised"]
    assert len(raised_ids) == len(set(raised_ids))
    open_alerts: dict[Episode, AlertEvent] = {}
    for line in lines:
        key = episode(line.window, line.period, line.metric)
        before = open_alerts.pop(key, None)
        if line.status == "raised":
            assert before is None
        else:
            assert before is not None
            assert (line.id, line.raised_at) == (before.id, before.raised_at)
            assert before.acknowledged_at in (None, line.acknowledged_at)
        if line.status == "updated":
            assert before is not None
            assert line.severity != before.severity
        assert (line.resolved_at is None) == (line.status != "resolved")
        if line.status != "resolved":
            open_alerts[key] = line


@given(st.lists(evaluations(), min_size=1, max_size=12))
def test_looking_more_often_than_things_change_adds_nothing(looks: list[list[Evaluation]]) -> None:
    once, often = Log(), Log()
    for look in looks:
        once.see(*look)
        for _ in range(3):
            often.see(*look)
    assert often.lines == once.lines


# --- what peers got wrong, on real summaries --------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Place:
    targets = tmp_path / "targets.yaml"
    targets.write_text("win_rate_target: 60\n")
    return place(tmp_path / "logs", TARGETS_FILE=str(targets))


def published(here: Place, window: Window, day: date, now: datetime) -> Evaluation:
    """What the check publishes of a summary made at `now`."""
    return evaluation_of(Period.of(window, day), here.summary(window, day, now))


def test_a_rolling_win_rate_that_falls_from_60_to_55_percent_against_60_raises_one_alert(
    here: Place,
) -> None:
    log = Log()
    here.write(DAY, *session(*["1"] * 12, *["-1"] * 8))
    sixty = published(here, Window.ROLLING, DAY, NOW)
    here.write(NEXT_DAY, *session("-1", day=NEXT_DAY))
    fifty_five = published(here, Window.ROLLING, NEXT_DAY, NOW + ONE_DAY)
    assert [sixty.targets[0].actual, fifty_five.targets[0].actual] == [
        Decimal("0.6"),
        Decimal("0.55"),
    ]
    assert log.see(sixty) == []
    for _ in range(3):
        log.see(fifty_five, now=NOW + ONE_DAY)
    assert [(line.id, line.status, line.severity, line.actual) for line in log.lines] == [
        ("rolling-2025-06-11-win_rate-1", "raised", "WARN", Decimal("0.55"))
    ]


def test_an_empty_day_evaluated_three_times_writes_nothing(here: Place) -> None:
    here.write(DAY)
    log = Log()
    for hours in range(3):
        now = datetime(2025, 6, 12, hours, tzinfo=UTC)
        seen = [published(here, window, DAY, now) for window in PARTITIONED_WINDOWS]
        assert {one.alert_status for one in seen} == {"NO_TRADES"}
        log.see(*seen, now=now)
    assert log.lines == []


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_data_that_went_missing_resolves_no_alert(here: Place, window: Window) -> None:
    log = Log()
    now = ENDS[Window.MONTHLY]
    here.write(DAY, *session(*["1"] * 11, *["-1"] * 9))
    assert len(log.see(published(here, window, DAY, now), now=now)) == 1
    here.path().write_bytes(b"")
    assert log.see(published(here, window, DAY, now), now=now) == []


@pytest.mark.parametrize("content", [None, "win_rate_target: sixty\n", "- a list\n", "{"])
def test_a_missing_or_broken_targets_file_raises_and_resolves_nothing(
    here: Place, content: str | None
) -> None:
    log = Log()
    here.write(DAY, *session("-1", "-1"))
    log.see(published(here, Window.DAILY, DAY, NOW + ONE_DAY))
    here.write(DAY, *session("1", "1"))
    here.settings.targets_file.unlink()
    if content is not None:
        here.settings.targets_file.write_text(content)
    after = published(here, Window.DAILY, DAY, NOW + ONE_DAY)
    assert after.alert_status == ("NO_TARGETS" if content is None else "INVALID_TARGETS")
    assert log.see(after) == []
    here.settings.targets_file.write_text("win_rate_target: 60\n")
    assert [line.status for line in log.see(published(here, Window.DAILY, DAY, NOW + ONE_DAY))] == [
        "resolved"
    ]


@pytest.mark.parametrize("content", ["", "# nothing is set\n", "win_rate_target: null\n"])
def test_an_empty_targets_file_is_valid_and_resolves_what_it_no_longer_checks(
    here: Place, content: str
) -> None:
    log = Log()
    here.write(DAY, *session("-1", "-1"))
    log.see(published(here, Window.DAILY, DAY, NOW + ONE_DAY))
    here.settings.targets_file.write_text(content)
    added = log.see(published(here, Window.DAILY, DAY, NOW + ONE_DAY))
    assert [(line.status, line.message) for line in added] == [
        ("resolved", "daily 2025-06-10: win_rate is no longer checked")
    ]


def test_a_running_day_raises_for_drawdown_and_the_rolling_window_and_the_rest_when_it_is_over(
    here: Place,
) -> None:
    here.settings.targets_file.write_text(
        "win_rate_target: 60\navg_risk_reward_target: 1.5\ndaily_pl_target: 100\n"
        "trades_per_day_target: 50\nmax_drawdown_target: -5\n"
    )
    here.write(DAY, *session(*["-1"] * 20, stop_loss="99", target="100.5"))
    running = [published(here, window, DAY, NOW) for window in PARTITIONED_WINDOWS]
    log = Log()
    log.see(*running)
    assert [line.id for line in log.lines] == [
        "daily-2025-06-10-max_drawdown-1",
        "rolling-2025-06-10-win_rate-1",
        "rolling-2025-06-10-avg_risk_reward_ratio-1",
    ]
    over = published(here, Window.DAILY, DAY, ENDS[Window.DAILY])
    assert said(log.see(over, now=ENDS[Window.DAILY])) == [
        ("daily-2025-06-10-win_rate-1", "raised"),
        ("daily-2025-06-10-avg_risk_reward_ratio-1", "raised"),
        ("daily-2025-06-10-realized_pnl-1", "raised"),
        ("daily-2025-06-10-total_trades-1", "raised"),
    ]


# --- strategies and the edge ----------------------------------------------------------------------


def of(strategy: str, status: str = "breached", severity: str | None = "WARN") -> Any:
    return msgspec.structs.replace(verdict(status, severity, actual="0.5"), strategy=strategy)


def test_each_strategy_and_the_whole_are_episodes_of_their_own() -> None:
    log = Log()
    stem = f"daily-{DAY}-win_rate"
    log.see(evaluation(of(""), of("momentum"), of("mean reversion")))
    assert said(log.lines) == [
        (f"{stem}-1", "raised"),
        (f"{stem}-momentum-1", "raised"),
        (f"{stem}-mean_reversion-1", "raised"),
    ]
    assert [line.strategy for line in log.lines] == ["", "momentum", "mean reversion"]
    assert log.lines[2].message == (
        f"daily {DAY}: win_rate of mean reversion 0.5 below its target 0.6 (WARN)"
    )
    assert log.see(evaluation(of(""), of("momentum"), of("mean reversion"))) == []
    added = log.see(evaluation(of(""), of("momentum", "met", None), of("mean reversion")))
    assert said(added) == [(f"{stem}-momentum-1", "resolved")]


def test_strategies_whose_names_read_the_same_in_an_id_have_different_ones() -> None:
    log = Log()
    log.see(evaluation(of("a b"), of("a_b"), of("a\tb")))
    stem = f"daily-{DAY}-win_rate-a_b"
    assert [line.id for line in log.lines] == [f"{stem}-1", f"{stem}-2", f"{stem}-3"]


def test_a_strategy_taken_out_of_the_targets_is_no_longer_checked_and_others_are() -> None:
    log = Log()
    log.see(evaluation(of("a"), of("b")))
    [added] = log.see(evaluation(of("b")))
    assert (added.strategy, added.status) == ("a", "resolved")
    assert added.message == f"daily {DAY}: win_rate of a is no longer checked"


def test_too_little_data_of_a_strategy_resolves_nothing() -> None:
    log = Log()
    log.see(evaluation(of("a")))
    assert log.see(evaluation(of("a", "insufficient_data", None))) == []


def test_an_edge_says_that_it_reached_its_alarm_and_that_it_fell_below() -> None:
    log = Log()
    alarm = msgspec.structs.replace(
        verdict("breached", "WARN", "edge"), actual=Decimal("2113.4"), target=Decimal(2000)
    )
    log.see(evaluation(alarm, window=Window.ROLLING))
    calm = msgspec.structs.replace(alarm, status="met", severity=None, actual=Decimal("12.5"))
    log.see(evaluation(calm, window=Window.ROLLING, day=NEXT_DAY))
    assert [line.message for line in log.lines] == [
        f"rolling {DAY}: edge 2113.4 reached its alarm at 2000 (WARN)",
        f"rolling {NEXT_DAY}: edge 12.5 is below its alarm at 2000",
    ]
    assert {line.id for line in log.lines} == {f"rolling-{DAY}-edge-1"}
