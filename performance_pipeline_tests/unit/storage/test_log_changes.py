"""What the log folder's watcher reports: which days changed, once, and never more than those."""

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.storage.log_changes import Changes, Watch, look
from performance_pipeline.storage.logs import LogFolderError
from performance_pipeline.storage.watches import WATCH_NAME, keep_watch, load_watch
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    log,
    place,
    session,
    set_modified,
)

NOON: Final = datetime(2025, 6, 12, 12, tzinfo=UTC)
TODAY: Final = NOON.date()
BEFORE: Final = DAY - ONE_DAY


@dataclass
class Watcher:
    """Looks again and again, remembering what text can hold as a sensor does."""

    here: Place
    now: datetime = NOON
    cursor: str = field(default="", init=False)

    def look(self, seconds: int = 0) -> Changes:
        self.now += timedelta(seconds=seconds)
        changes, watch = look(self.here.settings, Watch.decode(self.cursor), self.now)
        self.cursor = watch.encode()
        return changes

    def changed(self, seconds: int = 0) -> list[date]:
        return list(self.look(seconds).days)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """Logs of three days, the last of them today, taken up at most every 300 seconds."""
    found = place(tmp_path / "logs", REFRESH_SECONDS="300")
    for day in (BEFORE, NEXT_DAY, TODAY):
        found.write(day, *session("5", "-3", day=day))
    return found


@pytest.fixture
def watcher(here: Place) -> Watcher:
    """One that has seen the folder as it is."""
    found = Watcher(here)
    found.look()
    return found


def test_a_first_look_reports_every_day_from_the_oldest_log_to_today_log_or_none(
    here: Place,
) -> None:
    assert Watcher(here).changed() == [BEFORE, DAY, NEXT_DAY, TODAY]


def test_an_empty_folder_has_nothing_to_report(tmp_path: Path) -> None:
    assert Watcher(place(tmp_path / "logs")).look() == Changes({}, ())


def test_looking_again_reports_nothing(watcher: Watcher) -> None:
    assert [watcher.changed(seconds) for seconds in (0, 30, 3000)] == [[], [], []]


def append(here: Place) -> None:
    with here.path(TODAY).open("ab") as stream:
        stream.write(log(line(timestamp=f"{TODAY}T15:00:00Z")))


def touch(here: Place) -> None:
    set_modified(here.path(NEXT_DAY), 1_700_000_000_000_000_000)


def edit_keeping_the_size(here: Place) -> None:
    content = here.path(BEFORE).read_bytes()
    here.path(BEFORE).write_bytes(content.replace(b'"5"', b'"7"'))


def edit(here: Place) -> None:
    here.write(BEFORE, *session("5", day=BEFORE))


def replace_by_another_file(here: Place) -> None:
    other = here.log_dir / "other"
    other.write_bytes(log(*session("1", "2", "3", day=NEXT_DAY)))
    other.replace(here.path(NEXT_DAY))


def archive(here: Place) -> None:
    here.archive(NEXT_DAY)


def archive_beside(here: Place) -> None:
    archived = here.path(NEXT_DAY).with_suffix(".jsonl.gz")
    archived.write_bytes(gzip.compress(b"anything"))


def delete(here: Place) -> None:
    here.path(NEXT_DAY).unlink()


def fill_a_gap(here: Place) -> None:
    here.write(DAY, *session("9"))


def add_strangers(here: Place) -> None:
    for name in ("performance-alerts.jsonl", "2025-06-10.jsonl.tmp", "notes.txt"):
        (here.log_dir / name).write_text("{}\n")
    (here.log_dir / "performance").mkdir()


def write_an_unfinished_line(here: Place) -> None:
    with here.path(TODAY).open("ab") as stream:
        stream.write(line(timestamp=f"{TODAY}T15:00:00Z")[:40])


def leave_an_older_day_without_its_last_line_end(here: Place) -> None:
    here.path(BEFORE).write_bytes(here.path(BEFORE).read_bytes()[:-1])


@pytest.mark.parametrize(
    ("change", "days"),
    [
        (append, [TODAY]),
        (touch, []),
        (edit_keeping_the_size, [BEFORE]),
        (edit, [BEFORE]),
        (replace_by_another_file, [NEXT_DAY]),
        (archive, []),
        (archive_beside, []),
        (delete, [NEXT_DAY]),
        (fill_a_gap, [DAY]),
        (add_strangers, []),
        (write_an_unfinished_line, []),
        (leave_an_older_day_without_its_last_line_end, [BEFORE]),
    ],
)
def test_a_change_reports_its_own_days_once(
    watcher: Watcher, here: Place, change: Callable[[Place], None], days: list[date]
) -> None:
    change(here)
    assert watcher.changed(301) == days
    assert watcher.changed(301) == []


