"""The alert timeline: every alert over the period that it concerns."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.windows import ONE_DAY, PARTITIONED_WINDOWS, Period
from performance_pipeline.reports.number_format import compared, grouped
from performance_pipeline.reports.page.plots.base import LOSS, TIME, TIP, Spec, colors, spec
from performance_pipeline.reports.wording import judged_name, moment

_NAME_CUT: Final = 40
_SEVERITIES: Final = {"CRITICAL": LOSS, "WARN": "var(--warn)"}


def alert_timeline(alerts: Sequence[AlertEvent], period: Period) -> Spec:
    """Every alert over the period it concerns; what is still active is filled."""
    order = [(PARTITIONED_WINDOWS.index(alert.window), _alert_row(alert)) for alert in alerts]
    rows = [row for _, row in sorted(set(order))]
    shapes = {"domain": list(_SEVERITIES), "range": ["diamond", "triangle-up"]}
    span = [_moment(period.first_day), _moment(period.last_day + ONE_DAY)]
    return spec(
        "Alerts by the period they concern",
        data={"values": [_value(alert, period) for alert in alerts]},
        height={"step": 26},
        encoding={
            "y": {
                "field": "row",
                "type": "nominal",
                "title": None,
                "sort": rows,
                "axis": {
                    "grid": True,
                    "minExtent": 150,
                    "maxExtent": 150,
                    "labelLimit": 140,
                    "labelPadding": 8,
                },
            },
            "color": colors("severity", _SEVERITIES, legend=True),
        },
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.45, "aria": False},
                "encoding": {
                    "x": {**TIME, "field": "from"},
                    "x2": {"field": "to"},
                },
            },
            {
                "mark": {"type": "point", "size": 60, "filled": True, "opacity": 1},
                "encoding": {
                    "x": {**TIME, "field": "at", "scale": {"type": "utc", "domain": span}},
                    "shape": {"field": "severity", "scale": shapes},
                    "fillOpacity": {
                        "condition": {"test": "!datum.active", "value": 0.15},
                        "value": 1,
                    },
                    **TIP,
                },
            },
        ],
    )


def _value(alert: AlertEvent, period: Period) -> Spec:
    end = min(alert.end_date or alert.period, period.last_day)
    resolved = f"\nresolved {moment(alert.resolved_at)} UTC" if alert.resolved_at else ""
    return {
        "row": _alert_row(alert),
        "from": str(max(alert.start_date or alert.period, period.first_day)),
        "to": str(end + ONE_DAY),
        "at": f"{end}T12:00Z",
        "severity": alert.severity,
        "active": alert.active,
        "tip": f"{alert.severity}, {alert.status}\n{_found(alert)}"
        f"\nraised {moment(alert.raised_at)} UTC{resolved}",
    }


def _found(alert: AlertEvent) -> str:
    actual, target, _ = compared(alert.metric, alert.actual, alert.target)
    return (
        f"{alert.window} {alert.period}: {_metric(alert)} {grouped(actual)},"
        f" target {grouped(target)}"
    )


def _alert_row(alert: AlertEvent) -> str:
    return f"{alert.window} \N{MIDDLE DOT} {_metric(alert)}"


def _metric(alert: AlertEvent) -> str:
    return judged_name(alert.metric, alert.strategy)[:_NAME_CUT]


def _moment(day: date) -> Spec:
    """The start of a day in UTC, where time axes are."""
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}
