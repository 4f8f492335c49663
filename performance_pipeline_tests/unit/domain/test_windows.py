"""Which days a window holds and when it starts and ends, through clock changes and year ends."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from performance_pipeline.domain.windows import (
    MICROSECOND,
    PARTITIONED_WINDOWS,
    ROLLING_LOOKBACK_DAYS,
    Period,
    Window,
    days_between,
    end_of_day,
    log_days_of,
    start_of_day,
    trading_day,
    trading_days_of,
)
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import ONE_DAY, place, session, win

NEW_YORK = "America/New_York"
TOKYO = "Asia/Tokyo"
SANTIAGO = "America/Santiago"
HOUR = timedelta(hours=1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# --- trading days -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        (NEW_YORK, "2025-06-10T03:59:59.999999Z", "2025-06-09"),
        (NEW_YORK, "2025-06-10T04:00:00Z", "2025-06-10"),
        (NEW_YORK, "2025-01-10T04:59:59.999999Z", "2025-01-09"),
        (NEW_YORK, "2025-01-10T05:00:00Z", "2025-01-10"),
        (NEW_YORK, "2025-02-01T01:00:00Z", "2025-01-31"),
        (TOKYO, "2025-06-10T14:59:59.999999Z", "2025-06-10"),
        (TOKYO, "2025-06-10T15:00:00Z", "2025-06-11"),
        (TOKYO, "2025-12-31T15:00:00Z", "2026-01-01"),
        ("UTC", "2025-06-10T23:59:59.999999Z", "2025-06-10"),
        ("UTC", "2025-06-11T00:00:00Z", "2025-06-11"),
        ("UTC", "2025-06-10T22:00:00-05:00", "2025-06-11"),
        (SANTIAGO, "2025-09-07T03:59:59.999999Z", "2025-09-06"),
        (SANTIAGO, "2025-09-07T04:00:00Z", "2025-09-07"),
        ("Pacific/Kiritimati", "2025-06-10T10:00:00Z", "2025-06-11"),
        ("Etc/GMT+12", "2025-06-10T11:59:59Z", "2025-06-09"),
        ("Asia/Kathmandu", "2025-06-10T18:15:00Z", "2025-06-11"),
    ],
)
def test_a_trading_day_is_the_calendar_day_of_the_instant_in_the_zone(
    zone: str, moment: str, expected: str
) -> None:
    day = trading_day(instant(moment), ZoneInfo(zone))
    assert day == date.fromisoformat(expected)
    assert start_of_day(day, ZoneInfo(zone)) <= instant(moment) < end_of_day(day, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "day", "starts", "hours"),
    [
        pytest.param("UTC", "2025-03-09", "2025-03-09T00:00Z", 24, id="no clock changes in UTC"),
        pytest.param(NEW_YORK, "2025-03-08", "2025-03-08T05:00Z", 24, id="before spring"),
        pytest.param(NEW_YORK, "2025-03-09", "2025-03-09T05:00Z", 23, id="New York in spring"),
        pytest.param(NEW_YORK, "2025-03-10", "2025-03-10T04:00Z", 24, id="after spring"),
        pytest.param(NEW_YORK, "2025-11-02", "2025-11-02T04:00Z", 25, id="New York in autumn"),
        pytest.param(NEW_YORK, "2025-11-03", "2025-11-03T05:00Z", 24, id="after autumn"),
        pytest.param(TOKYO, "2025-03-09", "2025-03-08T15:00Z", 24, id="Tokyo never changes"),
        pytest.param(SANTIAGO, "2025-09-06", "2025-09-06T04:00Z", 24, id="before the gap"),
        pytest.param(SANTIAGO, "2025-09-07", "2025-09-07T04:00Z", 23, id="a skipped midnight"),
        pytest.param(SANTIAGO, "2025-09-08", "2025-09-08T03:00Z", 24, id="after the gap"),
        pytest.param(SANTIAGO, "2025-04-05", "2025-04-05T03:00Z", 25, id="eleven struck twice"),
        pytest.param(SANTIAGO, "2025-04-06", "2025-04-06T04:00Z", 24, id="after eleven twice"),
        pytest.param("America/Havana", "2025-11-02", "2025-11-02T04:00Z", 25, id="midnight twice"),
        pytest.param("Africa/Cairo", "2025-04-25", "2025-04-24T22:00Z", 23, id="Cairo in spring"),
        pytest.param("Australia/Lord_Howe", "2025-10-05", "2025-10-04T13:30Z", 23.5, id="half"),
        pytest.param("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0, id="a day left out"),
    ],
)
def test_a_day_starts_at_its_first_instant_and_is_as_long_as_the_clock_makes_it(
    zone: str, day: str, starts: str, hours: float
) -> None:
    found = date.fromisoformat(day)
    start, end = start_of_day(found, ZoneInfo(zone)), end_of_day(found, ZoneInfo(zone))
    assert (start, end - start) == (instant(starts), hours * HOUR)
    assert start.tzinfo is UTC
    assert trading_day(start - MICROSECOND, ZoneInfo(zone)) == found - ONE_DAY


# --- days and logs ----------------------------------------------------------------------------

_zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
_days = st.dates(date(2013, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("zone", "day", "logs"),
    [
        ("UTC", "2025-06-10", ["2025-06-10"]),
        (NEW_YORK, "2025-06-10", ["2025-06-10", "2025-06-11"]),
        (TOKYO, "2025-06-10", ["2025-06-09", "2025-06-10"]),
        (TOKYO, "2026-01-01", ["2025-12-31", "2026-01-01"]),
        ("Europe/London", "2025-01-10", ["2025-01-10"]),
        ("Europe/London", "2025-06-10", ["2025-06-09", "2025-06-10"]),
        ("Europe/London", "2025-03-30", ["2025-03-30"]),
        ("Europe/London", "2025-10-26", ["2025-10-25", "2025-10-26"]),
    ],
)
def test_a_trading_day_takes_lines_from_the_utc_days_it_overlaps(
    zone: str, day: str, logs: list[str]
) -> None:
    found = log_days_of(date.fromisoformat(day), ZoneInfo(zone))
    assert list(found) == [date.fromisoformat(log_day) for log_day in logs]


@examples(200)
@given(_zones, _days)
@example(ZoneInfo(SANTIAGO), date(2025, 9, 7))
@example(ZoneInfo(NEW_YORK), date(2025, 11, 2))
def test_a_log_feeds_exactly_the_days_that_name_it(zone: ZoneInfo, log_day: date) -> None:
    nearby = list(days_between(log_day - 3 * ONE_DAY, log_day + 3 * ONE_DAY))
    naming = [day for day in nearby if log_day in log_days_of(day, zone)]
    assert trading_days_of(log_day, zone) == naming
    day = log_day
    feeding = [utc_day for utc_day in nearby if day in trading_days_of(utc_day, zone)]
    assert list(log_days_of(day, zone)) == feeding


@examples(200)
@given(_zones, _days, st.timedeltas(timedelta(), ONE_DAY - MICROSECOND))
def test_every_instant_of_a_log_falls_on_one_of_its_trading_days(
    zone: ZoneInfo, log_day: date, into: timedelta
) -> None:
    moment = datetime.combine(log_day, time(), tzinfo=UTC) + into
    days = trading_days_of(log_day, zone)
    holding = [day for day in days if start_of_day(day, zone) <= moment < end_of_day(day, zone)]
    assert holding == [trading_day(moment, zone)]
    assert log_day in log_days_of(holding[0], zone)


@examples(200)
@given(_zones, _days)
def test_days_follow_each_other_without_a_gap_or_an_overlap(zone: ZoneInfo, day: date) -> None:
    start, end = start_of_day(day, zone), end_of_day(day, zone)
    assert end == start_of_day(day + ONE_DAY, zone)
    assert timedelta() <= end - start <= 26 * HOUR
    if start < end:
        assert trading_day(start, zone) == trading_day(end - MICROSECOND, zone) == day


# --- windows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "monday", "sunday"),
    [
        pytest.param("2025-06-09", "2025-06-09", "2025-06-15", id="a Monday"),
        pytest.param("2025-06-15", "2025-06-09", "2025-06-15", id="a Sunday"),
        pytest.param("2025-01-01", "2024-12-30", "2025-01-05", id="ISO week 1 from the old year"),
        pytest.param("2024-12-30", "2024-12-30", "2025-01-05", id="the same week, the old year"),
        pytest.param("2025-12-30", "2025-12-29", "2026-01-04", id="week 1 of 2026, in 2025"),
        pytest.param("2026-01-04", "2025-12-29", "2026-01-04", id="its last day, in 2026"),
        pytest.param("2027-01-03", "2026-12-28", "2027-01-03", id="week 53"),
        pytest.param("2024-02-29", "2024-02-26", "2024-03-03", id="a leap day"),
    ],
)
def test_a_week_runs_from_monday_to_sunday_across_month_and_year_ends(
    day: str, monday: str, sunday: str
) -> None:
    first, last = date.fromisoformat(monday), date.fromisoformat(sunday)
    period = Period.of(Window.WEEKLY, date.fromisoformat(day))
    assert period == Period(Window.WEEKLY, first, first, last)
    assert len(period.days()) == 7
    assert (period.days()[0], period.days()[-1]) == (first, last)


@pytest.mark.parametrize(
    ("day", "first", "last", "length"),
    [
        pytest.param("2024-02-29", "2024-02-01", "2024-02-29", 29, id="a leap day"),
        pytest.param("2025-02-01", "2025-02-01", "2025-02-28", 28, id="no leap year"),
        pytest.param("2000-02-10", "2000-02-01", "2000-02-29", 29, id="a leap century"),
        pytest.param("2100-02-10", "2100-02-01", "2100-02-28", 28, id="a century without"),
        pytest.param("2025-12-31", "2025-12-01", "2025-12-31", 31, id="the end of a year"),
        pytest.param("2025-04-30", "2025-04-01", "2025-04-30", 30, id="a short month"),
    ],
)
def test_a_month_is_a_calendar_month(day: str, first: str, last: str, length: int) -> None:
    period = Period.of(Window.MONTHLY, date.fromisoformat(day))
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    assert period == Period(Window.MONTHLY, start, start, end)
    assert len(period.days()) == length


def test_the_rolling_window_looks_back_over_92_days_that_end_with_its_key() -> None:
    period = Period.of(Window.ROLLING, date(2025, 6, 10))
    assert period == Period(Window.ROLLING, date(2025, 6, 10), date(2025, 3, 11), date(2025, 6, 10))
    assert len(period.days()) == ROLLING_LOOKBACK_DAYS == 92


def test_a_range_is_named_by_its_two_days_and_by_no_single_one() -> None:
    day = date(2025, 6, 10)
    assert Period.spanning(day, day + 3 * ONE_DAY).days() == [day + n * ONE_DAY for n in range(4)]
    assert Period.spanning(day, day).days() == [day]
    assert Period.spanning(day, day - ONE_DAY).days() == []
    with pytest.raises(ValueError, match=r"\Aa range is named by two days\Z"):
        Period.of(Window.RANGE, day)


@examples(200)
@given(_days)
def test_every_day_is_in_its_own_windows_and_keys_are_stable(day: date) -> None:
    for window in PARTITIONED_WINDOWS:
        period = Period.of(window, day)
        assert period.first_day <= day <= period.last_day
        assert Period.of(window, period.key) == period
        assert period.key == (period.last_day if window is Window.ROLLING else period.first_day)
    for window in (Window.DAILY, Window.WEEKLY, Window.MONTHLY):
        after = Period.of(window, Period.of(window, day).last_day + ONE_DAY)
        assert after.first_day == Period.of(window, day).last_day + ONE_DAY


# --- what a summary says about its window -----------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "window", "day", "starts_at", "ends_at"),
    [
        ("UTC", "daily", "2025-06-10", "2025-06-10T00:00:00Z", "2025-06-11T00:00:00Z"),
        (
            NEW_YORK,
            "daily",
            "2025-03-09",
            "2025-03-09T00:00:00-05:00",
            "2025-03-10T00:00:00-04:00",
        ),
        (
            NEW_YORK,
            "weekly",
            "2025-11-02",
            "2025-10-27T00:00:00-04:00",
            "2025-11-03T00:00:00-05:00",
        ),
        (TOKYO, "monthly", "2025-06-10", "2025-06-01T00:00:00+09:00", "2025-07-01T00:00:00+09:00"),
        (
            SANTIAGO,
            "daily",
            "2025-09-07",
            "2025-09-07T01:00:00-03:00",
            "2025-09-08T00:00:00-03:00",
        ),
        (
            SANTIAGO,
            "daily",
            "2025-09-06",
            "2025-09-06T00:00:00-04:00",
            "2025-09-07T01:00:00-03:00",
        ),
    ],
)
def test_a_window_is_published_half_open_with_its_offsets(
    zone: str, window: str, day: str, starts_at: str, ends_at: str, tmp_path: Path
) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE=zone)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    document = here.document(Window(window), date.fromisoformat(day), now)
    assert (document["starts_at"], document["ends_at"]) == (starts_at, ends_at)
    assert document["timezone"] == zone


LATE = datetime(2026, 3, 1, tzinfo=UTC)
# Each P&L is a different power of ten, so that a sum tells which trades it is made of.
NEW_YORK_SPRING = {
    "2025-03-09": {"2025-03-09T04:59:59.999999Z": "1", "2025-03-09T05:00:00Z": "10"},
    "2025-03-10": {"2025-03-10T03:59:59.999999Z": "100", "2025-03-10T04:00:00Z": "1000"},
}
NEW_YORK_AUTUMN = {
    "2025-11-02": {
        "2025-11-02T03:59:59.999999Z": "1",
        "2025-11-02T04:00:00Z": "10",
        "2025-11-02T05:30:00Z": "100",  # half past one, in summer time
        "2025-11-02T06:30:00Z": "1000",  # half past one, again
    },
    "2025-11-03": {"2025-11-03T04:59:59.999999Z": "10000", "2025-11-03T05:00:00Z": "100000"},
}
TOKYO_DAY = {
    "2025-06-09": {"2025-06-09T14:59:59.999999Z": "1", "2025-06-09T15:00:00Z": "10"},
    "2025-06-10": {"2025-06-10T14:59:59.999999Z": "100", "2025-06-10T15:00:00Z": "1000"},
}
SANTIAGO_GAP = {
    "2025-09-07": {"2025-09-07T03:59:59.999999Z": "1", "2025-09-07T04:00:00Z": "10"},
    "2025-09-08": {"2025-09-08T02:59:59.999999Z": "100", "2025-09-08T03:00:00Z": "1000"},
}
SANTIAGO_TWICE = {
    "2025-04-05": {"2025-04-05T02:59:59.999999Z": "1", "2025-04-05T03:00:00Z": "10"},
    "2025-04-06": {
        "2025-04-06T02:30:00Z": "100",  # half past eleven, in summer time
        "2025-04-06T03:59:59.999999Z": "1000",  # just before midnight, the second time
        "2025-04-06T04:00:00Z": "10000",
    },
}


@pytest.mark.parametrize(
    ("zone", "logs", "day", "before", "on_the_day", "after"),
    [
        pytest.param(NEW_YORK, NEW_YORK_SPRING, "2025-03-09", 1, 110, 1000, id="23 hours"),
        pytest.param(NEW_YORK, NEW_YORK_AUTUMN, "2025-11-02", 1, 11110, 100000, id="25 hours"),
        pytest.param(TOKYO, TOKYO_DAY, "2025-06-10", 1, 110, 1000, id="Tokyo"),
        pytest.param(SANTIAGO, SANTIAGO_GAP, "2025-09-07", 1, 110, 1000, id="no midnight"),
        pytest.param(SANTIAGO, SANTIAGO_TWICE, "2025-04-05", 1, 1110, 10000, id="eleven twice"),
    ],
)
def test_a_trading_day_counts_its_own_lines_from_both_logs(
    zone: str,
    logs: dict[str, dict[str, str]],
    day: str,
    before: int,
    on_the_day: int,
    after: int,
    tmp_path: Path,
) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE=zone)
    for log_day, trades in logs.items():
        here.write(
            date.fromisoformat(log_day), *(win(pnl, moment) for moment, pnl in trades.items())
        )
    tracker = here.tracker(LATE)
    middle = date.fromisoformat(day)
    found = [
        tracker.get_summary(Window.DAILY, day).realized_pnl
        for day in (middle - ONE_DAY, middle, middle + ONE_DAY)
    ]
    assert found == [before, on_the_day, after]
    whole = tracker.get_range(middle - ONE_DAY, middle + ONE_DAY)
    assert whole.realized_pnl == before + on_the_day + after
    assert whole.data_quality.misdated == 0


def test_the_evening_of_31_january_in_new_york_counts_in_january(tmp_path: Path) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE=NEW_YORK)
    here.write(
        date(2025, 2, 1),
        win("20", "2025-01-31T20:00:00-05:00"),
        win("3", "2025-02-01T00:00:00-05:00"),
        win("4", "2025-01-31T19:00:00-05:00", exit_timestamp="2025-02-01T00:00:00.000001-05:00"),
    )
    tracker = here.tracker(LATE)
    january = tracker.get_summary(Window.MONTHLY, date(2025, 1, 15))
    february = tracker.get_summary(Window.MONTHLY, date(2025, 2, 15))
    assert (january.total_trades, january.realized_pnl) == (1, Decimal(20))
    assert (february.total_trades, february.realized_pnl) == (2, Decimal(7))
    assert tracker.get_summary(Window.DAILY, date(2025, 1, 31)).realized_pnl == 20
    assert january.data_quality.misdated == february.data_quality.misdated == 0


def test_a_week_over_the_year_end_holds_its_own_seven_days_and_no_other(tmp_path: Path) -> None:
    here = place(tmp_path)
    days = {
        date(2024, 12, 29): "1",  # the Sunday before
        date(2024, 12, 30): "10",
        date(2025, 1, 5): "100",
        date(2025, 1, 6): "1000",  # the Monday after
        date(2025, 12, 29): "10000",  # also ISO week 1 with the calendar year 2025
        date(2026, 1, 4): "100000",
    }
    for day, pnl in days.items():
        here.write(day, *session(pnl, day=day))
    tracker = here.tracker(LATE)
    assert tracker.get_summary(Window.WEEKLY, date(2025, 1, 1)).realized_pnl == 110
    assert tracker.get_summary(Window.WEEKLY, date(2026, 1, 1)).realized_pnl == 110000


def test_a_trade_of_a_leap_day_is_in_its_day_week_and_month(tmp_path: Path) -> None:
    here = place(tmp_path)
    leap_day = date(2024, 2, 29)
    for day, pnl in ((leap_day - ONE_DAY, "1"), (leap_day, "10"), (leap_day + ONE_DAY, "100")):
        here.write(day, *session(pnl, day=day))
    tracker = here.tracker(LATE)
    assert tracker.get_summary(Window.DAILY, leap_day).realized_pnl == 10
    assert tracker.get_summary(Window.WEEKLY, leap_day).realized_pnl == 111
    assert tracker.get_summary(Window.MONTHLY, leap_day).realized_pnl == 11
    assert tracker.get_summary(Window.MONTHLY, leap_day + ONE_DAY).realized_pnl == 100


@pytest.mark.parametrize(
    ("days_back", "counts"), [(0, True), (1, True), (90, True), (91, True), (92, False)]
)
def test_the_rolling_window_counts_its_key_day_and_the_91_before(
    days_back: int, counts: bool, tmp_path: Path
) -> None:
    here = place(tmp_path)
    key = date(2025, 6, 10)
    day = key - days_back * ONE_DAY
    here.write(day, *session("5", day=day))
    summary = here.summary(Window.ROLLING, key, LATE)
    assert summary.total_trades == (1 if counts else 0)
    assert (summary.start_date, summary.end_date) == ((day, day) if counts else (None, None))
    assert summary.starts_at == (datetime.combine(day, time(14), tzinfo=UTC) if counts else None)
    assert summary.ends_at == datetime(2025, 6, 11, tzinfo=UTC)


def test_the_rolling_window_is_the_last_n_closed_trades_up_to_its_key(tmp_path: Path) -> None:
    here = place(tmp_path, ALERT_ROLLING_WINDOW="3")
    here.write(date(2025, 6, 9), *session("1", "10", day=date(2025, 6, 9)))
    here.write(date(2025, 6, 10), *session("100", "1000", day=date(2025, 6, 10)))
    here.write(date(2025, 6, 11), *session("10000", day=date(2025, 6, 11)))
    tracker = here.tracker(LATE)
    found = {
        day: tracker.get_summary(Window.ROLLING, date(2025, 6, day)).realized_pnl
        for day in range(8, 13)
    }
    assert found == {8: 0, 9: 11, 10: 1110, 11: 11100, 12: 11100}
    newest = tracker.get_summary(Window.ROLLING, date(2025, 6, 12))
    assert (newest.start_date, newest.end_date) == (date(2025, 6, 10), date(2025, 6, 11))
    assert newest.trading_days == 2
