"""What needs more than one line of a log: duplicates, order, filters, and what is not read yet."""

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from performance_pipeline.domain import log_reading
from performance_pipeline.domain.aggregate import DailyAggregate
from performance_pipeline.domain.log_reading import ReadingRules, read_log
from performance_pipeline.domain.open_book import OpenBook
from performance_pipeline.domain.windows import Window
from performance_pipeline_tests.support.lines import (
    ABSENT,
    BOM,
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    at,
    breakeven,
    line,
    log,
    loss,
    opened,
    place,
    read,
    session,
    win,
)

MIDDAY = datetime(2025, 6, 10, 12, tzinfo=UTC)  # while the log of DAY is being written
BAD = line(price="12,50")
A, B, C = session("1", "10", "100")


def only(content: bytes) -> DailyAggregate:
    """The aggregate of a log of DAY, all of whose records fall on DAY."""
    parts = read(content)
    assert list(parts) == [DAY]
    return parts[DAY]


def pnls(aggregate: DailyAggregate) -> list[int]:
    """The P&L of the closed trades, in the order in which they count."""
    return [int(trade.pnl) for trade in aggregate.tail if trade.pnl is not None]


def instants(aggregate: DailyAggregate) -> list[str]:
    return [trade.instant.strftime("%d %H:%M:%S.%f") for trade in aggregate.tail]


# --- duplicates -------------------------------------------------------------------------------

DUPLICATES = [
    pytest.param(log(A, A), [1], 1, id="the next line"),
    pytest.param(log(A, B, C, A), [1, 10, 100], 1, id="a line far down"),
    pytest.param(log(A, A, A), [1], 2, id="three times is two duplicates"),
    pytest.param(log(A, B, A, B), [1, 10], 2, id="two lines, each twice"),
    pytest.param(log(A) + A, [1], 1, id="without a line end"),
    pytest.param(A + b"\r\n" + A + b"\n", [1], 1, id="another line end"),
    pytest.param(log(b" \t" + A, A + b"  ", A), [1], 2, id="blanks around it"),
    pytest.param(BOM + log(A, A), [1], 1, id="after a byte-order mark"),
    pytest.param(log(A, b"", A), [1], 1, id="blank lines are no duplicates"),
    pytest.param(log(BAD, BAD, BAD), [], 0, id="bad lines are none"),
    pytest.param(log(A, BAD, A, BAD), [1], 1, id="bad lines are none beside one"),
    pytest.param(log(A, A.replace(b": ", b":")), [1, 1], 0, id="other blanks inside"),
    pytest.param(log(A, A[:-1] + b', "n": 1}'), [1, 1], 0, id="one more field"),
    pytest.param(log(win("1"), win("1.0")), [1, 1], 0, id="the same number written otherwise"),
    pytest.param(
        log(win("1", at("14:30")), win("1", "2025-06-10T14:30:00+00:00")),
        [1, 1],
        0,
        id="the same instant written otherwise",
    ),
]


@pytest.mark.parametrize(("content", "counted", "duplicates"), DUPLICATES)
def test_the_same_bytes_accepted_earlier_in_the_file_count_once(
    content: bytes, counted: list[int], duplicates: int
) -> None:
    aggregate = only(content)
    assert pnls(aggregate) == counted
    assert aggregate.quality.duplicates == duplicates
    assert aggregate.quality.accepted == len(counted)


def test_different_lines_of_one_instant_are_told_apart() -> None:
    lines = [win(str(10**power), at("14:30")) for power in range(6)]
    aggregate = only(log(*lines, *reversed(lines), *lines))
    assert pnls(aggregate) == [1, 10, 100, 1000, 10000, 100000]
    assert aggregate.quality.duplicates == 12


def test_the_same_bad_line_twice_is_two_rejected_lines() -> None:
    quality = only(log(BAD, A, BAD)).quality
    assert (quality.rejected, quality.duplicates) == (2, 0)
    assert [(found.line, found.reason) for found in quality.rejected_lines] == [
        (1, "price: not a number"),
        (3, "price: not a number"),
    ]


