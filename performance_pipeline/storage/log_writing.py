"""Adding lines to trade logs that others write too: whole lines, whenever the writer is killed.

There are two kinds of logs. That of today or yesterday (UTC) is **live**: a bot may hold it open
and append to it, so it is only ever appended to, in place. Any other, and any archive, is
**settled**: it is replaced in one step by a copy that holds the new lines in the order of time.

Within a file, the system finishes the part of a write that lies in one page, even where the writer
is killed. So no write to a live log crosses the end of a page: what is left of one is filled with
blanks, which are nothing to a reader of logs. Where the bot appends in between, that is off by what
it wrote; then a kill can leave half a line only in the moment of the write itself.
"""

import errno
import gzip
import heapq
import mmap
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from performance_pipeline.domain.log_reading import (
    BYTE_ORDER_MARK,
    JSON_WHITESPACE,
    trimmed_lines,
)
from performance_pipeline.domain.trade_lines import RejectedLineError, parse_trade
from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place
from performance_pipeline.storage.files import replace_synced
from performance_pipeline.storage.locks import locked
from performance_pipeline.storage.logs import LogContent, LogFile, list_logs, log_name
from performance_pipeline.storage.store import Store
from performance_pipeline.storage.stores import store_at

_PAGE: Final = mmap.PAGESIZE
_LOCK_NAME: Final = ".imports.lock"
_NOTE_SUFFIX: Final = ".replacing"
_PATIENCE_SECONDS: Final = 2.0
_LIVE_DAYS: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnfinishedLogError(PipelineError):
    """A live log whose last line is still being written, for longer than one should wait."""


class _Known(msgspec.Struct):
    """What tells an imported line from others."""

    source: str
    source_id: str


_decode_known: Final = msgspec.json.Decoder(_Known).decode


class Standing(msgspec.Struct, frozen=True):
    """A line that is in a log already: its day, and its bytes."""

    day: date
    content: bytes


@contextmanager
def importing_into(place: Place) -> Iterator[Store]:
    """The store to add imported lines to; in a folder the right to do so is waited for and held.

    In a bucket nothing can be held: `change_logs` raises OverwrittenError for a log that somebody
    has written since, and then the logs are to be looked at again.
    """
    if isinstance(place, Path):
        with _alone_in(place):
            yield store_at(place)
    else:
        with store_at(place).writing() as logs:
            yield logs


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _LOCK_NAME):
        for note in folder.glob(f".*{_NOTE_SUFFIX}"):
            _finish_blanking(folder / note.name.removeprefix(".").removesuffix(_NOTE_SUFFIX), note)
        yield


