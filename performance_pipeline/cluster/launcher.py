"""The run launcher of a cluster: Dagster's own for Celery, which also knows of killed workers."""

import math
import time
from typing import Any, Final

import dagster as dg
from celery.exceptions import CeleryError
from dagster_celery.launcher import CeleryRunLauncher
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from performance_pipeline.defs.dagster_internals import (
    WILL_RETRY_TAG,
    CheckRunHealthResult,
    DagsterUserCodeUnreachableError,
    WorkerStatus,
)

MISSES: Final = 3
"""How many looks in a row must not find a run before it counts as gone: an answer may be late."""
ANSWER_SECONDS: Final = 2.0
CODE_SERVER_SECONDS: Final = 90
"""How long after its code server was away a run is not failed: the daemon, which retries it, takes
up to a minute to know that the server is back, and a retry that finds none is lost."""


class WatchedCeleryRunLauncher(CeleryRunLauncher):
    """Named in `dagster.yaml`; run monitoring then fails a run whose worker died, and retries it.

    What Dagster's own asks is the store of results, where the task of a killed worker stays
    "started" for ever. This one asks the workers what they are doing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missed: dict[str, int] = {}
        self._was_away = -math.inf

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING, also where nothing can be known; FAILED when no worker executes the run."""
        missed = self._missed
        if self._is_executed(run.run_id) is not False:
            missed.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        missed[run.run_id] = missed.get(run.run_id, 0) + 1
        if missed[run.run_id] < MISSES or not self._can_be_retried(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        del missed[run.run_id]
        if self._instance.run_retries_enabled:
            # Dagster says so too, but only after it has failed the run; a backfill that looks in
            # between gives the run's partitions up, and then it is not retried.
            self._instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true"})
        return CheckRunHealthResult(WorkerStatus.FAILED, "no worker executes the run any more")

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,  # noqa: ARG002
        include_container_logs: bool | None = True,  # noqa: ARG002
    ) -> str | None:
        """Nothing: what Dagster's own tells takes a tag, which a killed daemon may not have set."""
        return None

    def _is_executed(self, run_id: str) -> bool | None:
        """Whether a worker executes the run; None where the broker cannot be asked."""
        try:
            answers: dict[str, list[dict[str, object]]] = (
                self.celery.control.inspect(timeout=ANSWER_SECONDS).active() or {}
            )
        except (CeleryError, KombuError, RedisError, OSError):
            return None
        # By what the task was given, not by its id: a daemon that was killed while it launched
        # the run has not noted that.
        return any(run_id in str(task["kwargs"]) for tasks in answers.values() for task in tasks)

    def _can_be_retried(self, run: dg.DagsterRun) -> bool:
        """Whether the code server is there, and has been for long enough."""
        origin = run.remote_job_origin
        if origin is None:
            return True
        now = time.monotonic()
        try:
            origin.repository_origin.code_location_origin.create_client().ping("")  # type: ignore[attr-defined]
        except DagsterUserCodeUnreachableError:
            self._was_away = now
            return False
        return now - self._was_away >= CODE_SERVER_SECONDS
