"""What the arithmetic promises: numbers read as written, divided once, printed plainly."""

import decimal
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import (
    MAX_DIGITS,
    canonical,
    divide,
    divide_or_none,
    exact_arithmetic,
    parse_number,
    plain,
)
from performance_pipeline_tests.support.effort import examples

PLAIN = re.compile(r"0|-?(?:[1-9][0-9]*|(?:0|[1-9][0-9]*)\.[0-9]*[1-9])")


def half_even(value: Fraction, places: int) -> Fraction:
    """`value` rounded once, half to even, in whole-number arithmetic alone."""
    scaled = value * 10**places
    below = scaled.numerator // scaled.denominator
    rest = scaled - below
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1)
    return Fraction(below + up, 10**places)


def decimals(min_exponent: int = -100, max_exponent: int = 70) -> st.SearchStrategy[Decimal]:
    """Numbers of any size that a log may hold, in any representation."""
    coefficients = st.one_of(st.integers(-1000, 1000), st.integers(-(10**30), 10**30))
    return st.builds(
        lambda coefficient, exponent: Decimal(
            (int(coefficient < 0), tuple(map(int, str(abs(coefficient)))), exponent)
        ),
        coefficients,
        st.one_of(st.integers(-12, 3), st.integers(min_exponent, max_exponent)),
    )


# --- divide -----------------------------------------------------------------------------------


@examples(150)
@given(decimals(), decimals().filter(bool), st.sampled_from((6, 9)))
@example(Decimal("1e99"), Decimal("1e-100"), 9)
@example(Decimal("-1e-100"), Decimal("9e99"), 6)
@example(Decimal("1e99"), Decimal("3e-100"), 6)
def test_dividing_rounds_the_exact_quotient_once(
    numerator: Decimal, denominator: Decimal, places: int
) -> None:
    exact = Fraction(numerator) / Fraction(denominator)
    assert Fraction(divide(numerator, denominator, places)) == half_even(exact, places)


@examples(150)
@given(
    st.integers(-(10**12), 10**12),
    st.integers(-60, 60).filter(bool),
    st.sampled_from((6, 9)),
    st.sampled_from((0, 1, -1)),
)
def test_a_quotient_at_or_beside_a_tie_rounds_as_the_exact_one(
    half_units: int, denominator: int, places: int, nudge: int
) -> None:
    tie = Fraction(2 * half_units + 1, 2 * 10**places) * denominator
    numerator = Decimal(tie.numerator) / tie.denominator  # few digits: the tie is a decimal
    with exact_arithmetic():
        numerator += nudge * Decimal("1e-90")
    exact = Fraction(numerator) / denominator
    assert Fraction(divide(numerator, denominator, places)) == half_even(exact, places)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        pytest.param("1", 3, "0.333333", id="below half"),
        pytest.param("2", 3, "0.666667", id="above half"),
        pytest.param("0.0000005", 1, "0", id="tie to the even below"),
        pytest.param("0.0000015", 1, "0.000002", id="tie to the even above"),
        pytest.param("0.0000025", 1, "0.000002", id="tie to the even below again"),
        pytest.param("-0.0000015", 1, "-0.000002", id="negative tie"),
        pytest.param("-0.0000005", 1, "0", id="negative tie to zero"),
        pytest.param("0.00000050" + "0" * 60 + "1", 1, "0.000001", id="a trace above a tie"),
        pytest.param("0.0000014" + "9" * 70, 1, "0.000001", id="a trace below a tie"),
        pytest.param("0", 7, "0", id="nothing"),
        pytest.param("123456789012345.67", 1, "123456789012345.67", id="nothing to round"),
        pytest.param("1e99", 1, "1" + "0" * 99, id="huge"),
    ],
)
def test_a_quotient_is_rounded_half_to_even(
    numerator: str, denominator: int, expected: str
) -> None:
    assert plain(divide(Decimal(numerator), denominator)) == expected


def test_rounding_in_two_steps_is_not_what_dividing_does() -> None:
    # 0.4999999999... would become 0.5 in 28 digits, and then round up.
    numerator = Decimal("0.0000014" + "9" * 40)
    in_two_steps = (+numerator).quantize(Decimal("1e-6"))
    assert in_two_steps == Decimal("0.000002")
    assert divide(numerator, 1) == Decimal("0.000001")


def test_a_zero_denominator_is_undefined_and_never_a_number() -> None:
    assert divide_or_none(Decimal(5), 0) is None
    assert divide_or_none(Decimal(0), Decimal("0.00")) is None
    with pytest.raises(decimal.DivisionByZero):
        divide(Decimal(5), 0)


def test_the_surrounding_context_changes_no_quotient() -> None:
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        assert divide(Decimal(20), 3) == Decimal("6.666667")
        assert divide(Decimal(10), 3, 9) == Decimal("3.333333333")


# --- exact sums -------------------------------------------------------------------------------


@examples(150)
@given(st.lists(decimals(max_exponent=69), max_size=8))
def test_sums_are_exact_whatever_the_sizes(values: list[Decimal]) -> None:
    with exact_arithmetic():
        total = sum(values, Decimal(0))
    assert Fraction(total) == sum(map(Fraction, values), Fraction(0))


def test_a_sum_of_the_largest_and_the_smallest_number_keeps_every_digit() -> None:
    with exact_arithmetic():
        total = Decimal("1e99") + Decimal("1e-100")
    assert plain(total) == "1" + "0" * 99 + "." + "0" * 99 + "1"


