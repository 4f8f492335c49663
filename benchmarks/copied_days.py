"""A history of years for an instance, made of one day that it has lived: its rows, days later.

Copied are the rows of runs, events, check results, ticks and automation's evaluations, and the logs
of runs; in them the partitions of the day, the ids of its runs, and every moment.
"""

import re
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period

_RUNS = Path("history", "runs")
_TABLES = {
    Path("history", "runs.db"): ("runs", "run_tags"),
    _RUNS / "index.db": ("event_logs", "asset_event_tags", "asset_check_executions"),
    _RUNS / ".db": ("event_logs",),
    Path("schedules", "schedules.db"): ("job_ticks", "asset_daemon_asset_evaluations"),
}
_IDS = {"id", "event_id", "evaluation_id", "tick_id"}
_STORED_IDS = {"evaluation_event_storage_id", "materialization_event_storage_id"}
_SPAN = 100_000  # between the ids of one day and those of the next
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_EPOCH = r"\b1\d{9}\.\d+"

Row = tuple[object, ...]
"""Its texts may be cut, into a tuple of which every second piece changes with the day."""


@dataclass(frozen=True)
class _Table:
    database: Path
    name: str
    columns: list[str]
    rows: list[Row]


class LivedDay:
    """All that the instance in `home` holds of `day`, taken out of it to be put back as often as
    wanted. It must have lived no other day, and nobody may have it open.
    """

    def __init__(self, home: Path, day: date, kept: Path) -> None:
        self.home, self.day, self._kept = home, day, kept
        kept.mkdir()
        dates = "|".join({str(Period.of(window, day).key) for window in PARTITIONED_WINDOWS})
        changing = re.compile(f"({dates}|{_UUID}|{_EPOCH})")
        taken = [
            _taken(home, database, name) for database, names in _TABLES.items() for name in names
        ]
        self._runs = {str(row[1]) for row in taken[0].rows}
        self._tables = [_cut(table, changing) for table in taken]
        self._assets = _cut(_read(home, _RUNS / "index.db", "asset_keys"), changing)
        for run_id in self._runs:
            shutil.move(home / _RUNS / f"{run_id}.db", kept / f"{run_id}.db")
            if (printed := home / "storage" / run_id).exists():
                shutil.move(printed, kept / run_id)

    def put_back(self, number: int, ago: int) -> None:
        """As the `number`th day after it, from 0 on, which has ended `ago` days ago."""
        change = _Change(self.day, number, ago)
        for table in self._tables:
            with closing(sqlite3.connect(self.home / table.database)) as connection, connection:
                connection.execute("PRAGMA synchronous = OFF")
                _insert(connection, table, change.rows(table))
                if table.name == "event_logs" and table.database.name == "index.db":
                    connection.execute("DELETE FROM asset_keys")
                    _insert(connection, self._assets, change.rows(self._assets, same_ids=True))
        for run_id in self._runs:
            new = change.run_id(run_id)
            log = self.home / _RUNS / f"{new}.db"
            shutil.copyfile(self._kept / log.with_stem(run_id).name, log)
            with closing(sqlite3.connect(log)) as connection, connection:
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("UPDATE event_logs SET run_id = ?", [new])
            if (printed := self._kept / run_id).exists():
                shutil.copytree(printed, self.home / "storage" / new)


class _Change:
    """What makes of what a day has left that of another day."""

    def __init__(self, day: date, number: int, ago: int) -> None:
        self._offset = number * _SPAN
        self._later = timedelta(days=-ago)
        self._number = number
        later = day + timedelta(days=number)
        self._new = {
            str(Period.of(window, day).key): str(Period.of(window, later).key)
            for window in PARTITIONED_WINDOWS
        }

    def rows(self, table: _Table, *, same_ids: bool = False) -> Iterator[Row]:
        changes = [
            partial(self._id, same=same_ids) if name in _IDS or name in _STORED_IDS else self._value
            for name in table.columns
        ]
        for row in table.rows:
            yield tuple(change(value) for change, value in zip(changes, row, strict=True))

    def run_id(self, run_id: str) -> str:
        return str(uuid.uuid5(uuid.UUID(run_id), str(self._number)))

    def _id(self, value: object, *, same: bool) -> object:
        return value + self._offset if isinstance(value, int) and not same else value

    def _value(self, value: object) -> object:
        if isinstance(value, float):
            return value + self._later.total_seconds()
        if isinstance(value, tuple):
            pieces = list(value)
            pieces[1::2] = map(self._piece, pieces[1::2])
            return "".join(pieces)
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            later = datetime.fromisoformat(value) + self._later
            return later.isoformat(" ", timespec="microseconds")
        return value

    def _piece(self, text: str) -> str:
        if text not in self._new:
            self._new[text] = (
                self.run_id(text)
                if re.fullmatch(_UUID, text)
                else repr(float(text) + self._later.total_seconds())
            )
        return self._new[text]


def _cut(table: _Table, changing: re.Pattern[str]) -> _Table:
    """The same with texts cut where they change."""

    def cut(value: object) -> object:
        pieces = changing.split(value) if isinstance(value, str) else []
        return tuple(pieces) if len(pieces) > 1 else value

    rows = [tuple(map(cut, row)) for row in table.rows]
    return _Table(table.database, table.name, table.columns, rows)


def _taken(home: Path, database: Path, name: str) -> _Table:
    table = _read(home, database, name)
    with closing(sqlite3.connect(home / database)) as connection, connection:
        connection.execute(f"DELETE FROM {name}")
    return table


def _read(home: Path, database: Path, name: str) -> _Table:
    with closing(sqlite3.connect(home / database)) as connection:
        found = connection.execute(f"SELECT * FROM {name} ORDER BY id")
        columns = [column[0] for column in found.description]
        return _Table(database, name, columns, found.fetchall())


def _insert(connection: sqlite3.Connection, table: _Table, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" * len(table.columns))
    # Outside runs a check has one result a partition, the last that was reported.
    connection.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES ({marks})", rows)
