"""Asset checks: one evaluation a partition, also in a run of many, and never blocking."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import dagster as dg

from performance_pipeline.defs.check_results import (
    CheckResult,
    check_evaluations,
    evaluate_log,
    evaluate_targets,
)
from performance_pipeline.defs.partitions import Partitions, partition_days
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.storage.stores import store_at
from performance_pipeline.storage.summaries import summary_name


def log_is_clean_check(runtime: Runtime, partitions: Partitions) -> dg.AssetChecksDefinition:
    def evaluator(days: Sequence[date]) -> Callable[[date], CheckResult]:
        tracker = runtime.tracker()
        tracker.store.expect(days)
        return lambda day: evaluate_log(tracker.day(day))

    return _check(
        runtime,
        runtime.keys.log_is_clean,
        partitions.daily,
        "No line was rejected, misdated, or labelled against its own P&L.",
        evaluator,
    )


def meets_targets_check(
    runtime: Runtime, partitions: Partitions, window: Window
) -> dg.AssetChecksDefinition:
    def evaluator(days: Sequence[date]) -> Callable[[date], CheckResult]:
        output = store_at(runtime.settings.output_dir)
        output.expect(summary_name(Period.of(window, day)) for day in days)
        return lambda day: evaluate_targets(output, Period.of(window, day))

    return _check(
        runtime,
        runtime.keys.meets_targets(window),
        partitions.for_window(window),
        "No target is breached by the verdicts that the summary holds.",
        evaluator,
    )


def _check(
    runtime: Runtime,
    key: dg.AssetCheckKey,
    partitions_def: dg.PartitionsDefinition[str],
    description: str,
    evaluator: Callable[[Sequence[date]], Callable[[date], CheckResult]],
) -> dg.AssetChecksDefinition:
    """The check `key`; `evaluator` makes what evaluates the days of one run."""

    # Annotated for one result; a check of a range has to yield one evaluation a partition.
    @dg.asset_check(  # type: ignore[arg-type]
        asset=key.asset_key,
        name=key.name,
        partitions_def=partitions_def,
        description=description,
        retry_policy=runtime.retry_policy,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        days = _days_to_check(context.op_execution_context, key.asset_key, partitions_def)
        yield from check_evaluations(context.instance, key, days, evaluator(days))
        yield dg.Output(None)

    return check


def _days_to_check(
    context: dg.OpExecutionContext,
    asset_key: dg.AssetKey,
    partitions_def: dg.PartitionsDefinition[str],
) -> list[date]:
    """The partitions of the run; without one, as the UI executes checks, all that were made."""
    if context.has_partitions:
        return partition_days(list(context.partition_keys))
    made = context.instance.get_materialized_partitions(asset_key)
    return partition_days([key for key in partitions_def.get_partition_keys() if key in made])
