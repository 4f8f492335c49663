"""The sensor that prunes the instance, a little at a time, and gives the disk back."""

import sqlite3
import zlib
from typing import Final

import dagster as dg
import sqlalchemy.exc

from performance_pipeline.defs.retention import prune, sqlite_files
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.storage.databases import space, vacuum

# One look costs tens of milliseconds, and takes away more than is made in the time between.
_EVERY_SECONDS: Final = 600
_APART_SECONDS: Final = 120
# A file is written anew once that is worth it, and as long as nobody waits for more than about a
# second; new rows fill the space otherwise.
_WORTH_BYTES: Final = 16 * 1024**2
_QUICK_BYTES: Final = 64 * 1024**2
_WAIT_SECONDS: Final = 1.0

_BUSY: Final = (sqlalchemy.exc.OperationalError, sqlite3.OperationalError, OSError)


def retention_sensor(runtime: Runtime) -> dg.SensorDefinition:
    @dg.sensor(
        name=runtime.keys.retention_sensor,
        minimum_interval_seconds=_every_seconds(runtime.settings.bot),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Removes superseded runs, events and ticks, and the logs of runs, once they are older"
            " than PERFORMANCE_KEEP_RUNS_DAYS."
        ),
    )
    def retention_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        keep_days = runtime.settings.keep_runs_days
        if not keep_days:
            named = runtime.settings.origins.named("PERFORMANCE_KEEP_RUNS_DAYS")
            return dg.SkipReason(f"{named} is 0: everything is kept.")
        instance = instance_of(context)
        try:
            pruned = prune(instance, runtime.keys, keep_days, runtime.clock())
            given_back = 0 if pruned.more else _give_back(instance)
        except _BUSY as error:
            # The next tick finds what this one has left.
            return dg.SkipReason(f"Goes on in the next tick: {error}")
        if not (pruned.runs or pruned.logs or pruned.events or given_back):
            return dg.SkipReason(f"Nothing superseded is older than {keep_days} days.")
        returned = f"; {given_back / 1e6:.1f} MB given back" if given_back else ""
        return dg.SkipReason(f"Removed {pruned}{returned}.")

    return retention_sensor


def _every_seconds(bot: str) -> int:
    """A time of its own for each bot: all in one round of the daemon would hold up every look."""
    return _EVERY_SECONDS + (zlib.crc32(bot.encode()) % _APART_SECONDS if bot else 0)


def _give_back(instance: dg.DagsterInstance) -> int:
    """Free space of the databases that is worth it and quickly given back; how many bytes."""
    returned = 0
    for path in sqlite_files(instance):
        if not path.exists():
            continue
        used, free = space(path)
        if free >= max(_WORTH_BYTES, used) and used <= _QUICK_BYTES:
            vacuum(path, _WAIT_SECONDS)
            returned += free
    return returned