def test_a_log_put_back_as_it_was_is_reported_as_changed_once_more(
    watcher: Watcher, here: Place
) -> None:
    content = here.path(NEXT_DAY).read_bytes()
    delete(here)
    assert watcher.changed() == [NEXT_DAY]
    here.write_bytes(NEXT_DAY, content)
    assert watcher.changed() == [NEXT_DAY]


def test_an_unfinished_line_counts_once_it_is_completed(watcher: Watcher, here: Place) -> None:
    whole = log(line(timestamp=f"{TODAY}T15:00:00Z"))
    content = here.path(TODAY).read_bytes()
    here.write_bytes(TODAY, content + whole[:40])
    assert watcher.changed(301) == []
    here.write_bytes(TODAY, content + whole)
    assert watcher.changed(301) == [TODAY]


def test_a_line_still_unfinished_when_its_day_is_over_counts_from_then_on(
    watcher: Watcher, here: Place
) -> None:
    write_an_unfinished_line(here)
    assert watcher.changed(301) == []
    assert watcher.changed(86_400) == [TODAY, TODAY + ONE_DAY]


def test_a_trading_day_that_begins_within_a_utc_day_is_seen_though_no_log_has_changed(
    here: Place,
) -> None:
    watcher = Watcher(here.under(SUMMARY_TIMEZONE="America/New_York"))
    watcher.now = datetime(2025, 6, 12, 3, 30, tzinfo=UTC)
    assert watcher.changed()[-1] == TODAY - ONE_DAY
    assert watcher.changed(29 * 60) == []
    assert watcher.changed(60) == [TODAY]
    assert watcher.changed(60) == []


def test_a_growing_log_is_taken_up_at_most_every_refresh_seconds(
    watcher: Watcher, here: Place
) -> None:
    taken_up = []
    for second in range(0, 900, 30):
        append(here)
        if watcher.changed(30):
            taken_up.append(second + 30)
    assert taken_up == [300, 600, 900]


def test_the_last_growth_is_taken_up_although_nothing_follows_it(
    watcher: Watcher, here: Place
) -> None:
    append(here)
    assert watcher.changed(299) == []
    assert watcher.changed(1) == [TODAY]


def test_a_growing_log_that_is_edited_or_cut_does_not_wait(watcher: Watcher, here: Place) -> None:
    here.write(TODAY, *session("5", day=TODAY))
    assert watcher.changed(1) == [TODAY]


def test_a_growing_log_whose_beginning_is_edited_does_not_wait(
    watcher: Watcher, here: Place
) -> None:
    here.write(TODAY, *session("7", "-3", "2", day=TODAY))
    assert watcher.changed(1) == [TODAY]


def test_a_clock_that_is_set_back_keeps_no_growth_waiting(watcher: Watcher, here: Place) -> None:
    append(here)
    assert watcher.changed(-3600) == [TODAY]


def test_without_a_refresh_time_every_growth_is_taken_up(here: Place) -> None:
    watcher = Watcher(here.under(REFRESH_SECONDS="0"))
    watcher.look()
    for _ in range(3):
        append(here)
        assert watcher.changed(1) == [TODAY]


def test_the_next_day_is_reported_when_it_begins_and_missing_ones_when_they_are_over(
    watcher: Watcher,
) -> None:
    # 10 June has no log and is over already; 12 June's is there; 13 June begins, then ends.
    assert watcher.changed(86_400) == [TODAY + ONE_DAY]
    assert watcher.changed(86_400) == [TODAY + ONE_DAY, TODAY + 2 * ONE_DAY]


def test_near_midnight_a_log_is_a_matter_of_both_trading_days_that_it_overlaps(
    here: Place,
) -> None:
    watcher = Watcher(here.under(SUMMARY_TIMEZONE="America/New_York"))
    watcher.look()
    edit(here)
    assert watcher.changed() == [BEFORE - ONE_DAY, BEFORE]


def test_a_folder_that_lost_all_its_logs_is_an_error_and_is_remembered_as_it_was(
    watcher: Watcher, here: Place, tmp_path: Path
) -> None:
    before = watcher.cursor
    for path in here.log_dir.glob("*.jsonl"):
        shutil.move(path, tmp_path)
    with pytest.raises(LogFolderError, match=r"holds no log, where 3 were read before"):
        watcher.look()
    assert watcher.cursor == before
    for path in tmp_path.glob("*.jsonl"):
        shutil.move(path, here.log_dir)
    assert watcher.changed() == []


def test_a_folder_that_is_not_there_is_an_error(watcher: Watcher, here: Place) -> None:
    here.log_dir.rename(here.log_dir.with_name("unmounted"))
    with pytest.raises(LogFolderError, match="cannot be read"):
        watcher.look()


def test_a_log_that_cannot_be_read_is_reported_and_named_once(
    watcher: Watcher, here: Place
) -> None:
    here.path(NEXT_DAY).unlink()
    here.path(NEXT_DAY).mkdir()
    changes = watcher.look()
    assert list(changes.days) == [NEXT_DAY]
    assert [str(here.path(NEXT_DAY)) in warning for warning in changes.warnings] == [True]
    assert watcher.look() == Changes({}, ())


