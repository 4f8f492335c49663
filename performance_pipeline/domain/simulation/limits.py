"""Which wins, and which statistic, make a verdict another: the functions of verdicts turned round.

A verdict asks of a number of wins what it means. Over millions of windows it is quicker to ask once
for each number of trades which wins mean it.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from performance_pipeline.domain.edge import PUBLISHED_DIGITS
from performance_pipeline.domain.luck import binomial_tail
from performance_pipeline.domain.numbers import RATIO_PLACES, divide
from performance_pipeline.domain.simulation.lives import Ints


def looked_up(values: Ints, of_one: Callable[[int], int]) -> Ints:
    """What `of_one` makes of each value, a small count."""
    table = np.zeros(int(values.max(initial=0)) + 1, np.int64)
    for value in np.flatnonzero(np.bincount(values)):
        table[value] = of_one(int(value))
    return table[values]


@lru_cache(maxsize=65536)
def fewest_wins(closed: int, rate: Decimal) -> int:
    """The fewest wins of so many trades whose published win rate is not below `rate`."""
    wins = int(rate * closed)
    while wins > 0 and divide(Decimal(wins - 1), closed) >= rate:
        wins -= 1
    while closed and divide(Decimal(wins), closed) < rate:
        wins += 1
    return wins


@lru_cache(maxsize=65536)
def most_wins(decided: int, rate: Decimal, luck: Decimal) -> int:
    """The most wins of so many whose `luck.binomial_tail` is at most `luck`; -1 where none is."""
    low, high = -1, decided
    # Where the normal distribution has it, and from there outwards.
    deviation = float(decided * rate * (1 - rate)) ** 0.5
    guess = int(float(decided * rate) + NormalDist().inv_cdf(float(luck)) * deviation)
    step = 1
    while low + 1 < high:
        at = min(max(guess, low + 1), high - 1)
        if binomial_tail(at, decided, rate) <= luck:
            low, guess = at, at + step
        else:
            high, guess = at, at - step
        step *= 2
    return low


def lowest_published_as(alarm_at: Decimal) -> float:
    """From which statistic of the edge on the published one is `alarm_at` or more."""
    digits = Context(PUBLISHED_DIGITS)
    published = digits.create_decimal(alarm_at)
    if published < alarm_at:
        published = digits.next_plus(published)
    return float((published + digits.next_minus(published)) / 2)


def surely_below(confidence: Decimal) -> float:
    """Up to which z a `luck.pnl_tail`, which is rounded, is at most 1 - `confidence`."""
    return NormalDist().inv_cdf(float(1 - confidence) + 0.5 * 10**-RATIO_PLACES)
