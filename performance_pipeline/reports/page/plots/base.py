"""What all plots of a report share: colours, axes, and the shape of a Vega-Lite spec.

Positions are floats, exact enough for pixels. Tooltips and texts for screen readers are written
from the exact numbers. Colours are names of style sheet variables, so that one drawing serves light
and dark.
"""

from typing import Any, Final

Spec = dict[str, Any]

GAIN: Final = "var(--gain)"
LOSS: Final = "var(--loss)"
INK: Final = "var(--ink)"
MUTED: Final = "var(--muted)"
LINE: Final = "var(--line)"

LEFT: Final = 60
"""Room for the labels of a vertical axis, the same in every plot, so that they line up."""

_DAY_LABEL: Final = (
    "utchours(datum.value) ? ''"
    " : utcdate(datum.value) > 1 ? utcFormat(datum.value, '%-d %b')"
    " : utcmonth(datum.value) ? utcFormat(datum.value, '%b') : utcFormat(datum.value, '%Y')"
)
_HALF_A_LABEL: Final = 18
"""Pixels; a label nearer than that to an end of its axis is moved inwards, or it is cut off."""

AMOUNT: Final = (
    "abs(datum.value) < 1000 ? format(datum.value, '~r')"
    " : replace(format(datum.value, '~s'), 'G', 'B')"
)
PERCENT: Final = "format(100 * datum.value, '~r') + ' %'"

TIME: Final[Spec] = {
    "type": "temporal",
    "scale": {"type": "utc"},
    "title": None,
    "axis": {"labelExpr": _DAY_LABEL, "labelFlush": _HALF_A_LABEL},
}
TIP: Final[Spec] = {"tooltip": {"field": "tip"}, "description": {"field": "tip"}}
"""The tooltip of a mark, and its text for screen readers, stand in its field `tip`."""

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


def spec(description: str, **parts: Any) -> Spec:
    """A whole plot of the report."""
    return {"description": description, "config": CONFIG, **parts}


def amounts(field: str, label: str = AMOUNT, **more: Any) -> Spec:
    """A vertical position; `label` is the expression that its axis is labelled by."""
    axis = {
        "labelExpr": label,
        "tickCount": 4,
        "grid": True,
        "labelPadding": 6,
        **more.pop("axis", {}),
    }
    return {"field": field, "type": "quantitative", "title": None, "axis": axis, **more}


def colors(field: str, by_name: dict[str, str], *, legend: bool = False) -> Spec:
    """The colour of each name in `field`."""
    scale = {"domain": list(by_name), "range": list(by_name.values())}
    return {"field": field, "scale": scale, **({} if legend else {"legend": None})}
