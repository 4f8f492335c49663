"""`backfill`: a range of days through Dagster, with progress."""

import logging
import time
from dataclasses import replace
from datetime import date

import click
from rich.progress import Progress as Bar
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


class _Shown:
    """What is shown of a backfill: a bar a layer, and in the end what was said meanwhile."""

    def __init__(self, bar: Bar) -> None:
        self.done = 0
        self.messages: list[str] = []
        self._bar = bar
        self._layer = TaskID(0)

    @property
    def progress(self) -> Progress:
        return Progress(self._on_layer, self._on_partition, self._on_message)

    def _on_layer(self, layer: Layer) -> None:
        name = layer.asset_key.to_user_string()
        self._layer = self._bar.add_task(name, total=len(layer.partitions))

    def _on_partition(self) -> None:
        self.done += 1
        self._bar.advance(self._layer)

    def _on_message(self, message: str, level: int) -> None:
        if level >= logging.WARNING:
            self.messages.append(message)


def materialize_range(
    settings: Settings, first: date, last: date, *, with_report: bool = False
) -> None:
    """Materialize the days from `first` to `last`; raises BackfillError when some failed."""
    # Said at once: a run would try again for minutes.
    store_at(settings.output_dir).require_conditions()
    home = use_home(settings)
    started = time.monotonic()
    with progress_bar() as bar, opened(home) as instance:
        shown = _Shown(bar)
        runtime, progress = Runtime(settings), shown.progress
        failures = run_backfill(runtime, instance, first, last, progress)
        if with_report:
            failures += run_report(runtime, instance, replace(progress, on_partition=lambda: None))
    # After the bar, which they would tear apart; each layer may have said the same.
    for message in dict.fromkeys(shown.messages):
        click.echo(message, err=True)
    click.echo(
        f"{shown.done} partitions of {first} to {last} in {time.monotonic() - started:.1f} s,"
        f" in {settings.output_dir}",
        err=True,
    )
    if failures:
        raise BackfillError("; ".join(failures))
