"""The floor of a backfill: the pipeline's assets and checks with nothing in them.

As many partitions, materializations and check evaluations are stored, each with its metadata
left out: what remains is what Dagster itself takes.
"""

import warnings
from collections.abc import Iterator

import dagster as dg

from performance_pipeline.defs.keys import CHECKS, DAILY_AGGREGATE, summary_key
from performance_pipeline.defs.partitions import Partitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS


def empty_definitions(runtime: Runtime) -> dg.Definitions:
    partitions = Partitions.of(runtime.settings)
    layers = {
        DAILY_AGGREGATE: partitions.daily,
        **{summary_key(window): partitions.for_window(window) for window in PARTITIONED_WINDOWS},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.Definitions(
            assets=[_empty_asset(key, days) for key, days in layers.items()],
            asset_checks=[_empty_check(key, days) for key, days in layers.items()],
            executor=dg.in_process_executor,
        )


def _empty_asset(
    key: dg.AssetKey, partitions: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    @dg.asset(key=key, partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def empty() -> None:
        pass

    return empty


def _empty_check(
    key: dg.AssetKey, partitions: dg.TimeWindowPartitionsDefinition
) -> dg.AssetChecksDefinition:
    @dg.asset_check(  # type: ignore[arg-type]
        asset=key, name=CHECKS[key], partitions_def=partitions
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for partition in context.op_execution_context.partition_keys:
            yield dg.AssetCheckEvaluation(
                asset_key=key, check_name=CHECKS[key], passed=True, partition=partition
            )
        yield dg.Output(None)

    return check
