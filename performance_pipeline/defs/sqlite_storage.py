"""Dagster's default storage, SQLite files in the home, with connections that are kept.

Dagster's own makes an engine and a connection for every statement, which costs more than most
statements do. Here a process keeps both: to the files that all runs share, and to the log of the
run that it writes. The log of any other run is opened as Dagster opens it, for as long as it is
read, because pruning needs such a file to itself.

A kept connection is in no transaction, so it is in nobody's way: others may write and vacuum the
file. Where the file was deleted, and made anew or not, it is left for a new connection, as it is
in a forked child. But a process that keeps connections must open these files by SQLite alone, not
to copy them either: POSIX takes away all its locks on a file once it closes it anywhere.
"""

import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import dagster as dg
import sqlalchemy as db
import yaml
from sqlalchemy import event as db_events
from sqlalchemy.exc import DisconnectionError

from performance_pipeline.defs.dagster_internals import (
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    ConfigurableClassData,
    DagsterSqliteStorage,
    InstanceRef,
    SqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
)

CONNECTIONS: Final = 5
"""How many a process keeps to one file. For the threads of the web server it opens more, and closes
them at once: Dagster sets no limit either."""


class PooledInstance(dg.DagsterInstance):
    """Named in `dagster.yaml`: an instance whose storage is `PooledSqliteStorage` in its home.

    Unless `storage` is there too. To name the storage itself would need the path of the home, which
    that file does not know.
    """

    @classmethod
    def config_schema(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> dict[str, ConfigurableClassData | None]:
        storage = ConfigurableClassData(
            __name__, PooledSqliteStorage.__name__, yaml.safe_dump({"base_dir": base_dir})
        )
        return {**InstanceRef.config_defaults(base_dir), "storage": storage}


class PooledSqliteStorage(DagsterSqliteStorage):
    """Takes `base_dir`, as Dagster's own class does, and finds there what that has made."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        kept = _Engines()
        self._run_storage = _Runs(self._run_storage._conn_string, kept)
        self._schedule_storage = _Schedules(self._schedule_storage._conn_string, kept)
        self._event_log_storage = _Events(self._event_log_storage._base_dir, kept)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> "PooledSqliteStorage":
        return cls.from_local(config_value["base_dir"], inst_data)


class _Engines:
    """Those that one instance keeps, by the address of their file."""

    def __init__(self) -> None:
        self._engines: dict[str, db.Engine] = {}
        # Instances are dropped more often than they are disposed of.
        weakref.finalize(self, _disconnect, self._engines)

    def to(self, url: str) -> db.Engine:
        # Only the storage that owns the file asks, so no two threads make one at the same time.
        if url not in self._engines:
            self._engines[url] = _kept_engine(url)
        return self._engines[url]

    def forget(self, url: str) -> None:
        if (engine := self._engines.pop(url, None)) is not None:
            engine.dispose()

    def disconnect(self) -> None:
        """Close what is open; who connects once more is connected."""
        _disconnect(self._engines)


class _OneFile:
    """What a storage in a single file has in place of Dagster's own way to connect."""

    def __init__(self, conn_string: str, kept: _Engines) -> None:
        super().__init__(conn_string)  # type: ignore[call-arg]
        self._kept = kept
        self._engine = kept.to(conn_string)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._kept.disconnect()


class _Runs(_OneFile, SqliteRunStorage):
    """Runs, and backfills."""


class _Schedules(_OneFile, SqliteScheduleStorage):
    """Ticks, and states of sensors. An instance never disposes of it: the others do so for all."""


class _Events(SqliteEventLogStorage):
    """A file for the events that all runs share, called the index, and one for each run's log."""

    def __init__(self, base_dir: str, kept: _Engines) -> None:
        self._kept = kept
        self._written: str | None = None
        super().__init__(base_dir)
        self._index = kept.to(self.conn_string_for_shard(INDEX_SHARD_NAME))

    def has_table(self, table_name: str) -> bool:
        # Without the lock of `_connect`, which some who ask hold.
        with self._index.connect() as connection:
            return bool(connection.dialect.has_table(connection, table_name))

    def store_event(self, event: dg.EventLogEntry) -> None:
        with self._db_lock:
            if self._written not in (None, event.run_id):
                self._kept.forget(self.conn_string_for_shard(self._written))
            self._written = event.run_id
        super().store_event(event)
        # The web server tells its pages what is new when it sees the file of a log change, and
        # while a connection is kept, what is new stands in another file beside it.
        with suppress(FileNotFoundError):
            os.utime(self.path_for_shard(event.run_id))

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            url = self.conn_string_for_shard(shard)
            is_kept = shard in (INDEX_SHARD_NAME, self._written)
            engine = self._kept.to(url) if is_kept else _engine(url, poolclass=db.NullPool)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        super().dispose()
        self._kept.disconnect()


def _engine(url: str, **options: Any) -> db.Engine:
    return db.create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}, **options)


def _kept_engine(url: str) -> db.Engine:
    engine = _engine(url, pool_size=CONNECTIONS, max_overflow=-1)
    path = Path(str(engine.url.database))

    def remember(_: object, record: Any) -> None:
        record.info["file"] = _identity(path)

    def look(_: object, record: Any, __: object) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file by now")

    db_events.listen(engine, "connect", remember)
    db_events.listen(engine, "checkout", look)
    _LIVE.add(engine)
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    """What no other file has for as long as this one is open."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _disconnect(engines: Mapping[str, db.Engine]) -> None:
    for engine in [*engines.values()]:
        engine.dispose()


_LIVE: Final[weakref.WeakSet[db.Engine]] = weakref.WeakSet()
_OF_THE_PARENT: Final[list[db.Pool]] = []


def _leave_to_the_parent() -> None:
    """In a forked child: it must neither use nor close the connections of its parent."""
    for engine in [*_LIVE]:
        _OF_THE_PARENT.append(engine.pool)
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_to_the_parent)
