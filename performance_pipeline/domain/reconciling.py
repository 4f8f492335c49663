"""Verdicts held against the alert log: which lines are missing for the log to be true.

Reconciling looks at what the checks say now and at what the log says now, never at what happened
in between. Doing it twice, or after a crash, therefore adds nothing twice.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

import msgspec

from performance_pipeline.domain.alerts import AlertEvent, Severity
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.summary import AlertStatus, PerformanceSummary, TargetResult
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.domain.windows import ONE_DAY, Period, Window

LATE_AFTER: Final = timedelta(days=1)

# Under these, every target in force has a verdict: a metric without one is no longer checked.
_JUDGED: Final = ("OK", "WARN", "CRITICAL")


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
