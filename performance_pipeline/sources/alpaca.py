"""Alpaca's account activities: fills, and what else moved money or positions, JSON or JSONL.

Fields: https://docs.alpaca.markets/docs/account-activities, and for options
https://docs.alpaca.markets/docs/non-trade-activities-for-option-events, where two contracts are
200 shares.
"""

import re
from typing import Final

import msgspec

from performance_pipeline.sources.fields import (
    ABSENT,
    Raw,
    instant,
    is_zero,
    needed,
    number,
    optional_number,
    side,
)
from performance_pipeline.sources.json_records import decoder, json_records
from performance_pipeline.sources.records import Format, LeftOut, Source, TradeRecord

_is_option = re.compile(r"[A-Z]{1,6}[0-9]{6}[CP][0-9]{8}").fullmatch
_OPTION_MULTIPLIER: Final = "100"


class _Activity(msgspec.Struct):
    activity_type: str
    id: str | None = None
    transaction_time: str | None = None
    side: str | None = None
    symbol: str | None = None
    price: Raw = ABSENT
    qty: Raw = ABSENT
    order_id: str | None = None
    net_amount: Raw = ABSENT
    currency: str | None = None
    status: str | None = None


_read: Final = decoder(_Activity)


def _convert(record: bytes | msgspec.Raw, _: Source) -> TradeRecord | LeftOut:
    activity = _read(record)
    if activity.activity_type != "FILL":
        return _left_out(activity)
    symbol = needed(activity.symbol, "symbol")
    sold_short = activity.side == "sell_short"
    return TradeRecord(
        source_id=needed(activity.id, "id"),
        timestamp=instant(activity.transaction_time, "transaction_time"),
        symbol=symbol,
        action="SELL" if sold_short else side(activity.side, "side"),
        quantity=number(activity.qty, "qty"),
        price=number(activity.price, "price"),
        multiplier=_OPTION_MULTIPLIER if _is_option(symbol) else None,
        order_id=activity.order_id,
        quote=symbol.partition("/")[2],
    )


def _left_out(activity: _Activity) -> LeftOut:
    """Fees, dividends, transfers, splits, expired options: none of them is a fill."""
    kind = needed(activity.activity_type, "activity_type")
    if activity.status not in (None, "executed"):
        kind = f"{kind} ({activity.status})"
    money = optional_number(activity.net_amount, "net_amount")
    quantity = optional_number(activity.qty, "qty")
    moves_money = money is not None and not is_zero(money)
    if quantity is None or moves_money:
        return LeftOut(kind, money, activity.currency or "USD")
    return LeftOut(kind, quantity, activity.symbol or "")


ALPACA: Final = Format("alpaca", json_records, _convert)
