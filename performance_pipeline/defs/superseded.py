"""Events and check results that later ones have taken the place of: finding and deleting them.

What counts is how things stood at one moment, the cutoff. Of each asset and partition the newest
row before it stays, and everything after it. So whoever looks back from any moment since then
finds what was there: the latest result and its data version, a cursor that has not gone on since,
an attempt that failed and was not made up for.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import dagster as dg
import sqlalchemy as db

from performance_pipeline.defs.check_history import EVALUATED
from performance_pipeline.defs.dagster_internals import (
    ASSET_EVENTS,
    RUNLESS_RUN_ID,
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
)
from performance_pipeline.defs.keys import Keys

_EVENTS: Final = SqlEventLogStorageTable.c
_CHECKS: Final = AssetCheckExecutionsTable.c
_MATERIALIZATION: Final = dg.DagsterEventType.ASSET_MATERIALIZATION.value
_PLANNED: Final = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
ASSET_KINDS: Final = tuple(sorted(kind.value for kind in ASSET_EVENTS))
# An attempt is over once it, or another one, has made the partition: only a later attempt that
# did not shows as failed.
_SUPERSEDED_BY: Final = {kind: (kind,) for kind in ASSET_KINDS} | {
    _PLANNED: (_PLANNED, _MATERIALIZATION)
}
_CHUNK: Final = 500

T = TypeVar("T")


def delete_superseded(
    storage: SqlEventLogStorage,
    keys: Keys,
    cutoff: datetime,
    now: datetime,
    unfinished: Collection[str],
    limit: int,
) -> int:
    """Delete at most about `limit` events and as many check results; how many they were.

    Of the assets of `keys` alone, and nothing that a run in `unfinished` has stored.
    """
    with storage.index_connection() as connection:
        last = last_before(connection, SqlEventLogStorageTable, "timestamp", cutoff, now)
        last_check = last_before(
            connection, AssetCheckExecutionsTable, "evaluation_event_timestamp", cutoff, now
        )
        events: list[int] = []
        for kind in ASSET_KINDS:
            query = _superseded_events(keys, kind, last, unfinished)
            events += connection.scalars(query.limit(limit - len(events)))
        events += connection.scalars(_forgotten_evaluations(last).limit(limit - len(events)))
        checks = _superseded_checks(connection, keys, last_check, unfinished, limit)
    # Each in a transaction of its own, so that nobody waits for all of it.
    with storage.index_connection() as connection:
        _delete_events(connection, events)
    with storage.index_connection() as connection:
        _delete_events(connection, [row[1] for row in checks if row[1] is not None])
        for ids in chunks([row[0] for row in checks]):
            connection.execute(db.delete(AssetCheckExecutionsTable).where(_CHECKS.id.in_(ids)))
    return len(events) + len(checks)


def delete_runless_log(
    storage: SqlEventLogStorage, cutoff: datetime, now: datetime, limit: int
) -> int:
    """Delete what SQLite keeps a second time of events that no run made; how many rows.

    Nobody reads them there but who asks for the whole log of no run.
    """
    if not storage.is_run_sharded:
        return 0
    with storage.run_connection(RUNLESS_RUN_ID) as connection:
        newest = connection.scalar(db.select(db.func.max(_EVENTS.id))) or 0
        last = last_before(connection, SqlEventLogStorageTable, "timestamp", cutoff, now)
        # SQLite gives the id of a deleted newest row to the next one.
        old = db.select(_EVENTS.id).where(_EVENTS.id <= min(last, newest - 1))
        ids = list(connection.scalars(old.order_by(_EVENTS.id).limit(limit)))
        _delete_events(connection, ids)
    return len(ids)


def last_before(
    connection: db.Connection, table: db.Table, moment_column: str, cutoff: datetime, now: datetime
) -> int:
    """The id up to which the rows of `table` were stored before `cutoff`; 0 where none was.

    Found by halves, because rows come in the order of time. Where a clock has jumped, it is one of
    the places where time passes the cutoff, and any of them will do; but rows from beyond `now`, of
    a clock that was ahead, are passed over, or a single one could hold up all later ones for as
    long as the clock was ahead.
    """
    naive = in_storage(cutoff)
    moment = table.c[moment_column]
    in_time = db.or_(moment.is_(None), moment <= in_storage(now))
    low, high = 0, connection.scalar(db.select(db.func.max(table.c.id))) or 0
    while low < high:
        middle = (low + high + 1) // 2
        query = db.select(table.c.id, moment).where(table.c.id >= middle, in_time)
        row = connection.execute(query.order_by(table.c.id).limit(1)).one_or_none()
        if row is not None and (row[1] is None or row[1] < naive):
            low = row[0]
        else:
            high = middle - 1
    return low


def stored_keys(keys: Keys) -> list[str]:
    """The assets of `keys` as Dagster's tables name them."""
    return [key.to_string() for key in (*keys.assets, keys.imported_trades)]