def test_what_cannot_be_exact_fails_loudly() -> None:
    with exact_arithmetic(), pytest.raises(decimal.Inexact):
        Decimal(1) / Decimal(3)


# --- plain ------------------------------------------------------------------------------------


@examples(150)
@given(decimals(max_exponent=150))
@example(Decimal("-0E+5"))
@example(Decimal("-0.000"))
@example(Decimal("0E-7"))
@example(Decimal("1E+2"))
@example(Decimal("-1.10"))
def test_a_plain_number_has_one_form_and_reads_back_as_itself(value: Decimal) -> None:
    text = plain(value)
    assert PLAIN.fullmatch(text), text
    assert Decimal(text) == value
    assert plain(Decimal(text)) == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1E+2", "100"),
        ("1.50", "1.5"),
        ("10", "10"),
        ("100.00", "100"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+3", "0"),
        ("-1E-7", "-0.0000001"),
        ("1.5E-20", "0.000000000000000000015"),
        ("123456789012345.10", "123456789012345.1"),
    ],
)
def test_a_plain_number_has_no_exponent_no_trailing_zeros_and_no_negative_zero(
    written: str, expected: str
) -> None:
    assert plain(Decimal(written)) == expected


@examples(150)
@given(decimals())
def test_the_canonical_form_is_equal_and_the_same_for_equal_numbers(value: Decimal) -> None:
    with exact_arithmetic():
        shifted = value + Decimal("0.000")
    assert canonical(value) == value
    assert str(canonical(value)) == str(canonical(shifted))


# --- parse_number -----------------------------------------------------------------------------

ACCEPTED = [
    ("0", "0"),
    ("-0", "0"),
    ("7", "7"),
    ("007", "7"),
    ("+1.5", "1.5"),
    ("-1.5", "-1.5"),
    (".5", "0.5"),
    ("-.5", "-0.5"),
    ("5.", "5"),
    ("5.e1", "50"),
    (".5e1", "5"),
    ("150.25", "150.25"),
    ("1e3", "1000"),
    ("1E+3", "1000"),
    ("1.5e-7", "0.00000015"),
    ("1e00", "1"),
    ("0.12345678901234567891", "0.12345678901234567891"),
    ("123456789012345", "123456789012345"),
    ("123456789012345.12345678901234567891", "123456789012345.12345678901234567891"),
    ("9" * 100, "9" * 100),
    ("1e99", "1" + "0" * 99),
    ("1e-100", "0." + "0" * 99 + "1"),
    ("0e5000", "0"),
    ("-0.00e-99999999999999999999", "0"),
    ("0e99999999999999999999", "0"),
    ("0" * 200 + "1", "1"),
    ("1." + "0" * 600, "1"),
    ("10e98", "1" + "0" * 99),
]
NOT_NUMBERS = [
    "",
    ".",
    "+",
    "-",
    "e5",
    "1e",
    "1e+",
    "1e1.5",
    ".e1",
    "--1",
    "+-1",
    "1.2.3",
    "1 ",
    " 1",
    "1\n",
    "12,50",
    "1_000",
    "1'000",
    "NaN",
    "nan",
    "sNaN",
    "Infinity",
    "-inf",
    "0x10",
    "1f",
    "$1",
    "1%",
    "\u00bd",  # a half, in one character
    "\u0661",  # one, in Arabic digits
    "\uff11\uff12",  # twelve, in full width
    "\u22121",  # minus one, with the sign of mathematicians
    "1\u066b5",  # with the Arabic decimal separator
    "True",
    "null",
]
TOO_LONG = [
    "1e100",
    "-1e100",
    "1e-101",
    "1" * 101,
    "0." + "0" * 100 + "1",
    "1e999999999999",
    "9e9999",
]


@pytest.mark.parametrize(("text", "expected"), ACCEPTED, ids=[text[:40] for text, _ in ACCEPTED])
def test_a_number_is_read_digit_by_digit(text: str, expected: str) -> None:
    assert plain(parse_number(text)) == expected
    assert Fraction(parse_number(text)) == Fraction(Decimal(expected))


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_not_written_as_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"\Anot a number\Z"):
        parse_number(text)


@pytest.mark.parametrize("text", TOO_LONG, ids=[text[:20] for text in TOO_LONG])
def test_a_number_beyond_a_hundred_digits_is_refused_without_quoting_it(text: str) -> None:
    message = rf"\Amore than {MAX_DIGITS} digits on a side of the point\Z"
    with pytest.raises(ValueError, match=message):
        parse_number(text)


@examples(150)
@given(
    st.sampled_from(("", "+", "-")),
    st.text("0123456789", max_size=20),
    st.text("0123456789", max_size=20),
    st.sampled_from(("", "e", "E", "e+", "E-")),
    st.integers(0, 30),
)
def test_every_number_that_a_log_may_hold_is_read_exactly(
    sign: str, before: str, after: str, marker: str, size: int
) -> None:
    if not (before or after):
        before = "0"
    text = f"{sign}{before}.{after}{marker}{size if marker else ''}"
    exponent = (-size if marker.endswith("-") else size) if marker else 0
    expected = int(before + after) * Fraction(10) ** (exponent - len(after))
    assert Fraction(parse_number(text)) == (-expected if sign == "-" else expected)


@examples(150)
@given(st.text("0123456789+-.eE_, ", max_size=8))
def test_any_other_text_is_refused(text: str) -> None:
    is_number = re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
    try:
        parse_number(text)
        refusal = ""
    except ValueError as error:
        refusal = str(error)
    assert (refusal == "not a number") == (is_number is None)
