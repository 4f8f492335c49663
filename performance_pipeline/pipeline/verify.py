"""Recombined against recomputed: every summary again, from all raw lines of its days at once.

Nothing here uses a stored aggregate or `combine`; a whole log is held, sorted and reduced in one
go, so that an error in recombining, storing or streaming shows as a difference.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import chain, groupby
from typing import Any

import msgspec

from performance_pipeline.domain.aggregate import (
    MAX_REJECTED_LINES,
    DailyAggregate,
    DayResult,
    LogRecords,
    Quality,
    RejectedLineAt,
)
from performance_pipeline.domain.log_reading import trimmed_lines
from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.numbers import ZERO, exact_arithmetic
from performance_pipeline.domain.trade_stats import Drawdown
from performance_pipeline.domain.trades import RejectedLineError, Trade, parse_trade
from performance_pipeline.domain.windows import (
    MICROSECOND,
    ONE_DAY,
    PARTITIONED_WINDOWS,
    Period,
    log_days_of,
    trading_day,
)
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.logs import LogContent, LogFile
from performance_pipeline.storage.summaries import summary_document


@dataclass(frozen=True)
class Difference:
    """One field of one summary that recombining and recomputing disagree on."""

    period: Period
    field: str
    recombined: object
    recomputed: object

    def __str__(self) -> str:
        return (
            f"{self.period.window} {self.period.key}: {self.field}:"
            f" recombined {self.recombined!r}, recomputed {self.recomputed!r}"
        )


@dataclass
class _RawDay:
    """The accepted records of one trading day, in order, and its quality counts."""

    records: list[Trade] = field(default_factory=list)
    misdated: int = 0
    rejected: list[RejectedLineAt] = field(default_factory=list)
    duplicates: int = 0
    logs: list[LogRecords] = field(default_factory=list)


def periods_of(first: date, last: date) -> list[Period]:
    """Every period of the four windows that the days from `first` to `last` touch."""
    days = Period.spanning(first, last).days()
    return list(
        dict.fromkeys(Period.of(window, day) for window in PARTITIONED_WINDOWS for day in days)
    )


def verify(
    tracker: PerformanceTracker,
    periods: list[Period],
    on_period: Callable[[Period], None] = lambda _: None,
) -> Iterator[Difference]:
    """Compare the `periods` one by one; raises UnreadableLogError."""
    raw = _RawDays(tracker)
    for period in periods:
        recombined = tracker.summarize(period)
        recomputed = tracker.summarize(period, raw.aggregate(period))
        for name, left, right in _differences(recombined, recomputed):
            yield Difference(period, name, left, right)
        on_period(period)


def rests_on_lost_logs(tracker: PerformanceTracker, period: Period) -> bool:
    """Whether a log of `period` has disappeared, so that nothing can be recomputed."""
    days = (tracker.day(day) for day in tracker.counted_days(period))
    return any(day.kept_logs or day.lost_logs for day in days)


class _RawDays:
    def __init__(self, tracker: PerformanceTracker) -> None:
        self._tracker = tracker
        self._days: dict[date, _RawDay] = {}
        self._read: set[date] = set()

    def aggregate(self, period: Period) -> DailyAggregate:
        """The aggregate of all the period's records as one stretch."""
        days = [(day, self._day(day)) for day in self._tracker.counted_days(period)]
        rules = self._tracker.settings.rules
        accepted = list(chain.from_iterable(raw.records for _, raw in days))
        counted = [record for record in accepted if rules.counts(record)]
        quality = Quality(
            accepted=len(accepted),
            duplicates=sum(raw.duplicates for _, raw in days),
            rejected=sum(len(raw.rejected) for _, raw in days),
            misdated=sum(raw.misdated for _, raw in days),
            outcome_conflicts=sum(_conflicts(record) for record in accepted),
            rejected_lines=tuple(chain.from_iterable(raw.rejected for _, raw in days))[
                :MAX_REJECTED_LINES
            ],
            logs=tuple(chain.from_iterable(raw.logs for _, raw in days)),
        )
        with exact_arithmetic():
            whole = DailyAggregate.of(
                period.key, counted, quality, tail_size=rules.tail_size, zone=rules.zone
            )
            closed = [record for record in counted if record.outcome != "open"]
            return msgspec.structs.replace(whole, days=tuple(_day_results(closed, self._tracker)))

    def _day(self, day: date) -> _RawDay:
        for log_day in log_days_of(day, self._tracker.settings.timezone):
            log = self._tracker.store.listing.files.get(log_day)
            if log is not None and log_day not in self._read:
                self._read_log(log)
                self._read.add(log_day)
        return self._days.get(day, _RawDay())

    def _read_log(self, log: LogFile) -> None:
        home = self._raw(log.day)
        accepted: dict[bytes, tuple[datetime, int, Trade]] = {}
        content = LogContent(log, unfinished_tail=self._tracker.store.is_unfinished(log))
        for number, line in trimmed_lines(content.lines()):
            if line in accepted:
                home.duplicates += 1
                continue
            try:
                trade = parse_trade(line)
            except RejectedLineError as error:
                home.rejected.append(RejectedLineAt(log.name, number, str(error)))
            else:
                accepted[line] = (_within(log.day, trade.instant), number, trade)
        for instant, _, trade in sorted(accepted.values(), key=lambda entry: entry[:2]):
            day = self._raw(trading_day(instant, self._tracker.settings.timezone))
            day.misdated += instant != trade.instant
            day.records.append(msgspec.structs.replace(trade, instant=instant))
        opened = sum(trade.outcome == "open" for _, _, trade in accepted.values())
        home.logs.append(LogRecords(log.name, opened, len(accepted) - opened))

    def _raw(self, day: date) -> _RawDay:
        return self._days.setdefault(day, _RawDay())


def _within(log_day: date, instant: datetime) -> datetime:
    start = datetime.combine(log_day, time(), tzinfo=UTC)
    return min(max(instant, start), start + ONE_DAY - MICROSECOND)


def _conflicts(record: Trade) -> bool:
    sign = {"win": 1, "loss": -1}.get(record.outcome, 0)
    return record.pnl is not None and record.pnl * sign < ZERO


def _day_results(closed: list[Trade], tracker: PerformanceTracker) -> Iterator[DayResult]:
    zone = tracker.settings.timezone
    for day, trades in groupby(closed, key=lambda trade: trading_day(trade.instant, zone)):
        pnls = [trade.pnl for trade in trades if trade.pnl is not None]
        yield DayResult(day, len(pnls), Drawdown.of(pnls))


def _differences(
    recombined: PerformanceSummary, recomputed: PerformanceSummary
) -> Iterator[tuple[str, object, object]]:
    left, right = _flat(summary_document(recombined)), _flat(summary_document(recomputed))
    for name in dict.fromkeys([*left, *right]):
        if left.get(name) != right.get(name):
            yield name, left.get(name), right.get(name)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a document by its dotted path."""
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(item, f"{path}.{key}" if path else key)
    return found