def test_a_line_rejected_once_makes_no_duplicate_of_an_accepted_one() -> None:
    # The bytes are the same but for the mark, which is nothing only at the start of a file.
    quality = only(log(A, BOM + A, A)).quality
    assert (quality.accepted, quality.rejected, quality.duplicates) == (1, 1, 1)


def test_the_same_line_in_two_files_is_no_duplicate(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(DAY, A)
    here.write(NEXT_DAY, A)
    both = here.tracker().get_range(DAY, NEXT_DAY)
    assert (both.total_trades, both.data_quality.duplicates) == (2, 0)
    assert both.data_quality.misdated == 1


def test_an_open_record_is_counted_once_however_often_it_is_written() -> None:
    again = opened("2")
    aggregate = only(log(again, again, again))
    assert (aggregate.opens.open_trades, aggregate.opens.unrealized_pnl) == (1, Decimal(2))
    assert (aggregate.quality.accepted, aggregate.quality.duplicates) == (1, 2)


def test_misdated_lines_are_duplicates_too() -> None:
    early = win("1", "2025-06-01T10:00Z")
    earlier = win("2", "2025-05-01T10:00Z")
    aggregate = only(log(early, earlier, early, earlier))
    assert pnls(aggregate) == [1, 2]
    assert (aggregate.quality.misdated, aggregate.quality.duplicates) == (2, 2)


def test_duplicates_and_rejected_lines_stand_with_the_day_the_file_is_named_for(
    tmp_path: Path,
) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE="Asia/Tokyo")
    evening = win("5", at("20:00"))  # the next morning in Tokyo
    here.write(DAY, evening, evening, BAD)
    named_for, following = here.summary(day=DAY), here.summary(day=NEXT_DAY)
    assert (named_for.total_trades, following.total_trades) == (0, 1)
    quality = named_for.data_quality
    assert (quality.accepted, quality.duplicates, quality.rejected) == (0, 1, 1)
    assert quality.status == "partial"
    quality = following.data_quality
    assert (quality.accepted, quality.duplicates, quality.rejected) == (1, 0, 0)
    assert quality.status == "complete"


def test_a_duplicate_of_a_record_that_is_filtered_out_is_reported_all_the_same(
    tmp_path: Path,
) -> None:
    here = place(tmp_path, EXECUTION_MODE="PAPER")
    here.write(DAY, A, A)
    summary = here.summary()
    assert summary.total_trades == 0
    assert (summary.data_quality.accepted, summary.data_quality.duplicates) == (1, 1)


# --- partial exits and open records -----------------------------------------------------------


def test_partial_exits_of_one_order_all_count(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(
        DAY,
        opened(None, at("14:00"), order_id="o-1", quantity="9"),
        win("10", at("14:10"), order_id="o-1", quantity="3"),
        loss("-4", at("14:20"), order_id="o-1", quantity="3"),
        win("1", at("14:30"), order_id="o-1", quantity="3"),
    )
    summary = here.summary()
    assert (summary.total_trades, summary.realized_pnl) == (3, Decimal(7))
    assert (summary.open_trades, summary.unrealized_pnl) == (0, Decimal(0))
    assert summary.data_quality.duplicates == 0


OPENS = [
    pytest.param([opened("3", order_id="o-1")], 1, "3", id="still open"),
    pytest.param([opened("3", order_id="o-1"), opened("4", order_id="o-2")], 2, "7", id="two"),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), win("5", at("11:00"), order_id="o-1")],
        0,
        "0",
        id="a closed record ends it",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), opened("4", at("11:00"), order_id="o-1")],
        1,
        "4",
        id="an open one replaces it",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), opened(None, at("11:00"), order_id="o-1")],
        1,
        None,
        id="also by an unknown P&L",
    ),
    pytest.param(
        [opened(None, at("10:00"), order_id="o-1"), opened("4", at("11:00"), order_id="o-1")],
        1,
        "4",
        id="an unknown P&L becomes known",
    ),
    pytest.param(
        [
            opened("3", at("10:00"), order_id="o-1"),
            win("5", at("11:00"), order_id="o-1"),
            opened("6", at("12:00"), order_id="o-1"),
        ],
        1,
        "6",
        id="opened again after its close",
    ),
    pytest.param(
        [win("5", at("09:00"), order_id="o-1"), opened("3", at("10:00"), order_id="o-1")],
        1,
        "3",
        id="a close before it ends nothing",
    ),
    pytest.param(
        [win("5", at("11:00"), order_id="o-1"), opened("3", at("10:00"), order_id="o-1")],
        0,
        "0",
        id="by instant, not by place in the file",
    ),
    pytest.param(
        [
            opened("3", at("10:00"), order_id="o-1"),
            win("5", at("09:00"), order_id="o-1", exit_timestamp=at("11:00")),
        ],
        0,
        "0",
        id="a close counts at its exit",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), win("5", at("10:00"), order_id="o-1")],
        0,
        "0",
        id="at one instant the later line comes later",
    ),
    pytest.param(
        [win("5", at("10:00"), order_id="o-1"), opened("3", at("10:00"), order_id="o-1")],
        1,
        "3",
        id="at one instant, the other way round",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), win("5", at("11:00"), order_id="o-10")],
        1,
        "3",
        id="a longer id is another order",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), win("5", at("11:00"), order_id="O-1")],
        1,
        "3",
        id="so is one in capitals",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id='a"b\\é'), win("5", at("11:00"), order_id='a"b\\é')],
        0,
        "0",
        id="any text is an order id",
    ),
    pytest.param(
        [opened("3", at("10:00"), order_id="o-1"), opened("3", at("10:01"), order_id="o-1")] * 2,
        1,
        "3",
        id="with duplicates",
    ),
    pytest.param([opened(None), opened("4", at("11:00"))], 2, None, id="one of two unknown"),
    pytest.param([opened("0")], 1, "0", id="zero is known"),
]


