"""freqtrade's own rules: what a figure of a backtest comes to by them, where they are not ours.

They are those of `optimize_reports.py` and `metrics.py` in freqtrade 2021.1 to 2026.9. Each is
counted over the trades of the result itself, and explains a difference only where it is met so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple

from performance_pipeline.domain.numbers import ZERO, divide_or_none, plain
from performance_pipeline.domain.second_opinion import Reason
from performance_pipeline.domain.summary import PerformanceSummary

WEEKS: Final = "freqtrade's weeks run from Tuesday to Monday"
BREAKEVENS: Final = "freqtrade counts a breakeven as a loss in a losing streak"
BY_RATIO: Final = (
    "freqtrade tells a win from a draw and a loss by the profit ratio, rounded to 8 decimals"
)
LIST_ORDER: Final = (
    "freqtrade counts streaks in the order of its list of trades, which is not that of their closes"
)
FIRST_PEAK: Final = (
    "older versions of freqtrade begin the drawdown's peak at the first trade's P&L, not at 0"
)
PER_RISK: Final = "older versions of freqtrade state the expectancy per unit of risk, not as money"
UNDEFINED: Final = "freqtrade writes 0 where there is nothing to divide by"


class BacktestTrade(NamedTuple):
    """What freqtrade's own figures are computed from, of one trade."""

    closed_at: datetime
    pnl: Decimal
    ratio: Decimal | None
    """Its profit over its stake; None in a result that does not say."""


def stated_number(value: object) -> Decimal | None:
    """A figure as the result has it; None where it is no number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value if isinstance(value, Decimal) else None


def zero_for(ours: Decimal | None) -> list[Reason]:
    """Where we say that a figure is undefined."""
    return [Reason.exactly(UNDEFINED, ZERO)] if ours is None else []


def _sign(value: Decimal) -> int:
    return (value > ZERO) - (value < ZERO)


def signs_by_ratio(trades: Sequence[BacktestTrade]) -> list[int]:
    """The sign of every trade's ratio; empty where a trade has none."""
    signs = [_sign(trade.ratio) for trade in trades if trade.ratio is not None]
    return signs if len(signs) == len(trades) else []


def counted_by_ratio(signs: Sequence[int], sign: int) -> list[Reason]:
    """How many trades have a ratio of this sign."""
    return [Reason.exactly(BY_RATIO, Decimal(signs.count(sign)))] if signs else []


def per_risk(stated: Mapping[str, Any], summary: PerformanceSummary) -> Iterator[Reason]:
    """The expectancy as freqtrade had it before there was an `expectancy_ratio` beside it.

    (1 + average win / average loss) x win rate - 1; 1 where nothing was lost, 0 where nothing won.
    """
    if "expectancy_ratio" in stated:
        return
    wins, losses = summary.total_wins, summary.total_losses
    if not wins or not summary.total_trades:
        value = ZERO
    elif not losses:
        value = Decimal(1)
    else:
        won, lost = summary.gross_profit, abs(summary.gross_loss)
        # Over one denominator, so that it is rounded once: here it may not be rounded in between.
        over = divide_or_none(
            wins * lost + won * losses - summary.total_trades * lost, summary.total_trades * lost
        )
        value = ZERO if over is None else over
    yield Reason.exactly(PER_RISK, value)


def drawdown_reasons(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
    """The largest drawdown, by the order of what closes at one instant and by its first peak."""
    in_order = sorted(trades, key=lambda trade: trade.closed_at)
    groups = [
        [trade.pnl for trade in group]
        for _, group in groupby(in_order, key=lambda trade: trade.closed_at)
    ]
    tied = sum(len(group) for group in groups if len(group) > 1)
    if tied:
        low, high = drawdown_bounds(groups)
        yield Reason(
            f"{tied} trades close at the same instant as another: by their order it is anything"
            f" from {plain(low)} to {plain(high)}",
            low,
            high,
        )
    if groups:
        yield Reason(FIRST_PEAK, *drawdown_bounds(groups, from_first_trade=True))


def drawdown_bounds(
    groups: Iterable[Sequence[Decimal]], *, from_first_trade: bool = False
) -> tuple[Decimal, Decimal]:
    """Between which amounts the largest fall lies, whatever the order within each group.

    As positive money, in an exact context. The least is that of the P&L after each group; the most
    has the losses of a group first where the fall ends, and its wins first where it begins. With
    `from_first_trade` the peak begins at the P&L of the first trade.
    """
    total = least = most = ZERO
    peak_after = peak_within = None if from_first_trade else ZERO
    for group in groups:
        wins = sum((pnl for pnl in group if pnl > ZERO), ZERO)
        losses = sum((pnl for pnl in group if pnl < ZERO), ZERO)
        if peak_within is None:
            # The best of them may be the first, and then all the losses of the others follow.
            first = min(max(group), ZERO)
            most = max(most, first - losses)
            peak_within = wins or first
            peak_after = total = wins + losses
            continue
        assert peak_after is not None
        most = max(most, peak_within - (total + losses))
        peak_within = max(peak_within, total + wins)
        total += wins + losses
        least = max(least, peak_after - total)
        peak_after = max(peak_after, total)
    return least, most


def win_streaks(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
    """The longest run of wins by ratio, in the order of closes and in that of the list."""
    if not signs_by_ratio(trades):
        return
    closes = sorted(trades, key=lambda trade: trade.closed_at)
    for text, ordered in ((BY_RATIO, closes), (LIST_ORDER, trades)):
        yield Reason.exactly(text, _longest(ordered, lambda trade: (trade.ratio or ZERO) > ZERO))


def loss_streaks(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
    """The same of losses, among which breakevens are."""
    closes = sorted(trades, key=lambda trade: trade.closed_at)
    yield Reason.exactly(BREAKEVENS, _longest(closes, lambda trade: trade.pnl <= ZERO))
    if not signs_by_ratio(trades):
        return
    for text, ordered in ((BY_RATIO, closes), (LIST_ORDER, trades)):
        longest = _longest(ordered, lambda trade: (trade.ratio or ZERO) <= ZERO)
        yield Reason.exactly(f"{BREAKEVENS}; {text}", longest)


def _longest(trades: Sequence[BacktestTrade], counts: Callable[[BacktestTrade], bool]) -> Decimal:
    runs = (list(run) for counted, run in groupby(trades, key=counts) if counted)
    return Decimal(max((len(run) for run in runs), default=0))
