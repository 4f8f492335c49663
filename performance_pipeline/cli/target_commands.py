"""`targets` and the commands below it."""

from datetime import date
from decimal import Decimal

import click

from performance_pipeline.cli.options import (
    a_rate,
    above_zero,
    day_option,
    examples,
    number_option,
    targets_option,
)
from performance_pipeline.commands.choosing import bot_option, chosen_settings
from performance_pipeline.commands.periods import both_days, clipped
from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place


@click.group()
def targets() -> None:
    """Try targets on what was traded."""


@targets.command("replay")
@targets_option(help="The targets to hold against those in force.")
@day_option("--start", help="First day, with --end; default the last 365 days.")
@day_option("--end", help="Last day, inclusive.")
@click.option("--json", "as_json", is_flag=True, help="The replay document on stdout.")
@bot_option
@examples("performance-pipeline targets replay --targets new-targets.yaml")
def replay(given: Place | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Show which alerts targets would have raised so far.

    Every day, week, month and rolling window of the range is judged as if it were just over, by the
    targets in force and by those of a file: side by side, and what only one of them raises. Writes
    nothing.
    """
    from performance_pipeline.commands.targets import show_replay
    from performance_pipeline.pipeline.report import default_period

    tracker = PerformanceTracker(chosen_settings())
    if start or end:
        period = Period.spanning(*clipped(tracker, *both_days(start, end)))
    else:
        period = default_period(tracker)
    show_replay(tracker, period, given, as_json=as_json)


@targets.command("simulate")
@targets_option(help="The targets to simulate; default those in force.")
@click.option(
    "--win-rate", type=a_rate, metavar="PERCENT", help="How many trades win; default the bot's own."
)
@click.option(
    "--fallen", type=a_rate, metavar="PERCENT", help="What that falls to; default 10 points lower."
)
@click.option(
    "--trades-per-day",
    type=above_zero,
    metavar="N",
    help="Closed trades a day, on average; default the bot's own.",
)
@number_option("--seed", click.IntRange(min=0), "The same seed draws the same trades.", default=7)
@click.option("--json", "as_json", is_flag=True, help="The simulation document on stdout.")
@bot_option
@examples("performance-pipeline targets simulate --targets new-targets.yaml --win-rate 55")
def simulate(
    given: Place | None,
    win_rate: Decimal | None,
    fallen: Decimal | None,
    trades_per_day: Decimal | None,
    seed: int,
    as_json: bool,
) -> None:
    """Show how often targets alert by luck alone.

    And how soon they tell of a real fall of the win rate. Draws many years of trading from the
    bot's own closed trades of the last 365 days. Where there are none, and --win-rate and
    --trades-per-day are given, it draws the trades of a bot made up from what the targets ask.
    Writes nothing.
    """
    from performance_pipeline.commands.simulate import show_simulation
    from performance_pipeline.pipeline.simulating import SimulationOptions

    options = SimulationOptions(
        win_rate=win_rate, fallen=fallen, trades_per_day=trades_per_day, seed=seed
    )
    show_simulation(chosen_settings(), given, options, as_json=as_json)
