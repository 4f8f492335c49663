"""The plots of a report as Vega-Lite specs.

A mark stands where a float puts it; what it says of itself, to a pointer or to a screen reader, is
a text with the exact numbers. Colours are names of style sheet variables, so that one drawing
serves light and dark.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period
from performance_pipeline.reports.report_data import EquityDay, PeriodRow, SizeBin
from performance_pipeline.reports.wording import METRIC_NAMES, compact, grouped, long_day

Spec = dict[str, Any]

GAIN: Final = "var(--gain)"
LOSS: Final = "var(--loss)"
INK: Final = "var(--ink)"
MUTED: Final = "var(--muted)"
LINE: Final = "var(--line)"

LEFT: Final = 60
"""Room for the labels of a vertical axis, the same in every plot, so that they line up."""

_ONE_DAY: Final = timedelta(days=1)
_FEW_DAYS: Final = 40
_NAME_CUT: Final = 40
_TEXT_CUT: Final = 300
_DAY_LABEL: Final = (
    "utchours(datum.value) ? ''"
    " : utcdate(datum.value) > 1 ? utcFormat(datum.value, '%-d %b')"
    " : utcmonth(datum.value) ? utcFormat(datum.value, '%b') : utcFormat(datum.value, '%Y')"
)
_TIME: Final[Spec] = {
    "type": "temporal",
    "scale": {"type": "utc"},
    "title": None,
    "axis": {"labelExpr": _DAY_LABEL, "labelFlush": True},
}
_TIP: Final[Spec] = {"tooltip": {"field": "tip"}, "description": {"field": "tip"}}
_AMOUNT: Final = (
    "abs(datum.value) < 1000 ? format(datum.value, '~r')"
    " : replace(format(datum.value, '~s'), 'G', 'B')"
)
_PERCENT: Final = "format(datum.value, '~%')"
_SIGN_COLOR: Final[Spec] = {
    "field": "sign",
    "scale": {"domain": ["gain", "loss"], "range": [GAIN, LOSS]},
    "legend": None,
}

CONFIG: Final[Spec] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelOverlap": True,
    },
    "axisX": {"grid": False, "tickCount": 8},
    "axisY": {"domain": False, "ticks": False, "minExtent": LEFT, "maxExtent": LEFT},
    "legend": {
        "labelColor": MUTED,
        "labelFontSize": 11,
        "symbolStrokeColor": MUTED,
        "orient": "top",
        "title": None,
    },
    "title": {
        "color": MUTED,
        "fontSize": 11,
        "fontWeight": "normal",
        "anchor": "start",
        "frame": "group",
        "offset": 6,
    },
}


def _spec(description: str, **parts: Any) -> Spec:
    return {
        "description": description,
        "config": CONFIG,
        **parts,
    }


def _y(field: str, label: str = _AMOUNT, **more: Any) -> Spec:
    axis = {
        "labelExpr": label,
        "tickCount": 4,
        "grid": True,
        "labelPadding": 6,
        **more.pop("axis", {}),
    }
    return {"field": field, "type": "quantitative", "title": None, "axis": axis, **more}


def _sign(value: Decimal) -> str:
    return "loss" if value < 0 else "gain"


def equity(days: Sequence[EquityDay], *, live: bool) -> Spec:
    """Cumulative P&L above what lies under its running peak; live, with a strip to zoom by."""
    start, last = days[0].date - _ONE_DAY, days[-1]
    values = [{"date": str(start), "equity": 0.0, "low": 0.0, "tip": f"{long_day(start)}\nstart"}]
    values += [
        {
            "date": str(day.date),
            "equity": float(day.equity),
            "low": float(day.underwater),
            "tip": f"{long_day(day.date)}\ntotal {grouped(day.equity)}"
            f"\nday {grouped(day.realized_pnl)}, {day.total_trades} trades"
            f"\nlowest below peak {grouped(day.underwater)}",
        }
        for day in days
    ]
    deepest = min(day.underwater for day in days)
    # A domain that follows the strip does so in both plots above it.
    time = {**_TIME, "field": "date"}
    zoomed = {**time, "scale": {"type": "utc", "domain": {"param": "span"}}} if live else time
    points: Spec = {"point": {"size": 24, "color": INK}} if len(days) <= _FEW_DAYS else {}
    hover = [_hover_layer("over_equity"), _hover_layer("over_water")] if live else [[], []]
    above: Spec = {
        "height": 230,
        "title": "Cumulative P&L",
        "encoding": {"x": {**zoomed, "axis": {"labels": False, "ticks": False, "domain": False}}},
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": MUTED, "aria": False},
                "encoding": {"y": {"datum": 0}, "x": None},
            },
            {
                "mark": {
                    "type": "line",
                    "description": f"Cumulative P&L, {len(days)} days, to {grouped(last.equity)}",
                    "color": INK,
                    "strokeWidth": 1.75,
                    "clip": True,
                    **points,
                },
                "encoding": {"y": _y("equity")},
            },
            *hover[0],
        ],
    }
    below: Spec = {
        "height": 90,
        "title": "Underwater: below the highest total so far",
        "encoding": {"x": zoomed},
        "layer": [
            {
                "mark": {
                    "type": "area",
                    "description": f"Drawdown: at worst {grouped(deepest)}",
                    "color": LOSS,
                    "fillOpacity": 0.3,
                    "line": {"color": LOSS, "strokeWidth": 1.25},
                    "clip": True,
                },
                "encoding": {"y": _y("low")},
            },
            *hover[1],
        ],
    }
    strip: Spec = {
        "height": 36,
        "title": "Drag to zoom, double-click to see all",
        "params": [{"name": "span", "select": {"type": "interval", "encodings": ["x"]}}],
        "mark": {"type": "area", "color": MUTED, "fillOpacity": 0.25, "aria": False},
        "encoding": {
            "x": {**time, "axis": None},
            "y": _y("equity", axis={"labels": False, "grid": False}),
        },
    }
    return _spec(
        "Cumulative P&L and drawdown by day",
        data={"values": values},
        spacing=14,
        vconcat=[above, below, *([strip] if live else [])],
    )


def _hover_layer(name: str) -> list[Spec]:
    """What shows the day nearest to the pointer."""
    nearest = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}
    shown = {"condition": {"param": name, "empty": False, "value": 0.8}, "value": 0}
    return [
        {
            "params": [{"name": name, "select": {**nearest, "encodings": ["x"]}}],
            "mark": {"type": "rule", "color": MUTED, "aria": False, "clip": True},
            "encoding": {"opacity": shown, "tooltip": {"field": "tip"}},
        }
    ]


def heatmap(
    days: Sequence[EquityDay],
    missing: Iterable[date],
    weeks: Sequence[date],
    steps: Sequence[Decimal],
) -> Spec:
    """Daily P&L by week and weekday; `steps` part small from middling and large amounts."""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    values = [
        {
            "week": str(_monday(day.date)),
            "weekday": names[day.date.weekday()],
            "kind": _heat(day.realized_pnl, steps),
            "mark": "\N{MINUS SIGN}" if day.realized_pnl < 0 else "",
            "tip": f"{long_day(day.date)}\n{grouped(day.realized_pnl)}, {day.total_trades} trades",
        }
        for day in days
    ]
    values += [
        {
            "week": str(_monday(day)),
            "weekday": names[day.weekday()],
            "kind": "missing",
            "mark": "?",
            "tip": f"{long_day(day)}\nno log",
        }
        for day in missing
    ]
    shown = names if any(value["weekday"] in names[5:] for value in values) else names[:5]
    kinds = [f"{side}-{size}" for side in ("loss", "gain") for size in (1, 2, 3)]
    position: Spec = {
        "x": {
            "field": "week",
            "type": "ordinal",
            "title": None,
            "scale": {"domain": [str(week) for week in weeks], "padding": 0.12},
            "axis": {
                "labelExpr": "date(datum.value) <= 7 ? utcFormat(toDate(datum.value), '%b') : ''"
                if len(weeks) > 6
                else "utcFormat(toDate(datum.value), '%-d %b')",
                "labelAngle": 0,
                "labelAlign": "left",
                "labelOverlap": False,
                "ticks": False,
                "domain": False,
            },
        },
        "y": {
            "field": "weekday",
            "type": "ordinal",
            "title": None,
            "scale": {"domain": list(shown), "padding": 0.12},
            "axis": {"labelPadding": 8},
        },
    }
    return _spec(
        "Calendar of daily P&L",
        data={"values": values},
        width={"step": 19 if len(weeks) > 26 else 30},
        height={"step": 19},
        encoding=position,
        layer=[
            {
                "mark": {"type": "rect", "cornerRadius": 2},
                "encoding": {
                    "color": {
                        "field": "kind",
                        "scale": {
                            "domain": [*kinds, "zero", "missing"],
                            "range": [*(f"var(--{kind})" for kind in kinds), LINE, "none"],
                        },
                        "legend": None,
                    },
                    **_TIP,
                },
            },
            {
                "mark": {
                    "type": "text",
                    "fontSize": {"expr": "min(11, 1.2 * bandwidth('x'))"},
                    "aria": False,
                    "tooltip": None,
                },
                "encoding": {
                    "text": {"field": "mark"},
                    "color": {
                        "field": "kind",
                        "scale": {
                            "domain": ["loss-3", "loss-1", "loss-2", "missing"],
                            "range": ["var(--on-strong)", INK, INK, MUTED],
                        },
                        "legend": None,
                    },
                },
            },
        ],
        resolve={"scale": {"color": "independent"}},
    )


def _heat(pnl: Decimal, steps: Sequence[Decimal]) -> str:
    if not pnl:
        return "zero"
    return f"{_sign(pnl)}-{1 + sum(abs(pnl) >= step for step in steps)}"


def _monday(day: date) -> date:
    return day - day.weekday() * _ONE_DAY


def periods(rows: Sequence[PeriodRow], *, gap: float, live: bool) -> Spec:
    """P&L and win rate of weeks or months, against what the targets asked of each."""
    verdicts = {"met": "target met", "breached": "target missed"}
    values = [
        {
            "from": f"{row.first_day}T00:00Z",
            "to": _end(row, gap),
            "middle": _middle(row, gap),
            "pnl": float(row.realized_pnl),
            "sign": _sign(row.realized_pnl),
            "pnl_target": None if row.pnl_target is None else float(row.pnl_target),
            "rate": None if row.win_rate is None else float(row.win_rate),
            "rate_target": None if row.rate is None else float(row.rate.target),
            "verdict": verdicts.get(row.rate.status if row.rate else "", "not judged"),
            "tip": _period_tip(row),
        }
        for row in rows
        if row.total_trades
    ]
    span: Spec = {"x": {**_TIME, "field": "from"}, "x2": {"field": "to"}}
    target: Spec = {"type": "rule", "color": INK, "strokeWidth": 2, "aria": False}
    # A bar may be too low, or too thin, to point at.
    anywhere: list[Spec] = [
        {
            "mark": {"type": "rect", "opacity": 0, "aria": False},
            "encoding": {**span, "tooltip": {"field": "tip"}},
        }
    ]
    over = anywhere if live else []
    names, colors = [*verdicts.values(), "not judged"], [GAIN, LOSS, MUTED]
    shapes = ["circle", "triangle-down", "stroke"]
    return _spec(
        "P&L and win rate by period",
        data={"values": values},
        spacing=14,
        resolve={"scale": {"color": "independent", "shape": "independent"}},
        vconcat=[
            {
                "height": 150,
                "title": "P&L, and what its target asked for",
                "layer": [
                    {
                        "mark": {"type": "bar"},
                        "encoding": {
                            **span,
                            "y": _y("pnl"),
                            "y2": {"datum": 0},
                            "color": _SIGN_COLOR,
                            **_TIP,
                        },
                    },
                    {
                        "mark": target,
                        "encoding": {**span, "y": {"field": "pnl_target", "type": "quantitative"}},
                    },
                    *over,
                ],
            },
            {
                "height": 90,
                "title": "Win rate, and its target",
                "layer": [
                    {
                        "mark": {**target, "strokeWidth": 1},
                        "encoding": {**span, "y": {"field": "rate_target", "type": "quantitative"}},
                    },
                    {
                        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
                        "encoding": {
                            "x": {**_TIME, "field": "middle"},
                            "y": _y("rate", _PERCENT, scale={"zero": False, "nice": 4}),
                            "color": {
                                "field": "verdict",
                                "scale": {"domain": names, "range": colors},
                                "legend": {"orient": "bottom"},
                            },
                            "shape": {
                                "field": "verdict",
                                "scale": {"domain": names, "range": shapes},
                                "legend": {"orient": "bottom"},
                            },
                            **_TIP,
                        },
                    },
                    *over,
                ],
            },
        ],
    )


def _end(row: PeriodRow, gap: float) -> str:
    return _after(row, 1 - gap)


def _middle(row: PeriodRow, gap: float) -> str:
    return _after(row, (1 - gap) / 2)


def _after(row: PeriodRow, share: float) -> str:
    """The moment when that share of the period is over, as text."""
    hours = int(((row.last_day - row.first_day).days + 1) * 24 * share)
    return f"{row.first_day + timedelta(days=hours // 24)}T{hours % 24:02}:00Z"


def _period_tip(row: PeriodRow) -> str:
    lines = [
        f"{long_day(row.first_day)} to {long_day(row.last_day)}",
        f"P&L {grouped(row.realized_pnl)}, {row.total_trades} trades",
    ]
    if row.pnl is not None:
        lines.append(
            f"a day {grouped(row.pnl.actual)}, target {grouped(row.pnl.target)}: {row.pnl.status}"
        )
    lines.append(f"win rate {grouped(row.win_rate)}")
    if row.rate is not None:
        lines[-1] += f", target {grouped(row.rate.target)}: {row.rate.status}"
    return "\n".join(lines)


def sizes(bins: Sequence[SizeBin]) -> Spec:
    """How many trades won or lost how much; every bin is as wide as the other."""
    edges = [compact(bin.low) for bin in bins] + [compact(bins[-1].high)]
    values = [
        {
            "from": position + 0.06,
            "to": position + 0.94,
            "count": bin.count,
            "sign": "loss"
            if bin.low < 0 and bin.high <= 0
            else "gain"
            if bin.low >= 0 and bin.high > 0
            else "flat",
            "tip": f"P&L {grouped(bin.low)} to {grouped(bin.high)}\n{bin.count} trades",
        }
        for position, bin in enumerate(bins)
    ]
    return _spec(
        "Distribution of trade P&L",
        data={"values": values},
        height=220,
        mark={"type": "bar"},
        encoding={
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": "P&L of a trade",
                "scale": {"domain": [0, len(bins)], "nice": False},
                "axis": {
                    "values": list(range(len(edges))),
                    "labelExpr": f"{edges}[datum.value]",
                    "ticks": False,
                },
            },
            "x2": {"field": "to"},
            "y": _y("count", axis={"tickMinStep": 1}),
            "y2": {"datum": 0},
            "color": {
                "field": "sign",
                "scale": {"domain": ["gain", "loss", "flat"], "range": [GAIN, LOSS, MUTED]},
                "legend": None,
            },
            **_TIP,
        },
    )


def alert_timeline(alerts: Sequence[AlertEvent], period: Period) -> Spec:
    """Every alert over the period it concerns; what is still active is filled."""
    values = [
        {
            "row": _alert_row(alert),
            "from": str(max(alert.start_date or alert.period, period.first_day)),
            "to": str(min(alert.end_date or alert.period, period.last_day) + _ONE_DAY),
            "at": f"{min(alert.end_date or alert.period, period.last_day)}T12:00Z",
            "severity": alert.severity,
            "active": alert.active,
            "tip": f"{alert.severity}, {alert.status}\n{alert.message[:_TEXT_CUT]}"
            f"\nraised {alert.raised_at:%Y-%m-%d %H:%M}"
            + (f"\nresolved {alert.resolved_at:%Y-%m-%d %H:%M}" if alert.resolved_at else ""),
        }
        for alert in alerts
    ]
    order = [(PARTITIONED_WINDOWS.index(alert.window), _alert_row(alert)) for alert in alerts]
    rows = [row for _, row in sorted(set(order))]
    severities = {
        "scale": {"domain": ["CRITICAL", "WARN"], "range": ["diamond", "triangle-up"]},
        "legend": {},
    }
    span = [_moment(period.first_day), _moment(period.last_day + _ONE_DAY)]
    return _spec(
        "Alerts by the period they concern",
        data={"values": values},
        height={"step": 26},
        encoding={
            "y": {
                "field": "row",
                "type": "nominal",
                "title": None,
                "sort": rows,
                "axis": {"grid": True, "minExtent": 150, "maxExtent": 150, "labelLimit": 146},
            },
            "color": {
                "field": "severity",
                "scale": {"domain": ["CRITICAL", "WARN"], "range": [LOSS, "var(--warn)"]},
            },
        },
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.45, "aria": False},
                "encoding": {
                    "x": {**_TIME, "field": "from"},
                    "x2": {"field": "to"},
                },
            },
            {
                "mark": {"type": "point", "size": 60, "filled": True, "opacity": 1},
                "encoding": {
                    "x": {**_TIME, "field": "at", "scale": {"type": "utc", "domain": span}},
                    "shape": {"field": "severity", **severities},
                    "fillOpacity": {
                        "condition": {"test": "!datum.active", "value": 0.15},
                        "value": 1,
                    },
                    **_TIP,
                },
            },
        ],
    )


def _alert_row(alert: AlertEvent) -> str:
    metric = METRIC_NAMES.get(alert.metric, alert.metric[:_NAME_CUT])
    return f"{alert.window} \N{MIDDLE DOT} {metric}"


def _moment(day: date) -> Spec:
    """The start of a day in UTC, where time axes are."""
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}
