"""Running sums over the trades of a block of lives: any window is the difference of two of them."""

from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from performance_pipeline.domain.numbers import RATIO_PLACES
from performance_pipeline.domain.simulation.lives import DAYS, Deck, Flags, Floats, Ints, Lives

Sum = TypeVar("Sum", Ints, Floats)


class Looks(NamedTuple):
    """Moments at which something is judged: over which trades, in whose life, on which day."""

    first: Ints
    """Positions of the first trade in the window."""
    end: Ints
    """Positions after its last trade."""
    life: Ints
    day: Ints


class Sums:
    """Running sums over the trades of a block, of one strategy or all; windows follow from them."""

    def __init__(self, deck: Deck, lives: Lives, strategy: str) -> None:
        self._deck, self._lives = deck, lives
        drawn = lives.drawn
        self.counts: Flags = np.ones(len(drawn), bool)
        if strategy:
            self.counts = (deck.strategy == strategy)[drawn]

    @cached_property
    def closed(self) -> Ints:
        return _running(self.counts)

    @cached_property
    def is_win(self) -> Flags:
        return self._deck.is_win[self._lives.drawn] & self.counts

    @cached_property
    def is_loss(self) -> Flags:
        return self._deck.is_loss[self._lives.drawn] & self.counts

    @cached_property
    def wins(self) -> Ints:
        return _running(self.is_win)

    @cached_property
    def losses(self) -> Ints:
        return _running(self.is_loss)

    @cached_property
    def path(self) -> Ints:
        """The P&L of each trade, 0 of those that do not count."""
        return np.where(self.counts, self._deck.pnl[self._lives.drawn], 0)

    @cached_property
    def pnl(self) -> Ints:
        return _running(self.path)

    @cached_property
    def squares(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.path.astype(float) ** 2)])

    @cached_property
    def planned(self) -> Ints:
        return _running(np.where(self.counts, self._deck.planned[self._lives.drawn], 0))

    @cached_property
    def planned_trades(self) -> Ints:
        return _running(self._deck.is_planned[self._lives.drawn] & self.counts)

    @cached_property
    def days(self) -> Ints:
        """Days with a trade."""
        lives, at = self._lives, np.flatnonzero(self.counts)
        of_day = lives.life[at] * DAYS + lives.day[at]
        first = np.zeros(len(self.counts), bool)
        first[at[np.diff(of_day, prepend=-1) != 0]] = True
        return _running(first)


def _running(values: Ints | Flags) -> Ints:
    """Sums of all before each position."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])


def over(running: Sum, looks: Looks) -> Sum:
    """What the sum is within each window."""
    return running[looks.end] - running[looks.first]


def published(values: Ints, counts: Ints, places: int) -> Floats:
    """`values` of 10^-`places` over `counts`, in whole units of 10^-6, as the service rounds it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.rint(values / counts * 10.0 ** (RATIO_PLACES - places))
    return np.where(counts > 0, found, np.inf)
