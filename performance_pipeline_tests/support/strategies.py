"""Hypothesis strategies for realistic but nasty trade logs.

What belongs here: the generation of raw log bytes, of the settings they are read under and of the
moment they are read at. What does not: any judgement of what the bytes mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

DAY: Final = timedelta(days=1)

# The raw JSON text of a field, so that no number ever passes through a float.
Overrides = Mapping[str, str | None]  # None leaves the field out

# Days around which clocks change, years and months end, or nothing special happens.
FIRST_DAYS: Final = (
    date(2025, 3, 8),  # New York springs forward on the 9th
    date(2025, 11, 1),  # New York falls back on the 2nd
    date(2025, 12, 29),  # the Monday of the week that holds the year's end
    date(2026, 1, 31),
    date(2026, 2, 27),
    date(2024, 12, 31),  # the log before the first partition
    date(2025, 4, 23),  # Cairo skips the midnight before the 25th
    date(2025, 6, 6),  # a Friday
    date(2026, 3, 6),
)

# UTC times of day: both ends of the file, midnights of New York, Tokyo and Cairo, clock changes.
EDGE_SECONDS: Final = (
    0,
    1,
    3 * 3600 + 3599,
    4 * 3600,
    5 * 3600 - 1,
    5 * 3600,
    6 * 3600,
    7 * 3600,
    15 * 3600 - 1,
    15 * 3600,
    22 * 3600 - 1,
    22 * 3600,
    86399,
)
MICROSECONDS: Final = (0, 0, 0, 1, 500000, 999999)
OFFSETS: Final = ("Z", "Z", "+00:00", "-00:00", "-05:00", "-04:00", "+09:00", "+05:30", "-23:59")
WRITTEN_FAR_OFF: Final = (
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "2020-02-29T12:00Z",
)

NUMBERS: Final = (
    "0",
    "1",
    "-1",
    "2.5",
    "-2.50",
    "0.01",
    "-0.01",
    "33.333333",
    "100",
    "-0",
    "1e2",
    "-2.5E+1",
    "1.5e-7",
    "0.12345678901234567891",
    "-0.00000000000000000001",
    "123456789012345.67",
    "-987654321098765.00000000000000000001",
    "1e99",
    "-1e-100",
    "0e5000",
)
POSITIVE: Final = ("1", "100", "150.25", "0.5", "3", "1e-9", "123456789012345.12345678901234567891")
STRING_NUMBERS: Final = ("+5", ".5", "5.", "-.5e1", "007.10", "+0.0e-0")

ORDER_IDS: Final = (None, "null", '""', '"A"', '"A"', '"B"', '"C"')
ACCOUNTS: Final = (None, "null", '"U1"', '"U1"', '"U2"', '""')
MODES: Final = (None, "null", '"PAPER"', '"LIVE"', '"LIVE"')
SYMBOLS: Final = ('"AAPL"', '"BRK.B"', '"BTC/USD"', '"Ünï"', '"\\u00dcn\\u00ef"', '"aapl"')
STRATEGIES: Final = (None, "null", '""', '"momentum"', '"mean-reversion"')
OUTCOMES: Final = ('"win"', '"win"', '"loss"', '"loss"', '"breakeven"', '"open"', '"open"', "null")

# What an accepted record may also carry.
ACCEPTED_QUIRKS: Final[tuple[Overrides, ...]] = (
    {"indicators_used": '["rsi", {"deep": [1, null, true]}]'},
    {"decision_reasoning": '"caf\\u00e9 \\" \\n { }"'},
    {"risk_reward_ratio": "true"},
    {"total_value": '"12,50"'},
    {"exit_reasoning": "17", "session_id": "[]", "unknown": "{}"},
    {"bot_version": "1e99999"},
    {"hold_duration_seconds": None},
    {"hold_duration_seconds": "null"},
    {"hold_duration_seconds": "0"},
    {"hold_duration_seconds": '"-1.5"'},
    {"quantity": "0.00000001"},
    {"profit_loss": "null", "net_profit_loss": '"4.25"'},
    {"action": '"SELL"'},
    {"price": "0e10"},
    {"multiplier": '"100"'},
)

# What makes a record a rejected one.
REJECTED_QUIRKS: Final[tuple[Overrides, ...]] = (
    {"timestamp": None},
    {"timestamp": "null"},
    {"timestamp": "1741618800"},
    {"timestamp": '"2025-03-10 15:00:00Z"'},
    {"timestamp": '"2025-03-10T15:00:00"'},
    {"timestamp": '"2025-03-10T15:00:00z"'},
    {"timestamp": '"2025-03-10t15:00:00Z"'},
    {"timestamp": '"2025-02-30T15:00:00Z"'},
    {"timestamp": '"2025-03-10T24:00:00Z"'},
    {"timestamp": '"2025-03-10T15:00:00+0500"'},
    {"timestamp": '"2025-03-10T15:00:00+24:00"'},
    {"timestamp": '"2025-03-10T15:00:00.Z"'},
    {"timestamp": '" 2025-03-10T15:00:00Z"'},
    {"symbol": None},
    {"symbol": '""'},
    {"symbol": "7"},
    {"action": '"buy"'},
    {"action": None},
    {"quantity": '"0"'},
    {"quantity": '"-1"'},
    {"quantity": "true"},
    {"quantity": None},
    {"price": '"12,50"'},
    {"price": '"1_000"'},
    {"price": '" 12 "'},
    {"price": "null"},
    {"price": '"-0.01"'},
    {"multiplier": "0"},
    {"multiplier": '""'},
    {"multiplier": "true"},
    {"price": "NaN"},
    {"price": '"NaN"'},
    {"price": '"Infinity"'},
    {"price": "1e100"},
    {"price": '"1e-101"'},
    {"price": '"\\u0661"'},
    {"price": "[]"},
    {"stop_loss": '"none"'},
    {"target": '""'},
    {"order_id": "12"},
    {"account_id": "[]"},
    {"strategy_name": "false"},
    {"execution_mode": '"SIM"'},
    {"execution_mode": '"live"'},
    {"outcome": None},
    {"outcome": '"WIN"'},
    {"outcome": '""'},
    {"outcome": "0"},
    {"outcome": '"loss"', "profit_loss": None, "net_profit_loss": None},
    {"outcome": '"win"', "profit_loss": "null", "net_profit_loss": "null", "commission": '"1"'},
    {"outcome": '"win"', "profit_loss": "null", "net_profit_loss": "1e999999999999"},
    {"profit_loss": '"abc"'},
    {"net_profit_loss": "false"},
    {"commission": '"1e"'},
    {"slippage": '"0x1"'},
    {"hold_duration_seconds": '"1:30"'},
    {"exit_timestamp": '""'},
    {"exit_timestamp": '"yesterday"'},
    {"unknown": "Infinity"},
    {"unknown": "01"},
)

# Lines that are no record at all; the last ones are blank.
ODD_LINES: Final = (
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"not json",
    b'{"a": 1} {"a": 1}',
    b'{"symbol": "\xff"}',
    b'{"symbol": "\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b"\x00",
    b"[" * 3000,
    b"",
    b" \t ",
    b"\r",
)
LINE_ENDS: Final = (b"\n", b"\n", b"\n", b"\n", b"\r\n", b" \t\n", b"\n\n")
LINE_STARTS: Final = (b"", b"", b"", b"", b" ", b"\t")


@dataclass(frozen=True)
class LogFolder:
    """The logs of a few consecutive UTC days; `None` where a day left no log."""

    first_day: date
    contents: tuple[bytes | None, ...]

    @property
    def logs(self) -> dict[date, bytes]:
        """File day to bytes, of the days that left a log."""
        return {
            self.first_day + index * DAY: content
            for index, content in enumerate(self.contents)
            if content is not None
        }

    @property
    def days(self) -> list[date]:
        """Every day from the first to the last."""
        return [self.first_day + index * DAY for index in range(len(self.contents))]


def written_time(file_day: date, seconds: int, microseconds: int, offset: str, shape: str) -> str:
    """The instant of a file's day as text, in some offset and some precision."""
    instant = datetime.combine(file_day, time(), tzinfo=UTC) + timedelta(
        seconds=seconds, microseconds=microseconds
    )
    if offset != "Z":
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
        instant += -shift if offset[0] == "-" else shift
    text = instant.strftime("%Y-%m-%dT%H:%M")
    if shape == "minutes" and not seconds % 60 and not microseconds:
        return text + offset
    text += instant.strftime(":%S")
    if shape == "nanoseconds":
        text += instant.strftime(".%f") + "999"
    elif microseconds:
        text += instant.strftime(".%f")
    return text + offset


