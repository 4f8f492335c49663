"""What makes a line a trade, and what a rejection says: one line at a time, then in real logs."""

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain import aggregate, log_reading
from performance_pipeline.domain.line_fields import MAX_NESTING
from performance_pipeline.domain.numbers import exact_arithmetic, plain
from performance_pipeline.domain.trade_lines import (
    RejectedLineError,
    _full_lane,
    _quick_lane,
    parse_trade,
)
from performance_pipeline.domain.trades import Fill, Trade, planned_reward_risk
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    ABSENT,
    BOM,
    DAY,
    Place,
    Raw,
    line,
    log,
    opened,
    place,
    session,
    win,
)


def parsed(one: bytes) -> Trade:
    with exact_arithmetic():
        return parse_trade(one)


def rejection(one: bytes) -> str:
    with exact_arithmetic(), pytest.raises(RejectedLineError) as caught:
        parse_trade(one)
    return str(caught.value)


# --- bad lines --------------------------------------------------------------------------------


class Bad(NamedTuple):
    """A line that must be rejected, the field its reason names, and what it must not quote."""

    kind: str
    line: bytes
    field: str
    secret: str = ""


def bad(kind: str, field: str, value: object, **others: object) -> Bad:
    """A line whose `field` holds `value`; texts long enough to be told apart are secret."""
    secret = value if isinstance(value, str) and len(value) > 2 else ""
    return Bad(kind, line(**{field: value, **others}), field, secret)


def with_bytes(marker: str, raw: bytes) -> bytes:
    """A good line in which the text `marker` is replaced by any bytes."""
    return line(decision_reasoning="reasons", symbol="SYMB").replace(marker.encode(), raw)


NO_PNL = {"net_profit_loss": None, "profit_loss": None}

NOT_RECORDS = [
    Bad("cut off", line()[:-20], "line"),
    Bad("only a brace", b"{", "line"),
    Bad("an array", b"[" + line() + b"]", "line"),
    Bad("JSON null", b"null", "line"),
    Bad("a JSON string", b'"a secret word"', "line", "secret"),
    Bad("a JSON number", b"12345", "line", "12345"),
    Bad("plain words", b"restarted the bot", "line", "restarted"),
    Bad("two objects", line() + b" " + line(), "line"),
    Bad("two objects, nothing between", line() + line(), "line"),
    Bad("something after the object", line() + b" // done", "line", "done"),
    Bad("a comma after the last field", line()[:-1] + b",}", "line"),
    Bad("single quotes", line().replace(b'"', b"'"), "line"),
    Bad("an unquoted key", line().replace(b'"symbol"', b"symbol"), "line"),
    Bad("NaN as a number", line(price=Raw("NaN")), "line"),
    Bad("Infinity in an unknown field", line(unknown=Raw("Infinity")), "line"),
    Bad("-Infinity in a field that is not read", line(total_value=Raw("-Infinity")), "line"),
    Bad("a number with a leading zero", line(price=Raw("0100")), "line", "0100"),
    Bad("a number without a digit before the point", line(price=Raw(".5")), "line"),
    Bad("a number without a digit after the point", line(unknown=Raw("5.")), "line"),
    Bad("a number with a plus sign", line(price=Raw("+100")), "line", "+100"),
    Bad("Python's True", line(unknown=Raw("True")), "line"),
    Bad("a raw tab inside a string", with_bytes("reasons", b"one\tother"), "line", "other"),
    Bad("a raw control character", with_bytes("reasons", b"one\x01other"), "line", "other"),
    Bad("an escape that JSON does not know", with_bytes("reasons", b"one\\qother"), "line"),
    Bad("half a unicode escape", with_bytes("reasons", b"\\u12"), "line"),
    Bad("bad UTF-8 in a field that is read", with_bytes("SYMB", b"A\xff"), "line"),
    Bad("bad UTF-8 in a field that is not read", with_bytes("reasons", b"\xc3("), "line"),
    Bad("bad UTF-8 in a key", line(**{"k\u00e9y": 1}).replace(b"\\u00e9", b"\xe9"), "line"),
    Bad("Latin-1 in place of UTF-8", with_bytes("reasons", "caf\u00e9".encode("latin-1")), "line"),
    Bad("a surrogate encoded as UTF-8", with_bytes("reasons", b"\xed\xa0\x80"), "line"),
    Bad("an overlong UTF-8 encoding", with_bytes("reasons", b"\xc0\xaf"), "line"),
    Bad("UTF-8 cut in the middle", with_bytes("reasons", b"\xe2\x82"), "line"),
    Bad("bad UTF-8 after the object", line() + b"\xff", "line"),
    Bad("a byte-order mark inside the file", BOM + line(), "line"),
    Bad("zero bytes, as after a power cut", b"\0" * 40, "line"),
    Bad("a no-break space before the object", "\u00a0".encode() + line(), "line"),
    Bad("nested without end", b"[" * 5000, "line"),
    Bad("two lines run into one", line()[:100] + line(), "line"),
]

