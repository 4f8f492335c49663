"""Assets executed over ranges of partitions, and what their instance then remembers of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.dagster_internals import AssetCheckExecutionRecordStatus
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY, Place

MONDAY: Final = DAY - ONE_DAY
# What a run says is stored; printing all of it as well takes a tenth of its time.
QUIETLY: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
KEYS: Final = Keys()
"""The names of the only bot."""
LOG_IS_CLEAN: Final = KEYS.log_is_clean


def execute(
    logs: Place,
    instance: dg.DagsterInstance,
    asset: str,
    first: date,
    last: date,
    now: datetime = LATER,
) -> dg.ExecuteInProcessResult:
    """Materialize the partitions of `asset` from `first` to `last`, both keys, in one run."""
    return implicit_job(logs, now).execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(asset)],
        tags=range_tags(first, last),
        run_config=QUIETLY,
        raise_on_error=False,
    )


def implicit_job(logs: Place, now: datetime = LATER) -> dg.JobDefinition:
    definitions = build_definitions(Runtime(logs.settings, lambda: now))
    return definitions.resolve_implicit_global_asset_job_def()


def materialize_all(
    logs: Place, instance: dg.DagsterInstance, first: date, last: date, now: datetime = LATER
) -> None:
    """Every layer over the days from `first` to `last`, and the weeks and months they touch."""
    for asset, start, end in (
        ("daily_aggregate", first, last),
        ("daily_summary", first, last),
        ("weekly_summary", monday_of(first), monday_of(last)),
        ("monthly_summary", first.replace(day=1), last.replace(day=1)),
        ("rolling_summary", first, last),
    ):
        assert execute(logs, instance, asset, start, end, now).success


def monday_of(some_day: date) -> date:
    return some_day - timedelta(days=some_day.weekday())


class Materialization(NamedTuple):
    """One materialization as the instance remembers it."""

    partition: str | None
    storage_id: int
    run_id: str
    timestamp: float
    metadata: Mapping[str, dg.MetadataValue]


def materializations(instance: dg.DagsterInstance, asset: str) -> list[Materialization]:
    """All that were ever recorded, by partition key."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
    found = [
        Materialization(
            record.partition_key,
            record.storage_id,
            record.run_id,
            record.timestamp,
            record.asset_materialization.metadata,
        )
        for record in records
        if record.asset_materialization is not None
    ]
    return sorted(found, key=lambda one: (one.partition or "", one.storage_id))


def shown(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, Any]:
    """The values of `metadata`; of a table its rows."""
    return {
        name: [row.data for row in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in metadata.items()
    }


def recorded(instance: dg.DagsterInstance, asset: str) -> list[str | None]:
    return [one.partition for one in materializations(instance, asset)]


def evaluations(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey = LOG_IS_CLEAN
) -> list[dg.AssetCheckEvaluation]:
    """All evaluations that the instance keeps of `check`, by partition key and then in order."""
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=1000)
    records = sorted(history, key=lambda record: (record.partition or "", record.id))
    return [
        record.evaluation
        for record in records
        if record.status is not AssetCheckExecutionRecordStatus.PLANNED
        and record.evaluation is not None
    ]


def messages(instance: dg.DagsterInstance, run_id: str, level: int) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(run_id) if entry.level == level]


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""
