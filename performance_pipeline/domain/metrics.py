"""An aggregate becomes a summary: every published metric, with its formula.

Money is exact; a ratio is one exact division rounded once, half to even, to 6 decimals; what is
undefined (a zero denominator, no data) is None. Sums and counts over nothing are 0.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import (
    DailyAggregate,
    DayResult,
    RejectedLineAt,
    UnmatchedLineAt,
)
from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic
from performance_pipeline.domain.positions import Book, OpenPosition
from performance_pipeline.domain.trade_stats import Bucket, Drawdown, TradeStats
from performance_pipeline.domain.windows import (
    Period,
    Window,
    end_of_day,
    start_of_day,
    trading_day,
)

SCHEMA_VERSION = 2

AlertStatus = Literal["OK", "WARN", "CRITICAL", "NO_TRADES", "NO_TARGETS", "INVALID_TARGETS"]


class BreakdownRow(msgspec.Struct, frozen=True):
    """Closed trades that share one symbol, strategy, execution mode or side.

    The rows of one breakdown add up exactly to the summary's own counts and P&L.
    """

    total_trades: int
    """Closed trades, breakevens included."""
    total_wins: int
    total_losses: int
    win_rate: Decimal | None
    """total_wins / total_trades, a fraction 0..1."""
    realized_pnl: Decimal
    """Sum of net P&L, money."""

    @classmethod
    def of(cls, bucket: Bucket) -> Self:
        """The row that shows `bucket`."""
        return cls(
            bucket.total_trades,
            bucket.total_wins,
            bucket.total_losses,
            divide_or_none(Decimal(bucket.total_wins), bucket.total_trades),
            bucket.realized_pnl,
        )


class DayRow(msgspec.Struct, frozen=True):
    """One trading day with a closed trade, a row of `daily`."""

    date: date
    total_trades: int
    """Trades closed on that day."""
    realized_pnl: Decimal
    """Sum of their net P&L, money."""
    max_drawdown: Decimal
    """The maximum drawdown within the day, whose P&L starts at 0: money, 0 or less."""


class TargetResult(msgspec.Struct, frozen=True):
    """The verdict on one target, in the unit of its metric."""

    metric: str
    actual: Decimal | None
    """The published, rounded metric; None when it is undefined."""
    target: Decimal
    """What the metric must not be below."""
    severity: Literal["WARN", "CRITICAL"] | None
    """Of a breach: CRITICAL when the metric is below the critical line too. Else None."""
    variance: Decimal | None
    """actual - target: 0 or more meets the target."""
    status: Literal["met", "breached", "pending", "insufficient_data"]


class DataQuality(msgspec.Struct, frozen=True):
    """What the numbers rest on: missing logs, lines left out, and warnings in sentences."""

    status: Literal["complete", "partial"]
    missing_days: tuple[date, ...]
    accepted: int
    duplicates: int
    rejected: int
    misdated: int
    outcome_conflicts: int
    unmatched_exits: int
    """SELLs that found no position to close, or not one large enough, where fills are paired."""
    rejected_lines: tuple[RejectedLineAt, ...]
    unmatched_lines: tuple[UnmatchedLineAt, ...]
    warnings: tuple[str, ...]


class PerformanceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One window's performance: the published metrics, verdicts and data quality.

    `docs/metrics.md` lists every field; they stand in the order in which they are written. All
    metrics are over closed trades, by net P&L, unless they say otherwise. Money is in the
    account's currency and exact, ratios are rounded to 6 decimals, and None is undefined: a zero
    denominator, or no data.
    """

    schema_version: int = SCHEMA_VERSION
    window: Window
    start_date: date | None
    """First day, inclusive; rolling: that of the oldest trade, None without trades."""
    end_date: date | None
    """Last day, inclusive; rolling: that of the newest trade, None without trades."""
    starts_at: datetime | None
    """First instant of the window; rolling: the oldest close, None without trades."""
    ends_at: datetime
    """The instant at which the window is over, exclusive."""
    timezone: str
    """The IANA zone of the trading day."""
    total_trades: int
    """Closed trades: wins, losses and breakevens, told apart by their `outcome`."""
    total_wins: int
    total_losses: int
    total_breakevens: int
    open_trades: int
    """Records, or lots where fills are paired, opened in the window and still open at its end."""
    unrealized_pnl: Decimal | None
    """Sum of `profit_loss` over these, money; None when any of them has none, as no lot has."""
    win_rate: Decimal | None
    """Win rate, a fraction 0..1: total_wins / total_trades."""
    gross_profit: Decimal
    """Sum of P&L over wins, money."""
    gross_loss: Decimal
    """Sum of P&L over losses, money, normally negative."""
    realized_pnl: Decimal
    """Net profit, money: sum of P&L over all closed trades."""
    commission: Decimal
    """Sum of commissions, money. Net P&L is what is left after them."""
    slippage: Decimal
    """Sum of slippage, money; told beside the P&L, never taken off it."""
    avg_profit_per_win: Decimal | None
    """Average win, money: gross_profit / total_wins."""
    avg_loss_per_loss: Decimal | None
    """Average loss, money, normally negative: gross_loss / total_losses."""
    profit_factor: Decimal | None
    """Profit factor: gross profit / |gross loss|. Above 1 the wins outweigh the losses."""
    payoff_ratio: Decimal | None
    """Payoff ratio: average win / |average loss|, from the averages before they are rounded."""
    expectancy: Decimal | None
    """Expectancy, money a trade: realized_pnl / total_trades."""
    avg_risk_reward_ratio: Decimal | None
    """Mean planned reward over risk, (target - price) / (price - stop_loss), of the trades that
    have both levels, on opposite sides of the price; each rounded to 9 decimals before summing."""
    risk_reward_trades: int
    """How many trades that mean is over."""
    current_streak: int
    """Length of the run of wins, or of losses, that the window ends with; a breakeven ends it."""
    streak_type: Literal["win", "loss", "none"]
    longest_win_streak: int
    """Most wins in a row, in order of their close."""
    longest_loss_streak: int
    """Most losses in a row, in order of their close."""
    max_drawdown: Decimal
    """Maximum drawdown, money, 0 or less: the largest fall of cumulative P&L below its highest
    point so far, trade by trade: min(cumulative P&L - running peak), the peak starting at 0."""
    best_trade: Decimal | None
    """The largest P&L of a single trade, money."""
    worst_trade: Decimal | None
    """The smallest P&L of a single trade, money."""
    avg_hold_seconds: Decimal | None
    """Mean holding time, seconds, of the trades that have a `hold_duration_seconds`."""
    trading_days: int
    """Days with a closed trade."""
    avg_daily_pnl: Decimal | None
    """Average P&L of a day with trades, money: realized_pnl / trading_days."""
    by_symbol: Mapping[str, BreakdownRow]
    by_strategy: Mapping[str, BreakdownRow]
    by_execution_mode: Mapping[str, BreakdownRow]
    by_side: Mapping[str, BreakdownRow]
    """By the side of the position that a trade closed; "" where fills are not paired."""
    open_positions: tuple[OpenPosition, ...] | None
    """All positions at the window's end, whenever opened; None where fills are not paired."""
    daily: tuple[DayRow, ...] | msgspec.UnsetType = msgspec.UNSET
    """Only in weeks, months and ranges."""
    targets: tuple[TargetResult, ...] = ()
    alert_status: AlertStatus = "NO_TARGETS"
    data_quality: DataQuality
    settings: Mapping[str, str | int]
    """The settings that it was made under; under others it is stale."""
    running: bool
    """Whether the window was still running when this was computed; such a summary can change."""
    generated_at: datetime

    @property
    def calendar_days(self) -> int:
        """Days from `start_date` to `end_date`, both inclusive, with or without trades."""
        if self.start_date is None or self.end_date is None:
            return 0
        return (self.end_date - self.start_date).days + 1


