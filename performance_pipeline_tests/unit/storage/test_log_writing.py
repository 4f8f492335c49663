"""Lines added to logs that a bot writes too, and what a killed writer leaves."""

import gzip
import json
import mmap
import os
import stat
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.storage import log_writing
from performance_pipeline.storage.log_writing import (
    DayChange,
    UnfinishedLogError,
    change_logs,
    importing_into,
)
from performance_pipeline_tests.support.lines import line

TODAY: Final = date(2025, 11, 20)
NOW: Final = datetime(2025, 11, 20, 12, tzinfo=UTC)
OLD: Final = date(2025, 11, 3)
PAGE: Final = mmap.PAGESIZE


def record(clock: str, day: date = OLD, **fields: object) -> tuple[datetime, bytes]:
    """A line that counts at a time of a day, and when that is."""
    text = f"{day}T{clock}Z"
    return datetime.fromisoformat(text), line(timestamp=text, **fields)


def change(
    folder: Path, day: date, *added: tuple[datetime, bytes], removed: set[bytes] | None = None
) -> None:
    with importing_into(folder) as logs:
        change_logs(logs, {day: DayChange(removed or set(), list(added))}, NOW)


def lines_of(path: Path) -> list[bytes]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert not content or content.endswith(b"\n")
    return [text for raw in content.split(b"\n") if (text := raw.strip())]


def test_a_settled_log_keeps_its_lines_and_takes_new_ones_in_the_order_of_time(
    tmp_path: Path,
) -> None:
    early, late = record("10:00:00")[1], record("15:00:00")[1]
    misplaced = record("09:00:00")[1]
    path = tmp_path / f"{OLD}.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + early + b"\r\nno json\n" + late + b"\n" + misplaced)
    path.chmod(0o640)
    new = [record("12:00:00"), record("08:00:00"), record("15:00:00", symbol="TIE")]
    change(tmp_path, OLD, *new)
    assert lines_of(path) == [
        new[1][1],
        early,
        b"no json",
        new[0][1],
        late,
        misplaced,
        new[2][1],
    ]
    assert early + b"\r\n" in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_archived_log_stays_an_archive_with_all_its_lines(tmp_path: Path) -> None:
    path = tmp_path / f"{OLD}.jsonl.gz"
    before = record("10:00:00")[1]
    path.write_bytes(gzip.compress(before + b"\n"))
    change(tmp_path, OLD, record("09:00:00"))
    assert lines_of(path) == [record("09:00:00")[1], before]
    assert not (tmp_path / f"{OLD}.jsonl").exists()


def test_a_line_of_a_settled_log_is_replaced_in_its_place(tmp_path: Path) -> None:
    before = [record(f"1{hour}:00:00") for hour in range(3)]
    change(tmp_path, OLD, *before)
    change(tmp_path, OLD, record("11:00:00", price="7"), removed={before[1][1]})
    assert lines_of(tmp_path / f"{OLD}.jsonl") == [
        before[0][1],
        record("11:00:00", price="7")[1],
        before[2][1],
    ]


@pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=1)])
def test_a_live_log_is_appended_to_in_place_for_whoever_holds_it_open(
    tmp_path: Path, day: date
) -> None:
    path = tmp_path / f"{day}.jsonl"
    with path.open("ab", buffering=0) as bot:
        bot.write(record("10:00:00", day)[1] + b"\n")
        change(tmp_path, day, record("09:00:00", day), record("08:00:00", day))
        bot.write(record("11:00:00", day)[1] + b"\n")
    assert lines_of(path) == [
        record(clock, day)[1] for clock in ("10:00:00", "08:00:00", "09:00:00", "11:00:00")
    ]


@pytest.mark.parametrize("begin", [0, 1, 500, PAGE - 1, PAGE, PAGE + 3000])
def test_no_write_to_a_live_log_crosses_the_end_of_a_page(
    tmp_path: Path, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"{TODAY}.jsonl"
    path.write_bytes((b" " * (begin - 1) + b"\n") if begin else b"")
    spans = []

    def write(descriptor: int, block: bytes, write: Callable[[int, bytes], int] = os.write) -> int:
        size = os.fstat(descriptor).st_size
        spans.append((size, size + len(block)))
        return write(descriptor, block)

    monkeypatch.setattr(os, "write", write)
    new = [record(f"10:{minute:02}:00", TODAY, symbol="S" * minute) for minute in range(60)]
    change(tmp_path, TODAY, *new)
    assert lines_of(path) == [text for _, text in new]
    assert spans
    assert all(start // PAGE == (end - 1) // PAGE for start, end in spans)


def test_a_line_longer_than_a_page_is_written_whole(tmp_path: Path) -> None:
    new = [record("10:00:00", TODAY), record("11:00:00", TODAY, symbol="S" * 3 * PAGE)]
    change(tmp_path, TODAY, *new, record("12:00:00", TODAY))
    assert lines_of(tmp_path / f"{TODAY}.jsonl") == [
        *(text for _, text in new),
        record("12:00:00", TODAY)[1],
    ]


def test_nothing_is_appended_to_a_line_that_the_bot_has_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writing, "_PATIENCE_SECONDS", 0.1)
    path = tmp_path / f"{TODAY}.jsonl"
    path.write_bytes(b'{"timestamp"')
    with pytest.raises(UnfinishedLogError, match="its last line is not finished"):
        change(tmp_path, TODAY, record("10:00:00", TODAY))
    assert path.read_bytes() == b'{"timestamp"'


def test_a_line_that_the_bot_is_writing_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / f"{TODAY}.jsonl"
    bots = record("09:00:00", TODAY)[1]
    path.write_bytes(bots[:20])

    def finish() -> None:
        time.sleep(0.1)
        with path.open("ab") as file:
            file.write(bots[20:] + b"\n")

    bot = threading.Thread(target=finish)
    bot.start()
    change(tmp_path, TODAY, record("10:00:00", TODAY))
    bot.join()
    assert lines_of(path) == [bots, record("10:00:00", TODAY)[1]]


def test_a_line_of_a_live_log_is_replaced_without_touching_those_of_the_bot(
    tmp_path: Path,
) -> None:
    path = tmp_path / f"{TODAY}.jsonl"
    first, second = record("09:00:00", TODAY), record("10:00:00", TODAY)
    with path.open("ab", buffering=0) as bot:
        change(tmp_path, TODAY, first)
        bot.write(second[1] + b"\n")
        change(tmp_path, TODAY, record("09:00:00", TODAY, price="7"), removed={first[1]})
        bot.write(record("11:00:00", TODAY)[1] + b"\n")
    assert lines_of(path) == [
        second[1],
        record("09:00:00", TODAY, price="7")[1],
        record("11:00:00", TODAY)[1],
    ]


def test_a_replacing_that_was_killed_half_way_is_ended_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / f"{TODAY}.jsonl"
    lines = [record("09:00:00", TODAY)[1], record("10:00:00", TODAY)[1]]
    path.write_bytes(b" " * 30 + lines[0][30:] + b"\n" + lines[1] + b"\n")
    note = tmp_path / f".{TODAY}.jsonl.replacing"
    note.write_text(json.dumps([[0, len(lines[0])]]))
    with importing_into(tmp_path):
        pass
    assert lines_of(path) == [lines[1]]
    assert not note.exists()


def test_a_note_of_replacing_in_a_log_that_is_archived_since_is_dropped(tmp_path: Path) -> None:
    note = tmp_path / f".{TODAY}.jsonl.replacing"
    note.write_text("[[0, 10]]")
    with importing_into(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".imports.lock"]
