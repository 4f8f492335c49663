"""What is in force in one window: the flat keys, what a window overrides, and what null does."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.targets import FLAT, lines, target_files, targets


def test_what_a_day_may_lose_at_most_is_no_critical_line_of_a_week() -> None:
    text = """\
        max_drawdown_target: -1500
        alerts:
          critical: {max_drawdown_target: -3000}
          windows: {weekly: {max_drawdown_target: -4000}}
        """
    assert lines(text, Window.DAILY)["max_drawdown"] == (Decimal(-1500), Decimal(-3000))
    assert lines(text, Window.WEEKLY)["max_drawdown"] == (Decimal(-4000), None)


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_a_window_overrides_and_adds_for_itself_alone(window: Window) -> None:
    text = f"""\
        win_rate_target: 60
        alerts:
          critical: {{win_rate_target: 40}}
          windows:
            {window}:
              win_rate_target: 50
              avg_risk_reward_target: 2
              min_trades: 7
              critical: {{avg_risk_reward_target: 1}}
        """
    assert lines(text, window) == {
        "win_rate": (Decimal("0.5"), Decimal("0.4")),
        "avg_risk_reward_ratio": (Decimal(2), Decimal(1)),
    }
    for other in set(PARTITIONED_WINDOWS) - {window}:
        assert lines(text, other) == {"win_rate": (Decimal("0.6"), Decimal("0.4"))}
        assert {line.min_trades for line in targets(text).for_window(other)} == {1}
    assert {line.min_trades for line in targets(text).for_window(window)} == {7}


@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
def test_a_window_overrides_how_sure_a_miss_must_be_and_null_asks_nothing(window: Window) -> None:
    for own, expected in (("0.9", Decimal("0.9")), ("null", None)):
        text = f"""\
            win_rate_target: 60
            alerts: {{confidence: 0.95, windows: {{{window}: {{confidence: {own}}}}}}}
            """
        [line] = targets(text).for_window(window)
        assert line.confidence == expected
        for other in set(PARTITIONED_WINDOWS) - {window}:
            [line] = targets(text).for_window(other)
            assert line.confidence == Decimal("0.95")


def test_luck_is_asked_about_nowhere_but_where_it_can_be_answered() -> None:
    text = f"""{FLAT}alerts: {{confidence: 0.95}}"""
    for window in PARTITIONED_WINDOWS:
        asked = [line.metric for line in targets(text).for_window(window) if line.confidence]
        assert asked == [
            line.metric
            for line in targets(text).for_window(window)
            if line.metric in ("win_rate", "realized_pnl", "avg_daily_pnl")
        ]
    assert {line.confidence for line in targets(FLAT).for_window(Window.DAILY)} == {None}


BOTH = "win_rate_target: 60\nalerts:\n  min_trades: 5\n  critical: {win_rate_target: 40}\n"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("{win_rate_target: null}", []),
        ("{win_rate_target: ~}", []),
        ("{critical: {win_rate_target: null}}", [("0.6", None, 5)]),
        ("{critical: null}", [("0.6", None, 5)]),
        ("{critical: {}}", [("0.6", "0.4", 5)]),
        ("{min_trades: null}", [("0.6", "0.4", 1)]),
        # A section whose lines are all commented out turns nothing off.
        ("null", [("0.6", "0.4", 5)]),
        ("{}", [("0.6", "0.4", 5)]),
    ],
)
def test_null_turns_off_just_what_it_is_written_for(
    override: str, expected: list[tuple[str, str | None, int]]
) -> None:
    text = f"{BOTH}  windows: {{daily: {override}}}"
    assert [
        (plain(line.target), line.critical and plain(line.critical), line.min_trades)
        for line in targets(text).for_window(Window.DAILY)
    ] == expected
    assert lines(text, Window.WEEKLY) == {"win_rate": (Decimal("0.6"), Decimal("0.4"))}


def test_a_null_in_a_window_lifts_a_critical_line_that_would_be_on_the_wrong_side() -> None:
    daily = "{win_rate_target: 30, critical: {win_rate_target: null}}"
    text = f"{BOTH}  windows: {{daily: {daily}}}"
    assert lines(text, Window.DAILY) == {"win_rate": (Decimal("0.3"), None)}


def test_a_critical_line_without_a_target_judges_nothing() -> None:
    assert lines("alerts: {critical: {win_rate_target: 40}}", Window.DAILY) == {}


@examples(20)
@given(target_files(), st.sampled_from(PARTITIONED_WINDOWS))
def test_writing_the_flat_keys_under_a_window_says_the_same_there(
    files: tuple[str, str], window: Window
) -> None:
    flat = files[1].partition("alerts")[0].strip().replace("\n", ", ")
    within = f"alerts: {{windows: {{{window}: {{{flat}}}}}}}"
    drawdown = {"max_drawdown"} if window is not Window.DAILY else set()
    expected = {**lines(files[1], window)}
    found = lines(within, window)
    assert {metric: found[metric] for metric in found.keys() - drawdown} == expected
