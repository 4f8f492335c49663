"""What a summary says: every published field, in the order in which it is written.

How it is computed is the business of `metrics.py`, and of `verdicts.py` what its targets come to.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self

import msgspec

from performance_pipeline.domain.aggregate import RejectedLineAt, UnmatchedLineAt
from performance_pipeline.domain.numbers import divide_or_none
from performance_pipeline.domain.positions import OpenPosition
from performance_pipeline.domain.trade_stats import Bucket
from performance_pipeline.domain.windows import Window

SCHEMA_VERSION = 4

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
    """What the metric must not be below; of `edge` what it must stay below."""
    severity: Literal["WARN", "CRITICAL"] | None
    """Of a breach: CRITICAL when the metric is below the critical line too. Else None."""
    variance: Decimal | None
    """actual - target: 0 or more meets the target, but for `edge`."""
    status: Literal["met", "breached", "unsure", "pending", "insufficient_data"]
    """`unsure` is a miss that may be luck: its `p_value` is above 1 - the confidence asked for."""
    p_value: Decimal | None = None
    """How likely so low an actual is if the target were what the strategy truly makes, 0..1; None
    for other metrics than win rate and P&L, and of a P&L over fewer than 30 trades, or equal
    ones."""
    strategy: str = ""
    """Whose trades alone are judged; "" for all."""


class EdgeReading(msgspec.Struct, frozen=True):
    """Whether the win rate has fallen below what it should be, by all trades up to a day's end."""

    statistic: Decimal | None
    """How much speaks for it, see `domain/edge.py`, to 6 significant digits; None when a log that
    it rests on cannot be read."""
    alarm_at: Decimal
    """From where on it is an alarm: the trades that there are between two false ones, on average,
    at least."""


class Room(msgspec.Struct, frozen=True):
    """How much may still be lost from here before a drawdown target is missed; money.

    Each is None without that target, and 0 or less where it is missed.
    """

    peak_drawdown: Decimal | None
    """Before `peak_drawdown_target`; None also when the peak drawdown cannot be told."""
    max_drawdown: Decimal | None
    """Before the `max_drawdown_target` of the window's last day: from where P&L of that day stands,
    0 once it has fallen further than that."""


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
    win_rate_low: Decimal | None
    """Lower end of the 95 % Wilson score interval of the win rate, over the same trades."""
    win_rate_high: Decimal | None
    """Its upper end."""
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
    peak_drawdown: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    """How far all realized P&L lies below its highest point since the first partition, money, 0 or
    less, at the window's end; None when a log that it rests on cannot be read. In days and rolling
    windows alone."""
    room: Room | msgspec.UnsetType = msgspec.UNSET
    """What is left before the drawdown targets. In days and rolling windows alone."""
    best_trade: Decimal | None
    """The largest P&L of a single trade, money."""
    worst_trade: Decimal | None
    """The smallest P&L of a single trade, money."""
    squared_pnl_sum: Decimal
    """Sum of squared P&L over all closed trades, what the spread of a trade's P&L follows from:
    sample variance = (squared_pnl_sum - realized_pnl^2 / total_trades) / (total_trades - 1)."""
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
    edge: EdgeReading | msgspec.UnsetType | None = msgspec.UNSET
    """Only in rolling windows; None where the targets do not ask for it."""
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

    def verdict(self, metric: str, strategy: str = "") -> TargetResult | None:
        """The verdict on `metric`, of one strategy or all; None where no target asks for it."""
        asked = (metric, strategy)
        return next(
            (result for result in self.targets if (result.metric, result.strategy) == asked), None
        )
