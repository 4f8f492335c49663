"""What every contender must arrive at: the numbers of one log, and the plain loop over records."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.trades import planned_reward_risk

Bucket = tuple[int, int, int, Decimal]
"""Trades, wins, losses and realized P&L under one name."""


@dataclass(frozen=True)
class Figures:
    """The numbers of one log. `planned_ratio` is a sum of quotients, each to 9 decimals."""

    lines: int
    wins: int
    losses: int
    breakevens: int
    open_trades: int
    realized_pnl: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    commission: Decimal
    slippage: Decimal
    hold_seconds: Decimal
    planned_ratio: Decimal
    best: Decimal
    worst: Decimal
    max_drawdown: Decimal
    longest_wins: int
    longest_losses: int
    by_symbol: dict[str, Bucket]
    by_strategy: dict[str, Bucket]

    def same_as(self, other: "Figures") -> bool:
        """Whether all agree; the planned ratio to 6 decimals, which some can only estimate."""
        mine, theirs = dict(vars(self)), dict(vars(other))
        ratios = mine.pop("planned_ratio"), theirs.pop("planned_ratio")
        return mine == theirs and abs(ratios[0] - ratios[1]) < Decimal("0.000001")


class Record(NamedTuple):
    """One line, as a plain Python reader keeps it."""

    instant: datetime
    outcome: str
    pnl: Decimal
    commission: Decimal
    slippage: Decimal
    hold_seconds: Decimal
    planned_ratio: Decimal
    symbol: str
    strategy: str
    order_id: str


def planned_ratio(price: Decimal, stop_loss: Decimal | None, target: Decimal | None) -> Decimal:
    return planned_reward_risk(price, stop_loss, target) or Decimal(0)


def figures_of(records: Iterable[Record]) -> Figures:
    """The figures of records in any order, in one loop."""
    ordered = sorted(records)
    with exact_arithmetic():
        return _reduced(ordered)


def _reduced(records: list[Record]) -> Figures:
    zero = Decimal(0)
    wins = losses = breakevens = win_run = loss_run = longest_wins = longest_losses = 0
    total = peak = drawdown = profit = loss = commission = slippage = hold = ratio = zero
    best = worst = None
    still_open = set()
    by_symbol: dict[str, Bucket] = {}
    by_strategy: dict[str, Bucket] = {}
    for record in records:
        if record.outcome == "open":
            still_open.add(record.order_id)
            continue
        still_open.discard(record.order_id)
        pnl = record.pnl
        won, lost = record.outcome == "win", record.outcome == "loss"
        if won:
            wins, profit = wins + 1, profit + pnl
        elif lost:
            losses, loss = losses + 1, loss + pnl
        else:
            breakevens += 1
        win_run, loss_run = win_run + 1 if won else 0, loss_run + 1 if lost else 0
        longest_wins, longest_losses = max(longest_wins, win_run), max(longest_losses, loss_run)
        total += pnl
        peak = max(peak, total)
        drawdown = min(drawdown, total - peak)
        best = pnl if best is None or pnl > best else best
        worst = pnl if worst is None or pnl < worst else worst
        commission += record.commission
        slippage += record.slippage
        hold += record.hold_seconds
        ratio += record.planned_ratio
        for buckets, name in ((by_symbol, record.symbol), (by_strategy, record.strategy)):
            count, won_before, lost_before, pnl_before = buckets.get(name, (0, 0, 0, zero))
            buckets[name] = (count + 1, won_before + won, lost_before + lost, pnl_before + pnl)
    return Figures(
        lines=len(records),
        wins=wins,
        losses=losses,
        breakevens=breakevens,
        open_trades=len(still_open),
        realized_pnl=total,
        gross_profit=profit,
        gross_loss=loss,
        commission=commission,
        slippage=slippage,
        hold_seconds=hold,
        planned_ratio=ratio,
        best=best or zero,
        worst=worst or zero,
        max_drawdown=drawdown,
        longest_wins=longest_wins,
        longest_losses=longest_losses,
        by_symbol=by_symbol,
        by_strategy=by_strategy,
    )
