"""Daily aggregates as files: whether one is fresh or stale, and making it again from its logs.

A day's file keeps one part a log, because a trading day may take lines from two logs and each can
change, or disappear, on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import msgspec

from performance_pipeline.domain.aggregate import EMPTY, DailyAggregate, combine
from performance_pipeline.domain.log_reading import LogReading, read_log, read_tail
from performance_pipeline.domain.windows import log_days_of
from performance_pipeline.settings import Settings
from performance_pipeline.storage.files import write_if_changed
from performance_pipeline.storage.index import IndexEntry, load_index, update_index
from performance_pipeline.storage.logs import (
    LogContent,
    LogFile,
    LogListing,
    emptied_folder_error,
    list_logs,
    log_day,
    log_name,
)

_READINGS_KEPT = 3


def aggregates_folder(output_dir: Path) -> Path:
    """Where the daily aggregates are."""
    return output_dir / "aggregates"


def aggregate_path(output_dir: Path, day: date) -> Path:
    """The file that holds the aggregate of trading day `day`."""
    return aggregates_folder(output_dir) / f"{day.isoformat()}.json"


class _Part(msgspec.Struct, frozen=True):
    """What one log contributes to one trading day, and how far the log was read for it.

    `digest` is over the first `length` bytes of the log, which hold its first `lines` lines, none
    newer than `newest`: enough to go on from there when the log only grew.
    """

    log: str
    digest: str
    length: int
    lines: int
    newest: datetime | None
    aggregate: DailyAggregate


class _StoredDay(msgspec.Struct, frozen=True):
    settings: dict[str, str | int]
    date: date
    parts: tuple[_Part, ...]


_decode_day = msgspec.json.Decoder(_StoredDay).decode


@dataclass(frozen=True)
class Day:
    """One trading day's aggregate, and which logs of that day have disappeared."""

    date: date
    aggregate: DailyAggregate
    kept_logs: tuple[str, ...] = ()
    """Logs that disappeared; what they contributed when last read still counts."""
    lost_logs: tuple[str, ...] = ()
    """Logs that disappeared, last read under other settings; they no longer count."""


