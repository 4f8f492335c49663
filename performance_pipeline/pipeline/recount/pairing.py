"""Fills to trades once more, for a recount: every fill from the oldest log on, in fractions.

The rules are those of `docs/metrics.md`, by the plainest loop, written apart from
`domain.matching`. All of it is held in memory: the trades, and what was open at the end of each
day.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from performance_pipeline.pipeline.recount.exact import ZERO, plain, ratio, rounded
from performance_pipeline.pipeline.recount.figures import Document
from performance_pipeline.pipeline.recount.records import Record

_SHARE_PLACES: Final = 9
_Key = tuple[str, str, str]


@dataclass
class Lot:
    """What is left of the fill that opened it."""

    fill: Record
    quantity: Fraction
    commission: Fraction
    slippage: Fraction


@dataclass
class _Held:
    """A position: the fill that opened it, its lots, and its closes that are no trade yet."""

    first: Record
    lots: list[Lot]
    closes: list[Record] = field(default_factory=list)


@dataclass(frozen=True)
class Unmatched:
    """How much of a SELL found nothing to close."""

    fill: Record
    quantity: Fraction


class Replay:
    """Takes all fills in time order; `trades` and `unmatched` are what they came to."""

    def __init__(self, *, newest_first: bool, until_flat: bool, short_selling: bool) -> None:
        self._take_from = -1 if newest_first else 0
        self._until_flat = until_flat
        self._short_selling = short_selling
        self._held: dict[_Key, _Held] = {}
        self._days: list[tuple[date, dict[_Key, list[Lot]]]] = []
        self.trades: list[Record] = []
        self.unmatched: list[Unmatched] = []

    def take_all(self, fills: Iterable[Record]) -> None:
        day = None
        for fill in fills:
            if day is not None and fill.day != day:
                self._remember(day)
            day = fill.day
            self._take(fill)
        if day is not None:
            self._remember(day)

    def open_lots(self, day: date) -> dict[_Key, list[Lot]]:
        """The lots of every position at the end of `day`."""
        earlier = [lots for at, lots in self._days if at <= day]
        return earlier[-1] if earlier else {}

    def _remember(self, day: date) -> None:
        lots = {key: [replace(lot) for lot in held.lots] for key, held in self._held.items()}
        self._days.append((day, lots))

    def _take(self, fill: Record) -> None:
        key = (fill.symbol, fill.mode, fill.account)
        held = self._held.get(key)
        rest = Lot(fill, fill.quantity, fill.commission, fill.slippage)
        if held is not None and held.first.buys != fill.buys:
            closing = _cut(rest, sum((lot.quantity for lot in held.lots), ZERO))
            self._close(key, held, fill, closing)
        if not rest.quantity:
            return
        if key in self._held:
            self._held[key].lots.append(rest)
        elif fill.buys or self._short_selling:
            self._held[key] = _Held(fill, [rest])
        else:
            self.unmatched.append(Unmatched(fill, rest.quantity))

    def _close(self, key: _Key, held: _Held, fill: Record, closing: Lot) -> None:
        lots = held.lots
        origin = held.first if self._until_flat else lots[self._take_from].fill
        parts = []
        wanted = closing.quantity
        while wanted:
            lot = lots[self._take_from]
            parts.append(_cut(lot, wanted))
            wanted -= parts[-1].quantity
            if not lot.quantity:
                lots.remove(lot)
        gross = sum(
            (
                (fill.price - part.fill.price) * part.quantity * part.fill.multiplier
                for part in parts
            ),
            ZERO,
        )
        commission = closing.commission + sum((part.commission for part in parts), ZERO)
        held.closes.append(
            replace(
                fill,
                pnl=(gross if held.first.buys else -gross) - commission,
                commission=commission,
                slippage=closing.slippage + sum((part.slippage for part in parts), ZERO),
            )
        )
        if not lots:
            del self._held[key]
        if not (lots and self._until_flat):
            self.trades.append(_trade(fill, origin, held))
            held.closes.clear()


def positions(
    lots: dict[_Key, list[Lot]], written: Callable[[datetime], str | None]
) -> list[Document]:
    """The rows of `open_positions`, instants as they are `written`."""
    rows = []
    for (symbol, mode, _), held in lots.items():
        quantity = sum((lot.quantity for lot in held), ZERO)
        cost = sum((lot.quantity * lot.fill.price for lot in held), ZERO)
        oldest = min(lot.fill.instant for lot in held)
        side = "long" if held[0].fill.buys else "short"
        row = {
            "symbol": symbol,
            "execution_mode": mode,
            "side": side,
            "quantity": plain(quantity),
            "average_price": ratio(cost, quantity),
            "opened_at": written(oldest),
        }
        rows.append(((symbol, mode, side, oldest, quantity, rounded(cost / quantity, 6)), row))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]


def _trade(fill: Record, origin: Record, held: _Held) -> Record:
    pnl = sum((close.pnl for close in held.closes), ZERO)
    microseconds = (fill.instant - origin.instant) // timedelta(microseconds=1)
    return replace(
        fill,
        outcome="win" if pnl > 0 else "loss" if pnl < 0 else "breakeven",
        pnl=pnl,
        commission=sum((close.commission for close in held.closes), ZERO),
        slippage=sum((close.slippage for close in held.closes), ZERO),
        strategy=origin.strategy,
        planned_ratio=origin.planned_ratio,
        hold_seconds=Fraction(microseconds, 10**6),
        side="long" if held.first.buys else "short",
    )


def _cut(lot: Lot, wanted: Fraction) -> Lot:
    """Take up to `wanted` out of `lot`, with its share of what was paid."""
    part = min(lot.quantity, wanted)
    taken = Lot(
        lot.fill,
        part,
        _share(lot.commission, part, lot.quantity),
        _share(lot.slippage, part, lot.quantity),
    )
    lot.quantity -= taken.quantity
    lot.commission -= taken.commission
    lot.slippage -= taken.slippage
    return taken


def _share(amount: Fraction, part: Fraction, whole: Fraction) -> Fraction:
    return amount if part == whole else rounded(amount * part / whole, _SHARE_PLACES)
