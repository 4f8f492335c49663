"""Fields as sources write them: numbers kept digit by digit, and times made instants."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.line_fields import TIME, as_instant
from performance_pipeline.domain.numbers import EXACT, NUMBER_PATTERN, parse_number, plain
from performance_pipeline.sources.records import Action, RecordError, Source

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_is_time = re.compile(TIME).fullmatch

Raw = msgspec.Raw
"""A JSON value as it is written, so that no digit of a number passes through a float."""
ABSENT: Final = msgspec.Raw(b"null")

COMES_TWICE: Final = (
    "written in the hour that comes twice when clocks go back: taken for the first of the two"
)
"""The note on a record with such a time."""


def number(written: Raw | str | None, field: str) -> str:
    """The digits of a number, written as JSON or as text; raises RecordError."""
    text = optional_number(written, field)
    if text is None:
        raise RecordError(field, "missing")
    return text


def optional_number(written: Raw | str | None, field: str) -> str | None:
    """The same, or None where there is nothing: null, absent or an empty text."""
    text = _text(written)
    if text in (None, ""):
        return None
    if NUMBER_PATTERN.fullmatch(text) is None:
        raise RecordError(field, "not a number")
    return text


def _text(written: Raw | str | None) -> str | None:
    if written is None or isinstance(written, str):
        return written
    text = bytes(written).decode("utf-8", "replace")
    if text == "null":
        return None
    return text[1:-1] if text.startswith('"') else text


def exact(text: str, field: str) -> Decimal:
    """The exact number that `text` writes; raises RecordError."""
    try:
        return parse_number(text)
    except ValueError as error:
        raise RecordError(field, str(error)) from None


def is_zero(number: str) -> bool:
    """Whether a number, of which it is known that it is one, is 0."""
    return not number.lower().partition("e")[0].strip("+-.0")


def negated(number: str) -> str:
    """The number of the other sign, every digit kept."""
    if is_zero(number):
        return number
    return number.lstrip("+-") if number.startswith("-") else f"-{number.lstrip('+')}"


def without_sign(text: str) -> str:
    return text.lstrip("+-")


def total(numbers: list[tuple[str, str]]) -> str:
    """The exact sum of numbers given with their fields; one alone keeps its digits as written."""
    if len(numbers) == 1:
        return numbers[0][0]
    result = Decimal(0)
    for text, field in numbers:
        result = EXACT.add(result, exact(text, field))
    return plain(result)


def side(text: str | None, field: str) -> Action:
    """BUY or SELL, in whatever case it is written."""
    match (text or "").upper():
        case "BUY":
            return "BUY"
        case "SELL":
            return "SELL"
    raise RecordError(field, "not buy or sell" if text else "missing")


def needed(text: str | None, field: str) -> str:
    """A text that is not empty."""
    if not text:
        raise RecordError(field, "missing")
    return text


def instant(text: str | None, field: str) -> datetime:
    """The instant of an RFC 3339 time with Z or an offset; digits beyond microseconds are dropped.

    A space may stand in the place of the T.
    """
    if not text:
        raise RecordError(field, "missing")
    written = f"{text[:10]}T{text[11:]}" if text[10:11] == " " else text
    if _is_time(written) is None:
        raise RecordError(field, "not a time with Z or an offset")
    try:
        return as_instant(written)
    except ValueError:
        raise RecordError(field, "no such time") from None


def instant_of_milliseconds(text: str, field: str) -> datetime:
    """The instant so many milliseconds after 1970; what is beyond microseconds is dropped."""
    try:
        if text.isascii() and text.isdigit():
            return _EPOCH + timedelta(milliseconds=int(text))
        return _EPOCH + timedelta(microseconds=int(EXACT.scaleb(exact(text, field), 3)))
    except OverflowError:
        raise RecordError(field, "no such time") from None


class Moment(NamedTuple):
    """An instant, and whether it was written in an hour that clocks went through twice."""

    instant: datetime
    comes_twice: bool = False


def local_moment(written: datetime, field: str, zone: ZoneInfo | None, source: Source) -> Moment:
    """The instant of a time without an offset that was written in `zone`.

    Of the hour that comes twice when clocks go back, it is the first. Raises RecordError for a
    time that clocks skipped, and UnreadableSourceError where nobody named a zone.
    """
    if zone is None:
        raise source.unreadable(
            f"{field} has no offset; --timezone names where it was written, as America/New_York"
        )
    local = written.replace(tzinfo=zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != written:
        raise RecordError(field, f"a time that clocks in {zone.key} skipped")
    return Moment(found, local.replace(fold=1).astimezone(UTC) != found)
