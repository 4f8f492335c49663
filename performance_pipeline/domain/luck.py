"""How much of a result can be luck: an interval and probabilities, from counts and exact sums.

Each is the published number: rounded once, half to even, to 6 decimals, and right to the last of
them. No float is used, so it is the same on every machine.
"""

import decimal
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.numbers import ZERO, divide, exact_arithmetic

FEWEST_TRADES: Final = 30
"""Below so many trades a sum of P&L is not taken to be normally distributed."""

_ONE: Final = Decimal(1)
# The 0.975 quantile of the normal distribution: 95 % lie within so many deviations of the mean.
_Z: Final = Decimal("1.95996398454005423552459443052055152795555007786954")
_DENSITY_AT_0: Final = Decimal("0.39894228040143267793994605993438186847585863116493")
# Beyond it the normal tail is below 1e-9, and rounds to 0.
_FAR: Final = 6
_DIGITS: Final = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN)
_SERIES_ENDS: Final = Decimal("1e-45")
# How finely the terms of a binomial tail are counted, against the largest of them.
_UNITS: Final = 1 << 192


def wilson_interval(wins: int, trades: int) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """The 95 % Wilson score interval of a win rate; None, None without trades.

    (2w + z^2 -+ z sqrt(z^2 + 4w(n-w)/n)) / (2(n + z^2)), z the 0.975 quantile of the normal.
    """
    if not trades:
        return None, None
    with decimal.localcontext(_DIGITS):
        square = _Z * _Z
        middle = 2 * wins + square
        spread = _Z * (square + Decimal(4 * wins * (trades - wins)) / trades).sqrt()
        whole = 2 * (trades + square)
        low = divide(middle - spread, whole) if wins else ZERO
        high = divide(middle + spread, whole) if wins < trades else _ONE
    return low, high


def binomial_tail(wins: int, decided: int, rate: Decimal) -> Decimal:
    """How likely at most `wins` of `decided` trades win, if each wins with probability `rate`.

    Exact: sum over i <= wins of C(n, i) p^i (1-p)^(n-i). Over no trades it is 1.

    All terms together are 1, so only their proportions count. They are counted from the largest
    outwards, in units of 2^-192 of it and rounded down, until they are less than a unit: some
    thousand small multiplications, however large n is. Two bounds on what was cut off enclose the
    true number. Where they do not round alike it lies next to the middle of two roundings, as few
    trades can (1/2^7 is 0.0078125), and then it is computed in full.
    """
    won, whole = rate.as_integer_ratio()
    lost = whole - won
    if wins >= decided or not won:
        return _ONE
    if not lost:
        return ZERO
    within, beyond = _terms(wins, decided, won, lost)
    # Each of at most n + 1 terms is short by at most n units, one for each step away from the
    # largest, which is not short at all; those left out are not larger than the last one's error.
    short = decided * decided
    total = within + beyond + short
    low, high = divide(Decimal(within), total), divide(Decimal(within + short), total)
    return low if low == high else _whole_tail(wins, decided, won, lost)


def pnl_tail(pnl: Decimal, squares: Decimal, trades: int, asked: Decimal) -> Decimal | None:
    """How likely a P&L of at most `pnl` is, if `asked` were what so many trades make on average.

    The normal probability of z = (pnl - asked) / (s sqrt(n)), s the sample standard deviation of
    the P&L of a trade: s^2 n = (n `squares` - pnl^2) / (n - 1), `squares` the sum of squared P&L.
    None below `FEWEST_TRADES`, and where all trades made the same.
    """
    if trades < FEWEST_TRADES:
        return None
    with exact_arithmetic():
        spread, distance = trades * squares - pnl * pnl, pnl - asked
    if spread <= 0:
        return None
    with decimal.localcontext(_DIGITS):
        return _normal(distance * (Decimal(trades - 1) / spread).sqrt())


def _terms(wins: int, decided: int, won: int, lost: int) -> tuple[int, int]:
    """The terms up to `wins` and those above, in units, with `won` : `lost` the odds of a win."""
    largest = (decided + 1) * won // (won + lost)
    sums = [0, 0]  # up to `wins`, and above
    sums[largest > wins] = term = _UNITS
    for count in range(largest, 0, -1):
        term = term * count * lost // ((decided - count + 1) * won)
        if not term:
            break
        sums[count - 1 > wins] += term
    term = _UNITS
    for count in range(largest, decided):
        term = term * (decided - count) * won // ((count + 1) * lost)
        if not term:
            break
        sums[count + 1 > wins] += term
    return sums[0], sums[1]


def _whole_tail(wins: int, decided: int, won: int, lost: int) -> Decimal:
    """The tail by all its terms, whole numbers over one denominator."""
    term = total = lost**decided
    for count in range(wins):
        term = term * (decided - count) * won // ((count + 1) * lost)
        total += term
    return divide(Decimal(total), Decimal((won + lost) ** decided))


def _normal(z: Decimal) -> Decimal:
    """The probability that a standard normal number is at most `z`.

    1/2 + density(z) (z + z^3/3 + z^5/(3 5) + ...), a series whose terms have one sign.
    """
    if abs(z) > _FAR:
        return ZERO if z < 0 else _ONE
    square, term, total, odd = z * z, z, z, 1
    while abs(term) > _SERIES_ENDS:
        odd += 2
        term = term * square / odd
        total += term
    return divide(Decimal("0.5") + _DENSITY_AT_0 * (-square / 2).exp() * total, 1)
