"""Intervals and probabilities of a recount: by bisection, by all terms, by another series."""

from bisect import bisect_left
from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import Any, Final

from performance_pipeline.pipeline.recount.exact import ZERO, plain, ratio, rounded

_MILLION: Final = 10**6
_FINE: Final = 10**60
# The 0.975 quantile of the normal distribution, and the square root of twice pi.
_QUANTILE: Final = Fraction("1.959963984540054235524594430520551527955550")
_ROOT_OF_TWICE_PI: Final = Fraction("2.506628274631000502415765284811045253006987")
_FEWEST: Final = 30
_FAR: Final = 6


def win_rate_interval(wins: int, trades: int) -> tuple[str | None, str | None]:
    """The rates x at which `wins` is likely: within 1.96 deviations of what x gives.

    (w - n x)^2 <= z^2 n x (1 - x). Each end is looked for among the millionths, by the side on
    which the points halfway between two of them lie.
    """
    if not trades:
        return None, None

    def likely(millionths: int) -> bool:
        rate = Fraction(2 * millionths + 1, 2 * _MILLION)
        return (wins - trades * rate) ** 2 <= _QUANTILE**2 * trades * rate * (1 - rate)

    found = wins * _MILLION // trades
    low = bisect_left(range(found), True, key=likely) if wins else 0
    above = range(found, _MILLION)
    high = found + bisect_left(above, True, key=lambda millionths: not likely(millionths))
    return plain(Fraction(low, _MILLION)), plain(Fraction(high, _MILLION))


def p_value(metric: str, target: Fraction, counted: Mapping[str, Any]) -> str | None:
    """That of a verdict on `metric`, from the counts and sums of a recounted summary."""
    if metric == "win_rate":
        return _binomial(counted["total_wins"], counted["total_losses"], target)
    if metric not in ("realized_pnl", "avg_daily_pnl"):
        return None
    trades, pnl = counted["total_trades"], Fraction(counted["realized_pnl"])
    variance_sum = Fraction(counted["squared_pnl_sum"]) - pnl**2 / max(trades, 1)
    if trades < _FEWEST or not variance_sum:
        return None
    days = counted["trading_days"] if metric == "avg_daily_pnl" else 1
    distance = pnl - target * days
    square = distance**2 / (variance_sum / (trades - 1) * trades)
    return plain(rounded(_normal(-_root(square) if distance < 0 else _root(square)), 6))


def _binomial(wins: int, losses: int, rate: Fraction) -> str | None:
    """All terms up to `wins` added, whole numbers over one denominator."""
    decided, won, lost = wins + losses, rate.numerator, rate.denominator - rate.numerator
    if not losses:
        return "1"
    ways, powers, total = 1, lost**decided, 0
    for count in range(wins + 1):
        total += ways * powers
        ways = ways * (decided - count) // (count + 1)
        powers = powers * won // lost if lost else 0
    return ratio(total, rate.denominator**decided)


def _normal(z: Fraction) -> Fraction:
    """1/2 + (z - z^3/(2 3) + z^5/(4 2! 5) - ...) / sqrt(2 pi), in units of 1e-60."""
    if abs(z) > _FAR:
        return Fraction(z > 0)
    size = abs(z)
    square = round(size**2 * _FINE)
    term, total, step = round(size * _FINE), 0, 0
    while term:
        total += (-1) ** step * term // (2 * step + 1)
        step += 1
        term = term * square // (_FINE * 2 * step)
    half = Fraction(total, _FINE) / _ROOT_OF_TWICE_PI
    return Fraction(1, 2) + (half if z > ZERO else -half)


def _root(value: Fraction) -> Fraction:
    return Fraction(isqrt(value.numerator * _FINE**2 // value.denominator), _FINE)
