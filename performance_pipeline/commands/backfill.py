"""`backfill`: a range of days through Dagster, with progress."""

import logging
import time
from dataclasses import replace
from datetime import date

import click
from rich.progress import TaskID

from performance_pipeline.commands.home import opened, use_home
from performance_pipeline.commands.progress import progress_bar
from performance_pipeline.defs.backfill import Layer, Progress, run_backfill, run_report
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.errors import PipelineError
from performance_pipeline.settings import Settings
from performance_pipeline.storage.stores import store_at


class BackfillError(PipelineError):
    """Some partitions could not be materialized; says which and why."""


def materialize_range(
    settings: Settings, first: date, last: date, *, with_report: bool = False
) -> None:
    """Materialize the days from `first` to `last`; raises BackfillError when some failed."""
    # Said at once: a run would try again for minutes.
    store_at(settings.output_dir).require_conditions()
    home = use_home(settings)
    started = time.monotonic()
    done = 0
    messages: list[str] = []
    with progress_bar() as bar, opened(home) as instance:
        tasks: list[TaskID] = []

        def on_layer(layer: Layer) -> None:
            tasks.append(
                bar.add_task(layer.asset_key.to_user_string(), total=len(layer.partitions))
            )

        def on_partition() -> None:
            nonlocal done
            done += 1
            bar.advance(tasks[-1])

        def on_message(message: str, level: int) -> None:
            if level >= logging.WARNING:
                messages.append(message)

        runtime, progress = Runtime(settings), Progress(on_layer, on_partition, on_message)
        failures = run_backfill(runtime, instance, first, last, progress)
        if with_report:
            failures += run_report(runtime, instance, replace(progress, on_partition=lambda: None))
    # After the bar, which they would tear apart; each layer may have said the same.
    for message in dict.fromkeys(messages):
        click.echo(message, err=True)
    click.echo(
        f"{done} partitions of {first} to {last} in {time.monotonic() - started:.1f} s,"
        f" in {settings.output_dir}",
        err=True,
    )
    if failures:
        raise BackfillError("; ".join(failures))
