"""The entry that Dagster loads: every bot that is listed, or the only one."""

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.throwaway_home import warn_of_throwaway_home
from performance_pipeline.pipeline.bots import all_bots


@dg.definitions
def defs() -> dg.Definitions:
    bots = all_bots()
    warn_of_throwaway_home(bots[0])
    return dg.Definitions.merge(*(build_definitions(Runtime(settings)) for settings in bots))
