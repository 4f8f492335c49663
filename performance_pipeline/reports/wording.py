"""Numbers, days and metrics as people read them, in every output alike; no digit is lost."""

from datetime import date
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline.domain.verdicts import judged_like
from performance_pipeline.domain.windows import Window

UNDEFINED: Final = "n/a"

RATES: Final = frozenset({"win_rate"})
"""The metrics that people read in percent."""

METRIC_NAMES: Final = {
    "win_rate": "win rate",
    "avg_risk_reward_ratio": "planned R:R",
    "realized_pnl": "P&L",
    "avg_daily_pnl": "P&L a day",
    "total_trades": "trades",
    "trades_per_day": "trades a day",
    "max_drawdown": "drawdown",
}
"""The metrics that targets judge, in few words."""

_UNITS: Final = ((9, "B"), (6, "M"), (3, "k"))
SHORT_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LIKE: Final = {Window.DAILY: "day", Window.WEEKLY: "week", Window.MONTHLY: "month"}


def number(value: Decimal | int | str | None) -> str:
    """All digits of `value`, in plain notation; undefined is not zero."""
    if value is None:
        return UNDEFINED
    return plain(value) if isinstance(value, Decimal) else str(value)


def grouped(value: Decimal | int | None) -> str:
    """All digits of `value`, with commas between thousands."""
    if value is None:
        return UNDEFINED
    value = Decimal(value)
    sign, digits = ("-", EXACT.minus(value)) if value < 0 else ("", value)
    whole, point, decimals = plain(digits).partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"


def percent(value: Decimal | None) -> str:
    """A fraction in percent: the same digits, the point moved. 0.495 is `49.5 %`."""
    return UNDEFINED if value is None else f"{grouped(EXACT.scaleb(value, 2))} %"


def points(value: Decimal | None) -> str:
    """The difference of two fractions, in percentage points: -0.005 is `-0.5 points`."""
    return UNDEFINED if value is None else f"{grouped(EXACT.scaleb(value, 2))} points"


def metric_value(metric: str, value: Decimal | int | str | None) -> str:
    """A value of `metric`: a rate in percent, everything else in plain digits."""
    if metric in RATES and isinstance(value, Decimal):
        return percent(value)
    return number(value)


def metric_difference(metric: str, value: Decimal | None) -> str:
    """A difference of two values of `metric`: of rates in points."""
    return points(value) if metric in RATES else number(value)


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


def counted(count: int, noun: str) -> str:
    """`1 trade`, `1,200 trades`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def compact(value: Decimal) -> str:
    """A number of one digit and zeros, as short as an axis needs it: 20000 is 20k."""
    for exponent, unit in _UNITS:
        if abs(value) >= 10**exponent and value.adjusted() < exponent + 3:
            return f"{plain(value.scaleb(-exponent))}{unit}"
    return plain(value) if -4 < value.adjusted() < 12 else f"{value:.0e}"


def long_day(day: date) -> str:
    """`Tue 2025-06-10`."""
    return f"{SHORT_WEEKDAYS[day.weekday()]} {day}"
