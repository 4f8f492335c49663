"""The distribution of closed trades, by hour and by size: against brute force, and merged."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.aggregate import DailyAggregate, combine
from performance_pipeline.domain.distribution import Distribution, size_step, step_start
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.trade_stats import Bucket
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import at, log, opened, read, session, win
from performance_pipeline_tests.support.strategies import LogFolder, folders

# Lord Howe's clocks change by half an hour; Kathmandu is 5:45 ahead.
ZONES: Final = (
    "UTC",
    "America/New_York",
    "Asia/Tokyo",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
)


def aggregates(folder: LogFolder, zone: str) -> list[DailyAggregate]:
    return [
        aggregate
        for day, content in folder.logs.items()
        for aggregate in read(content, day, zone).values()
    ]


def of_sizes(*pnls: str) -> dict[str, int]:
    content = log(*session(*pnls))
    (aggregate,) = read(content).values()
    return dict(aggregate.distribution.by_size)


@examples(60)
@given(folder=folders(), zone=st.sampled_from(ZONES), data=st.data())
def test_distributions_merge_to_the_same_in_any_grouping(
    folder: LogFolder, zone: str, data: st.DataObject
) -> None:
    parts = [part.distribution for part in aggregates(folder, zone)]
    cut = data.draw(st.integers(0, len(parts)))
    with exact_arithmetic():
        halves = [Distribution.joined(parts[:cut]), Distribution.joined(parts[cut:])]
        assert Distribution.joined(halves) == Distribution.joined(parts)


@examples(60)
@given(folder=folders(), zone=st.sampled_from(ZONES))
def test_each_closed_trade_stands_in_the_hour_and_the_bin_that_brute_force_finds(
    folder: LogFolder, zone: str
) -> None:
    # The tail holds every closed trade here, each with the instant it counts at.
    parts = aggregates(folder, zone)
    trades = [trade for part in parts for trade in part.tail]
    whole = combine(parts, 100).distribution
    by_hour: dict[int, Bucket] = {}
    for trade in trades:
        assert trade.pnl is not None
        bucket = Bucket(1, trade.outcome == "win", trade.outcome == "loss", trade.pnl)
        hour = trade.instant.astimezone(ZoneInfo(zone)).hour
        with exact_arithmetic():
            by_hour[hour] = Bucket.joined([by_hour[hour], bucket] if hour in by_hour else [bucket])
    assert whole.by_hour == by_hour
    assert whole.by_size == Counter(bin_by_brute_force(trade.pnl) for trade in trades)


def bin_by_brute_force(pnl: Decimal | None) -> str:
    """The key of the bin of `pnl`, looked for among all bins."""
    assert pnl is not None
    for exponent in range(-101, 101):
        for step, following in ((1, 2), (2, 5), (5, 10)):
            near, far = (Decimal(bound).scaleb(exponent) for bound in (step, following))
            if near <= pnl.copy_abs() < far:
                return f"{near.copy_sign(pnl):f}"
    return "0"


@examples(60)
@given(folder=folders(), zone=st.sampled_from(ZONES))
def test_hours_and_bins_sum_to_the_totals(folder: LogFolder, zone: str) -> None:
    whole = combine(aggregates(folder, zone), 100)
    buckets: Sequence[Bucket] = list(whole.distribution.by_hour.values())
    with exact_arithmetic():
        assert sum((bucket.realized_pnl for bucket in buckets), Decimal(0)) == (
            whole.stats.realized_pnl
        )
    assert sum(bucket.total_trades for bucket in buckets) == whole.stats.total_trades
    assert sum(bucket.total_wins for bucket in buckets) == whole.stats.total_wins
    assert sum(bucket.total_losses for bucket in buckets) == whole.stats.total_losses
    assert sum(whole.distribution.by_size.values()) == whole.stats.total_trades


def test_a_bin_holds_its_bound_nearer_to_zero() -> None:
    assert of_sizes("0", "1", "1.99", "2", "4.999999", "5", "9.99", "10") == {
        "0": 1,
        "1": 2,
        "2": 2,
        "5": 2,
        "10": 1,
    }
    assert of_sizes("-1", "-2", "-1.99", "-20", "-0.05", "-50") == {
        "-50": 1,
        "-20": 1,
        "-2": 1,
        "-1": 2,
        "-0.05": 1,
    }


def test_any_number_of_digits_falls_into_one_bin() -> None:
    assert of_sizes("1e99", "-1e-100", "123456789012345.67", "0e5000") == {
        f"{Decimal('-1e-100'):f}": 1,
        "0": 1,
        "100000000000000": 1,
        f"{Decimal('1e99'):f}": 1,
    }


@pytest.mark.parametrize(
    ("key", "step"), [("1", 0), ("2", 1), ("-5", 2), ("10", 3), ("-500", 8), ("0.05", -4)]
)
def test_steps_count_the_bins_of_a_side_and_know_where_they_start(key: str, step: int) -> None:
    assert size_step(key) == step
    assert step_start(step) == abs(Decimal(key))


def test_the_hour_is_that_of_the_close_on_the_clock_of_the_zone() -> None:
    spring = date(2025, 3, 9)  # New York skips from two to three at 07:00 UTC
    content = log(win("1", at("06:59", spring)), win("2", at("07:00", spring)))
    (aggregate,) = read(content, spring, "America/New_York").values()
    assert list(aggregate.distribution.by_hour) == [1, 3]
    autumn = date(2025, 11, 2)  # and has the hour from one to two twice
    content = log(win("1", at("05:30", autumn)), win("2", at("06:30", autumn)))
    (aggregate,) = read(content, autumn, "America/New_York").values()
    assert aggregate.distribution.by_hour == {1: Bucket(2, 2, 0, Decimal(3))}


def test_an_open_record_is_in_no_hour_and_no_bin() -> None:
    (aggregate,) = read(log(opened("5"))).values()
    assert aggregate.distribution == Distribution()
