"""Numbers as people read them, the same in every output; files keep them exact.

Money and ratios have two decimals, rates in percent one, rounded half to even. What is too small
for that shows its first two digits (a rate its first one), so that only 0 reads as 0: 0.000123 is
`0.00012`. A price below 10 shows five digits. A verdict shows as many as tell its two sides apart.
"""

import decimal
import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from performance_pipeline.domain.numbers import EXACT, ZERO, plain
from performance_pipeline.domain.targets import EDGE

UNDEFINED: Final = "n/a"

_RATES: Final = frozenset({"win_rate", "win_rate_low", "win_rate_high"})
_COUNTS: Final = frozenset({"total_trades"})
_TIMES: Final = frozenset({"avg_hold_seconds"})

_MUCH: Final = Decimal(10**9)
_MUCH_IN_WORDS: Final = "over a billion"
_UNITS: Final = ((9, "B"), (6, "M"), (3, "k"))


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


class Compared(NamedTuple):
    """A value, what it is held against, and the difference of the two."""

    actual: str
    target: str
    difference: str


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


def grouped(text: str) -> str:
    """A number in words, with commas between its thousands: `-1,234.50`, `1,200 trades`."""
    return re.sub(r"\d+", lambda digits: f"{int(digits[0]):,}", text, count=1)


def grouped_number(value: Decimal) -> str:
    """Money or a ratio with commas: `-1,234.50`."""
    return grouped(number(value))


def counted(count: int, noun: str) -> str:
    """`1 trade`, `1,200 trades`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size_on_disk(count: int) -> str:
    """So many bytes as people say it: `31 kB`, `1.2 MB`, `12.0 GB`."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


def compact(value: Decimal) -> str:
    """A number of one digit and zeros, as short as an axis needs it: 20000 is 20k."""
    for exponent, unit in _UNITS:
        if abs(value) >= 10**exponent and value.adjusted() < exponent + 3:
            return f"{plain(value.scaleb(-exponent))}{unit}"
    return plain(value) if -4 < value.adjusted() < 12 else f"{value:.0e}"


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
