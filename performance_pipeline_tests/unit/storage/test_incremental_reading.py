"""Reading on where a grown log was left: any history of changes leaves the files of one reading."""

import gzip
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain import log_reading
from performance_pipeline.domain.log_reading import LogReading, ReadingRules, read_log
from performance_pipeline.domain.trade_lines import parse_trade
from performance_pipeline.domain.trades import Trade
from performance_pipeline.storage import parts
from performance_pipeline.storage.aggregates import AggregateStore
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.local import LocalSettings

LOG_DAY = date(2025, 3, 5)
NOW = datetime(2025, 3, 5, 23, 59, tzinfo=UTC)
ZONES = ("UTC", "America/New_York", "Asia/Tokyo")


def record(minute: int, *, outcome: str = "win", order: str = "") -> bytes:
    """A line at a minute of the day; its order id names the order it opens or closes."""
    return (
        b'{"timestamp":"2025-03-05T%02d:%02d:00Z","symbol":"X","action":"BUY","quantity":"1",'
        b'"price":"10.%03d","order_id":"%s","outcome":"%s","profit_loss":"%d.10"}\n'
        % (minute // 60, minute % 60, minute, order.encode(), outcome.encode(), minute % 7 - 3)
    )


def folder_settings(folder: Path, zone: str) -> LocalSettings:
    return LocalSettings.from_env(
        {
            "PERFORMANCE_LOG_DIR": str(folder),
            "PERFORMANCE_SUMMARY_TIMEZONE": zone,
            "PERFORMANCE_MARKET_CALENDAR": "none",
        }
    )


def refresh(folder: Path, zone: str) -> dict[str, bytes]:
    """Refresh every day that the log reaches, and return the aggregate files."""
    store = AggregateStore(folder_settings(folder, zone), NOW)
    for day in (date(2025, 3, 4), LOG_DAY, date(2025, 3, 6)):
        store.refresh(day)
    store.save_index()
    files = (folder / "performance" / "aggregates").glob("*.json")
    return {file.name: file.read_bytes() for file in files}


lines = st.one_of(
    st.builds(
        record,
        st.integers(0, 1439),
        outcome=st.sampled_from(["win", "loss", "breakeven", "open"]),
        order=st.sampled_from(["", "a", "b", "c"]),
    ),
    st.sampled_from([b"not json\n", b"\n", b'{"timestamp":1}\r\n']),
)
# What happens to the log between two looks at it.
changes = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(lines, min_size=1, max_size=6)),
        st.tuples(st.just("append in order"), st.lists(lines, min_size=1, max_size=6)),
        st.tuples(st.just("replace"), st.lists(lines, max_size=6)),
        st.tuples(st.just("half a line"), st.lists(lines, min_size=1, max_size=1)),
        st.tuples(st.just("look"), st.just([])),
    ),
    max_size=8,
)


@examples(120)
@given(history=changes, zone=st.sampled_from(ZONES))
def test_any_interleaving_of_changes_and_refreshes_leaves_the_files_of_one_reading(
    tmp_path_factory: pytest.TempPathFactory,
    history: Sequence[tuple[str, list[bytes]]],
    zone: str,
) -> None:
    looked_at = tmp_path_factory.mktemp("looked-at")
    log = looked_at / f"{LOG_DAY}.jsonl"
    content = b""
    for kind, added in history:
        if kind == "replace":
            content = b"".join(added)
        elif kind == "half a line":
            content += added[0][: len(added[0]) // 2]
        elif kind == "append in order":
            content += b"".join(sorted(added))
        else:
            content += b"".join(added)
        log.write_bytes(content)
        refresh(looked_at, zone)
    log.write_bytes(content)
    untouched = tmp_path_factory.mktemp("untouched")
    shutil.copy(log, untouched)

    assert refresh(looked_at, zone) == refresh(untouched, zone)


def test_a_log_that_only_grew_is_read_from_its_last_whole_line_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / f"{LOG_DAY}.jsonl"
    log.write_bytes(b"".join(record(minute) for minute in range(100)))
    refresh(tmp_path, "UTC")
    parsed: list[bytes] = []

    def parse(line: bytes) -> Trade:
        parsed.append(line)
        return parse_trade(line)

    monkeypatch.setattr(log_reading, "parse_trade", parse)
    with log.open("ab") as file:
        file.write(record(100) + record(101))

    refresh(tmp_path, "UTC")

    assert parsed == [record(100).strip(), record(101).strip()]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(record(50), id="before what was counted"),
        pytest.param(record(99), id="a duplicate of the last line"),
        pytest.param(record(99, outcome="loss"), id="at the instant of the last line"),
    ],
)
def test_a_line_that_belongs_before_or_beside_what_was_counted_reads_the_day_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bytes
) -> None:
    log = tmp_path / f"{LOG_DAY}.jsonl"
    log.write_bytes(b"".join(record(minute) for minute in range(100)))
    refresh(tmp_path, "UTC")
    readings: list[date] = []

    def read(lines: Callable[[], Iterable[bytes]], day: date, rules: ReadingRules) -> LogReading:
        readings.append(day)
        return read_log(lines, day, rules)

    monkeypatch.setattr(parts, "read_log", read)
    with log.open("ab") as file:
        file.write(late)

    refresh(tmp_path, "UTC")

    assert readings == [LOG_DAY]


def test_a_line_without_its_end_that_is_written_on_is_read_again(tmp_path: Path) -> None:
    log = tmp_path / f"{LOG_DAY}.jsonl"
    whole = record(1) + record(2)
    log.write_bytes(whole[:-20])
    later = AggregateStore(folder_settings(tmp_path, "UTC"), datetime(2025, 3, 7, tzinfo=UTC))
    assert later.refresh(LOG_DAY).aggregate.quality.rejected == 1
    log.write_bytes(whole)

    again = AggregateStore(folder_settings(tmp_path, "UTC"), datetime(2025, 3, 7, tzinfo=UTC))

    assert again.refresh(LOG_DAY).aggregate.quality.rejected == 0
    assert again.refresh(LOG_DAY).aggregate.stats.total_trades == 2


def test_archiving_a_log_that_was_read_changes_no_byte(tmp_path: Path) -> None:
    log = tmp_path / f"{LOG_DAY}.jsonl"
    log.write_bytes(b"".join(record(minute) for minute in range(9)))
    before = refresh(tmp_path, "Asia/Tokyo")
    with gzip.open(f"{log}.gz", "wb") as archive:
        archive.write(log.read_bytes())
    log.unlink()

    assert refresh(tmp_path, "Asia/Tokyo") == before
