"""Refusing to take a log folder that holds nothing for that of a new bot.

A disk that is not mounted, or a folder that was moved, takes along what the output folder in it
knows. Dagster's instance is elsewhere, or was opened before, and knows that there were logs.
"""

import dagster as dg

from performance_pipeline.defs.external_assets import reported_versions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.storage.log_changes import is_of_a_log
from performance_pipeline.storage.logs import holds_a_log, lost_logs_error


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
