"""The Dagster instance that all ticks of one process share.

Dagster opens one for each tick that asks for it, and to open one reads its 88 migration scripts
twice: 60 ms on SQLite, where a look of ours takes 3. The instance of the daemon and that of the web
server live as long as their process, too.
"""

from threading import Lock
from typing import Final

import dagster as dg


class SharedInstance:
    """Opened with the first tick that asks, and again once ticks are of another instance."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ref: object = None
        self._instance: dg.DagsterInstance | None = None

    def of(self, context: dg.SensorEvaluationContext) -> dg.DagsterInstance:
        """The instance whose daemon wants this tick."""
        ref = context.instance_ref
        if ref is None:
            # It was handed over open.
            return context.instance
        with self._lock:
            if self._instance is None or self._ref != ref:
                # The one before is left to those who still read from it.
                self._instance, self._ref = dg.DagsterInstance.from_ref(ref), ref
            return self._instance


_SHARED: Final = SharedInstance()


def instance_of(context: dg.SensorEvaluationContext) -> dg.DagsterInstance:
    """The instance of a tick, for what it reads and stores."""
    return _SHARED.of(context)
