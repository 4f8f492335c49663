"""What listed trades come to: a metric, the fall it is about, and how many of them an alert knew.

The same metrics as in `metrics.py`, from the trades themselves and not from an aggregate.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from performance_pipeline.domain.explanation import ClosedTrade, Fall
from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic
from performance_pipeline.domain.trade_stats import Drawdown

# A trade is stamped before its line is written, and judged a while after that: one that closed so
# shortly before an alert may not have been known yet to whoever raised it.
_PERHAPS_UNKNOWN: Final = timedelta(minutes=15)


def actual_of(metric: str, trades: Sequence[ClosedTrade]) -> Decimal | None:
    """The published, rounded `metric` of closed `trades`; None when it is undefined."""
    with exact_arithmetic():
        pnl = sum((trade.pnl for trade in trades), ZERO)
        match metric:
            case "win_rate":
                return divide_or_none(Decimal(count(trades, "win")), len(trades))
            case "avg_risk_reward_ratio":
                ratios = planned_ratios(trades)
                return divide_or_none(sum(ratios, ZERO), len(ratios))
            case "realized_pnl":
                return pnl
            case "avg_daily_pnl":
                return divide_or_none(pnl, len(days_of(trades)))
            case "total_trades":
                return Decimal(len(trades))
            case "trades_per_day":
                return divide_or_none(Decimal(len(trades)), len(days_of(trades)))
            case "max_drawdown":
                return Drawdown.of(trade.pnl for trade in trades).worst
            case _:
                return None


def deepest_fall(trades: Sequence[ClosedTrade]) -> Fall | None:
    """The fall that `max_drawdown` is the depth of; None when P&L never fell below its peak.

    Of several equally deep the first, from the last time that its peak was reached.
    """
    fall: Fall | None = None
    with exact_arithmetic():
        total = peak = ZERO
        begin = 0
        for index, trade in enumerate(trades):
            total += trade.pnl
            if total >= peak:
                peak, begin = total, index + 1
            elif fall is None or total - peak < fall.depth:
                fall = Fall(
                    depth=total - peak,
                    peak=peak,
                    peak_at=trades[begin - 1].instant if begin else None,
                    trough=total,
                    trough_at=trade.instant,
                    total_trades=index + 1 - begin,
                    first=begin,
                )
    return fall


def known_when_raised(
    measure: Callable[[Sequence[ClosedTrade]], Decimal | None],
    actual: Decimal | None,
    trades: Sequence[ClosedTrade],
    raised_at: datetime,
) -> int | None:
    """How many of the first `trades` come to the `actual` that an alert was raised with.

    Those that closed by then, or all but the newest of them; else all `trades`, since the clock of
    the bot may be ahead; None when no such number does. `measure` says what so many come to.
    """
    surely = sum(trade.instant <= raised_at - _PERHAPS_UNKNOWN for trade in trades)
    closed = sum(trade.instant <= raised_at for trade in trades)
    numbers: list[int] = [*range(closed, surely - 1, -1), len(trades)]
    for known in numbers:
        if measure(trades[:known]) == actual:
            return known
    return None


def count(trades: Iterable[ClosedTrade], outcome: Literal["win", "loss", "breakeven"]) -> int:
    return sum(trade.outcome == outcome for trade in trades)


def planned_ratios(trades: Iterable[ClosedTrade]) -> list[Decimal]:
    found = (trade.planned_risk_reward for trade in trades)
    return [ratio for ratio in found if ratio is not None]


def days_of(trades: Iterable[ClosedTrade]) -> set[date]:
    return {trade.instant.date() for trade in trades}
