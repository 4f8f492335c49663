"""The project's definitions with sensors that look every few seconds, for a real daemon to load."""

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.pipeline.bots import all_bots


@dg.definitions
def defs() -> dg.Definitions:
    runtimes = [Runtime(settings, look_seconds=2, tick_seconds=2) for settings in all_bots()]
    return dg.Definitions.merge(*map(build_definitions, runtimes))
