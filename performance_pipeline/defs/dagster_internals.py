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

# What `RunLauncher.check_run_worker_health` returns. The method is meant to be overridden, and
# `dg.DefaultRunLauncher` is public; its result is not. Replaced by: public names for these two.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Whether the automation sensor has looked yet is read from its state, and states are asked for
# by type. Replaced by: a public call for the state of one sensor.
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType

# What the history of a check is made of. Replaced by: the same call as for the filter above.
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

# The tags that make a run one over a range of partitions, and the one that says that a failed run
# will be run again. Replaced by: a range in `dg.RunRequest` (it takes one partition key), and
# public names for the tags.
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    WILL_RETRY_TAG,
)

# The launcher asks the code server whether it still executes a run. Replaced by: a health check
# in `dg.DefaultRunLauncher` itself, which reports nothing today.
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult

__all__ = [
    "ASSET_PARTITION_RANGE_END_TAG",
    "ASSET_PARTITION_RANGE_START_TAG",
    "IMPLICIT_ASSET_JOB_NAME",
    "WILL_RETRY_TAG",
    "AssetCheckEvaluationTargetMaterializationData",
    "AssetCheckExecutionRecord",
    "AssetCheckExecutionRecordStatus",
    "CanCancelExecutionRequest",
    "CanCancelExecutionResult",
    "CheckRunHealthResult",
    "DagsterGrpcClient",
    "DagsterUserCodeUnreachableError",
    "InstigatorState",
    "InstigatorType",
    "PartitionKeyFilter",
    "WorkerStatus",
]
