"""Importing this makes Dagster's SQLite databases quick in this process.

Nothing waits for the disk: what a killed process wrote is kept by the system, and no power is cut
in a test. And the ninety migrations are read once, where Dagster reads them for each database, and
every run has one of its own.
"""

import sqlite3
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

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


setattr(ScriptDirectory, "from_config", _read_once)  # noqa: B010
event.listen(Engine, "connect", _trust_the_machine_to_stay_up)
