"""What runs by itself: the conditions on assets, and the schedule that closes periods."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final, cast

import dagster as dg

from performance_pipeline.defs.dagster_internals import IMPLICIT_ASSET_JOB_NAME, InstigatorType
from performance_pipeline.defs.keys import DAILY_AGGREGATE, PERFORMANCE_TARGETS, summary_key
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import (
    ONE_DAY,
    PARTITIONED_WINDOWS,
    Period,
    Window,
    trading_day,
)
from performance_pipeline.settings import Settings
from performance_pipeline.storage.aggregates import aggregate_path
from performance_pipeline.storage.summaries import stored_periods, summary_path

Condition = dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]
"""When an asset runs by itself, and its check with it."""

AUTOMATION_SENSOR: Final = "refresh_automation_sensor"

# A few minutes past midnight, so that the day's last lines are written.
_CLOSE: Final = "5 0 * * *"
_AFTER_CLOSE: Final = "20 0 * * *"


def on_changed_logs() -> Condition:
    """Whatever depends on a partition that changed, however old, once nothing upstream runs."""
    return _at_rest(dg.AutomationCondition.any_deps_updated())


def on_changed_days_or_targets() -> Condition:
    """The same for summaries; changed targets judge only the running period again."""
    targets = dg.AssetSelection.assets(PERFORMANCE_TARGETS)
    updated = dg.AutomationCondition.any_deps_updated
    changed = updated().ignore(targets) | (
        updated().allow(targets) & dg.AutomationCondition.in_latest_time_window()
    )
    # Dagster types this one for assets alone, and its parts for checks too.
    return _at_rest(cast("Condition", changed))


def once_a_day(settings: Settings) -> Condition:
    """After the daily close, and once what it closes is done; never with every trade."""
    return _at_rest(dg.AutomationCondition.cron_tick_passed(_AFTER_CLOSE, settings.timezone.key))


def _at_rest(
    changed: Condition,
) -> Condition:
    return (
        changed.since_last_handled()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def freshness() -> dg.FreshnessPolicy:
    """A summary asset gets a new or running partition every day."""
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
    )


def automation_sensor(runtime: Runtime) -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        AUTOMATION_SENSOR,
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=runtime.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Computes again what depends on a changed log or on changed targets.",
    )


def is_about_to_look(instance: dg.DagsterInstance) -> bool:
    """Whether a daemon will evaluate the conditions for the first time, or is doing so.

    That first evaluation takes what it finds as given: a change reported before it runs nothing,
    then or later. So whoever reports changes waits until it is over. False without a daemon, and
    where the automation sensor is turned off.
    """
    if instance.schedule_storage is None:
        return False
    states = {
        state.instigator_name: state
        for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    }
    state = states.get(AUTOMATION_SENSOR)
    if state is None:
        return bool(states)
    data = state.sensor_instigator_data
    return state.is_running and not (data and data.cursor)


def daily_close_schedule(runtime: Runtime) -> dg.ScheduleDefinition:
    @dg.schedule(
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
            yield dg.RunRequest(
                run_key=f"{tick}:{key.to_user_string()}:{first}:{last}",
                asset_selection=[key],
                tags=range_tags(first, last),
            )
        if not requests:
            yield dg.SkipReason("Every period that is over is closed.")

    return daily_close_schedule


def closing_runs(settings: Settings, now: datetime) -> Iterator[tuple[dg.AssetKey, date, date]]:
    """The ranges of partitions to materialize so that every period that is over is closed."""
    yesterday = trading_day(now, settings.timezone) - ONE_DAY
    if yesterday < settings.start_date or not settings.output_dir.is_dir():
        return
    if not aggregate_path(settings.output_dir, yesterday).exists():
        yield DAILY_AGGREGATE, yesterday, yesterday
    for window in PARTITIONED_WINDOWS:
        open_keys = {
            period.key
            for period, summary in stored_periods(settings.output_dir, window)
            if summary.running and summary.ends_at <= now
        }
        finished = Period.of(window, yesterday)
        if (
            finished.last_day == yesterday
            and not summary_path(settings.output_dir, finished).exists()
        ):
            open_keys.add(finished.key)
        for first, last in _contiguous(window, sorted(open_keys)):
            yield summary_key(window), first, last


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
