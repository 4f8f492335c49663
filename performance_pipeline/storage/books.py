"""Positions at the end of a stretch of a log, known by their digest and loaded only when needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from performance_pipeline.domain.positions import Book

_decode_book = msgspec.json.Decoder(Book).decode


@dataclass(frozen=True)
class BookAt:
    """A book that may not be loaded yet; two with one digest are the same."""

    digest: str
    load: Callable[[], Book]


NO_POSITIONS: Final = BookAt("", Book)
NOTHING_HELD: Final = msgspec.Raw(msgspec.json.encode(Book()))


def book_of(digest: str, stored: msgspec.Raw) -> BookAt:
    """The book that was encoded as `stored`."""
    return BookAt(digest, lambda: _decode_book(stored))