@st.composite
def times(draw: st.DrawFn, file_day: date) -> str:
    """The JSON text of an instant: nearly always inside the file's day, sometimes outside."""
    seconds = draw(st.one_of(st.sampled_from(EDGE_SECONDS), st.integers(0, 86399)))
    place = draw(st.integers(0, 15))
    if place == 15:
        return f'"{draw(st.sampled_from(WRITTEN_FAR_OFF))}"'
    if place >= 13:
        seconds += draw(st.sampled_from((-86400, 86400, -9 * 86400)))
    text = written_time(
        file_day,
        seconds,
        draw(st.sampled_from(MICROSECONDS)),
        draw(st.sampled_from(OFFSETS)),
        draw(st.sampled_from(("seconds", "minutes", "nanoseconds"))),
    )
    return f'"{text}"'


def _quoted(text: str) -> str:
    return f'"{text}"'


def amounts() -> st.SearchStrategy[str]:
    """The JSON text of a number: a string or a bare one."""
    return st.one_of(
        st.sampled_from(NUMBERS).map(_quoted),
        st.sampled_from(NUMBERS),
        st.sampled_from(STRING_NUMBERS).map(_quoted),
        st.integers(-50000, 50000).map(lambda cents: f'"{Decimal(cents) / 100}"'),
    )


