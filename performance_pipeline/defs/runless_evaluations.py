"""Reporting what a check says of a partition outside any run, as often as it has something to say.

Dagster 1.13 keeps check evaluations unique by check, partition and run, and every evaluation that
is reported outside a run has the same empty run id: a second one of a partition is refused. So the
one before steps aside, and goes once the new one is there. A crash in between leaves it in place,
where it counts like any other.
"""

from collections.abc import Iterable
from typing import Final

import dagster as dg

from performance_pipeline.defs.dagster_internals import (
    RUNLESS_RUN_ID,
    AssetCheckExecutionsTable,
    SqlEventLogStorage,
)

# No run has such an id.
_ASIDE: Final = "superseded"


def report_evaluations(
    instance: dg.DagsterInstance, evaluations: Iterable[dg.AssetCheckEvaluation]
) -> None:
    """Store `evaluations` of partitions, each in the place of the last that was reported so."""
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)  # As all are, on SQLite and PostgreSQL.
    columns = AssetCheckExecutionsTable.c
    for evaluation in evaluations:
        of_partition = (
            (columns.asset_key == evaluation.asset_key.to_string())
            & (columns.check_name == evaluation.check_name)
            & (columns.partition == evaluation.partition)
        )
        former = of_partition & (columns.run_id == RUNLESS_RUN_ID)
        aside = of_partition & (columns.run_id == _ASIDE)
        with storage.index_connection() as connection:
            if (
                connection.execute(AssetCheckExecutionsTable.select().where(former)).first()
                is not None
            ):
                connection.execute(AssetCheckExecutionsTable.delete().where(aside))
                connection.execute(
                    AssetCheckExecutionsTable.update().where(former).values(run_id=_ASIDE)
                )
        instance.report_runless_asset_event(evaluation)
        with storage.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.delete().where(aside))
