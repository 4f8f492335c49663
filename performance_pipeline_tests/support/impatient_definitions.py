"""The project's definitions with sensors that look every few seconds, for a real daemon to load."""

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    return build_definitions(Runtime(Settings.from_env(), look_seconds=2, tick_seconds=2))
