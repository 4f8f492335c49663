"""The calendar: a cell for each day, by week and weekday, coloured by its P&L."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.windows import days_between
from performance_pipeline.reports.number_format import counted, grouped_number
from performance_pipeline.reports.page.data import EquityDay
from performance_pipeline.reports.page.plots.base import INK, LINE, MUTED, TIP, Spec, colors, spec
from performance_pipeline.reports.wording import SHORT_WEEKDAYS, long_day

_KINDS: Final = {
    f"{side}-{size}": f"var(--{side}-{size})" for side in ("loss", "gain") for size in (1, 2, 3)
}
_CELLS: Final = {**_KINDS, "zero": LINE, "missing": "none"}
_SIGNS: Final = {"loss-1": INK, "loss-2": INK, "loss-3": "var(--on-strong)", "missing": MUTED}
_COLORED: Final[Spec] = {
    "mark": {"type": "rect", "cornerRadius": 2},
    "encoding": {"color": colors("kind", _CELLS), **TIP},
}
_SIGNED: Final[Spec] = {
    "mark": {
        "type": "text",
        "fontSize": {"expr": "min(11, 1.2 * bandwidth('x'))"},
        "aria": False,
        "tooltip": None,
    },
    "encoding": {"text": {"field": "sign"}, "color": colors("kind", _SIGNS)},
}
_MANY_WEEKS: Final = 20
_NARROW: Final = 19
_BROAD: Final = 46


def calendar(
    days: Sequence[EquityDay],
    missing: Sequence[date],
    *,
    first: date,
    last: date,
    steps: Sequence[Decimal],
    title: str | None,
) -> Spec:
    """The days from `first` to `last`; `steps` part small amounts from middling and large ones.

    A loss has a minus in its cell; a `missing` day, one without the log it should have, a question
    mark. Several calendars, one a year, each have a `title`, and cells of one size.
    """
    weeks = sorted({_monday(day) for day in days_between(first, last)})
    values = [_cell(day, steps) for day in days]
    values += [
        _place(day) | {"kind": "missing", "sign": "?", "tip": f"{long_day(day)}\nno log"}
        for day in missing
    ]
    weekend = {value["weekday"] for value in values} & set(SHORT_WEEKDAYS[5:])
    shown = SHORT_WEEKDAYS if weekend else SHORT_WEEKDAYS[:5]
    return spec(
        "Calendar of daily P&L",
        **({"title": title} if title else {}),
        data={"values": values},
        width={"step": _NARROW if title or len(weeks) > _MANY_WEEKS else _BROAD},
        height={"step": 19},
        encoding={
            "x": _weeks(weeks, each=title is None and len(weeks) <= _MANY_WEEKS // 2),
            "y": _weekdays(shown),
        },
        layer=[_COLORED, _SIGNED],
        resolve={"scale": {"color": "independent"}},
    )


def _weeks(weeks: Sequence[date], *, each: bool) -> Spec:
    """Columns, named by the first day of each week or else by the months."""
    text = "utcFormat(toDate(datum.value), '%-d %b')"
    if not each:
        in_first_week = "utcdate(toDate(datum.value)) <= 7"
        text = f"{in_first_week} ? utcFormat(toDate(datum.value), '%b') : ''"
    return {
        "field": "week",
        "type": "ordinal",
        "title": None,
        "scale": {"domain": [str(week) for week in weeks], "padding": 0.12},
        "axis": {
            "labelExpr": text,
            "labelAngle": 0,
            "labelAlign": "left",
            # Names of months stand far apart, with empty labels between them.
            "labelOverlap": each,
            "ticks": False,
            "domain": False,
        },
    }


def _weekdays(shown: Sequence[str]) -> Spec:
    return {
        "field": "weekday",
        "type": "ordinal",
        "title": None,
        "scale": {"domain": list(shown), "padding": 0.12},
        "axis": {"labelPadding": 8},
    }


def _cell(day: EquityDay, steps: Sequence[Decimal]) -> Spec:
    size = 1 + sum(abs(day.realized_pnl) >= step for step in steps)
    side = "loss" if day.realized_pnl < 0 else "gain"
    trades = counted(day.total_trades, "trade")
    return _place(day.date) | {
        "kind": f"{side}-{size}" if day.realized_pnl else "zero",
        "sign": "\N{MINUS SIGN}" if day.realized_pnl < 0 else "",
        "tip": f"{long_day(day.date)}\n{grouped_number(day.realized_pnl)}, {trades}",
    }


def _place(day: date) -> Spec:
    return {"week": str(_monday(day)), "weekday": SHORT_WEEKDAYS[day.weekday()]}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
