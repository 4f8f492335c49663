"""Publishing a summary: the one way by which it becomes its two files, JSON and Markdown.

What was stored before is read once, for what a reader of the old files should hear and for what
stays untouched; the Markdown is rendered once, and goes on to whoever shows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import msgspec

from performance_pipeline.domain.restatement import restatement
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.reports.equity_thumbnail import equity_steps
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.storage.summaries import (
    StoredSummary,
    encode_summary,
    read_summary,
    summary_path,
    write_summary,
)

LogsChangedSince = Callable[[Period, Path], Sequence[str]]
"""The logs of a period that changed after a file was written, `tracker.logs_changed_since`."""


@dataclass(frozen=True)
class Published:
    """A summary as its files hold it now."""

    summary: PerformanceSummary
    path: Path
    """Of the JSON; the Markdown stands beside it, with the suffix `.md`."""
    markdown: str
    restated: str | None
    """What it tells differently of a period that was over, and why; None when it does not."""
    steps: Sequence[Decimal] = ()
    """The P&L of its days or trades, which its equity curve is drawn from."""


def publish_period(tracker: PerformanceTracker, period: Period) -> Published:
    """Make and store the summary of `period` as `tracker` sees it; raises UnreadableLogError."""
    aggregate = tracker.aggregate(period)
    summary = tracker.summarize(period, aggregate)
    folder = tracker.settings.output_dir
    published = publish(folder, period, summary, tracker.logs_changed_since)
    return replace(published, steps=equity_steps(period.window, aggregate))


def publish(
    folder: Path,
    period: Period,
    summary: PerformanceSummary,
    logs_changed_since: LogsChangedSince,
) -> Published:
    """Store `summary` in `folder` as JSON and Markdown.

    A stored summary that differs in nothing but its `generated_at` stays as it is, and is what
    is returned.
    """
    path = summary_path(folder, period)
    stored = read_summary(path)
    restated = None
    if stored is not None:
        restated = restatement(stored.summary, summary)
    if restated is not None:
        # Asked before anything is written, which would make the files newer than any log.
        causes = ", ".join(logs_changed_since(period, path)) or "settings"
        restated = f"{restated} (changed since: {causes})"
    summary, content = _kept_or_new(stored, summary)
    markdown = summary_markdown(summary)
    write_summary(path, content, markdown)
    return Published(summary, path, markdown, restated)


def _kept_or_new(
    stored: StoredSummary | None, summary: PerformanceSummary
) -> tuple[PerformanceSummary, bytes]:
    """What the JSON is to hold, with its bytes."""
    if stored is not None:
        kept = msgspec.structs.replace(summary, generated_at=stored.summary.generated_at)
        if encode_summary(kept) == stored.content:
            return kept, stored.content
    return summary, encode_summary(summary)
