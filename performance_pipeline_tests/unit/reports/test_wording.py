"""One wording in every output: numbers rounded for the eye, and what a range is judged like."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.reports.number_format import (
    compared,
    duration,
    grouped,
    in_full,
    number,
    percent,
    price,
    size_on_disk,
)
from performance_pipeline.reports.wording import window_bounds
from performance_pipeline_tests.support.lines import (
    DAY,
    ONE_DAY,
    Place,
    line,
    loss,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.outputs import outputs

# Over four days of a week 99 wins of 200, a win rate of 0.495.
WINS: Final = (24, 25, 25, 25)


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    (tmp_path / "targets.yaml").write_text("win_rate_target: 60\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    for offset, wins in enumerate(WINS):
        day = DAY + offset * ONE_DAY
        here.write(day, *session(*["1"] * wins, *["-1"] * (50 - wins), day=day))
    return here


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0.00"),
        ("-0.00", "0.00"),
        ("10", "10.00"),
        ("1234.5", "1234.50"),
        ("-1234567.000000000000000001", "-1234567.00"),
        ("0.995", "1.00"),
        ("2.625", "2.62"),
        ("0.05", "0.05"),
        ("0.0512", "0.051"),
        ("0.001", "0.001"),
        ("-0.00012345", "-0.00012"),
        ("0.0999", "0.10"),
        ("1e-18", "0.000000000000000001"),
        ("1e21", "1000000000000000000000.00"),
    ],
)
def test_money_has_two_decimals_and_two_digits_when_it_is_tiny(value: str, text: str) -> None:
    assert number(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.567308", "56.7 %"),
        ("0.6", "60.0 %"),
        ("1", "100.0 %"),
        ("0", "0.0 %"),
        ("0.00012", "0.01 %"),
    ],
)
def test_a_rate_has_one_decimal_and_only_0_reads_as_none(value: str, text: str) -> None:
    assert percent(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("150.253333", "150.25"), ("1.085674", "1.0857"), ("0.000023", "0.000023"), ("0", "0.00")],
)
def test_a_price_below_10_has_five_digits(value: str, text: str) -> None:
    assert price(Decimal(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "0 s"),
        ("0.25", "0.25 s"),
        ("45.4", "45 s"),
        ("720", "12 min"),
        ("754", "12 min 34 s"),
        ("3599.6", "1 h"),
        ("14940", "4 h 9 min"),
        ("14969.9", "4 h 9 min"),
        ("86399", "1 d"),
        ("266400", "3 d 2 h"),
        ("-90", "-1 min 30 s"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: str, text: str) -> None:
    assert duration(Decimal(seconds)) == text


def test_what_is_undefined_is_neither_zero_nor_empty() -> None:
    assert number(None) == percent(None) == duration(None) == "n/a"
    assert compared("win_rate", None, Decimal("0.55")) == ("n/a", "55.0 %", "n/a")


@pytest.mark.parametrize(
    ("metric", "actual", "target", "texts"),
    [
        ("win_rate", "0.495", "0.6", ("49.5 %", "60.0 %", "-10.5 points")),
        ("win_rate", "0.5499", "0.55", ("54.99 %", "55.00 %", "-0.01 points")),
        ("win_rate", "0.549999", "0.55", ("54.9999 %", "55.0000 %", "-0.0001 points")),
        ("realized_pnl", "99.999", "100", ("99.999", "100.000", "-0.001")),
        ("max_drawdown", "-6000", "-6000", ("-6000.00", "-6000.00", "0.00")),
        ("avg_risk_reward_ratio", "1.78", "1.5", ("1.78", "1.50", "0.28")),
        ("total_trades", "7", "20", ("7", "20", "-13")),
        ("total_trades", "2", "2.5", ("2.00", "2.50", "-0.50")),
    ],
)
def test_a_verdict_shows_as_many_digits_as_tell_its_sides_apart(
    metric: str, actual: str, target: str, texts: tuple[str, str, str]
) -> None:
    assert compared(metric, Decimal(actual), Decimal(target)) == texts


amounts = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=9)


@given(amounts)
def test_only_zero_reads_as_zero_and_rounding_is_to_the_nearest(value: Decimal) -> None:
    shown = Decimal(number(value))
    assert (shown == 0) == (value == 0)
    assert abs(shown - value) <= Decimal("0.005")


@given(st.sampled_from(("win_rate", "realized_pnl", "total_trades")), amounts, amounts)
def test_two_values_read_the_same_only_when_they_are(
    metric: str, actual: Decimal, target: Decimal
) -> None:
    texts = compared(metric, actual, target)
    assert (texts.actual == texts.target) == (actual == target)


@pytest.mark.parametrize(
    ("text", "with_commas"),
    [
        ("-1234567.50", "-1,234,567.50"),
        ("0.000123", "0.000123"),
        ("-0.25", "-0.25"),
        ("1000.0 %", "1,000.0 %"),
        ("n/a", "n/a"),
    ],
)
def test_commas_stand_between_thousands_before_the_point(text: str, with_commas: str) -> None:
    assert grouped(text) == with_commas


def test_money_and_hold_read_the_same_in_every_output(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, win("812.3456", hold_duration_seconds=14940), loss("-0.0004"))
    for name, text in outputs(here, Period.of(Window.DAILY, DAY)).items():
        assert "812.35" in text, name
        assert "-0.0004" in text, name
        assert "812.3456" not in text, name
        assert ("4 h 9 min" in text) == (name != "report"), name


def test_a_win_rate_of_0_495_is_49_5_percent_everywhere(logs: Place) -> None:
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert "49.5 %" in text, name
        assert "-10.5 points" in text, name
        assert re.search(r"\d%|0\.495|0\.105|\b0\.6\b", text) is None, name


def test_a_miss_that_may_be_luck_says_so_in_every_output(logs: Place) -> None:
    logs.settings.targets_file.write_text("win_rate_target: 52\nalerts: {confidence: 0.95}\n")
    summary = logs.summary(Window.WEEKLY)
    assert summary.alert_status == "OK"
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert "unsure: could be luck, p 26.2 %" in text, name
        assert "42.6 %" in text, name  # the interval of the win rate
        assert "56.4 %" in text, name


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (1, "Judged like a day (1 day)."),
        (2, "Judged like a day (2 days)."),
        (3, "Judged like a week (3 days)."),
        (10, "Judged like a week (10 days)."),
        (11, "Judged like a month (11 days)."),
        (90, "Judged like a month (90 days)."),
    ],
)
def test_a_range_says_what_it_is_judged_like(logs: Place, days: int, sentence: str) -> None:
    period = Period.spanning(DAY, DAY + (days - 1) * ONE_DAY)
    for name, text in outputs(logs, period).items():
        assert text.count(sentence) == text.count("Judged like") == 1, name


def test_a_window_ends_and_begins_at_minutes_and_not_at_microseconds(logs: Place) -> None:
    weekly = window_bounds(logs.summary(Window.WEEKLY))
    assert weekly == "2025-06-09 00:00 to 2025-06-16 00:00 (UTC)"
    empty = logs.summary(Window.ROLLING, DAY - ONE_DAY)
    assert window_bounds(empty) == "n/a to 2025-06-10 00:00 (UTC)"
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert "+00:00" not in text, name


def test_data_that_is_complete_but_warned_of_says_so_in_every_output(logs: Place) -> None:
    said = "complete, 1 warning"
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert "complete" in text, name
        assert said not in text, name
    logs.write(DAY + 4 * ONE_DAY, line(outcome="open", timestamp=f"{DAY + 4 * ONE_DAY}T12:00:00Z"))
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert said in text, name


def test_a_size_is_said_in_the_unit_that_leaves_something_of_it() -> None:
    sizes = (1, 43_210, 999_499, 1_211_471)
    assert [size_on_disk(size) for size in sizes] == ["1 kB", "43 kB", "999 kB", "1.2 MB"]


def test_a_setting_shows_every_digit_and_a_rate_in_percent() -> None:
    assert in_full("win_rate", Decimal("0.55505")) == "55.505 %"
    assert in_full("max_drawdown", Decimal("-1500.125")) == "-1500.125"


@pytest.mark.parametrize("window", [Window.DAILY, Window.WEEKLY, Window.MONTHLY])
def test_no_other_window_says_what_it_is_judged_like(logs: Place, window: Window) -> None:
    for name, text in outputs(logs, Period.of(window, DAY)).items():
        assert "Judged like" not in text, name


def test_a_range_that_was_not_judged_does_not_say_by_what(logs: Place) -> None:
    for name, text in outputs(
        logs.under(TARGETS_FILE="nowhere"), Period.spanning(DAY, DAY)
    ).items():
        assert "Judged like" not in text, name
