"""All closed trades from the first partition on, as one stream: how it stands at a day's end.

It rests on what the index remembers of each day, so it reads no log and loads no aggregate of a day
that was made before.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, TypeVar

from performance_pipeline.domain.edge import EdgeMaps
from performance_pipeline.domain.numbers import EXACT, ZERO, exact_arithmetic
from performance_pipeline.domain.windows import ONE_DAY, days_between
from performance_pipeline.storage.aggregates import AggregateStore
from performance_pipeline.storage.day_entries import DayEntry
from performance_pipeline.storage.logs import UnreadableLogError, log_day

State = TypeVar("State")


class EquityPath(NamedTuple):
    """Where cumulative P&L stands, and the highest point that it came to, from 0 on."""

    total: Decimal = ZERO
    peak: Decimal = ZERO

    @property
    def drawdown(self) -> Decimal:
        """How far it stands below that point: 0 or less."""
        return EXACT.subtract(self.total, self.peak)

    def then(self, day: DayEntry) -> "EquityPath":
        """The path at the end of the next `day`, in an exact context."""
        return EquityPath(self.total + day.pnl, max(self.peak, self.total + day.peak))


class TradeStream:
    """The stream of the trades in one store, at the end of any day up to the last one."""

    def __init__(self, store: AggregateStore, last_day: date) -> None:
        self._store = store
        self._last_day = last_day
        self._paths: dict[date, EquityPath] = {}
        self._maps: dict[Decimal, dict[date, EdgeMaps]] = {}

    def peak_drawdown(self, day: date) -> Decimal:
        """How far P&L lies below its highest point at the end of `day`: 0 or less.

        Raises UnreadableLogError.
        """
        return self.path(day).drawdown

    def path(self, day: date) -> EquityPath:
        """The path of P&L at the end of `day`; raises UnreadableLogError."""
        with exact_arithmetic():
            return self._at(day, self._paths, EquityPath(), EquityPath.then)

    def edge_maps(self, day: date, win_rate: Decimal) -> EdgeMaps:
        """The maps of the edge, for this win rate, at the end of `day`.

        Raises UnreadableLogError.
        """
        known = self._maps.setdefault(win_rate, {})

        def then(maps: EdgeMaps, of_day: DayEntry) -> EdgeMaps:
            return maps.then(_maps(of_day.decided, win_rate))

        return self._at(day, known, EdgeMaps(), then)

    def days(self, last: date) -> list[date]:
        """The days of the stream up to `last`."""
        first = self._store.first_day
        return [] if first is None else list(days_between(first, min(last, self._last_day)))

    def entry(self, day: date) -> DayEntry | None:
        """What `day` adds to the stream; None without a log. Raises UnreadableLogError."""
        return self._store.entry(day)

    def rests_on_lost_logs(self, day: date) -> bool:
        """Whether a log of the days up to `day` has disappeared."""
        there = self._store.listing.files
        return any(
            log_day(name) not in there
            for entry in self._readable_entries(day)
            for name, _ in entry.logs
        )

    def strategies(self) -> set[str]:
        """The names of all strategies with a closed trade, of the logs that can be read."""
        entries = self._readable_entries(self._last_day)
        return {name for entry in entries for name in entry.strategies}

    def _readable_entries(self, last: date) -> Iterator[DayEntry]:
        for day in self.days(last):
            with suppress(UnreadableLogError):
                if (entry := self.entry(day)) is not None:
                    yield entry

    def _at(
        self,
        day: date,
        known: dict[date, State],
        start: State,
        then: Callable[[State, DayEntry], State],
    ) -> State:
        """The state at the end of `day`, going on from the nearest day at which it is `known`."""
        first, last = self._store.first_day, min(day, self._last_day)
        if first is None or last < first:
            return start
        begin = last
        while begin >= first and begin not in known:
            begin -= ONE_DAY
        state = known.get(begin, start)
        days = list(days_between(begin + ONE_DAY, last))
        self._store.expect_entries(days)
        for between in days:
            entry = self._store.entry(between)
            if entry is not None:
                state = then(state, entry)
            known[between] = state
        return state


@lru_cache(maxsize=4096)
def _maps(decided: bytes, win_rate: Decimal) -> EdgeMaps:
    """Kept, because a service asks for the days of the past again with each refresh."""
    return EdgeMaps.of(decided, win_rate)