BAD_FIELDS = [
    bad("no timestamp", "timestamp", ABSENT),
    bad("a null timestamp", "timestamp", None),
    bad("an empty timestamp", "timestamp", ""),
    bad("seconds since 1970", "timestamp", 1749565800),
    bad("a space in place of T", "timestamp", f"{DAY} 14:30:00Z"),
    bad("a small t", "timestamp", f"{DAY}t14:30:00Z"),
    bad("a small z", "timestamp", f"{DAY}T14:30:00z"),
    bad("no offset", "timestamp", f"{DAY}T14:30:00"),
    bad("a zone name", "timestamp", f"{DAY}T14:30:00 EST"),
    bad("an offset without a colon", "timestamp", f"{DAY}T14:30:00+0500"),
    bad("an offset in hours alone", "timestamp", f"{DAY}T14:30:00+05"),
    bad("an offset of a day", "timestamp", f"{DAY}T14:30:00+24:00"),
    bad("an offset with seconds", "timestamp", f"{DAY}T14:30:00+05:00:30"),
    bad("both Z and an offset", "timestamp", f"{DAY}T14:30:00Z+05:00"),
    bad("a date alone", "timestamp", f"{DAY}"),
    bad("hours alone", "timestamp", f"{DAY}T14Z"),
    bad("the hour 24", "timestamp", f"{DAY}T24:00:00Z"),
    bad("the minute 60", "timestamp", f"{DAY}T14:60:00Z"),
    bad("the second 60", "timestamp", f"{DAY}T14:30:60Z"),
    bad("30 February", "timestamp", "2025-02-30T14:30:00Z"),
    bad("29 February of no leap year", "timestamp", "2025-02-29T14:30:00Z"),
    bad("the month 13", "timestamp", "2025-13-01T14:30:00Z"),
    bad("a five-digit year", "timestamp", "12025-01-01T14:30:00Z"),
    bad("a week date", "timestamp", "2025-W24-2T14:30:00Z"),
    bad("an ordinal date", "timestamp", "2025-161T14:30:00Z"),
    bad("no dashes", "timestamp", "20250610T143000Z"),
    bad("a point without digits", "timestamp", f"{DAY}T14:30:00.Z"),
    bad("a comma before the fraction", "timestamp", f"{DAY}T14:30:00,5Z"),
    bad("a fraction of minutes", "timestamp", f"{DAY}T14:30.5Z"),
    bad("a blank before the time", "timestamp", f" {DAY}T14:30:00Z"),
    bad("a line end after the time", "timestamp", f"{DAY}T14:30:00Z\n"),
    bad("Arabic digits in the time", "timestamp", "\u0662\u0660\u0662\u0665-06-10T14:30:00Z"),
    bad("no symbol", "symbol", ABSENT),
    bad("a null symbol", "symbol", None),
    bad("an empty symbol", "symbol", ""),
    bad("a number as symbol", "symbol", 600519),
    bad("a list as symbol", "symbol", ["AAPL"]),
    bad("a boolean as symbol", "symbol", True),
    bad("half a surrogate pair in the symbol", "symbol", Raw(r'"\ud800"')),
    bad("no action", "action", ABSENT),
    bad("a null action", "action", None),
    bad("a small action", "action", "buy"),
    bad("an unknown action", "action", "SHORT"),
    bad("an action in words", "action", "BUY TO COVER"),
    bad("a number as action", "action", 1),
    bad("no quantity", "quantity", ABSENT),
    bad("a null quantity", "quantity", None),
    bad("a quantity of zero", "quantity", "0"),
    bad("a quantity of minus zero", "quantity", "-0.000"),
    bad("a quantity of zero as a number", "quantity", 0),
    bad("a negative quantity", "quantity", "-31337"),
    bad("a boolean as quantity", "quantity", True),
    bad("an empty quantity", "quantity", ""),
    bad("a list as quantity", "quantity", [10]),
    bad("NaN as quantity", "quantity", "NaN"),
    bad("no price", "price", ABSENT),
    bad("a null price", "price", None),
    bad("a negative price", "price", Raw("-150.25")),
    bad("a decimal comma", "price", "12,50"),
    bad("an underscore", "price", "1_000"),
    bad("blanks around the price", "price", " 12 "),
    bad("a currency sign", "price", "$150"),
    bad("Infinity as price", "price", "Infinity"),
    bad("a signalling NaN", "price", "sNaN123"),
    bad("two points", "price", "1.2.3"),
    bad("two signs", "price", "+-777"),
    bad("an exponent without digits", "price", "150e"),
    bad("an exponent alone", "price", "e150"),
    bad("hexadecimal", "price", "0x96"),
    bad("full-width digits", "price", "\uff11\uff15\uff10"),
    bad("a digit that is none in ASCII", "price", "15\u0660"),
    bad("a line end after the price", "price", "150\n"),
    bad("a price beyond any digits", "price", "1e999999999"),
    bad("a price beyond any digits, as a number", "price", Raw("1e999999999")),
    bad("an object as price", "price", {"amount": "150"}),
    bad("a number as order id", "order_id", 424242),
    bad("a list as order id", "order_id", ["o-1"]),
    bad("a number as mode", "execution_mode", 1),
    bad("an unknown mode", "execution_mode", "SIMULATED"),
    bad("a small mode", "execution_mode", "live"),
    bad("an empty mode", "execution_mode", ""),
    bad("a number as account", "account_id", 778899),
    bad("an object as account", "account_id", {"id": "U778899"}),
    bad("a boolean as strategy", "strategy_name", False),
    bad("a stop in words", "stop_loss", "none"),
    bad("an empty stop", "stop_loss", ""),
    bad("a boolean as target", "target", True),
    bad("no outcome", "outcome", ABSENT),
    bad("a capital outcome", "outcome", "WIN"),
    bad("an empty outcome", "outcome", ""),
    bad("an unknown outcome", "outcome", "scratched"),
    bad("a number as outcome", "outcome", 1),
    bad("a P&L in words", "profit_loss", "unknown"),
    bad("a P&L of NaN", "profit_loss", "NaN"),
    bad("a bad P&L beside a good net P&L", "profit_loss", "12,50", net_profit_loss="10"),
    bad("an open record with a bad P&L", "profit_loss", "12,50", outcome="open"),
    bad("a net P&L of Infinity", "net_profit_loss", "-Infinity"),
    bad("a boolean as net P&L", "net_profit_loss", False),
    bad("a win without any P&L", "net_profit_loss", None),
    bad("a loss without any P&L", "net_profit_loss", ABSENT, outcome="loss"),
    bad("a breakeven without any P&L", "net_profit_loss", None, outcome="breakeven"),
    bad("a commission and no P&L", "net_profit_loss", None, commission="1.05"),
    bad("a duration in minutes and seconds", "hold_duration_seconds", "1:30"),
    bad("a boolean as duration", "hold_duration_seconds", True),
    bad("an empty exit", "exit_timestamp", ""),
    bad("an exit without an offset", "exit_timestamp", f"{DAY}T15:00:00"),
    bad("an exit in words", "exit_timestamp", "yesterday"),
    bad("an open record with a bad exit", "exit_timestamp", "yesterday", outcome="open"),
    bad("a slippage in words", "slippage", "n/a"),
    bad("a commission with its currency", "commission", "1.05 USD"),
    bad("a list as commission", "commission", ["1.05"]),
]

