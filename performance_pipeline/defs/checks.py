"""Asset checks: one evaluation a partition, also in a run of many, and never blocking."""

from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg

from performance_pipeline.defs.check_results import Evaluations, Judgement, judge_log, judge_targets
from performance_pipeline.defs.keys import CHECKS, DAILY_AGGREGATE, summary_key
from performance_pipeline.defs.partitions import Partitions, partition_days
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import Period, Window


def log_is_clean_check(runtime: Runtime, partitions: Partitions) -> dg.AssetChecksDefinition:
    def judges() -> Callable[[date], Judgement]:
        tracker = runtime.tracker()
        return lambda day: judge_log(tracker.day(day))

    return _check(
        DAILY_AGGREGATE,
        partitions.daily,
        "No line was rejected, misdated, or labelled against its own P&L.",
        judges,
    )


def meets_targets_check(
    runtime: Runtime, partitions: Partitions, window: Window
) -> dg.AssetChecksDefinition:
    folder = runtime.settings.output_dir
    return _check(
        summary_key(window),
        partitions.for_window(window),
        "No target of the summary is breached; what is judged is its stored verdicts.",
        lambda: lambda day: judge_targets(folder, Period.of(window, day)),
    )


def _check(
    asset_key: dg.AssetKey,
    partitions_def: dg.PartitionsDefinition[str],
    description: str,
    judges: Callable[[], Callable[[date], Judgement]],
) -> dg.AssetChecksDefinition:
    """The check that `asset_key` carries; `judges` gives what judges the days of one run."""

    # Annotated for one result; a check of a range has to yield one evaluation a partition.
    @dg.asset_check(  # type: ignore[arg-type]
        asset=asset_key,
        name=CHECKS[asset_key],
        partitions_def=partitions_def,
        description=description,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        keys = list(context.op_execution_context.partition_keys)
        evaluation = Evaluations(context.instance, asset_key, keys)
        judge = judges()
        for day in partition_days(keys):
            yield evaluation(day.isoformat(), judge(day))
        yield dg.Output(None)

    return check
