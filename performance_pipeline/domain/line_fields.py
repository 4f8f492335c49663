"""What a field of a record must look like, and how a rejection words it when it does not.

Each of the fields that count is read alone and exactly, digit by digit; all others may hold
anything. What several fields of one record must be to each other is the business of
`trade_lines.py`.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

from performance_pipeline.domain.numbers import ZERO, parse_number

_LOCAL_TIME: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]++)?+)?+"
)
TIME: Final = rf"{_LOCAL_TIME}(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
"""A regular expression for RFC 3339 with T and with Z or an offset, seconds optional."""

_is_time = re.compile(TIME).fullmatch
_is_local_time = re.compile(_LOCAL_TIME).fullmatch

NO_OFFSET: Final = "without an offset; needed is Z or one such as -05:00 at its end"
"""What is said of a time that may have been any instant of a day."""

MAX_NESTING: Final = 256
"""How many lists and objects may stand in one another in a line, its own object counted.

Parsers descend on the stack, so without a limit of our own the caller's stack would decide.
"""

_not_brackets = re.compile(rb'"(?:[^"\\]|\\.)*+"|[^\[\]{}"]++', re.DOTALL)


def nested_too_deeply(line: bytes) -> bool:
    """Whether a line is nested more than `MAX_NESTING` levels deep, in whatever field."""
    # Hardly a line holds that many brackets, and only of those the levels are counted. A replace
    # tells their number in a third of the time that count takes.
    if 2 * len(line) - len(line.replace(b"[", b"")) - len(line.replace(b"{", b"")) <= MAX_NESTING:
        return False
    depth = deepest = 0
    for bracket in _not_brackets.sub(b"", line):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > MAX_NESTING


def read_fields(line: bytes) -> dict[str, Any]:
    """The typed value of every field of `line` that counts, None where it may be null and is.

    Raises ValueError naming the bad field, never its value.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("line: not valid UTF-8") from None
    if nested_too_deeply(line):
        raise ValueError(f"line: nested more than {MAX_NESTING} levels deep")
    try:
        record = _decode(text)
    except ValueError:
        raise ValueError("line: not valid JSON") from None
    if not isinstance(record, dict):
        raise ValueError("line: not one JSON object")
    return {name: _read(name, record) for name in _READERS}


def as_instant(text: str) -> datetime:
    """The instant, in UTC, to the microsecond, that `text`, of the form `TIME`, names.

    Raises ValueError when there is no such day or time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else _to_utc(moment)


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # So near to the first or last instant of a datetime that UTC is out of its range. No log is
        # of that day: the record is misdated with this offset or any other.
        return moment.replace(tzinfo=UTC)


class _JsonNumber(str):
    """A JSON number as written, kept apart from a JSON string of the same characters."""

    __slots__ = ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(
    parse_float=_JsonNumber, parse_int=_JsonNumber, parse_constant=_no_constant
).decode


_NEEDED = frozenset({"timestamp", "symbol", "action", "quantity", "price"})


def _read(name: str, record: dict[str, Any]) -> Any:
    """The typed value of one field, None where it may be null and is."""
    value = record.get(name)
    if value is None:
        if name in _NEEDED:
            raise ValueError(f"{name}: missing" if name not in record else f"{name}: null")
        if name == "outcome" and name not in record:
            raise ValueError("outcome: missing")
        return None
    try:
        return _READERS[name](value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


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
    def read(value: object) -> str:
        if (text := _text(value)) not in accepted:
            raise ValueError(f"not one of {', '.join(accepted)}")
        return text

    return read


def _time(value: object) -> datetime:
    if isinstance(value, str) and _is_local_time(value):
        raise ValueError(NO_OFFSET)
    try:
        text = _text(value)
        if _is_time(text) is None:
            raise ValueError
        return as_instant(text)
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


def _price(value: object) -> Decimal:
    """0 is a price: that of an option which expires worthless."""
    if (number := _number(value)) < ZERO:
        raise ValueError("below 0")
    return number


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "timestamp": _time,
    "symbol": _symbol,
    "action": _one_of("BUY", "SELL"),
    "quantity": _positive,
    "price": _price,
    "multiplier": _positive,
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
