"""What freqtrade states of a backtest, by its own rules, and how far those may lead from ours."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, permutations, product

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.sources.freqtrade_rules import drawdown_bounds
from performance_pipeline_tests.support.effort import examples

D = Decimal
money = st.integers(-9, 9).map(D)
groups = st.lists(st.lists(money, min_size=1, max_size=3), max_size=4)


def drawdown(pnls: Sequence[Decimal], *, from_first_trade: bool) -> Decimal:
    """The largest fall, as positive money."""
    total, worst = D(0), D(0)
    peak = pnls[0] if from_first_trade and pnls else D(0)
    for pnl in pnls:
        total += pnl
        peak = max(peak, total)
        worst = max(worst, peak - total)
    return worst


@examples(200)
@given(groups, st.booleans())
def test_in_whatever_order_trades_of_one_instant_come_the_drawdown_is_within_its_bounds(
    groups: list[list[Decimal]], from_first_trade: bool
) -> None:
    with exact_arithmetic():
        least, most = drawdown_bounds(groups, from_first_trade=from_first_trade)
    orders = product(*(permutations(group) for group in groups))
    found = [
        drawdown(list(chain.from_iterable(order)), from_first_trade=from_first_trade)
        for order in orders
    ]
    assert least <= min(found)
    assert max(found) <= most
    if not from_first_trade:
        assert max(found) == most


@given(st.lists(money, max_size=12), st.booleans())
def test_where_no_two_trades_close_at_one_instant_the_bounds_are_the_drawdown(
    pnls: list[Decimal], from_first_trade: bool
) -> None:
    with exact_arithmetic():
        bounds = drawdown_bounds([[pnl] for pnl in pnls], from_first_trade=from_first_trade)
    assert set(bounds) == {drawdown(pnls, from_first_trade=from_first_trade)}


def test_the_weeks_that_freqtrade_asks_pandas_for_run_from_tuesday_to_monday() -> None:
    days = pd.date_range("2024-02-26 23:59:59", periods=9, tz="UTC")  # from a Monday on
    weeks = pd.Series(range(9), index=days).resample("1W-MON")
    assert {f"{label:%Y-%m-%d}": list(week) for label, week in weeks} == {
        "2024-02-26": [0],
        "2024-03-04": [1, 2, 3, 4, 5, 6, 7],
        "2024-03-11": [8],
    }
