"""The bot whose lives are simulated: the trades that it draws from, and how many it closes a day.

It is the operator's own, as it traded, or one made up from what targets ask for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import exp, log
from typing import Final, Literal, NamedTuple

from performance_pipeline.domain.numbers import RATIO_PLACES, divide, exact_arithmetic
from performance_pipeline.domain.targets import Targets
from performance_pipeline.errors import PipelineError

WEEKDAYS: Final = 7
_MADE_UP_TRADES: Final = 1000
_MADE_UP_DAYS: Final = 200
_TRADING_WEEKDAYS: Final = 5
_PLANNED_SPREAD: Final = Decimal("0.3")
_NO_SCALE: Final = Decimal(100)


class UnusableBotError(PipelineError):
    """A bot that cannot be drawn from: says what is missing."""


class DrawnTrade(NamedTuple):
    """A closed trade as far as targets ask about one; each field as in `trades.Trade`."""

    outcome: str
    pnl: Decimal
    planned_ratio: Decimal | None
    strategy: str = ""


@dataclass(frozen=True)
class Bot:
    """What lives are drawn from, each trade by itself: no streaks but those of luck.

    A day closes as many trades as one of the days of the same weekday did, times `scale`, rounded
    up or down at random. Each of its trades is a win with probability `win_rate`, drawn from the
    wins, and else drawn from the others.
    """

    trades: tuple[DrawnTrade, ...]
    day_counts: tuple[tuple[int, ...], ...]
    """For each weekday from Monday on, how many trades each such day closed; none is 0."""
    win_rate: Decimal
    """How many of all trades are wins, a fraction above 0 and below 1."""
    scale: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not any(map(any, self.day_counts)):
            raise UnusableBotError("no day with a closed trade to draw from")
        wins = self.wins
        for name, there in (("win", wins), ("trade that is none", len(self.trades) - wins)):
            if not there:
                raise UnusableBotError(
                    f"the trades to draw from hold no {name}, and both are needed"
                )

    @property
    def wins(self) -> int:
        """How many of the trades to draw from are wins."""
        return sum(trade.outcome == "win" for trade in self.trades)

    @property
    def own_win_rate(self) -> Decimal:
        """The wins among the trades to draw from, whatever is asked for."""
        return divide(Decimal(self.wins), len(self.trades))

    @property
    def trades_per_day(self) -> Decimal:
        """Closed trades of a day that has any, on average."""
        counts = [count for of_weekday in self.day_counts for count in of_weekday if count]
        return divide(sum(counts) * self.scale, len(counts))

    @property
    def trades_a_week(self) -> float:
        """Closed trades of a week, on average."""
        means = (sum(counts) / len(counts) for counts in self.day_counts if counts)
        return sum(means) * float(self.scale)

    def pnl_of_a_trade(self, win_rate: Decimal) -> Decimal:
        """P&L of a trade, money, on average, if it is a win so often."""
        with exact_arithmetic():
            wins = [trade.pnl for trade in self.trades if trade.outcome == "win"]
            others = [trade.pnl for trade in self.trades if trade.outcome != "win"]
            whole = win_rate * sum(wins) * len(others) + (1 - win_rate) * sum(others) * len(wins)
        return divide(whole, len(wins) * len(others))


def own_bot(
    days: Mapping[date, Sequence[DrawnTrade]],
    win_rate: Decimal | None = None,
    trades_per_day: Decimal | None = None,
) -> Bot:
    """The bot that closed these trades on `days`, those without one included.

    With another win rate or more trades a day where they are given. Raises UnusableBotError.
    """
    trades = tuple(trade for of_day in days.values() for trade in of_day)
    counts: list[list[int]] = [[] for _ in range(WEEKDAYS)]
    for day, of_day in days.items():
        counts[day.weekday()].append(len(of_day))
    by_weekday = tuple(tuple(of_weekday or [0]) for of_weekday in counts)
    as_it_was = Bot(trades, by_weekday, Decimal("0.5"))
    scale = Decimal(1)
    if trades_per_day is not None:
        scale = divide(trades_per_day, as_it_was.trades_per_day)
    return Bot(trades, by_weekday, win_rate or as_it_was.own_win_rate, scale)


def made_up_bot(targets: Targets, win_rate: Decimal, trades_per_day: Decimal) -> Bot:
    """A bot that is on average as good as the targets at the top of their file ask, for a newcomer.

    On weekdays it closes a number of trades around `trades_per_day` (Poisson). Losses are spread
    around an average (exponential) with which a day of nothing but losses comes to
    `max_drawdown_target`; wins around one with which a day makes `daily_pl_target`. Planned
    reward/risk lies evenly within 30 % of `avg_risk_reward_target`. Without a target for P&L a day
    makes 0, without one for drawdown a loss is a day's P&L or else 100. Raises UnusableBotError
    where no win can make up for the losses.
    """
    asked = {key: targets.written.get((key,)) for key in _SHAPING}
    of_a_day = asked["daily_pl_target"] or Decimal(0)
    drawdown = asked["max_drawdown_target"]
    loss = divide(-drawdown, trades_per_day) if drawdown else abs(of_a_day) or _NO_SCALE
    win = divide(divide(of_a_day, trades_per_day) + (1 - win_rate) * loss, win_rate)
    if win <= 0:
        raise UnusableBotError(
            f"daily_pl_target {of_a_day} asks for less than losses alone make with"
            f" max_drawdown_target {drawdown}: no bot can be made up from these"
        )
    planned = asked["avg_risk_reward_target"]
    trades = (*_spread("win", win, planned), *_spread("loss", -loss, planned))
    weekday = tuple(_poisson(float(trades_per_day)))
    counts = (weekday,) * _TRADING_WEEKDAYS + ((0,),) * (WEEKDAYS - _TRADING_WEEKDAYS)
    return Bot(trades, counts, win_rate)


_SHAPING: Final = ("daily_pl_target", "max_drawdown_target", "avg_risk_reward_target")


def _spread(
    outcome: Literal["win", "loss"], mean: Decimal, planned: Decimal | None
) -> Iterable[DrawnTrade]:
    """Trades whose P&L is at evenly spaced quantiles of the exponential distribution."""
    at = [(place + 0.5) / _MADE_UP_TRADES for place in range(_MADE_UP_TRADES)]
    sizes = [-log(1 - share) for share in at]
    whole = sum(sizes)
    for number, size in enumerate(sizes):
        pnl = divide(mean * Decimal(size * _MADE_UP_TRADES / whole), 1, RATIO_PLACES)
        # Spread in an order of its own, or large wins would be those planned to be large.
        step = number * 387 % _MADE_UP_TRADES
        shift = _PLANNED_SPREAD * (2 * step - _MADE_UP_TRADES + 1) / _MADE_UP_TRADES
        yield DrawnTrade(outcome, pnl, None if planned is None else planned * (1 + shift))


def _poisson(mean: float) -> Iterable[int]:
    """Counts at evenly spaced quantiles of the Poisson distribution."""
    count, log_chance = 0, -mean
    below = exp(log_chance)
    for place in range(_MADE_UP_DAYS):
        while below < (place + 0.5) / _MADE_UP_DAYS:
            count += 1
            log_chance += log(mean / count)
            below += exp(log_chance)
        yield count
