"""What people and Dagster read from an instance: what pruning must leave as it is."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from performance_pipeline.defs.check_history import all_evaluated, latest_evaluations
from performance_pipeline_tests.support.runs import KEYS

_VERSION = "dagster/data_version"


def remembered(instance: dg.DagsterInstance, definitions: dg.Definitions) -> dict[str, Any]:
    """By what it is: statuses of partitions, newest results with their ids, checks, freshness."""
    graph = definitions.resolve_asset_graph()
    found: dict[str, Any] = {
        key.to_user_string(): _of_asset(instance, key, graph.get(key).partitions_def)
        for key in KEYS.assets
    }
    checks = KEYS.check_keys
    storage = instance.event_log_storage
    infos = storage.get_asset_check_partition_info(checks)
    found["checks"] = sorted(map(str, infos))
    found["latest of each check"] = {
        key: (record.id, record.status, record.partition, record.event)
        for key, record in storage.get_latest_asset_check_execution_by_key(checks).items()
    }
    found["evaluations"] = latest_evaluations(instance, KEYS, all_evaluated(instance, KEYS))
    found["freshness"] = storage.get_freshness_state_records(list(KEYS.assets))
    return found


def _of_asset(
    instance: dg.DagsterInstance, key: dg.AssetKey, partitions: dg.PartitionsDefinition[str] | None
) -> dict[str, Any]:
    storage = instance.event_log_storage
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    attempts = storage.get_latest_asset_partition_materialization_attempts_without_materializations
    records = list(instance.get_asset_records([key]))
    newest = storage.get_latest_storage_id_by_partition(key, kind)
    return {
        "partitions": sorted(storage.get_materialized_partitions(key)),
        "newest": newest,
        "metadata": _metadata(instance, key, newest.values()),
        "versions": storage.get_latest_tags_by_partition(key, kind, [_VERSION]),
        "attempts": attempts(key),
        "last": [
            (one.asset_entry.last_run_id, one.asset_entry.last_materialization_storage_id)
            for one in records
        ],
        "status": get_and_update_asset_status_cache_value(instance, key, partitions),
    }


def _metadata(
    instance: dg.DagsterInstance, key: dg.AssetKey, storage_ids: Iterable[int]
) -> dict[int, Any]:
    """Of the newest of each partition; of an asset without any, of the newest."""
    records = instance.fetch_materializations(key, limit=10_000).records
    wanted = {*storage_ids, *(record.storage_id for record in records[:1])}
    return {
        record.storage_id: (record.run_id, record.asset_materialization)
        for record in records
        if record.storage_id in wanted
    }
