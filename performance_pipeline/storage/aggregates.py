"""Daily aggregates as files: whether one is fresh or stale, and making it again from its logs.

A day's file keeps one part a log, because a trading day may take lines from two logs and each can
change, or disappear, on its own. Where fills are paired a part also says which positions it began
and ended with; see `books.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from performance_pipeline.domain.aggregate import DailyAggregate, combine
from performance_pipeline.domain.pairing import DayRecords, Paired, pair
from performance_pipeline.domain.positions import Book
from performance_pipeline.domain.windows import (
    ONE_DAY,
    days_between,
    log_days_of,
    trading_days_of,
)
from performance_pipeline.places import Place
from performance_pipeline.settings import Settings
from performance_pipeline.storage.books import NO_POSITIONS, BookAt
from performance_pipeline.storage.day_entries import DayEntry
from performance_pipeline.storage.day_files import (
    StoredDay,
    aggregate_name,
    encode_day,
    load_day,
    stored_days,
)
from performance_pipeline.storage.index import load_index, update_index
from performance_pipeline.storage.kept_records import KeptRecords
from performance_pipeline.storage.logs import (
    LogFile,
    LogListing,
    UnreadableLogError,
    emptied_folder_error,
    expect_logs,
    list_logs,
    log_day,
    log_name,
)
from performance_pipeline.storage.parts import MadePart, Part, PartReader, not_kept
from performance_pipeline.storage.store import Store
from performance_pipeline.storage.stores import store_at


@dataclass(frozen=True)
class Day:
    """One trading day's aggregate, and which logs of that day have disappeared."""

    date: date
    aggregate: DailyAggregate
    kept_logs: tuple[str, ...] = ()
    """Logs that disappeared; what they contributed when last read still counts."""
    lost_logs: tuple[str, ...] = ()
    """Logs that disappeared, last read under other settings; they no longer count."""
    book: BookAt = NO_POSITIONS
    """The positions at the day's end, where fills are paired."""


@dataclass(frozen=True)
class _Current:
    """A day as its logs tell it now, and as its file tells it."""

    day: Day
    now: StoredDay
    before: StoredDay | None
    records: dict[str, tuple[str, DayRecords]]
    """What to keep of the parts that were made, by log and with its digest."""


@dataclass(frozen=True)
class PairedLog:
    """The records of one log on one day, and what its fills came to."""

    log: str
    records: DayRecords
    paired: Paired


