"""What rests on all trades from the first partition on, counted again in one pass over them."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from performance_pipeline.pipeline.recount.exact import ZERO, plain
from performance_pipeline.pipeline.recount.records import Record

_TENTHS: Final = (5, 6, 7, 8, 9)
# The R of the edge are counted in units of it, rounded down; they are at least half, so that each
# trade adds less than 1e-59 to the relative error.
_UNIT: Final = 10**60
_KEPT: Final = 10**15
"""A mean is rounded to 45 decimals before the last time, so that a middle between two roundings,
which units miss by a hair, is one again."""
_MOST: Final = Fraction(10**100)


class Stream:
    """The stream of closed `trades`, given in order: how it stood at the end of each day."""

    def __init__(self, trades: Sequence[Record], win_rate: Fraction | None) -> None:
        self._days: list[date] = []
        self._drawdowns: list[Fraction] = []
        self._statistics: list[Fraction] = []
        total = peak = ZERO
        r = [0] * len(_TENTHS)
        steps = None if win_rate is None else _steps(win_rate)
        for trade in trades:
            if not self._days or self._days[-1] != trade.day:
                self._days.append(trade.day)
                self._drawdowns.append(ZERO)
                self._statistics.append(ZERO)
            total += trade.pnl
            peak = max(peak, total)
            self._drawdowns[-1] = total - peak
            if steps is None:
                continue
            if trade.outcome != "breakeven":
                wins, losses, whole = steps
                step = wins if trade.outcome == "win" else losses
                r = [(_UNIT + one) * part // whole for one, part in zip(r, step, strict=True)]
            self._statistics[-1] = Fraction(sum(r), len(r) * _UNIT)

    def peak_drawdown(self, day: date) -> str:
        """How far P&L lay below its highest point at the end of `day`."""
        at = bisect_right(self._days, day)
        return plain(self._drawdowns[at - 1]) if at else "0"

    def edge_statistic(self, day: date) -> str:
        """The mean of the R at the end of `day`, to 6 significant digits."""
        at = bisect_right(self._days, day)
        return plain(_six_digits(self._statistics[at - 1])) if at else "0"


def _steps(win_rate: Fraction) -> tuple[list[int], list[int], int]:
    """What a win and a loss multiply each 1 + R by, as whole numbers over one denominator."""
    won, whole = win_rate.numerator, win_rate.denominator
    lost = whole - won
    wins = [tenths * lost for tenths in _TENTHS]
    losses = [10 * whole - tenths * won for tenths in _TENTHS]
    return wins, losses, 10 * lost


def _six_digits(value: Fraction) -> Fraction:
    value = min(Fraction(round(value * _UNIT / _KEPT), _UNIT // _KEPT), _MOST)
    if not value:
        return value
    power = len(str(value.numerator // value.denominator)) - 1 if value >= 1 else -1
    while value < Fraction(10) ** power:
        power -= 1
    unit = Fraction(10) ** (power - 5)
    return round(value / unit) * unit
