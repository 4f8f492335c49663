"""Numbers of a recount, as they are published: fractions divided, rounded and written out."""

from fractions import Fraction
from typing import Final

ZERO: Final = Fraction(0)


def ratio(numerator: Fraction | int, denominator: Fraction | int) -> str | None:
    """One division, rounded half to even to 6 decimals; None over zero."""
    if not denominator:
        return None
    return plain(rounded(Fraction(numerator) / denominator, 6))


def plain(value: Fraction) -> str:
    """A number that ends after some decimals, with just these."""
    places = 0
    while value.denominator > 1:
        value *= 10
        places += 1
    digits = str(abs(value.numerator)).rjust(places + 1, "0")
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
    return f"{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def rounded(value: Fraction, places: int) -> Fraction:
    """`value` to so many decimals, half to even."""
    return Fraction(round(value * 10**places), 10**places)
