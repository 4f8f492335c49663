"""The partitions of every asset, and how those of one window map to days.

All share one time zone, include the running period, and use the key format `YYYY-MM-DD`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import dagster as dg

from performance_pipeline.defs.dagster_internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from performance_pipeline.domain.windows import (
    ONE_DAY,
    ROLLING_LOOKBACK_DAYS,
    Period,
    Window,
    days_between,
)
from performance_pipeline.setting_values import parse_date
from performance_pipeline.settings import Settings

RANGE_TAG: Final = "partitions"


@dataclass(frozen=True)
class Partitions:
    """One partition a day, week and month; a rolling window has one a day."""

    daily: dg.DailyPartitionsDefinition
    weekly: dg.WeeklyPartitionsDefinition
    monthly: dg.MonthlyPartitionsDefinition

    @classmethod
    def of(cls, settings: Settings) -> "Partitions":
        zone = settings.timezone.key

        def first(window: Window) -> str:
            return Period.of(window, settings.start_date).key.isoformat()

        return cls(
            dg.DailyPartitionsDefinition(first(Window.DAILY), timezone=zone, end_offset=1),
            # Dagster's weeks start on Sunday unless told otherwise.
            dg.WeeklyPartitionsDefinition(
                first(Window.WEEKLY), timezone=zone, end_offset=1, day_offset=1
            ),
            dg.MonthlyPartitionsDefinition(first(Window.MONTHLY), timezone=zone, end_offset=1),
        )

    def for_window(self, window: Window) -> dg.TimeWindowPartitionsDefinition:
        if window is Window.WEEKLY:
            return self.weekly
        return self.monthly if window is Window.MONTHLY else self.daily


def days_of_window(window: Window) -> dg.TimeWindowPartitionMapping:
    """Which days a partition of `window` is made of; the first ones may lie before any day."""
    lookback = ROLLING_LOOKBACK_DAYS - 1 if window is Window.ROLLING else 0
    return dg.TimeWindowPartitionMapping(
        start_offset=-lookback, allow_nonexistent_upstream_partitions=True
    )


def touched_keys(window: Window, days: Sequence[date], today: date) -> list[date]:
    """The keys of the partitions of `window` that hold one of `days`, which are in order.

    Of the rolling window they are all from the first of `days` to the last that looks back on one.
    """
    if not days:
        return []
    if window is Window.ROLLING:
        last = min(days[-1] + (ROLLING_LOOKBACK_DAYS - 1) * ONE_DAY, max(today, days[-1]))
        return list(days_between(days[0], last))
    return list(dict.fromkeys(Period.of(window, day).key for day in days))


def partition_days(keys: list[str]) -> list[date]:
    """The key days of `keys`, in time order."""
    return sorted(parse_date(key) for key in keys)


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of one run over the partitions from the key `first` to the key `last`.

    Dagster goes by two of its own, which lists of runs do not show; the third is for people,
    written as the UI takes a range, and short enough for its column there.
    """
    return {
        RANGE_TAG: str(first) if first == last else f"{first}...{last}",
        ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
    }


def partition_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of a run's tags that say which partitions it is over."""
    names = (
        RANGE_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
        ASSET_PARTITION_RANGE_END_TAG,
        PARTITION_NAME_TAG,
    )
    return {name: tags[name] for name in names if name in tags}
