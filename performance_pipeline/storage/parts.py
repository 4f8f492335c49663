"""Parts: what one log contributes to one trading day, and how far the log was read for it."""

from datetime import date, datetime
from typing import Final

import msgspec

from performance_pipeline.domain.aggregate import EMPTY, DailyAggregate, combine
from performance_pipeline.domain.log_reading import LogReading, read_log, read_tail
from performance_pipeline.domain.pairing import DayRecords, pair, with_trades, without_trades
from performance_pipeline.settings import Settings
from performance_pipeline.storage.books import NOTHING_HELD, BookAt, book_of
from performance_pipeline.storage.index import IndexEntry, LogIndex
from performance_pipeline.storage.kept_records import KeptRecords
from performance_pipeline.storage.logs import LogContent, LogFile, UnreadableLogError

_READINGS_KEPT: Final = 3


class Part(msgspec.Struct, frozen=True):
    """What one log contributes to one trading day, and how far the log was read for it.

    `digest` is over the first `length` bytes of the log, which hold its first `lines` lines, none
    newer than `newest`: enough to go on from there when the log only grew. Where fills are paired
    it begins with the positions of digest `opening` and ends with `book`, of digest `closing`.
    """

    log: str
    digest: str
    length: int
    lines: int
    newest: datetime | None
    aggregate: DailyAggregate
    opening: str = ""
    closing: str = ""
    book: msgspec.Raw = NOTHING_HELD

    @property
    def positions(self) -> BookAt:
        """The positions at its end."""
        return book_of(self.closing, self.book)


class MadePart(msgspec.Struct, frozen=True):
    """A part that was just made, and the records to keep of it where fills are paired."""

    part: Part
    records: DayRecords | None = None


class PartReader:
    """Makes parts from the logs of one folder; `changed` is what the index should learn."""

    def __init__(self, settings: Settings, today: date, index: LogIndex, kept: KeptRecords) -> None:
        self._rules = settings.rules
        self._today = today
        self._index = index
        self._kept = kept
        self._readings: dict[date, tuple[LogContent, LogReading]] = {}
        self.changed: dict[str, IndexEntry] = {}

    def is_unfinished(self, log: LogFile) -> bool:
        """Whether `log` is the current UTC day's, whose last line may still be being written."""
        return log.day >= self._today and not log.archived

    def knows(self, log: LogFile) -> bool:
        """Whether `digest` has not to read the log."""
        return self._described(log) is not None

    def _described(self, log: LogFile) -> IndexEntry | None:
        entry = self.changed.get(log.name) or self._index.logs.get(log.name)
        if entry is None or not entry.describes(log, unfinished_tail=self.is_unfinished(log)):
            return None
        return entry

    def digest(self, log: LogFile) -> str:
        """The digest of the whole lines of `log` as it is now."""
        if (entry := self._described(log)) is not None:
            return entry.digest
        content = LogContent(log, self.is_unfinished(log))
        content.consume()
        self._remember(content)
        return content.digest

    def read(self, log: LogFile, day: date, known: Part | None, opening: BookAt) -> MadePart:
        """The part of `log` in `day`, going on from the `known` one where that saves reading."""
        if log.day not in self._readings and known is not None:
            if known.digest == self.digest(log):
                made = self.paired_again(known, day, opening)
            else:
                made = self._grown(log, day, known, opening)
            if made is not None:
                return made
        content, reading = self._whole(log)
        part = _part(content, reading, reading.days.get(day, EMPTY))
        return self._with_trades(part, self.records(log, day), day, opening)

    def records(self, log: LogFile, day: date) -> DayRecords:
        """The counted records of `log` on `day`, where fills are paired, read from the log."""
        _, reading = self._whole(log)
        return reading.records.get(day, DayRecords())

    def paired_again(self, known: Part, day: date, opening: BookAt) -> MadePart | None:
        """The `known` part beginning with other positions; None when its records are not kept."""
        records = self._kept.load(day, known.log, known.digest)
        if records is None:
            return None
        read = msgspec.structs.replace(known, aggregate=without_trades(known.aggregate))
        return self._with_trades(read, records, day, opening)

    def _with_trades(self, read: Part, records: DayRecords, day: date, opening: BookAt) -> MadePart:
        """A part that was `read`, with the trades that its records come to."""
        rules = self._rules
        if rules.pairing is None:
            return MadePart(read)
        paired = pair(records, read.log, rules.pairing, opening.load())
        part = msgspec.structs.replace(
            read,
            aggregate=with_trades(
                read.aggregate, records, paired, day, tail_size=rules.tail_size, zone=rules.zone
            ),
            opening=opening.digest,
            closing=paired.book.digest,
            book=msgspec.Raw(msgspec.json.encode(paired.book)),
        )
        return MadePart(part, records)

    def _whole(self, log: LogFile) -> tuple[LogContent, LogReading]:
        if log.day not in self._readings:
            content = LogContent(log, self.is_unfinished(log))
            reading = read_log(content.lines, log.day, self._rules)
            self._remember(content)
            # A log feeds neighbouring days only, and days are asked for in order.
            if len(self._readings) == _READINGS_KEPT:
                del self._readings[next(iter(self._readings))]
            self._readings[log.day] = content, reading
        return self._readings[log.day]

    def _grown(self, log: LogFile, day: date, known: Part, opening: BookAt) -> MadePart | None:
        if known.newest is None or log.archived or known.length >= log.size:
            return None
        before = None
        if self._rules.pairing is not None:
            before = self._kept.load(day, known.log, known.digest)
            if before is None or known.opening != opening.digest:
                return None
        content = LogContent(log, self.is_unfinished(log))
        lines = content.lines_after(known.length, known.digest)
        if lines is None:
            return None
        tail = read_tail(lines, log.day, self._rules, after=known.lines, newest=known.newest)
        if tail is None:
            return None
        self._remember(content)
        reading = msgspec.structs.replace(tail, newest=tail.newest or known.newest)
        part = _part(content, reading, tail.days.get(day, EMPTY))
        made = self._with_trades(part, tail.records.get(day, DayRecords()), day, known.positions)
        both = combine([known.aggregate, made.part.aggregate], self._rules.tail_size)
        whole = msgspec.structs.replace(
            made.part, aggregate=_compacted(both), opening=known.opening
        )
        if before is None or made.records is None:
            return MadePart(whole)
        return MadePart(whole, before.then(made.records))

    def _remember(self, content: LogContent) -> None:
        log = content.log
        self.changed[log.name] = IndexEntry(
            log.size, log.modified_ns, content.digest, content.length
        )


def not_kept(part: Part) -> UnreadableLogError:
    """What to raise for a log that is gone, and whose fills are gone too."""
    return UnreadableLogError(
        f"{part.log}: disappeared, and its fills are not kept any more, so what they come to after"
        " a change of the past cannot be told; put the log back"
    )


def _part(content: LogContent, reading: LogReading, aggregate: DailyAggregate) -> Part:
    return Part(
        log=content.log.name,
        digest=content.digest,
        length=content.length,
        lines=reading.lines,
        newest=reading.newest,
        aggregate=_compacted(aggregate),
    )


def _compacted(aggregate: DailyAggregate) -> DailyAggregate:
    """However it was read, in one go or in many: the same bytes on disk."""
    return msgspec.structs.replace(aggregate, opens=aggregate.opens.compact())
