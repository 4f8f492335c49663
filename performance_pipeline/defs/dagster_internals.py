"""Everything that the package takes from Dagster's private modules, and why.

A private name may move in any release, which is why the Dagster version is bounded. When one of
these becomes public, or moves, this is the only place to change; nothing else in the package
imports from `dagster._core`, `dagster._grpc` or `dagster._serdes`, and a test holds that.
"""

# A check evaluation that does not name the materialization it looked at shows as not current in
# the UI, and `dg.AssetCheckEvaluation` takes it as this type alone. Replaced by: a public name
# for the type, or a check result that Dagster ties to the materialization of each partition.
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

# The schedule asks for runs of single assets with differing partitions, which only Dagster's own
# job of all assets takes; a schedule names its job before there is one. Replaced by:
# `dg.RunRequest` without a job, as sensors can, or `dg.define_asset_job` over mixed partitions.
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME

# What the launcher hears when the code server of a run is gone.
from dagster._core.errors import DagsterUserCodeUnreachableError

# The history of a check can be asked for one partition only with this filter. Replaced by: a
# public call on `dg.DagsterInstance` for the latest evaluation of each partition of a check.
from dagster._core.event_api import PartitionKeyFilter

# Pruning: what nothing relies on any more is deleted row by row, and `dg.DagsterInstance` deletes
# whole runs only, with results that still count. Replaced by: a retention of runs and events in
# Dagster itself, as there is one of ticks. The backfills are asked for by state, so that no run of
# one that goes on is touched.
from dagster._core.events import ASSET_EVENTS
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

# What an instance is made of where its `dagster.yaml` does not say: for the class of ours that is
# named there, of whose storage the path of the home is part. Replaced by: kept connections in
# Dagster's SQLite storage, for which the classes of it below are taken too.
from dagster._core.instance.ref import InstanceRef

# The id under which events are stored that no run made. Replaced by: the same as for pruning, and
# `report_runless_asset_event` taking a second evaluation of a check and partition.
from dagster._core.instance.utils import RUNLESS_RUN_ID

# What `RunLauncher.check_run_worker_health` returns. The method is meant to be overridden, and
# `dg.DefaultRunLauncher` is public; its result is not. Replaced by: public names for these two.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Whether the automation sensor has looked yet is read from its state, and states are asked for
# by type. Replaced by: a public call for the state of one sensor.
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType, TickStatus

# What the history of a check is made of. Replaced by: the same call as for the filter above.
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

# The tables that pruning deletes from, and the storage that connects to them; `index_connection`
# is the way to the tables that hold the events of all runs, on SQLite and on PostgreSQL.
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)

# Where ticks have logged, a file each, of which Dagster removes none. Replaced by: a retention of
# ticks that takes their logs along.
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

# The tags that make a run one over a range of partitions, and the one that says that a failed run
# will be run again. Replaced by: a range in `dg.RunRequest` (it takes one partition key), and
# public names for the tags.
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    BACKFILL_ID_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)

# The launcher asks the code server whether it still executes a run. Replaced by: a health check
# in `dg.DefaultRunLauncher` itself, which reports nothing today.
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import ConfigurableClassData

__all__ = [
    "ASSET_EVENTS",
    "ASSET_PARTITION_RANGE_END_TAG",
    "ASSET_PARTITION_RANGE_START_TAG",
    "BACKFILL_ID_TAG",
    "IMPLICIT_ASSET_JOB_NAME",
    "INDEX_SHARD_NAME",
    "PARTITION_NAME_TAG",
    "RUNLESS_RUN_ID",
    "SQLITE_BUSY_TIMEOUT_SECONDS",
    "WILL_RETRY_TAG",
    "AssetCheckEvaluationTargetMaterializationData",
    "AssetCheckExecutionRecord",
    "AssetCheckExecutionRecordStatus",
    "AssetCheckExecutionsTable",
    "AssetDaemonAssetEvaluationsTable",
    "AssetEventTagsTable",
    "AssetKeyTable",
    "BulkActionStatus",
    "BulkActionsFilter",
    "CanCancelExecutionRequest",
    "CanCancelExecutionResult",
    "CheckRunHealthResult",
    "ConfigurableClassData",
    "DagsterGrpcClient",
    "DagsterSqliteStorage",
    "DagsterUserCodeUnreachableError",
    "InstanceRef",
    "InstigatorState",
    "InstigatorType",
    "LocalComputeLogManager",
    "PartitionKeyFilter",
    "SqlEventLogStorage",
    "SqlEventLogStorageTable",
    "SqlRunStorage",
    "SqlScheduleStorage",
    "SqliteEventLogStorage",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
    "TickStatus",
    "WorkerStatus",
]
