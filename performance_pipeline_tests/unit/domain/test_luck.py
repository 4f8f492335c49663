"""What the numbers about luck promise: right to the last of six decimals, and quick."""

import decimal
import random
import time
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import comb
from statistics import NormalDist
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain import luck as module
from performance_pipeline.domain.luck import binomial_tail, pnl_tail, wilson_interval
from performance_pipeline.domain.numbers import exact_arithmetic, plain
from performance_pipeline.domain.trade_stats import TradeStats
from performance_pipeline.domain.trades import Trade
from performance_pipeline.pipeline.recount import luck as recount
from performance_pipeline_tests.support.effort import examples, often

RATES: Final = (
    st.decimals(0, 1, places=2)
    | st.decimals(0, 1, places=6)
    | st.integers(0, 10**40).map(lambda number: Decimal(number).scaleb(-40))
)
NOON: Final = datetime(2025, 6, 10, 12, tzinfo=UTC)
MONEY: Final = st.decimals(-999, 999, places=2) | st.decimals(-9, 9, places=9)


def six(value: Fraction) -> Fraction:
    """Rounded half to even to 6 decimals."""
    return Fraction(round(value * 10**6), 10**6)


def exact_tail(wins: int, decided: int, rate: Decimal) -> Fraction:
    p = Fraction(rate)
    return sum(
        (comb(decided, i) * p**i * (1 - p) ** (decided - i) for i in range(wins + 1)), Fraction(0)
    )


# --- the binomial tail --------------------------------------------------------------------------


@examples(1000)
@given(st.data())
def test_the_tail_equals_the_sum_of_all_its_terms_as_fractions(data: st.DataObject) -> None:
    decided = data.draw(st.integers(0, 150))
    wins = data.draw(st.integers(0, decided))
    rate = data.draw(RATES)
    tail = binomial_tail(wins, decided, rate)
    assert Fraction(tail) == six(exact_tail(wins, decided, rate))
    verdict = {"total_wins": wins, "total_losses": decided - wins}
    assert recount.p_value("win_rate", Fraction(rate), verdict) == plain(tail)


def test_the_tail_of_thousands_of_trades_equals_the_sum_of_all_its_terms() -> None:
    draws = random.Random(15)
    for _ in range(often(40, usual=10)):
        decided = draws.randint(1000, 3000)
        rate = Decimal(draws.randint(20, 80)) / 100
        middle = int(decided * rate)
        wins = min(max(middle + draws.randint(-150, 150), 0), decided)
        counted = {"total_wins": wins, "total_losses": decided - wins}
        # verify's own sum has all terms, exactly.
        expected = recount.p_value("win_rate", Fraction(rate), counted)
        assert plain(binomial_tail(wins, decided, rate)) == expected


@pytest.mark.parametrize(
    ("wins", "decided", "rate", "expected"),
    [
        pytest.param(0, 0, "0.55", "1", id="no trade decided: so few are certain"),
        pytest.param(5, 5, "0.55", "1", id="all won"),
        pytest.param(0, 1, "0.55", "0.45", id="one lost"),
        pytest.param(0, 7, "0.5", "0.007812", id="a tie, 0.0078125, to the even below"),
        pytest.param(0, 6, "0.5", "0.015625", id="six decimals exactly"),
        pytest.param(1, 7, "0.5", "0.0625", id="four decimals exactly"),
        pytest.param(0, 3, "0.975", "0.000016", id="a tie, 0.000015625, rounded up"),
        pytest.param(9, 20, "0.55", "0.249289", id="nine of twenty"),
        pytest.param(10, 20, "0", "1", id="a target of nothing"),
        pytest.param(19, 20, "1", "0", id="a target of everything, missed"),
        pytest.param(20, 20, "1", "1", id="a target of everything, met"),
        pytest.param(0, 30_000, "0.55", "0", id="hopeless"),
        pytest.param(29_999, 30_000, "0.01", "1", id="far beyond"),
        pytest.param(14_999, 29_999, "0.5", "0.5", id="half of an odd number, by symmetry"),
        pytest.param(500_000, 1_000_001, "0.5", "0.5", id="half of a million"),
    ],
)
def test_tails_known_by_other_ways(wins: int, decided: int, rate: str, expected: str) -> None:
    assert plain(binomial_tail(wins, decided, Decimal(rate))) == expected