@pytest.mark.parametrize(("lines", "open_trades", "unrealized"), OPENS)
def test_a_later_record_of_the_order_supersedes_an_open_one(
    lines: list[bytes], open_trades: int, unrealized: str | None, tmp_path: Path
) -> None:
    here = place(tmp_path)
    here.write(DAY, *lines)
    document = here.document()
    assert (document["open_trades"], document["unrealized_pnl"]) == (open_trades, unrealized)


def test_the_id_of_an_order_is_kept_once_however_many_records_it_has() -> None:
    records = [opened("3", order_id="o-1"), win("4", order_id="o-1"), opened("3", order_id="o-2")]
    assert only(log(*records)).opens.order_ids == (msgspec.Raw(b'["o-1","o-2"]'),)


def test_the_ids_of_stretches_that_share_an_order_are_kept_once() -> None:
    first, second = only(log(opened("3", order_id="o-1"))), only(log(win("4", order_id="o-1")))
    joined = OpenBook.joined([first.opens, second.opens]).compact()
    assert joined.order_ids == (msgspec.Raw(b'["o-1"]'),)


@pytest.mark.parametrize("order_id", [None, "", ABSENT], ids=["null", "empty", "absent"])
def test_a_null_or_empty_order_id_matches_nothing(order_id: object, tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(
        DAY,
        opened("1", at("10:00"), order_id=order_id),
        opened("10", at("11:00"), order_id=order_id),
        win("100", at("12:00"), order_id=order_id),
    )
    here.write(NEXT_DAY, win("1000", at("12:00", NEXT_DAY), order_id=order_id))
    both = here.tracker().get_range(DAY, NEXT_DAY)
    assert (both.open_trades, both.unrealized_pnl) == (2, Decimal(11))
    assert (both.total_trades, both.realized_pnl) == (2, Decimal(1100))


def test_an_order_closed_on_a_later_day_is_open_in_a_window_that_ends_before(
    tmp_path: Path,
) -> None:
    here = place(tmp_path)
    here.write(DAY, opened("3", order_id="o-1"), opened("4", order_id="o-2"))
    here.write(NEXT_DAY, win("5", at("10:00", NEXT_DAY), order_id="o-1"))
    tracker = here.tracker()
    opens = {
        name: (summary.open_trades, summary.unrealized_pnl)
        for name, summary in {
            "the day": tracker.get_summary(Window.DAILY, DAY),
            "the next day": tracker.get_summary(Window.DAILY, NEXT_DAY),
            "the week": tracker.get_summary(Window.WEEKLY, DAY),
            "rolling to the day": tracker.get_summary(Window.ROLLING, DAY),
            "rolling to the next": tracker.get_summary(Window.ROLLING, NEXT_DAY),
        }.items()
    }
    assert opens == {
        "the day": (2, Decimal(7)),
        "the next day": (0, Decimal(0)),
        "the week": (1, Decimal(4)),
        "rolling to the day": (2, Decimal(7)),
        "rolling to the next": (1, Decimal(4)),
    }


def test_many_orders_carried_from_day_to_day_are_closed_by_their_own_records(
    tmp_path: Path,
) -> None:
    here = place(tmp_path)
    here.write(DAY, *(opened(str(2**n), order_id=f"o-{n}") for n in range(30)))
    closing = [win("1", at("10:00", NEXT_DAY), order_id=f"o-{n}") for n in range(0, 30, 2)]
    here.write(NEXT_DAY, *closing)
    both = here.tracker().get_range(DAY, NEXT_DAY)
    assert both.open_trades == 15
    assert both.unrealized_pnl == sum(2**n for n in range(1, 30, 2))


# --- misdated records -------------------------------------------------------------------------

FIRST, LAST = "10 00:00:00.000000", "10 23:59:59.999999"
MISDATED = [
    pytest.param(win("1", "2025-06-10T00:00:00Z"), FIRST, 0, id="the first instant"),
    pytest.param(win("1", "2025-06-10T23:59:59.999999Z"), LAST, 0, id="the last instant"),
    pytest.param(win("1", "2025-06-10T23:59:59.9999999Z"), LAST, 0, id="digits dropped"),
    pytest.param(win("1", "2025-06-09T23:59:59.999999Z"), FIRST, 1, id="just before"),
    pytest.param(win("1", "2025-06-11T00:00:00Z"), LAST, 1, id="just after"),
    pytest.param(win("1", "2020-02-29T12:00:00Z"), FIRST, 1, id="years before"),
    pytest.param(win("1", "2031-02-28T12:00:00Z"), LAST, 1, id="years after"),
    pytest.param(win("1", "0001-01-01T00:00:00+23:59"), FIRST, 1, id="the first year"),
    pytest.param(win("1", "9999-12-31T23:59:59-23:59"), LAST, 1, id="the last year"),
    pytest.param(win("1", "2025-06-09T22:00:00-05:00"), "10 03:00:00.000000", 0, id="an offset"),
    pytest.param(win("1", "2025-06-10T22:00:00-05:00"), LAST, 1, id="an offset to the next day"),
    pytest.param(
        win("1", "2025-06-09T12:00Z", exit_timestamp="2025-06-10T12:00Z"),
        "10 12:00:00.000000",
        0,
        id="held overnight, closed within",
    ),
    pytest.param(
        win("1", "2025-06-10T12:00Z", exit_timestamp="2025-06-09T12:00Z"),
        FIRST,
        1,
        id="opened within, closed before",
    ),
    pytest.param(
        win("1", "2025-06-10T12:00Z", exit_timestamp="2025-06-11T12:00Z"),
        LAST,
        1,
        id="opened within, closed after",
    ),
]


@pytest.mark.parametrize(("one", "counts_at", "misdated"), MISDATED)
def test_an_instant_outside_the_files_day_is_moved_to_its_edge_and_reported(
    one: bytes, counts_at: str, misdated: int
) -> None:
    aggregate = only(log(one))
    assert instants(aggregate) == [counts_at]
    assert (aggregate.quality.accepted, aggregate.quality.misdated) == (1, misdated)
    assert aggregate.stats.realized_pnl == 1


def test_an_open_record_is_misdated_by_its_timestamp_alone() -> None:
    within = opened("1", "2025-06-10T12:00Z", exit_timestamp="2025-06-12T12:00Z")
    outside = opened("1", "2025-06-12T12:00Z", exit_timestamp="2025-06-10T12:00Z")
    assert only(log(within)).quality.misdated == 0
    assert only(log(outside)).quality.misdated == 1


def test_misdated_records_keep_their_order_of_lines_at_the_edges() -> None:
    content = log(
        win("1", "2025-06-12T00:00Z"),
        win("2", "2025-06-11T00:00Z"),
        win("3", at("12:00")),
        win("4", "2025-06-08T00:00Z"),
        win("5", "2025-06-07T00:00Z"),
    )
    aggregate = only(content)
    assert pnls(aggregate) == [4, 5, 3, 1, 2]
    assert instants(aggregate) == [FIRST, FIRST, "10 12:00:00.000000", LAST, LAST]
    assert aggregate.quality.misdated == 4


def test_a_misdated_record_counts_on_a_trading_day_of_its_own_log(tmp_path: Path) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE="Asia/Tokyo")
    here.write(DAY, win("1", "2025-05-01T00:00Z"), win("10", "2025-08-01T00:00Z"))
    assert here.summary(day=DAY).realized_pnl == 1
    assert here.summary(day=NEXT_DAY).realized_pnl == 10
    both = here.tracker().get_range(date(2025, 4, 1), date(2025, 7, 20))
    assert (both.realized_pnl, both.data_quality.misdated) == (Decimal(11), 2)
    assert both.trading_days == 2


