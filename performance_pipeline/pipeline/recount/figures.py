"""The figures of a recount: every metric of a summary, by the plainest loop over its records."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from performance_pipeline.pipeline.recount.exact import ZERO, plain, ratio
from performance_pipeline.pipeline.recount.luck import win_rate_interval
from performance_pipeline.pipeline.recount.records import Record

Document = dict[str, Any]
"""A summary, or a part of one, in the terms of its JSON file."""


def closed_metrics(trades: Sequence[Record]) -> Document:
    """Every metric over closed trades in time order."""
    wins = [trade.pnl for trade in trades if trade.outcome == "win"]
    losses = [trade.pnl for trade in trades if trade.outcome == "loss"]
    pnls = [trade.pnl for trade in trades]
    profit, loss, total = sum(wins, ZERO), sum(losses, ZERO), sum(pnls, ZERO)
    planned = [trade.planned_ratio for trade in trades if trade.planned_ratio is not None]
    holds = [trade.hold_seconds for trade in trades if trade.hold_seconds is not None]
    days = len({trade.day for trade in trades})
    win_rate_low, win_rate_high = win_rate_interval(len(wins), len(trades))
    streak, streak_type = _streak([trade.outcome for trade in trades])
    return {
        "total_trades": len(trades),
        "total_wins": len(wins),
        "total_losses": len(losses),
        "total_breakevens": sum(trade.outcome == "breakeven" for trade in trades),
        "win_rate": ratio(len(wins), len(trades)),
        "win_rate_low": win_rate_low,
        "win_rate_high": win_rate_high,
        "gross_profit": plain(profit),
        "gross_loss": plain(loss),
        "realized_pnl": plain(total),
        "commission": plain(sum((trade.commission for trade in trades), ZERO)),
        "slippage": plain(sum((trade.slippage for trade in trades), ZERO)),
        "avg_profit_per_win": ratio(profit, len(wins)),
        "avg_loss_per_loss": ratio(loss, len(losses)),
        "profit_factor": ratio(profit, abs(loss)),
        "payoff_ratio": ratio(profit / len(wins), abs(loss / len(losses)))
        if wins and losses
        else None,
        "expectancy": ratio(total, len(trades)),
        "avg_risk_reward_ratio": ratio(sum(planned, ZERO), len(planned)),
        "risk_reward_trades": len(planned),
        "current_streak": streak,
        "streak_type": streak_type,
        "longest_win_streak": _longest(trades, "win"),
        "longest_loss_streak": _longest(trades, "loss"),
        "max_drawdown": plain(_drawdown(pnls)),
        "best_trade": plain(max(pnls)) if pnls else None,
        "worst_trade": plain(min(pnls)) if pnls else None,
        "squared_pnl_sum": plain(sum((pnl**2 for pnl in pnls), ZERO)),
        "avg_hold_seconds": ratio(sum(holds, ZERO), len(holds)),
        "trading_days": days,
        "avg_daily_pnl": ratio(total, days),
        "by_symbol": _breakdown(trades, lambda trade: trade.symbol),
        "by_strategy": _breakdown(trades, lambda trade: trade.strategy),
        "by_execution_mode": _breakdown(trades, lambda trade: trade.mode),
        "by_side": _breakdown(trades, lambda trade: trade.side),
    }


def open_metrics(records: Sequence[Record]) -> Document:
    """The open records that no later one of their order supersedes."""
    still_open = []
    later: set[str] = set()
    for record in reversed(records):
        if record.outcome == "open" and record.order_id not in later:
            still_open.append(record)
        if record.order_id:
            later.add(record.order_id)
    known = not any(record.pnl_unknown for record in still_open)
    unrealized = plain(sum((record.pnl for record in still_open), ZERO)) if known else None
    return {
        "open_trades": len(still_open),
        "unrealized_pnl": unrealized,
        "open_positions": None,
    }


def _breakdown(trades: Sequence[Record], name_of: Callable[[Record], str]) -> Document:
    groups: dict[str, list[Record]] = {}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    found = {}
    for name, group in groups.items():
        wins = sum(trade.outcome == "win" for trade in group)
        found[name] = {
            "total_trades": len(group),
            "total_wins": wins,
            "total_losses": sum(trade.outcome == "loss" for trade in group),
            "win_rate": ratio(wins, len(group)),
            "realized_pnl": plain(sum((trade.pnl for trade in group), ZERO)),
        }
    return found


def daily_rows(trades: Sequence[Record]) -> list[Document]:
    """One row a day with a closed trade; the drawdown starts anew every day."""
    days: dict[date, list[Fraction]] = {}
    for trade in trades:
        days.setdefault(trade.day, []).append(trade.pnl)
    return [
        {
            "date": day.isoformat(),
            "total_trades": len(pnls),
            "realized_pnl": plain(sum(pnls, ZERO)),
            "max_drawdown": plain(_drawdown(pnls)),
        }
        for day, pnls in sorted(days.items())
    ]


def _drawdown(pnls: Iterable[Fraction]) -> Fraction:
    total = peak = deepest = ZERO
    for pnl in pnls:
        total += pnl
        peak = max(peak, total)
        deepest = min(deepest, total - peak)
    return deepest


def _streak(outcomes: list[str]) -> tuple[int, str]:
    if not outcomes or outcomes[-1] == "breakeven":
        return 0, "none"
    count = 0
    while count < len(outcomes) and outcomes[-1 - count] == outcomes[-1]:
        count += 1
    return count, outcomes[-1]


def _longest(trades: Iterable[Record], outcome: str) -> int:
    longest = run = 0
    for trade in trades:
        run = run + 1 if trade.outcome == outcome else 0
        longest = max(longest, run)
    return longest
