"""Dagster instances on SQLite, as the default one is, without the second that making one takes.

Not the ephemeral instance: it reads its events in other ways.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest import mock

import dagster as dg
from alembic.config import Config
from alembic.script import ScriptDirectory

# No process of its own for what every step prints.
_QUIET: Final = {
    "telemetry": {"enabled": False},
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
}


@contextmanager
def migrations_read_once() -> Iterator[None]:
    """Keep Dagster from reading its ninety migrations anew for each of its databases.

    On SQLite each run has a database of its own, and this is the better part of making one.
    """
    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def read_once(config: Config) -> ScriptDirectory:
        place_of_migrations = config.get_main_option("script_location")
        if place_of_migrations not in known:
            known[place_of_migrations] = read(config)
        return known[place_of_migrations]

    with mock.patch.object(ScriptDirectory, "from_config", read_once):
        yield


def instance_in(folder: Path) -> dg.DagsterInstance:
    """The instance whose home is `folder`; opened twice, it is the same instance."""
    folder.mkdir(exist_ok=True)
    return dg.DagsterInstance.local_temp(str(folder), overrides=_QUIET)


def new_home(empty_home: Path, folder: Path) -> Path:
    """Make `folder` the home of an instance in which nothing has happened, by copying one."""
    return Path(shutil.copytree(empty_home, folder))
