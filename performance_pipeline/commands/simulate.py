"""`targets simulate`: how often targets alert by luck alone, and how soon they tell of a fall."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec

from performance_pipeline.commands.progress import progress_bar
from performance_pipeline.pipeline.simulating import (
    OnProgress,
    SimulationOptions,
    Traded,
    simulate_targets,
    traded,
)
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.settings import Settings
from performance_pipeline.storage.plain_json import encode_plain

_PATIENCE_SECONDS: Final = 2


def show_simulation(
    settings: Settings, given: Place | None, options: SimulationOptions, *, as_json: bool
) -> None:
    """Print what the targets in force, or those of the file `given`, raise over many lives.

    Raises UnusableTargetsError, UnusableBotError and LogFolderError.
    """
    with _slow_bar() as bar:
        history = _history(settings, bar("reading trades"))
        simulation = simulate_targets(settings, history, given, options, bar("living lives"))
    for log in history.unread:
        click.echo(f"warning: {log.log} is left out: {log.reason}", err=True)
    if as_json:
        click.echo(msgspec.json.format(encode_plain(simulation), indent=2))
        return
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.simulation_view import simulation_view

    show(partial(simulation_view, simulation))


def _history(settings: Settings, on_days: OnProgress) -> Traded:
    """What the bot traded; nothing where there is no folder of logs yet."""
    if isinstance(settings.log_dir, Path) and not settings.log_dir.exists():
        click.echo(f"warning: {settings.log_dir}: no such folder of trade logs", err=True)
        return Traded()
    return traded(PerformanceTracker(settings), on_days)


@contextmanager
def _slow_bar() -> Iterator[Callable[[str], OnProgress]]:
    """Makes what shows how far something is, once it takes longer than anybody likes to wait."""
    started = time.monotonic()
    with progress_bar() as progress:

        def task(name: str) -> OnProgress:
            number = progress.add_task(name, total=None, visible=False)

            def on_progress(done: int, whole: int) -> None:
                slow = time.monotonic() - started > _PATIENCE_SECONDS
                progress.update(number, completed=done, total=whole, visible=slow)

            return on_progress

        yield task
