"""Periods that have to be made again: the schedule that closes those that are over, and the rest.

A period is open while its summary says that it is running though it is over, and unjudged while it
says that the targets file could not be used.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

import dagster as dg

from performance_pipeline.defs.dagster_internals import IMPLICIT_ASSET_JOB_NAME
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import (
    ONE_DAY,
    PARTITIONED_WINDOWS,
    Period,
    Window,
    trading_day,
)
from performance_pipeline.settings import Settings
from performance_pipeline.storage.day_files import aggregate_name
from performance_pipeline.storage.stores import store_at
from performance_pipeline.storage.summaries import stored_periods, summary_name
from performance_pipeline.storage.targets_file import load_targets

# A few minutes past midnight, so that the day's last lines are written.
_CLOSE: Final = "5 0 * * *"

Range = tuple[dg.AssetKey, date, date]
"""An asset, and the first and the last key of the partitions to materialize."""


def range_request(
    keys: Keys, key: dg.AssetKey, first: date, last: date, run_key: str | None = None
) -> dg.RunRequest:
    """One run over a range of partitions, with their checks."""
    tags = {**range_tags(first, last), **keys.run_tags}
    return dg.RunRequest(run_key, asset_selection=[key], tags=tags)


def daily_close_schedule(runtime: Runtime) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=runtime.keys.close_schedule,
        cron_schedule=_CLOSE,
        execution_timezone=runtime.settings.timezone.key,
        # Dagster's own job of all assets: a job of ours takes only one kind of partition.
        job_name=IMPLICIT_ASSET_JOB_NAME,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Closes the finished day, and every period that is over and not yet closed.",
    )
    def daily_close_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = runtime.clock()
        requests = list(closing_runs(runtime.settings, now))
        tick = context.scheduled_execution_time.date()
        for key, first, last in requests:
            run_key = f"{tick}:{key.to_user_string()}:{first}:{last}"
            yield range_request(runtime.keys, key, first, last, run_key)
        if not requests:
            yield dg.SkipReason("Every period that is over is closed.")

    return daily_close_schedule


def closing_runs(settings: Settings, now: datetime) -> Iterator[Range]:
    """The ranges of partitions to materialize so that every period that is over is closed.

    Among them those that are unjudged for want of a valid targets file, once it is valid: such as
    were being made while it was mended, so that the log sensor did not find them.
    """
    keys = Keys(settings.bot)
    yesterday = trading_day(now, settings.timezone) - ONE_DAY
    output = store_at(settings.output_dir)
    if yesterday < settings.start_date or not output.is_there():
        return
    if output.status(aggregate_name(yesterday)) is None:
        yield keys.daily_aggregate, yesterday, yesterday
    valid = _targets_are_valid(settings)
    for window in PARTITIONED_WINDOWS:
        open_keys = {
            period.key
            for period, summary in _stored_partitions(settings, window)
            if (summary.running and summary.ends_at <= now) or (valid and _is_unjudged(summary))
        }
        finished = Period.of(window, yesterday)
        if finished.last_day == yesterday and output.status(summary_name(finished)) is None:
            open_keys.add(finished.key)
        for first, last in _contiguous(window, sorted(open_keys)):
            yield keys.summary(window), first, last


def unjudged_ranges(settings: Settings) -> Iterator[Range]:
    """The ranges to materialize so that every period is judged that could not be before.

    None while the targets file is missing or invalid. Reads every stored summary.
    """
    if not _targets_are_valid(settings):
        return
    keys = Keys(settings.bot)
    for window in PARTITIONED_WINDOWS:
        stored = _stored_partitions(settings, window)
        unjudged = [period.key for period, summary in stored if _is_unjudged(summary)]
        for first, last in _contiguous(window, unjudged):
            yield keys.summary(window), first, last


def _stored_partitions(
    settings: Settings, window: Window
) -> Iterator[tuple[Period, PerformanceSummary]]:
    """Every stored summary of `window` but for those older than the first partition."""
    first = Period.of(window, settings.start_date).key
    for period, summary in stored_periods(store_at(settings.output_dir), window):
        if period.key >= first:
            yield period, summary


def _targets_are_valid(settings: Settings) -> bool:
    return load_targets(settings.targets_file).targets is not None


def _is_unjudged(summary: PerformanceSummary) -> bool:
    return summary.alert_status == "INVALID_TARGETS"


def _contiguous(window: Window, keys: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Runs of neighbouring partitions, as their first and last keys."""
    first = last = None
    for key in keys:
        if last is not None and Period.of(window, _end(window, last) + ONE_DAY).key != key:
            assert first is not None
            yield first, last
            first = None
        first, last = first or key, key
    if first is not None and last is not None:
        yield first, last


def _end(window: Window, key: date) -> date:
    return Period.of(window, key).last_day
