"""Trading days and windows: which days a window holds, what its key is, when it starts and ends.

A trading day is a calendar day in the summary time zone, 23 or 25 hours long when clocks change.
Nothing here reads a clock or knows what was traded.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ROLLING_LOOKBACK_DAYS: Final = 92
"""Days that a rolling window looks back over, its key day included."""

ONE_DAY: Final = timedelta(days=1)
WEEKDAY_NAMES: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
"""As `date.weekday()` counts them."""
MICROSECOND: Final = timedelta(microseconds=1)


class Window(StrEnum):
    """The kinds of window. `RANGE` is any span of days asked for; the others have partitions."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    ROLLING = "rolling"
    RANGE = "range"


MOST_DAYS_LIKE_A_DAY: Final = 2
MOST_DAYS_LIKE_A_WEEK: Final = 10

PARTITIONED_WINDOWS: Final = (Window.DAILY, Window.WEEKLY, Window.MONTHLY, Window.ROLLING)


@dataclass(frozen=True)
class Period:
    """One window: its key day, and its first and last trading day, both inclusive."""

    window: Window
    key: date
    first_day: date
    last_day: date

    @classmethod
    def of(cls, window: Window, day: date) -> "Period":
        """The daily, weekly, monthly or rolling window that `day` falls in (rolling: ends with).

        Raises ValueError for `Window.RANGE`, which no single day names.
        """
        if window is Window.DAILY:
            return cls(window, day, day, day)
        if window is Window.WEEKLY:
            monday = day - timedelta(days=day.weekday())
            return cls(window, monday, monday, monday + timedelta(days=6))
        if window is Window.MONTHLY:
            first = day.replace(day=1)
            return cls(window, first, first, day.replace(day=monthrange(day.year, day.month)[1]))
        if window is Window.ROLLING:
            return cls(window, day, day - timedelta(days=ROLLING_LOOKBACK_DAYS - 1), day)
        raise ValueError("a range is named by two days")

    @classmethod
    def spanning(cls, start: date, end: date) -> "Period":
        """The range of days from `start` to `end`, both inclusive."""
        return cls(Window.RANGE, start, start, end)

    def days(self) -> list[date]:
        return list(days_between(self.first_day, self.last_day))


def most_like(days: int) -> Window:
    """The window that a range of so many days is most like: a day, a week or a month."""
    if days <= MOST_DAYS_LIKE_A_DAY:
        return Window.DAILY
    return Window.WEEKLY if days <= MOST_DAYS_LIKE_A_WEEK else Window.MONTHLY


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both inclusive; none when `last` is earlier."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the trading day `day` starts.

    Where clocks skip midnight that is the first instant after the gap, where they repeat it the
    first of the two.
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the trading day `day` is over (exclusive)."""
    return start_of_day(day + ONE_DAY, zone)


def trading_day(instant: datetime, zone: ZoneInfo) -> date:
    """The trading day that `instant` belongs to."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=4096)
def log_days_of(day: date, zone: ZoneInfo) -> tuple[date, ...]:
    """The UTC days, hence the log files, that the trading day `day` overlaps."""
    last = (end_of_day(day, zone) - MICROSECOND).date()
    return tuple(days_between(start_of_day(day, zone).date(), last))


def trading_days_of(log_day: date, zone: ZoneInfo) -> list[date]:
    """The trading days that the log of the UTC day `log_day` overlaps."""
    start = datetime.combine(log_day, time(), tzinfo=UTC)
    last = trading_day(start + ONE_DAY - MICROSECOND, zone)
    return list(days_between(trading_day(start, zone), last))
