"""The equity curve: cumulative P&L, and under it how far it lay below its peak."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from performance_pipeline.reports.number_format import counted, grouped_number
from performance_pipeline.reports.page.data import EquityDay
from performance_pipeline.reports.page.plots.base import INK, LOSS, MUTED, TIME, Spec, amounts, spec
from performance_pipeline.reports.wording import long_day

_FEW_DAYS: Final = 40
_DAY: Final[Spec] = {**TIME, "field": "date"}
_NO_AXIS: Final[Spec] = {"labels": False, "ticks": False, "domain": False}


def equity_curve(days: Sequence[EquityDay], *, live: bool) -> Spec:
    """The curve from 0 on the day before the first; live, with a strip to zoom by."""
    start = days[0].date - timedelta(days=1)
    values = [{"date": str(start), "equity": 0.0, "low": 0.0, "tip": f"{long_day(start)}\nstart"}]
    values += [
        {
            "date": str(day.date),
            "equity": float(day.equity),
            "low": float(day.underwater),
            "tip": f"{long_day(day.date)}\ntotal {grouped_number(day.equity)}"
            f"\nday {grouped_number(day.realized_pnl)}, {counted(day.total_trades, 'trade')}"
            f"\nlowest below peak {grouped_number(day.underwater)}",
        }
        for day in days
    ]
    return spec(
        "Cumulative P&L and drawdown by day",
        data={"values": values},
        spacing=14,
        vconcat=[_curve(days, live), _underwater(days, live), *([_strip()] if live else [])],
    )


def _curve(days: Sequence[EquityDay], live: bool) -> Spec:
    points: Spec = {"point": {"size": 24, "color": INK}} if len(days) <= _FEW_DAYS else {}
    zero: Spec = {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "color": MUTED, "aria": False},
        "encoding": {"y": {"datum": 0}, "x": None},
    }
    end = grouped_number(days[-1].equity)
    line: Spec = {
        "mark": {
            "type": "line",
            "description": f"Cumulative P&L of {counted(len(days), 'day')}, {end} at the end",
            "color": INK,
            "strokeWidth": 1.75,
            "clip": True,
            **points,
        },
        "encoding": {"y": amounts("equity")},
    }
    return {
        "height": 230,
        "title": "Cumulative P&L",
        "encoding": {"x": {**_zoomed(live), "axis": _NO_AXIS}},
        "layer": [zero, line, *(_hover_layer("over_curve") if live else [])],
    }


def _underwater(days: Sequence[EquityDay], live: bool) -> Spec:
    deepest = min(day.underwater for day in days)
    area: Spec = {
        "mark": {
            "type": "area",
            "description": f"Drawdown, at worst {grouped_number(deepest)}",
            "color": LOSS,
            "fillOpacity": 0.3,
            "line": {"color": LOSS, "strokeWidth": 1.25},
            "clip": True,
        },
        "encoding": {"y": amounts("low")},
    }
    return {
        "height": 90,
        "title": "Underwater: below the highest total so far",
        "encoding": {"x": _zoomed(live)},
        "layer": [area, *(_hover_layer("over_water") if live else [])],
    }


def _strip() -> Spec:
    return {
        "height": 36,
        "title": "Drag to zoom, double-click to see all",
        "params": [{"name": "span", "select": {"type": "interval", "encodings": ["x"]}}],
        "mark": {"type": "area", "color": MUTED, "fillOpacity": 0.25, "aria": False},
        "encoding": {
            "x": {**_DAY, "axis": None},
            "y": amounts("equity", axis={"labels": False, "grid": False}),
        },
    }


def _zoomed(live: bool) -> Spec:
    """The day, live in the span that the strip is dragged to."""
    scale = {"type": "utc", "domain": {"param": "span"}}
    return {**_DAY, "scale": scale} if live else _DAY


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
