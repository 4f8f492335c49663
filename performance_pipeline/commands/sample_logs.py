"""`sample-logs`: realistic, seeded trade logs that end today."""

from calendar import SATURDAY
from datetime import timedelta
from pathlib import Path

import click

from performance_pipeline.commands.progress import progress_bar
from performance_pipeline.domain.windows import days_between
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline.pipeline.tracker import utc_now


def write_samples(folder: Path, *, days: int, trades_per_day: int, seed: int, fills: bool) -> None:
    """Write sample logs ending today into `folder`; raises PipelineError rather than overwrite."""
    try:
        options = SampleOptions(
            end=utc_now().date(),
            days=days,
            trades_per_day=trades_per_day,
            seed=seed,
            fills=fills,
        )
        with progress_bar() as bar:
            days_back = days_between(options.end - timedelta(days=days - 1), options.end)
            task = bar.add_task(
                "sample logs", total=sum(day.weekday() < SATURDAY for day in days_back)
            )
            written = write_sample_logs(folder, options, lambda _: bar.advance(task))
    except (FileExistsError, ValueError) as error:
        raise PipelineError(str(error)) from None
    click.echo(f"{len(written)} logs in {folder}")
