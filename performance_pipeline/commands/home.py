"""The Dagster instance of a log folder: one home for the UI, the demo and the command line.

It lives in the output folder, so that the record of what was materialized never mixes two
folders of logs. A `DAGSTER_HOME` that is set wins.
"""

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.settings import Settings
from performance_pipeline.storage.files import write_atomically
from performance_pipeline.storage.locks import locked

if TYPE_CHECKING:
    from dagster import DagsterInstance

HOME_VARIABLE: Final = "DAGSTER_HOME"


def home_of(settings: Settings) -> Path:
    """Where the instance is, or would be; nothing is looked at or made."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen) if chosen else settings.default_home.absolute()


def use_home(settings: Settings) -> Path:
    """The home to use, made if need be; from now on `DAGSTER_HOME` names it for Dagster.

    Raises PipelineError when `DAGSTER_HOME` is set to no usable folder.
    """
    home = home_of(settings)
    if os.environ.get(HOME_VARIABLE):
        if not home.is_absolute() or not home.is_dir():
            raise PipelineError(
                f"{HOME_VARIABLE}={str(home)!r} cannot be used:"
                " accepted is the absolute path of an existing folder"
            )
        return home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        shipped = resources.files("performance_pipeline") / "dagster.yaml"
        write_atomically(configuration, shipped.read_bytes())
    os.environ[HOME_VARIABLE] = str(home)
    return home


def existing_home(settings: Settings) -> Path:
    """As `use_home`, of an instance that is there already; raises PipelineError where none is."""
    home = home_of(settings)
    if not os.environ.get(HOME_VARIABLE) and not home.is_dir():
        raise PipelineError(
            f"{home}: there is no Dagster instance yet; `dev` and `backfill` make one"
        )
    return use_home(settings)


def opened(home: Path) -> "DagsterInstance":
    """The instance in `home`, which `use_home` has chosen."""
    # Imported here because `doctor`, which asks only where the home is, cannot wait for it.
    from dagster import DagsterInstance

    # Two processes that make an instance at the same time break it.
    with locked(home / ".opening.lock"):
        return DagsterInstance.get()
