"""Open records of a stretch of time, and what a later stretch needs to close an earlier one's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Final, Self

import msgspec

from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.domain.trades import Trade


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
