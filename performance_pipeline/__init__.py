"""Exact trading performance from a bot's logs; what notebooks import, loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from performance_pipeline.pipeline.frames import load_summaries, load_trades
    from performance_pipeline.pipeline.tracker import PerformanceTracker

__all__ = ["PerformanceTracker", "load_summaries", "load_trades"]

_HOMES = {
    "PerformanceTracker": "pipeline.tracker",
    "load_summaries": "pipeline.frames",
    "load_trades": "pipeline.frames",
}


def __getattr__(name: str) -> Any:
    # Nobody pays for pandas, or for the tracker, before asking for it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
