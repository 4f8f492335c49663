"""Dagster instances on SQLite, as the default one is, without the second that making one takes.

Not the ephemeral instance: it reads its events in other ways.
"""

import shutil
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.storage.root import LocalArtifactStorage

import performance_pipeline_tests.support.quick_databases  # noqa: F401


class QuickStorage(LocalArtifactStorage):
    """Named in the dagster.yaml of a home, it makes every process quick that opens the instance."""


# No process of its own for what every step prints.
_QUIET: Final = {
    "telemetry": {"enabled": False},
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
}


def instance_in(folder: Path) -> dg.DagsterInstance:
    """The instance whose home is `folder`; opened twice, it is the same instance."""
    folder.mkdir(exist_ok=True)
    return dg.DagsterInstance.local_temp(str(folder), overrides=_QUIET)


def new_home(empty_home: Path, folder: Path) -> Path:
    """Make `folder` the home of an instance in which nothing has happened, by copying one.

    Two processes that make one at the same time may break it, as may one that is killed meanwhile.
    """
    return Path(shutil.copytree(empty_home, folder))