BAD_LINES = [*NOT_RECORDS, *BAD_FIELDS]


def named_field(reason: str) -> str:
    return reason.partition(":")[0]


@pytest.mark.parametrize("one", [pytest.param(one, id=one.kind) for one in BAD_LINES])
def test_a_bad_line_is_rejected_naming_its_field(one: Bad) -> None:
    assert named_field(rejection(one.line)) == one.field


def test_a_reason_is_one_short_line_that_never_quotes_the_value() -> None:
    for one in BAD_LINES:
        reason = rejection(one.line)
        field, _, explanation = reason.partition(": ")
        assert (field, explanation.strip()) == (one.field, explanation)
        assert explanation
        assert len(reason) < 120
        assert reason.isprintable()
        if one.secret:
            assert one.secret.strip() not in explanation, one.kind


def test_the_reason_for_a_bad_value_is_the_same_whatever_the_value() -> None:
    reasons = {rejection(line(price=value)) for value in ("12,50", "1_000", "NaN", "secret-9")}
    assert reasons == {"price: not a number"}


@pytest.mark.parametrize(
    "one", [pytest.param(one, id=one.kind) for one in NOT_RECORDS if "UTF-8" in one.kind]
)
def test_bad_utf_8_anywhere_in_a_line_is_told_from_bad_json(one: Bad) -> None:
    assert rejection(one.line) == "line: not valid UTF-8"


def test_the_first_bad_field_is_named_when_several_are() -> None:
    assert named_field(rejection(line(price="x", outcome="x", timestamp="x"))) == "timestamp"
    assert named_field(rejection(line(commission="x", **NO_PNL))) == "commission"


@pytest.fixture
def _no_limit_to_reported_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "MAX_LINES_NAMED", 10_000)
    monkeypatch.setattr(aggregate, "MAX_LINES_NAMED", 10_000)


def interleaved(lines: Sequence[Bad]) -> bytes:
    """A log in which every bad line stands between two good ones."""
    content = log(win("1", order_id="first"))
    for number, one in enumerate(lines):
        content += one.line + b"\n" + log(win("1", order_id=f"after {number}"))
    return content


@pytest.mark.usefixtures("_no_limit_to_reported_lines")
def test_no_bad_line_costs_a_good_one_and_each_is_reported_at_its_place(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, interleaved(BAD_LINES))
    summary = here.summary()
    quality = summary.data_quality
    assert [(at.file, at.line, named_field(at.reason)) for at in quality.rejected_lines] == [
        (f"{DAY}.jsonl", 2 * number, one.field) for number, one in enumerate(BAD_LINES, start=1)
    ]
    assert (quality.rejected, quality.accepted) == (len(BAD_LINES), len(BAD_LINES) + 1)
    assert (quality.duplicates, quality.misdated) == (0, 0)
    assert summary.total_trades == len(BAD_LINES) + 1
    assert summary.realized_pnl == len(BAD_LINES) + 1
    for at, one in zip(quality.rejected_lines, BAD_LINES, strict=True):
        assert at.reason == rejection(one.line)


def test_all_rejected_lines_are_counted_and_the_first_twenty_listed(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, interleaved(BAD_LINES))
    quality = here.summary().data_quality
    assert quality.rejected == len(BAD_LINES)
    assert [at.line for at in quality.rejected_lines] == list(range(2, 42, 2))


