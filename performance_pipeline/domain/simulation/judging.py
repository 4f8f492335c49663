"""Targets held against lives: when each would have raised an alert.

It decides as `verdicts.py` and `alerts.py` do, over arrays: the same rates, limits and
probabilities, from the same functions. A period is judged when it is over, a drawdown and the
rolling window after every trade, because that is how often a service may look.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property, lru_cache, partial
from statistics import NormalDist
from typing import Final, NamedTuple, TypeVar

import numpy as np

from performance_pipeline.domain.edge import PUBLISHED_DIGITS
from performance_pipeline.domain.luck import FEWEST_TRADES, binomial_tail
from performance_pipeline.domain.numbers import PLANNED_RATIO_PLACES, RATIO_PLACES, divide
from performance_pipeline.domain.simulation.lives import (
    DATES,
    DAYS,
    Deck,
    Flags,
    Floats,
    Ints,
    Lives,
)
from performance_pipeline.domain.simulation.paths import deepest_falls, edge_statistics, falls
from performance_pipeline.domain.targets import EDGE, TargetLine, Targets
from performance_pipeline.domain.windows import (
    PARTITIONED_WINDOWS,
    ROLLING_LOOKBACK_DAYS,
    Period,
    Window,
)

# What a look comes to; `_UNDECIDED` neither raises nor resolves, as do unsure and too few trades.
_UNDECIDED, _MET, WARN, CRITICAL = -1, 0, 1, 2
_UNIT: Final = 10**RATIO_PLACES

Sum = TypeVar("Sum", Ints, Floats)


class Looks(NamedTuple):
    """Moments at which something is judged: over which trades, in whose life, on which day."""

    first: Ints
    """Positions of the first trade in the window."""
    end: Ints
    """Positions after its last trade."""
    life: Ints
    day: Ints


class Alerts(NamedTuple):
    """The alerts of one target and severity, in time order within each life."""

    life: Ints
    day: Ints
    end: Ints
    """How many trades of the block there were when it was raised."""
    is_raised: Flags
    """For each life, whether one is in force when what is asked about begins."""


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


@dataclass(frozen=True)
class Judge:
    """Holds `targets` against a block of lives."""

    targets: Targets
    rolling_window: int
    deck: Deck
    lives: Lives

    def alerts(self) -> Iterator[tuple[Window, TargetLine, int, Alerts]]:
        """The alerts of each target in force, and of those that are critical; by window."""
        sums: dict[str, Sums] = {}
        for window in PARTITIONED_WINDOWS:
            looks = None
            for line in self.targets.for_window(window):
                if line.strategy not in sums:
                    sums[line.strategy] = Sums(self.deck, self.lives, line.strategy)
                of_line = sums[line.strategy]
                if looks is None:
                    looks = self._rolling() if window is Window.ROLLING else self._periods(window)
                of_severity = self._of_severity(window, line, looks, of_line)
                for severity in (WARN, CRITICAL) if line.critical is not None else (WARN,):
                    yield window, line, severity, of_severity(severity)

    def _of_severity(
        self, window: Window, line: TargetLine, looks: Looks, sums: Sums
    ) -> Callable[[int], Alerts]:
        """The alerts of a target that are of a severity, or of a worse one."""
        if window is Window.ROLLING:
            return partial(self._episodes, looks, self._stream_level(line, looks, sums))
        if line.metric == "max_drawdown":
            of_period = self.lives.life * DAYS + _period_of_day(window)[self.lives.day]
            deep = falls(sums.path, np.flatnonzero(np.diff(of_period, prepend=-1)))
            return partial(self._first_falls, line, of_period, np.where(sums.counts, deep, 0))
        return partial(self._periods_missed, looks, self._level(line, looks, sums))

    # --- when is looked -----------------------------------------------------------------------

    def _periods(self, window: Window) -> Looks:
        """Each period of each life when it is over, those without a trade left out."""
        numbers = _period_of_day(window)
        first_days = np.flatnonzero(np.diff(numbers, prepend=-1))
        last_days = np.append(first_days[1:] - 1, DAYS - 1)
        whole = np.array(
            [Period.of(window, DATES[day]).last_day == DATES[day] for day in last_days]
        )
        first_days, last_days = first_days[whole], last_days[whole]
        starts = self.lives.starts
        first, end = starts[:, first_days].ravel(), starts[:, last_days + 1].ravel()
        there = end > first
        life = np.repeat(np.arange(self.lives.count), len(last_days))
        day = np.tile(last_days, self.lives.count)
        return Looks(first[there], end[there], life[there], day[there])

    def _rolling(self) -> Looks:
        """The rolling window after every trade."""
        lives = self.lives
        end = np.arange(1, len(lives.drawn) + 1)
        oldest = np.maximum(lives.day - (ROLLING_LOOKBACK_DAYS - 1), 0)
        first = np.maximum(end - self.rolling_window, lives.starts[lives.life, oldest])
        return Looks(first, end, lives.life, lives.day)

    # --- what it comes to ---------------------------------------------------------------------

    def _level(self, line: TargetLine, looks: Looks, sums: Sums) -> Ints:
        """For each look whether the target is met, missed, missed critically, or not judged."""
        closed = _over(sums.closed, looks)
        unsure: Flags = np.zeros(len(closed), bool)
        too_few: Flags = closed == 0
        if line.metric == "win_rate":
            wins = _over(sums.wins, looks)
            decided = wins + _over(sums.losses, looks)
            met = wins >= _looked_up(closed, lambda of: fewest_wins(of, line.target))
            too_few |= closed < line.min_trades
            if line.confidence is not None:
                luck = 1 - line.confidence
                unsure = wins > _looked_up(decided, lambda of: most_wins(of, line.target, luck))
            if line.critical is not None:
                limit = line.critical
                critical = wins < _looked_up(closed, lambda of: fewest_wins(of, limit))
        else:
            if line.metric == "avg_risk_reward_ratio":
                planned = _over(sums.planned_trades, looks)
                too_few |= planned < max(line.min_trades, 1)
                whole = _over(sums.planned, looks)
                actual: Ints | Floats = _published(whole, planned, PLANNED_RATIO_PLACES)
            else:
                actual = self._money_or_count(line, looks, sums, closed)
                if line.confidence is not None:
                    unsure = self._may_be_luck(line, looks, sums, closed)
            met = actual >= self._limit(line.metric, line.target)
            if line.critical is not None:
                critical = actual < self._limit(line.metric, line.critical)
        level = np.where(met, _MET, np.where(unsure, _UNDECIDED, WARN))
        if line.critical is not None:
            level[(level == WARN) & critical] = CRITICAL
        return np.where(too_few, _UNDECIDED, level)

    def _money_or_count(
        self, line: TargetLine, looks: Looks, sums: Sums, closed: Ints
    ) -> Ints | Floats:
        match line.metric:
            case "realized_pnl":
                return _over(sums.pnl, looks)
            case "avg_daily_pnl":
                return _published(_over(sums.pnl, looks), _over(sums.days, looks), self.deck.places)
            case "total_trades":
                return closed
            case "trades_per_day":
                return _published(closed, _over(sums.days, looks), 0)
            case "max_drawdown":
                return deepest_falls(sums.path, self.rolling_window, looks.end)
        raise NotImplementedError(f"{line.metric} is not simulated")

    def _limit(self, metric: str, limit: Decimal) -> float:
        """`limit` in the unit in which values of `metric` are compared."""
        match metric:
            case "realized_pnl" | "max_drawdown" | "peak_drawdown":
                return float(limit.scaleb(self.deck.places))
            case "total_trades":
                return float(limit)
        return float(limit.scaleb(RATIO_PLACES))

    def _may_be_luck(self, line: TargetLine, looks: Looks, sums: Sums, closed: Ints) -> Flags:
        """Whether a miss of P&L may be luck, as `luck.pnl_tail` has it."""
        assert line.confidence is not None
        days = _over(sums.days, looks) if line.metric == "avg_daily_pnl" else 1
        pnl = _over(sums.pnl, looks).astype(float)
        distance = pnl - float(line.target.scaleb(self.deck.places)) * days
        spread = closed * _over(sums.squares, looks) - pnl**2
        told = (closed >= FEWEST_TRADES) & (spread > 0)
        z = distance * np.sqrt(np.maximum(closed - 1, 0) / np.where(told, spread, 1.0))
        # A probability is rounded before it is compared.
        sure_below = NormalDist().inv_cdf(float(1 - line.confidence) + 0.5 / _UNIT)
        may_be: Flags = told & (z > sure_below)
        return may_be

    def _periods_missed(self, looks: Looks, level: Ints, severity: int) -> Alerts:
        at = level >= severity
        nothing = np.zeros(self.lives.count, bool)
        return Alerts(looks.life[at], looks.day[at], looks.end[at], nothing)

    def _first_falls(self, line: TargetLine, of_period: Ints, deep: Ints, severity: int) -> Alerts:
        """Of each period the first trade with which it fell too far: from then on it has."""
        lives = self.lives
        below = np.flatnonzero(deep < self._limit(line.metric, limit_of(line, severity)))
        at = below[np.diff(of_period[below], prepend=-1) != 0]
        nothing = np.zeros(lives.count, bool)
        return Alerts(lives.life[at], lives.day[at], at + 1, nothing)

    def _stream_level(self, line: TargetLine, looks: Looks, sums: Sums) -> Ints:
        if line.metric == EDGE:
            edge = self.targets.edge
            assert edge is not None
            starts = self._first_trades()
            statistic = edge_statistics(sums.is_win, sums.is_loss, starts, edge.win_rate)
            return np.where(statistic >= lowest_published_as(line.target), WARN, _MET)
        if line.metric == "peak_drawdown":
            deep = falls(sums.path, self._first_trades())
            level = np.where(deep < self._limit(line.metric, line.target), WARN, _MET)
            if line.critical is not None:
                level[deep < self._limit(line.metric, line.critical)] = CRITICAL
            return level
        full = looks.end - looks.first == self.rolling_window
        level = np.full(len(full), _UNDECIDED)
        level[full] = self._level(line, Looks(*(of[full] for of in looks)), sums)
        return level

    def _first_trades(self) -> Ints:
        """The positions at which a life begins that closes any trade."""
        return np.flatnonzero(np.diff(self.lives.life, prepend=-1))

    def _episodes(self, looks: Looks, level: Ints, severity: int) -> Alerts:
        """When a stream of looks is missed anew, or comes to be missed critically."""
        decided = np.flatnonzero(level != _UNDECIDED)
        life, missed = looks.life[decided], level[decided] >= severity
        before = np.concatenate([[False], missed[:-1]]) & (np.diff(life, prepend=-1) == 0)
        at = decided[missed & ~before]
        # The last look before what is asked about begins, of each life that has one.
        early = np.flatnonzero(looks.day[decided] < self.lives.begins[life])
        last = early[np.diff(life[early], append=self.lives.count) != 0]
        in_force = np.zeros(self.lives.count, bool)
        in_force[life[last]] = missed[last]
        return Alerts(looks.life[at], looks.day[at], looks.end[at], in_force)


def limit_of(line: TargetLine, severity: int) -> Decimal:
    """The target, or the line below which its alert is critical."""
    return line.critical if severity == CRITICAL and line.critical is not None else line.target


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


def _running(values: Ints | Flags) -> Ints:
    """Sums of all before each position."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])


def _over(running: Sum, looks: Looks) -> Sum:
    return running[looks.end] - running[looks.first]


def _published(values: Ints, counts: Ints, places: int) -> Floats:
    """`values` of 10^-`places` over `counts`, in whole units of 10^-6, as the service rounds it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.rint(values / counts * 10.0 ** (RATIO_PLACES - places))
    return np.where(counts > 0, found, np.inf)


def _looked_up(values: Ints, of_one: Callable[[int], int]) -> Ints:
    """What `of_one` makes of each value, a small count."""
    table = np.zeros(int(values.max(initial=0)) + 1, np.int64)
    for value in np.flatnonzero(np.bincount(values)):
        table[value] = of_one(int(value))
    return table[values]


@lru_cache
def _period_of_day(window: Window) -> Ints:
    """For each day of the calendar the first day of its period, as a number."""
    return np.array([(Period.of(window, day).key - DATES[0]).days for day in DATES]).clip(0)
