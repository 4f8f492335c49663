"""Verdicts: a summary held against the targets that are in force in its window."""

from datetime import datetime
from decimal import Decimal

import msgspec

from performance_pipeline.domain import numbers
from performance_pipeline.domain.luck import binomial_tail, pnl_tail
from performance_pipeline.domain.summary import PerformanceSummary, TargetResult
from performance_pipeline.domain.targets import TargetLine, Targets, TargetsFile
from performance_pipeline.domain.windows import Window, most_like


def with_verdicts(
    summary: PerformanceSummary, file: TargetsFile, *, now: datetime, rolling_window: int
) -> PerformanceSummary:
    """`summary` with a verdict on each target in force, and with the alert status they amount to.

    A valid file without a target for this window judges nothing and is OK, not NO_TARGETS: the
    alert of a target taken out may then be resolved, which a missing file must never do. A miss
    that is `unsure` or `pending` is no breach, so it leaves the status as it is without it.
    """
    if file.targets is None:
        status = "INVALID_TARGETS" if file.errors else "NO_TARGETS"
        return msgspec.structs.replace(summary, targets=(), alert_status=status)
    results = verdicts(summary, file.targets, now=now, rolling_window=rolling_window)
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
    summary: PerformanceSummary, targets: Targets, *, now: datetime, rolling_window: int
) -> tuple[TargetResult, ...]:
    """A verdict on each target in force in the summary's window; none without closed trades.

    While a period runs `pending` wins over `insufficient_data`: there may yet be trades enough.
    `min_trades` counts the trades a ratio is over, for planned R:R those with both levels, or a
    mean over one trade of fifty would be judged as if it were over fifty.
    """
    if not summary.total_trades:
        return ()
    rolling, closed = summary.window is Window.ROLLING, summary.total_trades
    running = not rolling and now < summary.ends_at
    too_short = rolling and closed < rolling_window
    ratios = {"win_rate": closed, "avg_risk_reward_ratio": summary.risk_reward_trades}
    return tuple(
        _verdict(
            line,
            published_metric(summary, line.metric),
            pending=running and line.metric != "max_drawdown",
            few=too_short or ratios.get(line.metric, line.min_trades) < line.min_trades,
            p_value=_p_value(summary, line),
        )
        for line in targets.for_window(judged_like(summary))
    )


def published_metric(summary: PerformanceSummary, metric: str) -> Decimal | None:
    """The number as published: a verdict never rests on digits that nobody can see."""
    if metric == "trades_per_day":
        return numbers.divide_or_none(Decimal(summary.total_trades), summary.trading_days)
    value: Decimal | int | None = getattr(summary, metric)
    return Decimal(value) if isinstance(value, int) else value


def _p_value(summary: PerformanceSummary, line: TargetLine) -> Decimal | None:
    """How likely so few wins, or so little P&L, are if the truth were as the target asks."""
    if line.metric == "win_rate":
        decided = summary.total_wins + summary.total_losses
        return binomial_tail(summary.total_wins, decided, line.target)
    if line.metric in ("realized_pnl", "avg_daily_pnl"):
        days = summary.trading_days if line.metric == "avg_daily_pnl" else 1
        asked = numbers.EXACT.multiply(line.target, Decimal(days))
        return pnl_tail(summary.realized_pnl, summary.squared_pnl_sum, summary.total_trades, asked)
    return None


def _verdict(
    line: TargetLine, actual: Decimal | None, pending: bool, few: bool, p_value: Decimal | None
) -> TargetResult:
    variance = None if actual is None else numbers.EXACT.subtract(actual, line.target)
    verdict = TargetResult(line.metric, actual, line.target, None, variance, "met", p_value)
    if pending or few or actual is None:
        status = "pending" if pending else "insufficient_data"
        return msgspec.structs.replace(verdict, status=status)
    if actual >= line.target:
        return verdict
    if _could_be_luck(line, p_value):
        return msgspec.structs.replace(verdict, status="unsure")
    severity = "CRITICAL" if line.critical is not None and actual < line.critical else "WARN"
    return msgspec.structs.replace(verdict, status="breached", severity=severity)


def _could_be_luck(line: TargetLine, p_value: Decimal | None) -> bool:
    if line.confidence is None or p_value is None:
        return False
    return p_value > numbers.EXACT.subtract(Decimal(1), line.confidence)
