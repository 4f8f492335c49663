"""What a simulation says: every field, and how chances are counted over the lives of a bot."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import sqrt
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np

from performance_pipeline.domain.alerts import Severity
from performance_pipeline.domain.numbers import divide
from performance_pipeline.domain.simulation.bot import Bot
from performance_pipeline.domain.simulation.judging import CRITICAL, WARN, Alerts, Judge, limit_of
from performance_pipeline.domain.simulation.lives import (
    DAYS,
    SPAN_DAYS,
    Deck,
    Floats,
    Lives,
    Luck,
)
from performance_pipeline.domain.targets import TargetLine, Targets
from performance_pipeline.domain.windows import Window

SIMULATION_VERSION: Final = 1
WEEK_DAYS: Final = 7
MONTH_DAYS: Final = 30

# As many lives as these trades make, so that a bot which trades often takes no longer.
_TRADES: Final = 20_000_000
_FEWEST_LIVES, _MOST_LIVES = 200, 2_000
_TRADES_AT_ONCE: Final = 200_000
_MOST_AT_ONCE: Final = 250

_Kind: TypeAlias = tuple[Window, TargetLine, int]
# How far the first alert is when there is none.
_NEVER: Final = float("inf")


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """How likely at least one alert is raised within so many days, 0..1."""

    within_7_days: Decimal
    within_30_days: Decimal
    within_365_days: Decimal


class Unchanged(msgspec.Struct, frozen=True, kw_only=True):
    """What is raised while nothing changes: false alarms."""

    chances: Chances
    alerts_a_year: Decimal
    """How many are raised in 365 days, on average."""


class Fallen(msgspec.Struct, frozen=True, kw_only=True):
    """When a fall of the win rate is told, counted from the fall on.

    Over the lives in which no such alert is in force when it falls: its chances are None when that
    is none.
    """

    chances: Chances | None
    median_trades: int | None
    """Closed trades until it is told, at the median; None when in most lives it is not told within
    365 days."""


class TargetChances(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts of one target; `CRITICAL` those of them that fall below the critical line."""

    window: Window
    metric: str
    strategy: str
    severity: Severity
    limit: Decimal
    """The target or the critical line, in the metric's own unit."""
    unchanged: Unchanged
    fallen: Fallen