def test_what_is_left_out_is_said_once(watcher: Watcher, here: Place) -> None:
    for name in ("2025-02-30.jsonl", "2025-06-13.jsonl", "2023-12-30.jsonl"):
        (here.log_dir / name).write_bytes(b"")
    warnings = watcher.look().warnings
    assert [warning.split(":")[0] for warning in warnings[:2]] == [
        "2025-02-30.jsonl",
        "2025-06-13.jsonl",
    ]
    assert "PERFORMANCE_START_DATE" in warnings[2]
    assert "2023-12-30.jsonl" in warnings[2]
    assert watcher.look().warnings == ()


@pytest.mark.parametrize("cursor", ["", "{}", "not ours", '{"logs": 3}'])
def test_a_lost_memory_reports_every_day_again(watcher: Watcher, cursor: str) -> None:
    watcher.cursor = cursor
    assert watcher.changed() == [BEFORE, DAY, NEXT_DAY, TODAY]


# --- logs that cannot be read -----------------------------------------------------------------


def break_the_archive(path: Path) -> bytes:
    """Change one byte of what is compressed, its size and time staying; what it was before."""
    content, modified = path.read_bytes(), path.stat().st_mtime_ns
    path.write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])
    set_modified(path, modified)
    return content


@pytest.fixture
def broken(here: Place) -> tuple[Path, bytes]:
    """An archive that cannot be read, and what it should hold."""
    path = here.archive(NEXT_DAY)
    return path, break_the_archive(path)


def test_a_log_that_can_be_read_again_is_taken_up_although_size_and_time_are_the_same(
    here: Place, broken: tuple[Path, bytes]
) -> None:
    path, content = broken
    watcher = Watcher(here)
    assert NEXT_DAY in watcher.changed()
    before = path.stat()
    path.write_bytes(content)
    set_modified(path, before.st_mtime_ns)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert watcher.changed(30) == [NEXT_DAY]
    assert watcher.changed(30) == []


def test_a_log_that_stays_unreadable_is_reported_once_and_changes_no_memory(
    here: Place, broken: tuple[Path, bytes]
) -> None:
    watcher = Watcher(here)
    watcher.look()
    before = watcher.cursor
    for _ in range(5):
        assert watcher.look(301) == Changes({}, ())
    assert watcher.cursor == before
    set_modified(broken[0], 1_700_000_000_000_000_000)
    assert watcher.look(301) == Changes({}, ())


@contextmanager
def without_privileges() -> Iterator[None]:
    """Where tests run as root, which may read everything, as somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("archived", [False, True])
def test_a_log_that_nobody_was_allowed_to_read_is_taken_up_once_it_is_allowed(
    archived: bool,
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        here = place(Path(folder) / "logs")
        path = here.write(NEXT_DAY, *session("5", day=NEXT_DAY))
        path = here.archive(NEXT_DAY) if archived else path
        path.chmod(0)
        watcher = Watcher(here)
        with without_privileges():
            first = watcher.look()
            assert NEXT_DAY in first.days
            assert [f"{path}: cannot be read (Permission denied)"] == list(first.warnings)
            assert watcher.look(301) == Changes({}, ())
        path.chmod(0o644)
        with without_privileges():
            assert watcher.changed(301) == [NEXT_DAY]
            assert watcher.changed(301) == []


# --- the file that keeps the watch ------------------------------------------------------------

OLDER, NEWER = Watch(told=("older",)), Watch(told=("newer",))


def test_the_newest_and_the_previous_watch_are_found_by_their_digests(tmp_path: Path) -> None:
    keep_watch(tmp_path / "made", NEWER, OLDER)
    assert load_watch(tmp_path / "made", NEWER.digest) == NEWER
    assert load_watch(tmp_path / "made", OLDER.digest) == OLDER
    assert load_watch(tmp_path / "made", Watch().digest) is None


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"newest":', b"\xff"])
def test_a_file_of_watches_that_cannot_be_used_holds_none(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / WATCH_NAME).write_bytes(content)
    assert load_watch(tmp_path, NEWER.digest) is None


def test_a_folder_that_cannot_be_written_to_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file")
    with pytest.raises(PipelineError, match=r"PERFORMANCE_OUTPUT_DIR='.*output': cannot be wri"):
        keep_watch(tmp_path / "output", NEWER, OLDER)


def test_a_watch_that_was_kept_has_the_digest_it_was_kept_under(here: Place) -> None:
    _, watch = look(here.settings, Watch(), NOON)
    keep_watch(here.output, watch, Watch())
    found = load_watch(here.output, watch.digest)
    assert (found, len(watch.digest)) == (watch, 32)
