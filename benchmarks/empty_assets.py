"""The floor of a backfill: the pipeline's assets and checks with nothing in them.

As many partitions, materializations and check evaluations are stored, each with its metadata
left out: what remains is what Dagster itself takes.
"""

import warnings
from collections.abc import Iterator

import dagster as dg

from performance_pipeline.defs.partitions import Partitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS


def empty_definitions(runtime: Runtime) -> dg.Definitions:
    keys, partitions = runtime.keys, Partitions.of(runtime.settings)
    layers = {
        keys.daily_aggregate: partitions.daily,
        **{keys.summary(window): partitions.for_window(window) for window in PARTITIONED_WINDOWS},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.Definitions(
            assets=[_empty_asset(key, days) for key, days in layers.items()],
            asset_checks=[
                _empty_check(dg.AssetCheckKey(key, name), layers[key])
                for key, name in keys.checks.items()
            ],
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
    key: dg.AssetCheckKey, partitions: dg.TimeWindowPartitionsDefinition
) -> dg.AssetChecksDefinition:
    @dg.asset_check(  # type: ignore[arg-type]
        asset=key.asset_key, name=key.name, partitions_def=partitions
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for partition in context.op_execution_context.partition_keys:
            yield dg.AssetCheckEvaluation(
                asset_key=key.asset_key, check_name=key.name, passed=True, partition=partition
            )
        yield dg.Output(None)

    return check
