"""One line of a trade log becomes a trade, or a rejection that names the field.

A line is judged alone: duplicates, filters and trading days are the reader's business
(`reading.py`). There are two lanes. The quick one is a typed decode of a line as bots write it;
whatever it declines goes through the full one, which is the definition: it accepts every valid
line and names what is wrong with any other.
"""

import decimal
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NoReturn

import msgspec

from performance_pipeline.domain.numbers import (
    EXACT,
    PLANNED_RATIO_PLACES,
    ZERO,
    divide,
    parse_number,
)

Outcome = Literal["win", "loss", "breakeven", "open"]

TIME_PATTERN: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class Trade(msgspec.Struct, frozen=True, gc=False):
    """An accepted record, closed or still open, reduced to what any metric needs.

    `instant` is when it counts: a closed record's exit where it has one, else its timestamp; UTC.
    `pnl` is the net P&L of a closed record; of an open one its `profit_loss`, None when unknown.
    `planned_ratio` is the planned reward over risk, rounded half-even to 9 decimals, None where
    the record has no usable levels. Names that are null or absent are "".
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


class RejectedLineError(Exception):
    """A line that is not an acceptable record; its message names the field, never the value."""


def parse_trade(line: bytes) -> Trade:
    """The trade that `line` (trimmed, not blank) records.

    Raises RejectedLineError with the reason otherwise.
    """
    # The typed decode skips over fields it does not need, and would let bad UTF-8 pass in them.
    if not line.isascii():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            raise RejectedLineError("line: not valid UTF-8") from None
    try:
        return _quick_lane(line)
    except (msgspec.DecodeError, ValueError, decimal.DecimalException, RecursionError):
        return _full_lane(line)


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


# --- the quick lane ---------------------------------------------------------------------------


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
    hold_duration_seconds: str | int | None = None
    exit_timestamp: str | None = None
    slippage: str | None = None
    commission: str | None = None
    net_profit_loss: str | None = None


_decode_quick = msgspec.json.Decoder(_QuickLine).decode

# What Decimal() accepts of these characters alone is exactly a plain number, and the length keeps
# it within MAX_DIGITS without looking closer. All nine numbers of a line take one match.
_QUICK_NUMBERS = re.compile(r"(?:[0-9.+\-]{0,90},){9}", re.ASCII).fullmatch


def _quick_lane(line: bytes) -> Trade:
    """The trade of a line as bots write it; raises ValueError and the like to decline it."""
    raw = _decode_quick(line)
    stop_loss, target, hold = raw.stop_loss, raw.target, raw.hold_duration_seconds
    profit_loss, net_profit_loss = raw.profit_loss, raw.net_profit_loss
    commission, slippage = raw.commission, raw.slippage
    numbers = (
        f"{raw.quantity},{raw.price},{stop_loss or ''},{target or ''},{profit_loss or ''},"
        f"{slippage or ''},{commission or ''},{net_profit_loss or ''},"
        f"{'' if hold is None else hold},"
    )
    price = Decimal(raw.price)
    if (
        _QUICK_NUMBERS(numbers) is None
        or Decimal(raw.quantity) <= ZERO
        or price <= ZERO
        or not raw.symbol
    ):
        raise ValueError("not a line for the quick lane")
    return _trade(
        _parse_time(raw.timestamp),
        None if raw.exit_timestamp is None else _parse_time(raw.exit_timestamp),
        raw.outcome or "open",
        price,
        None if stop_loss is None else Decimal(stop_loss),
        None if target is None else Decimal(target),
        None if profit_loss is None else Decimal(profit_loss),
        None if net_profit_loss is None else Decimal(net_profit_loss),
        None if commission is None else Decimal(commission),
        None if slippage is None else Decimal(slippage),
        None if hold is None else Decimal(hold),
        raw.symbol,
        raw.strategy_name or "",
        raw.execution_mode or "",
        raw.account_id or "",
        raw.order_id or "",
    )


def _parse_time(text: str) -> datetime:
    """The instant, in UTC, to the microsecond; ValueError when `text` is not RFC 3339 with T."""
    if TIME_PATTERN.fullmatch(text) is None:
        raise ValueError("not a time")
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else _to_utc(moment)


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # In the first or last hours that a datetime can hold: misdated whatever the offset.
        return moment.replace(tzinfo=UTC)


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
    """Where both lanes end: the rules that span several fields of one record."""
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
            raise RejectedLineError(
                "net_profit_loss: a closed record needs it, or profit_loss in its place"
            )
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


# --- the full lane ----------------------------------------------------------------------------


class _JsonNumber(str):
    """A JSON number as written, kept apart from a JSON string of the same characters."""

    __slots__ = ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode_full = json.JSONDecoder(
    parse_float=_JsonNumber, parse_int=_JsonNumber, parse_constant=_no_constant
).decode


def _full_lane(line: bytes) -> Trade:
    """The trade that any valid line records; raises RejectedLineError naming the bad field."""
    try:
        record = _decode_full(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RejectedLineError("line: not valid JSON") from None
    if not isinstance(record, dict):
        raise RejectedLineError("line: not one JSON object")
    fields = {name: _judge(name, record) for name in _JUDGES}
    return _trade(
        timestamp=fields["timestamp"],
        exit_timestamp=fields["exit_timestamp"],
        outcome=fields["outcome"] or "open",
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


_NEEDED = frozenset({"timestamp", "symbol", "action", "quantity", "price"})


def _judge(name: str, record: dict[str, Any]) -> Any:
    """The typed value of one judged field, None where it may be null and is."""
    value = record.get(name)
    if value is None:
        if name in _NEEDED:
            raise RejectedLineError(f"{name}: missing" if name not in record else f"{name}: null")
        if name == "outcome" and name not in record:
            raise RejectedLineError("outcome: missing")
        return None
    try:
        return _JUDGES[name](value)
    except ValueError as error:
        raise RejectedLineError(f"{name}: {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, _JsonNumber):
        raise ValueError("not a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair, which is no character") from None
    return value


def _symbol(value: object) -> str:
    if not (text := _text(value)):
        raise ValueError("empty")
    return text


def _one_of(*accepted: str) -> Callable[[object], str]:
    def judge(value: object) -> str:
        if (text := _text(value)) not in accepted:
            raise ValueError(f"not one of {', '.join(accepted)}")
        return text

    return judge


def _time(value: object) -> datetime:
    try:
        return _parse_time(_text(value))
    except ValueError:
        raise ValueError(
            "not a time such as 2025-01-02T14:30:00Z, with T and with Z or an offset"
        ) from None


def _number(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("not a number")
    return parse_number(value)


def _positive(value: object) -> Decimal:
    if (number := _number(value)) <= ZERO:
        raise ValueError("not above 0")
    return number


_JUDGES: Final[dict[str, Callable[[object], Any]]] = {
    "timestamp": _time,
    "symbol": _symbol,
    "action": _one_of("BUY", "SELL"),
    "quantity": _positive,
    "price": _positive,
    "order_id": _text,
    "execution_mode": _one_of("PAPER", "LIVE"),
    "account_id": _text,
    "strategy_name": _text,
    "stop_loss": _number,
    "target": _number,
    "outcome": _one_of("win", "loss", "breakeven", "open"),
    "profit_loss": _number,
    "hold_duration_seconds": _number,
    "exit_timestamp": _time,
    "slippage": _number,
    "commission": _number,
    "net_profit_loss": _number,
}
