"""`verify`: recombined against recomputed, printed difference by difference."""

from datetime import date

import click

from performance_pipeline.commands.progress import progress_bar
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.pipeline.verify import periods_of, rests_on_lost_logs, verify


def verify_range(tracker: PerformanceTracker, first: date, last: date) -> bool:
    """Verify every period that the days touch; False when a difference was found."""
    periods = periods_of(first, last)
    lost = {period for period in periods if rests_on_lost_logs(tracker, period)}
    checked = [period for period in periods if period not in lost]
    found = 0
    with progress_bar() as bar:
        task = bar.add_task("verify", total=len(checked))
        for difference in verify(tracker, checked, lambda _: bar.advance(task)):
            found += 1
            click.echo(str(difference))
    if lost:
        click.echo(f"{len(lost)} summaries rest on logs that disappeared: not verified", err=True)
    click.echo(f"{len(checked)} summaries of {first} to {last}: {found} differences")
    return not found
