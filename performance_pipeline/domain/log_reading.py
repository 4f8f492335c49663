"""The lines of one log file become one aggregate for each trading day they fall on.

Here lives what needs more than one line: duplicates, order in time, misdated records, filters,
and the cut into trading days. Where the bytes come from is the caller's business.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import (
    MAX_LINES_NAMED,
    DailyAggregate,
    LogRecords,
    Quality,
    RejectedLineAt,
    combine,
)
from performance_pipeline.domain.executions import Execution, execution_of
from performance_pipeline.domain.numbers import ZERO, exact_arithmetic
from performance_pipeline.domain.pairing import DayRecords
from performance_pipeline.domain.positions import PairingRules
from performance_pipeline.domain.trade_lines import (
    RejectedLineError,
    parse_trade,
    parse_trade_or_fill,
)
from performance_pipeline.domain.trades import Fill, Trade, account_digest
from performance_pipeline.domain.windows import MICROSECOND, ONE_DAY, start_of_day, trading_days_of

REORDER_LINES: Final = 4096
"""How many lines a record may come late by before a log is read again, all of it in memory."""

# So many parts of a day are combined at once: combining copies the book of open orders, too much
# work to be done for every window of a long log.
_PARTS_KEPT: Final = 32

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
JSON_WHITESPACE: Final = b" \t\r\n"


@dataclass(frozen=True)
class ReadingRules:
    """The settings that decide what a line counts for."""

    zone: ZoneInfo
    execution_mode: str
    account: str
    tail_size: int
    pairing: PairingRules | None = None
    """How fills become trades; None where an open record is just one that is still open."""

    def counts(self, record: Trade | Fill) -> bool:
        """Whether `record` passes the mode and account filters."""
        if self.execution_mode not in ("ALL", record.mode):
            return False
        if not self.account:
            return True
        wanted = account_digest(self.account) if isinstance(record, Fill) else self.account
        return record.account == wanted


class _Entry(msgspec.Struct, frozen=True, order=True, gc=False):
    """An accepted line: when it counts, its number from 1, its bytes and its trade."""

    instant: datetime
    number: int
    line: bytes
    trade: Trade | Fill


class LogReading(msgspec.Struct, frozen=True):
    """What a log amounts to, by trading day, in order; and where a later reading can go on.

    `lines` counts the lines read so far, blank ones too; `newest` is the latest instant among
    them, None without an accepted line. Where fills are paired, no trade is in `days` yet: what
    counts of each day is in `records`.
    """

    days: dict[date, DailyAggregate]
    lines: int
    newest: datetime | None
    records: dict[date, DayRecords] = {}


def read_log(
    open_lines: Callable[[], Iterable[bytes]], log_day: date, rules: ReadingRules
) -> LogReading:
    """Read the log of the UTC day `log_day` from its first line on.

    `open_lines` gives the log's lines, line ends included; it is called a second time for a log
    whose lines are far out of order. The trading day that the file is named for is always there,
    also when the log is empty.
    """
    try:
        return _Reader(log_day, rules).read(open_lines(), REORDER_LINES)
    except _OutOfOrderError:
        return _Reader(log_day, rules).read(open_lines(), None)


def read_tail(
    lines: Iterable[bytes], log_day: date, rules: ReadingRules, *, after: int, newest: datetime
) -> LogReading | None:
    """Read the lines that follow the first `after` ones, none of which was newer than `newest`.

    Combined day by day with the reading of those, it equals one reading of all. None when a line
    is not newer than `newest`: it belongs before what was already read, or may repeat it, and the
    log has to be read as a whole.
    """
    reader = _Reader(log_day, rules, after)
    try:
        reading = reader.read(lines, REORDER_LINES)
    except _OutOfOrderError:
        return None
    return None if reader.oldest is not None and reader.oldest <= newest else reading


class Record(msgspec.Struct, frozen=True, gc=False):
    """An accepted record that counts: when (UTC), the number of its line, and what it records."""

    instant: datetime
    line: int
    trade: Trade
    execution: Execution


def read_records(lines: Iterable[bytes], log_day: date, rules: ReadingRules) -> list[Record]:
    """The records of a log that count, in order, duplicates left out; all of them in memory.

    They are the records that `read_log` reduces, their account ids blanked.
    """
    return _Reader(log_day, rules).records(lines)


def trimmed_lines(lines: Iterable[bytes], after: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, trimmed, each with its number in the file, from 1.

    The first of `lines` follows the file's first `after` ones.
    """
    for number, raw in enumerate(lines, start=after + 1):
        text = raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw
        if line := text.strip(JSON_WHITESPACE):
            yield number, line


class _OutOfOrderError(Exception):
    """A record belongs before lines that were already reduced."""


