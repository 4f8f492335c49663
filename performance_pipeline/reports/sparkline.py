"""P&L as a row of unicode bars, gains above and losses below, told apart without colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_BARS: Final = " ▁▂▃▄▅▆▇█"
_FLAT: Final = "·"


@dataclass(frozen=True)
class Bars:
    """Two rows of one character a value: gains above, losses below, and a dot above for 0."""

    gains: str
    losses: str


def bars(values: Sequence[Decimal], tallest: Decimal) -> Bars:
    """The bars of `values`, `tallest` being the amount that a full one stands for."""
    return Bars(
        "".join(_bar(value, tallest) if value else _FLAT for value in values),
        "".join(_bar(-value, tallest) for value in values),
    )


def _bar(value: Decimal, tallest: Decimal) -> str:
    if value <= 0:
        return _BARS[0]
    # A float is exact enough for the height of a bar; the smallest gain still gets one.
    return _BARS[max(1, round(float(value) / float(tallest) * (len(_BARS) - 1)))]
