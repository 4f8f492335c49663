"""What an instance forgets: history older than `PERFORMANCE_KEEP_RUNS_DAYS` that nothing relies on.

Of every partition the latest result stays, with the run that made it. Of that run only the log
goes, which on SQLite is a file of its own and most of what a run costs. Nothing here depends on
what stands in `dagster.yaml`, and a crash at any moment leaves work for the next call, no damage:
a run's own row goes last.

On PostgreSQL events, check results, ticks and superseded runs go in the same way; the log of a run
that stays is part of one table there, and stays too.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import sqlalchemy as db

from performance_pipeline.defs.check_history import FINISHED, latest_finished
from performance_pipeline.defs.dagster_internals import (
    BACKFILL_ID_TAG,
    IMPLICIT_ASSET_JOB_NAME,
    RUNLESS_RUN_ID,
    AssetCheckExecutionsTable,
    AssetKeyTable,
    BulkActionsFilter,
    BulkActionStatus,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
    SqlRunStorage,
    SqlScheduleStorage,
)
from performance_pipeline.defs.idle_looks import NOTHING_KEPT, purge_looks
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.superseded import (
    ASSET_KINDS,
    chunks,
    delete_runless_log,
    delete_superseded,
    stored_keys,
)
from performance_pipeline.storage.databases import empty

_UNFINISHED: Final = [status for status in dg.DagsterRunStatus if status not in FINISHED]
_BACKFILL_GOES_ON: Final = [
    BulkActionStatus.REQUESTED,
    BulkActionStatus.CANCELING,
    BulkActionStatus.FAILING,
]
_SHARD: Final = ".db"
_INDEX_SHARD: Final = "index"
# Without any event a log has 112 KB as Dagster makes it, and 20 once it was emptied.
_EMPTIED_BYTES: Final = 64 * 1024
_WAIT_SECONDS: Final = 0.2
_EVENTS: Final = SqlEventLogStorageTable.c
_CHECKS: Final = AssetCheckExecutionsTable.c


@dataclass(frozen=True)
class Limits:
    """How much one call takes on, so that nobody waits long for a database."""

    runs: int = 50
    events: int = 2000
    looks: int = 500


@dataclass(frozen=True)
class Pruned:
    """What one call has removed."""

    runs: int = 0
    logs: int = 0
    """Logs of runs that stay, and of runs that are gone already."""
    events: int = 0
    """Events and check results; SQLite's second copy of those without a run is not counted."""
    more: bool = False
    """Whether a limit was reached, so that another call is likely to find something."""

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            self.runs + other.runs, self.logs + other.logs, self.events + other.events, other.more
        )

    def __str__(self) -> str:
        return f"{self.runs} runs, {self.logs} logs of other runs, {self.events} events"


@dataclass(frozen=True)
class _Old:
    """Runs that are over for so long that they may go: altogether, or at least their logs."""

    superseded: list[str]
    needed: list[str]


def prune(
    instance: dg.DagsterInstance,
    keys: Keys,
    keep_days: int,
    now: datetime,
    limits: Limits = Limits(),
) -> Pruned:
    """Remove what of `keys` is superseded and older than `keep_days`, as far as `limits` go.

    Ticks of its sensors that came to nothing go within the hour, and so does what SQLite
    keeps a second time of what no run has made. Nothing at all happens where `keep_days` is 0, or
    the storage is none that keeps events in SQL tables.
    """
    storage = instance.event_log_storage
    if not keep_days or not isinstance(storage, SqlEventLogStorage):
        return Pruned()
    cutoff = now - timedelta(days=keep_days)
    more_looks = purge_looks(instance, keys, cutoff, now, limits.looks)
    unfinished = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    events = delete_superseded(
        storage, keys, cutoff, now, [run.run_id for run in unfinished], limits.events
    )
    second = delete_runless_log(storage, now - NOTHING_KEPT, now, limits.events)
    needed = _needed_elsewhere(instance, storage, unfinished)
    old = _old_runs(instance, storage, keys, cutoff, needed)
    superseded = old.superseded[: limits.runs]
    _delete_runs(instance, storage, superseded)
    logs = _empty_logs(instance, storage, cutoff, old, limits.runs)
    reached = (
        max(events, second) >= limits.events
        or max(len(old.superseded), logs) >= limits.runs
        or more_looks
    )
    return Pruned(len(superseded), logs, events, reached)


def _needed_elsewhere(
    instance: dg.DagsterInstance, storage: SqlEventLogStorage, unfinished: Sequence[dg.DagsterRun]
) -> set[str]:
    """Runs that something else refers to, whatever they made."""
    needed = {run.run_id for run in unfinished}
    for run in unfinished:
        # Dagster counts the retries of a run from the first one on.
        needed |= {one for one in (run.root_run_id, run.parent_run_id) if one}
    goes_on = BulkActionsFilter(statuses=_BACKFILL_GOES_ON)
    for backfill in instance.get_backfills(filters=goes_on):
        tags = {BACKFILL_ID_TAG: backfill.backfill_id}
        needed |= {*instance.get_run_ids(dg.RunsFilter(tags=tags))}
    # Where the alert sensor goes on from; and SQLite gives the id of a deleted newest row to the
    # next one, while others remember up to which id they have read.
    needed |= {record.dagster_run.run_id for record in latest_finished(instance)}
    needed |= {*instance.get_run_ids(limit=1)}
    with storage.index_connection() as connection:
        for table in (SqlEventLogStorageTable, AssetCheckExecutionsTable):
            newest = db.select(table.c.run_id).order_by(table.c.id.desc()).limit(1)
            needed |= {*connection.scalars(newest)}
        needed |= {*connection.scalars(db.select(AssetKeyTable.c.last_run_id))}
    return needed


