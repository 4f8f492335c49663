"""What a summary says, in words that are the same in every output."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain.summary import (
    BreakdownRow,
    DataQuality,
    PerformanceSummary,
    TargetResult,
)
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.domain.verdicts import judged_like
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.number_format import (
    UNDEFINED,
    counted,
    grouped_number,
    number,
    percent,
)

METRIC_NAMES: Final = {
    "win_rate": "win rate",
    "avg_risk_reward_ratio": "planned R:R",
    "realized_pnl": "P&L",
    "avg_daily_pnl": "P&L a day",
    "total_trades": "trades",
    "trades_per_day": "trades a day",
    "max_drawdown": "drawdown",
    "peak_drawdown": "peak drawdown",
    EDGE: "edge",
}
"""The metrics that targets judge, in few words; `metric_name` takes any other too."""

SHORT_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LIKE: Final = {Window.DAILY: "day", Window.WEEKLY: "week", Window.MONTHLY: "month"}


def metric_name(metric: str) -> str:
    """In few words, where there are some: `P&L a day`; else the name that files have."""
    return METRIC_NAMES.get(metric, metric)


def judged_name(metric: str, strategy: str) -> str:
    """A metric in few words, and whose it is: `win rate of momentum`."""
    name = metric_name(metric)
    return f"{name} of {strategy}" if strategy else name


def room_sentence(summary: PerformanceSummary) -> str:
    """What may be lost before the drawdown targets are missed: `Room: 900.00 before ...`.

    "" where there is none of them.
    """
    room = summary.room
    if isinstance(room, msgspec.UnsetType):
        return ""
    told = [
        f"{number(left)} before {target}" if left > 0 else f"none before {target}"
        for left, target in (
            (room.peak_drawdown, "the peak drawdown target"),
            (room.max_drawdown, "the day's drawdown target"),
        )
        if left is not None
    ]
    return f"Room: {', '.join(told)}." if told else ""


def verdict_status(result: TargetResult) -> str:
    """What a verdict comes to: `met`, `insufficient data`, `unsure: could be luck, p 31.3 %`."""
    status = result.status.replace("_", " ")
    if result.status == "unsure":
        return f"{status}: could be luck, p {percent(result.p_value)}"
    return status


def span(summary: PerformanceSummary) -> str:
    """The days of the window, as a title names them."""
    if summary.start_date == summary.end_date:
        return str(summary.start_date or summary.ends_at.date())
    return f"{summary.start_date} to {summary.end_date}"


def judged_like_sentence(summary: PerformanceSummary) -> str:
    """By whose targets a range was judged: `Judged like a month (90 days).`; "" for other windows.

    Also "" when nothing was judged.
    """
    if summary.window is not Window.RANGE or not summary.targets:
        return ""
    days = counted(summary.calendar_days, "day")
    return f"Judged like a {_LIKE[judged_like(summary)]} ({days})."


def alerts_in_words(active: int, critical: int) -> str:
    """`none`, `3`, or `3, 1 critical`."""
    if not active:
        return "none"
    return f"{active:,}, {critical:,} critical" if critical else f"{active:,}"


def room_left(left: Decimal | None) -> str:
    """What may be lost before a target is missed: `none` once it is, `n/a` without one."""
    if left is None:
        return UNDEFINED
    return grouped_number(left) if left > 0 else "none"


def data_status(quality: DataQuality) -> str:
    """`complete`, `partial`, or `complete, 2 warnings`, which nobody may miss."""
    if quality.status == "partial" or not quality.warnings:
        return quality.status
    return f"{quality.status}, {counted(len(quality.warnings), 'warning')}"


def long_day(day: date) -> str:
    """`Tue 2025-06-10`."""
    return f"{SHORT_WEEKDAYS[day.weekday()]} {day}"


def moment(instant: datetime) -> str:
    """`2025-06-10 14:30`, in the zone that `instant` is in."""
    return f"{instant:%Y-%m-%d %H:%M}"


def window_bounds(summary: PerformanceSummary) -> str:
    """When the window begins and ends: `2025-06-09 00:00 to 2025-06-16 00:00 (UTC)`."""
    starts = UNDEFINED if summary.starts_at is None else moment(summary.starts_at)
    return f"{starts} to {moment(summary.ends_at)} ({summary.timezone})"


def breakdowns(summary: PerformanceSummary) -> list[tuple[str, Mapping[str, BreakdownRow]]]:
    """What the closed trades are broken down by, and the rows; by side where fills are paired."""
    found = [
        ("symbol", summary.by_symbol),
        ("strategy", summary.by_strategy),
        ("execution mode", summary.by_execution_mode),
    ]
    return [*found, ("side", summary.by_side)] if any(summary.by_side) else found
