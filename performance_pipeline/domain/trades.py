"""What a record of a trade log is once it is read: a trade, or a fill to be paired.

How a line becomes one is the business of `trade_lines.py`.
"""

import hashlib
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

import msgspec

from performance_pipeline.domain.numbers import EXACT, PLANNED_RATIO_PLACES, divide

Outcome = Literal["win", "loss", "breakeven", "open"]

_DIGEST_SHOWN: Final = 16


class Trade(msgspec.Struct, frozen=True, gc=False):
    """An accepted record, closed or still open, reduced to what any metric needs.

    `instant` is when it counts: a closed record's exit where it has one, else its timestamp; UTC.
    `pnl` is the net P&L of a closed record; of an open one its `profit_loss`, None when unknown.
    `planned_ratio` is the planned reward over risk, rounded half-even to 9 decimals, None where
    the record has no usable levels. `side` is that of the position which a trade made of fills
    closed. Names that are null or absent are "".
    """

    instant: datetime
    outcome: Outcome
    pnl: Decimal | None
    commission: Decimal
    slippage: Decimal
    planned_ratio: Decimal | None
    hold_seconds: Decimal | None
    symbol: str
    strategy: str
    mode: str
    account: str
    order_id: str
    side: Literal["long", "short", ""] = ""


class Fill(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An accepted `open` record, when fills are paired: `quantity` units bought or sold at `price`.

    `multiplier` is what a price difference of 1 is worth a unit. `account` is a digest, because
    fills and positions are kept in files, and an account id stands in none.
    """

    instant: datetime
    buys: bool
    quantity: Decimal
    price: Decimal
    multiplier: Decimal
    commission: Decimal
    slippage: Decimal
    planned_ratio: Decimal | None
    symbol: str
    strategy: str
    mode: str
    account: str
    order_id: str
    misdated: bool = False
    """Whether its log's day moved `instant`."""


def planned_reward_risk(
    price: Decimal, stop_loss: Decimal | None, target: Decimal | None
) -> Decimal | None:
    """Planned reward over risk: (target - price) / (price - stop_loss), to 9 decimals.

    None unless both levels exist and lie on opposite sides of the price.
    """
    if stop_loss is None or target is None:
        return None
    if not (stop_loss < price < target or target < price < stop_loss):
        return None
    reward, risk = EXACT.subtract(target, price), EXACT.subtract(price, stop_loss)
    return divide(reward, risk, PLANNED_RATIO_PLACES)


@lru_cache(maxsize=256)
def account_digest(account: str) -> str:
    """What stands for `account` in every file; "" for none."""
    return hashlib.sha256(account.encode()).hexdigest()[:_DIGEST_SHOWN] if account else ""