def test_a_log_of_bad_lines_alone_is_a_day_without_trades(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(DAY, *(one.line for one in BAD_LINES))
    summary = here.summary()
    assert (summary.total_trades, summary.data_quality.accepted) == (0, 0)
    assert summary.data_quality.rejected == len(BAD_LINES)
    assert summary.data_quality.status == "partial"


# --- good lines -------------------------------------------------------------------------------

STRING_NUMBERS = [
    ("150.25", "150.25"),
    ("0", "0"),
    ("-0", "0"),
    (".5", "0.5"),
    ("5.", "5"),
    ("+1.5", "1.5"),
    ("-.5", "-0.5"),
    ("007.10", "7.1"),
    ("1e3", "1000"),
    ("1.5E+3", "1500"),
    ("-2.5e-7", "-0.00000025"),
    ("0.12345678901234567891", "0.12345678901234567891"),
    ("0.10000000000000000001", "0.10000000000000000001"),
    ("123456789012345", "123456789012345"),
    ("-987654321098765.00000000000000000001", "-987654321098765.00000000000000000001"),
    ("9" * 95, "9" * 95),
    ("1e99", "1" + "0" * 99),
    ("-1e-100", "-0." + "0" * 99 + "1"),
]
JSON_NUMBERS = [
    ("150.25", "150.25"),
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("1E+3", "1000"),
    ("2.5e-7", "0.00000025"),
    ("0.1", "0.1"),
    ("0.10000000000000000001", "0.10000000000000000001"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("9007199254740993", "9007199254740993"),
    ("123456789012345.12345678901234567891", "123456789012345.12345678901234567891"),
    ("18446744073709551617", "18446744073709551617"),
    ("1e99", "1" + "0" * 99),
]
MONEY = ["net_profit_loss", "commission", "slippage", "hold_duration_seconds"]


def amount(trade: Trade, field: str) -> str:
    names = {"net_profit_loss": "pnl", "hold_duration_seconds": "hold_seconds"}
    return plain(getattr(trade, names.get(field, field)))


@pytest.mark.parametrize(("written", "expected"), STRING_NUMBERS)
def test_a_decimal_string_is_read_digit_by_digit(written: str, expected: str) -> None:
    for field in MONEY:
        assert amount(parsed(line(**{field: written})), field) == expected, field


@pytest.mark.parametrize(("written", "expected"), JSON_NUMBERS)
def test_a_json_number_is_read_digit_by_digit_and_never_through_a_float(
    written: str, expected: str
) -> None:
    for field in MONEY:
        assert amount(parsed(line(**{field: Raw(written)})), field) == expected, field


@pytest.mark.parametrize("field", ["quantity", "price"])
@pytest.mark.parametrize(
    "value",
    ["0.00000001", "1e-9", ".5", "5.", "+1.5", "123456789012345.12345678901234567891", Raw("0.5")],
)
def test_any_number_above_zero_is_a_quantity_and_a_price(field: str, value: str) -> None:
    assert parsed(line(**{field: value})) == parsed(line())


TIMES = [
    ("2025-06-10T14:30:00Z", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T14:30Z", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T09:30-05:00", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T14:30:00+00:00", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T14:30:00-00:00", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T20:00:00+05:30", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-11T14:29:00+23:59", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-09T14:31:00-23:59", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T14:30:00.5Z", datetime(2025, 6, 10, 14, 30, 0, 500_000, tzinfo=UTC)),
    ("2025-06-10T14:30:00.123Z", datetime(2025, 6, 10, 14, 30, 0, 123_000, tzinfo=UTC)),
    ("2025-06-10T14:30:00.123456Z", datetime(2025, 6, 10, 14, 30, 0, 123_456, tzinfo=UTC)),
    ("2025-06-10T14:30:00.1234569Z", datetime(2025, 6, 10, 14, 30, 0, 123_456, tzinfo=UTC)),
    ("2025-06-10T14:30:00.999999999Z", datetime(2025, 6, 10, 14, 30, 0, 999_999, tzinfo=UTC)),
    ("2025-06-10T14:30:00.0000009+00:00", datetime(2025, 6, 10, 14, 30, tzinfo=UTC)),
    ("2025-06-10T23:59:59.9999999Z", datetime(2025, 6, 10, 23, 59, 59, 999_999, tzinfo=UTC)),
    ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
]


@pytest.mark.parametrize(("written", "instant"), TIMES, ids=[written for written, _ in TIMES])
def test_a_time_is_an_instant_and_digits_beyond_microseconds_are_dropped(
    written: str, instant: datetime
) -> None:
    for lane in (_quick_lane, _full_lane):
        assert lane(line(timestamp=written)).instant == instant
        assert lane(line(exit_timestamp=written, timestamp="2025-06-10T00:00Z")).instant == instant


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_either_end_of_the_calendar_costs_nothing(written: str) -> None:
    year = int(written[:4])
    assert parsed(line(timestamp=written)).instant.year == year


@pytest.mark.parametrize(
    "symbol", ["AAPL", "BRK.B", "BTC/USD", "aapl", "\u00dcn\u00ef", "6758.T", "^GSPC", " ", "EUR=X"]
)
def test_a_symbol_is_any_text(symbol: str) -> None:
    assert parsed(line(symbol=symbol)).symbol == symbol
    assert parsed(line(symbol=Raw(json.dumps(symbol, ensure_ascii=False)))).symbol == symbol


UNJUDGED = [
    "total_value",
    "entry_type",
    "decision_reasoning",
    "indicators_used",
    "risk_reward_ratio",
    "exit_reasoning",
    "session_id",
    "bot_version",
    "config_hash",
]
ANYTHING = {
    "absent": ABSENT,
    "null": None,
    "true": True,
    "a number": 12,
    "a number beyond any float": Raw("1e999999999"),
    "a long number": Raw("9" * 5000),
    "a text that is no number": "12,50",
    "an empty text": "",
    "NaN as a text": "NaN",
    "escapes": 'a "quoted" \\ { } [ ] \n \t \u2028 \u00e9 \U0001f600',
    "a list": ["rsi", None, {"deep": [1, [2, [3]]]}],
    "an object": {"outcome": "win", "price": "not this one"},
    "half a surrogate pair": Raw(r'"\ud800"'),
    "a surrogate pair the wrong way round": Raw(r'"\udc00\ud800"'),
    "a zero character": "\0",
    "ten thousand characters": "reasons, " * 1112,
    "deeply nested": Raw("[" * 200 + "]" * 200),
}


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
def test_fields_that_are_not_read_may_hold_anything(value: object) -> None:
    for field in UNJUDGED:
        assert parsed(line(**{field: value})) == parsed(line()), field
    assert parsed(line(**dict.fromkeys(UNJUDGED, value))) == parsed(line())


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
def test_unknown_fields_may_hold_anything(value: object) -> None:
    assert parsed(line(unknown=value, Timestamp=value, exit=value)) == parsed(line())


# --- how deep a line may be nested ------------------------------------------------------------

NESTED = {
    "lists in an unread field": ("decision_reasoning", "[", "]"),
    "lists in an unknown field": ("unknown", "[", "]"),
    "objects in an unknown field": ("unknown", '{"a":', "}"),
    "lists and objects, with spaces": ("indicators_used", '[ {"[a": ', "} ]"),
}
TOO_DEEP = f"line: nested more than {MAX_NESTING} levels deep"
# In one lane the numbers are texts, in the other they are JSON numbers.
EITHER_LANE = [{}, {"quantity": 10, "price": 100}]


def nested(kind: str, levels: int, **fields: object) -> bytes:
    """A line `levels` deep, its own object counted."""
    field, opening, closing = NESTED[kind]
    each = opening.replace('"[a"', "").count("[") + opening.count("{")
    rest, times = (levels - 1) % each, (levels - 1) // each
    value = "[" * rest + opening * times + "0" + closing * times + "]" * rest
    return line(**{field: Raw(value), **fields})


def under_a_stack_of(frames: int, ask: Callable[[], Any]) -> Any:
    return ask() if not frames else under_a_stack_of(frames - 1, ask)


@pytest.mark.parametrize("fields", EITHER_LANE, ids=["quick", "full"])
@pytest.mark.parametrize("stack", [0, 300, 600])
@pytest.mark.parametrize("kind", NESTED)
def test_the_limit_of_nesting_is_the_same_in_both_lanes_under_any_stack(
    kind: str, stack: int, fields: dict[str, object]
) -> None:
    at_limit, beyond = (nested(kind, MAX_NESTING + more, **fields) for more in (0, 1))
    assert under_a_stack_of(stack, lambda: parsed(at_limit)) == parsed(line())
    assert under_a_stack_of(stack, lambda: rejection(beyond)) == TOO_DEEP


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 1_000, 100_000])
@pytest.mark.parametrize("kind", NESTED)
def test_a_line_nested_beyond_the_limit_is_rejected_however_deep(kind: str, levels: int) -> None:
    assert rejection(nested(kind, levels)) == TOO_DEEP