class SimulatedBot(msgspec.Struct, frozen=True, kw_only=True):
    """What was drawn from."""

    source: Literal["logs", "made up"]
    """`logs`: the closed trades of these days. `made up`: from what the targets ask for."""
    start_date: date | None
    end_date: date | None
    trades: int
    """How many trades were drawn from."""
    own_win_rate: Decimal
    """That of the trades drawn from."""
    win_rate: Decimal
    """How often a trade wins while nothing changes."""
    fallen_win_rate: Decimal
    trades_per_day: Decimal
    """Closed trades of a day that has any, on average."""
    pnl_per_trade: Decimal
    """On average, while nothing changes, money."""


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts that targets would raise over many lives of a bot."""

    schema_version: int = SIMULATION_VERSION
    targets_file: str
    bot: SimulatedBot
    rolling_window: int
    seed: int
    lives: int
    standard_error: Decimal
    """Of each chance over all lives, at most: that of a chance of a half."""
    targets: tuple[TargetChances, ...]
    unchanged: Unchanged
    """All windows together."""
    fallen: Fallen


class Counted(NamedTuple):
    """The chances of each target, and of all windows together, over so many lives."""

    lives: int
    targets: tuple[TargetChances, ...]
    unchanged: Unchanged
    fallen: Fallen


class _First(NamedTuple):
    """Of each life when the first alert is raised, how many are, and whether one is in force."""

    days: Floats
    """Days from when what is asked about begins, 0 on that day; infinite without an alert."""
    trades: Floats
    raised: Floats
    in_force: Floats


def count_chances(
    targets: Targets,
    bot: Bot,
    fallen_win_rate: Decimal,
    *,
    rolling_window: int,
    seed: int,
    lives: int | None = None,
    on_lives: Callable[[int, int], None] | None = None,
) -> Counted:
    """The chances of `targets` over `lives` of `bot`, by default as many as are worth a wait.

    `on_lives` hears how many of how many are done.
    """
    whole = lives or lives_worth_a_wait(bot)
    at_once = int(min(max(_TRADES_AT_ONCE / _trades_a_life(bot), 1), _MOST_AT_ONCE))
    # Ten times the usual number of trades is far beyond chance.
    deck = Deck(bot, int(at_once * _trades_a_life(bot) * 10))
    dice = np.random.Generator(np.random.PCG64(seed))
    before = float(bot.win_rate)
    same: dict[_Kind, list[_First]] = {}
    fell: dict[_Kind, list[_First]] = {}
    for done in range(0, whole, at_once):
        count = min(at_once, whole - done)
        luck = Luck(deck, bot, count, dice)
        for found, after in ((same, before), (fell, float(fallen_win_rate))):
            drawn = luck.lives(before, after)
            for window, line, severity, alerts in Judge(
                targets, rolling_window, deck, drawn
            ).alerts():
                found.setdefault((window, line, severity), []).append(_first(alerts, drawn))
        if on_lives is not None:
            on_lives(done + count, whole)
    return _counted(whole, *({kind: _joined(of[kind]) for kind in of} for of in (same, fell)))


def lives_worth_a_wait(bot: Bot) -> int:
    """Some thousands, or as many as 20 million trades make, but at least 200."""
    return int(min(max(_TRADES / _trades_a_life(bot), _FEWEST_LIVES), _MOST_LIVES))


def _trades_a_life(bot: Bot) -> float:
    return max(1.0, bot.trades_a_week * DAYS / WEEK_DAYS)


def _counted(lives: int, same: dict[_Kind, _First], fell: dict[_Kind, _First]) -> Counted:
    rows = tuple(
        TargetChances(
            window=window,
            metric=line.metric,
            strategy=line.strategy,
            severity="CRITICAL" if severity == CRITICAL else "WARN",
            limit=limit_of(line, severity),
            unchanged=_unchanged(first, lives),
            fallen=_fallen(fell[window, line, severity]),
        )
        for (window, line, severity), first in same.items()
    )
    together, told = _together(same, lives), _together(fell, lives)
    return Counted(lives, rows, _unchanged(together, lives), _fallen(told))


def standard_error(lives: int) -> Decimal:
    """Of a chance of a half, counted over so many lives, to 6 decimals."""
    return divide(Decimal(0.5 / sqrt(lives)), 1)


def _first(alerts: Alerts, lives: Lives) -> _First:
    days, trades = np.full(lives.count, _NEVER), np.full(lives.count, _NEVER)
    begins = lives.begins[alerts.life]
    asked = (alerts.day >= begins) & (alerts.day < begins + SPAN_DAYS)
    life = alerts.life[asked]
    at = np.flatnonzero(asked)[np.diff(life, prepend=-1) != 0]
    first = alerts.life[at]
    days[first] = alerts.day[at] - lives.begins[first]
    trades[first] = alerts.end[at] - lives.starts[first, lives.begins[first]]
    raised = np.bincount(life, minlength=lives.count).astype(float)
    return _First(days, trades, raised, alerts.is_raised.astype(float))


def _joined(parts: list[_First]) -> _First:
    return _First(*(np.concatenate(of) for of in zip(*parts, strict=True)))


def _together(kinds: dict[_Kind, _First], lives: int) -> _First:
    """The first of all alerts, critical ones being alerts already."""
    nothing = np.zeros(lives)
    days, trades = np.full(lives, _NEVER), np.full(lives, _NEVER)
    raised, in_force = nothing, nothing
    for (_, _, severity), first in kinds.items():
        if severity == WARN:
            days, trades = np.minimum(days, first.days), np.minimum(trades, first.trades)
            raised, in_force = raised + first.raised, np.maximum(in_force, first.in_force)
    return _First(days, trades, raised, in_force)


def _unchanged(first: _First, lives: int) -> Unchanged:
    return Unchanged(
        chances=_chances(first.days),
        alerts_a_year=divide(Decimal(int(first.raised.sum())), lives),
    )


def _fallen(first: _First) -> Fallen:
    quiet = first.in_force == 0
    if not quiet.any():
        return Fallen(chances=None, median_trades=None)
    median = float(np.quantile(first.trades[quiet], 0.5, method="inverted_cdf"))
    return Fallen(
        chances=_chances(first.days[quiet]),
        median_trades=None if median == _NEVER else int(median),
    )


def _chances(days: Floats) -> Chances:
    week, month, year = (
        divide(Decimal(int((days < span).sum())), len(days))
        for span in (WEEK_DAYS, MONTH_DAYS, SPAN_DAYS)
    )
    return Chances(within_7_days=week, within_30_days=month, within_365_days=year)