def summarize(
    period: Period,
    aggregate: DailyAggregate,
    book: Book | None,
    *,
    zone: ZoneInfo,
    data_quality: DataQuality,
    settings: Mapping[str, str | int],
    generated_at: datetime,
) -> PerformanceSummary:
    """The summary of `period`, given the combined `aggregate` of its days; no verdicts yet.

    A rolling window is the trades in the aggregate's tail; every other one is all of it. `book`
    holds the positions at the end of `period`, None where fills are not paired.
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
    return {
        "total_trades": closed,
        "total_wins": wins,
        "total_losses": losses,
        "total_breakevens": stats.total_breakevens,
        "win_rate": divide_or_none(Decimal(wins), closed),
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


def _tail(aggregate: DailyAggregate, zone: ZoneInfo) -> tuple[TradeStats, tuple[DayResult, ...]]:
    """The stats and days of just the trades in the tail: the last N closed ones."""
    with exact_arithmetic():
        days = []
        by_day = groupby(aggregate.tail, key=lambda trade: trading_day(trade.instant, zone))
        for day, trades in by_day:
            pnls = [trade.pnl for trade in trades if trade.pnl is not None]
            days.append(DayResult(day, len(pnls), Drawdown.of(pnls)))
        return TradeStats.of(aggregate.tail), tuple(days)


def _day_rows(days: tuple[DayResult, ...]) -> tuple[DayRow, ...]:
    return tuple(
        DayRow(day.date, day.total_trades, day.drawdown.total, day.drawdown.worst) for day in days
    )


def _breakdown(buckets: Mapping[str, Bucket]) -> dict[str, BreakdownRow]:
    return {name: BreakdownRow.of(bucket) for name, bucket in buckets.items()}
