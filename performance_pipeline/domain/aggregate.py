"""The mergeable aggregate of a stretch of trading days, and how neighbouring ones are combined.

`combine` is associative over stretches in time order, with `EMPTY` as its identity; every window
of the project is a combination of daily aggregates, and equals one reading of all raw lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from typing import Final, Self
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.distribution import Distribution
from performance_pipeline.domain.edge import NOTHING_DECIDED, join_packed, pack
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.open_book import OpenBook
from performance_pipeline.domain.strategies import StrategyStats, joined_by_name, stats_by_name
from performance_pipeline.domain.trade_stats import Drawdown, TradeStats
from performance_pipeline.domain.trades import Trade

MAX_LINES_NAMED: Final = 20


class DayResult(msgspec.Struct, frozen=True):
    """One trading day with at least one closed trade: how many, and their path of P&L."""

    date: date
    total_trades: int
    drawdown: Drawdown


class RejectedLineAt(msgspec.Struct, frozen=True):
    """A line that was not accepted: log file, line number from 1, and the reason."""

    file: str
    line: int
    reason: str


class UnmatchedLineAt(msgspec.Struct, frozen=True):
    """A SELL, or the part of it, that found no position to close: log file, line, and how much."""

    file: str
    line: int
    quantity: Decimal


class LogRecords(msgspec.Struct, frozen=True):
    """How many accepted records one log file holds, by kind."""

    file: str
    open: int
    closed: int


class Quality(msgspec.Struct, frozen=True):
    """How clean the lines were, counted before the mode and account filters.

    Rejected lines, duplicates and `logs` belong to the day that their file is named for, the other
    counts to the trading day of the record.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    misdated: int = 0
    outcome_conflicts: int = 0
    unmatched_exits: int = 0
    rejected_lines: tuple[RejectedLineAt, ...] = ()
    unmatched_lines: tuple[UnmatchedLineAt, ...] = ()
    logs: tuple[LogRecords, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The quality of stretches of time, given in order."""
        rejected_lines = chain.from_iterable(part.rejected_lines for part in parts)
        unmatched_lines = chain.from_iterable(part.unmatched_lines for part in parts)
        logs: dict[str, LogRecords] = {}
        for log in chain.from_iterable(part.logs for part in parts):
            known = logs.get(log.file, LogRecords(log.file, 0, 0))
            logs[log.file] = LogRecords(log.file, known.open + log.open, known.closed + log.closed)
        return cls(
            sum(part.accepted for part in parts),
            sum(part.duplicates for part in parts),
            sum(part.rejected for part in parts),
            sum(part.misdated for part in parts),
            sum(part.outcome_conflicts for part in parts),
            sum(part.unmatched_exits for part in parts),
            tuple(islice(rejected_lines, MAX_LINES_NAMED)),
            tuple(islice(unmatched_lines, MAX_LINES_NAMED)),
            tuple(logs.values()),
        )


class DailyAggregate(msgspec.Struct, frozen=True):
    """Everything a summary needs of one trading day, or of consecutive days combined.

    `tail` holds the last N closed trades, N being the size of the rolling window: enough to
    rebuild that window from whole days. `modes` are the execution modes of the counted records.
    `decided` says which of the trades won, one bit for each that was no breakeven.
    """

    stats: TradeStats = TradeStats()
    days: tuple[DayResult, ...] = ()
    tail: tuple[Trade, ...] = ()
    opens: OpenBook = OpenBook()
    quality: Quality = Quality()
    modes: tuple[str, ...] = ()
    distribution: Distribution = Distribution()
    strategies: Mapping[str, StrategyStats] = {}
    decided: bytes = NOTHING_DECIDED

    @classmethod
    def of(
        cls,
        day: date,
        records: Sequence[Trade],
        quality: Quality,
        *,
        tail_size: int,
        zone: ZoneInfo,
    ) -> Self:
        """The aggregate of one day's counted `records`, open and closed, in time order."""
        closed = [record for record in records if record.outcome != "open"]
        stats = TradeStats.of(closed)
        return cls(
            stats=stats,
            days=(DayResult(day, stats.total_trades, stats.drawdown),) if closed else (),
            # Account ids appear in no output, so none is stored.
            tail=tuple(msgspec.structs.replace(trade, account="") for trade in closed[-tail_size:]),
            opens=OpenBook.of(records),
            quality=quality,
            modes=tuple(sorted({record.mode for record in records})),
            distribution=Distribution.of(closed, zone),
            strategies=stats_by_name(day, closed),
            decided=pack(
                trade.outcome == "win" for trade in closed if trade.outcome != "breakeven"
            ),
        )


EMPTY: Final = DailyAggregate()
"""The identity of `combine`: no days, no trades."""


def combine(aggregates: Sequence[DailyAggregate], tail_size: int) -> DailyAggregate:
    """The aggregate of consecutive stretches of time, given in time order.

    Associative: any grouping of neighbours gives the same result.
    """
    with exact_arithmetic():
        return msgspec.structs.replace(
            combine_tails(aggregates, tail_size),
            stats=TradeStats.joined([part.stats for part in aggregates]),
            days=_joined_days(aggregates),
            distribution=Distribution.joined([part.distribution for part in aggregates]),
            strategies=joined_by_name([part.strategies for part in aggregates]),
            decided=join_packed([part.decided for part in aggregates]),
        )


def combine_tails(aggregates: Sequence[DailyAggregate], tail_size: int) -> DailyAggregate:
    """`combine` without what is summed over trades: all that a rolling window needs."""
    tail: list[Trade] = []
    for part in reversed(aggregates):
        if len(tail) >= tail_size:
            break
        tail[:0] = part.tail
    with exact_arithmetic():
        return DailyAggregate(
            tail=tuple(tail[-tail_size:]),
            opens=OpenBook.joined([part.opens for part in aggregates]),
            quality=Quality.joined([part.quality for part in aggregates]),
            modes=tuple(sorted({mode for part in aggregates for mode in part.modes})),
        )


def _joined_days(aggregates: Iterable[DailyAggregate]) -> tuple[DayResult, ...]:
    days: list[DayResult] = []
    for day in chain.from_iterable(part.days for part in aggregates):
        if days and days[-1].date == day.date:
            # One trading day may come in two stretches: from two files, or from an append.
            first = days.pop()
            days.append(
                DayResult(
                    day.date,
                    first.total_trades + day.total_trades,
                    first.drawdown.then(day.drawdown),
                )
            )
        else:
            days.append(day)
    return tuple(days)
