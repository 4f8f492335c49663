"""What a performance report shows, computed once and exactly; how it looks is decided elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.aggregate import DailyAggregate, DayResult
from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.distribution import Distribution, size_step, step_start
from performance_pipeline.domain.explanation import Explanation
from performance_pipeline.domain.numbers import ZERO, exact_arithmetic
from performance_pipeline.domain.summary import BreakdownRow, PerformanceSummary, TargetResult
from performance_pipeline.domain.trade_stats import Bucket, by_key
from performance_pipeline.domain.windows import WEEKDAY_NAMES, Period

_MOST_STEPS: Final = 15
# The smallest gains and losses, up to this share of all trades, are shown as one bin.
_NEXT_TO_ZERO: Final = Decimal("0.05")

Breakdown = Mapping[str, BreakdownRow]


@dataclass(frozen=True)
class EquityDay:
    """One day with a closed trade on the path of cumulative P&L, which starts at 0."""

    date: date
    total_trades: int
    realized_pnl: Decimal
    equity: Decimal
    """Cumulative P&L at the day's end."""
    underwater: Decimal
    """How far the day's lowest point lay below the highest one before it: 0 or less."""


@dataclass(frozen=True)
class SizeBin:
    """How many closed trades had a P&L between two bounds.

    The bound nearer to 0 is included, the other is not; of the bin around 0 neither is.
    """

    low: Decimal
    high: Decimal
    count: int


@dataclass(frozen=True)
class PeriodRow:
    """One week or month; its targets as money and rate of the whole period, None without one."""

    first_day: date
    last_day: date
    total_trades: int
    realized_pnl: Decimal
    win_rate: Decimal | None
    pnl: TargetResult | None
    """The verdict on average daily P&L."""
    pnl_target: Decimal | None
    """The daily target times the days traded: what the P&L had to reach."""
    rate: TargetResult | None
    """The verdict on the win rate."""


@dataclass(frozen=True)
class ReportData:
    """One report: the summary of its range, and what is seen only over its days."""

    period: Period
    summary: PerformanceSummary
    equity: tuple[EquityDay, ...]
    weeks: tuple[PeriodRow, ...]
    months: tuple[PeriodRow, ...]
    sizes: tuple[SizeBin, ...]
    by_weekday: Breakdown
    by_hour: Breakdown
    alerts: tuple[AlertEvent, ...]
    """Folded, of periods that touch the range, in the order of these periods."""
    explanations: tuple[Explanation, ...] = ()
    """Of the newest of them, newest first."""


def report_data(
    period: Period,
    summary: PerformanceSummary,
    days: Mapping[date, DailyAggregate],
    distribution: Distribution,
    *,
    weeks: Sequence[PerformanceSummary],
    months: Sequence[PerformanceSummary],
    alerts: Iterable[AlertEvent],
) -> ReportData:
    """The report over `period`, given its `summary`, its days and all alerts there are.

    `weeks` and `months` are those that the period touches, whole ones; `distribution` is that of
    all days.
    """
    with exact_arithmetic():
        return ReportData(
            period=period,
            summary=summary,
            equity=_equity(result for day in days.values() for result in day.days),
            weeks=tuple(map(_period_row, weeks)),
            months=tuple(map(_period_row, months)),
            sizes=_sizes(distribution.by_size),
            by_weekday=_by_weekday(days),
            by_hour={
                f"{hour:02}:00": BreakdownRow.of(bucket)
                for hour, bucket in distribution.by_hour.items()
            },
            alerts=_alerts_of(period, alerts),
        )


def _equity(results: Iterable[DayResult]) -> tuple[EquityDay, ...]:
    days = []
    total = peak = ZERO
    for result in results:
        path = result.drawdown
        underwater = min(path.worst, total + path.lowest - peak)
        peak = max(peak, total + path.peak)
        total += path.total
        days.append(EquityDay(result.date, result.total_trades, path.total, total, underwater))
    return tuple(days)


def _period_row(summary: PerformanceSummary) -> PeriodRow:
    # Weeks and months always have both.
    assert summary.start_date is not None
    assert summary.end_date is not None
    pnl = summary.verdict("avg_daily_pnl")
    return PeriodRow(
        first_day=summary.start_date,
        last_day=summary.end_date,
        total_trades=summary.total_trades,
        realized_pnl=summary.realized_pnl,
        win_rate=summary.win_rate,
        pnl=pnl,
        pnl_target=None if pnl is None else pnl.target * summary.trading_days,
        rate=summary.verdict("win_rate"),
    )


def _sizes(by_size: Mapping[str, int]) -> tuple[SizeBin, ...]:
    """Bins from large losses to large wins, with one in the middle for all that is next to 0."""
    found = {
        sign: {size_step(key): count for key, count in by_size.items() if Decimal(key) * sign > 0}
        for sign in (-1, 1)
    }
    steps = sorted({*found[-1], *found[1]})
    if not steps:
        return (SizeBin(ZERO, ZERO, by_size["0"]),) if by_size else ()
    few = sum(by_size.values()) * _NEXT_TO_ZERO
    first, middle = steps[0], by_size.get("0", 0)
    while middle + _of_step(found, first) <= few:
        middle += _of_step(found, first)
        first += 1
    edge = step_start(first)
    losses = [SizeBin(-bin.high, -bin.low, bin.count) for bin in _side(found[-1], first)]
    return (*reversed(losses), SizeBin(-edge, edge, middle), *_side(found[1], first))


def _of_step(found: Mapping[int, Mapping[int, int]], step: int) -> int:
    return sum(counts.get(step, 0) for counts in found.values())


def _side(counts: Mapping[int, int], first: int) -> list[SizeBin]:
    """The bins of one side from the step `first` on; the last one takes in all that is larger."""
    top = max(counts, default=first - 1)
    last = min(top, first + _MOST_STEPS - 1)
    bins = [
        SizeBin(step_start(step), step_start(step + 1), counts.get(step, 0))
        for step in range(first, last + 1)
    ]
    if last < top:
        beyond = sum(count for step, count in counts.items() if step >= last)
        bins[-1] = SizeBin(step_start(last), step_start(top + 1), beyond)
    return bins


def _by_weekday(days: Mapping[date, DailyAggregate]) -> Breakdown:
    traded = [
        (day.weekday(), aggregate.stats)
        for day, aggregate in days.items()
        if aggregate.stats.total_trades
    ]
    totals = by_key(
        (
            weekday,
            Bucket(stats.total_trades, stats.total_wins, stats.total_losses, stats.realized_pnl),
        )
        for weekday, stats in traded
    )
    return {WEEKDAY_NAMES[number]: BreakdownRow.of(total) for number, total in totals.items()}


def _alerts_of(period: Period, alerts: Iterable[AlertEvent]) -> tuple[AlertEvent, ...]:
    touching = [
        alert
        for alert in alerts
        if (alert.start_date or alert.period) <= period.last_day
        and (alert.end_date or alert.period) >= period.first_day
    ]
    return tuple(sorted(touching, key=lambda alert: (alert.end_date or alert.period, alert.id)))
