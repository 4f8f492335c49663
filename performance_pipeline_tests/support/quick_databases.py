"""Importing this makes Dagster's SQLite databases quick in this process.

Nothing waits for the disk: what a killed process wrote is kept by the system, and no power is cut
in a test. The ninety migrations are read once, where Dagster reads them for each database; every
run has one of its own. And a database keeps its engine, where Dagster makes one for each
statement: what an engine has compiled is compiled. Its connections are new ones, as before.
"""

import sqlite3
from functools import lru_cache
from typing import Any

import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, event

_read = ScriptDirectory.from_config
_known: dict[str | None, ScriptDirectory] = {}


def _read_once(config: Config) -> ScriptDirectory:
    place = config.get_main_option("script_location")
    if place not in _known:
        _known[place] = _read(config)
    return _known[place]


def _trust_the_machine_to_stay_up(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


_made_anew = sqlalchemy.create_engine


@lru_cache(maxsize=256)
def _engine(url: str, timeout: float | None) -> Engine:
    waiting = {} if timeout is None else {"timeout": timeout}
    return _made_anew(url, poolclass=NullPool, connect_args=waiting)


def _create_engine(url: Any, **options: Any) -> Engine:
    """As Dagster's SQLite storages call it; all others get an engine of their own."""
    patience = options.get("connect_args", {})
    known = options.keys() <= {"poolclass", "connect_args"} and patience.keys() <= {"timeout"}
    if known and options.get("poolclass") is NullPool and str(url).startswith("sqlite"):
        return _engine(str(url), patience.get("timeout"))
    return _made_anew(url, **options)


setattr(sqlalchemy, "create_engine", _create_engine)  # noqa: B010
setattr(ScriptDirectory, "from_config", _read_once)  # noqa: B010
event.listen(Engine, "connect", _trust_the_machine_to_stay_up)
