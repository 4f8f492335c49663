"""Fills become closed trades: which lots a fill closes, and what that comes to.

`Pairing` takes fills in time order from one book of positions to the next. Nothing here knows days,
files or windows.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from performance_pipeline.domain.numbers import EXACT, SHARE_PLACES, ZERO, canonical, divide
from performance_pipeline.domain.positions import Book, Closes, Lot, PairingRules, Position, Side
from performance_pipeline.domain.trades import Fill, Outcome, Trade
from performance_pipeline.domain.windows import MICROSECOND


class Entry(NamedTuple):
    """Names a fill: see `Lot`."""

    instant: datetime
    nth: int


class Taken(NamedTuple):
    """What taking one fill led to: a trade, and how much of it found nothing to close."""

    trade: Trade | None = None
    entry: Entry | None = None
    """Of a trade: the fill that opened the first lot it closes."""
    unmatched: Decimal | None = None


@dataclass(slots=True)
class _Held:
    """A position while fills are taken."""

    side: Side
    lots: deque[Lot]
    closes: Closes | None = None


_Key = tuple[str, str, str]
_NOTHING: Final = Taken()
_NEVER: Final = (datetime.min.replace(tzinfo=UTC), 0)


class Pairing:
    """Takes fills in time order, beginning with what `book` holds."""

    def __init__(self, rules: PairingRules, book: Book) -> None:
        self._rules = rules
        self._held: dict[_Key, _Held] = {
            (position.symbol, position.mode, position.account): _Held(
                position.side, deque(position.lots), position.closes
            )
            for position in book.positions
        }
        self._newest: dict[_Key, tuple[datetime, int]] = {}

    def take(self, fill: Fill) -> Taken:
        """What `fill`, which comes after all that were taken before, leads to.

        Wants an exact context.
        """
        key = (fill.symbol, fill.mode, fill.account)
        instant, nth = self._newest.get(key, _NEVER)
        self._newest[key] = (fill.instant, nth + 1 if fill.instant == instant else 0)
        held = self._held.get(key)
        if held is None:
            unmatched = self._open(key, fill, fill.quantity, fill.commission, fill.slippage)
            return _NOTHING if unmatched is None else Taken(unmatched=unmatched)
        if (held.side == "long") == fill.buys:
            held.lots.append(self._lot(key, fill, fill.quantity, fill.commission, fill.slippage))
            return _NOTHING
        return self._close(key, held, fill)

    def book(self) -> Book:
        """What is held now."""
        return Book(
            tuple(
                Position(*key, held.side, tuple(map(_canonical_lot, held.lots)), _canonical(held))
                for key, held in sorted(self._held.items())
            )
        )

    def _open(
        self, key: _Key, fill: Fill, quantity: Decimal, commission: Decimal, slippage: Decimal
    ) -> Decimal | None:
        """Open a position, or return the quantity that may not."""
        if not fill.buys and not self._rules.short_selling:
            return quantity
        lot = self._lot(key, fill, quantity, commission, slippage)
        closes = _no_closes(lot) if self._rules.until_flat else None
        self._held[key] = _Held("long" if fill.buys else "short", deque([lot]), closes)
        return None

    def _lot(
        self, key: _Key, fill: Fill, quantity: Decimal, commission: Decimal, slippage: Decimal
    ) -> Lot:
        return Lot(
            fill.instant,
            self._newest[key][1],
            quantity,
            fill.price,
            fill.multiplier,
            commission,
            slippage,
            fill.strategy,
            fill.planned_ratio,
        )

    def _close(self, key: _Key, held: _Held, fill: Fill) -> Taken:
        parts, left = self._closed_parts(held.lots, fill.quantity)
        closed = fill.quantity - left
        own_commission = _share(fill.commission, closed, fill.quantity)
        own_slippage = _share(fill.slippage, closed, fill.quantity)
        before = held.closes or _no_closes(parts[0])
        gross = ZERO
        commission, slippage = before.commission + own_commission, before.slippage + own_slippage
        for part in parts:
            gross += (fill.price - part.price) * part.quantity * part.multiplier
            commission += part.commission
            slippage += part.slippage
        gross = before.gross + (gross if held.side == "long" else -gross)
        closes = Closes(
            before.opened_at,
            before.nth,
            before.strategy,
            before.planned_ratio,
            gross,
            commission,
            slippage,
        )
        if not held.lots:
            del self._held[key]
        elif held.closes is not None:
            held.closes = closes
            return _NOTHING
        unmatched = None
        if left:
            unmatched = self._open(
                key, fill, left, fill.commission - own_commission, fill.slippage - own_slippage
            )
        trade = _closed_trade(fill, held.side, closes)
        return Taken(trade, Entry(closes.opened_at, closes.nth), unmatched)

    def _closed_parts(self, lots: deque[Lot], quantity: Decimal) -> tuple[list[Lot], Decimal]:
        """What closing `quantity` takes out of `lots`, in that order, and what of it is left."""
        newest_first = self._rules.newest_first
        parts = []
        while quantity and lots:
            part = lots.pop() if newest_first else lots.popleft()
            if part.quantity > quantity:
                part, rest = _split(part, quantity)
                (lots.append if newest_first else lots.appendleft)(rest)
            parts.append(part)
            quantity -= part.quantity
        return parts, quantity


def _no_closes(first: Lot) -> Closes:
    return Closes(first.opened_at, first.nth, first.strategy, first.planned_ratio)


def _split(lot: Lot, quantity: Decimal) -> tuple[Lot, Lot]:
    """`quantity` of `lot` with its share of commission and slippage, and what stays."""
    commission = _share(lot.commission, quantity, lot.quantity)
    slippage = _share(lot.slippage, quantity, lot.quantity)
    return (
        lot.holding(quantity, commission, slippage),
        lot.holding(lot.quantity - quantity, lot.commission - commission, lot.slippage - slippage),
    )


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """amount x part / whole, to 9 decimals half-even; all of it when the part is the whole."""
    if not amount or part == whole:
        return amount
    return divide(EXACT.multiply(amount, part), whole, SHARE_PLACES)


def _closed_trade(fill: Fill, side: Side, closes: Closes) -> Trade:
    net = closes.gross - closes.commission
    outcome: Outcome = "win" if net > ZERO else "loss" if net < ZERO else "breakeven"
    microseconds = (fill.instant - closes.opened_at) // MICROSECOND
    return Trade(
        instant=fill.instant,
        outcome=outcome,
        pnl=net,
        commission=closes.commission,
        slippage=closes.slippage,
        planned_ratio=closes.planned_ratio,
        hold_seconds=Decimal(microseconds).scaleb(-6),
        symbol=fill.symbol,
        strategy=closes.strategy,
        mode=fill.mode,
        account="",
        order_id=fill.order_id,
        side=side,
    )


def _canonical_lot(lot: Lot) -> Lot:
    return msgspec.structs.replace(
        lot,
        quantity=canonical(lot.quantity),
        price=canonical(lot.price),
        multiplier=canonical(lot.multiplier),
        commission=canonical(lot.commission),
        slippage=canonical(lot.slippage),
    )


def _canonical(held: _Held) -> Closes | None:
    if held.closes is None:
        return None
    return msgspec.structs.replace(
        held.closes,
        gross=canonical(held.closes.gross),
        commission=canonical(held.closes.commission),
        slippage=canonical(held.closes.slippage),
    )
