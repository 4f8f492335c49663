"""The equity curve of one window as a picture small enough for a partition's metadata.

It is written as SVG by hand: a plot library takes 50 ms a picture, and a year has about 900.
"""

from base64 import b64encode
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Final

from performance_pipeline.domain.aggregate import DailyAggregate
from performance_pipeline.domain.windows import Window

_WIDTH: Final = 480
_HEIGHT: Final = 120
_MARGIN: Final = 4
_MOST_STEPS: Final = 60


def equity_steps(window: Window, aggregate: DailyAggregate) -> list[Decimal]:
    """The P&L of each day of a week, month or range, else of each trade, in order.

    Empty for a day with more trades than its aggregate keeps: a curve of just the last ones would
    mislead.
    """
    if window not in (Window.DAILY, Window.ROLLING):
        return [day.drawdown.total for day in aggregate.days]
    if window is Window.DAILY and aggregate.stats.total_trades > len(aggregate.tail):
        return []
    return [trade.pnl for trade in aggregate.tail if trade.pnl is not None]


def equity_image(steps: Sequence[Decimal], alt: str) -> str:
    """A Markdown image of the path from 0 over `steps`, with a line at 0; "" for less than two."""
    if len(steps) < 2:
        return ""
    encoded = b64encode(_svg([0.0, *accumulate(map(float, steps))]).encode()).decode()
    return f"![{alt}](data:image/svg+xml;base64,{encoded})"


def _svg(path: list[float]) -> str:
    every = -(-len(path) // _MOST_STEPS)
    kept = [*path[:-1:every], path[-1]]
    low, high = min(path), max(path)
    scale = (_HEIGHT - 2 * _MARGIN) / ((high - low) or 1)

    def height(value: float) -> int:
        return round(_MARGIN + (high - value) * scale)

    step = (_WIDTH - 2 * _MARGIN) / (len(kept) - 1)
    points = " ".join(
        f"{round(_MARGIN + number * step)},{height(value)}" for number, value in enumerate(kept)
    )
    # Colours that show on Dagster's light and dark pages alike.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<path d="M0 {height(0)}H{_WIDTH}" stroke="#888" stroke-dasharray="3"/>'
        f'<polyline points="{points}" fill="none" stroke="#47f" stroke-width="2"/></svg>'
    )