class AggregateStore:
    """The aggregates of one log folder, seen at one moment.

    `day` answers from the stored file where it is fresh and from the logs where it is not;
    `refresh` also stores what it found. Make a new store to see changed logs.

    Where fills are paired, a day rests on the positions before it, hence on every earlier day. A
    fresh day is one whose logs and opening positions are what its part was made from; so a change
    of the past reaches as far as positions differ, and no further.
    """

    def __init__(self, settings: Settings, now: datetime, output: Store | None = None) -> None:
        """Look at the folder; raises LogFolderError when it is not there, or lost all its logs.

        `output` is what `Store.writing` has given, where anything is to be written.
        """
        self._settings = settings
        self.output = store_at(settings.output_dir) if output is None else output
        self.listing: LogListing = list_logs(settings.log_dir, now.date(), settings.origins)
        self._index = load_index(self.output)
        self._kept = KeptRecords(self.output)
        self._parts = PartReader(settings, now.date(), self._index, self._kept)
        # Where a file takes as long to come as many do at once.
        self._far = self.output.shared or not isinstance(settings.log_dir, Path)
        self._current: dict[date, _Current] = {}
        self._books: dict[date, BookAt] = {}
        self._entries: dict[date, DayEntry] = {}
        self._told: dict[date, DayEntry | None] = {}
        self._refreshed: set[date] = set()
        if not self.listing.files:
            self._refuse_an_emptied_folder()

    @cached_property
    def oldest_log(self) -> date | None:
        """The UTC day of the oldest log there is, or was when it was last read."""
        days = [*self.listing.files, *map(log_day, self._index.logs)]
        for day in self._stored_days:
            # Kept parts know logs that have disappeared, also without an index.
            if days and day > min(days):
                break
            stored = self._load(day)
            days += [log_day(part.log) for part in stored.parts] if stored is not None else []
        return min(days, default=None)

    def path(self, day: date) -> Place:
        return self.output.place / aggregate_name(day)

    def expect(self, days: Iterable[date]) -> None:
        """Be ready to be asked for `days`."""
        if not self._far:
            return
        unknown = [day for day in days if day not in self._current]
        self.output.expect(map(aggregate_name, unknown))
        zone = self._settings.timezone
        log_days = dict.fromkeys(one for day in unknown for one in log_days_of(day, zone))
        logs = [log for one in log_days if (log := self.listing.files.get(one)) is not None]
        expect_logs([log for log in logs if not self._parts.knows(log)])

    def is_unfinished(self, log: LogFile) -> bool:
        """Whether `log` is the current UTC day's, whose last line may still be being written."""
        return self._parts.is_unfinished(log)

    def day(self, day: date) -> Day:
        """The aggregate of trading day `day`, in memory; raises UnreadableLogError."""
        return self._look(day).day

    def refresh(self, day: date) -> Day:
        """The same as `day`, with its file made to hold it."""
        current = self._look(day)
        self._write(current)
        return current.day

    def refresh_reached(self) -> Iterator[Day]:
        """The other days that changed with the refreshed ones, in time order.

        They are days whose trades or positions rest on other positions than their file was made
        from. Each is given before its file is written, so that who records it loses none when
        killed in between.
        """
        if self._settings.rules.pairing is None or not self._refreshed:
            return
        last = max(self._refreshed)
        days = {*self._current, *(day for day in self._stored_days if day > last)}
        for day in sorted(days - self._refreshed):
            if day > last:
                entry = self._entry(day)
                if entry is None or entry.opening == self._book_before(day).digest:
                    continue
            current = self._look(day)
            if current.before is not None and encode_day(current.now) != encode_day(current.before):
                yield current.day
            self._write(current)

    def paired(self, day: date) -> list[PairedLog]:
        """What the fills of `day` came to, log by log; raises UnreadableLogError."""
        rules = self._settings.rules.pairing
        assert rules is not None
        current = self._look(day)
        book = self._book_before(day)
        found = []
        for part in current.now.parts:
            records = self._records(current, part)
            found.append(PairedLog(part.log, records, pair(records, part.log, rules, book.load())))
            book = part.positions
        return found

    def records(self, day: date, log: str) -> DayRecords:
        """The counted records of `log` on `day`, where fills are paired."""
        current = self._look(day)
        parts = [part for part in current.now.parts if part.log == log]
        return self._records(current, parts[0]) if parts else DayRecords()

    def _records(self, current: _Current, part: Part) -> DayRecords:
        day = current.day.date
        if part.log in current.records:
            return current.records[part.log][1]
        kept = self._kept.load(day, part.log, part.digest)
        if kept is not None:
            return kept
        log = self.listing.files.get(log_day(part.log))
        if log is None:
            raise not_kept(part)
        return self._parts.records(log, day)

    def entry(self, day: date) -> DayEntry | None:
        """What `day` adds to the days before it; None without a log. Raises UnreadableLogError."""
        if day not in self._told:
            self._told[day] = self._tell(day)
        return self._told[day]

    def _tell(self, day: date) -> DayEntry | None:
        if day in self._current:
            return self._current[day].now.entry
        entry = self._entry(day)
        logs = self._logs(day, entry)
        if not logs:
            return None
        if self._settings.rules.pairing is not None:
            opening = self._book_before(day).digest
            if entry is not None and (entry.opening, entry.logs) == (opening, logs):
                return entry
            return self._look(day).now.entry
        if entry is None or entry.logs != logs:
            # Not kept in memory: all that is asked of the past is its entry.
            entry = self._entries[day] = self._made(day).now.entry
        return entry

    def expect_entries(self, days: Iterable[date]) -> None:
        """Be ready to be asked for the entries of `days`."""
        known = (self._current, self._told, self._entries, self._remembered)
        self.expect(day for day in days if not any(day in one for one in known))

    def look_back(self) -> None:
        """Look at every day before the refreshed ones, to remember what each adds to the next.

        A log that cannot be read is left to its own day.
        """
        last = max(self._refreshed, default=date.min)
        days = list(days_between(self.first_day or date.max, last))
        self.expect_entries(days)
        for day in days:
            with suppress(UnreadableLogError):
                self.entry(day)

    def save_index(self) -> None:
        """Remember what was read since the store was made."""
        days = self._entries | {day: self._current[day].now.entry for day in self._refreshed}
        if self._parts.changed or days:
            update_index(self.output, self._parts.changed, days, self._settings.fingerprint)

    def _look(self, day: date) -> _Current:
        if day not in self._current:
            self._current[day] = self._made(day)
        return self._current[day]

    def _made(self, day: date) -> _Current:
        before = self._load(day)
        usable = before is not None and before.settings == self._settings.fingerprint
        known = {part.log: part for part in before.parts} if before is not None else {}
        paired = self._settings.rules.pairing is not None
        opening = book = self._book_before(day) if paired else NO_POSITIONS
        made: list[MadePart] = []
        kept, lost = [], []
        for utc_day in log_days_of(day, self._settings.timezone):
            part = known.get(log_name(utc_day))
            log = self.listing.files.get(utc_day)
            if log is None and part is None:
                continue
            if part is not None and not usable:
                part = None
                if log is None:
                    lost.append(log_name(utc_day))
                    continue
            if log is None and part is not None:
                kept.append(part.log)
            made.append(self._part(log, part, day, book))
            book = made[-1].part.positions
        parts = [one.part.aggregate for one in made]
        # Most days have one part, and combining it with nothing takes as long as with another.
        aggregate = parts[0] if len(parts) == 1 else combine(parts, self._settings.rolling_window)
        return _Current(
            Day(day, aggregate, tuple(kept), tuple(lost), book),
            StoredDay(
                self._settings.fingerprint,
                day,
                tuple(one.part for one in made),
                opening.digest,
            ),
            before,
            {
                one.part.log: (one.part.digest, one.records)
                for one in made
                if one.records is not None
            },
        )

    def _part(
        self, log: LogFile | None, known: Part | None, day: date, opening: BookAt
    ) -> MadePart:
        """The part of a log, None when it is gone, given what is `known` of it."""
        begins_alike = known is not None and known.opening == opening.digest
        if log is None:
            assert known is not None
            again = None if begins_alike else self._parts.paired_again(known, day, opening)
            if again is None and not begins_alike:
                raise not_kept(known)
            return again or MadePart(known)
        if known is not None and begins_alike and known.digest == self._parts.digest(log):
            return MadePart(known)
        return self._parts.read(log, day, known, opening)

    def _write(self, current: _Current) -> None:
        day = current.day.date
        self._refreshed.add(day)
        # A file that still holds parts of lost logs is the last trace of them.
        if current.day.lost_logs:
            return
        if current.records:
            logs = {part.log for part in current.now.parts}
            self._kept.write(day, current.records, logs)
        self.output.put(aggregate_name(day), encode_day(current.now))

    def _book_before(self, day: date) -> BookAt:
        """The positions at the end of the day before `day`, from the oldest log on."""
        if day - ONE_DAY in self._books:
            return self._books[day - ONE_DAY]
        first = self.first_day
        if first is None or day <= first:
            return NO_POSITIONS
        reached = max((known for known in self._books if known < day), default=None)
        book = NO_POSITIONS if reached is None else self._books[reached]
        for between in days_between(first if reached is None else reached + ONE_DAY, day - ONE_DAY):
            book = self._books[between] = self._closing(between, book)
        return book

    def _closing(self, day: date, opening: BookAt) -> BookAt:
        """The positions at the end of `day`, which begins with `opening`."""
        if day in self._current:
            return self._current[day].day.book
        entry = self._entry(day)
        logs = self._logs(day, entry)
        if not logs:
            return opening
        if entry is not None and (entry.opening, entry.logs) == (opening.digest, logs):
            return BookAt(entry.closing, lambda: self._stored_book(day, entry.closing))
        return self._look(day).day.book

    def _stored_book(self, day: date, digest: str) -> Book:
        stored = self._load(day)
        if stored is not None and stored.parts and stored.parts[-1].closing == digest:
            return stored.parts[-1].positions.load()
        return self._look(day).day.book.load()

    def _entry(self, day: date) -> DayEntry | None:
        """What is remembered of `day`; None when nothing that can be used."""
        if day in self._entries:
            return self._entries[day]
        if day in self._remembered:
            return self._remembered[day]
        stored = self._load(day)
        if stored is None or stored.settings != self._settings.fingerprint:
            return None
        self._entries[day] = stored.entry
        return stored.entry

    @cached_property
    def _remembered(self) -> Mapping[date, DayEntry]:
        return self._index.days if self._index.settings == self._settings.fingerprint else {}

    def _logs(self, day: date, entry: DayEntry | None) -> tuple[tuple[str, str], ...]:
        """Names and digests of the logs that `day` is made of now; one that is gone as it was."""
        known = dict(entry.logs) if entry is not None else {}
        found = []
        for utc_day in log_days_of(day, self._settings.timezone):
            name = log_name(utc_day)
            if (log := self.listing.files.get(utc_day)) is not None:
                found.append((name, self._parts.digest(log)))
            elif name in known:
                found.append((name, known[name]))
        return tuple(found)

    @cached_property
    def first_day(self) -> date | None:
        """The first trading day that counts: the oldest log's, but not before the first partition.

        None without a log.
        """
        if self.oldest_log is None:
            return None
        oldest = trading_days_of(self.oldest_log, self._settings.timezone)[0]
        return max(self._settings.start_date, oldest)

    @cached_property
    def _stored_days(self) -> list[date]:
        return stored_days(self.output)

    def _load(self, day: date) -> StoredDay | None:
        return load_day(self.output, day)

    def _refuse_an_emptied_folder(self) -> None:
        known = list(self._index.logs) or [
            part.log
            for day in self._stored_days
            if (stored := self._load(day)) is not None
            for part in stored.parts
        ]
        if known:
            settings = self._settings
            raise emptied_folder_error(settings.log_dir, known, settings.origins)
