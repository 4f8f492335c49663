"""The run launcher: Dagster's own, which also knows when the process of a run is gone.

Without it a run whose process was killed counts as running for ever, and with one run at a time
nothing would ever run again.
"""

import os
import socket
from typing import Final

import dagster as dg

from performance_pipeline.defs.dagster_internals import (
    WILL_RETRY_TAG,
    CanCancelExecutionRequest,
    CanCancelExecutionResult,
    CheckRunHealthResult,
    DagsterGrpcClient,
    DagsterUserCodeUnreachableError,
    WorkerStatus,
)

# Dagster shows nobody the tags that begin so.
PROCESS_TAG: Final = ".dagster/performance_pipeline/process"
_FORMER_PROCESS_TAG: Final = "performance_pipeline/process"
"""Of runs that are older than this version."""


def this_process() -> str:
    """What `PROCESS_TAG` of a run says when it is executed by the process that asks."""
    return f"{socket.gethostname()}:{os.getpid()}"


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """Named in `dagster.yaml`; run monitoring then fails a run that has died, and it is retried."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING, also where nothing is known; FAILED when the run's process is gone."""
        process = run.tags.get(PROCESS_TAG) or run.tags.get(_FORMER_PROCESS_TAG)
        alive = _is_alive(process) if process else self._is_executed(run)
        if alive:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if self._instance.run_retries_enabled:
            # Dagster says so too, but only after it has failed the run; a backfill that looks in
            # between gives the run's partitions up, and then it is not retried.
            self._instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true"})
        return CheckRunHealthResult(WorkerStatus.FAILED, "the process of the run is gone")

    def _is_executed(self, run: dg.DagsterRun) -> bool:
        """Whether the code server that was given the run is there and executes it."""
        client: DagsterGrpcClient | None = self._get_grpc_client_for_termination(  # type: ignore[no-untyped-call]
            run.run_id
        )
        if client is None:
            return True
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return False
        return dg.deserialize_value(answer, CanCancelExecutionResult).can_cancel


def _is_alive(process: str) -> bool:
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Somebody else's, and alive.
    return True
