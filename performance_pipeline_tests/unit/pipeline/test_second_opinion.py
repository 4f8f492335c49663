"""freqtrade's own figures beside ours: where they agree, and each reason why they may not."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.second_opinion import Figure, SecondOpinion, SecondOpinions
from performance_pipeline.pipeline.second_opinion import second_opinion
from performance_pipeline.sources.freqtrade_rules import (
    BREAKEVENS,
    BY_RATIO,
    FIRST_PEAK,
    LIST_ORDER,
    PER_RISK,
    UNDEFINED,
    WEEKS,
)
from performance_pipeline.sources.records import Source
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.freqtrade_backtest import (
    CALENDAR_WEEKS,
    START,
    Backtested,
    result,
    strategy_result,
    write_result,
)
from performance_pipeline_tests.support.freqtrade_database import START as OPENED
from performance_pipeline_tests.support.freqtrade_database import BotDatabase, BotTrade
from performance_pipeline_tests.support.imports import NOW

HOUR: Final = timedelta(hours=1)
D = Decimal


def opinion_on(path: Path) -> SecondOpinions:
    return second_opinion(Source(path), NOW)


def opinion(folder: Path, strategy: dict[str, Any]) -> SecondOpinion:
    """Of a backtest of one strategy."""
    path = write_result(folder / "result.json", result(SampleStrategy=strategy))
    (found,) = opinion_on(path).opinions
    return found


def overall(found: SecondOpinion) -> dict[str, Figure]:
    return {figure.name: figure for figure in found.figures if figure.group == "overall"}


def said(figure: Figure) -> tuple[Decimal | None, Decimal | None, str, str]:
    return figure.stated, figure.ours, figure.status, figure.reason


def hourly(*profits: float) -> list[Backtested]:
    return [Backtested(profit, START + number * HOUR) for number, profit in enumerate(profits)]


def test_a_result_without_oddities_is_agreed_with_figure_by_figure(tmp_path: Path) -> None:
    trades = hourly(10.5, -4.25, 3.125, 7.0, -1.5)
    found = opinion(tmp_path, strategy_result(trades, weeks=CALENDAR_WEEKS))
    assert Counter(figure.status for figure in found.figures)["different"] == 0
    assert {name: (figure.ours, figure.status) for name, figure in overall(found).items()} == {
        "total_trades": (D(5), "equal"),
        "wins": (D(3), "equal"),
        "draws": (D(0), "equal"),
        "losses": (D(2), "equal"),
        "winrate": (D("0.6"), "equal"),
        "profit_total_abs": (D("14.875"), "equal"),
        "profit_factor": (D("3.586957"), "rounded"),
        "expectancy": (D("2.975"), "rounded"),
        "max_drawdown_abs": (D("4.25"), "equal"),
        "max_consecutive_wins": (D(2), "equal"),
        "max_consecutive_losses": (D(1), "equal"),
    }
    assert {
        (figure.group, figure.key) for figure in found.figures if figure.group != "overall"
    } == {
        ("pair", "ETH/USDT"),
        ("pair", "TOTAL"),
        ("day", "2024-02-26"),
        ("day", "26/02/2024"),
        ("week", "03/03/2024"),
        ("month", "29/02/2024"),
        ("year", "31/12/2024"),
        ("weekday", "Monday"),
    }
    assert found.summary.realized_pnl == D("14.875")


def test_what_doubles_lose_is_agreement_and_says_to_how_many_decimals(tmp_path: Path) -> None:
    found = overall(opinion(tmp_path, strategy_result(hourly(0.1, 0.2))))
    figure = found["profit_total_abs"]
    assert said(figure) == (D("0.30000000000000004"), D("0.3"), "rounded", "")
    assert figure.decimals == 16


# --- the reasons ------------------------------------------------------------------------------


def test_breakevens_in_a_losing_streak_are_named(tmp_path: Path) -> None:
    found = overall(opinion(tmp_path, strategy_result(hourly(5, -1, 0, -1, 0, 5, -1))))
    assert said(found["max_consecutive_losses"]) == (D(4), D(1), "explained", BREAKEVENS)
    assert found["max_consecutive_wins"].status == "equal"
    assert found["losses"].status == "equal"


def test_weeks_from_tuesday_to_monday_are_named(tmp_path: Path) -> None:
    trades = [Backtested(float(2**number), START + number * 24 * HOUR) for number in range(9)]
    weeks = [
        figure
        for figure in opinion(tmp_path, strategy_result(trades)).figures
        if figure.group == "week" and figure.name == "profit_abs"
    ]
    assert [(figure.key, *said(figure)) for figure in weeks] == [
        ("26/02/2024", D(1), D(0), "explained", WEEKS),
        ("04/03/2024", D(254), D(127), "explained", WEEKS),
        ("11/03/2024", D(256), D(384), "explained", WEEKS),
    ]


def test_the_order_of_equal_close_times_is_named_with_what_it_may_come_to(tmp_path: Path) -> None:
    trades = [Backtested(profit) for profit in (50.0, -30.0, -40.0)]
    losses_first = strategy_result(trades, sort=lambda found: [*reversed(found)])
    assert said(overall(opinion(tmp_path, losses_first))["max_drawdown_abs"]) == (
        D(70),
        D(70),
        "equal",
        "",
    )
    mixed = strategy_result(trades, sort=lambda found: [found[1], found[0], found[2]])
    assert said(overall(opinion(tmp_path, mixed))["max_drawdown_abs"]) == (
        D(40),
        D(70),
        "explained",
        "3 trades close at the same instant as another: by their order it is anything from"
        " 20 to 70",
    )


def test_a_drawdown_that_no_order_leads_to_is_not_explained(tmp_path: Path) -> None:
    trades = [Backtested(profit) for profit in (50.0, -30.0, -40.0)]
    wrong = strategy_result(trades) | {"max_drawdown_abs": 70.5}
    assert overall(opinion(tmp_path, wrong))["max_drawdown_abs"].status == "different"


def test_a_peak_that_begins_at_the_first_trade_is_named(tmp_path: Path) -> None:
    older = strategy_result(hourly(-50.0, 10.0, -20.0), peak_from_zero=False)
    assert said(overall(opinion(tmp_path, older))["max_drawdown_abs"]) == (
        D(20),
        D(60),
        "explained",
        FIRST_PEAK,
    )


def test_wins_told_by_a_rounded_ratio_are_named(tmp_path: Path) -> None:
    trades = [*hourly(5.0, 1e-07, -5.0), Backtested(-1e-07, START + 9 * HOUR)]
    found = overall(opinion(tmp_path, strategy_result(trades)))
    assert [said(found[name]) for name in ("wins", "draws", "losses")] == [
        (D(1), D(2), "explained", BY_RATIO),
        (D(2), D(0), "explained", BY_RATIO),
        (D(1), D(2), "explained", BY_RATIO),
    ]
    assert said(found["winrate"]) == (D("0.25"), D("0.5"), "explained", BY_RATIO)


def test_streaks_in_the_order_of_the_list_are_named(tmp_path: Path) -> None:
    trades = [Backtested(1.0), Backtested(-1.0, START + 2 * HOUR), Backtested(1.0, START + HOUR)]
    found = overall(opinion(tmp_path, strategy_result(trades)))
    assert said(found["max_consecutive_wins"]) == (D(1), D(2), "explained", LIST_ORDER)


def test_a_zero_where_nothing_can_be_divided_is_named(tmp_path: Path) -> None:
    found = overall(opinion(tmp_path, strategy_result(hourly(1.0, 2.0))))
    assert said(found["profit_factor"]) == (D("0.0"), None, "explained", UNDEFINED)


@pytest.mark.parametrize(
    ("profits", "stated"), [((3.0, -2.0, 2.0), "0.5"), ((3.0,), "1"), ((-3.0,), "0")]
)
def test_an_expectancy_per_unit_of_risk_is_named(
    tmp_path: Path, profits: tuple[float, ...], stated: str
) -> None:
    found = overall(opinion(tmp_path, strategy_result(hourly(*profits), per_risk=True)))
    figure = found["expectancy"]
    assert figure.stated is not None
    assert round(figure.stated, 6) == D(stated)
    assert (figure.status, figure.reason) == ("explained", PER_RISK)


# --- what is no reason ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("total_trades", 6),
        ("wins", 2),
        ("winrate", 0.61),
        ("profit_total_abs", 14.8750001),
        ("profit_factor", 3.5870),
        ("expectancy", 2.976),
        ("max_drawdown_abs", 4.0),
        ("max_consecutive_wins", 3),
        ("max_consecutive_losses", 2),
        ("profit_total_abs", None),
        ("profit_total_abs", float("nan")),
    ],
)
def test_a_wrong_figure_is_told_without_a_reason(
    tmp_path: Path, name: str, wrong: float | None
) -> None:
    trades = hourly(10.5, -4.25, 3.125, 7.0, -1.5)
    strategy = strategy_result(trades, weeks=CALENDAR_WEEKS) | {name: wrong}
    found = opinion(tmp_path, strategy)
    assert [figure.name for figure in found.figures if figure.status == "different"] == [name]


@pytest.mark.parametrize("group", ["day", "week", "month", "year", "weekday"])
def test_a_wrong_period_is_told_without_a_reason(tmp_path: Path, group: str) -> None:
    strategy = strategy_result(hourly(10.5, -4.25))
    strategy["periodic_breakdown"][group][0]["profit_abs"] += 0.001
    found = opinion(tmp_path, strategy)
    assert [(figure.group, figure.name) for figure in found.figures if figure.status == "different"]
    assert {figure.group for figure in found.figures if figure.status == "different"} == {group}


def test_a_day_that_is_missing_is_told(tmp_path: Path) -> None:
    strategy = strategy_result(hourly(10.5, -4.25))
    strategy["daily_profit"] = [["2024-02-25", 0.0]]
    found = opinion(tmp_path, strategy)
    days = [said(figure) for figure in found.figures if figure.name == "daily_profit"]
    assert days == [(D("0.0"), D(0), "equal", ""), (None, D("6.25"), "different", "")]


def test_a_trade_that_cannot_be_read_is_told_and_leaves_its_figures_different(
    tmp_path: Path,
) -> None:
    strategy = strategy_result(hourly(1.0, 2.0))
    strategy["trades"][1]["profit_abs"] = "much"
    found = opinion(tmp_path, strategy)
    assert found.notes == ["cannot be read: SampleStrategy, trade 2: profit_abs: not a number"]
    assert overall(found)["total_trades"].status == "different"


# --- whole results ----------------------------------------------------------------------------


@examples(40)
@given(
    trades=st.lists(
        st.builds(
            Backtested,
            st.sampled_from([0.0, 1e-07, -1e-07]) | st.floats(-500, 500).map(lambda x: round(x, 8)),
            st.integers(0, 400).map(lambda hours: START + hours * HOUR),
            st.sampled_from(["ETH/USDT", "BTC/USDT"]),
        ),
        max_size=40,
    ),
    seed=st.integers(0, 9),
    options=st.fixed_dictionaries(
        {
            "peak_from_zero": st.booleans(),
            "per_risk": st.booleans(),
            "weeks": st.sampled_from(["1W-MON", "1W"]),
        }
    ),
)
def test_every_figure_of_freqtrades_is_agreed_with_or_explained(
    tmp_path_factory: pytest.TempPathFactory,
    trades: list[Backtested],
    seed: int,
    options: dict[str, Any],
) -> None:
    def any_order(found: list[Backtested]) -> list[Backtested]:
        random.Random(seed).shuffle(found)
        return sorted(found, key=lambda trade: trade.closed)

    found = opinion(
        tmp_path_factory.mktemp("result"), strategy_result(trades, sort=any_order, **options)
    )
    assert [figure for figure in found.figures if figure.status == "different"] == []


def test_a_result_of_several_strategies_has_an_opinion_on_each(tmp_path: Path) -> None:
    strategies = {"One": strategy_result(hourly(1.0)), "Other": strategy_result(hourly(-2.0, 0.5))}
    found = opinion_on(write_result(tmp_path / "result.zip", result(**strategies)))
    assert (found.source, found.kind) == ("result.zip", "the result of a backtest")
    assert [(one.title, one.summary.total_trades) for one in found.opinions] == [
        ("One", 1),
        ("Other", 2),
    ]
    assert found.agreed + found.explained == sum(len(one.figures) for one in found.opinions)
    assert found.different == 0


def test_a_result_without_trades_has_figures_too(tmp_path: Path) -> None:
    found = opinion(tmp_path, strategy_result([]))
    assert found.summary.total_trades == 0
    assert overall(found)["total_trades"].status == "equal"
    assert overall(found)["winrate"].reason == UNDEFINED


# --- databases --------------------------------------------------------------------------------


def of_database(folder: Path, *trades: BotTrade, **options: Any) -> SecondOpinion:
    database = BotDatabase(folder / "tradesv3.sqlite")
    database.write(*trades, **options)
    (found,) = opinion_on(database.path).opinions
    return found


@pytest.mark.parametrize("is_short", [False, True])
@pytest.mark.parametrize("fee", [0.001, 0.0, -0.00025])
def test_the_profit_of_a_trade_is_what_its_rates_and_fees_say(
    tmp_path: Path, is_short: bool, fee: float
) -> None:
    found = of_database(
        tmp_path,
        BotTrade(1, amount=0.123456789, fee=fee, is_short=is_short),
        BotTrade(2, closed=None),
    )
    (figure,) = found.figures
    assert (figure.group, figure.key, figure.name) == ("trade", "1", "close_profit_abs")
    assert figure.status in ("equal", "rounded")
    assert (found.summary.total_trades, found.summary.open_trades) == (1, 1)


def test_a_profit_that_its_trade_does_not_bear_out_is_told(tmp_path: Path) -> None:
    wrong = BotTrade(1).profit
    assert wrong is not None
    (figure,) = of_database(
        tmp_path, BotTrade(1, fields={"close_profit_abs": wrong + 1e-07})
    ).figures
    assert figure.status == "different"


def test_funding_is_part_of_the_profit_of_a_future(tmp_path: Path) -> None:
    plain = BotTrade(1).profit
    assert plain is not None
    fields = {"trading_mode": "FUTURES", "funding_fees": -0.75, "close_profit_abs": plain - 0.75}
    (figure,) = of_database(tmp_path, BotTrade(1, fields=fields)).figures
    assert figure.status in ("equal", "rounded")


def test_a_trade_left_in_several_orders_is_counted_order_by_order(tmp_path: Path) -> None:
    trade = BotTrade(1, pair="XRP/USDT", amount=80.0, open_rate=0.5075, close_rate=0.49)
    orders = [
        trade.order("buy", 100.0, 0.51, OPENED),
        trade.order("sell", 40.0, 0.55, OPENED + HOUR),
        trade.order("buy", 20.0, 0.5, OPENED + 2 * HOUR),
        trade.order("sell", 80.0, 0.49, OPENED + 3 * HOUR),
    ]
    # 40 at 0.51 sold at 0.55, and 80 at 0.5075 at 0.49, each with 0.1 % of both sides off.
    trade.fields["close_profit_abs"] = 0.0778
    (figure,) = of_database(tmp_path, trade, orders=orders).figures
    assert said(figure) == (D("0.0778"), D("0.0778"), "equal", "")


def test_what_is_missing_to_count_a_profit_again_is_told(tmp_path: Path) -> None:
    fields = {"trading_mode": "MARGIN"}
    found = of_database(
        tmp_path,
        BotTrade(1, fields=fields),
        BotTrade(2, fields={"fee_open_currency": "BNB"}),
    )
    assert [figure.key for figure in found.figures] == ["2"]
    assert found.notes == [
        "1 fee in BNB: the commission there is unknown, the P&L net",
        "1 trade not counted again: of margin, whose interest is stated nowhere, or without a price"
        " or fee",
    ]


def test_the_days_of_the_report_are_utc_days(tmp_path: Path) -> None:
    late = datetime(2025, 11, 3, 23, 59, 59, 999999, tzinfo=UTC)
    found = of_database(tmp_path, BotTrade(1, closed=late))
    assert (found.summary.timezone, str(found.summary.start_date)) == ("UTC", "2025-11-03")
