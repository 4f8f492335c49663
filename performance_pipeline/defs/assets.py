"""The assets: trade logs, one aggregate a day, and one summary asset a window.

An asset body reads, makes one pure call, writes, and returns metadata. Every asset takes any
contiguous range of its partitions in one run.
"""

from collections.abc import Callable, Mapping
from datetime import date

import dagster as dg

from performance_pipeline.defs.automation import Condition
from performance_pipeline.defs.check_results import (
    CheckResult,
    check_evaluations,
    evaluate_log,
    evaluate_targets,
)
from performance_pipeline.defs.keys import (
    DAILY_AGGREGATE,
    GROUP,
    OWNERS,
    PERFORMANCE_TARGETS,
    TRADE_LOG,
    summary_key,
)
from performance_pipeline.defs.metadata import Metadata, aggregate_metadata, summary_metadata
from performance_pipeline.defs.partitions import Partitions, days_of_window, partition_days
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.restatement import restatement
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.reports.equity_thumbnail import equity_steps
from performance_pipeline.storage.aggregates import Day
from performance_pipeline.storage.files import remove_leftovers
from performance_pipeline.storage.logs import UnreadableLogError
from performance_pipeline.storage.sessions import keep_sessions
from performance_pipeline.storage.summaries import load_summary, summary_path, write_summary

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

_PROGRESS_EVERY = 50


def trade_log_spec(partitions: Partitions) -> dg.AssetSpec:
    return dg.AssetSpec(
        TRADE_LOG,
        partitions_def=partitions.daily,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"json"},
        description=(
            "The trade logs that the bot appends to, one JSON object a fill or exit. A partition is"
            " one trading day: the lines of the UTC-dated log files that overlap it."
        ),
    )


def performance_targets_spec() -> dg.AssetSpec:
    return dg.AssetSpec(
        PERFORMANCE_TARGETS,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"yaml"},
        description=(
            "The operator's targets file, shared with the bot's dashboard: what counts as good"
            " enough. Verdicts and alerts are judged by it."
        ),
    )


def daily_aggregate_asset(
    runtime: Runtime, partitions: Partitions, condition: Condition
) -> dg.AssetsDefinition:
    @dg.asset(
        key=DAILY_AGGREGATE,
        deps=[TRADE_LOG],
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "json"},
        description=(
            "One trading day reduced to a small aggregate that merges exactly: counts, sums,"
            " streaks, drawdown, open orders and the last N trades. Every summary is made of these"
            " alone; its metadata says how clean the day's log was."
        ),
    )
    def daily_aggregate(context: dg.AssetExecutionContext) -> None:
        tracker = runtime.tracker()
        folder = runtime.settings.output_dir
        remove_leftovers(folder)
        remove_leftovers(folder / "aggregates")
        keep_sessions(runtime.settings, tracker.today)

        def refresh(day: date) -> Metadata:
            refreshed = tracker.store.refresh(day)
            _warn_of_rejected_lines(context, refreshed)
            return aggregate_metadata(refreshed, tracker.store.path(day))

        try:
            _materialize_each(context, refresh, lambda day: evaluate_log(tracker.day(day)))
        finally:
            tracker.store.save_index()

    return daily_aggregate


def summary_asset(
    runtime: Runtime,
    partitions: Partitions,
    window: Window,
    condition: Condition,
    freshness: dg.FreshnessPolicy,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=summary_key(window),
        deps=[
            dg.AssetDep(DAILY_AGGREGATE, partition_mapping=days_of_window(window)),
            PERFORMANCE_TARGETS,
        ],
        partitions_def=partitions.for_window(window),
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        freshness_policy=freshness,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "json", "markdown"},
        description=_DESCRIPTIONS[window],
    )
    def summary(context: dg.AssetExecutionContext) -> None:
        tracker = runtime.tracker()
        folder = runtime.settings.output_dir
        for error in tracker.targets.errors:
            context.log.error(error)
        for warning in tracker.targets.warnings:
            context.log.warning(warning)

        def write(day: date) -> Metadata:
            period = Period.of(window, day)
            path = summary_path(folder, period)
            aggregate = tracker.aggregate(period)
            summary = tracker.summarize(period, aggregate)
            restated = restatement(load_summary(folder, period), summary)
            if restated is not None:
                causes = ", ".join(tracker.logs_changed_since(period, path)) or "settings"
                restated = f"{restated} (changed since: {causes})"
                context.log.warning(f"{window} {day} restated: {restated}")
            written = write_summary(folder, period, summary)
            return summary_metadata(written, path, equity_steps(window, aggregate), restated)

        _materialize_each(
            context, write, lambda day: evaluate_targets(folder, Period.of(window, day))
        )

    return summary


def _materialize_each(
    context: dg.AssetExecutionContext,
    materialize: Callable[[date], Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Materialize every partition of the run, each with its own metadata.

    A partition that needs a log which cannot be read does not keep the others from being done:
    they are recorded and checked, and then the run fails, naming the partition and the log.
    """
    days = partition_days(list(context.partition_keys))
    done: dict[date, Metadata] = {}
    failed: dict[date, UnreadableLogError] = {}
    for count, day in enumerate(days, start=1):
        try:
            done[day] = materialize(day)
        except UnreadableLogError as error:
            failed[day] = error
        if count % _PROGRESS_EVERY == 0:
            context.log.info(f"{count} of {len(days)} partitions written")
    if not failed:
        for day, metadata in done.items():
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        return
    _record(context, done, evaluate)
    reasons = "; ".join(f"{day}: {error}" for day, error in failed.items())
    raise dg.Failure(f"{len(failed)} of {len(days)} partitions failed: {reasons}")


def _record(
    context: dg.AssetExecutionContext,
    done: Mapping[date, Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Record the partitions of a run that is about to fail, whose checks Dagster will skip."""
    for day, metadata in done.items():
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=metadata)
        )
    for evaluation in check_evaluations(context.instance, context.asset_key, list(done), evaluate):
        dg.DagsterEvent.asset_check_evaluation(context.get_step_execution_context(), evaluation)


def _warn_of_rejected_lines(context: dg.AssetExecutionContext, day: Day) -> None:
    quality = day.aggregate.quality
    if quality.rejected:
        lines = [f"{line.file}:{line.line}: {line.reason}" for line in quality.rejected_lines]
        more = quality.rejected - len(lines)
        context.log.warning(
            "\n".join(
                [
                    f"{day.date}: {quality.rejected} rejected lines",
                    *lines,
                    *([f"and {more} more"] if more else []),
                ]
            )
        )
