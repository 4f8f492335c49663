"""What a log folder holds before anything is made of it: which lines would count, and why not.

What would help those that do not is put into words here too; `doctor` prints both.
"""

import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec

from performance_pipeline.domain.line_fields import NO_OFFSET
from performance_pipeline.domain.log_reading import trimmed_lines
from performance_pipeline.domain.trade_lines import RejectedLineError, parse_trade
from performance_pipeline.domain.trades import Trade
from performance_pipeline.domain.windows import trading_day, trading_days_of
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.reports.number_format import counted
from performance_pipeline.settings import PREFIX
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline.storage.logs import LogContent, LogFile, UnreadableLogError
from performance_pipeline.storage.stores import store_at

_NAMES_SHOWN: Final = 5
_FEW_DAYS: Final = 31
_offset_of = re.compile(rb'"timestamp"\s*:\s*"[^"]*([+-](?!00:00)[0-9]{2}:[0-9]{2})"').search


class _Imported(msgspec.Struct):
    source: object = None


_decode_imported: Final = msgspec.json.Decoder(_Imported).decode
_OPEN_IS_NO_FILL: Final = tuple(one.name for one in FORMATS.values() if not one.open_is_fill)


@dataclass
class Places:
    """Where lines stand: their count, and the stretches of lines that follow each other."""

    count: int = 0
    stretches: list[tuple[str, int, int]] = field(default_factory=list)
    """The log, and the numbers of the first and the last line."""

    def add(self, file: str, number: int) -> None:
        self.count += 1
        if self.stretches:
            last_file, first, last = self.stretches[-1]
            if (last_file, last + 1) == (file, number):
                self.stretches[-1] = (file, first, number)
                return
        self.stretches.append((file, number, number))

    def lines(self) -> Iterator[tuple[str, int]]:
        """Each line by itself: its log and its number."""
        for file, first, last in self.stretches:
            for number in range(first, last + 1):
                yield file, number


@dataclass
class Examination:
    """What became of every line of every log, blank ones aside.

    A line counts when it is a closed record, or a fill where fills are paired, that the filters
    let through, of a trading day that has a partition. Duplicates, which count once, are not told
    apart.
    """

    counted: int = 0
    open: int = 0
    too_old: int = 0
    of_other_mode: int = 0
    of_other_account: int = 0
    misdated: int = 0
    rejected: dict[str, Places] = field(default_factory=dict)
    """By reason."""
    open_trades: int = 0
    """How many open records are no fills, but trades that were still open when they were imported;
    they are among those above too."""
    offsets: set[str] = field(default_factory=set)
    """The offsets from UTC, other than none, that timestamps are written with."""
    unreadable: list[tuple[LogFile, UnreadableLogError]] = field(default_factory=list)

    @property
    def total_rejected(self) -> int:
        return sum(places.count for places in self.rejected.values())

    def rejected_lines(self) -> Iterator[tuple[str, int, str]]:
        """Every rejected line in the order of the logs: log, number and reason."""
        return heapq.merge(
            *(
                [(file, number, reason) for file, number in places.lines()]
                for reason, places in self.rejected.items()
            )
        )

    @property
    def lines(self) -> int:
        left_out = self.too_old + self.of_other_mode + self.of_other_account
        return self.counted + self.open + left_out + self.total_rejected


def examine_logs(tracker: PerformanceTracker) -> Examination:
    """Read every line of every log there is; a log that cannot be read is noted as such."""
    found = Examination()
    for log in logs_of(tracker):
        try:
            _examine(tracker, log, found)
        except UnreadableLogError as error:
            found.unreadable.append((log, error))
    return found


def logs_of(tracker: PerformanceTracker) -> list[LogFile]:
    """All logs, in the order of their days."""
    return [log for _, log in sorted(tracker.store.listing.files.items())]


def logs_too_old(tracker: PerformanceTracker) -> list[LogFile]:
    """The logs whose trading days all come before the first partition."""
    settings = tracker.settings
    return [
        log
        for log in logs_of(tracker)
        if trading_days_of(log.day, settings.timezone)[-1] < settings.start_date
    ]


def _examine(tracker: PerformanceTracker, log: LogFile, found: Examination) -> None:
    content = LogContent(log, tracker.store.is_unfinished(log))
    days = trading_days_of(log.day, tracker.settings.timezone)
    for number, line in trimmed_lines(content.lines()):
        try:
            trade = parse_trade(line)
        except RejectedLineError as rejection:
            found.rejected.setdefault(str(rejection), Places()).add(log.name, number)
            continue
        _sort(tracker, trade, line, log.day, days, found)
        if (offset := _offset_of(line)) is not None:
            found.offsets.add(offset[1].decode())


def _sort(
    tracker: PerformanceTracker,
    trade: Trade,
    line: bytes,
    log_day: date,
    days: list[date],
    found: Examination,
) -> None:
    """Put an accepted record where it belongs among those that count and those that do not."""
    settings = tracker.settings
    found.misdated += trade.instant.date() != log_day
    # What lies outside the day of its log is moved to that day's beginning or end.
    day = min(max(trading_day(trade.instant, settings.timezone), days[0]), days[-1])
    if day < settings.start_date:
        found.too_old += 1
    elif settings.execution_mode not in ("ALL", trade.mode):
        found.of_other_mode += 1
    elif settings.account not in ("", trade.account):
        found.of_other_account += 1
    elif trade.outcome != "open":
        found.counted += 1
    else:
        found.open_trades += _decode_imported(line).source in _OPEN_IS_NO_FILL
        if settings.pairing_rules is None:
            found.open += 1
        else:
            found.counted += 1


