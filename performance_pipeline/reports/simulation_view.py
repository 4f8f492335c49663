"""A simulation of targets as rich tables: what `targets simulate` shows."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.simulation.chances import (
    Fallen,
    SimulatedBot,
    Simulation,
    TargetChances,
    Unchanged,
)
from performance_pipeline.reports.fitted_table import Column, columns, fitted_table, safe
from performance_pipeline.reports.number_format import UNDEFINED, counted, in_full, number, percent
from performance_pipeline.reports.wording import judged_name

_NEVER_TOLD: Final = "over a year"


def simulation_view(simulation: Simulation, width: int) -> RenderableType:
    """What was drawn from, and the chances of each target, of all of them together at the end."""
    return Group(*_introduction(simulation), _table(simulation, width), *_notes())


def _introduction(simulation: Simulation) -> Iterator[RenderableType]:
    bot = simulation.bot
    yield Text(f"Chances of an alert by {safe(simulation.targets_file)}", "bold")
    yield Text(
        f"{_source(bot)}: {percent(bot.win_rate)} win, {number(bot.trades_per_day)} trades a"
        f" trading day, {number(bot.pnl_per_trade)} a trade"
    )
    error = percent(simulation.standard_error).removesuffix(" %")
    yield Text(
        f"{simulation.lives:,} lives of a year, seed {simulation.seed}; a chance is right to some"
        f" {error} points (standard error, at most)",
        "dim",
    )


def _source(bot: SimulatedBot) -> str:
    if bot.source == "made up":
        return "A bot made up from what these targets ask"
    of_own = f"{counted(bot.trades, 'closed trade')} of {bot.start_date} to {bot.end_date}"
    if bot.own_win_rate == bot.win_rate:
        return of_own
    return f"{of_own} ({percent(bot.own_win_rate)} of them wins)"


def _table(simulation: Simulation, width: int) -> RenderableType:
    win, fallen = (percent(of) for of in (simulation.bot.win_rate, simulation.bot.fallen_win_rate))
    rows = [
        (*_named(target), *_figures(target.unchanged, target.fallen))
        for target in simulation.targets
    ]
    together = _figures(simulation.unchanged, simulation.fallen)
    rows.append((Text("all", "bold"), Text("together", "bold"), Text(""), *together))
    return fitted_table(
        [
            *columns("Window", "Metric"),
            Column("Limit", right=True, whole=True),
            *columns(
                f">At {win} within 7 days",
                ">30 days",
                ">365 days",
                ">Alerts a year",
                f">At {fallen} within 30 days",
            ),
            Column("Trades until told", right=True, whole=True),
        ],
        rows,
        width,
    )


def _named(target: TargetChances) -> tuple[Text, Text, Text]:
    critical = " critical" if target.severity == "CRITICAL" else ""
    return (
        Text(target.window.value),
        Text(safe(judged_name(target.metric, target.strategy)) + critical),
        Text(in_full(target.metric, target.limit)),
    )


def _figures(unchanged: Unchanged, fallen: Fallen) -> tuple[Text, ...]:
    chances = unchanged.chances
    told, median = UNDEFINED, UNDEFINED
    if fallen.chances is not None:
        told = percent(fallen.chances.within_30_days)
        trades = fallen.median_trades
        median = _NEVER_TOLD if trades is None else f"{trades:,}"
    return (
        Text(percent(chances.within_7_days)),
        Text(percent(chances.within_30_days)),
        Text(percent(chances.within_365_days)),
        Text(number(unchanged.alerts_a_year)),
        Text(told),
        Text(median),
    )


def _notes() -> Iterator[RenderableType]:
    yield Text(
        "The chance of at least one alert within so many days while nothing changes, and if the win"
        " rate falls; then the closed trades from the fall to the alert, at the median. Trades are"
        " drawn one by one: luck alone makes good and bad weeks.",
        "dim",
    )
