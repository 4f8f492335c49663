"""How large the Dagster instance is and how fast it grows, without importing Dagster."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from performance_pipeline.storage.databases import connected
from performance_pipeline.storage.files import bytes_below

_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_WAIT_SECONDS: Final = 1.0
# Where Dagster's default storage keeps the events of all runs; each run's log is beside it.
_INDEX: Final = Path("history", "runs", "index.db")
_SCHEDULES: Final = Path("schedules")


@dataclass(frozen=True)
class InstanceSize:
    """Bytes of an instance's home, and of those the ones that a day adds."""

    total: int
    a_day: int | None
    """Over the last week, or since the first event; None on other storage, and before a day."""


def instance_size(home: Path, now: datetime) -> InstanceSize | None:
    """None where there is no instance yet."""
    if not home.is_dir():
        return None
    total = bytes_below(home)
    index = home / _INDEX
    if not index.is_file():
        return InstanceSize(total, None)
    try:
        with connected(index, _WAIT_SECONDS) as events:
            return InstanceSize(total, _growth(home, events, now))
    except sqlite3.Error:
        return InstanceSize(total, None)


def _growth(home: Path, events: sqlite3.Connection, now: datetime) -> int | None:
    """Of the databases that runs share, the share of new events; other files by their time."""
    count, first = events.execute("SELECT count(*), min(id) FROM event_logs").fetchone()
    if not count:
        return None
    (oldest,) = events.execute("SELECT timestamp FROM event_logs WHERE id = ?", [first]).fetchone()
    since = max(now - _WEEK, datetime.fromisoformat(oldest).replace(tzinfo=UTC))
    if now - since < _DAY:
        return None
    # Backwards, because old events are many where nothing was ever pruned.
    newest_old = events.execute(
        "SELECT id FROM event_logs WHERE timestamp < ? ORDER BY id DESC LIMIT 1",
        [since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")],
    ).fetchone()
    after = newest_old[0] if newest_old else 0
    new: int = events.execute("SELECT count(*) FROM event_logs WHERE id > ?", [after]).fetchone()[0]
    modified = since.timestamp()
    sizes = [(found.st_size, found.st_mtime) for found in _shared(home)]
    alone = bytes_below(home, modified) - sum(size for size, time in sizes if time >= modified)
    share: float = new / count
    return round((alone + sum(size for size, _ in sizes) * share) / ((now - since) / _DAY))


def _shared(home: Path) -> Iterator[os.stat_result]:
    """The databases that all runs share, and the logs of writing beside them, which are there for
    as long as a process has the database open.
    """
    for folder, name in ((_INDEX.parent.parent, "*"), (_SCHEDULES, "*"), (_INDEX.parent, "index")):
        for path in (home / folder).glob(f"{name}.db*"):
            with suppress(FileNotFoundError):
                yield path.stat()
