"""`performance-index.json`: what each log looked like when it was last read.

It only saves work: an unchanged size and time spare reading a log for its digest. Without it
every digest is computed again, and nothing else changes.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from performance_pipeline.storage.day_entries import DayEntry
from performance_pipeline.storage.logs import LogFile
from performance_pipeline.storage.store import Store

INDEX_NAME: Final = "performance-index.json"
_VERSION: Final = 1


class IndexEntry(msgspec.Struct, frozen=True):
    """One log when it was last read: the file's size and modification time, the digest of its
    content, and how far into that content whole lines went."""

    size: int
    modified_ns: int
    digest: str
    offset: int

    def describes(self, log: LogFile, *, unfinished_tail: bool) -> bool:
        """Whether `log` is, by size and time, still what was read."""
        if (log.size, log.modified_ns) != (self.size, self.modified_ns):
            return False
        # An unfinished last line, left unread then, is to be read once its day is over.
        return unfinished_tail or log.archived or self.offset >= log.size


class LogIndex(msgspec.Struct, frozen=True):
    """The entries by log name, and what each day adds to those before it.

    `days` were made under `settings`, and say nothing under others.
    """

    logs: dict[str, IndexEntry] = {}
    version: int = _VERSION
    settings: dict[str, str | int] = {}
    days: dict[date, DayEntry] = {}


def load_index(output: Store) -> LogIndex:
    """The index in `output`; an empty one when there is none that can be used."""
    try:
        return _decoded(output.read(INDEX_NAME))
    except FileNotFoundError:
        return LogIndex()


def update_index(
    output: Store,
    changed: Mapping[str, IndexEntry],
    days: Mapping[date, DayEntry],
    settings: dict[str, str | int],
) -> None:
    """Write what `changed`, and the `days` under `settings`, keeping what other runs wrote."""
    with output.alone(INDEX_NAME):
        while True:
            before = output.versioned(INDEX_NAME)
            known = _decoded(before.content)
            kept = known.days if known.settings == settings else {}
            index = LogIndex(
                dict(sorted({**known.logs, **changed}.items())),
                settings=settings if days else known.settings,
                days=dict(sorted({**kept, **days}.items())) if days else known.days,
            )
            content = msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n"
            if content == before.content or output.swap(INDEX_NAME, content, before.version):
                return


def _decoded(content: bytes) -> LogIndex:
    try:
        index = msgspec.json.decode(content, type=LogIndex)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return LogIndex()
    return index if index.version == _VERSION else LogIndex()