def _old_runs(
    instance: dg.DagsterInstance,
    storage: SqlEventLogStorage,
    keys: Keys,
    cutoff: datetime,
    spared: set[str],
) -> _Old:
    """The pipeline's runs that were over before the cutoff, apart by whether any result is left."""
    over = dg.RunsFilter(statuses=FINISHED, updated_before=cutoff, job_name=IMPLICIT_ASSET_JOB_NAME)
    old = [run_id for run_id in instance.get_run_ids(over) if run_id not in spared]
    if not old:
        return _Old([], [])
    with storage.index_connection() as connection:
        known = set(connection.scalars(db.select(AssetKeyTable.c.asset_key)))
        needed = _runs_of(connection, known.intersection(stored_keys(keys)))
        # The instance may be shared with other bots and pipelines: their runs are not ours to
        # prune.
        others = _runs_of(connection, known.difference(stored_keys(keys)))
    ours = [run_id for run_id in old if run_id not in others]
    return _Old(
        superseded=[run_id for run_id in ours if run_id not in needed],
        needed=[run_id for run_id in ours if run_id in needed],
    )


def _runs_of(connection: db.Connection, keys: Collection[str]) -> set[str]:
    """The runs of which an event or a check result of one of `keys` is left."""
    made = db.select(_EVENTS.run_id).where(
        _EVENTS.asset_key.in_(keys), _EVENTS.dagster_event_type.in_(ASSET_KINDS)
    )
    checked = db.select(_CHECKS.run_id).where(_CHECKS.asset_key.in_(keys))
    return {
        *connection.scalars(made.distinct()).all(),
        *connection.scalars(checked.distinct()).all(),
    }


def _delete_runs(
    instance: dg.DagsterInstance, storage: SqlEventLogStorage, run_ids: Sequence[str]
) -> None:
    for run_id in run_ids:
        _delete_log(instance, storage, run_id)
    with storage.index_connection() as connection:
        for some in chunks(run_ids):
            connection.execute(db.delete(SqlEventLogStorageTable).where(_EVENTS.run_id.in_(some)))
    for run_id in run_ids:
        # Not the instance's: that would make the log again, to delete its events one by one.
        instance.run_storage.delete_run(run_id)


def _empty_logs(
    instance: dg.DagsterInstance,
    storage: SqlEventLogStorage,
    cutoff: datetime,
    old: _Old,
    limit: int,
) -> int:
    """Empty the logs of old runs that stay, and delete those of no run; how many there were.

    A log that is gone is made again by whoever opens the page of its run, or is an error to a web
    server that has seen it before; an empty one is neither.
    """
    if not isinstance(storage, SqliteEventLogStorage):
        return 0
    folder = _shard(storage, _INDEX_SHARD).parent
    found = {
        entry.name.removesuffix(_SHARD): entry.stat()
        for entry in os.scandir(folder)
        if entry.name.endswith(_SHARD)
    }
    full = [one for one in old.needed if one in found and found[one].st_size > _EMPTIED_BYTES]
    emptied = [run_id for run_id in full[:limit] if _empty_log(instance, storage, run_id)]
    old_files = {name for name, file in found.items() if file.st_mtime < cutoff.timestamp()}
    of_none = old_files - {_INDEX_SHARD, RUNLESS_RUN_ID, *old.needed, *old.superseded}
    # Dagster itself leaves the log of a run that is deleted in the UI.
    for some in chunks(sorted(of_none)):
        of_none.difference_update(instance.get_run_ids(dg.RunsFilter(run_ids=some)))
    for run_id in of_none:
        _delete_log(instance, storage, run_id)
    return len(emptied) + len(of_none)


def _delete_log(instance: dg.DagsterInstance, storage: SqlEventLogStorage, run_id: str) -> None:
    """What the run has said, and what its steps have printed."""
    assert run_id != RUNLESS_RUN_ID
    if isinstance(storage, SqliteEventLogStorage):
        shard = _shard(storage, run_id)
        for path in (shard, Path(f"{shard}-wal"), Path(f"{shard}-shm")):
            path.unlink(missing_ok=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def _empty_log(instance: dg.DagsterInstance, storage: SqliteEventLogStorage, run_id: str) -> bool:
    """The same for a run that stays; False while somebody reads its log, which the next call may
    find at rest.
    """
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    try:
        empty(_shard(storage, run_id), SqlEventLogStorageTable.name, _WAIT_SECONDS)
    except sqlite3.OperationalError:
        return False
    return True


def _shard(storage: SqliteEventLogStorage, name: str) -> Path:
    return Path(storage.path_for_shard(name))


def sqlite_files(instance: dg.DagsterInstance) -> Iterator[Path]:
    """The databases that grow with the instance's history, where they are SQLite's."""
    events, ticks = instance.event_log_storage, instance.schedule_storage
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as connection:
            yield from _file(connection)
    if isinstance(events, SqliteEventLogStorage):
        yield _shard(events, RUNLESS_RUN_ID)
    if isinstance(instance.run_storage, SqlRunStorage):
        with instance.run_storage.connect() as connection:
            yield from _file(connection)
    if isinstance(ticks, SqlScheduleStorage):
        with ticks.connect() as connection:
            yield from _file(connection)


def _file(connection: db.Connection) -> Iterator[Path]:
    if connection.dialect.name == "sqlite":
        for _, _, path in connection.exec_driver_sql("PRAGMA database_list"):
            if path:
                yield Path(path)
