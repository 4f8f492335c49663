"""SQLite files are made smaller, and hold what they held."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from performance_pipeline.storage.databases import empty, space, vacuum

ROWS = 500


@pytest.fixture(params=["WAL", "DELETE"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two tables of which one is half deleted."""
    found = tmp_path / "some.db"
    with closing(sqlite3.connect(found)) as connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        for table in ("said", "version"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, text TEXT)")
            connection.execute(f"CREATE INDEX by_{table} ON {table} (text)")
        connection.execute("INSERT INTO version (text) VALUES ('7')")
        rows = [(f"{number} " * 300,) for number in range(ROWS)]
        connection.executemany("INSERT INTO said (text) VALUES (?)", rows)
        connection.execute("DELETE FROM said WHERE id > ?", [ROWS // 2])
        connection.commit()
    return found


def texts(path: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(f"SELECT text FROM {table} ORDER BY id")]


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        return str(mode)


@pytest.fixture
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_used_and_free_space_are_the_file_and_free_space_is_given_back(path: Path) -> None:
    before = texts(path, "said")
    used, free = space(path)
    assert used + free == path.stat().st_size
    assert free > used / 2
    vacuum(path, wait_seconds=1)
    assert space(path) == (path.stat().st_size, 0)
    assert path.stat().st_size <= used
    assert texts(path, "said") == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_emptied_table_leaves_a_small_file_with_all_that_others_hold(path: Path) -> None:
    mode = journal_mode(path)
    empty(path, "said", wait_seconds=1)
    assert path.stat().st_size < 6 * 1024
    assert (texts(path, "said"), texts(path, "version")) == ([], ["7"])
    assert journal_mode(path) == mode
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_others_write_is_left_and_says_so(
    path: Path, reader: sqlite3.Connection
) -> None:
    before = texts(path, "said")
    reader.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        vacuum(path, wait_seconds=0.1)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        empty(path, "said", wait_seconds=0.1)
    reader.execute("ROLLBACK")
    assert texts(path, "said") == before


def test_no_file_is_made_where_none_is(tmp_path: Path) -> None:
    for look in (
        lambda: space(tmp_path / "none.db"),
        lambda: vacuum(tmp_path / "none.db", 1),
        lambda: empty(tmp_path / "none.db", "said", 1),
    ):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            look()
    assert [*tmp_path.iterdir()] == []
