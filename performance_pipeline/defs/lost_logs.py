"""A log folder that is away: nothing takes it for a new bot's, and what it kept back is made later.

A disk that is not mounted, or a folder that was moved, takes along what the output folder in it
knows. Dagster's instance was opened before, or is elsewhere, and knows that there were logs. It
also takes a run that failed for handled, so whoever sees the logs again asks for it once more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from performance_pipeline.defs.closing import closing_runs, range_request
from performance_pipeline.defs.external_assets import reported_versions
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.partitions import partition_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.storage.log_changes import is_of_a_log
from performance_pipeline.storage.logs import LogFolderError, holds_a_log, lost_logs_error

_WAITS_FOR_LOGS: Final = "performance/waits_for_logs"
_REPEATS: Final = "performance/repeats_run"


def require_logs(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    """Raise LogFolderError where the folder holds no log, though Dagster was told of some."""
    if not holds_a_log(runtime.settings.log_dir):
        refuse_lost_logs(runtime, instance)


def refuse_lost_logs(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    """The same of a folder that is known to hold no log."""
    versions = reported_versions(instance, runtime.keys)
    days = [day for day, version in versions.items() if is_of_a_log(version)]
    if days:
        folder, origins = runtime.settings.log_dir, runtime.settings.origins
        known = f"Dagster was told of some (the newest of {max(days)})"
        raise lost_logs_error(folder, known, origins)


@contextmanager
def requiring_logs(runtime: Runtime, context: dg.AssetExecutionContext) -> Iterator[None]:
    """A run that fails here for want of the logs is one that `Missed` asks for again."""
    try:
        require_logs(runtime, context.instance)
        yield
    except LogFolderError:
        waits = {_WAITS_FOR_LOGS: runtime.keys.log_sensor}
        context.instance.add_run_tags(context.run.run_id, waits)
        raise


class Missed:
    """What has to be made once the logs are there, because they were away when it was due.

    A process remembers whether they were; one that has just started asks for runs in any case.
    """

    def __init__(self) -> None:
        self._runs = True
        self._closing = False

    @contextmanager
    def noticing(self) -> Iterator[None]:
        """A look at the folder, which may find that it is away."""
        try:
            yield
        except LogFolderError:
            self._runs = self._closing = True
            raise

    def requests(
        self, runtime: Runtime, context: dg.SensorEvaluationContext
    ) -> list[dg.RunRequest]:
        """What to ask for now that the logs are there."""
        requests = _runs_to_repeat(instance_of(context), runtime.keys) if self._runs else []
        # Asked for until they are there: a daemon may be killed before it stores the requests.
        self._runs = bool(requests)
        if self._closing:
            self._closing = False
            due = closing_runs(runtime.settings, runtime.clock())
            requests += [range_request(runtime.keys, *one) for one in due]
        return requests


def _runs_to_repeat(instance: dg.DagsterInstance, keys: Keys) -> list[dg.RunRequest]:
    failed = instance.get_runs(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE], tags={_WAITS_FOR_LOGS: keys.log_sensor}
        )
    )
    return [
        _repeated(run, keys)
        for run in reversed(failed)
        if not instance.get_runs(dg.RunsFilter(tags={_REPEATS: run.run_id}), limit=1)
    ]


def _repeated(run: dg.DagsterRun, keys: Keys) -> dg.RunRequest:
    return dg.RunRequest(
        run.run_id,
        asset_selection=[key for key in keys.made if key in (run.asset_selection or ())],
        tags={**partition_tags(run.tags), **keys.run_tags, _REPEATS: run.run_id},
    )