@given(st.integers(0, 80), st.integers(0, 80), RATES)
def test_fewer_wins_and_a_harder_target_are_never_more_likely(
    wins: int, losses: int, rate: Decimal
) -> None:
    tail = binomial_tail(wins, wins + losses, rate)
    assert 0 <= tail <= 1
    if wins:
        assert binomial_tail(wins - 1, wins + losses, rate) <= tail
    assert binomial_tail(wins, wins + losses, (rate + 1) / 2) <= tail


def test_where_the_bounds_do_not_round_alike_the_tail_is_computed_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So coarse that no bound is of any use.
    monkeypatch.setattr(module, "_UNITS", 8)
    for wins in range(40):
        rate = Decimal("0.37")
        assert Fraction(binomial_tail(wins, 40, rate)) == six(exact_tail(wins, 40, rate))


def test_a_month_of_a_thousand_trades_a_day_takes_far_less_than_50_milliseconds() -> None:
    best = 1.0
    for _ in range(5):
        begin = time.perf_counter()
        assert plain(binomial_tail(16_400, 30_000, Decimal("0.55"))) == "0.124117"
        best = min(best, time.perf_counter() - begin)
    assert best < 0.050


# --- the normal tail of a P&L -------------------------------------------------------------------


def of(pnls: list[Decimal], asked: Decimal) -> Decimal | None:
    with exact_arithmetic():
        total = sum(pnls, Decimal(0))
        squares = sum((pnl * pnl for pnl in pnls), Decimal(0))
    return pnl_tail(total, squares, len(pnls), asked)


@examples(200)
@given(st.lists(MONEY, min_size=30, max_size=80), st.decimals(-5000, 5000, places=2))
def test_the_tail_of_a_pnl_is_the_normal_probability_of_its_z(
    pnls: list[Decimal], asked: Decimal
) -> None:
    found = of(pnls, asked)
    values = [Fraction(pnl) for pnl in pnls]
    total, count = sum(values), len(values)
    variance = sum((value - total / count) ** 2 for value in values) / (count - 1)
    if not variance:
        assert found is None
        return
    z = float(total - Fraction(asked)) / float(variance * count) ** 0.5
    assert found is not None
    assert abs(float(found) - NormalDist().cdf(z)) < 0.5e-6 + 1e-12
    counted = {
        "total_trades": count,
        "realized_pnl": str(total),
        "squared_pnl_sum": str(sum(value * value for value in values)),
    }
    assert recount.p_value("realized_pnl", Fraction(asked), counted) == plain(found)


def alternating(count: int, size: str = "10") -> list[Decimal]:
    return [Decimal(size) * (-1) ** number for number in range(count)]


@pytest.mark.parametrize(
    ("pnls", "asked", "expected"),
    [
        pytest.param([], "0", None, id="no trades"),
        pytest.param(alternating(29), "0", None, id="29 trades"),
        pytest.param(alternating(30), "0", "0.5", id="30 trades, just what is asked"),
        pytest.param([Decimal(5)] * 30, "1000", None, id="all alike"),
        pytest.param([Decimal(0)] * 30, "1000", None, id="all breakeven"),
        pytest.param(alternating(30), "1e6", "0", id="hopeless"),
        pytest.param(alternating(30), "-1e6", "1", id="far beyond"),
        # s^2 = 3000/29, so s sqrt(n) = 300/sqrt(29): z = -1.
        pytest.param(alternating(30), "55.70860145311556", "0.158655", id="one deviation below"),
    ],
)
def test_tails_of_a_pnl_known_by_other_ways(
    pnls: list[Decimal], asked: str, expected: str | None
) -> None:
    found = of(pnls, Decimal(asked))
    assert (None if found is None else plain(found)) == expected


