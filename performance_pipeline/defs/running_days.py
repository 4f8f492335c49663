"""The running day, made by the log sensor itself: fresh files and alerts in seconds, without a run.

A run takes seconds, and 170 KB of the instance; making the aggregate and the summaries of one day
takes some 50 ms. So a log that grows starts no run. The sensor writes the files, and reports to
Dagster what a run would have: at once when a check says something new, else every few minutes,
because what is reported is kept. Whatever else changes goes the way of automation.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final

import dagster as dg
import msgspec

from performance_pipeline.defs.alert_sensor import told_of_alerts
from performance_pipeline.defs.automation import is_turned_off
from performance_pipeline.defs.check_history import UNFINISHED, latest_evaluation
from performance_pipeline.defs.check_results import (
    CheckResult,
    check_evaluations,
    evaluate_log,
    evaluate_summary,
)
from performance_pipeline.defs.external_assets import reported_logs
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.metadata import (
    VERDICTS,
    Metadata,
    aggregate_metadata,
    summary_metadata,
)
from performance_pipeline.defs.partitions import touched_keys
from performance_pipeline.defs.runless_evaluations import report_evaluations
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.domain.windows import (
    PARTITIONED_WINDOWS,
    Period,
    Window,
    trading_day,
    trading_days_of,
)
from performance_pipeline.pipeline.looks import Looks
from performance_pipeline.pipeline.publishing import Published, publish_period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.storage.aggregates import Day
from performance_pipeline.storage.day_files import aggregate_name
from performance_pipeline.storage.files import unwritable_error
from performance_pipeline.storage.log_changes import Watch
from performance_pipeline.storage.logs import UnreadableLogError
from performance_pipeline.storage.sessions import keep_missing_sessions

REPORT_SECONDS: Final = 900
"""How long Dagster may not know of what was made, as long as no check says anything new."""


@dataclass(frozen=True)
class RunningDays:
    """The running days as they were just made, and every period that holds one of them."""

    days: Sequence[Day]
    periods: Sequence[tuple[Period, Published]]


@dataclass(frozen=True)
class TakenUp:
    """What making the running days in a tick came to."""

    watch: Watch
    left: Mapping[date, str]
    """The data versions of the changed days that are left to automation."""
    alerts: Sequence[dg.AssetMaterialization] = ()
    said: str = "No log has changed."


def is_for_the_sensor(
    settings: Settings, changed: Collection[date], watch: Watch, now: datetime
) -> bool:
    """Whether running days alone have changed, or have long been made without telling Dagster."""
    if not changed and not _is_overdue(watch, now):
        return False
    return {*changed} <= {*running_days(settings, now)}


def take_up_running_days(
    runtime: Runtime,
    context: dg.SensorEvaluationContext,
    changed: Mapping[date, str],
    watch: Watch,
) -> TakenUp:
    """Make the running days, report them if that is due, and raise what they call for."""
    instance, settings, now = instance_of(context), runtime.settings, runtime.clock()
    days = running_days(settings, now)
    try:
        made = make_running_days(runtime, days)
    except UnreadableLogError as error:
        # Reported like any other change, it fails its own day's run by name.
        context.log.warning(str(error))
        return TakenUp(watch, changed)
    if _is_overdue(watch, now) or says_anew(instance, runtime.keys, made):
        report_running_days(instance, settings, made, watch)
        watch = msgspec.structs.replace(watch, unreported=(), unreported_since=0)
    else:
        since = watch.unreported_since or int(now.timestamp())
        watch = msgspec.structs.replace(watch, unreported=tuple(days), unreported_since=since)
    alerts: Sequence[dg.AssetMaterialization] = ()
    if not is_turned_off(instance, runtime.keys.alert_sensor):
        # Also where nothing was reported: the last tick may have been killed in between.
        partitions = {(period.window, period.key.isoformat()) for period, _ in made.periods}
        alerts = told_of_alerts(runtime, context, partitions)
    return TakenUp(watch, {}, alerts, f"The running day was made: {days[-1]}.")


def running_days(settings: Settings, now: datetime) -> list[date]:
    """The trading days that the log of the current UTC day can reach, and that have begun."""
    today = trading_day(now, settings.timezone)
    days = trading_days_of(now.date(), settings.timezone)
    return [day for day in days if settings.start_date <= day <= today]


def is_writing(instance: dg.DagsterInstance, keys: Keys) -> bool:
    """Whether a run is in progress that makes the bot's aggregates or summaries, or may do so."""
    ours = {keys.daily_aggregate, *keys.summaries}
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return any(run.asset_selection is None or run.asset_selection & ours for run in runs)


