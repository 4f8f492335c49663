"""Fills to trades in the plainest possible way, in fractions, from the rules' words alone.

Nothing of the package is used. A replay keeps a list of lots a position and goes through it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

ZERO = Fraction(0)


@dataclass
class ReferenceFill:
    """One fill: its place in time order is its place in the list."""

    key: tuple[str, str, str]
    """Account, mode, symbol."""
    instant: datetime
    buys: bool
    quantity: Fraction
    price: Fraction
    multiplier: Fraction = Fraction(1)
    commission: Fraction = ZERO
    slippage: Fraction = ZERO
    strategy: str = ""
    ratio: Fraction | None = None
    name: Any = None
    """Whatever the caller knows it by."""


@dataclass
class ReferenceLot:
    fill: ReferenceFill
    quantity: Fraction
    commission: Fraction
    slippage: Fraction


@dataclass
class ReferenceTrade:
    key: tuple[str, str, str]
    instant: datetime
    side: str
    gross: Fraction
    commission: Fraction
    slippage: Fraction
    strategy: str
    ratio: Fraction | None
    hold: Fraction
    exit_name: Any
    entry_name: Any

    @property
    def net(self) -> Fraction:
        return self.gross - self.commission


@dataclass
class Replay:
    """All positions after the fills taken so far, and what they led to."""

    lifo: bool
    flat: bool
    shorts: bool
    lots: dict[tuple[str, str, str], list[ReferenceLot]] = field(default_factory=dict)
    long: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    pending: dict[tuple[str, str, str], list[ReferenceTrade]] = field(default_factory=dict)
    first: dict[tuple[str, str, str], ReferenceFill] = field(default_factory=dict)
    trades: list[ReferenceTrade] = field(default_factory=list)
    unmatched: list[tuple[Any, Fraction]] = field(default_factory=list)

    def take_all(self, fills: Iterable[ReferenceFill]) -> "Replay":
        for fill in fills:
            self.take(fill)
        return self

    def take(self, fill: ReferenceFill) -> None:
        lots = self.lots.setdefault(fill.key, [])
        left, commission, slippage = fill.quantity, fill.commission, fill.slippage
        if lots and self.long[fill.key] != fill.buys:
            held = sum((lot.quantity for lot in lots), ZERO)
            closed = min(held, left)
            own_commission = share(commission, closed, left)
            own_slippage = share(slippage, closed, left)
            self.close(fill, lots, closed, own_commission, own_slippage)
            left -= closed
            commission -= own_commission
            slippage -= own_slippage
        if not left:
            return
        if not lots and not fill.buys and not self.shorts:
            self.unmatched.append((fill.name, left))
            return
        if not lots:
            self.long[fill.key] = fill.buys
            self.first[fill.key] = fill
        lots.append(ReferenceLot(fill, left, commission, slippage))

    def close(
        self,
        fill: ReferenceFill,
        lots: list[ReferenceLot],
        closed: Fraction,
        commission: Fraction,
        slippage: Fraction,
    ) -> None:
        sign = 1 if self.long[fill.key] else -1
        gross = ZERO
        first: ReferenceFill | None = None
        while closed:
            lot = lots[-1] if self.lifo else lots[0]
            first = first or lot.fill
            part = min(lot.quantity, closed)
            gross += sign * (fill.price - lot.fill.price) * part * lot.fill.multiplier
            part_commission = share(lot.commission, part, lot.quantity)
            part_slippage = share(lot.slippage, part, lot.quantity)
            commission += part_commission
            slippage += part_slippage
            lot.quantity -= part
            lot.commission -= part_commission
            lot.slippage -= part_slippage
            closed -= part
            if not lot.quantity:
                lots.remove(lot)
        assert first is not None
        origin = self.first[fill.key] if self.flat else first
        pending = self.pending.setdefault(fill.key, [])
        pending.append(
            ReferenceTrade(
                fill.key,
                fill.instant,
                "long" if sign > 0 else "short",
                gross,
                commission,
                slippage,
                origin.strategy,
                origin.ratio,
                Fraction((fill.instant - origin.instant) // timedelta(microseconds=1), 10**6),
                fill.name,
                origin.name,
            )
        )
        if self.flat and lots:
            return
        last = pending[-1]
        last.gross = sum((part.gross for part in pending), ZERO)
        last.commission = sum((part.commission for part in pending), ZERO)
        last.slippage = sum((part.slippage for part in pending), ZERO)
        pending.clear()
        self.trades.append(last)

    def book(self) -> list[tuple[tuple[str, str, str], str, Fraction, Fraction, datetime]]:
        """Key, side, quantity, average price before rounding, and the oldest lot's instant."""
        rows = []
        for key, lots in self.lots.items():
            if lots:
                quantity = sum((lot.quantity for lot in lots), ZERO)
                cost = sum((lot.quantity * lot.fill.price for lot in lots), ZERO)
                side = "long" if self.long[key] else "short"
                opened = min(lot.fill.instant for lot in lots)
                rows.append((key, side, quantity, cost / quantity, opened))
        return sorted(rows)


def share(amount: Fraction, part: Fraction, whole: Fraction) -> Fraction:
    """amount x part / whole, to 9 decimals half-even; all of it for all that is left."""
    return amount if part == whole else rounded(amount * part / whole, 9)


def rounded(value: Fraction, places: int) -> Fraction:
    # Python rounds a fraction half to even.
    return Fraction(round(value * 10**places), 10**places)
