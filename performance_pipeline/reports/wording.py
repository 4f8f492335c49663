"""Numbers, days and metrics as a reader of a report sees them; a number stays exactly itself."""

from datetime import date
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.numbers import EXACT, plain

UNDEFINED: Final = "n/a"

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


def grouped(value: Decimal | int | None) -> str:
    """All digits of `value`, with commas between thousands."""
    if value is None:
        return UNDEFINED
    value = Decimal(value)
    sign, digits = ("-", EXACT.minus(value)) if value < 0 else ("", value)
    whole, point, decimals = plain(digits).partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"


def percent(value: Decimal | None) -> str:
    """A fraction in percent: the same digits, the point moved."""
    return UNDEFINED if value is None else f"{grouped(EXACT.scaleb(value, 2))} %"


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
