"""Publishing a summary: the one way by which it becomes its two files, JSON and Markdown.

What was stored before is read once, for what a reader of the old files should hear and for what
stays untouched; the Markdown is rendered once, and goes on to whoever shows it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from performance_pipeline.domain.restatement import restatement
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.reports.equity_thumbnail import equity_steps
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.storage.store import Found, Store
from performance_pipeline.storage.summaries import (
    StoredSummary,
    encode_summary,
    markdown_name,
    read_summary,
    summary_name,
    write_summary,
)

LogsChangedSince = Callable[[Period, Found], Sequence[str]]
"""The logs of a period that changed after a file was written, `tracker.logs_changed_since`."""


@dataclass(frozen=True)
class Published:
    """A summary as its files hold it now."""

    summary: PerformanceSummary
    path: Place
    """Of the JSON."""
    markdown: str
    restated: str | None
    """What it tells differently of a period that was over, and why; None when it does not."""
    steps: Sequence[Decimal] = ()
    """The P&L of its days or trades, which its equity curve is drawn from."""

    @property
    def markdown_path(self) -> Place:
        return self.path.parent / markdown_name(self.path.name)


def publish_period(tracker: PerformanceTracker, period: Period) -> Published:
    """Make and store the summary of `period` as `tracker` sees it; raises UnreadableLogError."""
    aggregate = tracker.aggregate(period)
    summary = tracker.summarize(period, aggregate)
    published = publish(tracker.store.output, period, summary, tracker.logs_changed_since)
    return replace(published, steps=equity_steps(period.window, aggregate))


def expect_periods(tracker: PerformanceTracker, periods: Iterable[Period]) -> None:
    """Be ready to publish `periods`."""
    listed = list(periods)
    tracker.store.expect(dict.fromkeys(day for one in listed for day in tracker.counted_days(one)))
    names = [summary_name(one) for one in listed]
    tracker.store.output.expect([*names, *map(markdown_name, names)])


def publish(
    output: Store,
    period: Period,
    summary: PerformanceSummary,
    logs_changed_since: LogsChangedSince,
) -> Published:
    """Store `summary` in `output` as JSON and Markdown.

    A stored summary that differs in nothing but its `generated_at` stays as it is, and is what
    is returned.
    """
    name = summary_name(period)
    output.expect((name, markdown_name(name)))
    stored = read_summary(output, name)
    restated = None
    if stored is not None:
        restated = restatement(stored.summary, summary)
    if restated is not None:
        # Asked before anything is written, which would make the files newer than any log.
        written = output.status(name)
        changed = [] if written is None else logs_changed_since(period, written)
        causes = ", ".join(changed) or "settings"
        restated = f"{restated} (changed since: {causes})"
    summary, content = _kept_or_new(stored, summary)
    markdown = summary_markdown(summary)
    write_summary(output, name, content, markdown)
    return Published(summary, output.place / name, markdown, restated)


def _kept_or_new(
    stored: StoredSummary | None, summary: PerformanceSummary
) -> tuple[PerformanceSummary, bytes]:
    """What the JSON is to hold, with its bytes."""
    if stored is not None:
        kept = msgspec.structs.replace(summary, generated_at=stored.summary.generated_at)
        if encode_summary(kept) == stored.content:
            return kept, stored.content
    return summary, encode_summary(summary)
