"""Looks of sensors and of automation that came to nothing: each is stored, and soon goes."""

from datetime import datetime, timedelta
from typing import Final

import dagster as dg
import sqlalchemy as db

from performance_pipeline.defs.dagster_internals import (
    AssetDaemonAssetEvaluationsTable,
    InstigatorType,
    SqlScheduleStorage,
    TickStatus,
)
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.superseded import chunks, in_storage

# They are looked at while something is wrong, not later. An evaluation has 45 KB.
NOTHING_KEPT: Final = timedelta(hours=1)
_LOOKS: Final = AssetDaemonAssetEvaluationsTable.c


def purge_looks(
    instance: dg.DagsterInstance,
    keys: Keys,
    cutoff: datetime,
    now: datetime,
    limit: int,
) -> int:
    """Delete ticks of sensors and automation's evaluations that came to nothing, but for the newest
    of each; of evaluations, which are large, at most `limit`, and how many they were.

    Ticks with a run or an error stay as long as Dagster's own retention says, evaluations that
    asked for something until the cutoff.
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        return 0
    nothing_before = now - NOTHING_KEPT
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        ids = (state.instigator_origin_id, state.selector_id)
        if state.instigator_name in keys.sensors:
            for last in instance.get_ticks(*ids, limit=1):
                before = min(nothing_before.timestamp(), last.timestamp)
                instance.purge_ticks(*ids, before, [TickStatus.SKIPPED])
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