def test_brackets_that_do_not_nest_are_no_levels() -> None:
    beside: tuple[list[Any], ...] = [[0]] * 1000, [{"a": {}}] * 1000
    inside = "[" * 1000 + '"' + "\\" + "{" * 1000
    for value in (*beside, inside, {inside: inside}):
        assert parsed(line(unknown=value, indicators_used=value)) == parsed(line())


def test_a_stack_too_deep_to_read_a_line_is_an_error_and_never_a_rejection() -> None:
    one = nested("lists in an unread field", MAX_NESTING)
    left = sys.getrecursionlimit() - len(inspect.stack()) - MAX_NESTING // 2
    with exact_arithmetic():
        if sys.version_info >= (3, 12):
            # From here on the limit is for Python's own frames, and parsers count theirs apart.
            assert under_a_stack_of(left, lambda: parse_trade(one)) == parsed(one)
        else:
            with pytest.raises(RecursionError):
                under_a_stack_of(left, lambda: parse_trade(one))


OPTIONAL = [
    "order_id",
    "execution_mode",
    "account_id",
    "strategy_name",
    "stop_loss",
    "target",
    "profit_loss",
    "hold_duration_seconds",
    "exit_timestamp",
    "slippage",
    "commission",
]


@pytest.mark.parametrize("nothing", [None, ABSENT], ids=["null", "absent"])
def test_fields_that_are_read_but_not_needed_may_be_null_or_absent(nothing: object) -> None:
    assert parsed(line(**dict.fromkeys(OPTIONAL, nothing))) == Trade(
        instant=datetime(2025, 6, 10, 14, 30, tzinfo=UTC),
        outcome="win",
        pnl=Decimal(10),
        commission=Decimal(0),
        slippage=Decimal(0),
        planned_ratio=None,
        hold_seconds=None,
        symbol="AAPL",
        strategy="",
        mode="",
        account="",
        order_id="",
    )


def test_a_record_may_hold_nothing_but_what_is_needed() -> None:
    needed = (
        b'{"timestamp":"2025-06-10T14:30Z","symbol":"A","action":"SELL","quantity":1,"price":1,'
        b'"outcome":null}'
    )
    trade = parsed(needed)
    assert (trade.outcome, trade.pnl, trade.symbol) == ("open", None, "A")