def in_storage(moment: datetime) -> datetime:
    """As Dagster's tables hold it: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """`ids` in parts that one statement can name."""
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _superseded_events(
    keys: Keys, kind: str, last: int, unfinished: Collection[str]
) -> "db.Select[int]":
    """The ids, up to `last`, of events of `kind` that are not the newest of their partition."""
    ours = (_EVENTS.id <= last, _EVENTS.asset_key.in_(stored_keys(keys)))
    newest = (
        db.select(db.func.max(_EVENTS.id))
        .where(*ours, _EVENTS.dagster_event_type.in_(_SUPERSEDED_BY[kind]))
        .group_by(_EVENTS.asset_key, _EVENTS.partition)
    )
    return db.select(_EVENTS.id).where(
        *ours,
        _EVENTS.dagster_event_type == kind,
        _EVENTS.id.not_in(newest),
        _EVENTS.run_id.not_in(unfinished),
    )


def _forgotten_evaluations(last: int) -> "db.Select[int]":
    """The ids, up to `last`, of evaluations outside runs whose check result is gone: reporting
    another one of the partition has taken it away, and left the event.
    """
    known = db.select(_CHECKS.evaluation_event_storage_id).where(
        _CHECKS.evaluation_event_storage_id.is_not(None)
    )
    return db.select(_EVENTS.id).where(
        _EVENTS.run_id == RUNLESS_RUN_ID,
        _EVENTS.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
        _EVENTS.id <= last,
        _EVENTS.id.not_in(known),
    )


def _superseded_checks(
    connection: db.Connection, keys: Keys, last: int, unfinished: Collection[str], limit: int
) -> list[tuple[int, int | None]]:
    """The ids, up to `last`, of check results that are not the newest, and those of their events.

    Rows come in the order in which evaluations were planned, and are read in the order in which
    they were made: what is older in both senses is superseded.
    """
    group = (_CHECKS.asset_key, _CHECKS.check_name, _CHECKS.partition)
    over = (
        db.tuple_(*group[:2]).in_([(key.to_string(), name) for key, name in keys.checks.items()]),
        _CHECKS.id <= last,
        _CHECKS.run_id.not_in(unfinished),
    )
    evaluated = _CHECKS.execution_status.in_([status.value for status in EVALUATED])
    by_group = db.select(*group, db.func.max(_CHECKS.id)).where(*over, evaluated).group_by(*group)
    newest = {tuple(row[:3]): int(row[3]) for row in connection.execute(by_group).all()}
    stored, evaluated_at = _CHECKS.evaluation_event_storage_id, _CHECKS.evaluation_event_timestamp
    others = (
        db.select(_CHECKS.id, stored, evaluated_at, *group)
        .where(*over, _CHECKS.id.not_in(db.select(by_group.subquery().c[3])))
        .order_by(_CHECKS.id)
        .limit(limit)
    )
    rows = connection.execute(others).all()
    wanted = sorted({newest[tuple(row[3:])] for row in rows if tuple(row[3:]) in newest})
    moments: dict[int, datetime] = {}
    for ids in chunks(wanted):
        query = db.select(_CHECKS.id, evaluated_at).where(_CHECKS.id.in_(ids))
        moments |= {row[0]: row[1] for row in connection.execute(query)}
    return [
        (row[0], row[1])
        for row in rows
        if row[0] < (later := newest.get(tuple(row[3:]), 0)) and row[2] <= moments[later]
    ]


def _delete_events(connection: db.Connection, ids: Sequence[int]) -> None:
    for some in chunks(ids):
        connection.execute(
            db.delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(some))
        )
        connection.execute(db.delete(SqlEventLogStorageTable).where(_EVENTS.id.in_(some)))
