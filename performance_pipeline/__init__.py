"""Exact trading performance from a bot's logs: the public Python surface, loaded when first used.

`PerformanceTracker` gives the summary of any window, `load_summaries` and `load_trades` the same as
DataFrames. `BotPerformance` is a component for Dagster projects. The rest are what these take,
return and raise.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

__version__ = "0.1.0"

__all__ = [
    "BotPerformance",
    "PerformanceSummary",
    "PerformanceTracker",
    "Period",
    "PipelineError",
    "Settings",
    "Window",
    "load_summaries",
    "load_trades",
]

if TYPE_CHECKING:
    from performance_pipeline.defs.component import BotPerformance
    from performance_pipeline.domain.summary import PerformanceSummary
    from performance_pipeline.domain.windows import Period, Window
    from performance_pipeline.errors import PipelineError
    from performance_pipeline.pipeline.frames import load_summaries, load_trades
    from performance_pipeline.pipeline.tracker import PerformanceTracker
    from performance_pipeline.settings import Settings
else:
    # Nobody pays for Dagster, for pandas or for the tracker before asking for it. Type checkers see
    # the imports above alone, so that they know each type and refuse a name that is not there.
    _HOMES: Final = {
        "BotPerformance": "defs.component",
        "PerformanceSummary": "domain.summary",
        "PerformanceTracker": "pipeline.tracker",
        "Period": "domain.windows",
        "PipelineError": "errors",
        "Settings": "settings",
        "Window": "domain.windows",
        "load_summaries": "pipeline.frames",
        "load_trades": "pipeline.frames",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
