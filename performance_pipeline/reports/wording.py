"""Numbers, days and metrics as people read them, the same in every output; files keep them exact.

Money and ratios have two decimals, rates in percent one, rounded half to even. What is too small
for that shows its first two digits (a rate its first one), so that only 0 reads as 0: 0.000123 is
`0.00012`. A price below 10 shows five digits. A verdict shows as many as tell its two sides apart.
"""

import decimal
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from performance_pipeline.domain.numbers import EXACT, ZERO, plain
from performance_pipeline.domain.summary import (
    BreakdownRow,
    DataQuality,
    PerformanceSummary,
    TargetResult,
)
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.domain.verdicts import judged_like
from performance_pipeline.domain.windows import Window

UNDEFINED: Final = "n/a"

_RATES: Final = frozenset({"win_rate", "win_rate_low", "win_rate_high"})
_COUNTS: Final = frozenset({"total_trades"})
_TIMES: Final = frozenset({"avg_hold_seconds"})

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

_MUCH: Final = Decimal(10**9)
_MUCH_IN_WORDS: Final = "over a billion"
_UNITS: Final = ((9, "B"), (6, "M"), (3, "k"))
SHORT_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LIKE: Final = {Window.DAILY: "day", Window.WEEKLY: "week", Window.MONTHLY: "month"}


class _Style(NamedTuple):
    """How many decimals a number has, and how many digits it shows at least when it is small."""

    decimals: int
    digits: int


_MONEY: Final = _Style(2, 2)
_PRICE: Final = _Style(2, 5)
_PERCENT: Final = _Style(1, 1)
_COUNT: Final = _Style(0, 1)
_TIME_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_READ: Final = decimal.Context(
    EXACT.prec, decimal.ROUND_HALF_EVEN, EXACT.Emin, EXACT.Emax, traps=[decimal.InvalidOperation]
)


class Compared(NamedTuple):
    """A value, what it is held against, and the difference of the two."""

    actual: str
    target: str
    difference: str


def number(value: Decimal | int | str | None) -> str:
    """Money or a ratio with two decimals, a count or a word as it is; undefined is not zero."""
    if isinstance(value, Decimal):
        return _rounded(value, _MONEY)
    return UNDEFINED if value is None else str(value)


def price(value: Decimal) -> str:
    """A price: `150.25`, `1.0857`, `0.000023`."""
    return _rounded(value, _PRICE if abs(value) < 10 else _MONEY)


def quantity(value: Decimal) -> str:
    """How much is held: all digits, because each of them can be sold."""
    return plain(value)


def percent(value: Decimal | None) -> str:
    """A fraction in percent: 0.495 is `49.5 %`."""
    return UNDEFINED if value is None else f"{_rounded(_hundredfold(value), _PERCENT)} %"


def duration(seconds: Decimal | None) -> str:
    """A time in its two largest units: `4 h 9 min`, `3 d 2 h`, `45 s`."""
    if seconds is None:
        return UNDEFINED
    if 0 < abs(seconds) < 1:
        return f"{number(seconds)} s"
    finest = 3600 if abs(seconds) >= 86_400 else 60 if abs(seconds) >= 3600 else 1
    left = round(Fraction(abs(seconds)) / finest) * finest
    parts = []
    for unit, size in _TIME_UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return ("-" if seconds < 0 else "") + (" ".join(parts) or "0 s")


def metric_value(metric: str, value: Decimal | int | str | None) -> str:
    """A value of `metric`: a rate in percent, a time in hours and minutes, else a number."""
    if isinstance(value, Decimal):
        if metric in _RATES:
            return percent(value)
        if metric in _TIMES:
            return duration(value)
        if metric == EDGE and value >= _MUCH:
            return _MUCH_IN_WORDS
    return number(value)


def in_full(metric: str, value: Decimal) -> str:
    """A setting of `metric` with every digit, a rate in percent: 0.555 is `55.5 %`."""
    return f"{plain(_hundredfold(value))} %" if metric in _RATES else plain(value)


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


def compared(metric: str, actual: Decimal | None, target: Decimal) -> Compared:
    """`actual` against `target`, of a rate in percentage points.

    Two that differ never read the same: 0.5499 against 0.55 is `54.99 %` against `55.00 %`.
    """
    if metric == EDGE and actual is not None and actual >= _MUCH > target:
        return Compared(_MUCH_IN_WORDS, number(target), _MUCH_IN_WORDS)
    rate = metric in _RATES
    whole = metric in _COUNTS and target == target.to_integral_value()
    style = _PERCENT if rate else _COUNT if whole else _MONEY
    difference = None if actual is None else EXACT.subtract(actual, target)
    values = [
        _hundredfold(value) if rate and value is not None else value
        for value in (actual, target, difference)
    ]
    texts = _texts(values, style)
    while texts[0] == texts[1] and actual != target:
        style = style._replace(decimals=style.decimals + 1)
        texts = _texts(values, style)
    units = (" %", " %", " points") if rate else ("", "", "")
    return Compared(
        *(
            UNDEFINED if text is None else text + unit
            for text, unit in zip(texts, units, strict=True)
        )
    )


def verdict_status(result: TargetResult) -> str:
    """What a verdict comes to: `met`, `insufficient data`, `unsure: could be luck, p 31.3 %`."""
    status = result.status.replace("_", " ")
    if result.status == "unsure":
        return f"{status}: could be luck, p {percent(result.p_value)}"
    return status


def grouped(text: str) -> str:
    """A number in words, with commas between its thousands: `-1,234.50`, `1,200 trades`."""
    return re.sub(r"\d+", lambda digits: f"{int(digits[0]):,}", text, count=1)


def grouped_number(value: Decimal) -> str:
    """Money or a ratio with commas: `-1,234.50`."""
    return grouped(number(value))


def _rounded(value: Decimal, style: _Style) -> str:
    decimals = style.decimals
    if value:
        decimals = max(decimals, style.digits - 1 - value.adjusted())
    unit = Decimal((0, (1,), -decimals))
    # Adding 0 makes a negative zero a plain one.
    text = format(EXACT.add(value, ZERO).quantize(unit, context=_READ), "f")
    spare = decimals - style.decimals
    return text[: len(text) - spare] + text[len(text) - spare :].rstrip("0")


def _texts(values: Iterable[Decimal | None], style: _Style) -> list[str | None]:
    return [None if value is None else _rounded(value, style) for value in values]


def _hundredfold(value: Decimal) -> Decimal:
    return EXACT.scaleb(value, 2)


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


def size_on_disk(count: int) -> str:
    """So many bytes as people say it: `31 kB`, `1.2 MB`, `12.0 GB`."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


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


def compact(value: Decimal) -> str:
    """A number of one digit and zeros, as short as an axis needs it: 20000 is 20k."""
    for exponent, unit in _UNITS:
        if abs(value) >= 10**exponent and value.adjusted() < exponent + 3:
            return f"{plain(value.scaleb(-exponent))}{unit}"
    return plain(value) if -4 < value.adjusted() < 12 else f"{value:.0e}"


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
