"""One line of a trade log becomes a trade or a fill, or a rejection that names the field.

A line is read alone: duplicates, filters and trading days are the business of `log_reading.py`.
There are two lanes. The quick one is a typed decode of a line as bots write it; whatever it
declines goes through the full one (`line_fields.py`), which is the definition: it accepts every
valid line and names what is wrong with any other.
"""

import decimal
import re
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import msgspec

from performance_pipeline.domain.line_fields import (
    TIME,
    as_instant,
    nested_too_deeply,
    read_fields,
)
from performance_pipeline.domain.numbers import EXACT, ZERO
from performance_pipeline.domain.trades import (
    Fill,
    Outcome,
    Trade,
    account_digest,
    planned_reward_risk,
)

NEEDS_PNL: Final = "net_profit_loss: a closed record needs it, or profit_loss in its place"
"""Why a closed record without a P&L is rejected."""

_ONE: Final = Decimal(1)


class RejectedLineError(Exception):
    """A line that is not an acceptable record; its message names the field, never the value."""


def parse_trade(line: bytes) -> Trade:
    """The trade, closed or open, that `line` (trimmed, not blank) records.

    Raises RejectedLineError with the reason otherwise.
    """
    record = _parse(line, fills=False)
    assert isinstance(record, Trade)
    return record


def parse_trade_or_fill(line: bytes) -> Trade | Fill:
    """What `line` records where fills are paired: a closed trade, or a fill.

    Accepts and rejects exactly the lines that `parse_trade` does.
    """
    return _parse(line, fills=True)


