"""Several bots as one HTML page that needs nothing else: no network and no script."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from markupsafe import Markup

from performance_pipeline.domain.overview import DayResult, Overview
from performance_pipeline.reports.number_format import counted, number
from performance_pipeline.reports.page.html import environment
from performance_pipeline.reports.wording import alerts_in_words, room_left

_WIDTH: Final = 120
_HEIGHT: Final = 28
_MARGIN: Final = 2


def overview_html(overview: Overview) -> str:
    """The whole page."""
    return (
        environment()
        .get_template("bots.html")
        .render(
            overview=overview,
            bots=counted(len(overview.bots), "bot"),
            alerts_in_words=alerts_in_words,
            room_left=room_left,
            sparkline=_sparkline,
            windows=("today", "week", "month", "rolling"),
            trouble=[row for row in overview.bots if row.error is not None],
        )
    )


def _sparkline(days: Sequence[DayResult]) -> Markup:
    """The path of cumulative P&L from 0 over `days`, with a line at 0."""
    if not days:
        return Markup("")
    # A float is exact enough for a height in pixels.
    path = [0.0, *accumulate(float(day.realized_pnl) for day in days)]
    low, high = min(path), max(path)
    scale = (_HEIGHT - 2 * _MARGIN) / ((high - low) or 1)
    step = (_WIDTH - 2 * _MARGIN) / (len(path) - 1)

    def height(value: float) -> float:
        return round(_MARGIN + (high - value) * scale, 1)

    points = " ".join(
        f"{round(_MARGIN + place * step, 1)},{height(value)}" for place, value in enumerate(path)
    )
    total = sum((day.realized_pnl for day in days[1:]), days[0].realized_pnl)
    label = f"P&L of {counted(len(days), 'day')}: {number(total)}"
    sign = "gain" if path[-1] > 0 else "loss" if path[-1] < 0 else "none"
    return Markup(
        '<svg class="spark {sign}" role="img" aria-label="{label}" width="{width}"'
        ' height="{height}" viewBox="0 0 {width} {height}"><title>{label}</title>'
        '<path d="M0 {zero}H{width}"/><polyline points="{points}"/></svg>'
    ).format(sign=sign, label=label, width=_WIDTH, height=_HEIGHT, zero=height(0.0), points=points)
