"""One log's records of one trading day, where fills are paired: what is kept of them, and what they
come to, given the positions that were open before.

What a day comes to can then be told again without its log, when only the past has changed.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from heapq import merge
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import (
    MAX_LINES_NAMED,
    DailyAggregate,
    Quality,
    UnmatchedLineAt,
    combine,
)
from performance_pipeline.domain.matching import Entry, Pairing
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.open_book import OpenBook
from performance_pipeline.domain.positions import Book, PairingRules
from performance_pipeline.domain.trades import Fill, Trade


class DayRecords(msgspec.Struct, frozen=True):
    """The counted records of one log on one trading day, in order, with the lines they stand in."""

    fills: tuple[Fill, ...] = ()
    fill_lines: tuple[int, ...] = ()
    closed: tuple[Trade, ...] = ()
    closed_lines: tuple[int, ...] = ()

    @classmethod
    def of(cls, records: Iterable[tuple[int, Trade | Fill]]) -> "DayRecords":
        """The same, given line by line in order."""
        fills, fill_lines, closed, closed_lines = [], [], [], []
        for line, record in records:
            if isinstance(record, Fill):
                fills.append(record)
                fill_lines.append(line)
            else:
                closed.append(msgspec.structs.replace(record, account=""))
                closed_lines.append(line)
        return cls(tuple(fills), tuple(fill_lines), tuple(closed), tuple(closed_lines))

    def then(self, later: "DayRecords") -> "DayRecords":
        """These records followed by `later` ones of the same log."""
        return DayRecords(
            self.fills + later.fills,
            self.fill_lines + later.fill_lines,
            self.closed + later.closed,
            self.closed_lines + later.closed_lines,
        )

    def in_order(self) -> Iterator[tuple[int, Trade | Fill]]:
        """Each record with its line, as they count: by instant, then by line."""
        fills = zip(self.fill_lines, self.fills, strict=True)
        if not self.closed:
            return iter(fills)
        closed = zip(self.closed_lines, self.closed, strict=True)
        return merge(fills, closed, key=lambda entry: (entry[1].instant, entry[0]))


class PairedTrade(msgspec.Struct, frozen=True):
    """A closed trade, the line of the record that closed it, and the fill that opened it.

    `entry` is None for a record that was closed as it stood.
    """

    trade: Trade
    line: int
    entry: Entry | None


class Paired(msgspec.Struct, frozen=True):
    """What records came to: trades in order, unmatched parts, and the positions at the end."""

    trades: tuple[PairedTrade, ...]
    unmatched: tuple[UnmatchedLineAt, ...]
    book: Book


def pair(records: DayRecords, file: str, rules: PairingRules, opening: Book) -> Paired:
    """Take the `records` of the log `file` one after the other, beginning with `opening`."""
    trades: list[PairedTrade] = []
    unmatched: list[UnmatchedLineAt] = []
    with exact_arithmetic():
        pairing = Pairing(rules, opening)
        for line, record in records.in_order():
            if isinstance(record, Trade):
                trades.append(PairedTrade(record, line, None))
                continue
            taken = pairing.take(record)
            if taken.trade is not None:
                trades.append(PairedTrade(taken.trade, line, taken.entry))
            if taken.unmatched is not None:
                unmatched.append(UnmatchedLineAt(file, line, taken.unmatched))
        return Paired(tuple(trades), tuple(unmatched), pairing.book())


def with_trades(
    read: DailyAggregate,
    records: DayRecords,
    paired: Paired,
    day: date,
    *,
    tail_size: int,
    zone: ZoneInfo,
) -> DailyAggregate:
    """The aggregate of a log's part of `day`: what reading it told, and the trades it came to."""
    modes = {fill.mode for fill in records.fills} | {trade.mode for trade in records.closed}
    quality = Quality(
        unmatched_exits=len(paired.unmatched),
        unmatched_lines=paired.unmatched[:MAX_LINES_NAMED],
    )
    with exact_arithmetic():
        trades = DailyAggregate.of(
            day,
            [one.trade for one in paired.trades],
            quality,
            tail_size=tail_size,
            zone=zone,
        )
    # A position is no open record: what is still open is told by the book.
    trades = msgspec.structs.replace(trades, opens=OpenBook(), modes=tuple(sorted(modes)))
    return combine([read, trades], tail_size)


def without_trades(part: DailyAggregate) -> DailyAggregate:
    """What reading the log told of a part, whatever its trades are."""
    quality = msgspec.structs.replace(part.quality, unmatched_exits=0, unmatched_lines=())
    return DailyAggregate(quality=quality)