def test_every_field_that_is_read_reaches_the_trade() -> None:
    full = line(
        timestamp="2025-06-10T14:00:00Z",
        symbol="BRK.B",
        action="SELL",
        order_id="o-7",
        execution_mode="PAPER",
        account_id="U-1",
        strategy_name="mean-reversion",
        price="100",
        stop_loss="104",
        target="90",
        outcome="loss",
        profit_loss="-9",
        hold_duration_seconds="90.5",
        exit_timestamp="2025-06-10T15:00:00Z",
        slippage="-0.02",
        commission="1.05",
        net_profit_loss="-10.05",
    )
    assert parsed(full) == Trade(
        instant=datetime(2025, 6, 10, 15, tzinfo=UTC),
        outcome="loss",
        pnl=Decimal("-10.05"),
        commission=Decimal("1.05"),
        slippage=Decimal("-0.02"),
        planned_ratio=Decimal("2.5"),
        hold_seconds=Decimal("90.5"),
        symbol="BRK.B",
        strategy="mean-reversion",
        mode="PAPER",
        account="U-1",
        order_id="o-7",
    )


def test_an_open_record_counts_at_its_timestamp_and_plans_nothing() -> None:
    trade = parsed(
        opened("3", exit_timestamp="2025-06-10T20:00Z", price="100", stop_loss="95", target="110")
    )
    assert trade.instant == datetime(2025, 6, 10, 14, 30, tzinfo=UTC)
    assert (trade.outcome, trade.pnl, trade.planned_ratio) == ("open", Decimal(3), None)


def test_a_null_outcome_means_open() -> None:
    trade = parsed(line(outcome=None, profit_loss="2.5", net_profit_loss="99"))
    assert (trade.outcome, trade.pnl) == ("open", Decimal("2.5"))


# --- P&L of a record --------------------------------------------------------------------------

PNL = [
    pytest.param("10", "99", "1", "10", id="net comes first"),
    pytest.param("0", "99", "1", "0", id="a net of zero is a net"),
    pytest.param("-0.00", "99", "1", "0", id="a net of minus zero too"),
    pytest.param(None, "10", "1.05", "8.95", id="else gross minus commission"),
    pytest.param(ABSENT, "10", "1.05", "8.95", id="also when the net is absent"),
    pytest.param(None, "10", None, "10", id="a null commission is zero"),
    pytest.param(None, "10", ABSENT, "10", id="an absent commission is zero"),
    pytest.param(None, "-10", "1.05", "-11.05", id="a loss grows by its commission"),
    pytest.param(None, "10", "-0.25", "10.25", id="a rebate is a negative commission"),
    pytest.param(None, "0", "0", "0", id="zero is known"),
    pytest.param(
        None,
        "987654321098765.00000000000000000001",
        "0.1",
        "987654321098764.90000000000000000001",
        id="every digit of the difference",
    ),
    pytest.param(None, Raw("1e15"), Raw("1e-20"), "9" * 15 + "." + "9" * 20, id="sizes apart"),
]


@pytest.mark.parametrize("outcome", ["win", "loss", "breakeven"])
@pytest.mark.parametrize(("net", "gross", "commission", "expected"), PNL)
def test_the_pnl_is_the_net_or_else_the_gross_minus_commission(
    outcome: str, net: object, gross: object, commission: object, expected: str
) -> None:
    one = line(outcome=outcome, net_profit_loss=net, profit_loss=gross, commission=commission)
    pnl = parsed(one).pnl
    assert pnl is not None
    assert plain(pnl) == expected


@pytest.mark.parametrize("outcome", ["win", "loss", "breakeven"])
@pytest.mark.parametrize("gross", [None, ABSENT], ids=["null", "absent"])
@pytest.mark.parametrize("net", [None, ABSENT], ids=["net null", "net absent"])
def test_a_closed_record_without_pnl_is_rejected(outcome: str, gross: object, net: object) -> None:
    one = line(outcome=outcome, net_profit_loss=net, profit_loss=gross, commission="1")
    assert rejection(one) == (
        "net_profit_loss: a closed record needs it, or profit_loss in its place"
    )


@pytest.mark.parametrize(
    ("gross", "expected"),
    [("3.5", Decimal("3.5")), ("0", Decimal(0)), (None, None), (ABSENT, None)],
)
def test_the_pnl_of_an_open_record_is_its_gross_or_unknown(
    gross: object, expected: Decimal | None
) -> None:
    one = line(outcome="open", profit_loss=gross, net_profit_loss="77", commission="1")
    assert parsed(one).pnl == expected


