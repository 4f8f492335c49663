"""What the definitions run with: the settings they were built from, and a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import dagster as dg

from performance_pipeline.defs.keys import Keys
from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """Handed to every definition; a test replaces the clock, or does not want to wait."""

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    look_seconds: int = 2
    """How long a look at the log folder is apart from the one before, at least. The daemon goes
    round every 5 s, in another order each time; who asks for more is left out where it comes early,
    and is looked at 10 s after the look before."""
    tick_seconds: int = 30
    """How often the other sensors look: how soon old days follow, against what looking costs."""

    @cached_property
    def keys(self) -> Keys:
        """What is defined for the bot of these settings is called so."""
        return Keys(self.settings.bot)

    @property
    def retry_policy(self) -> dg.RetryPolicy | None:
        """How what reads and writes is tried again where an object store may be away for minutes.

        Nothing would ask for it again: its logs have changed, and that was handled.
        """
        places = (self.settings.log_dir, self.settings.output_dir)
        if all(isinstance(place, Path) for place in places):
            return None
        return dg.RetryPolicy(max_retries=3, delay=15, backoff=dg.Backoff.LINEAR)

    def tracker(self) -> PerformanceTracker:
        """A look at the log folder as it is now."""
        return PerformanceTracker(self.settings, self.clock)
