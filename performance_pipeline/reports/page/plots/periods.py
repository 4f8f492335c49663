"""Weeks and months: the P&L and the win rate of each, against what the targets asked for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from performance_pipeline.domain.summary import TargetResult
from performance_pipeline.reports.number_format import (
    compared,
    counted,
    grouped,
    grouped_number,
    percent,
)
from performance_pipeline.reports.page.data import PeriodRow
from performance_pipeline.reports.page.plots.base import (
    GAIN,
    INK,
    LOSS,
    MUTED,
    PERCENT,
    TIME,
    TIP,
    Spec,
    amounts,
    colors,
    spec,
)
from performance_pipeline.reports.wording import long_day, verdict_status

_LUCK: Final = "could be luck"
_VERDICTS: Final = {"met": "target met", "breached": "target missed", "unsure": _LUCK}
_NOT_JUDGED: Final = "not judged"
_MARKS: Final = {
    "target met": (GAIN, "circle"),
    "target missed": (LOSS, "triangle-down"),
    _LUCK: (MUTED, "diamond"),
    _NOT_JUDGED: (MUTED, "square"),
}
_SPAN: Final[Spec] = {"x": {**TIME, "field": "from"}, "x2": {"field": "to"}}
# A bar may be too low, or too thin, to point at.
_ANYWHERE: Final[Spec] = {
    "mark": {"type": "rect", "opacity": 0, "aria": False},
    "encoding": {**_SPAN, "tooltip": {"field": "tip"}},
}


def periods(rows: Sequence[PeriodRow], *, gap: float, live: bool) -> Spec:
    """Bars as long as their periods, less the share `gap`.

    In a live plot a pointer anywhere over a period shows its tooltip, not only over its bar.
    """
    traded = [row for row in rows if row.total_trades]
    return spec(
        "P&L and win rate by period",
        data={"values": [_value(row, gap) for row in traded]},
        spacing=14,
        resolve={"scale": {"color": "independent", "shape": "independent"}},
        vconcat=[
            _pnl(any(row.pnl is not None for row in traded), live),
            _rate([row.rate.status for row in traded if row.rate is not None], live),
        ],
    )


def _value(row: PeriodRow, gap: float) -> Spec:
    return {
        "from": _moment(row, 0),
        "to": _moment(row, 1 - gap),
        "middle": _moment(row, (1 - gap) / 2),
        "pnl": float(row.realized_pnl),
        "sign": "loss" if row.realized_pnl < 0 else "gain",
        "pnl_target": None if row.pnl_target is None else float(row.pnl_target),
        "rate": None if row.win_rate is None else float(row.win_rate),
        "rate_target": None if row.rate is None else float(row.rate.target),
        "verdict": _VERDICTS.get(row.rate.status if row.rate else "", _NOT_JUDGED),
        "tip": _tip(row),
    }


def _pnl(judged: bool, live: bool) -> Spec:
    bars: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            **_SPAN,
            "y": amounts("pnl"),
            "y2": {"datum": 0},
            "color": colors("sign", {"gain": GAIN, "loss": LOSS}),
            **TIP,
        },
    }
    return {
        "height": 150,
        "title": "P&L, and what its target asked for" if judged else "P&L",
        "layer": [
            bars,
            *([_target("pnl_target", 2)] if judged else []),
            *([_ANYWHERE] if live else []),
        ],
    }


def _rate(judged: Sequence[str], live: bool) -> Spec:
    """The win rates, given the statuses of those that were judged."""
    legend = {"legend": {"orient": "bottom"} if judged else None}
    # The legend has no word for luck where nobody asked about it.
    marks = {name: mark for name, mark in _MARKS.items() if name != _LUCK or "unsure" in judged}
    color_of = {name: color for name, (color, _) in marks.items()}
    shapes = {"domain": list(marks), "range": [shape for _, shape in marks.values()]}
    points: Spec = {
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
        "encoding": {
            "x": {**TIME, "field": "middle"},
            "y": amounts("rate", PERCENT, scale={"zero": False, "nice": 4}),
            "color": {**colors("verdict", color_of), **legend},
            "shape": {"field": "verdict", "scale": shapes, **legend},
            **TIP,
        },
    }
    return {
        "height": 90,
        "title": "Win rate, and its target" if judged else "Win rate",
        "layer": [
            *([_target("rate_target", 1)] if judged else []),
            points,
            *([_ANYWHERE] if live else []),
        ],
    }


def _target(field: str, width: int) -> Spec:
    return {
        "mark": {"type": "rule", "color": INK, "strokeWidth": width, "aria": False},
        "encoding": {**_SPAN, "y": {"field": field, "type": "quantitative"}},
    }


def _moment(row: PeriodRow, share: float) -> str:
    """When that share of the period is over, as text."""
    hours = int(((row.last_day - row.first_day).days + 1) * 24 * share)
    return f"{row.first_day + timedelta(days=hours // 24)}T{hours % 24:02}:00Z"


def _tip(row: PeriodRow) -> str:
    lines = [
        f"{long_day(row.first_day)} to {long_day(row.last_day)}",
        f"P&L {grouped_number(row.realized_pnl)}, {counted(row.total_trades, 'trade')}",
    ]
    if row.pnl is not None:
        lines.append(f"a day {_verdict(row.pnl)}")
    lines.append(f"win rate {percent(row.win_rate) if row.rate is None else _verdict(row.rate)}")
    return "\n".join(lines)


def _verdict(result: TargetResult) -> str:
    actual, target, _ = compared(result.metric, result.actual, result.target)
    return f"{grouped(actual)}, target {grouped(target)}: {verdict_status(result)}"
