"""Two figures held against each other: equal, equal but for rounding, or different, and why."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import ZERO, divide, exact_arithmetic
from performance_pipeline.domain.second_opinion import (
    Figure,
    Held,
    Reason,
    agreeing_decimals,
    compared,
    ratio_slack,
    sum_slack,
)

D = Decimal
WHY = Reason("by its own rule", D(4), D(6))
WHY_NOT = Reason("by another", D(100), D(100))


def held(stated: str | None, ours: str | None, slack: str = "0", *reasons: Reason) -> Figure:
    sides = [None if text is None else D(text) for text in (stated, ours)]
    return compared(Held("overall", "", "name", "metric", sides[0], sides[1], D(slack), reasons))


@pytest.mark.parametrize(
    ("stated", "ours", "slack", "reasons", "status", "decimals", "reason"),
    [
        ("1.50", "1.5", "0", [], "equal", None, ""),
        (None, None, "0", [], "equal", None, ""),
        ("1.5000000001", "1.5", "0.000000001", [], "rounded", 9, ""),
        ("1.51", "1.5", "0.001", [], "different", None, ""),
        (None, "1.5", "0", [], "different", None, ""),
        ("1.5", None, "0", [], "different", None, ""),
        (None, "5", "0", [WHY], "different", None, ""),
        ("5", "1", "0", [WHY], "explained", None, WHY.text),
        ("4", "1", "0", [WHY_NOT, WHY], "explained", None, WHY.text),
        ("5", None, "0", [WHY], "explained", None, WHY.text),
        ("6.5", "1", "0", [WHY, WHY_NOT], "different", None, ""),
        ("6.5", "1", "0.5", [WHY], "explained", None, WHY.text),
        # A reason that fits explains nothing where there is nothing to explain.
        ("5", "5", "0", [WHY], "equal", None, ""),
    ],
)
def test_a_figure_is_what_its_two_sides_say(
    stated: str | None,
    ours: str | None,
    slack: str,
    reasons: list[Reason],
    status: str,
    decimals: int | None,
    reason: str,
) -> None:
    figure = held(stated, ours, slack, *reasons)
    assert (figure.status, figure.decimals, figure.reason) == (status, decimals, reason)


@pytest.mark.parametrize(
    ("apart", "decimals"),
    [("0.04", 1), ("0.05", 1), ("0.06", 0), ("0.0005", 3), ("3e-11", 10), ("7", 0), ("-0.004", 2)],
)
def test_two_numbers_agree_to_a_decimal_when_they_are_no_further_apart_than_its_rounding(
    apart: str, decimals: int
) -> None:
    assert agreeing_decimals(D(apart)) == decimals


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.randoms())
def test_no_sum_of_doubles_in_any_order_misses_the_exact_one_by_more_than_the_slack(
    values: list[float], dice: random.Random
) -> None:
    exact = [D(value) for value in values]
    dice.shuffle(values)
    with exact_arithmetic():
        assert abs(D(sum(values)) - sum(exact)) <= sum_slack(exact)


@given(
    st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50),
    st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50),
)
def test_no_ratio_of_sums_of_doubles_misses_ours_by_more_than_the_slack(
    won: list[float], lost: list[float]
) -> None:
    with exact_arithmetic():
        sums = sum(map(D, won), ZERO), sum(map(D, lost), ZERO)
    ours = divide(*sums)
    apart = abs(D(sum(won) / sum(lost)) - ours)
    assert apart <= ratio_slack(ours, len(won) + len(lost))
