"""`summary`: one window as tables on the terminal, as JSON, or as Markdown."""

from functools import partial

import click

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.publishing import publish
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.storage.stores import store_at
from performance_pipeline.storage.summaries import encode_summary


def show_summary(
    tracker: PerformanceTracker, period: Period, form: str, export: Place | None
) -> bool:
    """Print the summary of `period`; False when it breaches a target."""
    for sentence in (*tracker.targets.errors, *tracker.target_warnings):
        click.echo(f"warning: {sentence}", err=True)
    summary = tracker.summarize(period)
    if export is not None:
        summary = publish(store_at(export), period, summary, tracker.logs_changed_since).summary
    if form == "json":
        click.echo(encode_summary(summary), nl=False)
    elif form == "markdown":
        click.echo(summary_markdown(summary), nl=False)
    else:
        show_view(summary)
    return not any(result.status == "breached" for result in summary.targets)


def show_view(summary: PerformanceSummary) -> None:
    """Print the tables of `summary`."""
    # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.terminal import summary_view

    show(partial(summary_view, summary))
