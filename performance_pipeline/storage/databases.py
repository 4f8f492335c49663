"""SQLite files: how much of one is in use, and giving back what is not."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple


class Space(NamedTuple):
    """Bytes of one SQLite file."""

    used: int
    free: int
    """Left by deleted rows: new rows take it up, and the file keeps it until it is vacuumed."""


def space(path: Path) -> Space:
    """Raises sqlite3.OperationalError where `path` is no database, or stays locked."""
    with connected(path, wait_seconds=1) as connection:
        size, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
    return Space((pages - free) * size, free * size)


def vacuum(path: Path, wait_seconds: float) -> None:
    """Write the file anew without its free space.

    Writers wait meanwhile, for about a second for 100 MB in use; readers do not. Raises
    sqlite3.OperationalError where others write for longer than `wait_seconds`.
    """
    with connected(path, wait_seconds) as connection:
        connection.execute("VACUUM")
        # Else the log of the rewriting, as large as the database, stays until all have closed it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def empty(path: Path, table: str, wait_seconds: float) -> None:
    """Delete every row of `table`, and make the file as small as its other tables let it be.

    An empty table or index takes up a page, so pages become the smallest there are. Raises
    sqlite3.OperationalError where somebody else has the file open for longer than `wait_seconds`;
    then it is left as large as it was.
    """
    with connected(path, wait_seconds) as connection:
        connection.isolation_level = None
        connection.execute(f'DELETE FROM "{table}"')
        # The size of a page is fixed while the database has a write-ahead log.
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")
        connection.execute(f"PRAGMA journal_mode = {mode}")


@contextmanager
def connected(path: Path, wait_seconds: float) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is there; raises sqlite3.OperationalError where there is none.

    To read it too, because a connection that may only read leaves files beside the database.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, timeout=wait_seconds, uri=True)) as connection:
        yield connection
