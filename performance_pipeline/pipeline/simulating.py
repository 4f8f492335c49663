"""Simulating targets: which alerts they would raise over many lives of the operator's bot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.explanation import UnreadLog
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.simulation.bot import (
    Bot,
    DrawnTrade,
    UnusableBotError,
    made_up_bot,
    own_bot,
)
from performance_pipeline.domain.simulation.chances import (
    SimulatedBot,
    Simulation,
    count_chances,
    standard_error,
)
from performance_pipeline.domain.targets import Targets
from performance_pipeline.pipeline.closed_trades import ClosedTrades
from performance_pipeline.pipeline.replaying import targets_to_replay
from performance_pipeline.pipeline.report import default_period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.settings import Settings

_FALL: Final = Decimal("0.1")

OnProgress = Callable[[int, int], None]
"""Hears how many of how many are done."""


@dataclass(frozen=True)
class Traded:
    """What a bot traded: the closed trades of each day, those without one included."""

    days: Mapping[date, Sequence[DrawnTrade]] = field(default_factory=dict)
    unread: tuple[UnreadLog, ...] = ()
    """Logs whose days are left out."""


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """What is asked for; rates are fractions above 0 and below 1."""

    win_rate: Decimal | None = None
    """None: that of the bot's own trades."""
    fallen: Decimal | None = None
    """None: 10 points below the win rate, or half of it where it is no higher than 10 %."""
    trades_per_day: Decimal | None = None
    """None: as many as the bot's own days had."""
    seed: int = 7
    lives: int | None = None
    """None: as many as are worth waiting for."""


def traded(tracker: PerformanceTracker, on_days: OnProgress | None = None) -> Traded:
    """The closed trades of the last 365 days, without today, which is not over."""
    closed = ClosedTrades(tracker)
    counted = tracker.counted_days(default_period(tracker))
    days: dict[date, list[DrawnTrade]] = {}
    unread: list[UnreadLog] = []
    for number, day in enumerate(counted, start=1):
        of_day = closed.of(day)
        if of_day.unread:
            unread += of_day.unread
        else:
            days[day] = [
                DrawnTrade(one.outcome, one.pnl, one.planned_risk_reward, one.strategy)
                for one in of_day.trades
            ]
        if on_days is not None:
            on_days(number, len(counted))
    return Traded(days, tuple(dict.fromkeys(unread)))


def simulate_targets(
    settings: Settings,
    history: Traded,
    given: Place | None,
    options: SimulationOptions,
    on_lives: OnProgress | None = None,
) -> Simulation:
    """What the targets in force, or those of the file `given`, raise over many lives of a bot.

    Without a trade in its `history` the bot is made up from the targets, for whoever is new.
    Raises UnusableTargetsError and UnusableBotError.
    """
    path = given or settings.targets_file
    targets = targets_to_replay(path).targets
    assert targets is not None
    made_up = not any(history.days.values())
    if made_up:
        bot = _made_up(targets, options, settings.log_dir)
    else:
        bot = own_bot(history.days, options.win_rate, options.trades_per_day)
    fallen = _fallen(bot, options)
    counted = count_chances(
        targets,
        bot,
        fallen,
        rolling_window=settings.rolling_window,
        seed=options.seed,
        lives=options.lives,
        on_lives=on_lives,
    )
    return Simulation(
        targets_file=str(path),
        bot=_described(bot, fallen, None if made_up else history),
        rolling_window=settings.rolling_window,
        seed=options.seed,
        lives=counted.lives,
        standard_error=standard_error(counted.lives),
        targets=counted.targets,
        unchanged=counted.unchanged,
        fallen=counted.fallen,
    )


def _made_up(targets: Targets, options: SimulationOptions, log_dir: Place) -> Bot:
    if options.win_rate is None or options.trades_per_day is None:
        raise UnusableBotError(
            f"no trade closed in the last 365 days in {log_dir}; to simulate a bot without a"
            " history, give --win-rate and --trades-per-day"
        )
    return made_up_bot(targets, options.win_rate, options.trades_per_day)


def _fallen(bot: Bot, options: SimulationOptions) -> Decimal:
    fallen = options.fallen or max(bot.win_rate - _FALL, bot.win_rate / 2)
    if fallen >= bot.win_rate:
        raise UnusableBotError(
            f"--fallen {_percent(fallen)} is no fall; accepted is below the win rate,"
            f" {_percent(bot.win_rate)}"
        )
    return fallen


def _described(bot: Bot, fallen: Decimal, history: Traded | None) -> SimulatedBot:
    return SimulatedBot(
        source="made up" if history is None else "logs",
        start_date=min(history.days) if history else None,
        end_date=max(history.days) if history else None,
        trades=len(bot.trades),
        own_win_rate=bot.own_win_rate,
        win_rate=bot.win_rate,
        fallen_win_rate=fallen,
        trades_per_day=bot.trades_per_day,
        pnl_per_trade=bot.pnl_of_a_trade(bot.win_rate),
    )


def _percent(rate: Decimal) -> str:
    return plain(rate * 100)
