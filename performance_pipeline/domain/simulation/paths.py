"""What a stream of trades leads to, trade by trade: falls from a peak, and the edge statistic."""

from decimal import Decimal
from typing import Final

import numpy as np

from performance_pipeline.domain.edge import SHARES, steps
from performance_pipeline.domain.simulation.lives import Flags, Floats, Ints

# Beyond it only that it is far above any alarm counts.
_MOST: Final = 1e250
_CHUNK: Final = 256
_VALUES_AT_ONCE: Final = 4_000_000


def falls(pnl: Ints, starts: Ints) -> Ints:
    """At each trade how far cumulative P&L lies below its highest point so far: 0 or less.

    `starts` are the positions, the first being 0, at which P&L and peak begin anew from 0.
    """
    lengths = np.diff(starts, append=len(pnl))
    total = np.cumsum(pnl)
    total -= np.repeat(total[starts] - pnl[starts], lengths)
    # Stretches are stacked, each from where the highest point of those before it lies: then one
    # running maximum over all of them begins each anew.
    tops = np.maximum(np.maximum.reduceat(total, starts), 0)
    floors = np.repeat(np.cumsum(tops) - tops, lengths)
    total += floors
    highest: Ints = np.maximum(np.maximum.accumulate(total), floors)
    return total - highest


def deepest_falls(pnl: Ints, size: int, ends: Ints) -> Ints:
    """For each of `ends` the deepest fall within the `size` trades before that position."""
    total = np.concatenate([[0], np.cumsum(pnl)])
    found = np.empty(len(ends), np.int64)
    chunk = max(1, _VALUES_AT_ONCE // (size + 1))
    for at in range(0, len(ends), chunk):
        windows = total[ends[at : at + chunk, None] + np.arange(-size, 1)]
        found[at : at + chunk] = (windows - np.maximum.accumulate(windows, axis=1)).min(axis=1)
    return found


def edge_statistics(is_win: Flags, is_loss: Flags, starts: Ints, win_rate: Decimal) -> Floats:
    """At each trade the statistic of the edge, the mean of its R, over the decided trades so far.

    `starts` are the positions at which a stream begins. As in `edge.py` a trade takes R to
    `offset + factor R`: the first one of a stream has a factor of 0, which forgets what was before.
    All stretches of 256 trades are gone through at once: first what each does to R, then, with
    the R that it begins with, once more.
    """
    count = len(is_win)
    padding = (0, -count % _CHUNK)
    is_first = np.zeros(count, bool)
    is_first[starts] = True
    first, won, decided = (
        # One row a place within the stretches.
        np.ascontiguousarray(np.pad(flags, padding).reshape(-1, _CHUNK).T)
        for flags in (is_first, is_win, is_win | is_loss)
    )
    statistic = np.zeros(first.shape)
    with np.errstate(over="ignore"):
        for win, loss in zip(*(map(float, rates) for rates in steps(win_rate)), strict=True):
            multiples = np.where(decided, np.where(won, win, loss), 1.0)
            factors = np.where(first, 0.0, multiples)
            offsets = np.where(decided, multiples, 0.0)
            value = _at_the_beginnings(offsets, factors)
            for place in range(_CHUNK):
                value = np.minimum(offsets[place] + factors[place] * value, _MOST)
                statistic[place] += value
    return statistic.T.ravel()[:count] / len(SHARES)


def _at_the_beginnings(offsets: Floats, factors: Floats) -> Floats:
    """R at the beginning of each stretch, a column of what its trades do to R one after another."""
    offset, factor = np.zeros(offsets.shape[1]), np.ones(offsets.shape[1])
    for add, times in zip(offsets, factors, strict=True):
        offset = np.minimum(add + times * offset, _MOST)
        factor = np.minimum(times * factor, _MOST)
    values = [0.0]
    for add, times in zip(offset.tolist(), factor.tolist(), strict=True):
        values.append(min(add + times * values[-1], _MOST))
    return np.array(values[:-1])
