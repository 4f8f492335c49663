"""Looks of sensors and of automation that came to nothing: each is stored, and soon goes."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import dagster as dg
import sqlalchemy as db

from performance_pipeline.defs.dagster_internals import (
    AssetDaemonAssetEvaluationsTable,
    InstigatorState,
    InstigatorType,
    LocalComputeLogManager,
    SqlScheduleStorage,
    TickStatus,
)
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.superseded import chunks, in_storage

# They are looked at while something is wrong, not later. An evaluation has 45 KB.
NOTHING_KEPT: Final = timedelta(hours=1)
_TOLD: Final = [status for status in TickStatus if status is not TickStatus.SKIPPED]
_LOOKS: Final = AssetDaemonAssetEvaluationsTable.c

# Deleting so many takes some tenths of a second.
_FILES: Final = 10_000


def purge_looks(
    instance: dg.DagsterInstance,
    keys: Keys,
    cutoff: datetime,
    now: datetime,
    limit: int,
) -> bool:
    """Delete ticks of sensors and automation's evaluations that came to nothing, but for the newest
    of each, and what the ticks that are gone have logged.

    Of evaluations, which are large, at most `limit`; whether that, or as many files as are deleted
    at once, was reached. Ticks with a run or an error, and evaluations that asked for something,
    stay until the cutoff.
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        return False
    nothing_before = now - NOTHING_KEPT
    files = 0
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        if state.instigator_name in keys.sensors:
            # Each is a digest, which of the sensors of all bots takes longer than all the rest.
            ids = (state.instigator_origin_id, state.selector_id)
            for last in instance.get_ticks(*ids, limit=1):
                for moment, statuses in ((nothing_before, [TickStatus.SKIPPED]), (cutoff, _TOLD)):
                    before = min(moment.timestamp(), last.timestamp)
                    instance.purge_ticks(*ids, before, statuses)
            for path in islice(_logs_of_none(instance, state, nothing_before), _FILES):
                path.unlink(missing_ok=True)
                files += 1
    found = _delete_evaluations(storage, keys, cutoff, nothing_before, limit)
    return found >= limit or files >= _FILES


def _logs_of_none(
    instance: dg.DagsterInstance, state: InstigatorState, before: datetime
) -> Iterator[Path]:
    """What ticks of a sensor have logged that are gone, as files; Dagster leaves all of them.

    Where logs are kept elsewhere than in files, their age is for that place to look after.
    """
    manager = instance.compute_log_manager
    if not isinstance(manager, LocalComputeLogManager):
        return
    repository = state.origin.repository_origin.repository_name
    folder = Path(
        manager.get_captured_local_path([repository, state.instigator_name, "any"], "err")
    ).parent
    if not folder.is_dir():
        return
    kept: set[str] | None = None
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.stat().st_mtime >= before.timestamp():
                continue
            # Asked for only where there is something old, which mostly there is not.
            kept = _ticks_that_stay(instance, state) if kept is None else kept
            if entry.name.partition(".")[0] not in kept:
                yield Path(entry)


def _ticks_that_stay(instance: dg.DagsterInstance, state: InstigatorState) -> set[str]:
    """The ids of a sensor's ticks, but of those that came to nothing the newest alone."""
    ids = (state.instigator_origin_id, state.selector_id)
    ticks = [*instance.get_ticks(*ids, statuses=_TOLD), *instance.get_ticks(*ids, limit=1)]
    return {str(tick.tick_id) for tick in ticks}


def _delete_evaluations(
    storage: SqlScheduleStorage, keys: Keys, cutoff: datetime, nothing_before: datetime, limit: int
) -> int:
    ours = _LOOKS.asset_key.in_(
        [
            *(key.to_db_string() for key in keys.assets),
            *(key.to_db_string() for key in keys.check_keys),
        ]
    )
    newest = db.select(db.func.max(_LOOKS.id)).where(ours).group_by(_LOOKS.asset_key)
    over = db.or_(
        _LOOKS.create_timestamp < in_storage(cutoff),
        db.and_(
            db.func.coalesce(_LOOKS.num_requested, 0) == 0,
            _LOOKS.create_timestamp < in_storage(nothing_before),
        ),
    )
    with storage.connect() as connection:
        query = db.select(_LOOKS.id).where(ours, over, _LOOKS.id.not_in(newest)).limit(limit)
        found = list(connection.scalars(query))
        for some in chunks(found):
            connection.execute(
                db.delete(AssetDaemonAssetEvaluationsTable).where(_LOOKS.id.in_(some))
            )
    return len(found)
