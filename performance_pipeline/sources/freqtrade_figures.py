"""The figures that a freqtrade backtest states of a strategy, held against ours.

Where freqtrade counts by a rule of its own, the figure is counted again by that rule, over the
trades of the result itself; only a figure that is met so is explained. Its rules are those of
`optimize_reports.py` and `metrics.py` in freqtrade 2021.1 to 2026.9.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

from performance_pipeline.domain.numbers import ZERO, divide_or_none, exact_arithmetic, plain
from performance_pipeline.domain.second_opinion import (
    Figure,
    Held,
    Reason,
    compared,
    ratio_slack,
    rounding_to,
    sum_slack,
)
from performance_pipeline.domain.summary import BreakdownRow, PerformanceSummary
from performance_pipeline.domain.trade_stats import TradeStats
from performance_pipeline.domain.windows import ONE_DAY, Period, Window

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

_BREAKDOWN_PLACES: Final = 10
_BREAKDOWN_RATIO_PLACES: Final = 8
_MONDAY: Final = 0
_WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)


class BacktestTrade(NamedTuple):
    """What freqtrade's own figures are computed from, of one trade."""

    closed_at: datetime
    pnl: Decimal
    ratio: Decimal | None
    """Its profit over its stake; None in a result that does not say."""


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
    yield from _daily_profit(stated, tallies, slack)
    yield from _breakdowns(stated, tallies, slack)


def number(value: object) -> Decimal | None:
    """A figure as the result has it; None where it is no number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value if isinstance(value, Decimal) else None


# --- over all trades --------------------------------------------------------------------------


def _overall(
    stated: Mapping[str, Any],
    trades: Sequence[BacktestTrade],
    summary: PerformanceSummary,
    slack: Decimal,
) -> Iterator[Held]:
    def held(
        name: str,
        metric: str,
        ours: Decimal | int | None,
        slack: Decimal = ZERO,
        reasons: Sequence[Reason] = (),
    ) -> Iterator[Held]:
        if name in stated:
            side = None if ours is None else Decimal(ours)
            yield Held("overall", "", name, metric, number(stated[name]), side, slack, reasons)

    count = len(trades)
    signs = _signs_by_ratio(trades)
    yield from held("total_trades", "total_trades", summary.total_trades)
    yield from held("wins", "total_wins", summary.total_wins, ZERO, _counted(signs, 1))
    yield from held("draws", "total_breakevens", summary.total_breakevens, ZERO, _counted(signs, 0))
    yield from held("losses", "total_losses", summary.total_losses, ZERO, _counted(signs, -1))
    rate = divide_or_none(Decimal(signs.count(1)), len(signs)) if signs else None
    yield from held(
        "winrate",
        "win_rate",
        summary.win_rate,
        ratio_slack(summary.win_rate, 2),
        [*_zero_for(summary.win_rate), *([] if rate is None else [Reason.exactly(BY_RATIO, rate)])],
    )
    yield from held("profit_total_abs", "realized_pnl", summary.realized_pnl, slack)
    yield from held(
        "profit_factor",
        "profit_factor",
        summary.profit_factor,
        ratio_slack(summary.profit_factor, 2 * count),
        _zero_for(summary.profit_factor),
    )
    yield from held(
        "expectancy",
        "expectancy",
        summary.expectancy,
        ratio_slack(summary.expectancy, 2 * count) + (slack / count if count else ZERO),
        [*_zero_for(summary.expectancy), *_per_risk(stated, summary)],
    )
    yield from held(
        "max_drawdown_abs",
        "max_drawdown",
        -summary.max_drawdown,
        2 * slack,
        list(_drawdown_reasons(trades)),
    )
    yield from held(
        "max_consecutive_wins",
        "longest_win_streak",
        summary.longest_win_streak,
        ZERO,
        list(_win_streaks(trades)),
    )
    yield from held(
        "max_consecutive_losses",
        "longest_loss_streak",
        summary.longest_loss_streak,
        ZERO,
        list(_loss_streaks(trades)),
    )


def _zero_for(ours: Decimal | None) -> list[Reason]:
    return [Reason.exactly(UNDEFINED, ZERO)] if ours is None else []


def _sign(value: Decimal) -> int:
    return (value > ZERO) - (value < ZERO)


def _signs_by_ratio(trades: Sequence[BacktestTrade]) -> list[int]:
    """The sign of every trade's ratio; empty where a trade has none."""
    signs = [_sign(trade.ratio) for trade in trades if trade.ratio is not None]
    return signs if len(signs) == len(trades) else []


def _counted(signs: Sequence[int], sign: int) -> list[Reason]:
    return [Reason.exactly(BY_RATIO, Decimal(signs.count(sign)))] if signs else []


def _per_risk(stated: Mapping[str, Any], summary: PerformanceSummary) -> Iterator[Reason]:
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


# --- drawdown and streaks ---------------------------------------------------------------------