# --- order ------------------------------------------------------------------------------------


def test_instants_are_ordered_as_instants_and_never_as_text() -> None:
    # As text the loss would come last: 14:00 is after 10:30.
    later_win, earlier_loss = win("5", "2025-06-10T10:30:00-05:00"), loss("-3", at("14:00"))
    for content in (log(later_win, earlier_loss), log(earlier_loss, later_win)):
        aggregate = only(content)
        assert pnls(aggregate) == [-3, 5]
        assert aggregate.stats.streaks.trailing_wins == 1
        assert aggregate.stats.drawdown.worst == -3


def test_an_evening_in_new_york_counts_on_the_utc_day_of_its_instant(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(NEXT_DAY, win("5", "2025-06-10T22:00:00-05:00"))
    assert here.summary(day=DAY).total_trades == 0
    assert here.summary(day=NEXT_DAY).realized_pnl == 5
    assert here.summary(day=NEXT_DAY).data_quality.misdated == 0


def test_lines_of_one_instant_count_in_the_order_of_the_file() -> None:
    lines = [win("1"), loss("-2"), win("3"), breakeven(), win("4"), loss("-5")]
    assert pnls(only(log(*lines))) == [1, -2, 3, 0, 4, -5]
    assert pnls(only(log(*reversed(lines)))) == [-5, 4, 0, 3, -2, 1]


def test_one_microsecond_decides_the_order() -> None:
    content = log(win("2", at("14:00:00.000002")), win("1", at("14:00:00.000001")))
    assert pnls(only(content)) == [1, 2]


def test_a_closed_record_is_ordered_by_its_exit() -> None:
    content = log(
        win("2", at("09:00"), exit_timestamp=at("15:00")),
        win("1", at("14:00"), exit_timestamp=at("14:30")),
        loss("-3", at("15:30")),
    )
    assert pnls(only(content)) == [1, 2, -3]


def test_two_files_of_one_trading_day_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE="America/New_York")
    here.write(NEXT_DAY, loss("-3", at("01:00", NEXT_DAY)), loss("-4", at("03:59", NEXT_DAY)))
    here.write(DAY, win("5", at("23:59")), win("6", at("04:00")))
    summary = here.summary()
    assert (summary.total_trades, summary.current_streak, summary.streak_type) == (4, 2, "loss")
    assert (summary.longest_win_streak, summary.max_drawdown) == (2, Decimal(-7))


