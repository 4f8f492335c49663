"""`report`: one HTML page over any range of days."""

import time

import click

from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.report import load_report, write_report
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.reports.number_format import size_on_disk


def make_report(tracker: PerformanceTracker, period: Period, path: Place) -> None:
    """Write the page over `period` to `path`, and say where, how large and how long it took."""
    started = time.monotonic()
    for sentence in (*tracker.targets.errors, *tracker.targets.warnings):
        click.echo(f"warning: {sentence}", err=True)
    report = load_report(tracker, period)
    if not report.summary.total_trades:
        click.echo(f"No trades in window ({period.first_day} to {period.last_day})", err=True)
    size = write_report(path, report)
    click.echo(f"{path}: {size_on_disk(size)} in {time.monotonic() - started:.1f} s", err=True)
