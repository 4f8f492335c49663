"""Several bots side by side: a row a bot, and the exact sums of all."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Self

import msgspec

from performance_pipeline.domain.numbers import EXACT, ZERO, divide_or_none
from performance_pipeline.domain.summary import DataQuality, PerformanceSummary, Room


class Result(msgspec.Struct, frozen=True):
    """What a window came to, of one bot or of all."""

    total_trades: int
    total_wins: int
    realized_pnl: Decimal
    """Net P&L of the closed trades, money, exact."""
    win_rate: Decimal | None
    """Wins through closed trades, to 6 decimals; None without trades."""

    @classmethod
    def of(cls, summary: PerformanceSummary) -> Self:
        return cls(summary.total_trades, summary.total_wins, summary.realized_pnl, summary.win_rate)

    @classmethod
    def total(cls, results: Sequence["Result"]) -> Self:
        """The sum of `results`, and the win rate of all their trades."""
        trades = sum(result.total_trades for result in results)
        wins = sum(result.total_wins for result in results)
        pnl = ZERO
        for result in results:
            pnl = EXACT.add(pnl, result.realized_pnl)
        return cls(trades, wins, pnl, divide_or_none(Decimal(wins), trades))


class DayResult(msgspec.Struct, frozen=True):
    """Net P&L of one trading day with a closed trade."""

    date: date
    realized_pnl: Decimal


class Results(msgspec.Struct, frozen=True):
    """The windows that hold today, and the last N trades: of one bot, or of all."""

    today: Result
    week: Result
    month: Result
    rolling: Result

    @classmethod
    def total(cls, results: Sequence["Results"]) -> Self:
        return cls(
            Result.total([one.today for one in results]),
            Result.total([one.week for one in results]),
            Result.total([one.month for one in results]),
            Result.total([one.rolling for one in results]),
        )


class BotState(msgspec.Struct, frozen=True):
    """How one bot stands now."""

    results: Results
    active_alerts: int
    """Not resolved, acknowledged or not; late ones are left out, as `alerts list` does."""
    critical_alerts: int
    """Of these, the critical ones."""
    room: Room
    data_quality: DataQuality
    """That of the month."""
    days: tuple[DayResult, ...]
    """Of the last 30 days."""


class BotRow(msgspec.Struct, frozen=True):
    """One bot, or why nothing can be said of it."""

    bot: str
    state: BotState | None
    error: str | None
    """Why there is no state; or, beside one, why its targets cannot be used."""


class Overview(msgspec.Struct, frozen=True):
    """All bots. The sums are over those that have a state."""

    generated_at: datetime
    bots: tuple[BotRow, ...]
    total: Results
    active_alerts: int
    critical_alerts: int

    @classmethod
    def of(cls, bots: Sequence[BotRow], now: datetime) -> Self:
        states = [row.state for row in bots if row.state is not None]
        return cls(
            now,
            tuple(bots),
            Results.total([state.results for state in states]),
            sum(state.active_alerts for state in states),
            sum(state.critical_alerts for state in states),
        )