def imported_lines(folder: Place, source: str, today: date) -> Iterator[tuple[str, Standing]]:
    """Every line in the logs of `folder` that was imported from a `source` of that name, by its id.

    Raises UnreadableLogError.
    """
    if isinstance(folder, Path) and not folder.is_dir():
        return
    marked = f'"{source}"'.encode()
    for day, log in sorted(list_logs(folder, today).files.items()):
        for _, line in trimmed_lines(LogContent(log, day >= today).lines()):
            if b'"source_id"' not in line or marked not in line:
                continue
            try:
                known = _decode_known(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # No line of ours: somebody else's, which is not to be touched.
            if known.source == source:
                yield known.source_id, Standing(day, line)


@dataclass
class DayChange:
    """What is to become of the log of one day: lines, trimmed, that go, and lines that come."""

    removed: set[bytes] = field(default_factory=set)
    added: list[tuple[datetime, bytes]] = field(default_factory=list)
    """Each with the instant at which it counts; in any order."""


def change_logs(store: Store, changes: Mapping[date, DayChange], now: datetime) -> None:
    """Make the logs in `store`, which `importing_into` gave, what `changes` say, each day whole.

    Raises UnfinishedLogError, UnreadableLogError, OverwrittenError and OSError; days that were done
    by then stay so.
    """
    folder = store.place
    logs = list_logs(folder, now.date()).files
    for day, change in sorted(changes.items()):
        log = logs.get(day)
        added = sorted(change.added, key=lambda one: one[0])
        settled = day < now.date() - _LIVE_DAYS or (log is not None and log.archived)
        if not isinstance(folder, Path):
            # Whoever writes an object writes all of it, a bot that appends too.
            if log is not None and not settled:
                _check_finished(store, log)
            name = log_name(day) if log is None else log.path.rpartition("/")[2]
            store.put(name, _merged(log, change.removed, added))
            continue
        path = folder / log_name(day) if log is None else Path(log.path)
        if settled:
            replace_synced(path, _merged(log, change.removed, added))
            continue
        if change.removed:
            _blank(path, change.removed)
        if added:
            _append(path, [line + b"\n" for _, line in added])


# --- settled logs -----------------------------------------------------------------------------


def _merged(
    log: LogFile | None, removed: set[bytes], added: Sequence[tuple[datetime, bytes]]
) -> bytes:
    """The content of a log without the lines that go, and with those that come in their place."""
    kept = [] if log is None else list(_in_order(LogContent(log, False).lines(), removed))
    merged = heapq.merge(kept, ((at, line + b"\n") for at, line in added), key=lambda one: one[0])
    content = b"".join(line for _, line in merged)
    if log is not None and log.archived:
        content = gzip.compress(content, mtime=0)
    return content


def _check_finished(store: Store, log: LogFile) -> None:
    content = store.read(log.path.rpartition("/")[2])
    if content and not content.endswith(b"\n"):
        raise _unfinished(log.path)


def _in_order(lines: Iterable[bytes], removed: set[bytes]) -> Iterator[tuple[datetime, bytes]]:
    """The lines that stay, line ends included, each with the latest instant of those up to it.

    So none of them changes its place among the others, whatever its own instant is.
    """
    latest = _EPOCH
    for number, raw in enumerate(lines):
        line = (raw.removeprefix(BYTE_ORDER_MARK) if number == 0 else raw).rstrip(b"\r\n")
        trimmed = line.strip(JSON_WHITESPACE)
        if trimmed in removed:
            continue
        with suppress(RejectedLineError):  # It stays where it is, whatever it is.
            latest = max(latest, parse_trade(trimmed).instant)
        yield latest, line + (b"\r\n" if raw.endswith(b"\r\n") else b"\n")


# --- live logs --------------------------------------------------------------------------------


def _append(path: Path, lines: Sequence[bytes]) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        waiting = list(reversed(lines))
        while waiting:
            size = _size_at_line_end(descriptor, path)
            block = _up_to_page_end(waiting, _PAGE - size % _PAGE)
            written = os.write(descriptor, block)
            if written < len(block):
                # A full disk. Nobody else can have written after it.
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _up_to_page_end(waiting: list[bytes], room: int) -> bytes:
    """The next lines, taken off the end of `waiting`, that fit into the room left of a page.

    Where the next one does not fit, blanks, as a part of the last that does or as a blank line,
    fill the room. A line longer than a page goes by itself.
    """
    taken: list[bytes] = []
    while waiting and len(waiting[-1]) <= room:
        room -= len(waiting[-1])
        taken.append(waiting.pop())
    block = b"".join(taken)
    if not waiting:
        return block
    if not taken and room == _PAGE:
        return waiting.pop()
    return block.removesuffix(b"\n") + b" " * (room - (not taken)) + b"\n"


def _size_at_line_end(descriptor: int, path: Path) -> int:
    """How long the log is, once its last line has its end.

    A line appended to half a line of the bot's would spoil both.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return size
        if time.monotonic() > deadline:
            raise _unfinished(str(path))
        time.sleep(0.05)


def _unfinished(path: str) -> UnfinishedLogError:
    return UnfinishedLogError(
        f"{path}: its last line is not finished, so nothing was added to it; import again"
        " once the bot has written its end"
    )


def _blank(path: Path, removed: set[bytes]) -> None:
    """Write blanks over lines of a live log, in place, so that whoever appends goes on undisturbed.

    What is to be blanked is noted first, so that a killed writer's work is ended by the next one.
    """
    note = path.with_name(f".{path.name}{_NOTE_SUFFIX}")
    spans = []
    start = 0
    with path.open("rb") as file:
        for raw in file:
            if raw.removeprefix(BYTE_ORDER_MARK).strip(JSON_WHITESPACE) in removed:
                spans.append((start, len(raw.rstrip(b"\r\n"))))
            start += len(raw)
    replace_synced(note, msgspec.json.encode(spans))
    _finish_blanking(path, note)


def _finish_blanking(path: Path, note: Path) -> None:
    with suppress(FileNotFoundError), path.open("r+b") as file:  # Archived since.
        for start, length in msgspec.json.decode(note.read_bytes(), type=list[tuple[int, int]]):
            file.seek(start)
            file.write(b" " * length)
        file.flush()
        os.fsync(file.fileno())
    note.unlink()
