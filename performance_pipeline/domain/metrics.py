"""An aggregate becomes a summary: how every published metric is computed.

Money is exact; a ratio is one exact division rounded once, half to even, to 6 decimals; what is
undefined (a zero denominator, no data) is None. Sums and counts over nothing are 0.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import DailyAggregate, DayResult
from performance_pipeline.domain.luck import wilson_interval
from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic
from performance_pipeline.domain.positions import Book
from performance_pipeline.domain.strategies import (
    StrategyFigures,
    joined_by_name,
    stats_by_name,
)
from performance_pipeline.domain.summary import (
    BreakdownRow,
    DataQuality,
    DayRow,
    PerformanceSummary,
)
from performance_pipeline.domain.trade_stats import Bucket, Drawdown, TradeStats
from performance_pipeline.domain.trades import Trade
from performance_pipeline.domain.windows import (
    Period,
    Window,
    end_of_day,
    start_of_day,
    trading_day,
)


def summarize(
    period: Period,
    aggregate: DailyAggregate,
    book: Book | None,
    *,
    zone: ZoneInfo,
    peak_drawdown: Decimal | None = None,
    data_quality: DataQuality,
    settings: Mapping[str, str | int],
    generated_at: datetime,
) -> PerformanceSummary:
    """The summary of `period`, given the combined `aggregate` of its days; no verdicts yet.

    A rolling window is the trades in the aggregate's tail; every other one is all of it. `book`
    holds the positions at the end of `period`, None where fills are not paired; `peak_drawdown` is
    that of all trades up to there, None when it cannot be told.
    """
    rolling = period.window is Window.ROLLING
    stats, days = _tail(aggregate, zone) if rolling else (aggregate.stats, aggregate.days)
    if rolling:
        start_date = days[0].date if days else None
        end_date = days[-1].date if days else None
        starts_at = aggregate.tail[0].instant.astimezone(zone) if days else None
    else:
        start_date, end_date = period.first_day, period.last_day
        starts_at = start_of_day(period.first_day, zone).astimezone(zone)
    with exact_arithmetic():
        return PerformanceSummary(
            window=period.window,
            start_date=start_date,
            end_date=end_date,
            starts_at=starts_at,
            ends_at=end_of_day(period.last_day, zone).astimezone(zone),
            timezone=zone.key,
            **_still_open(aggregate, book, start_of_day(period.first_day, zone), zone),
            trading_days=len(days),
            avg_daily_pnl=divide_or_none(stats.realized_pnl, len(days)),
            daily=_day_rows(days)
            if period.window in (Window.WEEKLY, Window.MONTHLY, Window.RANGE)
            else msgspec.UNSET,
            peak_drawdown=peak_drawdown
            if period.window in (Window.DAILY, Window.ROLLING)
            else msgspec.UNSET,
            edge=None if rolling else msgspec.UNSET,
            data_quality=data_quality,
            settings=settings,
            running=generated_at < end_of_day(period.last_day, zone),
            generated_at=generated_at,
            **_trade_metrics(stats),
        )


def _trade_metrics(stats: TradeStats) -> dict[str, Any]:
    """The metrics that follow from closed trades alone, by name."""
    closed, wins, losses = stats.total_trades, stats.total_wins, stats.total_losses
    streaks = stats.streaks
    win_rate_low, win_rate_high = wilson_interval(wins, closed)
    return {
        "total_trades": closed,
        "total_wins": wins,
        "total_losses": losses,
        "total_breakevens": stats.total_breakevens,
        "win_rate": divide_or_none(Decimal(wins), closed),
        "win_rate_low": win_rate_low,
        "win_rate_high": win_rate_high,
        "gross_profit": stats.gross_profit,
        "gross_loss": stats.gross_loss,
        "realized_pnl": stats.realized_pnl,
        "commission": stats.commission,
        "slippage": stats.slippage,
        "avg_profit_per_win": divide_or_none(stats.gross_profit, wins),
        "avg_loss_per_loss": divide_or_none(stats.gross_loss, losses),
        "profit_factor": divide_or_none(stats.gross_profit, abs(stats.gross_loss)),
        "payoff_ratio": divide_or_none(stats.gross_profit * losses, abs(stats.gross_loss) * wins),
        "expectancy": divide_or_none(stats.realized_pnl, closed),
        "avg_risk_reward_ratio": divide_or_none(
            stats.planned_ratio_sum, stats.planned_ratio_trades
        ),
        "risk_reward_trades": stats.planned_ratio_trades,
        "current_streak": streaks.trailing_wins or streaks.trailing_losses,
        "streak_type": "win"
        if streaks.trailing_wins
        else "loss"
        if streaks.trailing_losses
        else "none",
        "longest_win_streak": streaks.longest_wins,
        "longest_loss_streak": streaks.longest_losses,
        "max_drawdown": stats.drawdown.worst,
        "best_trade": stats.best_trade,
        "worst_trade": stats.worst_trade,
        "squared_pnl_sum": stats.squared_pnl_sum,
        "avg_hold_seconds": divide_or_none(stats.hold_seconds_sum, stats.hold_seconds_trades),
        "by_symbol": _breakdown(stats.by_symbol),
        "by_strategy": _breakdown(stats.by_strategy),
        "by_execution_mode": _breakdown(stats.by_execution_mode),
        "by_side": _breakdown(stats.by_side),
    }


def _still_open(
    aggregate: DailyAggregate, book: Book | None, start: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    """What is open at the end of a period that began at `start`, by name."""
    if book is None:
        opens = aggregate.opens
        return {
            "open_trades": opens.open_trades,
            "unrealized_pnl": opens.unrealized_pnl,
            "open_positions": None,
        }
    lots = book.lots_opened_since(start)
    return {
        "open_trades": lots,
        "unrealized_pnl": None if lots else ZERO,
        "open_positions": book.published(zone),
    }


def strategy_figures(
    period: Period, aggregate: DailyAggregate, zone: ZoneInfo
) -> dict[str, StrategyFigures]:
    """What targets ask of each strategy that closed a trade in `period`, by its name."""
    stats = aggregate.strategies
    with exact_arithmetic():
        if period.window is Window.ROLLING:
            stats = joined_by_name(stats_by_name(*of_day) for of_day in _by_day(aggregate, zone))
        return {name: StrategyFigures.of(of_one) for name, of_one in stats.items()}


def _by_day(aggregate: DailyAggregate, zone: ZoneInfo) -> Iterator[tuple[date, list[Trade]]]:
    """The trades in the tail, by the day on which they count."""
    by_day = groupby(aggregate.tail, key=lambda trade: trading_day(trade.instant, zone))
    return ((day, list(trades)) for day, trades in by_day)


def _tail(aggregate: DailyAggregate, zone: ZoneInfo) -> tuple[TradeStats, tuple[DayResult, ...]]:
    """The stats and days of just the trades in the tail: the last N closed ones."""
    with exact_arithmetic():
        days = []
        for day, trades in _by_day(aggregate, zone):
            pnls = [trade.pnl for trade in trades if trade.pnl is not None]
            days.append(DayResult(day, len(pnls), Drawdown.of(pnls)))
        return TradeStats.of(aggregate.tail), tuple(days)


def _day_rows(days: tuple[DayResult, ...]) -> tuple[DayRow, ...]:
    return tuple(
        DayRow(day.date, day.total_trades, day.drawdown.total, day.drawdown.worst) for day in days
    )


def _breakdown(buckets: Mapping[str, Bucket]) -> dict[str, BreakdownRow]:
    return {name: BreakdownRow.of(bucket) for name, bucket in buckets.items()}