class AggregateStore:
    """The aggregates of one log folder, seen at one moment.

    `day` answers from the stored file where it is fresh and from the logs where it is not;
    `refresh` also stores what it found. Make a new store to see changed logs.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        """Look at the folder; raises LogFolderError when it is not there, or lost all its logs."""
        self._settings = settings
        self._today = now.date()
        self.listing: LogListing = list_logs(settings.log_dir, self._today)
        self._index = load_index(settings.output_dir)
        self._changed: dict[str, IndexEntry] = {}
        self._readings: dict[date, tuple[LogContent, LogReading]] = {}
        if not self.listing.files:
            self._refuse_an_emptied_folder()

    @cached_property
    def oldest_log(self) -> date | None:
        """The UTC day of the oldest log there is, or was when it was last read."""
        days = [*self.listing.files, *map(log_day, self._index.logs)]
        for stored in self._stored_days():
            # Stored days know logs that have disappeared, also when the index was deleted.
            if days and stored.date > min(days):
                break
            days += [log_day(part.log) for part in stored.parts]
        return min(days, default=None)

    def _stored_days(self) -> Iterator[_StoredDay]:
        """Every stored day, in time order."""
        files = aggregates_folder(self._settings.output_dir).glob("????-??-??.json")
        for path in sorted(files, key=lambda path: path.name):
            try:
                stored = self._load(date.fromisoformat(path.stem))
            except ValueError:
                continue  # Not a file of ours.
            if stored is not None:
                yield stored

    def path(self, day: date) -> Path:
        return aggregate_path(self._settings.output_dir, day)

    def day(self, day: date) -> Day:
        """The aggregate of trading day `day`, in memory; raises UnreadableLogError."""
        return self._current(day)[0]

    def refresh(self, day: date) -> Day:
        """The same as `day`, and stored in its file."""
        current, stored = self._current(day)
        # The file of a lost log's day is not overwritten: nothing else remembers the log.
        if not current.lost_logs:
            write_if_changed(self.path(day), msgspec.json.encode(stored) + b"\n")
        return current

    def save_index(self) -> None:
        """Remember what was read since the store was made."""
        if self._changed:
            update_index(self._settings.output_dir, self._changed)

    def _current(self, day: date) -> tuple[Day, _StoredDay]:
        stored = self._load(day)
        usable = stored is not None and stored.settings == self._settings.fingerprint
        known = {part.log: part for part in stored.parts} if stored is not None else {}
        parts, kept, lost = [], [], []
        for utc_day in log_days_of(day, self._settings.timezone):
            part = known.get(log_name(utc_day))
            log = self.listing.files.get(utc_day)
            if log is not None:
                if part is None or not usable or part.digest != self._digest(log):
                    part = self._read_part(log, day, part if usable else None)
                parts.append(part)
            elif part is not None and usable:
                parts.append(part)
                kept.append(part.log)
            elif part is not None:
                lost.append(part.log)
        tail_size = self._settings.rolling_window
        aggregate = combine([part.aggregate for part in parts], tail_size)
        return (
            Day(day, aggregate, tuple(kept), tuple(lost)),
            _StoredDay(self._settings.fingerprint, day, tuple(parts)),
        )

    def _load(self, day: date) -> _StoredDay | None:
        try:
            stored = _decode_day(self.path(day).read_bytes())
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            # Missing, of another format version, or mangled by a power cut: made again.
            return None
        return stored if stored.date == day else None

    def _digest(self, log: LogFile) -> str:
        entry = self._changed.get(log.name) or self._index.logs.get(log.name)
        if entry is not None and entry.describes(log, unfinished_tail=self.is_unfinished(log)):
            return entry.digest
        content = LogContent(log, self.is_unfinished(log))
        content.consume()
        self._remember(content)
        return content.digest

    def _read_part(self, log: LogFile, day: date, known: _Part | None) -> _Part:
        """The part of `log` in `day`, going on from the `known` one when the log only grew."""
        if log.day not in self._readings and known is not None:
            grown = self._grown_part(log, day, known)
            if grown is not None:
                return grown
        if log.day not in self._readings:
            content = LogContent(log, self.is_unfinished(log))
            reading = read_log(content.lines, log.day, self._settings.rules)
            self._remember(content)
            # Only neighbouring days need the same log, and days are asked for in order.
            if len(self._readings) == _READINGS_KEPT:
                del self._readings[next(iter(self._readings))]
            self._readings[log.day] = content, reading
        content, reading = self._readings[log.day]
        return _part(content, reading, reading.days.get(day, EMPTY))

    def _grown_part(self, log: LogFile, day: date, known: _Part) -> _Part | None:
        if known.newest is None or log.archived or known.length >= log.size:
            return None
        content = LogContent(log, self.is_unfinished(log))
        lines = content.lines_after(known.length, known.digest)
        if lines is None:
            return None
        tail = read_tail(
            lines, log.day, self._settings.rules, after=known.lines, newest=known.newest
        )
        if tail is None:
            return None
        self._remember(content)
        both = combine([known.aggregate, tail.days.get(day, EMPTY)], self._settings.rolling_window)
        reading = msgspec.structs.replace(tail, newest=tail.newest or known.newest)
        return _part(content, reading, both)

    def _remember(self, content: LogContent) -> None:
        log = content.log
        self._changed[log.name] = IndexEntry(
            log.size, log.modified_ns, content.digest, content.length
        )

    def is_unfinished(self, log: LogFile) -> bool:
        """Whether `log` is the current UTC day's, whose last line may still be being written."""
        return log.day >= self._today and not log.archived

    def _refuse_an_emptied_folder(self) -> None:
        known = list(self._index.logs) or [
            part.log for stored in self._stored_days() for part in stored.parts
        ]
        if known:
            raise emptied_folder_error(self._settings.log_dir, known)


def _part(content: LogContent, reading: LogReading, aggregate: DailyAggregate) -> _Part:
    return _Part(
        log=content.log.name,
        digest=content.digest,
        length=content.length,
        lines=reading.lines,
        newest=reading.newest,
        # Compact, so that a log read piece by piece gives the same bytes as one read at once.
        aggregate=msgspec.structs.replace(aggregate, opens=aggregate.opens.compact()),
    )
