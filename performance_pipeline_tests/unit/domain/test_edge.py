"""What the edge statistic promises: a loop over the trades, however they are cut, to six digits."""

import random
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.edge import (
    MOST,
    NOTHING_DECIDED,
    EdgeMaps,
    join_packed,
    likeliest_fall,
    pack,
    unpack,
)
from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline_tests.support.effort import examples

TENTHS: Final = (5, 6, 7, 8, 9)
RATES: Final = (
    st.integers(1, 99).map(lambda percent: Decimal(percent).scaleb(-2))
    | st.integers(1, 10**6 - 1).map(lambda number: Decimal(number).scaleb(-6))
    | st.integers(1, 10**30 - 1).map(lambda number: EXACT.scaleb(Decimal(number), -30))
)
OUTCOMES: Final = st.lists(st.booleans(), max_size=150)


def by_a_loop(won: list[bool], win_rate: Decimal) -> Fraction:
    """The mean of the R, in fractions, straight from their definition."""
    p = Fraction(win_rate)
    total = Fraction(0)
    for tenths in TENTHS:
        q = p * tenths / 10
        r = Fraction(0)
        for win in won:
            r = (1 + r) * (q / p if win else (1 - q) / (1 - p))
        total += r
    return total / len(TENTHS)


def six_digits(value: Fraction) -> Fraction:
    """Rounded half to even to 6 significant digits."""
    if not value:
        return value
    places = 5 - Decimal(value.numerator).adjusted() + Decimal(value.denominator).adjusted()
    while value * Fraction(10) ** places < 100_000:
        places += 1
    unit = Fraction(10) ** places
    return Fraction(round(value * unit)) / unit


def cut(won: list[bool], cuts: list[int]) -> list[list[bool]]:
    """`won` in stretches that end at `cuts`, some of them empty."""
    bounds = [0, *sorted(min(at, len(won)) for at in cuts), len(won)]
    return [won[begin:end] for begin, end in pairwise(bounds)]


@examples(1000)
@given(OUTCOMES, RATES, st.lists(st.integers(0, 150), max_size=12))
def test_the_statistic_equals_a_loop_over_the_trades_however_they_are_cut_into_days(
    won: list[bool], win_rate: Decimal, cuts: list[int]
) -> None:
    expected = six_digits(min(by_a_loop(won, win_rate), Fraction(MOST)))
    days = [EdgeMaps.of(pack(day), win_rate) for day in cut(won, cuts)]
    assert Fraction(EdgeMaps.of(pack(won), win_rate).statistic) == expected
    assert Fraction(EdgeMaps.joined(days).statistic) == expected
    nested = EdgeMaps()
    for day in reversed(days):
        nested = day.then(nested)
    assert Fraction(nested.statistic) == expected


@examples(100)
@given(OUTCOMES, st.lists(st.integers(0, 150), max_size=12))
def test_what_is_kept_of_days_joins_to_what_is_kept_of_them_as_one(
    won: list[bool], cuts: list[int]
) -> None:
    assert join_packed([pack(day) for day in cut(won, cuts)]) == pack(won)
    assert [outcome == "1" for outcome in unpack(pack(won))] == won


@pytest.mark.parametrize(
    ("outcomes", "win_rate", "statistic"),
    [
        ("", "0.6", "0"),
        ("w", "0.6", "0.7"),
        ("l", "0.6", "1.45"),
        ("ww", "0.6", "1.21"),
        ("lw", "0.6", "1.685"),
        ("l", "0.55", "1.36667"),
        # Exactly in the middle of two roundings, though no single R is a finite decimal.
        ("l", "0.8464", "2.65312"),
    ],
)
def test_the_statistic_by_hand(outcomes: str, win_rate: str, statistic: str) -> None:
    maps = EdgeMaps.of(pack(outcome == "w" for outcome in outcomes), Decimal(win_rate))
    assert plain(maps.statistic) == statistic


def test_a_day_without_decided_trades_changes_nothing() -> None:
    day = EdgeMaps.of(pack([True, False]), Decimal("0.6"))
    nothing = EdgeMaps.of(NOTHING_DECIDED, Decimal("0.6"))
    assert nothing.then(day) == day.then(nothing) == day


def test_a_year_of_thousands_of_trades_is_the_same_in_days_as_in_one() -> None:
    generator = random.Random(15)
    days = [
        pack(generator.random() < 0.58 for _ in range(generator.randrange(60))) for _ in range(250)
    ]
    rate = Decimal("0.6")
    whole = EdgeMaps.of(join_packed(days), rate).statistic
    assert EdgeMaps.joined(EdgeMaps.of(day, rate) for day in days).statistic == whole


@pytest.mark.parametrize("win_rate", ["0.000001", "0.5", "0.999999"])
def test_a_stream_of_losses_or_wins_alone_overflows_nothing(win_rate: str) -> None:
    rate = Decimal(win_rate)
    losing = EdgeMaps.of(pack([False] * 100_000), rate)
    winning = EdgeMaps.of(pack([True] * 100_000), rate)
    # Each R ends where winning once more changes nothing: share / (1 - share).
    assert winning.statistic == Decimal("3.56667")
    assert losing.statistic > 1000
    assert len(plain(losing.statistic)) <= 101
    assert EdgeMaps.of(pack([False] * 5000), Decimal("0.6")).statistic == MOST


@pytest.mark.parametrize(("true_rate", "at_most"), [(0.60, 0.5), (0.66, 0.1)])
def test_a_strategy_that_is_as_good_as_watched_for_is_seldom_alarmed_about(
    true_rate: float, at_most: float
) -> None:
    generator, rate, alarm_at = random.Random(2), Decimal("0.6"), 2000
    lives, alarmed = 40, 0
    for _ in range(lives):
        maps = EdgeMaps()
        for _ in range(40):
            block = EdgeMaps.of(pack(generator.random() < true_rate for _ in range(25)), rate)
            maps = maps.then(block)
            if maps.statistic >= alarm_at:
                alarmed += 1
                break
    assert alarmed <= at_most * lives


@pytest.mark.parametrize(
    ("outcomes", "after"),
    [("", 0), ("1111", 0), ("0", 1), ("110100", 2), ("1101001", 3), ("1110111000010001", 9)],
)
def test_the_likeliest_fall_is_where_most_speaks_for_it(outcomes: str, after: int) -> None:
    assert likeliest_fall(outcomes, Decimal("0.6")) == after
