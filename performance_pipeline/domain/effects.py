"""Why an alert was raised: what each trade of its window is worth to the metric, its `effect`.

Effects add up exactly: of the trades to that of each strategy, symbol, hour and day, and these to
that of the whole. Where trades come from is the business of `pipeline/explaining.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from math import ceil

import msgspec

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.explanation import (
    FALLS,
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
    Standing,
    UnreadLog,
)
from performance_pipeline.domain.listed_trades import (
    actual_of,
    count,
    days_of,
    deepest_fall,
    planned_ratios,
)
from performance_pipeline.domain.numbers import EXACT, ZERO, divide, exact_arithmetic
from performance_pipeline.domain.targets import meets
from performance_pipeline.domain.trade_stats import Drawdown


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
    of_all_trades: Standing | None = None,
) -> Explanation:
    """The explanation of an alert, given its first and its latest line, by the window's `trades`.

    `trades` are in the order in which they count; `of_all_trades` is how things stood at their end
    where that rests on every trade before them too.
    """
    with exact_arithmetic():
        fall = deepest_fall(trades) if of_all_trades is None else of_all_trades.fall
        told = _explained(asked, trades, fall, raised.raised_at)
        causing = _of_fall(told, fall) if asked.metric in FALLS else told
        actual = actual_of(asked.metric, trades) if of_all_trades is None else of_all_trades.actual
        found = _found(asked, actual, trades, causing)
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
        case "edge":
            if asked.win_rate is None or trade.outcome == "breakeven":
                return None
            return (1 if trade.outcome == "win" else 0) - asked.win_rate
        case _:
            return trade.pnl


def _of_fall(trades: Sequence[ExplainedTrade], fall: Fall | None) -> Sequence[ExplainedTrade]:
    return trades[fall.span] if fall else ()


def _found(
    asked: Asked,
    actual: Decimal | None,
    trades: Sequence[ClosedTrade],
    causing: Sequence[ExplainedTrade],
) -> Found:
    return Found(
        actual=actual,
        variance=_less(actual, asked.target),
        effect=_sum_of_effects(causing),
        total_trades=len(trades),
        total_wins=count(trades, "win"),
        total_losses=count(trades, "loss"),
        total_breakevens=count(trades, "breakeven"),
        risk_reward_trades=len(planned_ratios(trades)),
        trading_days=len(days_of(trades)),
        realized_pnl=sum((trade.pnl for trade in trades), ZERO),
        max_drawdown=Drawdown.of(trade.pnl for trade in trades).worst,
    )


def _missing(asked: Asked, found: Found, trades: Sequence[ClosedTrade]) -> Missing:
    """What is missing for the published number, rounded as it is, to meet the target."""
    if found.actual is None or meets(asked.metric, found.actual, asked.target):
        return Missing()
    days = found.trading_days
    match asked.metric:
        case "win_rate":
            wins = _more(found.total_wins, found.total_trades, asked.target)
            # Where even winning every trade would not have met it, no number of wins would.
            possible = found.total_wins + wins <= found.total_trades
            return Missing(wins=wins if possible else None)
        case "avg_risk_reward_ratio":
            ratios = planned_ratios(trades)
            return Missing(risk_reward=asked.target * len(ratios) - sum(ratios, ZERO))
        case "realized_pnl" | "max_drawdown" | "peak_drawdown":
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
            total_wins=count(group, "win"),
            total_losses=count(group, "loss"),
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


def _less(actual: Decimal | None, target: Decimal) -> Decimal | None:
    return None if actual is None else EXACT.subtract(actual, target)
