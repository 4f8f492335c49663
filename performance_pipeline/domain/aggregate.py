"""The mergeable aggregate of a stretch of trading days, and how neighbouring ones are combined.

`combine` is associative over stretches in time order, with `EMPTY` as its identity; every window
of the project is a combination of daily aggregates, and equals one reading of all raw lines.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from typing import Final, Self
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.distribution import Distribution
from performance_pipeline.domain.numbers import ZERO, exact_arithmetic
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


class OpenBook(msgspec.Struct, frozen=True):
    """Open records, and what a later stretch needs in order to close an earlier one's.

    `orders` maps the order id of a record still open at the end to its unrealized P&L, None when
    unknown; records without an order id can never be matched and are only counted.
    `order_ids` holds, for each stretch, one JSON array of the ids of all its orders. It stays
    undecoded, because only a range in which an order stays open into a later day looks inside.
    """

    orders: Mapping[str, Decimal | None] = {}
    anonymous: int = 0
    anonymous_unknown: int = 0
    anonymous_pnl: Decimal = ZERO
    order_ids: tuple[msgspec.Raw, ...] = ()

    @property
    def open_trades(self) -> int:
        return len(self.orders) + self.anonymous

    @property
    def unrealized_pnl(self) -> Decimal | None:
        """Sum over open records; None when the P&L of any of them is unknown."""
        known = [pnl for pnl in self.orders.values() if pnl is not None]
        if self.anonymous_unknown or len(known) < len(self.orders):
            return None
        return sum(known, self.anonymous_pnl)

    @classmethod
    def of(cls, records: Iterable[Trade]) -> Self:
        """The book at the end of `records`, open and closed, given in time order."""
        orders: dict[str, Decimal | None] = {}
        order_ids: dict[str, None] = {}
        anonymous: list[Decimal | None] = []
        for record in records:
            order_id = record.order_id
            if order_id:
                order_ids[order_id] = None
                # Taken out first, so that the book lists orders by their latest opening.
                orders.pop(order_id, None)
                if record.outcome == "open":
                    orders[order_id] = record.pnl
            elif record.outcome == "open":
                anonymous.append(record.pnl)
        known = [pnl for pnl in anonymous if pnl is not None]
        return cls(
            orders=orders,
            anonymous=len(anonymous),
            anonymous_unknown=len(anonymous) - len(known),
            anonymous_pnl=sum(known, ZERO),
            order_ids=_arrays(order_ids),
        )

    @classmethod
    def joined(cls, books: Sequence[Self]) -> Self:
        """The book at the end of stretches of time, given in order.

        A record in a later stretch supersedes those of the same order before it.
        """
        orders: dict[str, Decimal | None] = {}
        for book in books:
            for array in book.order_ids:
                _supersede(orders, array)
            orders.update(book.orders)
        return cls(
            orders=orders,
            anonymous=sum(book.anonymous for book in books),
            anonymous_unknown=sum(book.anonymous_unknown for book in books),
            anonymous_pnl=sum((book.anonymous_pnl for book in books), ZERO),
            order_ids=tuple(chain.from_iterable(book.order_ids for book in books)),
        )

    def compact(self) -> Self:
        """The same book with one array of order ids, however many stretches it was made of."""
        if len(self.order_ids) < 2:
            return self
        order_ids = dict.fromkeys(chain.from_iterable(map(_decode_ids, self.order_ids)))
        return msgspec.structs.replace(self, order_ids=_arrays(order_ids))


_decode_ids = msgspec.json.Decoder(list[str]).decode


def _arrays(order_ids: Collection[str]) -> tuple[msgspec.Raw, ...]:
    return (msgspec.Raw(msgspec.json.encode(list(order_ids))),) if order_ids else ()


_FEW_ORDERS: Final = 8


def _supersede(orders: dict[str, Decimal | None], later_ids: msgspec.Raw) -> None:
    """Take the orders out of `orders` that the JSON array `later_ids` names."""
    if len(orders) <= _FEW_ORDERS:
        # Looking for the few in the text is far cheaper than decoding it, and most are not there.
        text = bytes(later_ids) if orders else b""
        if not any(msgspec.json.encode(order_id) in text for order_id in orders):
            return
    for order_id in filter(orders.__contains__, _decode_ids(later_ids)):
        del orders[order_id]


class DailyAggregate(msgspec.Struct, frozen=True):
    """Everything a summary needs of one trading day, or of consecutive days combined.

    `tail` holds the last N closed trades, N being the size of the rolling window: enough to
    rebuild that window from whole days. `modes` are the execution modes of the counted records.
    """

    stats: TradeStats = TradeStats()
    days: tuple[DayResult, ...] = ()
    tail: tuple[Trade, ...] = ()
    opens: OpenBook = OpenBook()
    quality: Quality = Quality()
    modes: tuple[str, ...] = ()
    # In stored aggregates it has the name of earlier versions, so that these stay fresh.
    distribution: Distribution = Distribution()

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
        )


def combine_tails(aggregates: Sequence[DailyAggregate], tail_size: int) -> DailyAggregate:
    """`combine` without stats, days and distribution: all that a rolling window needs."""
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
