"""Dagster's storage on PostgreSQL, with connections that are kept instead of made a statement."""

from collections.abc import Mapping
from typing import Any, Final

from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config

CONNECTIONS: Final = 5
"""How many a process keeps; PostgreSQL serves 100 as it is installed."""
MORE_CONNECTIONS: Final = 10
"""How many more it may open for a while, for the threads of the daemon."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Takes `postgres_url`, or `postgres_db`, as Dagster's own class does.

    Its own opens a connection for every statement, which costs more than most statements do.
    """

    def __init__(self, postgres_url: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(postgres_url, *args, **kwargs)
        engine = create_pg_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            # A server that was restarted leaves connections that are dead.
            pool_pre_ping=True,
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: Any, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        url = pg_url_from_config(config_value)
        return cls(url, config_value.get("should_autocreate_tables", True), inst_data)
