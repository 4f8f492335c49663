"""The floor of a backfill: the pipeline's assets and checks with nothing in them.

As many partitions, materializations and check evaluations are stored, each with its metadata
left out: what remains is what Dagster itself takes.
"""

import warnings
from collections.abc import Iterator
from datetime import date

import dagster as dg

from benchmarks.data import LAST_DAY
from performance_pipeline.defs.backfill import layers
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.partitions import Partitions, range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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


def run_layers(
    definitions: dg.Definitions, instance: dg.DagsterInstance, first: date, last: date = LAST_DAY
) -> None:
    """What a backfill of the days from `first` to `last` runs, with nothing in it."""
    job = definitions.resolve_implicit_global_asset_job_def()
    for layer in layers(Keys(), first, last):
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[layer.asset_key],
            tags=range_tags(layer.first, layer.last),
            run_config=_QUIET,
        )
        assert result.success


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
