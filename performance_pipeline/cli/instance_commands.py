"""Commands that use a Dagster instance, or make one."""

from datetime import date
from pathlib import Path

import click

from performance_pipeline.cli.options import day_option, examples, number_option
from performance_pipeline.commands.choosing import (
    bot_option,
    chosen_bots,
    chosen_name,
    chosen_settings,
)
from performance_pipeline.commands.periods import both_days, clipped, last_days
from performance_pipeline.pipeline.tracker import PerformanceTracker


@click.command()
@number_option(
    "--days",
    click.IntRange(min=1),
    "That many days, ending today, but none before the oldest log.",
)
@day_option("--start", help="First day, with --end.")
@day_option("--end", help="Last day, inclusive.")
@bot_option
@examples("performance-pipeline backfill --days 30")
def backfill(days: int | None, start: date | None, end: date | None) -> None:
    """Materialize days, their weeks and months, through Dagster.

    Asks for --days, or --start and --end. The service does so by itself for logs that change; this
    is for history, and brings the alert log up to date at the end.
    """
    from performance_pipeline.commands.backfill import materialize_range

    settings = chosen_settings()
    tracker = PerformanceTracker(settings)
    if days is not None:
        if start or end:
            raise click.UsageError("give --days, or --start and --end, not both")
        asked = last_days(tracker, days)
    else:
        asked = clipped(tracker, *both_days(start, end))
    materialize_range(settings, *asked)


@click.command()
@number_option(
    "--keep-days",
    click.IntRange(min=1),
    "Keep the history of that many days; default PERFORMANCE_KEEP_RUNS_DAYS.",
)
@bot_option
@examples("performance-pipeline prune --keep-days 7")
def prune(keep_days: int | None) -> None:
    """Remove old history from the Dagster instance.

    Only history that nothing relies on goes, and the disk is given back. The service does so by
    itself, little by little, and may go on meanwhile. What was materialized, its newest figures and
    check results, and the alert log stay as they are.
    """
    from performance_pipeline.commands.prune import prune_now

    prune_now(chosen_bots(), keep_days)


@click.command()
@examples("performance-pipeline demo")
def demo() -> None:
    """Go from sample logs to reports and alerts, in ./demo.

    What it makes stays there; the settings in force play no part.
    """
    from performance_pipeline.commands.demo import DEMO_FOLDER, run_demo

    run_demo(Path(DEMO_FOLDER))


@click.command()
@number_option(
    "--port", click.IntRange(1, 65535), "Where the UI is, on http://127.0.0.1.", default=3000
)
@bot_option
@examples("performance-pipeline dev --port 3001")
def dev(port: int) -> None:
    """Start Dagster's UI and daemon, on this machine only.

    They run over the logs in force and their Dagster instance: over all bots where
    config/bots.yaml lists several, and --bot says which one the link leads to. Until
    PERFORMANCE_LOG_DIR is set, or bots are listed, they run over the logs of the demo in ./demo.
    """
    from performance_pipeline.commands.dev import serve

    serve(port, chosen_name())