SHUFFLES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "in order": lambda lines: lines,
    "backwards": lambda lines: lines[::-1],
    "the first line last": lambda lines: [*lines[1:], lines[0]],
    "the last line first": lambda lines: [lines[-1], *lines[:-1]],
    "the later half first": lambda lines: [*lines[40:], *lines[:40]],
    "at random": lambda lines: random.Random(4).sample(lines, len(lines)),
    "neighbours swapped": lambda lines: [
        one for pair in zip(lines[1::2], lines[::2], strict=True) for one in pair
    ],
}


def in_full(parts: dict[date, DailyAggregate]) -> dict[date, DailyAggregate]:
    """The aggregates with their order ids as one list, whatever the stretches they were read in."""
    return {
        day: msgspec.structs.replace(part, opens=part.opens.compact())
        for day, part in parts.items()
    }


@pytest.mark.parametrize("shuffle", SHUFFLES.values(), ids=SHUFFLES)
@pytest.mark.parametrize("window", [1, 2, 7, 40, 41])
def test_lines_further_out_of_order_than_the_window_are_read_as_if_sorted(
    shuffle: Callable[[list[bytes]], list[bytes]], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        line(
            timestamp=at(f"{number // 4:02}:{number % 4:02}"),
            outcome=("win", "loss", "breakeven", "open")[number % 4],
            net_profit_loss=str(number),
            profit_loss=str(number),
            order_id=f"o-{number % 11}",
        )
        for number in range(80)
    ]
    in_order = {zone: read(log(*lines), zone=zone) for zone in ("UTC", "America/New_York")}
    monkeypatch.setattr(log_reading, "REORDER_LINES", window)
    for zone, expected in in_order.items():
        assert in_full(read(log(*shuffle(lines)), zone=zone)) == in_full(expected)


