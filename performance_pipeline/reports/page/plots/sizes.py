"""The distribution of trade P&L: how many trades won or lost how much."""

from collections.abc import Sequence

from performance_pipeline.reports.number_format import compact, counted, grouped_number
from performance_pipeline.reports.page.data import SizeBin
from performance_pipeline.reports.page.plots.base import (
    GAIN,
    LOSS,
    MUTED,
    TIP,
    Spec,
    amounts,
    colors,
    spec,
)


def sizes(bins: Sequence[SizeBin]) -> Spec:
    """Bars from large losses to large wins; every bin is as wide as the other."""
    edges = [compact(bin.low) for bin in bins] + [compact(bins[-1].high)]
    values = [
        {
            "from": position + 0.06,
            "to": position + 0.94,
            "count": bin.count,
            "side": _side(bin),
            "tip": f"P&L {grouped_number(bin.low)} to {grouped_number(bin.high)}"
            f"\n{counted(bin.count, 'trade')}",
        }
        for position, bin in enumerate(bins)
    ]
    return spec(
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
            "y": amounts("count", axis={"tickCount": min(4, max(bin.count for bin in bins))}),
            "y2": {"datum": 0},
            "color": colors("side", {"gain": GAIN, "loss": LOSS, "both": MUTED}),
            **TIP,
        },
    )


def _side(bin: SizeBin) -> str:
    if bin.low < 0 < bin.high or bin.low == bin.high:
        return "both"
    return "loss" if bin.low < 0 else "gain"
