"""Lives of a bot, drawn at random: many at once, one behind the other in arrays of trades.

Each runs over the same calendar of days. It has traded for a while when what is asked about begins,
on a day of its own, so that no weekday and no day of the month is special. From that day on the win
rate may be another; all else is as it was drawn, so two rates are compared over the same luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from performance_pipeline.domain.numbers import PLANNED_RATIO_PLACES
from performance_pipeline.domain.simulation.bot import WEEKDAYS, Bot
from performance_pipeline.domain.windows import ROLLING_LOOKBACK_DAYS

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

SPAN_DAYS: Final = 365
"""How long each life is looked at."""
_WARM_UP_DAYS: Final = ROLLING_LOOKBACK_DAYS
# A multiple of the days of a week, near those of a month.
_FIRST_DAYS: Final = 28
DAYS: Final = _WARM_UP_DAYS + _FIRST_DAYS + SPAN_DAYS
FIRST_DATE: Final = date(2001, 1, 1)
"""What the calendar begins with: a Monday, and a first of the month."""
DATES: Final = tuple(FIRST_DATE + timedelta(days=day) for day in range(DAYS))
# No sum over a block's trades comes near what 64 bits hold.
_LARGEST_SUM: Final = 10**17
_MOST_PLACES: Final = 12


class Deck:
    """The trades of a bot as arrays, its wins first; money in whole units of 10^-`places`."""

    def __init__(self, bot: Bot, most_trades: int) -> None:
        """Over blocks of at most `most_trades`: where digits would be too many, the last go."""
        trades = sorted(bot.trades, key=lambda trade: trade.outcome != "win")
        largest = max(abs(trade.pnl) for trade in trades)
        digits = [-int(trade.pnl.as_tuple().exponent) for trade in trades]
        self.places = min(max(0, *digits), _MOST_PLACES)
        while self.places and largest.scaleb(self.places) * most_trades > _LARGEST_SUM:
            self.places -= 1
        self.wins = bot.wins
        self.is_win: Flags = np.array([trade.outcome == "win" for trade in trades])
        self.is_loss: Flags = np.array([trade.outcome == "loss" for trade in trades])
        self.pnl: Ints = np.array([round(trade.pnl.scaleb(self.places)) for trade in trades])
        self.is_planned: Flags = np.array([trade.planned_ratio is not None for trade in trades])
        self.planned: Ints = np.array(
            [round((trade.planned_ratio or 0) * 10**PLANNED_RATIO_PLACES) for trade in trades]
        )
        self.strategy = np.array([trade.strategy for trade in trades])

    def __len__(self) -> int:
        return len(self.pnl)


@dataclass(frozen=True)
class Lives:
    """A block of lives: which trade of the deck each one closed, in order, life after life."""

    drawn: Ints
    life: Ints
    """For each trade whose it is."""
    day: Ints
    """For each trade the day on which it closed."""
    starts: Ints
    """For each life and day the position of its first trade, and at the end that of none."""
    begins: Ints
    """For each life the day on which what is asked about begins."""

    @property
    def count(self) -> int:
        return len(self.begins)


class Luck:
    """The luck of a block of `count` lives, of which each win rate makes lives of its own."""

    def __init__(self, deck: Deck, bot: Bot, count: int, dice: np.random.Generator) -> None:
        self._deck = deck
        self._begins = _WARM_UP_DAYS + (dice.random(count) * _FIRST_DAYS).astype(np.int64)
        closed = _day_counts(bot.day_counts, float(bot.scale), count, dice)
        self._starts = np.zeros((count, DAYS + 1), np.int64)
        self._starts[:, 1:] = np.cumsum(closed).reshape(count, DAYS)
        self._starts[1:, 0] = self._starts[:-1, -1]
        self._life = np.repeat(np.arange(count), closed.sum(axis=1))
        self._day = np.repeat(np.tile(np.arange(DAYS), count), closed.ravel())
        self._wins = dice.random(len(self._life))
        self._picks = dice.random(len(self._life))

    def lives(self, before: float, after: float) -> Lives:
        """The lives that win so often before what is asked about begins, and from there on."""
        begun = self._day >= self._begins[self._life]
        won = self._wins < np.where(begun, after, before)
        wins, others = self._deck.wins, len(self._deck) - self._deck.wins
        drawn = np.where(won, self._picks * wins, wins + self._picks * others).astype(np.int64)
        return Lives(drawn, self._life, self._day, self._starts, self._begins)


def _day_counts(
    counts: Sequence[Sequence[int]], scale: float, lives: int, dice: np.random.Generator
) -> Ints:
    """For each life and day how many trades it closes."""
    drawn = np.empty((lives, DAYS))
    for weekday in range(WEEKDAYS):
        of_weekday = np.array(counts[weekday]) * scale
        shape = drawn[:, weekday::WEEKDAYS].shape
        picked = (dice.random(shape) * len(of_weekday)).astype(np.int64)
        drawn[:, weekday::WEEKDAYS] = of_weekday[picked]
    # A whole number stays as it is: what is added is below 1.
    return np.floor(drawn + dice.random(drawn.shape)).astype(np.int64)