# --- planned reward over risk -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "stop_loss", "target", "expected"),
    [
        pytest.param("100", "95", "110", "2", id="a long"),
        pytest.param("100", "104", "90", "2.5", id="a short"),
        pytest.param("10", "7", "11", "0.333333333", id="rounded down"),
        pytest.param("10", "7", "12", "0.666666667", id="rounded up"),
        pytest.param("2", "1", "2.0000000005", "0", id="a tie to the even below"),
        pytest.param("2", "1", "2.0000000015", "0.000000002", id="a tie to the even above"),
        pytest.param("100", "99.99999999999999999999", "1e9", "99999990000" + "0" * 18, id="huge"),
        pytest.param("100", "105", "110", None, id="a long with its stop above the price"),
        pytest.param("100", "90", "95", None, id="a target below the price, a stop too"),
        pytest.param("100", "100", "110", None, id="a stop at the price"),
        pytest.param("100", "95", "100", None, id="a target at the price"),
        pytest.param("100", "100", "100", None, id="both at the price"),
        pytest.param("100", None, "110", None, id="no stop"),
        pytest.param("100", "95", None, None, id="no target"),
        pytest.param("100", None, None, None, id="neither"),
    ],
)
def test_reward_over_risk_needs_levels_on_opposite_sides_of_the_price(
    price: str, stop_loss: str | None, target: str | None, expected: str | None
) -> None:
    with exact_arithmetic():
        found = planned_reward_risk(
            Decimal(price),
            None if stop_loss is None else Decimal(stop_loss),
            None if target is None else Decimal(target),
        )
    assert (None if found is None else plain(found)) == expected
    trade = parsed(line(price=price, stop_loss=stop_loss, target=target))
    assert trade.planned_ratio == found


# --- whole files ------------------------------------------------------------------------------


def only_day(here: Place) -> tuple[int, Decimal, int, int]:
    """Trades, P&L, accepted and rejected lines of the day."""
    summary = here.summary()
    quality = summary.data_quality
    return summary.total_trades, summary.realized_pnl, quality.accepted, quality.rejected


ONE, TWO, THREE = session("1", "2", "3")
FILES = {
    "LF": b"\n".join([ONE, TWO, THREE, b""]),
    "CRLF": b"\r\n".join([ONE, TWO, THREE, b""]),
    "both line ends": ONE + b"\r\n" + TWO + b"\n" + THREE + b"\r\n",
    "no last line end": b"\n".join([ONE, TWO, THREE]),
    "a byte-order mark": BOM + log(ONE, TWO, THREE),
    "a byte-order mark and CRLF": BOM + b"\r\n".join([ONE, TWO, THREE, b""]),
    "a byte-order mark on a line of its own": BOM + b"\n" + log(ONE, TWO, THREE),
    "blank lines": b"\n\n" + ONE + b"\n \t \n\r\n" + TWO + b"\n\n\n" + THREE + b"\n\n",
    "blanks around lines": b"  " + ONE + b"\t\n\t" + TWO + b" \r\n" + THREE + b"   \n",
    "a last line of blanks": log(ONE, TWO, THREE) + b"   ",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_line_ends_blank_lines_and_a_byte_order_mark_are_nothing(
    content: bytes, tmp_path: Path
) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, content)
    assert only_day(here) == (3, Decimal(6), 3, 0)
    assert here.summary().data_quality.status == "complete"


def test_blank_lines_count_for_line_numbers(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, BOM + b"\n\r\n" + ONE + b"\n\nbad\n" + TWO + b"\nworse")
    quality = here.summary().data_quality
    assert [at.line for at in quality.rejected_lines] == [5, 7]
    assert quality.accepted == 2


def test_a_byte_order_mark_is_nothing_only_at_the_start_of_the_file(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, BOM + ONE + b"\n" + BOM + TWO + b"\n" + THREE + b"\n")
    assert only_day(here) == (2, Decimal(4), 2, 1)
    assert [at.line for at in here.summary().data_quality.rejected_lines] == [2]


def test_two_byte_order_marks_are_one_too_many(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, BOM + BOM + ONE + b"\n" + TWO + b"\n")
    assert only_day(here) == (1, Decimal(2), 1, 1)


def test_a_very_long_line_is_read_like_any_other(tmp_path: Path) -> None:
    here = place(tmp_path)
    essay = line(decision_reasoning="because " * 400_000)  # longer than any block that is read
    here.write(DAY, ONE, essay, TWO)
    assert only_day(here) == (3, Decimal(13), 3, 0)


# --- the two lanes ----------------------------------------------------------------------------


def trade_or_reason(lane: Any, one: bytes) -> Trade | str:
    try:
        found: Trade = lane(one)
    except RejectedLineError as rejected:
        return str(rejected)
    return found


def quick_or_none(one: bytes) -> Trade | Fill | None:
    """What the quick lane accepts; None when it declines."""
    try:
        return _quick_lane(one)
    except (RejectedLineError, msgspec.DecodeError, ValueError, ArithmeticError):
        return None


def assert_lanes_agree(one: bytes) -> None:
    with exact_arithmetic():
        full = trade_or_reason(_full_lane, one)
        quick = quick_or_none(one)
        assert trade_or_reason(parse_trade, one) == full
    assert quick in (None, full)
    if quick is not None and isinstance(full, Trade):
        # Equal to the last detail: also the digits, the zone and the type of every field.
        assert quick.instant.tzinfo is UTC
        assert full.instant.tzinfo is UTC
        for name in quick.__struct_fields__:
            assert type(getattr(quick, name)) is type(getattr(full, name))