_AMOUNTS: Final = amounts()
_MAYBE_AMOUNTS: Final = st.one_of(st.sampled_from((None, "null")), _AMOUNTS)
# Stop, target: absent, wrong side, equal to the price, or the planned levels of a long or a short.
_LEVELS: Final[st.SearchStrategy[tuple[str | None, str | None]]] = st.sampled_from(
    (
        (None, None),
        ('"95"', None),
        ("null", '"110"'),
        ('"95"', '"110"'),
        ('"97"', "101"),
        ("103", '"80.1"'),
        ('"105"', '"110"'),
        ('"90"', '"95"'),
        ('"100"', '"110"'),
        ('"95"', '"100"'),
        ('"99.9999999"', '"1e9"'),
    )
)


@st.composite
def records(draw: st.DrawFn, file_day: date) -> bytes:
    """One record of a log, nearly always an acceptable one."""
    outcome = draw(st.sampled_from(OUTCOMES))
    fields: dict[str, str | None] = {
        "timestamp": draw(times(file_day)),
        "symbol": draw(st.sampled_from(SYMBOLS)),
        "action": '"BUY"',
        "quantity": '"10"',
        "price": '"100"',
        "order_id": draw(st.sampled_from(ORDER_IDS)),
        "execution_mode": draw(st.sampled_from(MODES)),
        "account_id": draw(st.sampled_from(ACCOUNTS)),
        "strategy_name": draw(st.sampled_from(STRATEGIES)),
        "outcome": outcome,
        "profit_loss": draw(_MAYBE_AMOUNTS),
        "commission": draw(st.sampled_from((None, "null", '"1.05"', "0.35", "0"))),
        "slippage": draw(st.sampled_from((None, "null", '"0.02"', "-1e-3"))),
        "hold_duration_seconds": draw(st.sampled_from(("60", "3600.5", '"7"'))),
    }
    if outcome in ('"win"', '"loss"', '"breakeven"'):
        fields["stop_loss"], fields["target"] = draw(_LEVELS)
        fields["net_profit_loss"] = draw(_MAYBE_AMOUNTS)
        if draw(st.booleans()):
            fields["exit_timestamp"] = draw(times(file_day))
        if fields["profit_loss"] in (None, "null") and fields["net_profit_loss"] in (None, "null"):
            fields["net_profit_loss"] = '"-3.50"'
    if draw(st.integers(0, 3)) == 0:
        fields.update(draw(st.sampled_from((*ACCEPTED_QUIRKS, {"price": '"3"'}))))
    if draw(st.integers(0, 7)) == 0:
        fields.update(draw(st.sampled_from(REJECTED_QUIRKS)))
    return (
        "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items() if text) + "}"
    ).encode()


