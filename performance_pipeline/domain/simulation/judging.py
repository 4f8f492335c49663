"""Targets held against lives: when each would have raised an alert.

It decides as `verdicts.py` and `alerts.py` do, over arrays: the same rates, limits and
probabilities, from the same functions. A period is judged when it is over, a drawdown and the
rolling window after every trade, because that is how often a service may look.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final, NamedTuple

import numpy as np

from performance_pipeline.domain.luck import FEWEST_TRADES
from performance_pipeline.domain.numbers import PLANNED_RATIO_PLACES, RATIO_PLACES
from performance_pipeline.domain.simulation.limits import (
    fewest_wins,
    looked_up,
    lowest_published_as,
    most_wins,
    surely_below,
)
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
from performance_pipeline.domain.simulation.sums import Looks, Sums, over, published
from performance_pipeline.domain.targets import EDGE, TargetLine, Targets
from performance_pipeline.domain.windows import (
    PARTITIONED_WINDOWS,
    ROLLING_LOOKBACK_DAYS,
    Period,
    Window,
)

# What a look comes to; `_UNDECIDED` neither raises nor resolves, as do unsure and too few trades.
_UNDECIDED, _MET, WARN, CRITICAL = -1, 0, 1, 2
_NO: Final = np.zeros(1, bool)
"""Of no look, however many there are."""


class _Judged(NamedTuple):
    """What is found of each look: a miss is an alert unless the last two speak against it."""

    missed: Flags
    critical: Flags
    too_few: Flags
    """Whether there are too few trades to judge by."""
    unsure: Flags
    """Whether a miss may be luck."""


class Alerts(NamedTuple):
    """The alerts of one target and severity, in time order within each life."""

    life: Ints
    day: Ints
    end: Ints
    """How many trades of the block there were when it was raised."""
    is_raised: Flags
    """For each life, whether one is in force when what is asked about begins."""


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
        judged = self._win_rate if line.metric == "win_rate" else self._value
        missed, critical, too_few, unsure = judged(line, looks, sums)
        level = np.where(missed, np.where(critical, CRITICAL, WARN), _MET)
        return np.where(too_few | (missed & unsure), _UNDECIDED, level)

    def _win_rate(self, line: TargetLine, looks: Looks, sums: Sums) -> _Judged:
        closed, wins = over(sums.closed, looks), over(sums.wins, looks)
        too_few = closed < line.min_trades

        def below(limit: Decimal) -> Flags:
            return wins < looked_up(closed, lambda of: fewest_wins(of, limit))

        critical = _NO if line.critical is None else below(line.critical)
        if line.confidence is None:
            return _Judged(below(line.target), critical, too_few, _NO)
        target, luck = line.target, 1 - line.confidence
        decided = wins + over(sums.losses, looks)
        unsure = wins > looked_up(decided, lambda of: most_wins(of, target, luck))
        return _Judged(below(target), critical, too_few, unsure)

    def _value(self, line: TargetLine, looks: Looks, sums: Sums) -> _Judged:
        closed = over(sums.closed, looks)
        too_few: Flags = closed == 0
        if line.metric == "avg_risk_reward_ratio":
            planned = over(sums.planned_trades, looks)
            too_few = planned < line.min_trades
            whole = over(sums.planned, looks)
            actual: Ints | Floats = published(whole, planned, PLANNED_RATIO_PLACES)
        else:
            actual = self._money_or_count(line, looks, sums, closed)

        def below(limit: Decimal) -> Flags:
            return actual < self._limit(line.metric, limit)

        critical = _NO if line.critical is None else below(line.critical)
        asked = line.confidence is not None
        unsure = self._may_be_luck(line, looks, sums, closed) if asked else _NO
        return _Judged(below(line.target), critical, too_few, unsure)

    def _money_or_count(
        self, line: TargetLine, looks: Looks, sums: Sums, closed: Ints
    ) -> Ints | Floats:
        match line.metric:
            case "realized_pnl":
                return over(sums.pnl, looks)
            case "avg_daily_pnl":
                return published(over(sums.pnl, looks), over(sums.days, looks), self.deck.places)
            case "total_trades":
                return closed
            case "trades_per_day":
                return published(closed, over(sums.days, looks), 0)
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
        days = over(sums.days, looks) if line.metric == "avg_daily_pnl" else 1
        pnl = over(sums.pnl, looks).astype(float)
        distance = pnl - float(line.target.scaleb(self.deck.places)) * days
        spread = closed * over(sums.squares, looks) - pnl**2
        told = (closed >= FEWEST_TRADES) & (spread > 0)
        z = distance * np.sqrt(np.maximum(closed - 1, 0) / np.where(told, spread, 1.0))
        may_be: Flags = told & (z > surely_below(line.confidence))
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


@lru_cache
def _period_of_day(window: Window) -> Ints:
    """For each day of the calendar the first day of its period, as a number."""
    return np.array([(Period.of(window, day).key - DATES[0]).days for day in DATES]).clip(0)
