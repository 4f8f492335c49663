"""What a run of closed trades amounts to, as numbers that merge exactly.

`TradeStats.of` reduces trades in time order; `joined` merges the stats of consecutive runs into
the stats of the whole. Nothing here knows days, files or ratios.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from itertools import chain
from typing import Self, TypeVar

import msgspec

from performance_pipeline.domain.numbers import ZERO, canonical
from performance_pipeline.domain.trades import Trade

Key = TypeVar("Key", str, int)
_Cell = tuple[str, str, str, str, str]


class Bucket(msgspec.Struct, frozen=True):
    """Closed trades that share one key, such as a symbol, a strategy or an hour."""

    total_trades: int
    total_wins: int
    total_losses: int
    realized_pnl: Decimal

    @classmethod
    def joined(cls, buckets: Sequence[Self]) -> Self:
        """All the trades of `buckets` as one, in an exact context."""
        return cls(
            sum([bucket.total_trades for bucket in buckets]),
            sum([bucket.total_wins for bucket in buckets]),
            sum([bucket.total_losses for bucket in buckets]),
            sum([bucket.realized_pnl for bucket in buckets], ZERO),
        )


class Streaks(msgspec.Struct, frozen=True):
    """Runs of consecutive wins and of consecutive losses, in trades; a breakeven ends a run.

    The trailing runs are published as the current streak, the longest ones as the longest streaks.
    The leading ones are only there to merge: a run may go on from one stretch of trades into the
    next, and one that spans a whole stretch is both leading and trailing.
    """

    trades: int = 0
    """How many trades, breakevens included."""
    leading_wins: int = 0
    """Length of the run at the start."""
    leading_losses: int = 0
    trailing_wins: int = 0
    """Length of the run at the end."""
    trailing_losses: int = 0
    longest_wins: int = 0
    longest_losses: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[str]) -> Self:
        count = wins = losses = longest_wins = longest_losses = 0
        leading_wins = leading_losses = 0
        for count, outcome in enumerate(outcomes, start=1):
            wins = wins + 1 if outcome == "win" else 0
            losses = losses + 1 if outcome == "loss" else 0
            if wins > longest_wins:
                longest_wins = wins
            if losses > longest_losses:
                longest_losses = losses
            if wins == count:
                leading_wins = count
            elif losses == count:
                leading_losses = count
        return cls(count, leading_wins, leading_losses, wins, losses, longest_wins, longest_losses)

    def then(self, later: Self) -> Self:
        """The streaks of these trades followed by `later`."""
        return type(self)(
            self.trades + later.trades,
            self._leading(self.leading_wins, later.leading_wins),
            self._leading(self.leading_losses, later.leading_losses),
            later._trailing(self.trailing_wins, later.trailing_wins),
            later._trailing(self.trailing_losses, later.trailing_losses),
            max(self.longest_wins, later.longest_wins, self.trailing_wins + later.leading_wins),
            max(
                self.longest_losses,
                later.longest_losses,
                self.trailing_losses + later.leading_losses,
            ),
        )

    def _leading(self, mine: int, later: int) -> int:
        return mine + later if mine == self.trades else mine

    def _trailing(self, earlier: int, mine: int) -> int:
        return earlier + mine if mine == self.trades else mine


class Drawdown(msgspec.Struct, frozen=True):
    """The path of cumulative P&L over closed trades, from 0 on; all of it money.

    `worst` is published as the maximum drawdown: the largest fall from a peak, min over
    all trades of (cumulative P&L - highest so far), the peak starting at 0. Paths merge exactly:
    the deepest fall of two in a row is that of one of them, or leads from the peak of the first
    to the lowest point of the second. Equal numbers can be written with more zeros or fewer, so
    all but the total are canonical: the same whichever of two equal ones was kept.
    """

    total: Decimal = ZERO
    """Where the path ends: the realized P&L."""
    peak: Decimal = ZERO
    """The highest point, 0 or more."""
    lowest: Decimal = ZERO
    """The lowest point, 0 or less."""
    worst: Decimal = ZERO
    """The deepest fall, 0 or less."""

    @classmethod
    def of(cls, pnls: Iterable[Decimal]) -> Self:
        total = peak = lowest = worst = ZERO
        for pnl in pnls:
            total += pnl
            if total > peak:
                peak = total
            else:
                if total < lowest:
                    lowest = total
                fall = total - peak
                if fall < worst:
                    worst = fall
        return cls(total, canonical(peak), canonical(lowest), canonical(worst))

    def then(self, later: Self) -> Self:
        """The path that goes on with `later` where this one ends."""
        return self.joined((self, later))

    @classmethod
    def joined(cls, paths: Iterable[Self]) -> Self:
        """The path over consecutive `paths`, each going on where the last one ends."""
        total = peak = lowest = worst = ZERO
        for path in paths:
            worst = min(worst, path.worst, total - peak + path.lowest)
            peak = max(peak, total + path.peak)
            lowest = min(lowest, total + path.lowest)
            total += path.total
        return cls(total, canonical(peak), canonical(lowest), canonical(worst))


class TradeStats(msgspec.Struct, frozen=True):
    """Counts and exact sums over closed trades in time order: what metrics are computed from.

    The outcome decides what counts as a win or a loss, net P&L what is summed. Ratios
    such as the win rate are not here: they do not merge, so `metrics.py` divides once, at the end.
    """

    total_wins: int = 0
    total_losses: int = 0
    total_breakevens: int = 0
    gross_profit: Decimal = ZERO
    """Sum of net P&L over wins, money."""
    gross_loss: Decimal = ZERO
    """Sum of net P&L over losses, money, normally negative."""
    squared_pnl_sum: Decimal = ZERO
    """Sum of squared net P&L over all closed trades: with count and sum, their deviation."""
    commission: Decimal = ZERO
    slippage: Decimal = ZERO
    planned_ratio_sum: Decimal = ZERO
    """Sum of planned reward over risk, each rounded to 9 decimals, where a trade has one."""
    planned_ratio_trades: int = 0
    """How many trades have one."""
    hold_seconds_sum: Decimal = ZERO
    """Sum of holding times, seconds, where a trade has one."""
    hold_seconds_trades: int = 0
    """How many trades have one."""
    best_trade: Decimal | None = None
    """The largest net P&L of a trade, money; None without trades."""
    worst_trade: Decimal | None = None
    """The smallest net P&L of a trade, money; None without trades."""
    streaks: Streaks = Streaks()
    drawdown: Drawdown = Drawdown()
    by_symbol: Mapping[str, Bucket] = {}
    by_strategy: Mapping[str, Bucket] = {}
    by_execution_mode: Mapping[str, Bucket] = {}
    by_side: Mapping[str, Bucket] = {}

    @property
    def total_trades(self) -> int:
        """All closed trades."""
        return self.total_wins + self.total_losses + self.total_breakevens

    @property
    def realized_pnl(self) -> Decimal:
        """Sum of net P&L over all closed trades, money."""
        return self.drawdown.total

    @classmethod
    def of(cls, trades: Iterable[Trade]) -> Self:
        """The stats of closed `trades`, given in time order, in an exact context."""
        trades = list(trades)
        pnls = [trade.pnl for trade in trades if trade.pnl is not None]
        ratios = [trade.planned_ratio for trade in trades if trade.planned_ratio is not None]
        holds = [trade.hold_seconds for trade in trades if trade.hold_seconds is not None]
        # One lookup a trade; the counts by outcome and the breakdowns are sums over these.
        cells: dict[_Cell, list[Decimal]] = {}
        for trade, pnl in zip(trades, pnls, strict=True):
            key = (trade.symbol, trade.strategy, trade.mode, trade.outcome, trade.side)
            if (cell := cells.get(key)) is None:
                cell = cells[key] = []
            cell.append(pnl)
        buckets = [(key, _bucket(key[3], pnls)) for key, pnls in cells.items()]
        outcomes = _grouped(buckets, 3)
        empty = Bucket(0, 0, 0, ZERO)
        wins, losses = outcomes.get("win", empty), outcomes.get("loss", empty)
        return cls(
            total_wins=wins.total_trades,
            total_losses=losses.total_trades,
            total_breakevens=outcomes.get("breakeven", empty).total_trades,
            gross_profit=wins.realized_pnl,
            gross_loss=losses.realized_pnl,
            squared_pnl_sum=sum((pnl * pnl for pnl in pnls), ZERO),
            commission=sum((trade.commission for trade in trades), ZERO),
            slippage=sum((trade.slippage for trade in trades), ZERO),
            planned_ratio_sum=sum(ratios, ZERO),
            planned_ratio_trades=len(ratios),
            hold_seconds_sum=sum(holds, ZERO),
            hold_seconds_trades=len(holds),
            best_trade=canonical(max(pnls)) if pnls else None,
            worst_trade=canonical(min(pnls)) if pnls else None,
            streaks=Streaks.of(trade.outcome for trade in trades),
            drawdown=Drawdown.of(pnls),
            by_symbol=_grouped(buckets, 0),
            by_strategy=_grouped(buckets, 1),
            by_execution_mode=_grouped(buckets, 2),
            by_side=_grouped(buckets, 4),
        )

    @classmethod
    def joined(cls, runs: Sequence[Self]) -> Self:
        """The stats of consecutive runs of trades as one run, in an exact context."""
        bests = [run.best_trade for run in runs if run.best_trade is not None]
        worsts = [run.worst_trade for run in runs if run.worst_trade is not None]
        return cls(
            total_wins=sum(run.total_wins for run in runs),
            total_losses=sum(run.total_losses for run in runs),
            total_breakevens=sum(run.total_breakevens for run in runs),
            gross_profit=sum((run.gross_profit for run in runs), ZERO),
            gross_loss=sum((run.gross_loss for run in runs), ZERO),
            squared_pnl_sum=sum((run.squared_pnl_sum for run in runs), ZERO),
            commission=sum((run.commission for run in runs), ZERO),
            slippage=sum((run.slippage for run in runs), ZERO),
            planned_ratio_sum=sum((run.planned_ratio_sum for run in runs), ZERO),
            planned_ratio_trades=sum(run.planned_ratio_trades for run in runs),
            hold_seconds_sum=sum((run.hold_seconds_sum for run in runs), ZERO),
            hold_seconds_trades=sum(run.hold_seconds_trades for run in runs),
            best_trade=max(bests, default=None),
            worst_trade=min(worsts, default=None),
            streaks=reduce(Streaks.then, (run.streaks for run in runs), Streaks()),
            drawdown=Drawdown.joined(run.drawdown for run in runs),
            by_symbol=_merged([run.by_symbol for run in runs]),
            by_strategy=_merged([run.by_strategy for run in runs]),
            by_execution_mode=_merged([run.by_execution_mode for run in runs]),
            by_side=_merged([run.by_side for run in runs]),
        )


def _bucket(outcome: str, pnls: list[Decimal]) -> Bucket:
    count = len(pnls)
    return Bucket(
        count,
        count if outcome == "win" else 0,
        count if outcome == "loss" else 0,
        sum(pnls, ZERO),
    )


def _grouped(buckets: Iterable[tuple[_Cell, Bucket]], position: int) -> dict[str, Bucket]:
    return by_key((key[position], bucket) for key, bucket in buckets)


def _merged(breakdowns: Iterable[Mapping[str, Bucket]]) -> dict[str, Bucket]:
    return by_key(chain.from_iterable(breakdown.items() for breakdown in breakdowns))


def by_key(keyed: Iterable[tuple[Key, Bucket]]) -> dict[Key, Bucket]:
    """One bucket a key, in an exact context; sorted, so that equal contents are equal bytes."""
    groups: dict[Key, list[Bucket]] = {}
    for key, bucket in keyed:
        groups.setdefault(key, []).append(bucket)
    return {key: Bucket.joined(groups[key]) for key in sorted(groups)}