@st.composite
def fills(draw: st.DrawFn, file_day: date) -> bytes:
    """One fill, as bots and brokers log them; now and then a record of another kind."""
    if draw(st.integers(0, 9)) == 0:
        return draw(records(file_day))
    fields: dict[str, str | None] = {
        "timestamp": draw(times(file_day)),
        "symbol": draw(st.sampled_from(('"AAPL"', '"AAPL"', '"BTC/USD"'))),
        "action": draw(st.sampled_from(('"BUY"', '"SELL"'))),
        "quantity": draw(st.sampled_from(('"1"', '"2"', "3", "1e-8", '"0.5"', "1.50"))),
        "price": draw(st.sampled_from(('"100"', "101.25", '"99.999999999999"', "0", '"1e2"'))),
        "order_id": draw(st.sampled_from(ORDER_IDS)),
        "execution_mode": draw(st.sampled_from((None, '"LIVE"', '"LIVE"', '"LIVE"', '"PAPER"'))),
        "account_id": draw(st.sampled_from(ACCOUNTS)),
        "strategy_name": draw(st.sampled_from(STRATEGIES)),
        "outcome": draw(st.sampled_from(('"open"', "null"))),
        "commission": draw(st.sampled_from((None, "null", '"1.05"', "0.35", "-0.1", '"1e-9"'))),
        "slippage": draw(st.sampled_from((None, '"0.02"', "-1e-3"))),
        "multiplier": draw(st.sampled_from((None, None, "null", '"100"', "0.5"))),
    }
    fields["stop_loss"], fields["target"] = draw(_LEVELS)
    return (
        "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items() if text) + "}"
    ).encode()


@st.composite
def contents(draw: st.DrawFn, file_day: date, max_lines: int = 6, of_fills: bool = False) -> bytes:
    """The bytes of one log, its lines in no order of time."""
    line = fills(file_day) if of_fills else records(file_day)
    lines = draw(st.lists(line, max_size=max_lines))
    if draw(st.integers(0, 3)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(ODD_LINES)))
    if lines and draw(st.integers(0, 2)) == 0:
        repeated = draw(st.sampled_from(lines))
        lines.insert(draw(st.integers(0, len(lines))), repeated)
    content = b"".join(
        draw(st.sampled_from(LINE_STARTS)) + line + draw(st.sampled_from(LINE_ENDS))
        for line in lines
    )
    if draw(st.integers(0, 2)) == 0:
        content = content.rstrip(b"\n")
    if draw(st.integers(0, 9)) == 0:
        content = b"\xef\xbb\xbf" + content
    return content


@st.composite
def folders(
    draw: st.DrawFn, max_days: int = 5, max_lines: int = 6, of_fills: bool = False
) -> LogFolder:
    """The logs of a few consecutive days, some empty, some missing, at least one present."""
    first_day = draw(st.sampled_from(FIRST_DAYS))
    length = draw(st.integers(1, max_days))
    found: list[bytes | None] = []
    for index in range(length):
        present = index == 0 or draw(st.integers(0, 5)) > 0
        found.append(
            draw(contents(first_day + index * DAY, max_lines=max_lines, of_fills=of_fills))
            if present
            else None
        )
    return LogFolder(first_day, tuple(found))


@st.composite
def moments(draw: st.DrawFn, folder: LogFolder) -> datetime:
    """When the logs are read: long after, or as their last days are being written."""
    last = datetime.combine(folder.days[-1], time(), tzinfo=UTC)
    return last + draw(
        st.sampled_from(
            (
                timedelta(days=40),
                timedelta(days=2, hours=3),
                timedelta(days=1),
                timedelta(hours=23, minutes=59, seconds=59),
                timedelta(hours=14),
                timedelta(),
                timedelta(microseconds=-1),
            )
        )
    )
