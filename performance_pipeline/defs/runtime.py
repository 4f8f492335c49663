"""What the definitions run with: the settings they were built from, and a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """Handed to every definition; a test replaces the clock, or does not want to wait."""

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    tick_seconds: int = 30
    """How often the sensors look: how fresh things are, against what looking costs."""

    def tracker(self) -> PerformanceTracker:
        """A look at the log folder as it is now."""
        return PerformanceTracker(self.settings, self.clock)