@pytest.mark.parametrize(("first_line", "readings"), [(0, 1), (1, 1), (8, 2)])
def test_a_log_is_read_a_second_time_only_when_it_is_far_out_of_order(
    first_line: int, readings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "REORDER_LINES", 2)
    lines = session(*"123456789")
    lines.insert(first_line, lines.pop(0))
    opened_times = 0

    def open_lines() -> list[bytes]:
        nonlocal opened_times
        opened_times += 1
        return lines

    parts = read_log(open_lines, DAY, ReadingRules(ZoneInfo("UTC"), "ALL", "", 20)).days
    assert pnls(parts[DAY]) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert opened_times == readings


@pytest.mark.parametrize("window", [1, 2, 5, 4096])
def test_duplicates_far_apart_are_found_whatever_the_window(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = session(*(str(number) for number in range(1, 41)))
    monkeypatch.setattr(log_reading, "REORDER_LINES", window)
    aggregate = only(log(*lines, BAD, *lines[::-1], BAD, lines[0]))
    assert pnls(aggregate) == list(range(1, 41))
    assert (aggregate.quality.accepted, aggregate.quality.duplicates) == (40, 41)
    assert aggregate.quality.rejected == 2
    assert [found.line for found in aggregate.quality.rejected_lines] == [41, 82]


@pytest.mark.parametrize("window", [1, 2, 3])
def test_many_lines_of_one_instant_are_read_alike_whatever_the_window(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [win(str(number), at("14:30")) for number in range(1, 13)]
    monkeypatch.setattr(log_reading, "REORDER_LINES", window)
    aggregate = only(log(*lines, *lines))
    assert pnls(aggregate) == list(range(1, 13))
    assert aggregate.quality.duplicates == 12


# --- filters ----------------------------------------------------------------------------------

MIXED = [
    win("1", at("10:00"), execution_mode="LIVE", account_id="U1"),
    win("10", at("11:00"), execution_mode="PAPER", account_id="U1"),
    win("100", at("12:00"), execution_mode="LIVE", account_id="U2"),
    win("1000", at("13:00"), execution_mode=None, account_id="U1"),
    win("10000", at("14:00"), execution_mode="LIVE", account_id=None),
    win("100000", at("15:00"), execution_mode=ABSENT, account_id=""),
]


@pytest.mark.parametrize(
    ("mode", "account", "expected"),
    [
        ("ALL", "", 111111),
        ("LIVE", "", 10101),
        ("PAPER", "", 10),
        ("ALL", "U1", 1011),
        ("LIVE", "U1", 1),
        ("PAPER", "U2", 0),
        ("ALL", "u1", 0),
    ],
)
def test_a_record_left_out_by_a_filter_is_accepted_and_not_counted(
    mode: str, account: str, expected: int, tmp_path: Path
) -> None:
    here = place(tmp_path, EXECUTION_MODE=mode, ACCOUNT=account)
    here.write(DAY, *MIXED, BAD)
    summary = here.summary()
    assert summary.realized_pnl == expected
    assert summary.total_trades == str(expected).count("1")
    assert summary.data_quality.accepted == 6
    assert summary.data_quality.rejected == 1


def test_quality_is_counted_before_the_filters(tmp_path: Path) -> None:
    here = place(tmp_path, EXECUTION_MODE="PAPER")
    here.write(DAY, win("-5", "2025-06-09T10:00Z"), loss("5"), win("1", execution_mode="PAPER"))
    summary = here.summary()
    quality = summary.data_quality
    assert summary.total_trades == 1
    assert (quality.accepted, quality.misdated, quality.outcome_conflicts) == (3, 1, 2)


def test_a_close_that_is_filtered_out_does_not_end_an_open_record(tmp_path: Path) -> None:
    here = place(tmp_path, EXECUTION_MODE="PAPER")
    here.write(
        DAY,
        opened("3", at("10:00"), order_id="o-1", execution_mode="PAPER"),
        win("5", at("11:00"), order_id="o-1", execution_mode="LIVE"),
        opened("7", at("12:00"), order_id="o-2", execution_mode="LIVE"),
    )
    summary = here.summary()
    assert (summary.open_trades, summary.unrealized_pnl) == (1, Decimal(3))


def test_mixed_modes_are_a_warning_only_where_both_count(tmp_path: Path) -> None:
    sentence = "PAPER and LIVE records are mixed; PERFORMANCE_EXECUTION_MODE can count just one."
    here = place(tmp_path)
    here.write(DAY, *MIXED)
    here.write(NEXT_DAY, *session("1", day=NEXT_DAY, execution_mode="LIVE"))
    assert here.summary().data_quality.warnings == (sentence,)
    assert here.summary(Window.WEEKLY).data_quality.warnings == (sentence,)
    assert here.summary(day=NEXT_DAY).data_quality.warnings == ()
    assert here.under(EXECUTION_MODE="LIVE").summary().data_quality.warnings == ()


# --- an unfinished last line ------------------------------------------------------------------


def test_the_last_line_of_today_is_not_read_before_its_line_end(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, log(A) + B)
    assert here.summary(now=MIDDAY).realized_pnl == 1
    assert here.summary(now=MIDDAY).data_quality.accepted == 1
    here.write_bytes(DAY, log(A) + B + b"\n")
    assert here.summary(now=MIDDAY).realized_pnl == 11


@pytest.mark.parametrize("length", [1, 40, 120, len(B) - 1, len(B)])
def test_half_a_line_of_today_is_neither_a_trade_nor_rejected(length: int, tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, log(A) + B[:length])
    summary = here.summary(now=MIDDAY)
    assert (summary.realized_pnl, summary.data_quality.rejected) == (Decimal(1), 0)
    assert summary.data_quality.status == "complete"


def test_an_unfinished_line_is_read_once_the_day_is_over(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, log(A) + B)
    last = datetime(2025, 6, 10, 23, 59, 59, 999_999, tzinfo=UTC)
    assert here.summary(now=last).realized_pnl == 1
    assert here.summary(now=last + timedelta(microseconds=1)).realized_pnl == 11


def test_what_was_materialized_before_a_line_was_finished_is_made_again(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, log(A) + B)
    here.materialize(DAY, now=MIDDAY)
    assert here.summary(now=MIDDAY).realized_pnl == 1
    # Nothing has touched the file since; only its day is over.
    assert here.summary(now=LATER).realized_pnl == 11
    here.materialize(DAY, now=LATER)
    assert here.summary(now=LATER).realized_pnl == 11
    assert here.summary(now=LATER).data_quality.accepted == 2


def test_half_a_line_is_rejected_once_the_day_is_over(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, log(A) + B[:50])
    here.materialize(DAY, now=MIDDAY)
    quality = here.summary(now=LATER).data_quality
    assert (quality.accepted, quality.rejected) == (1, 1)
    assert [(found.line, found.reason) for found in quality.rejected_lines] == [
        (2, "line: not valid JSON")
    ]


def test_an_unfinished_line_alone_is_a_day_without_trades_so_far(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, A)
    summary = here.summary(now=MIDDAY)
    assert (summary.total_trades, summary.data_quality.accepted) == (0, 0)
    assert here.summary(now=LATER).total_trades == 1


@pytest.mark.parametrize(
    ("zone", "now", "read_yet"),
    [
        ("Asia/Tokyo", datetime(2025, 6, 10, 23, tzinfo=UTC), False),  # tomorrow in Tokyo
        ("America/New_York", datetime(2025, 6, 11, 1, tzinfo=UTC), True),  # still DAY there
    ],
)
def test_it_is_the_utc_day_that_decides_whether_a_line_is_unfinished(
    zone: str, now: datetime, read_yet: bool, tmp_path: Path
) -> None:
    here = place(tmp_path, SUMMARY_TIMEZONE=zone)
    here.write_bytes(DAY, win("5"))
    assert here.summary(now=now).total_trades == (1 if read_yet else 0)


def test_a_line_end_of_today_may_be_crlf(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, A + b"\r\n" + B + b"\r")
    assert here.summary(now=MIDDAY).realized_pnl == 1
    here.write_bytes(DAY, A + b"\r\n" + B + b"\r\n")
    assert here.summary(now=MIDDAY).realized_pnl == 11


# --- archived logs ----------------------------------------------------------------------------


def test_an_archived_log_reads_like_the_plain_one(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write_bytes(DAY, BOM + A + b"\r\n\n" + A + b"\n" + BAD + b"\n" + B)
    plain = here.documents([DAY])
    here.archive()
    assert [path.name for path in here.log_dir.glob("*.jsonl*")] == [f"{DAY}.jsonl.gz"]
    assert here.documents([DAY]) == plain
    assert plain[0]["realized_pnl"] == "11"
    assert plain[0]["data_quality"]["rejected_lines"] == [
        {"file": f"{DAY}.jsonl", "line": 4, "reason": "price: not a number"}
    ]


def test_the_plain_log_counts_where_both_exist_and_a_warning_says_so(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(DAY, A)
    here.archive()
    here.write(DAY, B)
    summary = here.summary()
    assert summary.realized_pnl == 10
    assert summary.data_quality.warnings == (
        f"1 log existing both plain and as .gz: the plain one counts ({DAY}.jsonl).",
    )
    assert summary.data_quality.status == "complete"
    here.path().unlink()
    assert here.summary().realized_pnl == 1
    assert here.summary().data_quality.warnings == ()


# --- account ids ------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["", "U-SECRET-778899"], ids=["no filter", "filtered"])
def test_an_account_id_stands_in_no_output(account: str, tmp_path: Path) -> None:
    secret = "U-SECRET-778899"
    here = place(tmp_path, ACCOUNT=account)
    here.write(
        DAY,
        win("5", order_id="o-1", account_id=secret),
        win("5", order_id="o-1", account_id=secret),  # a duplicate
        win("5", order_id="o-2", account_id=secret, price="12,50"),  # rejected
        win("-5", "2025-06-01T10:00Z", account_id=secret),  # misdated, mislabelled
        opened(None, order_id="o-3", account_id=secret),
        line(account_id=[secret]),
        line(account_id={secret: secret}),
        b"{" + json.dumps(secret).encode(),
    )
    here.materialize(DAY, NEXT_DAY)
    written = here.written()
    # Two aggregates, the index, and eight summaries of which the week and the month are one each.
    assert len(written) == 2 + 1 + 2 * (2 + 2 + 1 + 1)
    assert [name for name, content in written.items() if b"SECRET" in content] == []
    assert b"SECRET" not in msgspec.json.encode(here.summary())
    assert here.summary().total_trades == 2
    assert [found.reason for found in here.summary().data_quality.rejected_lines] == [
        "price: not a number",
        "account_id: not a string",
        "account_id: not a string",
        "line: not valid JSON",
    ]


def test_days_before_the_first_partition_count_nowhere(tmp_path: Path) -> None:
    here = place(tmp_path, START_DATE=str(DAY))
    here.write(DAY - ONE_DAY, *session("1", day=DAY - ONE_DAY))
    here.write(DAY, *session("10"))
    assert here.summary(Window.WEEKLY).realized_pnl == 10
    assert here.summary(Window.MONTHLY).realized_pnl == 10
    assert here.summary(Window.ROLLING).realized_pnl == 10
    assert here.summary(day=DAY - ONE_DAY).realized_pnl == 0
