"""Verdicts held against the alert log: which lines are missing for the log to be true.

Reconciling looks at what the checks say now and at what the log says now, never at what happened
in between. Doing it twice, or after a crash, therefore adds nothing twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self, get_args

import msgspec

from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.summary import AlertStatus, PerformanceSummary, TargetResult
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.domain.windows import ONE_DAY, Period, Window
from performance_pipeline.errors import PipelineError

LATE_AFTER: Final = timedelta(days=1)

State = Literal["raised", "updated", "acknowledged", "resolved"]
STATES: Final[tuple[str, ...]] = get_args(State)
Severity = Literal["WARN", "CRITICAL"]

# Under these, every target in force has a verdict: a metric without one is no longer checked.
_JUDGED: Final = ("OK", "WARN", "CRITICAL")


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the alert log: the whole state of its alert after something happened to it.

    `period` is the key of the window it was raised on; `late` says that this window had been over
    for more than a day by then.
    """

    event: Literal["performance.alert"] = "performance.alert"
    id: str
    status: State
    window: Window
    period: date
    start_date: date | None
    end_date: date | None
    metric: str
    strategy: str = ""
    """Whose trades alone it is about; "" for all."""
    actual: Decimal | None
    target: Decimal
    severity: Severity
    message: str
    late: bool
    raised_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    asset_key: str
    run_id: str
    """The run that evaluated the target; "" when the log sensor did, without one."""

    @property
    def active(self) -> bool:
        return self.status != "resolved"

    @property
    def bot(self) -> str:
        """Whose alert it is, where an instance holds several bots; "" for the only one."""
        return self.asset_key.rpartition("/")[0]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a check said of one period: the verdicts stored in its summary, and who said so."""

    window: Window
    period: date
    start_date: date | None
    end_date: date | None
    ends_at: datetime
    alert_status: AlertStatus
    targets: tuple[TargetResult, ...]
    asset_key: str = ""
    run_id: str = ""


class UnknownAlertError(PipelineError):
    """An id that names no alert that can be acknowledged."""


def evaluation_of(period: Period, summary: PerformanceSummary) -> Evaluation:
    """What the check of `period` publishes of its stored `summary`."""
    return Evaluation(
        window=period.window,
        period=period.key,
        start_date=summary.start_date,
        end_date=summary.end_date,
        ends_at=summary.ends_at,
        alert_status=summary.alert_status,
        targets=summary.targets,
    )


def raised_warnings(events: Iterable[AlertEvent]) -> list[str]:
    """A sentence for each alert that was raised, and one for all late ones together."""
    raised = [event for event in events if event.status == "raised"]
    late = sum(event.late for event in raised)
    sentences = [f"alert {event.id}: {event.message}" for event in raised if not event.late]
    if late:
        sentences.append(
            f"{late} late alerts of windows that have been over for more than a day;"
            " `alerts list --all` shows them"
        )
    return sentences


def fold(events: Iterable[AlertEvent]) -> dict[str, AlertEvent]:
    """The state of each alert, by id, in the order in which they were raised.

    It is that of its last line, unless lines were put into another order: what was resolved or
    acknowledged stays so whatever comes after.
    """
    alerts: dict[str, AlertEvent] = {}
    for event in events:
        before = alerts.get(event.id)
        if before is None or _progress(event) >= _progress(before):
            alerts[event.id] = event
    return alerts


def reconcile(
    alerts: Mapping[str, AlertEvent],
    evaluations: Sequence[Evaluation],
    *,
    now: datetime,
    lookback_days: int | None,
) -> list[AlertEvent]:
    """The lines to append so that the log agrees with `evaluations`, the latest of each period.

    A breach without an active alert raises one, unless its window has been over for more than
    `lookback_days`; a changed severity updates it; a target that is met, or no longer checked,
    resolves it. What is pending, unsure, unknown or without data changes nothing.
    """
    active = {_Episode.of(alert, alert): alert for alert in alerts.values() if alert.active}
    known = set(alerts)
    lines = []
    for evaluation in evaluations:
        raising = lookback_days is None or now <= evaluation.ends_at + lookback_days * ONE_DAY
        for verdict in evaluation.targets:
            alert = active.get(_Episode.of(evaluation, verdict))
            line = _line(alert, evaluation, verdict, now)
            if line is None or (alert is None and not raising):
                continue
            if alert is None:
                line = msgspec.structs.replace(line, id=_new_id(line, known))
                known.add(line.id)
            lines.append(line)
        lines += _no_longer_checked(active, evaluation, now)
    return lines


def acknowledge(
    alerts: Mapping[str, AlertEvent], ids: Sequence[str], *, now: datetime
) -> list[AlertEvent]:
    """The lines that acknowledge `ids`; none for one that already is.

    Raises UnknownAlertError, for the first id that is unknown or resolved, and then for all.
    """
    lines = []
    for alert_id in dict.fromkeys(ids):
        alert = alerts.get(alert_id)
        if alert is None:
            raise UnknownAlertError(f"{alert_id!r} is no alert in the log")
        if not alert.active:
            raise UnknownAlertError(f"{alert_id!r} is resolved; only an active alert can be")
        if alert.acknowledged_at is None:
            lines.append(msgspec.structs.replace(alert, status="acknowledged", acknowledged_at=now))
    return lines


def to_acknowledge(
    alerts: Mapping[str, AlertEvent],
    window: Window | None = None,
    metric: str | None = None,
    strategy: str | None = None,
) -> list[str]:
    """The ids of the alerts that can be acknowledged and are not yet.

    Of a window, of a metric, of a strategy ("" for those of all trades), each where it is given.
    """
    return [
        alert.id
        for alert in alerts.values()
        if alert.active
        and alert.acknowledged_at is None
        and window in (None, alert.window)
        and metric in (None, alert.metric)
        and strategy in (None, alert.strategy)
    ]


def _progress(event: AlertEvent) -> tuple[bool, bool, bool]:
    """How far an alert has come, from raised to resolved: equal only between its updates."""
    return (not event.active, event.acknowledged_at is not None, event.status == "updated")


class _Episode(NamedTuple):
    """What makes two breaches the same episode: the rolling window is one stream of days."""

    window: Window
    period: date | None
    metric: str
    strategy: str

    @classmethod
    def of(cls, at: AlertEvent | Evaluation, judged: AlertEvent | TargetResult) -> Self:
        """That of what was `judged`, an alert or a verdict, in the period of `at`."""
        period = None if at.window is Window.ROLLING else at.period
        return cls(at.window, period, judged.metric, judged.strategy)


def _line(
    alert: AlertEvent | None, evaluation: Evaluation, verdict: TargetResult, now: datetime
) -> AlertEvent | None:
    """The line that `verdict` adds to the log, given its alert, None when none is active.

    None when it changes nothing.
    """
    if verdict.status == "breached" and verdict.severity is not None:
        if alert is None:
            return _raised(evaluation, verdict, verdict.severity, now)
        if alert.severity != verdict.severity:
            return msgspec.structs.replace(
                alert,
                status="updated",
                severity=verdict.severity,
                **_current(evaluation, verdict),
            )
    if verdict.status == "met" and alert is not None:
        return msgspec.structs.replace(
            alert, status="resolved", resolved_at=now, **_current(evaluation, verdict)
        )
    return None


def _raised(
    evaluation: Evaluation, verdict: TargetResult, severity: Severity, now: datetime
) -> AlertEvent:
    return AlertEvent(
        id="",
        status="raised",
        window=evaluation.window,
        period=evaluation.period,
        start_date=evaluation.start_date,
        end_date=evaluation.end_date,
        metric=verdict.metric,
        strategy=verdict.strategy,
        severity=severity,
        late=now - evaluation.ends_at > LATE_AFTER,
        raised_at=now,
        **_current(evaluation, verdict),
    )


def _current(evaluation: Evaluation, verdict: TargetResult) -> dict[str, Any]:
    """The fields that follow the latest evaluation."""
    return {
        "actual": verdict.actual,
        "target": verdict.target,
        "message": _message(evaluation, verdict),
        "asset_key": evaluation.asset_key,
        "run_id": evaluation.run_id,
    }


def _message(evaluation: Evaluation, verdict: TargetResult) -> str:
    actual = "undefined" if verdict.actual is None else plain(verdict.actual)
    breached = verdict.status == "breached"
    if verdict.metric == EDGE:
        relation = "reached its alarm at" if breached else "is below its alarm at"
    else:
        relation = "below its target" if breached else "meets its target"
    severity = f" ({verdict.severity})" if verdict.severity else ""
    return (
        f"{evaluation.window} {evaluation.period}: {_subject(verdict)} {actual}"
        f" {relation} {plain(verdict.target)}{severity}"
    )


def _subject(judged: AlertEvent | TargetResult) -> str:
    of_strategy = f" of {judged.strategy}" if judged.strategy else ""
    return f"{judged.metric}{of_strategy}"


def _new_id(line: AlertEvent, known: set[str]) -> str:
    """A readable id, the same whoever raises the alert: window, period, metric, and a count.

    Behind the metric stands the strategy, where it is about one, with an underscore for what would
    not be typed as one word. The count tells apart whatever reads the same.
    """
    stem = f"{line.window}-{line.period}-{line.metric}"
    if line.strategy:
        stem += "-" + "".join(
            letter if letter.isprintable() and letter != " " else "_" for letter in line.strategy
        )
    count = 1
    while f"{stem}-{count}" in known:
        count += 1
    return f"{stem}-{count}"


def _no_longer_checked(
    active: Mapping[_Episode, AlertEvent],
    evaluation: Evaluation,
    now: datetime,
) -> list[AlertEvent]:
    """Resolve the alerts of this period whose target was taken out of a valid file."""
    if evaluation.alert_status not in _JUDGED:
        return []
    judged = {_Episode.of(evaluation, verdict) for verdict in evaluation.targets}
    return [
        msgspec.structs.replace(
            alert,
            status="resolved",
            resolved_at=now,
            message=f"{evaluation.window} {evaluation.period}: {_subject(alert)}"
            " is no longer checked",
            asset_key=evaluation.asset_key,
            run_id=evaluation.run_id,
        )
        for episode, alert in active.items()
        if episode == _Episode.of(evaluation, alert) and episode not in judged
    ]
