"""Properties of recombination: aggregates merge exactly, and equal the brute-force reference.

What belongs here: hypothesis tests over generated logs, against `reference.py` or against another
grouping of the same data. What does not: single cases, however telling.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest import mock
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain import log_reading
from performance_pipeline.domain.aggregate import EMPTY, DailyAggregate, combine
from performance_pipeline.domain.log_reading import ReadingRules, read_log
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.trade_lines import RejectedLineError, parse_trade
from performance_pipeline.domain.windows import MICROSECOND, PARTITIONED_WINDOWS, Window
from performance_pipeline.pipeline import tracker as tracker_module
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.sessions import Sessions
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import Place, place
from performance_pipeline_tests.support.reference import Rules, reference_summary
from performance_pipeline_tests.support.strategies import (
    LogFolder,
    contents,
    folders,
    moments,
    records,
)

DAY: Final = timedelta(days=1)
# Cairo springs forward at midnight: its 25 April 2025 begins at one o'clock.
ZONES: Final = ("UTC", "America/New_York", "Asia/Tokyo", "Africa/Cairo")
TAIL_SIZES: Final = (1, 3, 20)
TAIL_SIZE: Final = 3


# --- the product, asked on real files ---------------------------------------------------------


def under(here: Place, rules: Rules) -> Place:
    """The same folder, read under `rules`."""
    return here.under(
        SUMMARY_TIMEZONE=rules.zone,
        ALERT_ROLLING_WINDOW=str(rules.rolling_window),
        START_DATE=rules.start_date.isoformat(),
        EXECUTION_MODE=rules.execution_mode,
        ACCOUNT=rules.account,
        PAIRING=rules.pairing,
        TRADE=rules.trade,
        SHORT_SELLING="yes" if rules.short_selling else "no",
    )


@contextmanager
def place_of(rules: Rules) -> Iterator[Place]:
    with TemporaryDirectory() as folder:
        yield under(place(Path(folder)), rules)


def write(here: Place, logs: Mapping[date, bytes]) -> None:
    """Make the folder hold `logs`; one that is there already keeps its modification time."""
    for day, content in logs.items():
        log = here.path(day)
        if not log.exists() or log.read_bytes() != content:
            here.write_bytes(day, content)


def store_aggregates(here: Place, days: Sequence[date], now: datetime) -> None:
    """Store the aggregates of `days`, as the runs of a Dagster asset do."""
    store = here.tracker(now).store
    for day in days:
        store.refresh(day)
    for _ in store.refresh_reached():
        pass
    store.look_back()
    store.save_index()


@dataclass(frozen=True)
class Asked:
    """One window to ask for: its kind and its key, and the last day of a range."""

    window: Window
    key: date
    range_end: date | None = None

    def product(self, tracker: PerformanceTracker) -> PerformanceSummary:
        if self.range_end is not None:
            return tracker.get_range(self.key, self.range_end)
        return tracker.get_summary(self.window, self.key)

    def reference(
        self, logs: Mapping[date, bytes], rules: Rules, now: datetime
    ) -> dict[str, object]:
        return reference_summary(logs, self.window, self.key, rules, now, self.range_end)


def published(value: object) -> object:
    """A published value in the reference's terms: exact fractions, ISO texts, plain containers."""
    if isinstance(value, Decimal):
        return Fraction(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, msgspec.Struct):
        return published({name: getattr(value, name) for name in value.__struct_fields__})
    if isinstance(value, Mapping):
        return {name: published(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [published(item) for item in value]
    return value


def published_metrics(summary: PerformanceSummary) -> dict[str, object]:
    metrics: dict[str, Any] = {
        name: published(getattr(summary, name)) for name in summary.__struct_fields__
    }
    if summary.daily is msgspec.UNSET:
        del metrics["daily"]
    quality = metrics["data_quality"]
    del quality["warnings"]
    quality["rejected_lines"] = [(at["file"], at["line"]) for at in quality["rejected_lines"]]
    return metrics


def differences(
    asked: Asked, tracker: PerformanceTracker, logs: Mapping[date, bytes], rules: Rules
) -> dict[str, tuple[object, object]]:
    """Metric name to (product, reference), where the two differ."""
    expected = asked.reference(logs, rules, tracker.now)
    found = published_metrics(asked.product(tracker))
    if "daily" not in expected:
        assert "daily" not in found
    return {
        name: (found.get(name), value)
        for name, value in expected.items()
        if found.get(name) != value or _keys(found.get(name)) != _keys(value)
    }


def _keys(value: object) -> list[str]:
    """The keys of an object in their order, which is published too."""
    return list(value) if isinstance(value, Mapping) else []


def assert_equal_to_reference(
    asked: Sequence[Asked], tracker: PerformanceTracker, logs: Mapping[date, bytes], rules: Rules
) -> None:
    for one in asked:
        found = differences(one, tracker, logs, rules)
        assert not found, f"{one} under {rules} at {tracker.now}: (product, reference) {found}"


# --- what is generated ------------------------------------------------------------------------


@st.composite
def rules_for(
    draw: st.DrawFn, folder: LogFolder, filtered: bool = False, paired: bool = False
) -> Rules:
    rules = Rules(
        zone=draw(st.sampled_from(ZONES)),
        rolling_window=draw(st.sampled_from(TAIL_SIZES)),
        start_date=draw(st.sampled_from((date(2025, 1, 1), *folder.days[1:2]))),
    )
    if paired:
        rules = replace(
            rules,
            pairing=draw(st.sampled_from(("fifo", "lifo"))),
            trade=draw(st.sampled_from(("exit", "flat"))),
            short_selling=draw(st.booleans()),
        )
    if not filtered:
        return rules
    mode, account = draw(
        st.sampled_from((("LIVE", ""), ("PAPER", ""), ("ALL", "U1"), ("LIVE", "U1")))
    )
    return replace(rules, execution_mode=mode, account=account)


@st.composite
def ranges(draw: st.DrawFn, folder: LogFolder) -> Asked:
    """Any span of days that starts or ends near the logs."""
    start = folder.first_day + draw(st.integers(-3, len(folder.days))) * DAY
    return Asked(Window.RANGE, start, start + draw(st.integers(0, 9)) * DAY)


def days_around(folder: LogFolder) -> list[date]:
    return [folder.days[0] - DAY, *folder.days, folder.days[-1] + DAY]


def daily_windows(folder: LogFolder) -> list[Asked]:
    return [Asked(Window.DAILY, day) for day in days_around(folder)]


def weekly_windows(folder: LogFolder) -> list[Asked]:
    mondays = {day - day.weekday() * DAY for day in days_around(folder)}
    return [Asked(Window.WEEKLY, monday) for monday in sorted(mondays)]


def monthly_windows(folder: LogFolder) -> list[Asked]:
    firsts = {day.replace(day=1) for day in days_around(folder)}
    return [Asked(Window.MONTHLY, first) for first in sorted(firsts)]


def rolling_windows(folder: LogFolder) -> list[Asked]:
    """Those that end near the logs, and the last that can still see the first or the last log."""
    ends = (folder.days[0] + 90 * DAY, folder.days[0] + 91 * DAY, folder.days[-1] + 91 * DAY)
    return [Asked(Window.ROLLING, day) for day in (*days_around(folder), *ends)]


WINDOWS: Final[Mapping[Window, Callable[[LogFolder], list[Asked]]]] = {
    Window.DAILY: daily_windows,
    Window.WEEKLY: weekly_windows,
    Window.MONTHLY: monthly_windows,
    Window.ROLLING: rolling_windows,
}


def windows(folder: LogFolder) -> st.SearchStrategy[list[Asked]]:
    """A few windows of any kind near the logs."""
    asked = [one for of_kind in WINDOWS.values() for one in of_kind(folder)]
    return st.lists(st.one_of(st.sampled_from(asked), ranges(folder)), min_size=1, max_size=4)


@st.composite
def accepted_lines(draw: st.DrawFn, log_day: date) -> list[bytes]:
    """Lines that are accepted, all different, in the order of the instants they count at."""
    found: list[tuple[datetime, bytes]] = []
    first = datetime.combine(log_day, time(), tzinfo=UTC)
    for line in draw(st.lists(records(log_day), max_size=10, unique=True)):
        with suppress(RejectedLineError):
            instant = parse_trade(line).instant
            found.append((min(max(instant, first), first + DAY - MICROSECOND), line + b"\n"))
    return [line for _, line in sorted(found, key=lambda entry: entry[0])]


@st.composite
def trading_days(draw: st.DrawFn, max_days: int = 5) -> list[DailyAggregate]:
    """The aggregates of consecutive trading days, each the combination of its logs."""
    folder = draw(folders(max_days=max_days))
    rules = ReadingRules(ZoneInfo(draw(st.sampled_from(ZONES))), "ALL", "", TAIL_SIZE)
    parts: dict[date, list[DailyAggregate]] = {}
    for log_day, content in folder.logs.items():
        for day, part in read(content, log_day, rules).items():
            parts.setdefault(day, []).append(part)
    return [combine(found, TAIL_SIZE) for _, found in sorted(parts.items())]


def read(content: bytes, log_day: date, rules: ReadingRules) -> dict[date, DailyAggregate]:
    return read_log(lambda: BytesIO(content), log_day, rules).days


def in_one_stretch(aggregate: DailyAggregate) -> DailyAggregate:
    """The same with its order ids in one stretch, which is all that cutting a day may change."""
    return msgspec.structs.replace(aggregate, opens=aggregate.opens.compact())


# --- combine ----------------------------------------------------------------------------------


@examples(40)
@given(trading_days())
def test_empty_is_the_identity_of_combine(days: list[DailyAggregate]) -> None:
    assert combine([], TAIL_SIZE) == EMPTY
    for day in days:
        assert combine([day], TAIL_SIZE) == day
        assert combine([EMPTY, day], TAIL_SIZE) == day
        assert combine([day, EMPTY], TAIL_SIZE) == day


@examples(60)
@given(st.data(), trading_days(max_days=7))
def test_any_grouping_of_neighbouring_days_combines_to_the_same(
    data: st.DataObject, days: list[DailyAggregate]
) -> None:
    whole = combine(days, TAIL_SIZE)
    stretches = list(days)
    while len(stretches) > 1:
        begin = data.draw(st.integers(0, len(stretches) - 2))
        end = data.draw(st.integers(begin + 2, len(stretches)))
        stretches[begin:end] = [combine(stretches[begin:end], TAIL_SIZE)]
    assert stretches == [whole]


@examples(100)
@given(
    data=st.data(),
    log_day=st.sampled_from((date(2025, 3, 9), date(2025, 12, 31))),
    zone=st.sampled_from(ZONES),
    tail_size=st.sampled_from(TAIL_SIZES),
)
def test_a_log_cut_between_any_two_instants_combines_to_the_whole(
    data: st.DataObject, log_day: date, zone: str, tail_size: int
) -> None:
    rules = ReadingRules(ZoneInfo(zone), "ALL", "", tail_size)
    lines = data.draw(accepted_lines(log_day))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    pieces = [
        read(b"".join(lines[begin:end]), log_day, rules)
        for begin, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)
    ]
    for day, whole in read(b"".join(lines), log_day, rules).items():
        combined = combine([piece.get(day, EMPTY) for piece in pieces], tail_size)
        assert in_one_stretch(combined) == in_one_stretch(whole)


@examples(60)
@given(
    content=contents(date(2025, 11, 2), max_lines=10),
    zone=st.sampled_from(ZONES),
    lines_late=st.integers(1, 4),
)
def test_how_late_a_line_may_come_before_a_second_reading_changes_nothing(
    content: bytes, zone: str, lines_late: int
) -> None:
    log_day = date(2025, 11, 2)
    rules = ReadingRules(ZoneInfo(zone), "ALL", "", TAIL_SIZE)
    whole = read(content, log_day, rules)
    with mock.patch.object(log_reading, "REORDER_LINES", lines_late):
        windowed = read(content, log_day, rules)
    assert {day: in_one_stretch(found) for day, found in windowed.items()} == {
        day: in_one_stretch(found) for day, found in whole.items()
    }


# --- recombined equals recomputed -------------------------------------------------------------


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@pytest.mark.parametrize("window", PARTITIONED_WINDOWS)
@examples(60)
@given(data=st.data())
def test_every_number_of_every_window_equals_reading_all_raw_lines_again(
    paired: bool, window: Window, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    now = data.draw(moments(folder))
    with place_of(rules) as at:
        write(at, folder.logs)
        assert_equal_to_reference(WINDOWS[window](folder), at.tracker(now), folder.logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(60)
@given(data=st.data())
def test_every_number_of_any_range_of_days_equals_reading_all_raw_lines_again(
    paired: bool, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    now = data.draw(moments(folder))
    asked = data.draw(st.lists(ranges(folder), min_size=1, max_size=4))
    with place_of(rules) as at:
        write(at, folder.logs)
        assert_equal_to_reference(asked, at.tracker(now), folder.logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(60)
@given(data=st.data())
def test_the_mode_and_account_filters_leave_out_exactly_the_other_records(
    paired: bool, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=paired))
    rules = data.draw(rules_for(folder, filtered=True, paired=paired))
    now = data.draw(moments(folder))
    asked = data.draw(windows(folder))
    with place_of(rules) as at:
        write(at, folder.logs)
        assert_equal_to_reference(asked, at.tracker(now), folder.logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(60)
@given(data=st.data())
def test_summaries_are_right_whatever_was_materialized_before(
    paired: bool, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    now = data.draw(moments(folder))
    # Once as the bot was still writing, maybe under other settings; once again for some days.
    before = data.draw(st.one_of(st.just(rules), rules_for(folder, filtered=True, paired=paired)))
    noon = datetime.combine(data.draw(st.sampled_from(folder.days)), time(12), tzinfo=UTC)
    earlier = min(noon, now)
    shorter = {
        day: content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))]
        for day, content in folder.logs.items()
        if data.draw(st.booleans())
    }
    again = data.draw(st.lists(st.sampled_from(folder.days), unique=True).map(sorted))
    with place_of(rules) as at:
        write(at, shorter)
        store_aggregates(under(at, before), days_around(folder), earlier)
        write(at, folder.logs)
        store_aggregates(at, again, now)
        assert_equal_to_reference(data.draw(windows(folder)), at.tracker(now), folder.logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(25)
@given(data=st.data())
def test_a_last_line_left_unfinished_counts_once_its_day_is_over(
    paired: bool, data: st.DataObject
) -> None:
    folder = data.draw(folders(max_days=2, of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    logs = {day: content.rstrip(b"\r\n") for day, content in folder.logs.items()}
    during = datetime.combine(max(logs), time(23, 59), tzinfo=UTC)
    asked = data.draw(windows(folder))
    with place_of(rules) as at:
        write(at, logs)
        assert_equal_to_reference(asked, at.tracker(during), logs, rules)
        store_aggregates(at, days_around(folder), during)
        assert_equal_to_reference(asked, at.tracker(during + DAY), logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(25)
@given(data=st.data())
def test_archiving_a_log_changes_no_number(paired: bool, data: st.DataObject) -> None:
    folder = data.draw(folders(max_days=3, of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    now = datetime.combine(folder.days[-1] + 2 * DAY, time(), tzinfo=UTC)
    with place_of(rules) as at:
        write(at, folder.logs)
        if data.draw(st.booleans()):
            store_aggregates(at, folder.days, now)
        for day in folder.logs:
            if data.draw(st.booleans()):
                at.archive(day)
        assert_equal_to_reference(data.draw(windows(folder)), at.tracker(now), folder.logs, rules)


@pytest.mark.parametrize("paired", [False, True], ids=["closed", "fills"])
@examples(25)
@given(data=st.data())
def test_a_log_that_disappears_leaves_every_number_as_it_was(
    paired: bool, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=paired))
    rules = data.draw(rules_for(folder, paired=paired))
    now = datetime.combine(folder.days[-1] + 2 * DAY, time(), tzinfo=UTC)
    gone = data.draw(st.sets(st.sampled_from(sorted(folder.logs)), max_size=len(folder.logs) - 1))
    with place_of(rules) as at:
        write(at, folder.logs)
        store_aggregates(at, days_around(folder), now)
        for day in gone:
            at.path(day).unlink()
        assert_equal_to_reference(data.draw(windows(folder)), at.tracker(now), folder.logs, rules)


@examples(60)
@given(data=st.data(), folder=folders(max_lines=2))
def test_sessions_over_without_a_log_are_the_missing_days(
    data: st.DataObject, folder: LogFolder
) -> None:
    nearby = [folder.days[0] + offset * DAY for offset in range(-3, 9)]
    rules = data.draw(rules_for(folder))
    rules = replace(rules, sessions=data.draw(st.frozensets(st.sampled_from(nearby))))
    now = data.draw(moments(folder))
    known = Sessions("drawn", nearby[0], now.date(), rules.sessions)
    with (
        place_of(rules) as at,
        mock.patch.object(tracker_module, "market_sessions", return_value=known),
    ):
        write(at, folder.logs)
        assert_equal_to_reference(data.draw(windows(folder)), at.tracker(now), folder.logs, rules)
