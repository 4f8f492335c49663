"""The project without its sensors and schedules: nothing runs but what a test launches."""

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    whole = build_definitions(Runtime(Settings.from_env()))
    return dg.Definitions(
        assets=whole.assets, asset_checks=whole.asset_checks, executor=whole.executor
    )
