"""Why an alert was raised: what each trade of its window is worth to the metric, its `effect`.

Effects add up exactly: of the trades to that of each strategy, symbol, hour and day, and these to
that of the whole. Where trades come from is the business of `pipeline/explaining.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from math import ceil
from typing import Final, Literal

import msgspec

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.explanation import (
    Asked,
    Cause,
    ClosedTrade,
    ExplainedTrade,
    Explanation,
    Fall,
    Found,
    Missing,
    Raised,
    Since,
    UnreadLog,
)
from performance_pipeline.domain.numbers import (
    EXACT,
    ZERO,
    divide,
    divide_or_none,
    exact_arithmetic,
)
from performance_pipeline.domain.trade_stats import Drawdown

# A trade is stamped before its line is written, and judged a while after that: one that closed so
# shortly before an alert may not have been known yet to whoever raised it.
_PERHAPS_UNKNOWN: Final = timedelta(minutes=15)


def explain(
    asked: Asked,
    alert: AlertEvent,
    raised: AlertEvent,
    trades: Sequence[ClosedTrade],
    *,
    since: Since | None,
    since_unknown: str | None,
    complete: bool,
    unread: Sequence[UnreadLog],
) -> Explanation:
    """The explanation of an alert, given its first and its latest line, by the window's `trades`.

    `trades` are in the order in which they count.
    """
    with exact_arithmetic():
        fall = deepest_fall(trades)
        told = _explained(asked, trades, fall, raised.raised_at)
        of_drawdown = asked.metric == "max_drawdown"
        causing = _of_fall(told, fall) if of_drawdown else told
        found = _found(asked, trades, causing)
        return Explanation(
            id=alert.id,
            asked=asked,
            raised=Raised(
                at=raised.raised_at,
                late=raised.late,
                actual=raised.actual,
                variance=_less(raised.actual, raised.target),
                status=alert.status,
                acknowledged_at=alert.acknowledged_at,
                resolved_at=alert.resolved_at,
            ),
            found=found,
            complete=complete,
            unread=tuple(unread),
            missing=_missing(asked, found, trades),
            fall=fall,
            by_strategy=_causes(causing, lambda trade: trade.strategy),
            by_symbol=_causes(causing, lambda trade: trade.symbol),
            by_hour=_causes(causing, lambda trade: f"{trade.instant:%H}:00"),
            by_day=_by_day(asked, causing),
            since=since,
            since_unknown=since_unknown,
            trades=told,
        )


def actual_of(metric: str, trades: Sequence[ClosedTrade]) -> Decimal | None:
    """The published, rounded `metric` of closed `trades`; None when it is undefined."""
    with exact_arithmetic():
        pnl = sum((trade.pnl for trade in trades), ZERO)
        match metric:
            case "win_rate":
                return divide_or_none(Decimal(_count(trades, "win")), len(trades))
            case "avg_risk_reward_ratio":
                ratios = _ratios(trades)
                return divide_or_none(sum(ratios, ZERO), len(ratios))
            case "realized_pnl":
                return pnl
            case "avg_daily_pnl":
                return divide_or_none(pnl, len(_days(trades)))
            case "total_trades":
                return Decimal(len(trades))
            case "trades_per_day":
                return divide_or_none(Decimal(len(trades)), len(_days(trades)))
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
    metric: str,
    actual: Decimal | None,
    trades: Sequence[ClosedTrade],
    raised_at: datetime,
    last: int | None = None,
) -> int | None:
    """How many of the first `trades` come to the `actual` that an alert was raised with.

    Those that closed by then, or all but the newest of them; None when no such number does. `last`
    says that only so many trades, the last ones, are in the window.
    """
    surely = sum(trade.instant <= raised_at - _PERHAPS_UNKNOWN for trade in trades)
    closed = sum(trade.instant <= raised_at for trade in trades)
    for count in range(closed, surely - 1, -1):
        window = trades[max(0, count - last) : count] if last else trades[:count]
        if actual_of(metric, window) == actual:
            return count
    return None


def _explained(
    asked: Asked, trades: Sequence[ClosedTrade], fall: Fall | None, raised_at: datetime
) -> tuple[ExplainedTrade, ...]:
    totals = list(accumulate((trade.pnl for trade in trades), initial=ZERO))
    peaks = accumulate(totals, max)
    next(peaks)
    falling = range(len(trades))[fall.span] if fall else range(0)
    return tuple(
        ExplainedTrade(
            **msgspec.structs.asdict(trade),
            running_total=total,
            below_peak=total - peak,
            effect=_effect(asked, trade, index in falling),
            after_raised=trade.instant > raised_at,
        )
        for index, (trade, total, peak) in enumerate(zip(trades, totals[1:], peaks, strict=True))
    )


def _effect(asked: Asked, trade: ClosedTrade, falling: bool) -> Decimal | None:
    """What a trade is worth: money, or of a rate how far it lies above or below the target."""
    match asked.metric:
        case "win_rate":
            return (1 if trade.outcome == "win" else 0) - asked.target
        case "avg_risk_reward_ratio":
            ratio = trade.planned_risk_reward
            return None if ratio is None else ratio - asked.target
        case "total_trades" | "trades_per_day":
            return None
        case "max_drawdown":
            return trade.pnl if falling else None
        case _:
            return trade.pnl


def _of_fall(trades: Sequence[ExplainedTrade], fall: Fall | None) -> Sequence[ExplainedTrade]:
    return trades[fall.span] if fall else ()


def _found(asked: Asked, trades: Sequence[ClosedTrade], causing: Sequence[ExplainedTrade]) -> Found:
    actual = actual_of(asked.metric, trades)
    return Found(
        actual=actual,
        variance=_less(actual, asked.target),
        effect=_sum_of_effects(causing),
        total_trades=len(trades),
        total_wins=_count(trades, "win"),
        total_losses=_count(trades, "loss"),
        total_breakevens=_count(trades, "breakeven"),
        risk_reward_trades=len(_ratios(trades)),
        trading_days=len(_days(trades)),
        realized_pnl=sum((trade.pnl for trade in trades), ZERO),
        max_drawdown=Drawdown.of(trade.pnl for trade in trades).worst,
    )


def _missing(asked: Asked, found: Found, trades: Sequence[ClosedTrade]) -> Missing:
    """What is missing for the published number, rounded as it is, to meet the target."""
    if found.actual is None or found.actual >= asked.target:
        return Missing()
    days = found.trading_days
    match asked.metric:
        case "win_rate":
            wins = _more(found.total_wins, found.total_trades, asked.target)
            # Where even winning every trade would not have met it, no number of wins would.
            possible = found.total_wins + wins <= found.total_trades
            return Missing(wins=wins if possible else None)
        case "avg_risk_reward_ratio":
            ratios = _ratios(trades)
            return Missing(risk_reward=asked.target * len(ratios) - sum(ratios, ZERO))
        case "realized_pnl" | "max_drawdown":
            return Missing(money=asked.target - found.actual)
        case "avg_daily_pnl":
            return Missing(money=asked.target * days - found.realized_pnl)
        case "total_trades":
            return Missing(trades=_more(found.total_trades, 1, asked.target))
        case "trades_per_day":
            return Missing(trades=_more(found.total_trades, days, asked.target))
        case _:
            return Missing()


def _more(count: int, over: int, target: Decimal) -> int:
    """How many more it takes for `count / over`, as it is published, to reach `target`."""
    # What rounding adds is less than one.
    more = max(0, ceil(target * over) - count - 1)
    return more if divide(Decimal(count + more), over) >= target else more + 1


def _causes(
    trades: Iterable[ExplainedTrade], key: Callable[[ExplainedTrade], str]
) -> tuple[Cause, ...]:
    groups: dict[str, list[ExplainedTrade]] = {}
    for trade in trades:
        groups.setdefault(key(trade), []).append(trade)
    causes = [
        Cause(
            name=name,
            total_trades=len(group),
            total_wins=_count(group, "win"),
            total_losses=_count(group, "loss"),
            realized_pnl=sum((trade.pnl for trade in group), ZERO),
            effect=_sum_of_effects(group),
        )
        for name, group in groups.items()
    ]
    return tuple(sorted(causes, key=_cost_first))


def _by_day(asked: Asked, trades: Iterable[ExplainedTrade]) -> tuple[Cause, ...]:
    """Of a count, a day costs as many trades as it has less than it should have."""
    causes = _causes(trades, lambda trade: trade.instant.date().isoformat())
    if asked.metric not in ("total_trades", "trades_per_day"):
        return causes
    counted = (
        msgspec.structs.replace(cause, effect=cause.total_trades - asked.target) for cause in causes
    )
    return tuple(sorted(counted, key=_cost_first))


def _cost_first(cause: Cause) -> tuple[Decimal, Decimal, str]:
    return (ZERO if cause.effect is None else cause.effect, cause.realized_pnl, cause.name)


def _sum_of_effects(trades: Iterable[ExplainedTrade]) -> Decimal | None:
    effects = [trade.effect for trade in trades if trade.effect is not None]
    return sum(effects, ZERO) if effects else None


def _count(trades: Iterable[ClosedTrade], outcome: Literal["win", "loss", "breakeven"]) -> int:
    return sum(trade.outcome == outcome for trade in trades)


def _ratios(trades: Iterable[ClosedTrade]) -> list[Decimal]:
    found = (trade.planned_risk_reward for trade in trades)
    return [ratio for ratio in found if ratio is not None]


def _days(trades: Iterable[ClosedTrade]) -> set[date]:
    return {trade.instant.date() for trade in trades}


def _less(actual: Decimal | None, target: Decimal) -> Decimal | None:
    return None if actual is None else EXACT.subtract(actual, target)
