"""`PerformanceTracker`: the one way from a log folder to a summary of any window.

Dagster assets, the command line and notebooks all come through here, so a window has the same
numbers wherever it is asked for.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from performance_pipeline.domain.aggregate import DailyAggregate, combine, combine_tails
from performance_pipeline.domain.metrics import strategy_figures, summarize
from performance_pipeline.domain.positions import Book
from performance_pipeline.domain.quality import data_quality
from performance_pipeline.domain.summary import DataQuality, PerformanceSummary
from performance_pipeline.domain.targets import unknown_strategies
from performance_pipeline.domain.trade_stats import Drawdown
from performance_pipeline.domain.verdicts import Evidence, with_verdicts
from performance_pipeline.domain.windows import (
    PARTITIONED_WINDOWS,
    Period,
    Window,
    log_days_of,
    trading_day,
    trading_days_of,
)
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.stream import TradeStream
from performance_pipeline.setting_values import parse_date
from performance_pipeline.settings import Settings
from performance_pipeline.storage.aggregates import AggregateStore, Day
from performance_pipeline.storage.day_files import aggregate_name
from performance_pipeline.storage.logs import UnreadableLogError, log_name
from performance_pipeline.storage.sessions import market_sessions
from performance_pipeline.storage.store import Found, Store
from performance_pipeline.storage.targets_file import load_targets


class RangeError(PipelineError):
    """A day or range of days that cannot be asked for."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class PerformanceTracker:
    """The summaries of one log folder as it looks at the moment the tracker is made.

    Days whose stored aggregate is missing or stale are read from their logs, in memory; nothing
    is written. Make a new tracker to see logs that changed since.
    """

    def __init__(
        self,
        settings: Settings | Path | str | None = None,
        clock: Callable[[], datetime] = utc_now,
        output: Store | None = None,
    ) -> None:
        """Settings, or a folder of logs to use with those of the environment; default: all theirs.

        `output` is what `Store.writing` has given, where anything is to be written.

        Raises PipelineError when a setting or the log folder cannot be used.
        """
        self.settings = _settings(settings)
        self.now = clock()
        self.today = trading_day(self.now, self.settings.timezone)
        self.store = AggregateStore(self.settings, self.now, output)
        self.targets = load_targets(self.settings.targets_file)
        self._sessions = market_sessions(self.settings, self.today, self.store.output)
        self._days: dict[date, Day] = {}
        self.stream = TradeStream(self.store, self._last_day)

    def get_summary(
        self, window: Window | str, day: date | str | None = None
    ) -> PerformanceSummary:
        """The summary of the `window` that holds `day` (rolling: ends with it); default today.

        Raises ValueError for a window that is none of the four or a day that is no date; text is
        `YYYY-MM-DD`.
        """
        asked = self.today if day is None else day_named("day", day)
        return self.summarize(Period.of(window_named(window), asked))

    def get_range(self, start: date | str, end: date | str) -> PerformanceSummary:
        """The summary of the days from `start` to `end`, both inclusive; raises ValueError."""
        return self.summarize(Period.spanning(day_named("start", start), day_named("end", end)))

    def summarize(
        self, period: Period, aggregate: DailyAggregate | None = None
    ) -> PerformanceSummary:
        """The summary of `period`, from the aggregates of its days, or from one given instead."""
        return self.judge(*self.judgeable(period, aggregate))

    def judge(self, summary: PerformanceSummary, evidence: Evidence) -> PerformanceSummary:
        """`summary` with the verdicts of the targets in force, as of now."""
        return with_verdicts(
            summary,
            self.targets,
            now=self.now,
            rolling_window=self.settings.rolling_window,
            evidence=evidence,
        )

    def judgeable(
        self, period: Period, aggregate: DailyAggregate | None = None
    ) -> tuple[PerformanceSummary, Evidence]:
        """The summary of `period` without verdicts, and what else they rest on."""
        days = self._days_of(period)
        combined = self.aggregate(period) if aggregate is None else aggregate
        zone, last = self.settings.timezone, period.last_day
        with_room = period.window in (Window.DAILY, Window.ROLLING)
        peak_drawdown, untold = self._peak_drawdown(period)
        summary = summarize(
            period,
            combined,
            self._book_after(period),
            zone=zone,
            peak_drawdown=peak_drawdown,
            data_quality=self._data_quality(days, combined, untold),
            settings=self.settings.fingerprint,
            generated_at=self.now,
        )
        return summary, Evidence(
            strategies=lambda: strategy_figures(period, combined, zone),
            edge_statistic=lambda rate: self._edge_statistic(last, rate),
            last_day=self._path_of_day(last) if with_room else Drawdown(),
        )

    def aggregate(self, period: Period) -> DailyAggregate:
        """The aggregates of the days of `period` as one; of a rolling one only what it needs."""
        combined = combine_tails if period.window is Window.ROLLING else combine
        days = [day.aggregate for day in self._days_of(period)]
        return combined(days, self.settings.rolling_window)

    def first_of(self, days: int) -> date:
        """The first of the last `days` days, today included; never before the calendar's."""
        return date.fromordinal(max(self.today.toordinal() - days + 1, 1))

    @property
    def target_warnings(self) -> tuple[str, ...]:
        """What is odd about the targets: in their file, and in view of the logs."""
        if not self.targets.places:
            return self.targets.warnings
        unknown = unknown_strategies(self.targets, self.stream.strategies())
        return (*self.targets.warnings, *unknown)

    @property
    def first_day(self) -> date | None:
        """The first trading day that counts: the oldest log's, but not before the first partition.

        None without a log.
        """
        return self.store.first_day

    def counted_days(self, period: Period) -> list[date]:
        """The days of `period` from the first partition to the last that a log can reach.

        That may be tomorrow: west of Greenwich the log of the new UTC day starts in the evening.
        """
        first, last = self.settings.start_date, self._last_day
        return [day for day in period.days() if first <= day <= last]

    @property
    def _last_day(self) -> date:
        return trading_days_of(self.now.date(), self.settings.timezone)[-1]

    def logs_changed_since(self, period: Period, summary_file: Found) -> list[str]:
        """The logs of `period` that changed, or were read again, after a file was written."""
        written = summary_file.modified_ns
        changed = []
        for day in self.counted_days(period):
            aggregate = self.store.output.status(aggregate_name(day))
            read_again = aggregate is not None and aggregate.modified_ns > written
            for log_day in log_days_of(day, self.settings.timezone):
                log = self.store.listing.files.get(log_day)
                if read_again or (log is not None and log.modified_ns > written):
                    changed.append(log_name(log_day))
        return _unique(changed)

    def _days_of(self, period: Period) -> list[Day]:
        days = self.counted_days(period)
        self.store.expect(day for day in days if day not in self._days)
        return [self.day(day) for day in days]

    def day(self, day: date) -> Day:
        if day not in self._days:
            self._days[day] = self.store.day(day)
        return self._days[day]

    def _book_after(self, period: Period) -> Book | None:
        """The positions at the end of `period`, or by now; None where fills are not paired."""
        if self.settings.pairing_rules is None:
            return None
        last = min(period.last_day, self._last_day)
        return Book() if last < self.settings.start_date else self.day(last).book.load()

    def _peak_drawdown(self, period: Period) -> tuple[Decimal | None, str | None]:
        """That of all trades up to the end of `period`, or why it cannot be told.

        None, None where no summary tells it.
        """
        if period.window not in (Window.DAILY, Window.ROLLING):
            return None, None
        try:
            return self.stream.peak_drawdown(period.last_day), None
        except UnreadableLogError as error:
            return None, str(error)

    def _path_of_day(self, day: date) -> Drawdown:
        if not self.settings.start_date <= day <= self._last_day:
            return Drawdown()
        return self.day(day).aggregate.stats.drawdown

    def _edge_statistic(self, day: date, win_rate: Decimal) -> Decimal | None:
        try:
            return self.stream.edge_maps(day, win_rate).statistic
        except UnreadableLogError:
            return None  # Named beside the peak drawdown, which cannot be told either.

    def _data_quality(
        self, days: Sequence[Day], aggregate: DailyAggregate, untold: str | None
    ) -> DataQuality:
        log_days = {
            log_day for day in days for log_day in log_days_of(day.date, self.settings.timezone)
        }
        return data_quality(
            aggregate,
            paired=self.settings.pairing_rules is not None,
            missing_days=[day.date for day in days if self._is_missing(day)],
            archived_twins=[
                log_name(log_day)
                for log_day in sorted(log_days & self.store.listing.archived_twins)
            ],
            kept_logs=_unique(log for day in days for log in day.kept_logs),
            lost_logs=_unique(log for day in days for log in day.lost_logs),
            unreadable_before=untold,
        )

    def _is_missing(self, day: Day) -> bool:
        """Whether `day` is a session whose UTC day is over, without a log."""
        oldest = self.store.oldest_log
        return (
            oldest is not None
            and oldest <= day.date < self.now.date()
            and day.date in self._sessions.days
            and day.date not in self.store.listing.files
            and log_name(day.date) not in day.kept_logs
        )


def window_named(window: Window | str) -> Window:
    """One of the four windows; ValueError says what is accepted."""
    if window not in PARTITIONED_WINDOWS:
        accepted = ", ".join(PARTITIONED_WINDOWS)
        raise ValueError(f"window={str(window)!r}: accepted is one of {accepted}")
    return Window(window)


def day_named(argument: str, value: object) -> date:
    """The day that an argument gives, a date, an instant or text; ValueError names the argument."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str):
            return parse_date(value)
    except ValueError:
        pass
    raise ValueError(f"{argument}={value!r}: accepted is a date, or text such as 2025-06-10")


def _settings(given: object) -> Settings:
    if isinstance(given, Settings):
        return given
    if given is None:
        return Settings.from_env()
    if isinstance(given, str | Path):
        return Settings.for_logs(given)
    raise TypeError(
        f"settings={given!r}: accepted are Settings, or the folder of logs as a path or text"
    )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
