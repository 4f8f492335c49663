"""Which days the options of a command ask for, and what of them there can be."""

from datetime import date

import click

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.tracker import PerformanceTracker, RangeError


def asked_period(
    tracker: PerformanceTracker,
    window: str | None,
    day: date | None,
    start: date | None,
    end: date | None,
) -> Period:
    """The period that `--window` and `--date`, or `--start` and `--end`, ask for; else today.

    Raises click.UsageError and RangeError.
    """
    if start or end:
        if day:
            raise click.UsageError("give --date, or --start and --end, not both")
        if window not in (None, Window.RANGE):
            raise click.UsageError("give --window, or --start and --end, not both")
        return Period.spanning(*clipped(tracker, *both_days(start, end)))
    if window == Window.RANGE:
        raise click.UsageError("--window range needs --start and --end")
    if day is not None and day > tracker.today:
        raise RangeError(f"{day} is in the future; today is {tracker.today}")
    asked = day or tracker.today
    try:
        period = Period.of(Window(window or Window.DAILY), asked)
    except OverflowError:  # Reaching back before the calendar itself.
        raise _before_everything(tracker, f"{asked}") from None
    if period.last_day < tracker.settings.start_date:
        raise _before_everything(tracker, f"{asked}")
    return period


def both_days(start: date | None, end: date | None) -> tuple[date, date]:
    """`--start` and `--end`, which go together."""
    if start is None or end is None:
        raise click.UsageError("give both --start and --end")
    return start, end


def last_days(tracker: PerformanceTracker, days: int) -> tuple[date, date]:
    """The last `days` days up to today that the logs reach, with a notice when that is fewer."""
    first, oldest = tracker.first_of(days), tracker.first_day
    if oldest is None and days > 1:
        click.echo(f"notice: {tracker.settings.log_dir} holds no log yet; only today", err=True)
        first = tracker.today
    elif oldest is not None and first < oldest and tracker.settings.start_date < oldest:
        click.echo(f"notice: {first} is before the oldest log; from {oldest}", err=True)
        first = oldest
    return clipped(tracker, first, tracker.today)


def clipped(tracker: PerformanceTracker, first: date, last: date) -> tuple[date, date]:
    """The part of a range from the first partition to today, with a notice when it is less."""
    earliest, today = tracker.settings.start_date, tracker.today
    if last < first:
        raise RangeError(f"the range ends ({last}) before it starts ({first})")
    if last < earliest:
        raise _before_everything(tracker, f"{first} to {last}")
    if first > today:
        raise RangeError(f"{first} to {last} is in the future; today is {today}")
    if first < earliest:
        click.echo(f"notice: {first} is before the first partition; from {earliest}", err=True)
    if last > today:
        click.echo(f"notice: {last} is in the future; to {today}", err=True)
    return max(first, earliest), min(last, today)


def _before_everything(tracker: PerformanceTracker, asked: str) -> RangeError:
    return RangeError(
        f"{asked} is before the first partition; accepted is {tracker.settings.start_date}"
        f" ({tracker.settings.origins.named('PERFORMANCE_START_DATE')}) or later"
    )
