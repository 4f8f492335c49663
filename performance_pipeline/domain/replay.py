"""Targets replayed over the past: which alerts they would have raised, period by period.

What a verdict is and when an alert is raised, updated or resolved is decided where it always is, in
`verdicts.py` and `alerts.py`; nothing here writes or reads a file.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from performance_pipeline.domain.alerts import AlertEvent, Severity
from performance_pipeline.domain.reconciling import Evaluation, reconcile
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window

REPLAY_VERSION: Final = 1


class Moment(NamedTuple):
    """What was said of one period, and when: as soon as it was over."""

    now: datetime
    evaluation: Evaluation


class ReplayedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One episode: as it was raised, with the worst severity that it came to."""

    id: str
    window: Window
    period: date
    metric: str
    strategy: str
    """Whose trades alone it is about; "" for all."""
    actual: Decimal | None
    target: Decimal
    severity: Severity
    raised_at: datetime
    resolved_at: datetime | None
    """None while it is still breached at the end of the range."""


class AlertCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many alerts each file raises of one metric in one window; None without a second file."""

    window: Window
    metric: str
    strategy: str
    in_force: int
    given: int | None


class ChangedSeverity(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that both files raise, and not as hard."""

    id: str
    in_force: Severity
    given: Severity


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """The targets in force, and those of a file that was given, over one range of days."""

    schema_version: int = REPLAY_VERSION
    start_date: date
    end_date: date
    periods: int
    """How many days, weeks, months and rolling windows were judged."""
    targets_in_force: str
    targets_given: str | None
    counts: tuple[AlertCount, ...]
    in_force: tuple[ReplayedAlert, ...]
    given: tuple[ReplayedAlert, ...] | None
    only_in_force: tuple[str, ...]
    """Ids of the alerts that the given file does not raise."""
    only_given: tuple[str, ...]
    severity_differs: tuple[ChangedSeverity, ...]


def replayed(moments: Iterable[Moment]) -> tuple[ReplayedAlert, ...]:
    """The alerts that `moments`, given in time order, raise from an empty alert log on."""
    latest: dict[str, AlertEvent] = {}
    found: dict[str, ReplayedAlert] = {}
    for now, evaluation in moments:
        for line in reconcile(latest, [evaluation], now=now, lookback_days=None):
            latest[line.id] = line
            found[line.id] = _after(found.get(line.id), line)
    return tuple(found.values())


def side_by_side(
    in_force: Sequence[ReplayedAlert], given: Sequence[ReplayedAlert] | None
) -> tuple[AlertCount, ...]:
    """The alerts of each file by window and metric, in the order in which targets are judged."""
    kinds = dict.fromkeys(_kind(alert) for alert in (*in_force, *(given or ())))
    return tuple(
        AlertCount(
            window=window,
            metric=metric,
            strategy=strategy,
            in_force=sum(_kind(alert) == (window, metric, strategy) for alert in in_force),
            given=None
            if given is None
            else sum(_kind(alert) == (window, metric, strategy) for alert in given),
        )
        for window, metric, strategy in sorted(
            kinds, key=lambda kind: (PARTITIONED_WINDOWS.index(kind[0]), *kind[1:])
        )
    )


def differing(
    in_force: Sequence[ReplayedAlert], given: Sequence[ReplayedAlert]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[ChangedSeverity, ...]]:
    """Ids that only the one raises, that only the other does, and where severities differ."""
    ours, theirs = ({alert.id: alert for alert in alerts} for alerts in (in_force, given))
    return (
        tuple(key for key in ours if key not in theirs),
        tuple(key for key in theirs if key not in ours),
        tuple(
            ChangedSeverity(id=key, in_force=alert.severity, given=theirs[key].severity)
            for key, alert in ours.items()
            if key in theirs and theirs[key].severity != alert.severity
        ),
    )


def _after(before: ReplayedAlert | None, line: AlertEvent) -> ReplayedAlert:
    if before is None:
        return ReplayedAlert(
            id=line.id,
            window=line.window,
            period=line.period,
            metric=line.metric,
            strategy=line.strategy,
            actual=line.actual,
            target=line.target,
            severity=line.severity,
            raised_at=line.raised_at,
            resolved_at=None,
        )
    return msgspec.structs.replace(
        before,
        severity="CRITICAL" if "CRITICAL" in (before.severity, line.severity) else "WARN",
        resolved_at=line.resolved_at,
    )


def _kind(alert: ReplayedAlert) -> tuple[Window, str, str]:
    return (alert.window, alert.metric, alert.strategy)
