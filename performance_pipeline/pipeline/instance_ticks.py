"""When a Dagster instance last looked at its sensors, without importing Dagster."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from performance_pipeline.storage.databases import connected

_WAIT_SECONDS: Final = 1.0
# Where Dagster's default storage keeps a row for each tick.
_SCHEDULES: Final = Path("schedules", "schedules.db")
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_SILENT: Final = timedelta(minutes=5)


def waits_until(home: Path, now: datetime) -> datetime | None:
    """Until when Dagster's sensors stand still, because the clock was set back since their last
    tick: they are due some seconds after that. None where they do not, or nobody can tell.
    """
    last = _last_tick(home)
    return last if last is not None and last - now > _CLOCKS_DIFFER else None


def silent_since(home: Path, now: datetime) -> datetime | None:
    """When sensors last looked, where that is minutes ago: some of them look every few seconds."""
    last = _last_tick(home)
    return last if last is not None and now - last > _SILENT else None


def _last_tick(home: Path) -> datetime | None:
    """The time of the newest one; None where there is none, or nobody can tell."""
    database = home / _SCHEDULES
    if not database.is_file():
        return None
    try:
        with connected(database, _WAIT_SECONDS) as ticks:
            (newest,) = ticks.execute("SELECT max(timestamp) FROM job_ticks").fetchone()
    except sqlite3.Error:
        return None
    return None if newest is None else datetime.fromisoformat(newest).replace(tzinfo=UTC)
