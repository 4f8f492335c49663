"""Alerts as the lines of their log tell them: what a line holds, and what many come to.

Which lines verdicts add to it is said in `reconciling.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, get_args

import msgspec

from performance_pipeline.domain.windows import Window
from performance_pipeline.errors import PipelineError

State = Literal["raised", "updated", "acknowledged", "resolved"]
STATES: Final[tuple[str, ...]] = get_args(State)
Severity = Literal["WARN", "CRITICAL"]


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


class UnknownAlertError(PipelineError):
    """An id that names no alert that can be acknowledged."""


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
