"""Looks at the logs that something is written from: taken anew where others write meanwhile."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import date, datetime
from types import TracebackType
from typing import Final, Self, TypeVar

from performance_pipeline.domain.windows import Period, Window, log_days_of
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.storage.logs import LogFile, list_logs, require_folder
from performance_pipeline.storage.store import OverwrittenError
from performance_pipeline.storage.stores import store_at
from performance_pipeline.storage.targets_file import load_targets

T = TypeVar("T")

_LOOKS_AT_MOST: Final = 10
_SETTLING: Final = 3


class Looks:
    """A look at logs and targets, and the right to write what follows from it; see `Store.writing`.

    In a folder it is one look. In a bucket a file may turn out to be somebody else's, from a later
    look perhaps: then another look is taken, and what is made of it goes over that file.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._settled = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.tracker = self._look()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def again(self) -> None:
        """Take another look, of what there is by now."""
        self.tracker.store.save_index()
        self._stack.close()
        self.tracker = self._look()

    def made(self, make: Callable[[PerformanceTracker], T]) -> T:
        """What `make` makes of the look, or of the first one that nobody has written after.

        Raises OverwrittenError where others keep writing.
        """
        for _ in range(_LOOKS_AT_MOST):
            try:
                return make(self.tracker)
            except OverwrittenError:
                self.again()
        return make(self.tracker)

    def outdated(self, periods: Iterable[Period]) -> list[Period]:
        """Those of `periods` whose logs or targets changed since they were looked at.

        Asked after writing, where others may have looked later and found what they would write
        written already, only to see it overwritten. Changes that come again and again are left to
        whoever watches the logs.
        """
        if not self.tracker.store.output.shared or self._settled == _SETTLING:
            return []
        self._settled += 1
        seen, judged = self.tracker.store.listing.files, self.tracker.targets
        settings = self._settings
        there = list_logs(settings.log_dir, self._clock().date(), settings.origins).files
        changed = {day for day in seen.keys() | there if not _same(seen.get(day), there.get(day))}
        other_targets = load_targets(settings.targets_file) != judged
        if not changed and not other_targets:
            return []
        self.again()
        # A summary rests on all days before its own too: their trades make its highest point.
        first = min(changed, default=None)
        zone = settings.timezone
        return [
            one
            for one in periods
            if other_targets or (first is not None and first <= log_days_of(one.last_day, zone)[-1])
        ]

    def outdated_keys(self, window: Window, keys: Iterable[date]) -> list[date]:
        """The same of the periods of `window`, by their keys."""
        return [one.key for one in self.outdated([Period.of(window, key) for key in keys])]

    def _look(self) -> PerformanceTracker:
        # First, because the output folder, which is made if need be, may lie in that of the logs.
        require_folder(self._settings.log_dir, self._settings.origins)
        output = self._stack.enter_context(store_at(self._settings.output_dir).writing())
        return PerformanceTracker(self._settings, self._clock, output)


def _same(one: LogFile | None, other: LogFile | None) -> bool:
    return one is not None and other is not None and one[:4] == other[:4]
