"""Verdicts: a summary held against the targets that are in force in its window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain import numbers
from performance_pipeline.domain.luck import binomial_tail, pnl_tail
from performance_pipeline.domain.strategies import StrategyFigures
from performance_pipeline.domain.summary import EdgeReading, PerformanceSummary, Room, TargetResult
from performance_pipeline.domain.targets import EDGE, TargetLine, Targets, TargetsFile, meets
from performance_pipeline.domain.trade_stats import Drawdown
from performance_pipeline.domain.windows import Window, most_like

OF_ALL_TRADES: Final = ("peak_drawdown", EDGE)
"""Those that rest on every trade so far, however few of them are in the window."""

_NOTHING_TRADED: Final = Drawdown()

Figures = PerformanceSummary | StrategyFigures
"""What one target is held against: the figures of all trades, or of one strategy's."""


@dataclass(frozen=True)
class Evidence:
    """What verdicts rest on beside the summary itself."""

    strategies: Callable[[], Mapping[str, StrategyFigures]] = dict
    """The figures of each strategy that closed a trade in the window."""
    edge_statistic: Callable[[Decimal], Decimal | None] = lambda _: None
    """The statistic of all trades up to the window's end, given what the win rate should be; None
    when it cannot be told."""
    last_day: Drawdown = _NOTHING_TRADED
    """The path of P&L of the window's last day."""


def with_verdicts(
    summary: PerformanceSummary,
    file: TargetsFile,
    *,
    now: datetime,
    rolling_window: int,
    evidence: Evidence | None = None,
) -> PerformanceSummary:
    """`summary` with a verdict on each target in force, and with the alert status they amount to.

    A valid file without a target for this window judges nothing and is OK, not NO_TARGETS: the
    alert of a target taken out may then be resolved, which a missing file must never do. A miss
    that is `unsure` or `pending` is no breach, so it leaves the status as it is without it.
    """
    evidence = evidence or Evidence()
    if summary.window is Window.ROLLING:
        summary = msgspec.structs.replace(summary, edge=_edge(file.targets, evidence))
    if summary.window in (Window.DAILY, Window.ROLLING):
        room = _room(summary.peak_drawdown, file.targets, evidence.last_day)
        summary = msgspec.structs.replace(summary, room=room)
    if file.targets is None:
        status = "INVALID_TARGETS" if file.errors else "NO_TARGETS"
        return msgspec.structs.replace(summary, targets=(), alert_status=status)
    results = verdicts(
        summary, file.targets, now=now, rolling_window=rolling_window, evidence=evidence
    )
    severities = {result.severity for result in results}
    worst = next((severity for severity in ("CRITICAL", "WARN") if severity in severities), "OK")
    status = worst if summary.total_trades else "NO_TRADES"
    return msgspec.structs.replace(summary, targets=results, alert_status=status)


def judged_like(summary: PerformanceSummary) -> Window:
    """The window whose targets judge `summary`: its own; of a range, the one it is most like."""
    if summary.window is not Window.RANGE:
        return summary.window
    return most_like(summary.calendar_days)


def verdicts(
    summary: PerformanceSummary,
    targets: Targets,
    *,
    now: datetime,
    rolling_window: int,
    evidence: Evidence | None = None,
) -> tuple[TargetResult, ...]:
    """A verdict on each target in force in the summary's window; none without closed trades.

    While a period runs `pending` wins over `insufficient_data`: there may yet be trades enough.
    `min_trades` counts the trades a ratio is over, for planned R:R those with both levels, or a
    mean over one trade of fifty would be judged as if it were over fifty. A strategy without a
    trade in the window has too little data.
    """
    if not summary.total_trades:
        return ()
    lines = targets.for_window(judged_like(summary))
    strategies: Mapping[str, StrategyFigures] = {}
    if evidence is not None and any(line.strategy for line in lines):
        strategies = evidence.strategies()
    rolling = summary.window is Window.ROLLING
    running = not rolling and now < summary.ends_at
    too_short = rolling and summary.total_trades < rolling_window
    results = []
    for line in lines:
        figures: Figures = summary
        if line.strategy:
            figures = strategies.get(line.strategy, StrategyFigures())
        few = (too_short and line.metric not in OF_ALL_TRADES) or _are_few(figures, line)
        results.append(
            _verdict(
                line,
                published_metric(figures, line.metric),
                pending=running and line.metric != "max_drawdown",
                few=few,
                p_value=_p_value(figures, line),
            )
        )
    return tuple(results)


