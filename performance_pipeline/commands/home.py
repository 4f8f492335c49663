"""The Dagster instance of a log folder: one home for the UI, the demo and the command line.

It lives in the output folder, so that the record of what was materialized never mixes two
folders of logs. A `DAGSTER_HOME` that is set wins.
"""

import os
from importlib import resources
from pathlib import Path
from typing import Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.settings import Settings
from performance_pipeline.storage.files import write_atomically

HOME_VARIABLE: Final = "DAGSTER_HOME"


def use_home(settings: Settings) -> Path:
    """The home to use, made if need be; from now on `DAGSTER_HOME` names it for Dagster.

    Raises PipelineError when `DAGSTER_HOME` is set to no usable folder.
    """
    if chosen := os.environ.get(HOME_VARIABLE):
        home = Path(chosen)
        if not home.is_absolute() or not home.is_dir():
            raise PipelineError(
                f"{HOME_VARIABLE}={chosen!r} cannot be used:"
                " accepted is the absolute path of an existing folder"
            )
        return home
    home = settings.default_home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        shipped = resources.files("performance_pipeline") / "dagster.yaml"
        write_atomically(configuration, shipped.read_bytes())
    os.environ[HOME_VARIABLE] = str(home)
    return home
