"""What the closed trades of one strategy amount to, as far as a target can ask: numbers that merge.

`StrategyStats` is kept by name in every daily aggregate; `StrategyFigures` are the published
metrics that follow, rounded as a summary rounds them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Self

import msgspec

from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic
from performance_pipeline.domain.trade_stats import Drawdown
from performance_pipeline.domain.trades import Trade


class StrategyStats(msgspec.Struct, frozen=True):
    """Counts and exact sums over closed trades of one strategy, at least one, in time order.

    The first and the last day are there to merge: one day may come in two stretches.
    """

    total_wins: int
    total_losses: int
    total_breakevens: int
    squared_pnl_sum: Decimal
    planned_ratio_sum: Decimal
    planned_ratio_trades: int
    drawdown: Drawdown
    trading_days: int
    """Days with a closed trade of the strategy."""
    first_day: date
    last_day: date

    @classmethod
    def of(cls, day: date, trades: Sequence[Trade]) -> Self:
        """The stats of closed `trades` of one `day`, in an exact context."""
        outcomes = [trade.outcome for trade in trades]
        pnls = [trade.pnl for trade in trades if trade.pnl is not None]
        ratios = [trade.planned_ratio for trade in trades if trade.planned_ratio is not None]
        return cls(
            total_wins=outcomes.count("win"),
            total_losses=outcomes.count("loss"),
            total_breakevens=outcomes.count("breakeven"),
            squared_pnl_sum=sum((pnl * pnl for pnl in pnls), ZERO),
            planned_ratio_sum=sum(ratios, ZERO),
            planned_ratio_trades=len(ratios),
            drawdown=Drawdown.of(pnls),
            trading_days=1,
            first_day=day,
            last_day=day,
        )

    @classmethod
    def joined(cls, runs: Sequence[Self]) -> Self:
        """The stats of consecutive runs of trades, at least one, in an exact context."""
        shared = sum(earlier.last_day == later.first_day for earlier, later in pairwise(runs))
        return cls(
            total_wins=sum([run.total_wins for run in runs]),
            total_losses=sum([run.total_losses for run in runs]),
            total_breakevens=sum([run.total_breakevens for run in runs]),
            squared_pnl_sum=sum([run.squared_pnl_sum for run in runs], ZERO),
            planned_ratio_sum=sum([run.planned_ratio_sum for run in runs], ZERO),
            planned_ratio_trades=sum([run.planned_ratio_trades for run in runs]),
            drawdown=Drawdown.joined(run.drawdown for run in runs),
            trading_days=sum([run.trading_days for run in runs]) - shared,
            first_day=runs[0].first_day,
            last_day=runs[-1].last_day,
        )


class StrategyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a target can ask of one strategy; each field as in a summary, over its trades alone."""

    total_trades: int = 0
    total_wins: int = 0
    total_losses: int = 0
    win_rate: Decimal | None = None
    realized_pnl: Decimal = ZERO
    avg_risk_reward_ratio: Decimal | None = None
    risk_reward_trades: int = 0
    max_drawdown: Decimal = ZERO
    squared_pnl_sum: Decimal = ZERO
    trading_days: int = 0
    avg_daily_pnl: Decimal | None = None

    @classmethod
    def of(cls, stats: StrategyStats) -> Self:
        trades = stats.total_wins + stats.total_losses + stats.total_breakevens
        pnl, ratios = stats.drawdown.total, stats.planned_ratio_trades
        return cls(
            total_trades=trades,
            total_wins=stats.total_wins,
            total_losses=stats.total_losses,
            win_rate=divide_or_none(Decimal(stats.total_wins), trades),
            realized_pnl=pnl,
            avg_risk_reward_ratio=divide_or_none(stats.planned_ratio_sum, ratios),
            risk_reward_trades=ratios,
            max_drawdown=stats.drawdown.worst,
            squared_pnl_sum=stats.squared_pnl_sum,
            trading_days=stats.trading_days,
            avg_daily_pnl=divide_or_none(pnl, stats.trading_days),
        )


def stats_by_name(day: date, trades: Iterable[Trade]) -> dict[str, StrategyStats]:
    """The stats of each strategy with closed `trades` on `day`, by its name."""
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(trade.strategy, []).append(trade)
    with exact_arithmetic():
        return {name: StrategyStats.of(day, groups[name]) for name in sorted(groups)}


def joined_by_name(parts: Iterable[Mapping[str, StrategyStats]]) -> dict[str, StrategyStats]:
    """The stats of each strategy over consecutive stretches of time, in an exact context."""
    groups: dict[str, list[StrategyStats]] = {}
    for part in parts:
        for name, stats in part.items():
            groups.setdefault(name, []).append(stats)
    return {name: StrategyStats.joined(groups[name]) for name in sorted(groups)}
