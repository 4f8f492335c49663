"""What an explanation of an alert says: every field, in the order in which it is written.

How it is computed is the business of `effects.py`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain.alerts import Severity, State
from performance_pipeline.domain.windows import Window

EXPLANATION_VERSION: Final = 1

FALLS: Final = ("max_drawdown", "peak_drawdown")
"""Metrics that are the depth of a fall of P&L."""


class ClosedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A closed trade and the log line that closed it.

    `entry_file` and `entry_line` are those of the fill that opened it, None where fills are not
    paired. `instant`, of its close, is in the trading zone.
    """

    file: str
    line: int
    entry_file: str | None = None
    entry_line: int | None = None
    instant: datetime
    symbol: str
    strategy: str
    execution_mode: str
    outcome: str
    pnl: Decimal
    planned_risk_reward: Decimal | None


class ExplainedTrade(ClosedTrade, frozen=True, kw_only=True):
    """A closed trade, and what it did to the window that it is in."""

    running_total: Decimal
    """P&L of the window up to this trade."""
    below_peak: Decimal
    """How far that lies below its highest point so far, which starts at 0: 0 or less."""
    effect: Decimal | None
    """What it is worth to the metric, negative where it cost; None where nothing can be told."""
    after_raised: bool
    """Whether it closed after the alert was raised."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The trades that share a strategy, symbol, hour or day, and what they are worth together."""

    name: str
    total_trades: int
    total_wins: int
    total_losses: int
    realized_pnl: Decimal
    effect: Decimal | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the target asks for."""

    window: Window
    period: date
    start_date: date | None
    end_date: date | None
    timezone: str
    metric: str
    strategy: str = ""
    """Whose trades alone it is about; "" for all."""
    win_rate: Decimal | None = None
    """Of an edge, what the win rate should be, as the targets file has it now; else None."""
    target: Decimal
    critical: Decimal | None
    """The second, harder line, as the targets file has it now; None where it has none."""
    severity: Severity


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """What was found when the alert was raised, and how it stands in the log now."""

    at: datetime
    late: bool
    actual: Decimal | None
    variance: Decimal | None
    status: State
    acknowledged_at: datetime | None
    resolved_at: datetime | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the trades that are listed come to: all of it follows from them alone."""

    actual: Decimal | None
    variance: Decimal | None
    effect: Decimal | None
    total_trades: int
    total_wins: int
    total_losses: int
    total_breakevens: int
    risk_reward_trades: int
    trading_days: int
    realized_pnl: Decimal
    max_drawdown: Decimal


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall of cumulative P&L: `depth` is the sum of the trades that led down."""

    depth: Decimal
    peak: Decimal
    peak_at: datetime | None
    """When the trade closed that it fell from; None where it fell from the start."""
    trough: Decimal
    trough_at: datetime
    total_trades: int
    first: int
    """Where its trades begin among those of the window, from 0."""

    @property
    def span(self) -> slice:
        """Its trades among those of the window."""
        return slice(self.first, self.first + self.total_trades)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How all trades from the first partition on stood at the end of those that are listed."""

    actual: Decimal | None
    """The metric, by all of them; None when it cannot be told."""
    fall: Fall | None
    """That from the highest point of all to the end."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """How much would have met the target; None for what the metric does not ask for."""

    wins: int | None = None
    """How many of the trades that were not won would have had to be."""
    trades: int | None = None
    """How many more trades on the same days."""
    money: Decimal | None = None
    """How much more P&L."""
    risk_reward: Decimal | None = None
    """How much higher the planned ratios together."""


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed since it was raised."""

    period: date
    """Whose figures these are: the alert's own period, of a rolling window the newest day."""
    actual: Decimal | None
    target: Decimal | None
    status: str
    """The verdict of now; `not_checked` where no target asks for the metric any more."""
    severity: Severity | None
    p_value: Decimal | None
    """How likely so low an actual is by luck alone; None where luck is not asked about."""
    breached: bool | None
    """Whether the actual of now is below the target that the alert was raised by."""
    trades_added: int | None
    """Closed trades that came after those it was raised by; None when that cannot be told."""
    restated: bool | None
    """Whether the trades that closed before it was raised come to something else by now."""


class UnreadLog(msgspec.Struct, frozen=True):
    """A log whose trades are not listed, and why."""

    log: str
    reason: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One alert explained; times are in the trading zone, except those of the alert log, in UTC."""

    schema_version: int = EXPLANATION_VERSION
    id: str
    asked: Asked
    raised: Raised
    found: Found
    complete: bool
    """Whether every trade of the window is listed."""
    unread: tuple[UnreadLog, ...]
    missing: Missing
    fall: Fall | None
    by_strategy: tuple[Cause, ...]
    """What cost most comes first; of a drawdown, over the trades of its fall alone."""
    by_symbol: tuple[Cause, ...]
    by_hour: tuple[Cause, ...]
    by_day: tuple[Cause, ...]
    since: Since | None
    since_unknown: str | None
    """Why `since` is None: the log that cannot be read."""
    trades: tuple[ExplainedTrade, ...]
    """All of the window, in the order in which they count; of what rests on all trades so far those
    since the highest point, or since the win rate has most likely fallen."""

    @property
    def causing(self) -> tuple[ExplainedTrade, ...]:
        """The trades that made it so: of a drawdown those of its fall, else all."""
        if self.asked.metric not in FALLS:
            return self.trades
        fall = self.fall
        return self.trades[fall.span] if fall else ()