_number_texts = st.one_of(
    st.text("0123456789", min_size=1, max_size=4),
    st.text("0123456789+-.eE_, ", max_size=6),
    st.sampled_from(
        ["0", "-0", "1.5", "-2.50", "+3", ".5", "5.", "1e2", "1e-7", "NaN", "", "9" * 89, "9" * 91]
    ),
    st.sampled_from(["\u0661", "1\n", "1\0", "0" * 95 + "1", "1." + "0" * 99, "--1", "1-1", "+"]),
)
_numbers = st.one_of(
    _number_texts.map(json.dumps),
    st.sampled_from(
        ["0", "1", "-1", "1.5", "1e2", "-0", "1e-7", "01", "null", "true", "[]", "9" * 25, "1e200"]
    ),
)
_texts = st.one_of(
    st.sampled_from(["null", '""', '"A"', '"BRK.B"', r'"\u0041"', r'"\ud800"', r'"\ud83d\ude00"']),
    st.sampled_from(["7", "true", "[]", "{}", r'"\q"', '"\t"', r'"\u0000"', '"\u00fc"']),
    st.text(max_size=3).map(json.dumps),
)
_times = st.one_of(
    st.sampled_from([f'"{written}"' for written, _ in TIMES]),
    st.sampled_from(['"2025-06-10"', '"2025-02-30T00:00Z"', "null", "0", '""', r'"\u0032025"']),
    st.text("0123456789-:.TZ+", max_size=12).map(
        lambda tail: json.dumps(f"2025-06-10T14:30{tail}")
    ),
)
_actions = st.sampled_from(['"BUY"', '"SELL"', '"buy"', "null", r'"\u0042UY"'])
_outcomes = st.sampled_from(['"win"', '"loss"', '"breakeven"', '"open"', "null", '"WIN"', "1"])
_anything = st.sampled_from(
    ["null", "1e999", "[1, 2]", '{"price": 1}', "NaN", "01", "tru", r'"\ud800"', '"x"', "[1,]"]
)
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "timestamp": _times,
    "exit_timestamp": _times,
    "action": _actions,
    "outcome": _outcomes,
    "unknown": _anything,
    "total_value": _anything,
    **dict.fromkeys(["symbol", "order_id", "execution_mode", "account_id"], _texts),
    **dict.fromkeys(["strategy_name"], _texts),
    **dict.fromkeys(["quantity", "price", "stop_loss", "target", "profit_loss"], _numbers),
    **dict.fromkeys(["hold_duration_seconds", "slippage", "commission"], _numbers),
    **dict.fromkeys(["net_profit_loss"], _numbers),
}
_GOOD: dict[str, str] = {
    "timestamp": '"2025-06-10T14:30:00Z"',
    "symbol": '"AAPL"',
    "action": '"BUY"',
    "quantity": '"10"',
    "price": '"100"',
    "outcome": '"win"',
    "net_profit_loss": '"10"',
}


@st.composite
def _records(draw: st.DrawFn) -> bytes:
    """A record with a few odd fields, maybe one twice, in any order and with any blanks."""
    chosen = draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=4, unique=True))
    left_out = draw(st.sampled_from([None, None, None, *_GOOD]))
    members = [(name, text) for name, text in _GOOD.items() if name not in (left_out, *chosen)]
    members += [(name, draw(_VALUES[name])) for name in chosen]
    if draw(st.integers(0, 5)) == 0:
        name = draw(st.sampled_from(sorted(_VALUES)))
        members.append((name, draw(_VALUES[name])))
    if draw(st.integers(0, 5)) == 0:
        members = draw(st.permutations(members))
    keys = [json.dumps(name) for name, _ in members]
    if draw(st.integers(0, 5)) == 0:
        keys[0] = f'"\\u{ord(keys[0][1]):04x}{keys[0][2:]}'
    blank = draw(st.sampled_from(["", " ", "\t", "\r"]))
    texts = [f"{key}{blank}:{blank}{text}" for key, (_, text) in zip(keys, members, strict=True)]
    return ("{" + blank + f"{blank},".join(texts) + "}").encode()


@examples(400)
@given(_records())
def test_the_quick_lane_accepts_nothing_that_the_full_lane_reads_otherwise(one: bytes) -> None:
    assert_lanes_agree(one)


@examples(400)
@given(
    st.integers(0, len(line()) - 1),
    st.integers(0, 3),
    st.one_of(st.sampled_from('"\\{}[]:,.eE+-0 \t\0'), st.characters(exclude_categories=["Cs"])),
)
def test_a_damaged_line_is_read_alike_in_both_lanes(place: int, length: int, put: str) -> None:
    text = line(commission="1.05", stop_loss="95", hold_duration_seconds=90).decode()
    damaged = text[:place] + put + text[place + length :]
    assert_lanes_agree(damaged.encode())


LINES_OF_THE_TABLES = {
    "bad lines": [one.line for one in BAD_LINES if "UTF-8" not in one.kind],
    "strings": [line(**{name: text}) for text, _ in STRING_NUMBERS for name in MONEY],
    "numbers": [line(**{name: Raw(text)}) for text, _ in JSON_NUMBERS for name in MONEY],
    "times": [line(timestamp=text) for text, _ in TIMES],
    "anything": [line(unknown=value, session_id=value) for value in ANYTHING.values()],
}


@pytest.mark.parametrize("lines", LINES_OF_THE_TABLES.values(), ids=LINES_OF_THE_TABLES)
def test_both_lanes_agree_on_the_lines_of_the_tables(lines: list[bytes]) -> None:
    for one in lines:
        assert_lanes_agree(one)


def test_a_line_as_the_bot_writes_it_takes_the_quick_lane() -> None:
    closed = line(commission="1.05", hold_duration_seconds=90, stop_loss="95", target="110")
    still_open = opened(None, order_id="o-1")
    assert quick_or_none(closed) == parsed(closed)
    assert quick_or_none(still_open) == parsed(still_open)
