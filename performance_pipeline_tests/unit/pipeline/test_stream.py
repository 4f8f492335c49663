"""What rests on all trades so far: the same however it is cut, stored, changed or lost."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.summary import EdgeReading, Room
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.pipeline.verify import periods_of, rests_on_lost_logs, verify
from performance_pipeline.storage.day_files import load_day
from performance_pipeline.storage.store import Store
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    place,
    session,
)
from performance_pipeline_tests.support.strategies import folders

LAST_DAY: Final = NEXT_DAY + ONE_DAY
TARGETS: Final = """\
win_rate_target: 50
max_drawdown_target: -2
peak_drawdown_target: -5
alerts:
  edge: {win_rate: 60, false_alarm_trades: 4}
  strategies:
    momentum: {win_rate_target: 40, avg_risk_reward_target: 1, daily_pl_target: 0}
    breakout: {max_drawdown_target: -1, trades_per_day_target: 2, confidence: 0.9}
"""


def with_targets(folder: Path, **changes: str) -> Place:
    targets = folder / "targets.yaml"
    targets.write_text(TARGETS)
    return place(folder / "logs", TARGETS_FILE=str(targets), **changes)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """Three days: up to 8, down to 3, down to 1 and up to 2; of two strategies."""
    made = with_targets(tmp_path)
    made.write(DAY, *session("5", "-1", "4"))
    made.write(NEXT_DAY, *session("-3", "-2", day=NEXT_DAY, strategy_name="breakout"))
    made.write(LAST_DAY, *session("-2", "0", "1", day=LAST_DAY))
    return made


def peaks(here: Place) -> list[object]:
    tracker = here.tracker()
    return [
        tracker.get_summary(window, day).peak_drawdown
        for window in (Window.DAILY, Window.ROLLING)
        for day in (DAY, NEXT_DAY, LAST_DAY)
    ]


def edges(here: Place) -> list[Any]:
    days = (DAY, NEXT_DAY, LAST_DAY)
    return [here.summary(Window.ROLLING, day).edge for day in days]


# After W L W, L L, L W, watched at 60 %: a loop in fractions says so too.
STATISTICS: Final = ("2.3825", "8.48254", "9.96127")


# --- by hand ------------------------------------------------------------------------------------


def test_the_peak_drawdown_is_the_fall_from_the_highest_point_of_all(here: Place) -> None:
    assert peaks(here) == [Decimal(0), Decimal(-5), Decimal(-6)] * 2


def test_the_edge_is_told_of_all_decided_trades_and_in_the_rolling_window_alone(
    here: Place,
) -> None:
    assert edges(here) == [EdgeReading(Decimal(one), Decimal(4)) for one in STATISTICS]
    document = here.document(Window.ROLLING, LAST_DAY)
    assert document["edge"] == {"statistic": STATISTICS[-1], "alarm_at": "4"}
    assert "edge" not in here.document(Window.DAILY, LAST_DAY)


def test_room_is_what_may_still_be_lost_before_each_target(here: Place) -> None:
    rooms = [here.summary(Window.DAILY, day).room for day in (DAY, NEXT_DAY, LAST_DAY)]
    # On the second day more was lost than a day may, on the third 1 of the 2 is won back.
    assert rooms == [
        Room(Decimal(5), Decimal(2)),
        Room(Decimal(0), Decimal(0)),
        Room(Decimal(-1), Decimal(1)),
    ]
    assert here.document(Window.DAILY)["room"] == {"peak_drawdown": "5", "max_drawdown": "2"}
    unasked = here.under(TARGETS_FILE=str(here.log_dir / "none.yaml")).summary()
    assert unasked.room == Room(None, None)


def test_a_week_says_nothing_of_what_rests_on_all_trades(here: Place) -> None:
    document = here.document(Window.WEEKLY)
    assert {"peak_drawdown", "room", "edge"}.isdisjoint(document)


def test_nothing_has_fallen_before_the_first_log(here: Place) -> None:
    before = here.summary(Window.DAILY, DAY - ONE_DAY)
    assert before.peak_drawdown == 0
    assert here.summary(Window.ROLLING, DAY - ONE_DAY).edge == EdgeReading(Decimal(0), Decimal(4))


def test_trades_before_the_first_partition_do_not_count(here: Place) -> None:
    later = here.under(START_DATE=str(NEXT_DAY))
    assert later.summary(Window.DAILY, LAST_DAY).peak_drawdown == -6


# --- what is stored, changed and lost -----------------------------------------------------------


def test_the_days_of_the_past_are_neither_read_nor_loaded_again(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.materialize(DAY, NEXT_DAY, LAST_DAY)
    expected = here.document(Window.DAILY, LAST_DAY)
    loaded: list[date] = []

    def listening(output: Store, day: date) -> Any:
        loaded.append(day)
        return load_day(output, day)

    monkeypatch.setattr("performance_pipeline.storage.aggregates.load_day", listening)
    assert here.document(Window.DAILY, LAST_DAY) == expected
    # The first one says from where on logs are missing.
    assert set(loaded) == {DAY, LAST_DAY}


def test_a_run_of_new_days_remembers_the_ones_before_it_without_storing_them(here: Place) -> None:
    here.materialize(LAST_DAY)
    index = json.loads((here.output / "performance-index.json").read_bytes())
    assert list(index["days"]) == [str(DAY), str(NEXT_DAY), str(LAST_DAY)]
    assert not here.aggregate_path(DAY).exists()


@pytest.mark.parametrize("stored", [(), (DAY,), (DAY, NEXT_DAY, LAST_DAY)])
def test_a_log_of_the_past_that_changes_is_counted_as_it_is_now(
    here: Place, stored: Sequence[date]
) -> None:
    here.materialize(*stored)
    here.write(DAY, *session("5", "-1", "4", "100"))
    assert peaks(here)[2] == -6
    here.write(NEXT_DAY, *session("-3", "-20", day=NEXT_DAY))
    assert peaks(here)[1:3] == [Decimal(-23), Decimal(-24)]
    assert list(verify(here.tracker(), periods_of(DAY, LAST_DAY))) == []


def test_a_log_that_disappeared_counts_as_it_was(here: Place) -> None:
    here.materialize(DAY, NEXT_DAY, LAST_DAY)
    before = peaks(here), edges(here)
    here.path(DAY).unlink()
    assert (peaks(here), edges(here)) == before
    tracker = here.tracker()
    later = [Period.of(window, LAST_DAY) for window in (Window.DAILY,)]
    assert not any(rests_on_lost_logs(tracker, period) for period in later)
    # What can be recounted still is, and what rests on that log is left out.
    assert list(verify(tracker, later)) == []


def test_behind_a_log_that_cannot_be_read_it_is_unknown_and_the_rest_goes_on(here: Place) -> None:
    here.path(DAY).unlink()
    archive = here.path(DAY).with_name(f"{DAY}.jsonl.gz")
    archive.write_bytes(gzip.compress(b"{}\n" * 1000)[:-20])
    summary = here.summary(Window.DAILY, LAST_DAY)
    assert (summary.total_trades, summary.peak_drawdown) == (3, None)
    assert summary.room == Room(None, Decimal(1))
    [warning] = summary.data_quality.warnings
    assert warning.startswith("What rests on all trades so far, such as the peak drawdown, cannot")
    assert str(archive) in warning
    assert list(verify(here.tracker(), [Period.of(Window.DAILY, LAST_DAY)])) == []


# --- any folder, any zone, whatever is stored ---------------------------------------------------


@pytest.mark.parametrize("pairing", ["none", "fifo"])
@given(data=st.data())
@examples(40)
def test_verdicts_on_edge_room_and_strategies_equal_a_recount_of_all_lines(
    pairing: str, data: st.DataObject
) -> None:
    folder = data.draw(folders(of_fills=pairing != "none"))
    now = datetime(2027, 1, 1, tzinfo=UTC)
    with TemporaryDirectory() as root:
        here = with_targets(
            Path(root),
            PAIRING=pairing,
            ALERT_ROLLING_WINDOW=str(data.draw(st.integers(1, 5))),
            SUMMARY_TIMEZONE=data.draw(st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo"))),
        )
        for day, content in folder.logs.items():
            here.write_bytes(day, content)
        here.materialize(*data.draw(st.lists(st.sampled_from(folder.days), unique=True)), now=now)
        asked = data.draw(st.sampled_from(folder.days))
        periods = [Period.of(window, asked) for window in PARTITIONED_WINDOWS]
        assert list(verify(here.tracker(now), periods)) == []
        here.write_bytes(folder.days[0], b"")
        assert list(verify(here.tracker(now), periods)) == []
