"""`prune`: everything that the instance need not keep, now, and the disk given back."""

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click
import sqlalchemy.exc
from dagster import DagsterInstance

from performance_pipeline.commands.home import existing_home, opened
from performance_pipeline.commands.progress import progress_bar
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.retention import Limits, Pruned, prune, sqlite_files
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline.reports.number_format import size_on_disk
from performance_pipeline.settings import Settings
from performance_pipeline.storage.databases import vacuum
from performance_pipeline.storage.files import bytes_below

_AT_ONCE: Final = Limits(runs=200, events=5000)
# As long as a busy service may keep a database to itself.
_WAIT_SECONDS: Final = 30.0


def prune_now(bots: Sequence[Settings], keep_days: int | None) -> None:
    """Remove all of `bots`, which share an instance, that is superseded and older than `keep_days`,
    by default those of each bot's settings.

    Raises PipelineError without an instance, and where a database stays locked; what was removed
    until then is gone, and the next call goes on.
    """
    days = {Keys(bot.bot): bot.keep_runs_days if keep_days is None else keep_days for bot in bots}
    home = existing_home(bots[0])
    if not any(days.values()):
        named = dict.fromkeys(bot.origins.named("PERFORMANCE_KEEP_RUNS_DAYS") for bot in bots)
        click.echo(f"Everything is kept: {', '.join(named)} is 0.")
        return
    started, before = time.monotonic(), bytes_below(home)
    try:
        with opened(home) as instance:
            pruned = _prune_all(instance, days)
            for path in sqlite_files(instance):
                if path.exists():
                    vacuum(path, _WAIT_SECONDS)
    except (sqlalchemy.exc.OperationalError, sqlite3.OperationalError) as error:
        raise PipelineError(
            f"{home}: {error}; what was removed is gone, run it again for the rest"
        ) from error
    click.echo(
        f"Removed {pruned} older than {_told(days.values())} in {time.monotonic() - started:.1f} s:"
        f" {size_on_disk(before)} -> {size_on_disk(bytes_below(home))} in {home}"
    )


def _prune_all(instance: DagsterInstance, days: Mapping[Keys, int]) -> Pruned:
    pruned = Pruned()
    with progress_bar() as bar:
        task = bar.add_task("removed", total=None)
        for keys, keep_days in days.items():
            found = Pruned(more=True)
            while found.more:
                found = prune(instance, keys, keep_days, utc_now(), _AT_ONCE)
                pruned += found
                bar.advance(task, found.runs + found.logs + found.events)
    return pruned


def _told(days: Iterable[int]) -> str:
    """What is kept of bots that differ, as a span; a bot that keeps all is none of it."""
    kept = sorted({one for one in days if one})
    return f"{kept[0]} days" if len(kept) == 1 else f"{kept[0]} to {kept[-1]} days"