def make_running_days(runtime: Runtime, days: Sequence[date]) -> RunningDays:
    """Make and store the aggregates of `days`, and the summaries of the periods that hold them.

    Raises UnreadableLogError, and PipelineError when the output folder cannot be written to.
    """
    settings = runtime.settings
    try:
        with Looks(settings, runtime.clock) as looks:
            made = looks.made(partial(_made, days=days))
            while looks.outdated([period for period, _ in made.periods]):
                made = looks.made(partial(_made, days=days))
            return made
    except OSError as error:
        raise unwritable_error(settings.output_dir, error, settings.origins) from error


def _made(tracker: PerformanceTracker, days: Sequence[date]) -> RunningDays:
    keep_missing_sessions(tracker.settings, tracker.today, tracker.store.output)
    made = [tracker.store.refresh(day) for day in days]
    tracker.store.look_back()
    tracker.store.save_index()
    periods = [
        Period.of(window, key)
        for window in PARTITIONED_WINDOWS
        for key in touched_keys(window, days, tracker.today)
    ]
    return RunningDays(made, [(period, publish_period(tracker, period)) for period in periods])


def says_anew(instance: dg.DagsterInstance, keys: Keys, made: RunningDays) -> bool:
    """Whether a check of what was made says something else than Dagster has heard last."""
    now = [(keys.log_is_clean, day.date, evaluate_log(day)) for day in made.days]
    now += [
        (keys.meets_targets(period.window), period.key, evaluate_summary(period, published.summary))
        for period, published in made.periods
    ]
    return any(
        _said(latest_evaluation(instance, check, key.isoformat())) != _said(result)
        for check, key, result in now
    )


def report_running_days(
    instance: dg.DagsterInstance, settings: Settings, made: RunningDays, watch: Watch
) -> None:
    """Tell Dagster what was made, layer by layer, each with its checks, as a run would."""
    folder, keys = settings.output_dir, Keys(settings.bot)
    days = {day.date: day for day in made.days}
    versions = {day: watch.days[day] for day in days if day in watch.days}
    for event in reported_logs(settings, versions, watch):
        instance.report_runless_asset_event(event)
    _report_layer(
        instance,
        keys.log_is_clean,
        {
            key: aggregate_metadata(day, folder / aggregate_name(key), settings)
            for key, day in days.items()
        },
        lambda key: evaluate_log(days[key]),
    )
    for window in PARTITIONED_WINDOWS:
        published = {period.key: one for period, one in made.periods if period.window is window}
        _report_layer(
            instance,
            keys.meets_targets(window),
            {key: summary_metadata(one) for key, one in published.items()},
            partial(_evaluate, window, published),
        )


def _report_layer(
    instance: dg.DagsterInstance,
    check: dg.AssetCheckKey,
    metadata: Mapping[date, Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    for key, told in metadata.items():
        instance.report_runless_asset_event(
            dg.AssetMaterialization(check.asset_key, partition=key.isoformat(), metadata=told)
        )
    report_evaluations(instance, check_evaluations(instance, check, list(metadata), evaluate))


def _evaluate(window: Window, published: Mapping[date, Published], key: date) -> CheckResult:
    return evaluate_summary(Period.of(window, key), published[key].summary)


def _is_overdue(watch: Watch, now: datetime) -> bool:
    # A clock that was set back ends the waiting too.
    waiting = 0 <= now.timestamp() - watch.unreported_since < REPORT_SECONDS
    return bool(watch.unreported) and not waiting


def _said(check: CheckResult | dg.AssetCheckEvaluation | None) -> object:
    """What anybody acts on in what a check says: not the numbers, but what they come to."""
    if check is None:
        return None
    verdicts = check.metadata.get(VERDICTS)
    if verdicts is None:
        return check.passed
    said = msgspec.convert(verdicts.value, Evaluation, strict=False)
    return said.alert_status, [
        (one.metric, one.strategy, one.status, one.severity) for one in said.targets
    ]
