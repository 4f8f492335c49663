"""The figures that a freqtrade backtest states of a strategy, held against ours.

Where freqtrade counts by a rule of its own (`freqtrade_rules.py`), the figure is counted again by
that rule; only a figure that is met so is explained.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic
from performance_pipeline.domain.second_opinion import (
    Figure,
    Held,
    Reason,
    compared,
    ratio_slack,
    sum_slack,
)
from performance_pipeline.domain.summary import BreakdownRow, PerformanceSummary
from performance_pipeline.domain.trade_stats import TradeStats
from performance_pipeline.sources.freqtrade_periods import Tally, breakdowns, daily_profit
from performance_pipeline.sources.freqtrade_rules import (
    BY_RATIO,
    BacktestTrade,
    counted_by_ratio,
    drawdown_reasons,
    loss_streaks,
    per_risk,
    signs_by_ratio,
    stated_number,
    win_streaks,
    zero_for,
)


def strategy_figures(
    stated: Mapping[str, Any],
    trades: Sequence[BacktestTrade],
    summary: PerformanceSummary,
    days: Mapping[date, TradeStats],
) -> list[Figure]:
    """Every figure that `stated`, the result of one strategy, shares with us, held against ours.

    `trades` are its trades in the order of its list; `summary` and `days` are over the same, by
    UTC days.
    """
    with exact_arithmetic():
        return [compared(held) for held in _held(stated, trades, summary, days)]


def _held(
    stated: Mapping[str, Any],
    trades: Sequence[BacktestTrade],
    summary: PerformanceSummary,
    days: Mapping[date, TradeStats],
) -> Iterator[Held]:
    slack = sum_slack(trade.pnl for trade in trades)
    yield from _overall(stated, trades, summary, slack)
    yield from _pairs(stated, summary, slack)
    tallies = {day: Tally.of(stats) for day, stats in days.items()}
    yield from daily_profit(stated, tallies, slack)
    yield from breakdowns(stated, tallies, slack)


def _overall(
    stated: Mapping[str, Any],
    trades: Sequence[BacktestTrade],
    summary: PerformanceSummary,
    slack: Decimal,
) -> Iterator[Held]:
    for held in (
        *_outcomes(trades, summary),
        *_money(stated, trades, summary, slack),
        *_streaks(trades, summary),
    ):
        if held.name in stated:
            yield held._replace(stated=stated_number(stated[held.name]))


def _one(
    name: str,
    metric: str,
    ours: Decimal | int | None,
    slack: Decimal = ZERO,
    reasons: Sequence[Reason] = (),
) -> Held:
    """A figure over all trades, before what is stated of it."""
    side = None if ours is None else Decimal(ours)
    return Held("overall", "", name, metric, None, side, slack, reasons)


def _outcomes(trades: Sequence[BacktestTrade], summary: PerformanceSummary) -> Iterator[Held]:
    signs = signs_by_ratio(trades)
    yield _one("total_trades", "total_trades", summary.total_trades)
    for name, metric, ours, sign in (
        ("wins", "total_wins", summary.total_wins, 1),
        ("draws", "total_breakevens", summary.total_breakevens, 0),
        ("losses", "total_losses", summary.total_losses, -1),
    ):
        yield _one(name, metric, ours, ZERO, counted_by_ratio(signs, sign))
    rate = divide_or_none(Decimal(signs.count(1)), len(signs)) if signs else None
    reasons = zero_for(summary.win_rate)
    if rate is not None:
        reasons.append(Reason.exactly(BY_RATIO, rate))
    rounding = ratio_slack(summary.win_rate, 2)
    yield _one("winrate", "win_rate", summary.win_rate, rounding, reasons)


def _money(
    stated: Mapping[str, Any],
    trades: Sequence[BacktestTrade],
    summary: PerformanceSummary,
    slack: Decimal,
) -> Iterator[Held]:
    count = len(trades)
    factor, expectancy = summary.profit_factor, summary.expectancy
    yield _one("profit_total_abs", "realized_pnl", summary.realized_pnl, slack)
    yield _one(
        "profit_factor",
        "profit_factor",
        factor,
        ratio_slack(factor, 2 * count),
        zero_for(factor),
    )
    yield _one(
        "expectancy",
        "expectancy",
        expectancy,
        ratio_slack(expectancy, 2 * count) + (slack / count if count else ZERO),
        [*zero_for(expectancy), *per_risk(stated, summary)],
    )
    yield _one(
        "max_drawdown_abs",
        "max_drawdown",
        -summary.max_drawdown,
        2 * slack,
        list(drawdown_reasons(trades)),
    )


def _streaks(trades: Sequence[BacktestTrade], summary: PerformanceSummary) -> Iterator[Held]:
    wins, losses = list(win_streaks(trades)), list(loss_streaks(trades))
    longest_win, longest_loss = summary.longest_win_streak, summary.longest_loss_streak
    yield _one("max_consecutive_wins", "longest_win_streak", longest_win, ZERO, wins)
    yield _one("max_consecutive_losses", "longest_loss_streak", longest_loss, ZERO, losses)


def _pairs(
    stated: Mapping[str, Any], summary: PerformanceSummary, slack: Decimal
) -> Iterator[Held]:
    whole = BreakdownRow(
        summary.total_trades,
        summary.total_wins,
        summary.total_losses,
        summary.win_rate,
        summary.realized_pnl,
    )
    nothing = BreakdownRow(0, 0, 0, None, ZERO)
    for row in stated.get("results_per_pair") or ():
        pair = row["key"]
        ours = whole if pair == "TOTAL" else summary.by_symbol.get(pair, nothing)
        draws = ours.total_trades - ours.total_wins - ours.total_losses
        for name, metric, value, rounding in (
            ("trades", "total_trades", Decimal(ours.total_trades), ZERO),
            ("wins", "total_wins", Decimal(ours.total_wins), ZERO),
            ("draws", "total_breakevens", Decimal(draws), ZERO),
            ("losses", "total_losses", Decimal(ours.total_losses), ZERO),
            ("winrate", "win_rate", ours.win_rate, ratio_slack(ours.win_rate, 2)),
            ("profit_total_abs", "realized_pnl", ours.realized_pnl, slack),
        ):
            if name in row:
                stated_here = stated_number(row[name])
                yield Held(
                    "pair", pair, name, metric, stated_here, value, rounding, zero_for(value)
                )
