"""The assets: trade logs, one aggregate a day, one summary asset a window, and the report.

An asset body reads, makes one pure call, publishes, and returns metadata. Every partitioned asset
takes any contiguous range of its partitions in one run.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial

import dagster as dg

from performance_pipeline.defs.automation import Condition
from performance_pipeline.defs.check_results import CheckResult, evaluate_log, evaluate_targets
from performance_pipeline.defs.keys import OWNERS
from performance_pipeline.defs.lost_logs import requiring_logs
from performance_pipeline.defs.materializing import (
    materialize_each,
    materialize_reached,
    reached_in_run,
)
from performance_pipeline.defs.metadata import (
    Metadata,
    aggregate_metadata,
    report_metadata,
    summary_metadata,
)
from performance_pipeline.defs.partitions import (
    Partitions,
    days_of_window,
    partition_days,
    touched_keys,
)
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.aggregate import Quality
from performance_pipeline.domain.quality import rejections_in_words
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.looks import Looks
from performance_pipeline.pipeline.publishing import expect_periods, publish_period
from performance_pipeline.pipeline.report import (
    REPORT_NAME,
    default_period,
    load_report,
    write_report,
)
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.aggregates import Day
from performance_pipeline.storage.day_files import AGGREGATES_FOLDER
from performance_pipeline.storage.kept_records import FILLS_FOLDER
from performance_pipeline.storage.sessions import keep_sessions
from performance_pipeline.storage.store import OverwrittenError

_DESCRIPTIONS = {
    Window.DAILY: (
        "One trading day's performance: metrics, verdicts on the targets and data quality. Says"
        " how the day went; while it runs, only its drawdown is judged."
    ),
    Window.WEEKLY: (
        "One week's performance, Monday to Sunday, recombined exactly from its days. Says whether"
        " the strategy mix earns what it should, beyond one day's luck."
    ),
    Window.MONTHLY: (
        "One calendar month's performance, recombined exactly from its days: the figures that are"
        " reported and compared month by month."
    ),
    Window.ROLLING: (
        "The last N closed trades up to the end of a day, whatever days they fell on. The earliest"
        " sign that an edge is fading: it is judged while the day runs."
    ),
}


def daily_aggregate_asset(
    runtime: Runtime, partitions: Partitions, condition: Condition
) -> dg.AssetsDefinition:
    keys = runtime.keys

    @dg.asset(
        key=keys.daily_aggregate,
        deps=[keys.trade_log],
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        retry_policy=runtime.retry_policy,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"python", "json"},
        description=(
            "One trading day reduced to a small aggregate that merges exactly: counts, sums,"
            " streaks, drawdown, open orders or positions, and the last N trades. Every summary is"
            " made of these alone; its metadata says how clean the day's log was, and where fills"
            " are paired what was held at the day's end."
        ),
    )
    def daily_aggregate(context: dg.AssetExecutionContext) -> None:
        with requiring_logs(runtime, context), Looks(runtime.settings, runtime.clock) as looks:
            _aggregate_days(runtime, looks, context)

    return daily_aggregate


def _aggregate_days(runtime: Runtime, looks: Looks, context: dg.AssetExecutionContext) -> None:
    looks.tracker.store.output.tidy((AGGREGATES_FOLDER, FILLS_FOLDER))
    looks.made(_keep_sessions)
    looks.tracker.store.expect(partition_days(list(context.partition_keys)))
    found: dict[date, Quality] = {}

    def refresh(day: date) -> Metadata:
        refreshed = looks.made(lambda tracker: tracker.store.refresh(day))
        found[day] = refreshed.aggregate.quality
        return described(refreshed)

    def described(day: Day) -> Metadata:
        return aggregate_metadata(day, looks.tracker.store.path(day.date), runtime.settings)

    def reached() -> Iterator[Day]:
        try:
            yield from looks.tracker.store.refresh_reached()
        except OverwrittenError:
            looks.again()
            for day in found:
                refresh(day)
            yield from reached()

    def evaluate(day: date) -> CheckResult:
        return evaluate_log(looks.tracker.day(day))

    try:
        outdated = partial(looks.outdated_keys, Window.DAILY)
        materialize_each(context, runtime.keys.log_is_clean, refresh, evaluate, outdated)
        recorded = ((day.date, described(day)) for day in reached())
        materialize_reached(context, runtime.keys.log_is_clean, recorded, evaluate)
        looks.tracker.store.look_back()
    finally:
        looks.tracker.store.save_index()
        for sentence in rejections_in_words(list(found.items())):
            context.log.warning(sentence)


def _keep_sessions(tracker: PerformanceTracker) -> None:
    keep_sessions(tracker.settings, tracker.today, tracker.store.output)


def summary_asset(
    runtime: Runtime,
    partitions: Partitions,
    window: Window,
    condition: Condition,
    freshness: dg.FreshnessPolicy,
) -> dg.AssetsDefinition:
    keys = runtime.keys

    @dg.asset(
        key=keys.summary(window),
        deps=[
            dg.AssetDep(keys.daily_aggregate, partition_mapping=days_of_window(window)),
            keys.performance_targets,
        ],
        partitions_def=partitions.for_window(window),
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        retry_policy=runtime.retry_policy,
        freshness_policy=freshness,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"python", "json", "markdown"},
        description=_DESCRIPTIONS[window],
    )
    def summary(context: dg.AssetExecutionContext) -> None:
        with requiring_logs(runtime, context), Looks(runtime.settings, runtime.clock) as looks:
            _summarize_periods(runtime, looks, window, context)

    return summary


def _summarize_periods(
    runtime: Runtime, looks: Looks, window: Window, context: dg.AssetExecutionContext
) -> None:
    if window is Window.DAILY:
        # A day that is closed has no run of its aggregate, and the log sensor does not ask anew.
        looks.made(_keep_sessions)
    tracker, check = looks.tracker, runtime.keys.meets_targets(window)
    days = partition_days(list(context.partition_keys))
    expect_periods(tracker, [Period.of(window, day) for day in days])
    for error in tracker.targets.errors:
        context.log.error(error)
    for warning in tracker.target_warnings:
        context.log.warning(warning)

    def write(day: date) -> Metadata:
        period = Period.of(window, day)
        published = looks.made(lambda tracker: publish_period(tracker, period))
        if published.restated is not None:
            context.log.warning(f"{window} {day} restated: {published.restated}")
        return summary_metadata(published)

    def evaluate(day: date) -> CheckResult:
        return evaluate_targets(looks.tracker.store.output, Period.of(window, day))

    materialize_each(context, check, write, evaluate, partial(looks.outdated_keys, window))
    days = reached_in_run(context, runtime.keys.daily_aggregate)
    keys = touched_keys(window, days, tracker.today)
    others = [key for key in keys if key.isoformat() not in context.partition_keys]
    materialize_reached(context, check, ((key, write(key)) for key in others), evaluate)


def performance_report_asset(runtime: Runtime, condition: Condition) -> dg.AssetsDefinition:
    keys = runtime.keys
    reported = (keys.daily_aggregate, keys.summary(Window.WEEKLY), keys.summary(Window.MONTHLY))

    @dg.asset(
        key=keys.performance_report,
        deps=[
            *(dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping()) for key in reported),
            keys.performance_alerts,
        ],
        automation_condition=condition,
        retry_policy=runtime.retry_policy,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"python", "html"},
        description=(
            "One HTML page over the last year: headline figures, equity, calendar, weeks and"
            " months against their targets, breakdowns, alerts and data quality. Opens offline."
        ),
    )
    def performance_report(context: dg.AssetExecutionContext) -> None:
        with requiring_logs(runtime, context):
            tracker = runtime.tracker()
        path = runtime.settings.output_dir / REPORT_NAME
        report = load_report(tracker, default_period(tracker))
        size = write_report(path, report)
        context.add_output_metadata(report_metadata(report, path, size))

    return performance_report
