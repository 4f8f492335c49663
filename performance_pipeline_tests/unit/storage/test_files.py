"""Files in flight: written by several processes at once, left behind by killed ones, cleared away.

Real processes write real files; one in flight is held just before it takes its final name.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.storage.files import bytes_below, remove_leftovers, write_atomically
from performance_pipeline_tests.support.lines import set_modified

HOUR_NS: Final = 3600 * 10**9
MINUTE_NS: Final = 60 * 10**9

HELD: Final = """
import sys
from pathlib import Path
from performance_pipeline.storage.files import write_atomically
replace = Path.replace
def held(partial, path):
    print(partial.name, flush=True)
    sys.stdin.readline()
    return replace(partial, path)
Path.replace = held
write_atomically(Path(sys.argv[1]), b"whole")
"""

WRITERS: Final = """
import sys
from pathlib import Path
from performance_pipeline.storage.files import write_atomically
path, content = Path(sys.argv[1]), sys.argv[2].encode() * 10_000
for _ in range(200):
    write_atomically(path, content)
"""

CLEARER: Final = """
import sys
from pathlib import Path
from performance_pipeline.storage.files import remove_leftovers
for _ in range(200):
    remove_leftovers(Path(sys.argv[1]))
"""


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def writing(path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has written all of `path` but its name, and the file that it wrote."""
    with process(HELD, path) as held:
        assert held.stdout is not None
        yield held, path.with_name(held.stdout.readline().strip())
        held.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def age(path: Path, nanoseconds: int) -> None:
    """Make `path` look as if it had been written so long before now."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"")
    set_modified(path, fresh.stat().st_mtime_ns - nanoseconds)
    fresh.unlink()


def test_a_file_that_another_process_is_writing_stays_and_is_finished(tmp_path: Path) -> None:
    with writing(tmp_path / "summary.json") as (writer, partial):
        age(partial, HOUR_NS - MINUTE_NS)
        remove_leftovers(tmp_path)
        assert partial.read_bytes() == b"whole"
        assert writer.communicate("go on\n") == ("", "")
        assert writer.returncode == 0
    assert names(tmp_path) == ["summary.json"]
    assert (tmp_path / "summary.json").read_bytes() == b"whole"


def test_what_a_killed_process_left_goes_an_hour_later(tmp_path: Path) -> None:
    with writing(tmp_path / "summary.json") as (writer, partial):
        writer.kill()
    for minutes, left in ((0, [partial.name]), (59, [partial.name]), (61, [])):
        age(partial, minutes * MINUTE_NS)
        remove_leftovers(tmp_path)
        assert names(tmp_path) == left


def test_a_writer_held_up_for_hours_fails_and_leaves_the_newer_file_as_it_is(
    tmp_path: Path,
) -> None:
    with writing(tmp_path / "summary.json") as (writer, partial):
        age(partial, 3 * HOUR_NS)
        remove_leftovers(tmp_path)
        write_atomically(tmp_path / "summary.json", b"newer")
        _, said = writer.communicate("go on\n")
        assert (writer.returncode, "FileNotFoundError" in said) == (1, True)
    assert names(tmp_path) == ["summary.json"]
    assert (tmp_path / "summary.json").read_bytes() == b"newer"


def test_nothing_goes_that_no_write_left(tmp_path: Path) -> None:
    stay = [
        ".notes.partial",
        ".notes.old.partial",
        ".x.json.0123456789abcdef.partial.bak",
        "x.json",
        "x.json.0123456789abcdef.partial",
    ]
    go = [".x.json.0123456789abcdef.partial", ".x.json.4711.partial"]
    for name in (*stay, *go):
        (tmp_path / name).write_bytes(b"")
        age(tmp_path / name, 48 * HOUR_NS)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(stay)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_leftovers_is_not_touched(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "performance"
    if there:
        folder.mkdir()
        (folder / "x.json").write_bytes(b"")
        set_modified(folder, HOUR_NS)
    remove_leftovers(folder)
    assert folder.exists() is there
    if there:
        assert folder.stat().st_mtime_ns == HOUR_NS


def test_writers_of_one_file_at_once_leave_one_of_their_contents_whole(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    contents = {letter.encode() * 10_000 for letter in "abc"}
    write_atomically(path, min(contents))
    processes = [process(WRITERS, path, letter) for letter in "abc"]
    processes.append(process(CLEARER, tmp_path))
    while any(one.poll() is None for one in processes):
        assert path.read_bytes() in contents
    for one in processes:
        one.communicate()
    assert [one.returncode for one in processes] == [0, 0, 0, 0]
    assert names(tmp_path) == ["summary.json"]


def test_writers_with_equal_process_numbers_never_share_a_file_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the first processes of two containers: this one stands for both.
    monkeypatch.setattr(os, "getpid", lambda: 1)
    path = tmp_path / "summary.json"
    replace = Path.replace
    in_flight: list[Path] = []

    def meanwhile(partial: Path, target: Path) -> Path:
        if not in_flight:
            in_flight.append(partial)
            write_atomically(path, b"the other's")
            assert partial.read_bytes() == b"mine"
        return replace(partial, target)

    monkeypatch.setattr(Path, "replace", meanwhile)
    write_atomically(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert names(tmp_path) == ["summary.json"]


def test_bytes_below_a_folder_are_those_of_all_its_files_or_of_those_written_since(
    tmp_path: Path,
) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    old, new = tmp_path / "old", tmp_path / "deep" / "deeper" / "new"
    old.write_bytes(b"12345")
    new.write_bytes(b"123")
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    os.utime(old, (1000, 1000))
    linked = (tmp_path / "link").lstat().st_size
    assert bytes_below(tmp_path) == 5 + 3 + linked
    assert bytes_below(tmp_path, since=1001) == 3 + linked
    assert bytes_below(tmp_path / "none") == 0