def _drawdown_reasons(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
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


def _win_streaks(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
    if not _signs_by_ratio(trades):
        return
    closes = sorted(trades, key=lambda trade: trade.closed_at)
    for text, ordered in ((BY_RATIO, closes), (LIST_ORDER, trades)):
        yield Reason.exactly(text, _longest(ordered, lambda trade: (trade.ratio or ZERO) > ZERO))


def _loss_streaks(trades: Sequence[BacktestTrade]) -> Iterator[Reason]:
    closes = sorted(trades, key=lambda trade: trade.closed_at)
    yield Reason.exactly(BREAKEVENS, _longest(closes, lambda trade: trade.pnl <= ZERO))
    if not _signs_by_ratio(trades):
        return
    for text, ordered in ((BY_RATIO, closes), (LIST_ORDER, trades)):
        longest = _longest(ordered, lambda trade: (trade.ratio or ZERO) <= ZERO)
        yield Reason.exactly(f"{BREAKEVENS}; {text}", longest)


def _longest(trades: Sequence[BacktestTrade], counts: Callable[[BacktestTrade], bool]) -> Decimal:
    runs = (list(run) for counted, run in groupby(trades, key=counts) if counted)
    return Decimal(max((len(run) for run in runs), default=0))


# --- by pair and by period --------------------------------------------------------------------


class Tally(NamedTuple):
    """Closed trades by outcome, and what the wins and the losses come to."""

    wins: int
    draws: int
    losses: int
    gross_profit: Decimal
    gross_loss: Decimal
    pnl: Decimal

    @classmethod
    def of(cls, stats: TradeStats) -> Self:
        return cls(
            stats.total_wins,
            stats.total_breakevens,
            stats.total_losses,
            stats.gross_profit,
            stats.gross_loss,
            stats.realized_pnl,
        )

    @classmethod
    def joined(cls, tallies: Iterable[Self]) -> Self:
        """All of `tallies` as one, in an exact context."""
        columns = list(zip(*tallies, strict=True))
        return cls(*(sum(column) for column in columns)) if columns else cls(*_NOTHING)

    @property
    def trades(self) -> int:
        return self.wins + self.draws + self.losses

    @property
    def profit_factor(self) -> Decimal | None:
        return divide_or_none(self.gross_profit, abs(self.gross_loss))

    def figures(self) -> dict[str, tuple[str, Decimal | None]]:
        """What freqtrade states of a period, by its name for it: our name, and our figure."""
        return {
            "profit_abs": ("realized_pnl", self.pnl),
            "trades": ("total_trades", Decimal(self.trades)),
            "wins": ("total_wins", Decimal(self.wins)),
            "draws": ("total_breakevens", Decimal(self.draws)),
            "losses": ("total_losses", Decimal(self.losses)),
            "profit_factor": ("profit_factor", self.profit_factor),
        }


_NOTHING: Final = (0, 0, 0, ZERO, ZERO, ZERO)
_Tallies = Mapping[date, Tally]


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
                stated_here = number(row[name])
                yield Held(
                    "pair", pair, name, metric, stated_here, value, rounding, _zero_for(value)
                )


def _daily_profit(stated: Mapping[str, Any], tallies: _Tallies, slack: Decimal) -> Iterator[Held]:
    rows = {date.fromisoformat(day): value for day, value in stated.get("daily_profit") or ()}
    if not rows:
        return
    for day in sorted(rows.keys() | tallies.keys()):
        ours = tallies[day].pnl if day in tallies else ZERO
        yield Held(
            "day",
            day.isoformat(),
            "daily_profit",
            "realized_pnl",
            number(rows.get(day)),
            ours,
            slack + rounding_to(_BREAKDOWN_PLACES),
        )


def _breakdowns(stated: Mapping[str, Any], tallies: _Tallies, slack: Decimal) -> Iterator[Held]:
    breakdown = stated.get("periodic_breakdown") or {}
    for group in ("day", "week", "month", "year"):
        for row in breakdown.get(group) or ():
            last = datetime.strptime(row["date"], "%d/%m/%Y").date()  # noqa: DTZ007 - a day
            ours, theirs = _spans(group, last)
            yield from _period(group, row, _over(tallies, ours), _over(tallies, theirs), slack)
    for row in breakdown.get("weekday") or ():
        weekday = _WEEKDAYS.index(row["date"])
        tally = Tally.joined(tally for day, tally in tallies.items() if day.weekday() == weekday)
        yield from _period("weekday", row, tally, tally, slack)


def _spans(group: str, labelled: date) -> tuple[Period, Period]:
    """Our days and freqtrade's of the period that it labels with its last day."""
    if group == "day":
        day = Period.of(Window.DAILY, labelled)
        return day, day
    if group == "month":
        month = Period.of(Window.MONTHLY, labelled)
        return month, month
    if group == "year":
        year = Period.spanning(labelled.replace(month=1, day=1), labelled)
        return year, year
    # Six of the seven days of a week that ends on a Monday are in the calendar week before.
    shifted = labelled.weekday() == _MONDAY
    ours = Period.of(Window.WEEKLY, labelled - ONE_DAY if shifted else labelled)
    return ours, Period.spanning(labelled - timedelta(days=6), labelled)


def _over(tallies: _Tallies, period: Period) -> Tally:
    return Tally.joined(tallies[day] for day in period.days() if day in tallies)


def _period(
    group: str, row: Mapping[str, Any], ours: Tally, theirs: Tally, slack: Decimal
) -> Iterator[Held]:
    """The figures of one period; a difference is one of weeks where freqtrade's days meet it."""

    shifted = group == "week" and ours != theirs
    money = slack + rounding_to(_BREAKDOWN_PLACES)
    ratio = ratio_slack(ours.profit_factor, 2 * ours.trades) + rounding_to(_BREAKDOWN_RATIO_PLACES)
    mine, others = ours.figures(), theirs.figures()
    for name, value in row.items():
        # Earlier versions wrote `loses`.
        key = "losses" if name == "loses" else name
        if key not in mine:
            continue
        metric, counted = mine[key]
        other = others[key][1]
        reasons = _zero_for(counted)
        if shifted:
            reasons.append(Reason.exactly(WEEKS, ZERO if other is None else other))
        rounding = {"profit_abs": money, "profit_factor": ratio}.get(key, ZERO)
        yield Held(group, row["date"], name, metric, number(value), counted, rounding, reasons)
