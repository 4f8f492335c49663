"""The entry that Dagster loads."""

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.throwaway_home import warn_of_throwaway_home
from performance_pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    settings = Settings.from_env()
    warn_of_throwaway_home(settings)
    return build_definitions(Runtime(settings))
