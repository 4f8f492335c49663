"""Sources in JSON: an array, or one object a line, cut into records without being read further."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from performance_pipeline.domain.line_fields import MAX_NESTING, nested_too_deeply
from performance_pipeline.domain.log_reading import BYTE_ORDER_MARK, JSON_WHITESPACE
from performance_pipeline.sources.records import RecordError, Source

T = TypeVar("T")

_decode_array: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_path_of = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL).fullmatch
_missing = re.compile(r"Object missing required field `(.*)`").fullmatch


def json_records(source: Source) -> Iterable[tuple[str, bytes | msgspec.Raw]]:
    """Each record as its bytes; nothing at all where the source is empty.

    Raises UnreadableSourceError for an array that is no JSON, such as one that was cut off. A
    line that is no JSON costs itself alone.
    """
    content = trimmed(source.content())
    if not content.startswith(b"["):
        return _lines(content)
    try:
        records = _decode_array(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise source.unreadable(f"not a JSON array ({error})") from None
    return ((f"record {number}", record) for number, record in enumerate(records, start=1))


def trimmed(content: bytes) -> bytes:
    """What stands in JSON, without a mark and white space around it."""
    return content.removeprefix(BYTE_ORDER_MARK).strip(JSON_WHITESPACE)


def _lines(content: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line := line.strip(JSON_WHITESPACE):
            yield f"line {number}", line


def decoder(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Reads one record as a struct of the fields that matter; raises RecordError."""
    decode = msgspec.json.Decoder(kind).decode

    def read(record: bytes | msgspec.Raw) -> T:
        content = bytes(record)
        if nested_too_deeply(content):
            raise RecordError("record", f"nested more than {MAX_NESTING} levels deep")
        try:
            if not content.isascii():
                content.decode("utf-8")
            return decode(content)
        except msgspec.ValidationError as error:
            raise _named(str(error)) from None
        except UnicodeDecodeError:
            raise RecordError("record", "not valid UTF-8") from None
        except (msgspec.DecodeError, RecursionError):
            raise RecordError("record", "not valid JSON") from None

    return read


def _named(said: str) -> RecordError:
    """What msgspec says, as field and reason; it never quotes a value."""
    if (missing := _missing(said)) is not None:
        return RecordError(missing[1], "missing")
    parts = _path_of(said)
    assert parts is not None
    reason = parts[1][:1].lower() + parts[1][1:].replace("`", "")
    return RecordError(parts[2] or "record", reason)
