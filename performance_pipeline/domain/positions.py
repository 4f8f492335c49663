"""Positions, and the lots they are made of: what is held at one moment, frozen and small.

Fills open and enlarge positions, and close the lots of the other side; how they are
matched is said in `matching.py`. Nothing here knows days, files or windows.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.numbers import (
    ZERO,
    divide,
    exact_arithmetic,
)

Side = Literal["long", "short"]

_DIGEST_SHOWN: Final = 16


@dataclass(frozen=True)
class PairingRules:
    """How fills are paired: which lots go first, what one trade is, and whether a SELL opens."""

    newest_first: bool
    """`lifo`: the newest lot is closed first; otherwise (`fifo`) the oldest."""
    until_flat: bool
    """One trade lasts from flat to flat; otherwise each fill that closes something is one."""
    short_selling: bool


class Lot(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is left of one fill that opened or enlarged a position; commission and slippage too.

    `nth` is how many fills of the same position had the same instant before it: with the instant,
    which tells the log, it names the fill, whatever line that stands in.
    """

    opened_at: datetime
    nth: int
    quantity: Decimal
    price: Decimal
    multiplier: Decimal
    commission: Decimal
    slippage: Decimal
    strategy: str
    planned_ratio: Decimal | None

    def holding(self, quantity: Decimal, commission: Decimal, slippage: Decimal) -> "Lot":
        """The same lot with other amounts left of it."""
        return Lot(
            self.opened_at,
            self.nth,
            quantity,
            self.price,
            self.multiplier,
            commission,
            slippage,
            self.strategy,
            self.planned_ratio,
        )


class Closes(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the closes of a position came to so far, and the lot that opened it (`flat` only)."""

    opened_at: datetime
    nth: int
    strategy: str
    planned_ratio: Decimal | None
    gross: Decimal = ZERO
    commission: Decimal = ZERO
    slippage: Decimal = ZERO


class Position(msgspec.Struct, frozen=True):
    """What one account holds of one symbol in one mode: lots of one side, the oldest first."""

    symbol: str
    mode: str
    account: str
    side: Side
    lots: tuple[Lot, ...]
    closes: Closes | None = None


class OpenPosition(msgspec.Struct, frozen=True):
    """A position as it is published. `average_price` is rounded once, to 6 decimals."""

    symbol: str
    execution_mode: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    opened_at: datetime


class Book(msgspec.Struct, frozen=True, dict=True):
    """All open positions at one moment, sorted; equal books are equal bytes."""

    positions: tuple[Position, ...] = ()

    @cached_property
    def digest(self) -> str:
        """What tells this book from any other; "" when nothing is held."""
        if not self.positions:
            return ""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:_DIGEST_SHOWN]

    def lots_opened_since(self, instant: datetime) -> int:
        """How many of the lots were opened at `instant` or later."""
        return sum(lot.opened_at >= instant for held in self.positions for lot in held.lots)

    def published(self, zone: ZoneInfo) -> tuple[OpenPosition, ...]:
        """The positions by symbol, mode, side and age, without any account; times in `zone`.

        Of two accounts that opened at one instant the smaller position comes first, then the
        cheaper: an order that no account, nor its digest, decides.
        """
        with exact_arithmetic():
            rows = [_published(position, zone) for position in self.positions]
        return tuple(
            sorted(
                rows,
                key=lambda row: (
                    row.symbol,
                    row.execution_mode,
                    row.side,
                    row.opened_at,
                    row.quantity,
                    row.average_price,
                ),
            )
        )


def _published(position: Position, zone: ZoneInfo) -> OpenPosition:
    quantity = sum((lot.quantity for lot in position.lots), ZERO)
    cost = sum((lot.price * lot.quantity for lot in position.lots), ZERO)
    return OpenPosition(
        position.symbol,
        position.mode,
        position.side,
        quantity,
        divide(cost, quantity),
        position.lots[0].opened_at.astimezone(zone),
    )
