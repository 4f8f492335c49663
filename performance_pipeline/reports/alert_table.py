"""Alerts as a rich table: what `alerts list` shows on a terminal and, without colour, in a pipe."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.reports.fitted_table import Column, fitted_table, safe
from performance_pipeline.reports.number_format import compared
from performance_pipeline.reports.wording import moment

_STYLES: Final = {"CRITICAL": "red", "WARN": "yellow"}
_COLUMNS: Final = (
    # Its id, which `alerts ack` takes.
    Column("Alert", whole=True),
    Column("Status"),
    Column("Severity"),
    Column("Actual", right=True, whole=True),
    Column("Target", right=True, whole=True),
    Column("Raised, UTC"),
)
_ONE_LINE: Final = 112
"""A terminal narrower than that shows an id in two lines, the day in one and the metric in one."""


def alert_table(alerts: Iterable[AlertEvent], width: int) -> RenderableType:
    """A row an alert, by its severity in colour; a resolved one is pale."""
    rows = (_row(alert, in_two_lines=width < _ONE_LINE) for alert in alerts)
    return fitted_table(_COLUMNS, rows, width)


def _row(alert: AlertEvent, *, in_two_lines: bool) -> Sequence[Text]:
    style = _STYLES[alert.severity] if alert.active else "dim"
    actual, target, _ = compared(alert.metric, alert.actual, alert.target)
    alert_id, day = safe(alert.id), f"{alert.window}-{alert.period}-"
    if in_two_lines and alert_id.startswith(day):
        alert_id = f"{day}\n{alert_id.removeprefix(day)}"
    cells = (alert_id, alert.status, alert.severity, actual, target, moment(alert.raised_at))
    return [Text(cell, style) for cell in cells]
