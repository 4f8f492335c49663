"""The mergeable aggregate: what one stretch of trading days amounts to, and how two make one.

`combine` is associative over stretches in time order, with `EMPTY` as its identity; every window
of the project is a combination of daily aggregates, and equals one reading of all raw lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Self

import msgspec

from performance_pipeline.domain.numbers import ZERO, exact_arithmetic
from performance_pipeline.domain.trade_stats import Drawdown, TradeStats
from performance_pipeline.domain.trades import Trade

MAX_REJECTED_LINES: Final = 20


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


class LogRecords(msgspec.Struct, frozen=True):
    """How many accepted records one log file holds, by kind."""

    file: str
    open: int
    closed: int


class Quality(msgspec.Struct, frozen=True):
    """How clean the lines were, counted before the mode and account filters.

    Rejected and duplicate lines and `logs` stand with the day that their file is named for, the
    other counts with the trading day of the record.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    misdated: int = 0
    outcome_conflicts: int = 0
    rejected_lines: tuple[RejectedLineAt, ...] = ()
    logs: tuple[LogRecords, ...] = ()

    def then(self, later: Self) -> Self:
        return type(self)(
            self.accepted + later.accepted,
            self.duplicates + later.duplicates,
            self.rejected + later.rejected,
            self.misdated + later.misdated,
            self.outcome_conflicts + later.outcome_conflicts,
            (self.rejected_lines + later.rejected_lines)[:MAX_REJECTED_LINES],
            _joined_logs(self.logs, later.logs),
        )


def _joined_logs(
    first: tuple[LogRecords, ...], second: tuple[LogRecords, ...]
) -> tuple[LogRecords, ...]:
    if not first or not second or first[-1].file != second[0].file:
        return first + second
    left, right = first[-1], second[0]
    both = LogRecords(left.file, left.open + right.open, left.closed + right.closed)
    return (*first[:-1], both, *second[1:])


class OpenBook(msgspec.Struct, frozen=True):
    """Open records, and what a later stretch needs in order to close an earlier one's.

    `orders` maps the order id of a record still open at the end to its unrealized P&L, None when
    unknown; records without an order id can never be matched and are only counted.
    `order_ids` holds one JSON array a stretch of the ids of all its records: kept undecoded,
    because only a range that really carries an open order into a later day needs to look.
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
        order_ids: list[str] = []
        anonymous: list[Decimal | None] = []
        for record in records:
            order_id = record.order_id
            if order_id:
                order_ids.append(order_id)
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
            order_ids=(msgspec.Raw(msgspec.json.encode(order_ids)),) if order_ids else (),
        )

    def then(self, later: Self) -> Self:
        """The book after `later`, whose records supersede this one's of the same order."""
        survivors: Mapping[str, Decimal | None] = self.orders
        if self.orders and later.order_ids:
            seen = {order_id for array in later.order_ids for order_id in _decode_ids(array)}
            survivors = {
                order_id: pnl for order_id, pnl in self.orders.items() if order_id not in seen
            }
        return type(self)(
            orders={**survivors, **later.orders},
            anonymous=self.anonymous + later.anonymous,
            anonymous_unknown=self.anonymous_unknown + later.anonymous_unknown,
            anonymous_pnl=self.anonymous_pnl + later.anonymous_pnl,
            order_ids=self.order_ids + later.order_ids,
        )


_decode_ids = msgspec.json.Decoder(list[str]).decode


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

    @classmethod
    def of(cls, day: date, records: Sequence[Trade], quality: Quality, tail_size: int) -> Self:
        """The aggregate of one day's counted `records`, open and closed, in time order."""
        closed = [record for record in records if record.outcome != "open"]
        stats = TradeStats.of(closed)
        return cls(
            stats=stats,
            days=(DayResult(day, stats.total_trades, stats.drawdown),) if closed else (),
            # An account id leaves the reader in no file.
            tail=tuple(msgspec.structs.replace(trade, account="") for trade in closed[-tail_size:]),
            opens=OpenBook.of(records),
            quality=quality,
            modes=tuple(sorted({record.mode for record in records})),
        )


EMPTY: Final = DailyAggregate()
"""The identity of `combine`: no days, no trades."""


def combine(aggregates: Sequence[DailyAggregate], tail_size: int) -> DailyAggregate:
    """The aggregate of consecutive stretches of time, given in time order.

    Associative: any grouping of neighbours gives the same result, so they are combined by
    halves, which copies each day's lists a logarithmic number of times.
    """
    with exact_arithmetic():
        return _combine(aggregates, tail_size)


def _combine(aggregates: Sequence[DailyAggregate], tail_size: int) -> DailyAggregate:
    if not aggregates:
        return EMPTY
    if len(aggregates) == 1:
        return aggregates[0]
    middle = len(aggregates) // 2
    first = _combine(aggregates[:middle], tail_size)
    second = _combine(aggregates[middle:], tail_size)
    return DailyAggregate(
        stats=first.stats.then(second.stats),
        days=_joined_days(first.days, second.days),
        tail=(first.tail + second.tail)[-tail_size:],
        opens=first.opens.then(second.opens),
        quality=first.quality.then(second.quality),
        modes=tuple(sorted({*first.modes, *second.modes})),
    )


def _joined_days(
    first: tuple[DayResult, ...], second: tuple[DayResult, ...]
) -> tuple[DayResult, ...]:
    # One trading day may come in two stretches: from two files, or from an append.
    if not first or not second or first[-1].date != second[0].date:
        return first + second
    left, right = first[-1], second[0]
    both = DayResult(
        left.date, left.total_trades + right.total_trades, left.drawdown.then(right.drawdown)
    )
    return (*first[:-1], both, *second[1:])