@pytest.mark.parametrize("exponent", [-60, 0, 290])
def test_the_unit_of_money_makes_no_difference(exponent: int) -> None:
    pnls = [Decimal(number % 7 - 3).scaleb(exponent) for number in range(40)]
    assert of(pnls, Decimal(9).scaleb(exponent)) == of(
        [Decimal(number % 7 - 3) for number in range(40)], Decimal(9)
    )


# --- the interval of a win rate -----------------------------------------------------------------


def normal(z: Decimal) -> Decimal:
    """By the series that alternates, with digits to spare."""
    term, total, step = z, z, 0
    while abs(term) > Decimal("1e-90"):
        step += 1
        term = -term * z * z / (2 * step)
        total += term / (2 * step + 1)
    twice_pi = Decimal("6.28318530717958647692528676655900576839433879875021164194988918461563")
    return Decimal("0.5") + total / twice_pi.sqrt()


def test_the_quantile_is_where_the_normal_distribution_reaches_975_in_a_thousand() -> None:
    with decimal.localcontext(decimal.Context(prec=100)):
        for shift, side in ((Decimal("-1e-48"), -1), (Decimal("1e-48"), 1)):
            assert (normal(module._Z + shift) - Decimal("0.975")) * side > 0


@examples(300)
@given(st.integers(1, 40_000), st.data())
def test_the_interval_equals_the_formula_in_a_hundred_digits(
    trades: int, data: st.DataObject
) -> None:
    wins = data.draw(st.integers(0, trades) | st.sampled_from((0, trades)))
    with decimal.localcontext(decimal.Context(prec=100)):
        z, n = Decimal("1.95996398454005423552459443052055152795555007786954"), Decimal(trades)
        rate = wins / n
        center = rate + z * z / (2 * n)
        margin = z * (rate * (1 - rate) / n + z * z / (4 * n * n)).sqrt()
        ends = [(center - margin) / (1 + z * z / n), (center + margin) / (1 + z * z / n)]
    low, high = wilson_interval(wins, trades)
    assert low is not None
    assert high is not None
    assert [Fraction(low), Fraction(high)] == [six(Fraction(end)) for end in ends]
    assert 0 <= low <= six(Fraction(wins, trades)) <= high <= 1
    assert recount.win_rate_interval(wins, trades) == (plain(low), plain(high))


@pytest.mark.parametrize(
    ("wins", "trades", "expected"),
    [
        (0, 0, (None, None)),
        (0, 1, ("0", "0.793451")),
        (1, 1, ("0.206549", "1")),
        (0, 10, ("0", "0.277533")),
        (5, 10, ("0.236593", "0.763407")),
        (10, 10, ("0.722467", "1")),
        (11, 20, ("0.342085", "0.741802")),
    ],
)
def test_intervals_as_tables_have_them(
    wins: int, trades: int, expected: tuple[str | None, str | None]
) -> None:
    low, high = (None if end is None else plain(end) for end in wilson_interval(wins, trades))
    assert (low, high) == expected
    assert recount.win_rate_interval(wins, trades) == expected


# --- sums of squares ----------------------------------------------------------------------------


def trade(pnl: Decimal) -> Trade:
    """A closed trade of which only the P&L matters."""
    zero = Decimal(0)
    return Trade(NOON, "win", pnl, zero, zero, None, None, "AAPL", "", "LIVE", "", "")


@given(st.lists(st.lists(MONEY, max_size=8), max_size=8))
def test_sums_of_squares_merge_however_the_trades_are_cut_into_days(
    days: list[list[Decimal]],
) -> None:
    with exact_arithmetic():
        joined = TradeStats.joined([TradeStats.of(map(trade, day)) for day in days])
        whole = TradeStats.of(trade(pnl) for day in days for pnl in day)
    assert joined.squared_pnl_sum == whole.squared_pnl_sum
    exact = sum(Fraction(pnl) ** 2 for day in days for pnl in day)
    assert Fraction(joined.squared_pnl_sum) == exact
