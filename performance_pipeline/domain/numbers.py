"""Exact decimal arithmetic: parsing, dividing and printing numbers that are money.

Nothing here knows what a trade is. Sums and differences are exact or fail loudly; the only
rounding of a number that is kept is the one inside `divide`. Reports round for the eye.
"""

import decimal
import re
from contextlib import AbstractContextManager
from decimal import Decimal

MAX_DIGITS = 100
"""Most digits a number may need on either side of the decimal point, written plainly.

Far beyond any price, yet it bounds what one line such as `1e999999999` can cost.
"""

RATIO_PLACES = 6
PLANNED_RATIO_PLACES = 9
SHARE_PLACES = 9

NUMBER_PATTERN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

ZERO = Decimal(0)

# Wide enough for any sum of squares of products of three accepted numbers (P&L is price x quantity
# x multiplier): twelve times MAX_DIGITS and the count's own digits.
# Inexact is trapped, so a result is exact or an error.
EXACT = decimal.Context(
    prec=1500,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-9999,
    Emax=9999,
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.Underflow,
    ],
)


# ROUND_05UP keeps a trace of every digit it drops in the last one kept (a 0 or 5 there is always
# exact), so rounding such a quotient again, half to even, is rounding the true one. That needs one
# digit kept beyond `places`, which is why the rounded number may have fewer digits: a wider one is
# refused, and divided again in the wide context, which the largest products need.
def _quotient(digits: int) -> tuple[decimal.Context, decimal.Context]:
    traps = [decimal.InvalidOperation, decimal.DivisionByZero]
    kept = decimal.Context(digits, decimal.ROUND_05UP, Emin=-9999, Emax=9999, traps=traps)
    rounded = kept.copy()
    rounded.prec, rounded.rounding = digits - 2, decimal.ROUND_HALF_EVEN
    return kept, rounded


_NARROW, _WIDE = _quotient(60), _quotient(3000)


_UNITS = {places: Decimal(1).scaleb(-places) for places in (RATIO_PLACES, PLANNED_RATIO_PLACES)}


def exact_arithmetic() -> AbstractContextManager[decimal.Context]:
    """A context in which `+`, `-` and `*` on Decimals are exact, or raise `decimal.Inexact`."""
    return decimal.localcontext(EXACT)


def parse_number(text: str) -> Decimal:
    """The number that `text` writes, digit by digit.

    Raises ValueError when it is not a plain ASCII number, or needs more than `MAX_DIGITS` digits
    before or after the point. The message never quotes the text.
    """
    if NUMBER_PATTERN.fullmatch(text) is None:
        raise ValueError("not a number")
    try:
        value = EXACT.normalize(Decimal(text))
    except decimal.DecimalException:
        if not text.lower().partition("e")[0].strip("+-.0"):
            return ZERO  # Zero, whatever its exponent.
        raise ValueError(f"more than {MAX_DIGITS} digits on a side of the point") from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_DIGITS or value.adjusted() >= MAX_DIGITS:
        raise ValueError(f"more than {MAX_DIGITS} digits on a side of the point")
    return value


def divide(numerator: Decimal, denominator: Decimal | int, places: int = RATIO_PLACES) -> Decimal:
    """`numerator / denominator`, rounded once, half to even, to `places` decimals.

    Raises decimal.DivisionByZero for a zero denominator.
    """
    kept, rounded = _NARROW
    try:
        return rounded.quantize(kept.divide(numerator, denominator), _UNITS[places])
    except decimal.InvalidOperation:
        kept, rounded = _WIDE
        return rounded.quantize(kept.divide(numerator, denominator), _UNITS[places])


def divide_or_none(numerator: Decimal, denominator: Decimal | int) -> Decimal | None:
    """`divide` to ratio places, or None (undefined) when the denominator is zero."""
    return divide(numerator, denominator) if denominator else None


def canonical(value: Decimal) -> Decimal:
    """The one representation of `value`: no trailing zeros after the point, no negative zero."""
    return EXACT.add(EXACT.normalize(value), ZERO)


def plain(value: Decimal) -> str:
    """`value` without exponent, trailing zeros or a negative zero: `1E+2` is `100`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
