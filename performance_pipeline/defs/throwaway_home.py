"""One warning for who starts Dagster itself without a home: nothing of it will be remembered.

`performance-pipeline` chooses the home of the log folder; Dagster's own commands make one in the
current folder, and delete it when they end.
"""

import logging
import os
from functools import cache
from typing import Final

import click

from performance_pipeline.settings import Settings

# Commands of `dagster` and `dg` that run something in the home they have made.
_RUNNING: Final = frozenset({"launch", "materialize"})


def warn_of_throwaway_home(settings: Settings) -> None:
    """Say it once a process, naming the variable that mends it."""
    if _is_thrown_away():
        _warn(settings)


def _is_thrown_away() -> bool:
    if os.environ.get("DAGSTER_HOME"):
        return False
    if (command := click.get_current_context(silent=True)) is None:
        return False  # Loaded as a library, by a test, or again by a step of a run.
    # A code server may be lent to an instance that is elsewhere, but not by `dagster dev`.
    is_of_dev = command.info_name == "grpc" and "DAGSTER_IS_DEV_CLI" in os.environ
    return is_of_dev or command.info_name in _RUNNING


@cache  # Dagster loads the definitions several times in one process.
def _warn(settings: Settings) -> None:
    logging.getLogger("dagster").warning(
        "DAGSTER_HOME is not set: what runs now is forgotten when Dagster ends, and other commands"
        " do not see it. Set DAGSTER_HOME=%s, in the environment or in .env (see .env.example),"
        " or start with `performance-pipeline dev`, which makes that folder",
        settings.default_home.absolute(),
    )
