"""CCXT's `fetchMyTrades`: fills as its unified structure has them, a JSON array or JSONL."""

import decimal
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline.sources.fields import (
    ABSENT,
    Raw,
    exact,
    instant,
    instant_of_milliseconds,
    needed,
    number,
    optional_number,
    side,
)
from performance_pipeline.sources.json_records import decoder, json_records
from performance_pipeline.sources.records import Fee, Format, RecordError, Source, TradeRecord


class _Fee(msgspec.Struct):
    cost: Raw = ABSENT
    currency: str | None = None


class _Trade(msgspec.Struct):
    symbol: str
    side: str
    id: str | None = None
    order: str | None = None
    timestamp: Raw = ABSENT
    datetime: str | None = None
    type: str | None = None
    price: Raw = ABSENT
    amount: Raw = ABSENT
    cost: Raw = ABSENT
    fee: _Fee | None = None
    fees: list[_Fee] | None = None


_read: Final = decoder(_Trade)
# A size has few digits; what a cost that was rounded to cents implies has many.
_SIZE_DIGITS: Final = decimal.Context(prec=3)
_ROUNDING: Final = Decimal("0.000001")


def _convert(record: bytes | msgspec.Raw, __: Source) -> TradeRecord:
    trade = _read(record)
    milliseconds = optional_number(trade.timestamp, "timestamp")
    if milliseconds is None:
        moment = instant(trade.datetime, "datetime")
    else:
        moment = instant_of_milliseconds(milliseconds, "timestamp")
    quantity, price = number(trade.amount, "amount"), number(trade.price, "price")
    fees = trade.fees or ([trade.fee] if trade.fee else [])
    market, _, settled = needed(trade.symbol, "symbol").partition(":")
    quote = market.partition("/")[2]
    # An id is unique within one market of one exchange, which the structure does not name.
    known_by = trade.id or f"{trade.order}|{trade.side}|{price}|{quantity}"
    return TradeRecord(
        source_id=f"{trade.symbol}:{known_by}@{moment.isoformat()}",
        repeats=not trade.id,
        timestamp=moment,
        symbol=trade.symbol,
        action=side(trade.side, "side"),
        quantity=quantity,
        price=price,
        multiplier=_contract_size(trade, quantity, price, quote, settled) if settled else None,
        order_id=trade.order,
        entry_type=trade.type,
        fees=tuple(
            Fee(cost, fee.currency or "")
            for fee in fees
            if (cost := optional_number(fee.cost, "fee.cost")) is not None
        ),
        quote=quote,
    )


def _contract_size(
    trade: _Trade, quantity: str, price: str, quote: str, settled: str
) -> str | None:
    """What a price difference of 1 is worth a contract: the structure has it in `cost` alone."""
    if settled.partition("-")[0] != quote:
        raise RecordError(
            "symbol", "a contract settled in another currency than its price, which is not linear"
        )
    cost = exact(number(trade.cost, "cost"), "cost")
    value = EXACT.multiply(exact(quantity, "amount"), exact(price, "price"))
    if not value:
        return None
    size = _SIZE_DIGITS.divide(cost, value)
    if abs(EXACT.subtract(EXACT.multiply(size, value), cost)) > abs(
        EXACT.multiply(cost, _ROUNDING)
    ):
        raise RecordError("cost", "not price x amount x the size of a contract")
    return None if size == 1 else plain(size)


CCXT: Final = Format("ccxt", json_records, _convert)