def _parse(line: bytes, *, fills: bool) -> Trade | Fill:
    # The typed decode skips over fields it does not need, and would let bad UTF-8 pass in them.
    if not line.isascii() and not _is_utf8(line):
        return _full_lane(line)
    try:
        return _quick_lane(line, fills)
    except (msgspec.DecodeError, ValueError, decimal.DecimalException):
        return _full_lane(line, fills)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _QuickLine(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    action: Literal["BUY", "SELL"]
    quantity: str
    price: str
    outcome: Outcome | None
    order_id: str | None = None
    execution_mode: Literal["PAPER", "LIVE"] | None = None
    account_id: str | None = None
    strategy_name: str | None = None
    stop_loss: str | None = None
    target: str | None = None
    profit_loss: str | None = None
    # Bots mostly write a JSON number here; undecoded, its fraction never passes through a float.
    hold_duration_seconds: msgspec.Raw = msgspec.Raw(b"null")
    exit_timestamp: str | None = None
    slippage: str | None = None
    commission: str | None = None
    net_profit_loss: str | None = None
    multiplier: str | None = None


_decode_quick: Final = msgspec.json.Decoder(_QuickLine).decode

# One match checks all times and numbers of a line at once. Of texts made of these characters only,
# Decimal() accepts exactly the plain numbers, and such short ones are always within MAX_DIGITS.
_FROM_ZERO: Final = r"[0-9]{1,90}+(?:\.[0-9]{0,90}+)?+"
_ABOVE_ZERO: Final = rf"(?=[0.]*+[1-9]){_FROM_ZERO}"
_QUICK_TEXT: Final = re.compile(
    rf"{TIME},(?:{TIME})?+,{_ABOVE_ZERO},{_FROM_ZERO},(?:{_ABOVE_ZERO})?+,"
    r"(?:[0-9.+\-]{0,90}+,){6}"
    r"(?:null|-?(?:0|[1-9][0-9]{0,89}+)(?:\.[0-9]{1,90}+)?+|\"[0-9.+\-]{1,90}+\")"
).fullmatch


def _quick_lane(line: bytes, fills: bool = False) -> Trade | Fill:
    """The record of a line as bots write it; raises ValueError and the like to decline it."""
    if nested_too_deeply(line):
        raise ValueError("not a line for any lane")
    raw = _decode_quick(line)
    exit_timestamp, stop_loss, target = raw.exit_timestamp, raw.stop_loss, raw.target
    profit_loss, net_profit_loss = raw.profit_loss, raw.net_profit_loss
    slippage, commission = raw.slippage, raw.commission
    hold = str(raw.hold_duration_seconds, "ascii")
    text = (
        f"{raw.timestamp},{exit_timestamp or ''},{raw.quantity},{raw.price},"
        f"{raw.multiplier or ''},{stop_loss or ''},{target or ''},{profit_loss or ''},"
        f"{net_profit_loss or ''},{slippage or ''},{commission or ''},{hold}"
    )
    if _QUICK_TEXT(text) is None or not raw.symbol or raw.multiplier == "":
        raise ValueError("not a line for the quick lane")
    if fills and raw.outcome in (None, "open"):
        return _fill(
            as_instant(raw.timestamp),
            raw.action == "BUY",
            Decimal(raw.quantity),
            Decimal(raw.price),
            None if raw.multiplier is None else Decimal(raw.multiplier),
            None if commission is None else Decimal(commission),
            None if slippage is None else Decimal(slippage),
            None if stop_loss is None else Decimal(stop_loss),
            None if target is None else Decimal(target),
            raw.symbol,
            raw.strategy_name or "",
            raw.execution_mode or "",
            raw.account_id or "",
            raw.order_id or "",
        )
    return _trade(
        as_instant(raw.timestamp),
        None if exit_timestamp is None else as_instant(exit_timestamp),
        raw.outcome or "open",
        Decimal(raw.price),
        None if stop_loss is None else Decimal(stop_loss),
        None if target is None else Decimal(target),
        None if profit_loss is None else Decimal(profit_loss),
        None if net_profit_loss is None else Decimal(net_profit_loss),
        None if commission is None else Decimal(commission),
        None if slippage is None else Decimal(slippage),
        None if hold == "null" else Decimal(hold.strip('"')),
        raw.symbol,
        raw.strategy_name or "",
        raw.execution_mode or "",
        raw.account_id or "",
        raw.order_id or "",
    )


# --- the full lane ----------------------------------------------------------------------------


def _full_lane(line: bytes, fills: bool = False) -> Trade | Fill:
    """What any valid line records; raises RejectedLineError naming the bad field."""
    try:
        fields = read_fields(line)
    except ValueError as error:
        raise RejectedLineError(str(error)) from None
    outcome: Outcome = fields["outcome"] or "open"
    if fills and outcome == "open":
        return _fill(
            instant=fields["timestamp"],
            buys=fields["action"] == "BUY",
            quantity=fields["quantity"],
            price=fields["price"],
            multiplier=fields["multiplier"],
            commission=fields["commission"],
            slippage=fields["slippage"],
            stop_loss=fields["stop_loss"],
            target=fields["target"],
            symbol=fields["symbol"],
            strategy=fields["strategy_name"] or "",
            mode=fields["execution_mode"] or "",
            account=fields["account_id"] or "",
            order_id=fields["order_id"] or "",
        )
    return _trade(
        timestamp=fields["timestamp"],
        exit_timestamp=fields["exit_timestamp"],
        outcome=outcome,
        price=fields["price"],
        stop_loss=fields["stop_loss"],
        target=fields["target"],
        profit_loss=fields["profit_loss"],
        net_profit_loss=fields["net_profit_loss"],
        commission=fields["commission"],
        slippage=fields["slippage"],
        hold_seconds=fields["hold_duration_seconds"],
        symbol=fields["symbol"],
        strategy=fields["strategy_name"] or "",
        mode=fields["execution_mode"] or "",
        account=fields["account_id"] or "",
        order_id=fields["order_id"] or "",
    )


# --- where both lanes end ---------------------------------------------------------------------


def _trade(
    timestamp: datetime,
    exit_timestamp: datetime | None,
    outcome: Outcome,
    price: Decimal,
    stop_loss: Decimal | None,
    target: Decimal | None,
    profit_loss: Decimal | None,
    net_profit_loss: Decimal | None,
    commission: Decimal | None,
    slippage: Decimal | None,
    hold_seconds: Decimal | None,
    symbol: str,
    strategy: str,
    mode: str,
    account: str,
    order_id: str,
) -> Trade:
    """The rules that span several fields of one record."""
    commission = commission or ZERO
    if outcome == "open":
        instant, pnl, planned_ratio = timestamp, profit_loss, None
    else:
        instant = exit_timestamp or timestamp
        if net_profit_loss is not None:
            pnl = net_profit_loss
        elif profit_loss is not None:
            pnl = EXACT.subtract(profit_loss, commission)
        else:
            raise RejectedLineError(NEEDS_PNL)
        planned_ratio = planned_reward_risk(price, stop_loss, target)
    return Trade(
        instant,
        outcome,
        pnl,
        commission,
        slippage or ZERO,
        planned_ratio,
        hold_seconds,
        symbol,
        strategy,
        mode,
        account,
        order_id,
    )


def _fill(
    instant: datetime,
    buys: bool,
    quantity: Decimal,
    price: Decimal,
    multiplier: Decimal | None,
    commission: Decimal | None,
    slippage: Decimal | None,
    stop_loss: Decimal | None,
    target: Decimal | None,
    symbol: str,
    strategy: str,
    mode: str,
    account: str,
    order_id: str,
) -> Fill:
    return Fill(
        instant,
        buys,
        quantity,
        price,
        _ONE if multiplier is None else multiplier,
        commission or ZERO,
        slippage or ZERO,
        planned_reward_risk(price, stop_loss, target),
        symbol,
        strategy,
        mode,
        account_digest(account),
        order_id,
    )
