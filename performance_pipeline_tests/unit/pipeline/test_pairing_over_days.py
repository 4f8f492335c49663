"""Pairing over days and edits: what is made again when the past changes, and what is not.

What belongs here: fills on real files, materialized in any order and edited in between. That every
number equals a replay of all raw lines is held, for fills too, by `test_recombination_properties`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.windows import Window
from performance_pipeline.storage.logs import UnreadableLogError
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    ONE_DAY,
    Place,
    log,
    opened,
    place,
    set_modified,
)
from performance_pipeline_tests.support.strategies import contents

FIRST: Final = date(2025, 6, 9)  # a Monday
DAYS: Final = [FIRST + number * ONE_DAY for number in range(5)]
NOW: Final = datetime(2025, 7, 20, 12, tzinfo=UTC)


def bought(day: date, quantity: str = "1", price: str = "100", clock: str = "14:30") -> bytes:
    return trade("BUY", day, quantity, price, clock)


def sold(day: date, quantity: str = "1", price: str = "101", clock: str = "15:30") -> bytes:
    return trade("SELL", day, quantity, price, clock)


def trade(action: str, day: date, quantity: str, price: str, clock: str) -> bytes:
    return opened(
        None, f"{day}T{clock}:00Z", action=action, quantity=quantity, price=price, order_id=None
    )


def msft(line: bytes) -> bytes:
    return line.replace(b"AAPL", b"MSFT")


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path / "logs", PAIRING="fifo", START_DATE="2025-06-01")


def pnl(here: Place, day: date, window: Window = Window.DAILY) -> str:
    return str(here.summary(window, day, NOW).realized_pnl.normalize())


def reached_by(here: Place, *days: date) -> list[date]:
    """Which other days are made again when `days` are refreshed."""
    store = here.tracker(NOW).store
    for day in days:
        store.refresh(day)
    reached = [day.date for day in store.refresh_reached()]
    store.save_index()
    return reached


def write_round_trips(here: Place, days: list[date] = DAYS) -> None:
    for day in days:
        here.write(day, bought(day), sold(day))
    here.materialize(*days, now=NOW)


def test_an_old_fill_of_a_bot_that_is_flat_every_evening_reaches_its_own_day_alone(
    here: Place,
) -> None:
    write_round_trips(here)
    here.write(DAYS[1], bought(DAYS[1], price="90"), sold(DAYS[1]))
    assert reached_by(here, DAYS[1]) == []
    assert [pnl(here, day) for day in DAYS] == ["1", "11", "1", "1", "1"]


def test_a_fill_of_a_position_held_for_days_reaches_up_to_the_day_that_closes_it(
    here: Place,
) -> None:
    write_round_trips(here)
    round_trip = [bought(DAYS[0]), sold(DAYS[0])]
    here.write(DAYS[0], *round_trip, msft(bought(DAYS[0])))
    here.write(DAYS[3], bought(DAYS[3]), sold(DAYS[3]), msft(sold(DAYS[3])))
    here.materialize(*DAYS, now=NOW)
    assert pnl(here, DAYS[3]) == "2"
    here.write(DAYS[0], *round_trip, msft(bought(DAYS[0], price="95")))
    assert reached_by(here, DAYS[0]) == DAYS[1:4]
    assert pnl(here, DAYS[3]) == "7"


def test_a_day_that_closes_the_changed_lot_and_keeps_another_ends_the_ripple(here: Place) -> None:
    write_round_trips(here)
    here.write(DAYS[0], bought(DAYS[0]), sold(DAYS[0]), bought(DAYS[0], clock="16:00"))
    here.materialize(*DAYS, now=NOW)
    here.write(DAYS[0], bought(DAYS[0]), sold(DAYS[0]), bought(DAYS[0], price="95", clock="16:00"))
    # First in, first out: the next day sells that lot and keeps its own.
    assert reached_by(here, DAYS[0]) == [DAYS[1]]
    assert [pnl(here, day) for day in DAYS] == ["1", "6", "1", "1", "1"]


def test_days_without_a_log_between_are_reached_as_their_positions_change(here: Place) -> None:
    here.write(DAYS[0], bought(DAYS[0], quantity="2"))
    here.write(DAYS[4], sold(DAYS[4]))
    here.materialize(*DAYS, now=NOW)
    here.write(DAYS[0], bought(DAYS[0], quantity="3"))
    assert reached_by(here, DAYS[0]) == DAYS[1:]
    document = here.document(Window.DAILY, DAYS[2], NOW)
    assert [row["quantity"] for row in document["open_positions"]] == ["3"]


def test_a_line_inserted_above_changes_no_position_and_reaches_no_other_day(here: Place) -> None:
    here.write(DAYS[0], bought(DAYS[0]))
    here.write(DAYS[2], sold(DAYS[2]))
    here.materialize(*DAYS, now=NOW)
    here.write(DAYS[0], msft(bought(DAYS[0])), msft(sold(DAYS[0])), bought(DAYS[0]))
    assert reached_by(here, DAYS[0]) == []


def test_a_deleted_log_keeps_its_fills_and_they_are_paired_again_when_the_past_changes(
    here: Place,
) -> None:
    here.write(DAYS[0], bought(DAYS[0]))
    here.write(DAYS[1], sold(DAYS[1]))
    here.materialize(*DAYS, now=NOW)
    here.path(DAYS[1]).unlink()
    assert pnl(here, DAYS[1]) == "1"
    here.write(DAYS[0], bought(DAYS[0], price="60"))
    assert pnl(here, DAYS[1]) == "41"
    assert reached_by(here, DAYS[0]) == [DAYS[1]]
    assert pnl(here, DAYS[1]) == "41"
    quality = here.summary(Window.DAILY, DAYS[1], NOW).data_quality
    assert any("disappeared" in warning for warning in quality.warnings)


def test_fills_that_are_lost_with_their_log_are_named_when_the_past_changes(here: Place) -> None:
    here.write(DAYS[0], bought(DAYS[0]))
    here.write(DAYS[1], sold(DAYS[1]))
    here.materialize(*DAYS, now=NOW)
    here.path(DAYS[1]).unlink()
    for kept in (here.output / "fills").iterdir():
        kept.unlink()
    assert pnl(here, DAYS[1]) == "1"
    here.write(DAYS[0], bought(DAYS[0], price="60"))
    with pytest.raises(UnreadableLogError, match=rf"^{DAYS[1]}\.jsonl: disappeared, and its fills"):
        here.summary(Window.DAILY, DAYS[1], NOW)


def test_a_fresh_checkpoint_serves_and_no_older_log_is_read(here: Place) -> None:
    write_round_trips(here)
    here.write(DAYS[3], bought(DAYS[3], price="50"), sold(DAYS[3]))
    sizes = {day: here.path(day).stat() for day in DAYS[:3]}
    for day, status in sizes.items():
        # As large and as old as it was, but no log any more: whoever reads it fails.
        here.path(day).write_bytes(b"\xff" * status.st_size)
        set_modified(here.path(day), status.st_mtime_ns)
    assert pnl(here, DAYS[3]) == "51"
    assert pnl(here, DAYS[4], Window.ROLLING) == "55"


def test_a_refresh_of_the_newest_day_alone_leaves_a_checkpoint_for_each_day_before(
    here: Place,
) -> None:
    for day in DAYS:
        here.write(day, bought(day, quantity="2"), sold(day))
    assert reached_by(here, DAYS[-1]) == []
    for day in DAYS:
        assert here.aggregate_path(day).exists()
    assert pnl(here, DAYS[-1]) == "1"


def test_deleting_index_aggregates_or_fills_costs_time_and_no_number(here: Place) -> None:
    for day in DAYS:
        here.write(day, bought(day, quantity="2"), sold(day))
    here.materialize(*DAYS, now=NOW)
    expected = here.documents(DAYS, NOW)
    (here.output / "performance-index.json").unlink()
    assert here.documents(DAYS, NOW) == expected
    for kept in (here.output / "fills").iterdir():
        kept.unlink()
    assert here.documents(DAYS, NOW) == expected
    here.aggregate_path(DAYS[1]).unlink()
    assert here.documents(DAYS, NOW) == expected
    here.write(DAYS[0], bought(DAYS[0], price="10"), sold(DAYS[0]))
    assert pnl(here, DAYS[0]) == "91"


def test_other_pairing_settings_make_every_day_stale(here: Place) -> None:
    here.write(
        DAYS[0],
        bought(DAYS[0], price="100", clock="10:00"),
        bought(DAYS[0], price="90", clock="11:00"),
        sold(DAYS[0]),
    )
    here.materialize(*DAYS, now=NOW)
    lifo, none = here.under(PAIRING="lifo"), here.under(PAIRING="none")
    assert [pnl(one, DAYS[0]) for one in (here, lifo, none)] == ["1", "11", "0"]
    assert none.summary(Window.DAILY, DAYS[0], NOW).open_positions is None
    flat = here.under(TRADE="flat")
    assert flat.summary(Window.DAILY, DAYS[0], NOW).total_trades == 0


def test_no_account_stands_in_any_file(here: Place) -> None:
    lines = [
        opened(None, f"{DAYS[0]}T1{hour}:00:00Z", action=action, account_id="U-secret-7")
        for hour, action in enumerate(("BUY", "SELL", "BUY"))
    ]
    here.write(DAYS[0], *lines)
    here.materialize(*DAYS, now=NOW)
    assert f"fills/{DAYS[0]}.json" in here.written()
    for name, content in here.written().items():
        assert b"U-secret-7" not in content, name


def test_100_positions_held_for_a_year_keep_no_more_than_they_hold(here: Place) -> None:
    symbols = [f"S{number:03}" for number in range(100)]
    here.write(FIRST, *[bought(FIRST).replace(b"AAPL", symbol.encode()) for symbol in symbols])
    days = [FIRST + number * ONE_DAY for number in range(1, 366)]
    last = datetime.combine(days[-1], NOW.time(), tzinfo=UTC)
    for day in days:
        here.write(day, bought(day), sold(day))
    store = here.tracker(last).store
    for day in (FIRST, *days):
        store.refresh(day)
    store.save_index()
    sizes = [here.aggregate_path(day).stat().st_size for day in days]
    assert max(sizes) - min(sizes) < 200


# --- any edits, in any order --------------------------------------------------------------------


def logs_of(here: Place) -> Mapping[date, bytes]:
    return {day: here.path(day).read_bytes() for day in DAYS if here.path(day).exists()}


@examples(25)
@given(data=st.data())
def test_after_any_edits_what_is_stored_is_what_a_fresh_folder_would_hold(
    data: st.DataObject,
) -> None:
    zone = data.draw(st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo")))
    trade_kind = data.draw(st.sampled_from(("exit", "flat")))
    with TemporaryDirectory() as folder:
        here = place(
            Path(folder) / "edited",
            PAIRING=data.draw(st.sampled_from(("fifo", "lifo"))),
            TRADE=trade_kind,
            SHORT_SELLING=data.draw(st.sampled_from(("yes", "no"))),
            SUMMARY_TIMEZONE=zone,
            START_DATE="2025-06-01",
        )
        here.write_bytes(DAYS[0], data.draw(contents(DAYS[0], of_fills=True)))
        around = [FIRST - ONE_DAY, *DAYS, DAYS[-1] + ONE_DAY]
        reached_by(here, *around)
        for _ in range(data.draw(st.integers(1, 4))):
            day = data.draw(st.sampled_from(DAYS))
            edit = data.draw(st.sampled_from(("append", "insert", "replace")))
            new = data.draw(contents(day, max_lines=3, of_fills=True))
            old = here.path(day).read_bytes() if here.path(day).exists() else b""
            old = old if not old or old.endswith(b"\n") else old + b"\n"
            here.write_bytes(
                day, {"append": old + new, "insert": log(new) + old, "replace": new}[edit]
            )
            # What the automation runs: the changed day, and the days that a log may spill into.
            reached_by(here, day - ONE_DAY, day, day + ONE_DAY)
        fresh = here.under(LOG_DIR=str(here.log_dir), OUTPUT_DIR=str(Path(folder) / "fresh"))
        reached_by(fresh, *around)
        for day in around:
            stored, made = here.aggregate_path(day), fresh.aggregate_path(day)
            assert stored.read_bytes() == made.read_bytes(), day
        assert here.documents(around, NOW) == fresh.documents(around, NOW)


def test_a_log_read_while_it_grows_comes_to_the_same_as_read_once(here: Place) -> None:
    day = NOW.date()
    lines = [bought(day, clock=f"0{hour}:15") for hour in range(1, 5)]
    lines += [sold(day, clock=f"0{hour}:30", price=f"10{hour}") for hour in range(5, 9)]
    for count in range(1, len(lines) + 1):
        here.write(day, *lines[:count])
        reached_by(here, day)
    fresh = here.under(OUTPUT_DIR=str(here.log_dir / "fresh"))
    reached_by(fresh, day)
    assert here.aggregate_path(day).read_bytes() == fresh.aggregate_path(day).read_bytes()
    assert (here.output / "fills" / f"{day}.json").read_bytes() == (
        fresh.output / "fills" / f"{day}.json"
    ).read_bytes()


def test_windows_equal_the_sum_of_their_days_and_hold_the_positions_of_their_last(
    here: Place,
) -> None:
    for day in DAYS:
        here.write(day, bought(day, quantity="2"), sold(day, price="103"))
    here.materialize(*DAYS, now=NOW)
    week = here.summary(Window.WEEKLY, FIRST, NOW)
    assert (week.total_trades, str(week.realized_pnl)) == (5, "15")
    # Five of ten are sold, the oldest first: one of the third day's, and all that came later.
    assert week.open_trades == 3
    assert week.unrealized_pnl is None
    assert week.open_positions is not None
    assert [str(row.quantity) for row in week.open_positions] == ["5"]
    later = here.summary(Window.WEEKLY, FIRST + timedelta(days=7), NOW)
    assert (later.open_trades, later.open_positions) == (0, week.open_positions)
