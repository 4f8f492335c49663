"""Dagster instances on SQLite, as the shipped one is, without the second that making one takes.

Not the ephemeral instance: it reads its events in other ways.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.root import LocalArtifactStorage
from sqlalchemy import Engine

import performance_pipeline_tests.support.quick_databases  # noqa: F401
from performance_pipeline.defs.sqlite_storage import PooledInstance


class QuickStorage(LocalArtifactStorage):
    """Named in the dagster.yaml of a home, it makes every process quick that opens the instance."""


# Stored as shipped; but no process of its own for what every step prints.
_QUIET: Final = {
    "telemetry": {"enabled": False},
    "instance_class": {
        "module": PooledInstance.__module__,
        "class": PooledInstance.__name__,
    },
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


_make_log: Any = SqliteEventLogStorage._initdb
_empty_logs: list[bytes] = []


def _copy_log(storage: Any, engine: Engine, for_index_shard: bool = False) -> None:
    """In place of making the log of a run, a database of its own: all begin as the same bytes."""
    path = Path(engine.url.database or "")
    if for_index_shard or path.exists():
        _make_log(storage, engine, for_index_shard)
    elif _empty_logs:
        new = path.with_suffix(f".{uuid4()}")
        new.write_bytes(_empty_logs[0])
        try:
            # Whole or not at all, and never over one that another process has made.
            os.link(new, path)
        except FileExistsError:
            _make_log(storage, engine, for_index_shard)
        finally:
            new.unlink()
    else:
        _make_log(storage, engine, for_index_shard)
        # Reading a file takes away the locks of connections to it in the same process.
        engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _empty_logs.append(path.read_bytes())


setattr(SqliteEventLogStorage, "_initdb", _copy_log)  # noqa: B010
