"""What is told of a Dagster instance by its files alone; against real ones, see `dagster/`."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.pipeline.instance_size import InstanceSize, instance_size
from performance_pipeline.pipeline.instance_ticks import silent_since, waits_until

NOW: Final = datetime(2025, 6, 10, 14, 30, 5, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def database(path: Path, table: str, moments: Sequence[datetime]) -> int:
    """A row a moment, as Dagster stores them; returns the size of the file, written just now."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, timestamp TIMESTAMP)")
        connection.executemany(
            f"INSERT INTO {table} (timestamp) VALUES (?)",
            [(f"{moment:%Y-%m-%d %H:%M:%S.%f}",) for moment in moments],
        )
    written(path, NOW)
    return path.stat().st_size


def written(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.mark.parametrize(
    ("ticks", "since", "until"),
    [
        ([], None, None),
        ([NOW - DAY, NOW - HOUR], NOW - HOUR, None),
        ([NOW - 5 * MINUTE], None, None),
        ([NOW], None, None),
        ([NOW + MINUTE], None, None),
        ([NOW + MINUTE + timedelta(seconds=1)], None, NOW + MINUTE + timedelta(seconds=1)),
        ([NOW + DAY, NOW - DAY, NOW + HOUR], None, NOW + DAY),
    ],
    ids=["none", "an hour ago", "lately", "now", "clocks differ", "just ahead", "newest of many"],
)
def test_sensors_are_silent_since_their_newest_tick_or_wait_for_one_that_lies_ahead(
    tmp_path: Path, ticks: Sequence[datetime], since: datetime | None, until: datetime | None
) -> None:
    database(tmp_path / "schedules" / "schedules.db", "job_ticks", ticks)
    assert (silent_since(tmp_path, NOW), waits_until(tmp_path, NOW)) == (since, until)


def test_of_ticks_nothing_is_said_where_nobody_can_tell(tmp_path: Path) -> None:
    assert silent_since(tmp_path, NOW) is waits_until(tmp_path, NOW) is None
    path = tmp_path / "schedules" / "schedules.db"
    path.parent.mkdir()
    path.write_text("no database")
    assert silent_since(tmp_path, NOW) is waits_until(tmp_path, NOW) is None


def test_growth_is_unknown_on_other_storage_and_over_a_file_that_is_no_database(
    tmp_path: Path,
) -> None:
    assert instance_size(tmp_path / "none", NOW) is None
    (tmp_path / "dagster.yaml").write_text("storage: elsewhere\n")
    assert instance_size(tmp_path, NOW) == InstanceSize(19, None)
    index = tmp_path / "history" / "runs" / "index.db"
    index.parent.mkdir(parents=True)
    index.write_text("no database")
    assert instance_size(tmp_path, NOW) == InstanceSize(30, None)


@pytest.mark.parametrize("events", [[], [NOW - HOUR], [NOW - DAY + MINUTE]])
def test_growth_is_unknown_before_the_first_event_is_a_day_old(
    tmp_path: Path, events: Sequence[datetime]
) -> None:
    size = database(tmp_path / "history" / "runs" / "index.db", "event_logs", events)
    assert instance_size(tmp_path, NOW) == InstanceSize(size, None)


def test_growth_since_the_first_event_is_all_there_is(tmp_path: Path) -> None:
    index = tmp_path / "history" / "runs" / "index.db"
    size = database(index, "event_logs", [NOW - 2 * DAY, NOW - HOUR])
    assert instance_size(tmp_path, NOW) == InstanceSize(size, round(size / 2))


def test_growth_of_a_week_is_its_share_of_events_in_shared_files_and_all_of_new_ones(
    tmp_path: Path,
) -> None:
    index = tmp_path / "history" / "runs" / "index.db"
    shared = database(index, "event_logs", [NOW - 9 * DAY] * 3 + [NOW - DAY])
    shared += database(tmp_path / "schedules" / "schedules.db", "job_ticks", [NOW])
    # What is beside a database for as long as a process has it open.
    for log in ("history/runs.db-wal", "schedules/schedules.db-wal"):
        (tmp_path / log).write_bytes(b"x" * 400)
        written(tmp_path / log, NOW)
        shared += 400
    for name, size, age in (("old.db", 5000, 8 * DAY), ("new.db", 700, DAY)):
        (index.parent / name).write_bytes(b"x" * size)
        written(index.parent / name, NOW - age)
    growth = round((shared / 4 + 700) / 7)
    assert instance_size(tmp_path, NOW) == InstanceSize(shared + 5700, growth)