def published_metric(figures: Figures, metric: str) -> Decimal | None:
    """The number as published: a verdict never rests on digits that nobody can see."""
    if metric == "trades_per_day":
        return numbers.divide_or_none(Decimal(figures.total_trades), figures.trading_days)
    value: Decimal | int | EdgeReading | msgspec.UnsetType | None = getattr(figures, metric)
    if isinstance(value, EdgeReading):
        return value.statistic
    if isinstance(value, msgspec.UnsetType):
        return None
    return Decimal(value) if isinstance(value, int) else value


def _edge(targets: Targets | None, evidence: Evidence) -> EdgeReading | None:
    watch = targets.edge if targets is not None else None
    if watch is None:
        return None
    return EdgeReading(evidence.edge_statistic(watch.win_rate), watch.alarm_at)


def _room(
    peak_drawdown: Decimal | msgspec.UnsetType | None, targets: Targets | None, day: Drawdown
) -> Room:
    if targets is None:
        return Room(None, None)
    of_all, of_day = targets.room
    subtract = numbers.EXACT.subtract
    of_peak = of_worst = None
    if of_all is not None and isinstance(peak_drawdown, Decimal):
        of_peak = subtract(peak_drawdown, of_all)
    if of_day is not None:
        fallen = subtract(day.total, day.peak)
        of_worst = subtract(fallen, of_day) if day.worst >= of_day else numbers.ZERO
    return Room(of_peak, of_worst)


def _are_few(figures: Figures, line: TargetLine) -> bool:
    """Whether there are too few trades to judge by."""
    counts = {
        "win_rate": figures.total_trades,
        "avg_risk_reward_ratio": figures.risk_reward_trades,
    }
    few = counts.get(line.metric, line.min_trades) < line.min_trades
    return few or not figures.total_trades


def _p_value(figures: Figures, line: TargetLine) -> Decimal | None:
    """How likely so few wins, or so little P&L, are if the truth were as the target asks."""
    if line.metric == "win_rate":
        decided = figures.total_wins + figures.total_losses
        return binomial_tail(figures.total_wins, decided, line.target)
    if line.metric in ("realized_pnl", "avg_daily_pnl"):
        days = figures.trading_days if line.metric == "avg_daily_pnl" else 1
        asked = numbers.EXACT.multiply(line.target, Decimal(days))
        return pnl_tail(figures.realized_pnl, figures.squared_pnl_sum, figures.total_trades, asked)
    return None


def _verdict(
    line: TargetLine, actual: Decimal | None, pending: bool, few: bool, p_value: Decimal | None
) -> TargetResult:
    variance = None if actual is None else numbers.EXACT.subtract(actual, line.target)
    verdict = TargetResult(
        line.metric, actual, line.target, None, variance, "met", p_value, line.strategy
    )
    if pending or few or actual is None:
        status = "pending" if pending else "insufficient_data"
        return msgspec.structs.replace(verdict, status=status)
    if meets(line.metric, actual, line.target):
        return verdict
    if _could_be_luck(line, p_value):
        return msgspec.structs.replace(verdict, status="unsure")
    severity = "CRITICAL" if line.critical is not None and actual < line.critical else "WARN"
    return msgspec.structs.replace(verdict, status="breached", severity=severity)


def _could_be_luck(line: TargetLine, p_value: Decimal | None) -> bool:
    if line.confidence is None or p_value is None:
        return False
    return p_value > numbers.EXACT.subtract(Decimal(1), line.confidence)