class _Reader:
    """One pass over one log: entries wait in a window, are sorted, and are reduced from its front.

    Two equal lines count at the same instant, so a duplicate is always met among the entries of
    one instant: comparing the bytes there is exact and needs no memory of the whole file.
    """

    def __init__(self, log_day: date, rules: ReadingRules, after: int = 0) -> None:
        self._after = after
        self._log_day = log_day
        self._rules = rules
        self._file = f"{log_day.isoformat()}.jsonl"
        self._first = datetime.combine(log_day, time(), tzinfo=UTC)
        self._last = self._first + ONE_DAY - MICROSECOND
        self._days = trading_days_of(log_day, rules.zone)
        self._starts = [start_of_day(day, rules.zone) for day in self._days]
        self._parts: dict[date, list[DailyAggregate]] = {}
        self._rejected: list[RejectedLineAt] = []
        self._rejected_count = 0
        self._duplicates = 0
        self._open = 0
        self._closed = 0
        self.oldest: datetime | None = None
        self._newest: _Entry | None = None
        self._lines = after
        self._lines_of_instant: set[bytes] = set()
        self._parse = parse_trade_or_fill if rules.pairing else parse_trade
        self._kept: dict[date, list[tuple[int, Trade | Fill]]] = {}

    def read(self, lines: Iterable[bytes], window: int | None) -> LogReading:
        waiting: list[_Entry] = []
        with exact_arithmetic():
            for entry in self._entries(self._counted(lines)):
                waiting.append(entry)
                if window is not None and len(waiting) >= 2 * window:
                    waiting.sort()
                    self._reduce(waiting[:window])
                    del waiting[:window]
            waiting.sort()
            self._reduce(waiting)
        self._add(self._log_day, DailyAggregate(quality=self._file_quality()))
        newest = None if self._newest is None else self._newest.instant
        records = {day: DayRecords.of(kept) for day, kept in self._kept.items()}
        return LogReading(self._combined(), self._lines, newest, records)

    def records(self, lines: Iterable[bytes]) -> list[Record]:
        return [
            Record(
                entry.instant,
                entry.number,
                msgspec.structs.replace(entry.trade, account=""),
                execution_of(entry.line),
            )
            for entry in self._without_duplicates(sorted(self._entries(lines)))
            if isinstance(entry.trade, Trade) and self._rules.counts(entry.trade)
        ]

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self._lines += 1
            yield line

    def _entries(self, lines: Iterable[bytes]) -> Iterator[_Entry]:
        first, last = self._first, self._last
        for number, line in trimmed_lines(lines, self._after):
            try:
                trade = self._parse(line)
            except RejectedLineError as rejection:
                self._reject(number, str(rejection))
                continue
            instant = trade.instant
            if not first <= instant <= last:
                instant = min(max(instant, first), last)
            yield _Entry(instant, number, line, trade)

    def _reject(self, number: int, reason: str) -> None:
        self._rejected_count += 1
        if self._rejected_count <= MAX_LINES_NAMED:
            self._rejected.append(RejectedLineAt(self._file, number, reason))

    def _reduce(self, entries: list[_Entry]) -> None:
        """Fold `entries`, sorted, into the parts of their trading days."""
        if not entries:
            return
        if self._newest is not None and entries[0] < self._newest:
            raise _OutOfOrderError
        if self.oldest is None:
            self.oldest = entries[0].instant
        unique = self._without_duplicates(entries)
        cuts = [
            bisect_left(unique, start, key=lambda entry: entry.instant) for start in self._starts
        ]
        for day, begin, end in zip(self._days, cuts, [*cuts[1:], len(unique)], strict=True):
            if begin < end:
                self._add(day, self._aggregate(day, unique[begin:end]))

    def _without_duplicates(self, entries: list[_Entry]) -> list[_Entry]:
        unique = []
        newest = self._newest
        for entry in entries:
            if newest is None or entry.instant != newest.instant:
                if self._lines_of_instant:
                    self._lines_of_instant = set()
            else:
                # Two lines of one instant are rare, so the set is filled only when they occur.
                self._lines_of_instant.add(newest.line)
                if entry.line in self._lines_of_instant:
                    self._duplicates += 1
                    continue
            unique.append(entry)
            newest = entry
        self._newest = newest
        return unique

    def _aggregate(self, day: date, entries: list[_Entry]) -> DailyAggregate:
        misdated = outcome_conflicts = opened = 0
        trades: list[Trade] = []
        kept: list[tuple[int, Trade | Fill]] = []
        for entry in entries:
            record = entry.trade
            if record.instant != entry.instant:
                misdated += 1
                record = _moved(record, entry.instant)
            if isinstance(record, Fill) or record.outcome == "open":
                opened += 1
            elif _label_conflicts(record):
                outcome_conflicts += 1
            if self._rules.counts(record):
                if self._rules.pairing is not None:
                    kept.append((entry.number, record))
                elif isinstance(record, Trade):
                    trades.append(record)
        self._open += opened
        self._closed += len(entries) - opened
        quality = Quality(
            accepted=len(entries), misdated=misdated, outcome_conflicts=outcome_conflicts
        )
        if self._rules.pairing is not None:
            self._kept.setdefault(day, []).extend(kept)
            return DailyAggregate(quality=quality)
        return DailyAggregate.of(
            day, trades, quality, tail_size=self._rules.tail_size, zone=self._rules.zone
        )

    def _file_quality(self) -> Quality:
        return Quality(
            duplicates=self._duplicates,
            rejected=self._rejected_count,
            rejected_lines=tuple(self._rejected),
            logs=(LogRecords(self._file, self._open, self._closed),),
        )

    def _add(self, day: date, part: DailyAggregate) -> None:
        parts = self._parts.setdefault(day, [])
        parts.append(part)
        if len(parts) == _PARTS_KEPT:
            parts[:] = [combine(parts, self._rules.tail_size)]

    def _combined(self) -> dict[date, DailyAggregate]:
        return {
            day: combine(parts, self._rules.tail_size) for day, parts in sorted(self._parts.items())
        }


def _moved(record: Trade | Fill, instant: datetime) -> Trade | Fill:
    """A misdated record at the instant at which it counts."""
    if isinstance(record, Fill):
        return msgspec.structs.replace(record, instant=instant, misdated=True)
    return msgspec.structs.replace(record, instant=instant)


def _label_conflicts(trade: Trade) -> bool:
    """Whether the label of a closed record contradicts its P&L: a losing win, a winning loss."""
    pnl = trade.pnl
    if pnl is None:
        return False
    return (trade.outcome == "win" and pnl < ZERO) or (trade.outcome == "loss" and pnl > ZERO)
