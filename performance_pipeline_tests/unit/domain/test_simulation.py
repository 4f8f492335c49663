"""Chances over simulated lives, held against those that follow from arithmetic, and their parts."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.edge import EdgeMaps, pack
from performance_pipeline.domain.luck import binomial_tail
from performance_pipeline.domain.numbers import divide
from performance_pipeline.domain.simulation.bot import (
    Bot,
    DrawnTrade,
    UnusableBotError,
    made_up_bot,
    own_bot,
)
from performance_pipeline.domain.simulation.chances import (
    Counted,
    count_chances,
    lives_worth_a_wait,
)
from performance_pipeline.domain.simulation.limits import (
    fewest_wins,
    lowest_published_as,
    most_wins,
)
from performance_pipeline.domain.simulation.lives import DATES
from performance_pipeline.domain.simulation.paths import edge_statistics
from performance_pipeline.domain.windows import Window
from performance_pipeline_tests.support.simulation import EVERYTHING, TRADES
from performance_pipeline_tests.support.targets import FLAT, targets

# --- chances that can be computed by hand ------------------------------------------------------


def coin(win_rate: str, scale: Decimal = Decimal(1)) -> Bot:
    """A bot that closes a trade each day, or some, and wins or loses 1."""
    trades = (DrawnTrade("win", Decimal(1), None), DrawnTrade("loss", Decimal(-1), None))
    return Bot(trades, ((1,),) * 7, Decimal(win_rate), scale)


def chances(text: str, bot: Bot, fallen: str, lives: int = 2000, seed: int = 11) -> Counted:
    return count_chances(
        targets(text), bot, Decimal(fallen), rolling_window=4, seed=seed, lives=lives
    )


def near(found: Decimal | None, expected: float, lives: int = 2000) -> bool:
    """Within five standard errors."""
    assert found is not None
    error = float((expected * (1 - expected) / lives) ** 0.5)
    return abs(float(found) - expected) <= 5 * error + 1e-9


def test_each_day_that_loses_alerts_so_the_first_alert_is_as_far_as_a_first_loss() -> None:
    found = chances("alerts: {windows: {daily: {daily_pl_target: 0}}}", coin("0.99"), "0.95")
    (row,) = found.targets
    unchanged = row.unchanged.chances
    assert near(unchanged.within_7_days, 1 - 0.99**7)
    assert near(unchanged.within_30_days, 1 - 0.99**30)
    assert near(unchanged.within_365_days, 1 - 0.99**365)
    assert abs(float(row.unchanged.alerts_a_year) - 3.65) < 5 * (3.65 / 2000) ** 0.5
    assert row.fallen.chances is not None
    assert near(row.fallen.chances.within_30_days, 1 - 0.95**30)
    # Of the geometric distribution: 1 - 0.95^13 is below a half, and 1 - 0.95^14 above.
    assert row.fallen.median_trades in (13, 14, 15)
    assert (found.unchanged, found.fallen) == (row.unchanged, row.fallen)


def test_what_can_never_be_missed_never_alerts() -> None:
    found = chances("daily_pl_target: -1", coin("0.5"), "0.4", lives=50)
    assert {row.window for row in found.targets} == {Window.DAILY, Window.WEEKLY, Window.MONTHLY}
    for row in found.targets:
        assert row.unchanged.alerts_a_year == 0
        assert row.fallen.median_trades is None
    assert found.unchanged.chances.within_365_days == 0


def test_a_stream_that_is_always_missed_is_in_force_already_and_raised_no_more() -> None:
    text = "alerts: {windows: {rolling: {win_rate_target: 100}}}"
    (row,) = chances(text, coin("0.01"), "0.005", lives=100).targets
    assert row.unchanged.alerts_a_year < Decimal("0.1")
    assert row.fallen.chances is None
    assert row.fallen.median_trades is None


def test_all_windows_together_are_told_no_later_than_any_of_them() -> None:
    found = chances(EVERYTHING, coin("0.6"), "0.4", lives=200)
    warned = [row for row in found.targets if row.severity == "WARN"]
    assert found.unchanged.alerts_a_year == sum(row.unchanged.alerts_a_year for row in warned)
    assert found.unchanged.chances.within_7_days >= max(
        row.unchanged.chances.within_7_days for row in warned
    )


def test_a_critical_alert_is_one_of_those_that_warn() -> None:
    by_key = {
        (row.window, row.metric, row.strategy, row.severity): row.unchanged.alerts_a_year
        for row in chances(EVERYTHING, Bot(TRADES, ((3,),) * 7, Decimal("0.5")), "0.4", 100).targets
    }
    for window, metric, strategy, severity in by_key:
        if severity == "CRITICAL" and window is not Window.ROLLING:
            of_one = window, metric, strategy
            assert by_key[(*of_one, "CRITICAL")] <= by_key[(*of_one, "WARN")]


def test_one_seed_is_one_result_and_another_is_another() -> None:
    asked = ("daily_pl_target: 1", coin("0.5"), "0.4", 20)
    assert chances(*asked) == chances(*asked)
    assert chances(*asked, seed=12) != chances(*asked)


def test_a_bot_that_trades_often_lives_fewer_lives() -> None:
    assert lives_worth_a_wait(coin("0.5")) == 2000
    assert lives_worth_a_wait(coin("0.5", scale=Decimal(100))) == 412
    assert lives_worth_a_wait(coin("0.5", scale=Decimal(10_000))) == 200


# --- what judging rests on ----------------------------------------------------------------------


@given(st.integers(1, 400), st.integers(1, 9999), st.integers(1, 4999))
def test_limits_of_wins_are_those_of_verdicts(trades: int, rate: int, luck: int) -> None:
    target, tail = Decimal(rate).scaleb(-4), Decimal(luck).scaleb(-4)
    fewest, most = fewest_wins(trades, target), most_wins(trades, target, tail)
    assert divide(Decimal(fewest), trades) >= target
    assert fewest == 0 or divide(Decimal(fewest - 1), trades) < target
    assert most == -1 or binomial_tail(most, trades, target) <= tail
    assert binomial_tail(most + 1, trades, target) > tail


@pytest.mark.parametrize("rate", ["0.05", "0.6", "0.97"])
def test_the_statistic_of_the_edge_is_that_of_the_service_over_several_streams(rate: str) -> None:
    dice = np.random.default_rng(5)
    outcomes = dice.random(2000)
    won, lost = outcomes < float(rate), outcomes > float(rate) + 0.02
    starts = [0, 3, 700, 1990]
    found = edge_statistics(won, lost, np.array(starts), Decimal(rate))
    for first, last in pairwise([*starts, 2000]):
        for end in {first + 1, (first + last) // 2, last}:
            decided = [bool(won[at]) for at in range(first, end) if won[at] or lost[at]]
            exact = EdgeMaps.of(pack(decided), Decimal(rate)).statistic
            assert found[end - 1] == pytest.approx(float(exact), rel=1e-5)


def test_a_statistic_that_is_published_as_the_alarm_is_one() -> None:
    assert lowest_published_as(Decimal(2000)) == 1999.995
    assert lowest_published_as(Decimal(1000)) == 999.9995
    assert lowest_published_as(Decimal(1234567)) == 1234565


def test_the_edge_is_told_by_luck_no_sooner_than_promised_and_a_fall_within_80_trades() -> None:
    lives, trades, alarm_at = 400, 1000, 2000
    rates = np.where(np.arange(2 * trades) < trades, 0.6, 0.45)
    won = np.random.default_rng(3).random((lives, 2 * trades)) < rates
    starts = np.arange(0, won.size, 2 * trades)
    statistic = edge_statistics(won.ravel(), ~won.ravel(), starts, Decimal("0.6"))
    alarm = statistic.reshape(won.shape) >= alarm_at
    before, after = alarm[:, :trades], alarm[:, trades:]
    assert 0.2 < before.any(axis=1).mean() <= trades / alarm_at
    quiet = after[~before[:, -1]]
    assert np.median(np.where(quiet.any(axis=1), quiet.argmax(axis=1) + 1, trades)) <= 80


# --- bots ---------------------------------------------------------------------------------------


def test_a_made_up_bot_is_on_average_as_good_as_its_targets_ask() -> None:
    asked = targets(FLAT)
    bot = made_up_bot(asked, Decimal("0.6"), Decimal(20))
    losses = [trade.pnl for trade in bot.trades if trade.outcome == "loss"]
    planned = [trade.planned_ratio or 0 for trade in bot.trades]
    assert bot.pnl_of_a_trade(Decimal("0.6")) == pytest.approx(Decimal(5), abs=Decimal("0.0001"))
    assert sum(losses) / len(losses) == pytest.approx(Decimal(-75), abs=Decimal("0.0001"))
    assert sum(planned) / len(planned) == Decimal("1.5")
    assert bot.trades_per_day == pytest.approx(Decimal(20), abs=Decimal("0.05"))
    assert bot.trades_a_week == pytest.approx(100, abs=0.25)


@pytest.mark.parametrize(
    ("text", "loss"),
    [("", -100), ("daily_pl_target: 30", -30), ("max_drawdown_target: -400", -100)],
)
def test_a_made_up_bot_has_losses_also_where_no_target_says_how_large(text: str, loss: int) -> None:
    bot = made_up_bot(targets(text), Decimal("0.5"), Decimal(4))
    losses = [trade.pnl for trade in bot.trades if trade.outcome == "loss"]
    assert sum(losses) / len(losses) == pytest.approx(Decimal(loss), abs=Decimal("0.0001"))


def test_no_bot_is_made_up_that_would_have_to_lose_with_its_wins() -> None:
    asked = targets("daily_pl_target: -1000\nmax_drawdown_target: -100")
    with pytest.raises(UnusableBotError, match="no bot can be made up"):
        made_up_bot(asked, Decimal("0.5"), Decimal(4))


def test_the_own_bot_closes_as_many_trades_as_its_weekdays_did_scaled_to_what_is_asked() -> None:
    win, loss = TRADES[0], TRADES[3]
    monday = DATES[0]
    days = {
        monday: [win, loss],
        monday + timedelta(days=1): [],
        monday + timedelta(days=7): [win, win, loss, loss],
    }
    bot = own_bot(days)
    assert bot.day_counts == ((2, 4), (0,), (0,), (0,), (0,), (0,), (0,))
    assert bot.own_win_rate == bot.win_rate == Decimal("0.5")
    assert bot.trades_per_day == 3
    scaled = own_bot(days, Decimal("0.7"), Decimal(6))
    assert scaled.win_rate == Decimal("0.7")
    assert [scaled.scale, scaled.trades_per_day] == [2, 6]


@pytest.mark.parametrize("only", ["win", "loss"])
def test_a_bot_needs_wins_and_others(only: str) -> None:
    trades = [trade for trade in TRADES if trade.outcome == only]
    with pytest.raises(UnusableBotError, match="hold no"):
        own_bot({DATES[0]: trades})