# --- what would help --------------------------------------------------------------------------


def proposals(tracker: PerformanceTracker, found: Examination) -> list[str]:
    """What would make more lines count, or count where they should: a sentence each."""
    return [sentence for propose in _PROPOSALS if (sentence := propose(tracker, found)) is not None]


def _for_an_empty_folder(tracker: PerformanceTracker, found: Examination) -> str | None:
    if found.lines or found.unreadable:
        return None
    if logs_of(tracker):
        return "The logs hold no line yet; the pipeline waits for the bot's first."
    alert_log = tracker.settings.alert_log.name
    others = sorted(
        name
        for name in store_at(tracker.settings.log_dir).names()
        if name.endswith((".jsonl", ".json", ".csv", ".log")) and name != alert_log
    )
    waits = "There is no log yet; the bot writes one a UTC day, called YYYY-MM-DD.jsonl"
    if others:
        names = ", ".join(others[:_NAMES_SHOWN]) + (", ..." if len(others) > _NAMES_SHOWN else "")
        return f"{waits}, and nothing else is read: not {names}."
    return f"{waits}. To see one first: `performance-pipeline demo`."


def _for_times_without_offset(tracker: PerformanceTracker, found: Examination) -> str | None:
    if not any(reason.endswith(NO_OFFSET) for reason in found.rejected):
        return None
    return (
        "Times must say which instant they mean: have the bot write them in UTC with Z"
        " (2025-11-03T14:30:00Z), or with an offset (2025-11-03T09:30:00-05:00)."
        f" {_named(tracker, 'SUMMARY_TIMEZONE')} does not stand in for it: it says where a trading"
        " day ends."
    )


def _for_fills(tracker: PerformanceTracker, found: Examination) -> str | None:
    if not found.open or found.counted:
        return None
    if found.open == found.open_trades:
        return (
            "The open records are trades that were still open when they were imported; each counts"
            " once it is closed and imported again."
        )
    fills = counted(found.open - found.open_trades, "open record")
    return (
        f"{fills} and no closed one: none says what was earned. If the bot logs fills,"
        f" {_valued(tracker, 'PAIRING', 'fifo')} makes closed trades of them; if it logs exits,"
        " none has come yet."
    )


def _for_open_trades(tracker: PerformanceTracker, found: Examination) -> str | None:
    if not found.open_trades or tracker.settings.pairing_rules is None:
        return None
    return (
        f"{_valued(tracker, 'PAIRING', tracker.settings.pairing)} takes"
        f" {counted(found.open_trades, 'imported record')} for fills that are none: trades that"
        " were still open, which become positions that nothing closes. Set it to none, and give"
        " logs of fills a folder of their own."
    )


def _for_older_logs(tracker: PerformanceTracker, _: Examination) -> str | None:
    if not (old := logs_too_old(tracker)):
        return None
    first = trading_days_of(old[0].day, tracker.settings.timezone)[0]
    start = tracker.settings.start_date
    return f"{_valued(tracker, 'START_DATE', first)} counts the logs before {start}."


def _for_empty_partitions(tracker: PerformanceTracker, found: Examination) -> str | None:
    first, start = tracker.first_day, tracker.settings.start_date
    if not found.counted or first is None or (empty := (first - start).days) <= _FEW_DAYS:
        return None
    return (
        f"{_valued(tracker, 'START_DATE', first)}, the day of the oldest log, spares Dagster's"
        f" pages {empty} days without any, from {start} on."
    )


def _for_filters(tracker: PerformanceTracker, found: Examination) -> str | None:
    if found.counted or found.open:
        return None
    if found.of_other_mode:
        return (
            f"{_valued(tracker, 'EXECUTION_MODE', tracker.settings.execution_mode)} leaves out"
            f" {found.of_other_mode} records; ALL counts every one."
        )
    if found.of_other_account:
        return (
            f"{_named(tracker, 'ACCOUNT')} leaves out {found.of_other_account} records: is it"
            " spelled as the logs spell it?"
        )
    return None


def _for_another_zone(tracker: PerformanceTracker, found: Examination) -> str | None:
    if tracker.settings.timezone.key != "UTC" or not found.offsets:
        return None
    offsets = ", ".join(sorted(found.offsets)[:_NAMES_SHOWN])
    return (
        f"Times are written with the offset {offsets}, and trading days end at midnight UTC: set"
        f" {_named(tracker, 'SUMMARY_TIMEZONE')} to where you trade, such as America/New_York."
    )


def _for_misdated(_: PerformanceTracker, found: Examination) -> str | None:
    if not found.misdated:
        return None
    return (
        f"{found.misdated} records lie outside the UTC day that their log is named for, and count"
        " at its beginning or end: have the bot begin a new log at midnight UTC."
    )


def _named(tracker: PerformanceTracker, setting: str) -> str:
    return tracker.settings.origins.named(f"{PREFIX}{setting}")


def _valued(tracker: PerformanceTracker, setting: str, value: object) -> str:
    return tracker.settings.origins.valued(f"{PREFIX}{setting}", str(value))


_PROPOSALS: Final[tuple[Callable[[PerformanceTracker, Examination], str | None], ...]] = (
    _for_an_empty_folder,
    _for_times_without_offset,
    _for_fills,
    _for_open_trades,
    _for_older_logs,
    _for_empty_partitions,
    _for_filters,
    _for_another_zone,
    _for_misdated,
)
