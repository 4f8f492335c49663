"""The alert log on disk: exact through torn lines, killed and concurrent writers, and by hand."""

import errno
import json
import os
import random
import signal
import stat
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from performance_pipeline.cli import main
from performance_pipeline.domain.alerts import AlertEvent, acknowledge
from performance_pipeline.domain.reconciling import Evaluation, reconcile
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline.storage.files import write_atomically
from performance_pipeline_tests.support.alerts import (
    ALERT_VALIDATOR,
    CRITICAL,
    MET,
    NOW,
    WARN,
    documents,
    evaluation,
    verdict,
)
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, ONE_DAY, place
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.schemas import schema
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS

SCHEMA: Final = schema("alert")


KILLS: Final = often(120, usual=6)
THREE: Final = tuple(
    evaluation(WARN, window=window) for window in (Window.DAILY, Window.WEEKLY, Window.MONTHLY)
)

Document = dict[str, Any]


def decide(
    *evaluations: Evaluation, now: datetime = NOW
) -> Callable[[dict[str, AlertEvent]], list[AlertEvent]]:
    return lambda alerts: reconcile(alerts, evaluations, now=now, lookback_days=None)


def said(path: Path, valid: bool = True) -> list[tuple[str, str]]:
    """Which alert each line is of, and its status; `valid` holds them against the schema too."""
    found = documents(path) if valid else map(json.loads, path.read_text().splitlines())
    return [(document["id"], document["status"]) for document in found]


@pytest.fixture
def log(tmp_path: Path) -> LocalAlertLog:
    return LocalAlertLog(tmp_path / "alerts.jsonl")


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of writes without waiting for the disk: no power is cut in these tests."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def torn(log: LocalAlertLog) -> Path:
    return log.path.with_name(f"{log.path.name}.torn")


# --- the schema -------------------------------------------------------------------------------


def lines_of_every_status(log: LocalAlertLog) -> list[Document]:
    """One alert of each window that was raised, acknowledged, updated and resolved; twice."""
    for count in range(2):
        now = NOW + count * ONE_DAY
        log.update(decide(*(evaluation(WARN, window=one) for one in PARTITIONED_WINDOWS), now=now))
        ids = [alert.id for alert in log.alerts().values() if alert.active]
        log.update(lambda alerts, ids=ids, now=now: acknowledge(alerts, ids, now=now))  # type: ignore[misc]
        worse = (evaluation(CRITICAL, window=one) for one in PARTITIONED_WINDOWS)
        log.update(decide(*worse, now=now))
        ending = MET if count else verdict("met", metric="max_drawdown")
        log.update(decide(*(evaluation(ending, window=one) for one in PARTITIONED_WINDOWS)))
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_real_lines_of_every_status_and_window_are_valid(log: LocalAlertLog) -> None:
    found = lines_of_every_status(log)
    assert {(one["window"], one["status"]) for one in found} == {
        (str(window), status)
        for window in PARTITIONED_WINDOWS
        for status in ("raised", "acknowledged", "updated", "resolved")
    }
    assert [error.message for one in found for error in ALERT_VALIDATOR.iter_errors(one)] == []
    assert {tuple(one) for one in found} == {tuple(SCHEMA["required"])}


def test_the_schema_is_one_of_its_draft_and_names_every_field() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["required"] == list(SCHEMA["properties"]) == list(AlertEvent.__struct_fields__)


WRONG_VALUES: Final[list[tuple[str, str, Any]]] = [
    ("raised", "event", "performance.summary"),
    ("raised", "id", ""),
    ("raised", "id", "two words"),
    ("raised", "status", "firing"),
    ("raised", "window", "range"),
    ("raised", "window", "weekly"),
    ("raised", "period", "2025-6-10"),
    ("raised", "period", "2025-02-30"),
    ("raised", "period", None),
    ("raised", "start_date", "10.06.2025"),
    ("raised", "end_date", "2025-06-10T00:00:00Z"),
    ("raised", "metric", "profit_factor"),
    ("raised", "metric", "avg_daily_pnl"),
    ("raised", "actual", 0.55),
    ("raised", "actual", None),
    ("raised", "actual", "0.550"),
    ("raised", "actual", "5.5E-1"),
    ("raised", "target", "-0"),
    ("raised", "target", "60%"),
    ("raised", "severity", "OK"),
    ("raised", "severity", None),
    ("raised", "message", ""),
    ("raised", "late", "false"),
    ("raised", "late", 0),
    ("raised", "raised_at", "2025-06-10T18:00:00"),
    ("raised", "raised_at", None),
    ("raised", "acknowledged_at", "2025-06-10T18:00:00Z"),
    ("raised", "resolved_at", "2025-06-10T18:00:00Z"),
    ("updated", "resolved_at", "2025-06-10T18:00:00Z"),
    ("acknowledged", "acknowledged_at", None),
    ("acknowledged", "resolved_at", "2025-06-10T18:00:00Z"),
    ("resolved", "resolved_at", None),
    ("raised", "asset_key", "weekly_summary"),
    ("raised", "asset_key", "daily_aggregate"),
    ("raised", "run_id", None),
]


@pytest.mark.parametrize(("status", "field", "value"), WRONG_VALUES)
def test_an_altered_line_is_rejected(
    log: LocalAlertLog, status: str, field: str, value: Any
) -> None:
    found = next(one for one in lines_of_every_status(log) if one["status"] == status)
    assert found["window"] == "daily"
    found[field] = value
    assert not ALERT_VALIDATOR.is_valid(found)


def test_a_line_that_lacks_a_field_or_has_one_more_is_rejected(log: LocalAlertLog) -> None:
    found = lines_of_every_status(log)[0]
    for field in found:
        assert not ALERT_VALIDATOR.is_valid({key: found[key] for key in found if key != field})
    assert not ALERT_VALIDATOR.is_valid({**found, "account_id": "U1"})


@pytest.mark.parametrize(
    ("window", "metric"),
    [
        ("weekly", "realized_pnl"),
        ("monthly", "total_trades"),
        ("rolling", "avg_daily_pnl"),
        ("rolling", "realized_pnl"),
    ],
)
def test_a_metric_that_its_window_has_no_target_for_is_rejected(
    log: LocalAlertLog, window: str, metric: str
) -> None:
    found = next(one for one in lines_of_every_status(log) if one["window"] == window)
    found["metric"] = metric
    assert not ALERT_VALIDATOR.is_valid(found)


# --- writing ----------------------------------------------------------------------------------


def test_nothing_to_say_leaves_no_log(log: LocalAlertLog) -> None:
    assert log.update(decide(evaluation(MET))) == []
    assert not log.path.exists()
    assert log.alerts() == {}


def test_a_log_is_only_ever_appended_to(log: LocalAlertLog) -> None:
    contents = [b""]
    for verdict_ in (WARN, CRITICAL, MET, WARN):
        log.update(decide(evaluation(verdict_)))
        contents.append(log.path.read_bytes())
        assert contents[-1].startswith(contents[-2])
        assert len(contents[-1].splitlines()) == len(contents) - 1


def test_the_folder_of_the_log_is_made_when_there_is_something_to_say(tmp_path: Path) -> None:
    log = LocalAlertLog(tmp_path / "not" / "there" / "alerts.jsonl")
    log.update(decide(evaluation(WARN)))
    assert said(log.path) == [("daily-2025-06-10-win_rate-1", "raised")]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077, 0o027])
def test_what_is_written_honours_the_umask(log: LocalAlertLog, umask: int) -> None:
    before = os.umask(umask)
    try:
        log.update(decide(*THREE))
        log.path.write_bytes(log.path.read_bytes()[:-1])
        log.update(decide(*THREE))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (log.path, torn(log))}
    assert modes == {log.path.name: 0o666 & ~umask, torn(log).name: 0o666 & ~umask}


def test_a_deleted_log_is_rebuilt_with_what_is_breached_now(log: LocalAlertLog) -> None:
    log.update(decide(*THREE))
    log.update(decide(evaluation(MET)))
    log.path.unlink()
    log.update(decide(evaluation(MET), *THREE[1:]))
    assert said(log.path) == [
        ("weekly-2025-06-09-win_rate-1", "raised"),
        ("monthly-2025-06-01-win_rate-1", "raised"),
    ]


# --- torn lines -------------------------------------------------------------------------------


@pytest.mark.usefixtures("unsynced")
def test_a_log_cut_anywhere_parses_again_and_says_again_only_what_was_cut_off(
    log: LocalAlertLog,
) -> None:
    log.update(decide(*THREE))
    content, whole = log.path.read_bytes(), said(log.path)
    for length in range(len(content)):
        torn(log).unlink(missing_ok=True)
        log.path.write_bytes(content[:length])
        kept = content[: content.rfind(b"\n", 0, length) + 1]
        assert len(log.alerts()) == kept.count(b"\n")
        added = log.update(decide(*THREE, now=NOW + ONE_DAY))
        assert len(added) == 3 - kept.count(b"\n")
        assert log.path.read_bytes().startswith(kept)
        assert said(log.path, valid=False) == whole
        aside = torn(log).read_bytes() if torn(log).exists() else b""
        assert aside == (content[len(kept) : length] + b"\n" if length > len(kept) else b"")
        assert log.update(decide(*THREE)) == []


@pytest.mark.usefixtures("unsynced")
@pytest.mark.parametrize("ending", [b"\n", b"\n\n", b"\r\n"])
def test_a_torn_line_that_something_else_has_ended_is_moved_aside_too(
    log: LocalAlertLog, ending: bytes
) -> None:
    log.update(decide(*THREE))
    content = log.path.read_bytes()
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(start + 1, len(content) - 1):
        torn(log).unlink(missing_ok=True)
        log.path.write_bytes(content[:length] + ending)
        assert len(log.alerts()) == 2
        assert len(log.update(decide(*THREE))) == 1
        assert torn(log).read_bytes().rstrip() == content[start:length].rstrip()
        assert len(said(log.path, valid=False)) == 3


def test_a_torn_line_is_moved_aside_even_when_there_is_nothing_to_say(log: LocalAlertLog) -> None:
    log.update(decide(*THREE))
    content = log.path.read_bytes()
    log.path.write_bytes(content + content[:100])
    assert log.update(decide(*THREE)) == []
    assert log.path.read_bytes() == content
    assert torn(log).read_bytes() == content[:100] + b"\n"


def test_torn_lines_gather_in_one_file(log: LocalAlertLog) -> None:
    log.update(decide(*THREE))
    content = log.path.read_bytes()
    for fragment in (b'{"event":', b'{"event":"performance.alert","id":"\xc3'):
        log.path.write_bytes(content + fragment)
        log.update(decide(*THREE))
    assert torn(log).read_bytes() == (b'{"event":\n{"event":"performance.alert","id":"\xc3\n')
    assert log.path.read_bytes() == content


def test_a_torn_acknowledgement_leaves_the_alert_active_and_can_be_given_again(
    log: LocalAlertLog,
) -> None:
    log.update(decide(evaluation(WARN)))
    ids = list(log.alerts())
    log.update(lambda alerts: acknowledge(alerts, ids, now=NOW))
    log.path.write_bytes(log.path.read_bytes()[:-1])
    assert [alert.status for alert in log.alerts().values()] == ["raised"]
    log.update(lambda alerts: acknowledge(alerts, ids, now=NOW))
    assert [status for _, status in said(log.path)] == ["raised", "acknowledged"]


@pytest.mark.parametrize(
    "last",
    [
        b'{"event":"performance.alert","id":"\xc3',
        b'{"event":"performance.alert","id":"\xff"}',
        b"\xff\0",
        b"\0\0",
    ],
)
def test_a_last_line_that_is_no_text_is_moved_aside(log: LocalAlertLog, last: bytes) -> None:
    log.update(decide(*THREE))
    content = log.path.read_bytes()
    log.path.write_bytes(content + last + b"\n")
    assert len(log.alerts()) == 3
    assert log.update(decide(*THREE)) == []
    assert log.path.read_bytes() == content
    assert torn(log).read_bytes() == last + b"\n"


# --- lines that are no alerts -----------------------------------------------------------------

STRAYS: Final = {
    b"by hand": "not JSON",
    b"": "blank",
    b" \t\r": "blank",
    b"\xff\xfe": "not JSON",
    b'{"nested":' + b"[" * 100_000: "not JSON",
    b'{"event":"performance.alert","id":"\xff"}': "not JSON",
    b'{"event":"performance.alert","id":': "not JSON",
    b"{}": "Object missing required field `id`",
    b"[]": "Expected `object`, got `array`",
    b"17": "Expected `object`, got `int`",
    b'{"event":"performance.alert","id":"x"}': "Object missing required field `status`",
    b'{"event":"another"}': "Invalid enum value 'another' - at `$.event`",
}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def heard(log: LocalAlertLog, told: list[str]) -> LocalAlertLog:
    """The same log, whose troubles are told to `told`."""
    return LocalAlertLog(log.path, told.append)


@pytest.mark.parametrize("place_in_log", [0, 1, 2, 3])
@pytest.mark.parametrize(("stray", "reason"), STRAYS.items(), ids=map(str, range(len(STRAYS))))
def test_a_line_that_is_no_alert_is_read_past_and_moved_aside_by_the_next_writer(
    heard: LocalAlertLog, told: list[str], stray: bytes, reason: str, place_in_log: int
) -> None:
    heard.update(decide(*THREE))
    whole = heard.path.read_bytes()
    lines = whole.splitlines()
    lines.insert(place_in_log, stray)
    content = b"".join(line + b"\n" for line in lines)
    heard.path.write_bytes(content)

    assert len(heard.alerts()) == 3
    assert heard.path.read_bytes() == content
    assert not torn(heard).exists()
    named = f"{heard.path}: no alert in line {place_in_log + 1} ({reason})"
    assert told == [f"{named}; left out"]

    assert heard.update(decide(*THREE)) == []
    assert heard.path.read_bytes() == whole
    assert torn(heard).read_bytes() == stray + b"\n"
    assert told[1:] == [f"{named}; moved to alerts.jsonl.torn"]

    heard.mend()
    heard.update(decide(*THREE))
    assert (len(told), torn(heard).read_bytes()) == (2, stray + b"\n")


def test_many_lines_that_are_no_alerts_are_one_sentence_and_all_kept(
    heard: LocalAlertLog, told: list[str]
) -> None:
    heard.update(decide(*THREE))
    whole = heard.path.read_bytes()
    strays = [b"stray %d" % number for number in range(8)]
    heard.path.write_bytes(b"\n".join(strays) + b"\n\n" + whole + b"cut o")
    heard.mend()
    assert heard.path.read_bytes() == whole
    assert torn(heard).read_bytes() == b"\n".join([*strays, b"", b"cut o"]) + b"\n"
    [sentence] = told
    assert sentence.endswith(" line 5 (not JSON) and 5 more lines; moved to alerts.jsonl.torn")


def test_a_log_without_any_alert_is_begun_anew(heard: LocalAlertLog) -> None:
    heard.path.write_bytes(b"by hand\n{}\n")
    assert len(heard.update(decide(*THREE))) == 3
    assert len(said(heard.path)) == 3
    assert torn(heard).read_bytes() == b"by hand\n{}\n"


def test_a_mended_log_keeps_its_permissions_and_stays_where_a_link_leads(
    log: LocalAlertLog, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    log.path.symlink_to(elsewhere / "log.jsonl")
    log.update(decide(*THREE))
    whole = log.path.read_bytes()
    (elsewhere / "log.jsonl").chmod(0o660)
    log.path.write_bytes(b"\n" + whole)
    log.mend()
    assert log.path.is_symlink()
    assert log.path.read_bytes() == whole
    assert stat.S_IMODE((elsewhere / "log.jsonl").stat().st_mode) == 0o660
    assert [path.name for path in elsewhere.iterdir()] == ["log.jsonl"]


class CrashError(Exception):
    pass


@pytest.mark.parametrize("survived", range(4))
def test_a_crash_at_any_step_of_the_moving_loses_no_line(
    log: LocalAlertLog, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    log.update(decide(*THREE))
    whole = log.path.read_bytes()
    log.path.write_bytes(b"one\n" + whole + b"two\n")
    left = [survived]

    def step(real: Callable[..., Any]) -> Callable[..., Any]:
        def until_it_crashes(*arguments: Any) -> Any:
            if not left[0]:
                raise CrashError
            left[0] -= 1
            return real(*arguments)

        return until_it_crashes

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", step(os.fsync))
        patch.setattr(Path, "replace", step(Path.replace))
        for _ in range(2):
            with suppress(CrashError):
                log.mend()
            assert len(log.alerts()) == 3
            assert not left[0]
            both = log.path.read_bytes() + torn(log).read_bytes()
            assert {*whole.splitlines(), b"one", b"two"} <= set(both.splitlines())
    assert log.update(decide(*THREE)) == []
    assert log.path.read_bytes() == whole
    assert set(torn(log).read_bytes().splitlines()) == {b"one", b"two"}


@pytest.mark.parametrize("seed", range(20))
def test_lines_in_another_order_mean_the_same(log: LocalAlertLog, seed: int) -> None:
    lines_of_every_status(log)
    alerts = log.alerts()
    lines = log.path.read_bytes().splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    log.path.write_bytes(b"".join(lines))
    assert log.alerts() == alerts
    assert log.update(decide(*(evaluation(MET, window=one) for one in PARTITIONED_WINDOWS))) == []


# --- several writers --------------------------------------------------------------------------


def update_at_once(path: Path, evaluations: Sequence[Evaluation], barrier: Any) -> None:
    barrier.wait()
    LocalAlertLog(path).update(decide(*evaluations))


DAYS: Final = [DAY + count * ONE_DAY for count in range(40)]
FORTY: Final = [evaluation(WARN, day=day) for day in DAYS]
FORTY_IDS: Final = {f"daily-{day}-win_rate-1" for day in DAYS}


def test_two_processes_that_say_the_same_at_once_say_it_once(log: LocalAlertLog) -> None:
    barrier = PROCESSES.Barrier(2)
    writers = [start(update_at_once, log.path, FORTY, barrier) for _ in range(2)]
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(said(log.path)) == sorted((one, "raised") for one in FORTY_IDS)


def test_eight_threads_that_say_the_same_at_once_say_it_once(log: LocalAlertLog) -> None:
    barrier = threading.Barrier(8)
    parts = [FORTY[count : count + 20] for count in range(0, 40, 5)]  # most of them overlap
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda part: update_at_once(log.path, part, barrier), parts))
    assert sorted(said(log.path)) == sorted((one, "raised") for one in FORTY_IDS)


def keep_writing(path: Path, steps: Path, ready: Event) -> None:
    """Breach and correct in turn, one line a step, in pieces of a few bytes; until killed.

    The number of steps that are done is kept beside the log, and is the truth it is held to.
    """
    whole_write = os.write

    def write_a_little(descriptor: int, data: Any) -> int:
        return whole_write(descriptor, data[:37])

    os.write = write_a_little
    step = int(steps.read_text())
    ready.set()
    while True:
        LocalAlertLog(path).update(decide(evaluation(MET if step % 2 else WARN)))
        step += 1
        write_atomically(steps, str(step).encode())


def test_a_writer_killed_at_any_moment_loses_nothing_and_repeats_nothing(
    log: LocalAlertLog,
) -> None:
    chance = random.Random(3)
    steps = log.path.with_name("steps")
    steps.write_text("0")
    for _ in range(KILLS):
        ready = PROCESSES.Event()
        writer = start(keep_writing, log.path, steps, ready)
        assert ready.wait(PATIENCE_SECONDS)
        time.sleep(chance.uniform(0, 0.05))
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
    done = int(steps.read_text())
    log.update(decide(evaluation(MET if done % 2 else WARN)))
    assert done > 0
    assert said(log.path) == [
        (f"daily-{DAY}-win_rate-{step // 2 + 1}", "resolved" if step % 2 else "raised")
        for step in range(done + 1)
    ]


# --- a log that cannot be written -------------------------------------------------------------


def test_a_folder_in_the_place_of_the_log_is_an_error_until_it_is_gone(log: LocalAlertLog) -> None:
    log.path.mkdir()
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            log.update(decide(*THREE))
    assert list(log.path.iterdir()) == []
    log.path.rmdir()
    assert len(log.update(decide(*THREE))) == 3


def test_a_file_in_the_place_of_the_folder_is_an_error_until_it_is_gone(tmp_path: Path) -> None:
    blocked = tmp_path / "folder"
    blocked.write_text("in the way")
    log = LocalAlertLog(blocked / "alerts.jsonl")
    for attempt in (log.alerts, lambda: log.update(decide(*THREE))):
        with pytest.raises(OSError, match="folder"):
            attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert blocked.read_text() == "in the way"
    blocked.unlink()
    assert len(log.update(decide(*THREE))) == 3


@pytest.mark.parametrize("room", [0, 1, 300, 700])
def test_a_disk_that_is_full_is_an_error_and_what_was_cut_off_is_said_again(
    log: LocalAlertLog, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    log.update(decide(THREE[0]))
    before, whole_write = log.path.read_bytes(), os.write
    left = [room]

    def write_while_there_is_room(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = whole_write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_while_there_is_room)
        with pytest.raises(OSError, match="No space left"):
            log.update(decide(*THREE))
    assert log.path.read_bytes()[: len(before)] == before
    log.update(decide(*THREE))
    assert sorted(said(log.path)) == sorted(
        (f"{one.window}-{one.period}-win_rate-1", "raised") for one in THREE
    )


# --- the command line -------------------------------------------------------------------------

ROLLING_ID: Final = "rolling-2025-06-11-win_rate-1"
WEEKLY_ID: Final = "weekly-2025-06-09-win_rate-1"


@pytest.fixture
def operated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalAlertLog:
    """A log with an alert that was late, a resolved and an updated one, and two that are raised."""
    here = place(tmp_path / "logs")
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    log = LocalAlertLog(here.settings.alert_log)
    late = evaluation(WARN, day=DAY - 5 * ONE_DAY)
    log.update(decide(late, evaluation(WARN), evaluation(CRITICAL, window=Window.MONTHLY)))
    log.update(decide(evaluation(MET), evaluation(WARN, window=Window.MONTHLY)))
    log.update(decide(evaluation(WARN, window=Window.WEEKLY)))
    log.update(decide(evaluation(WARN, window=Window.ROLLING, day=NEXT_DAY)))
    return log


LATE_ID: Final = "daily-2025-06-05-win_rate-1"
DAILY_ID: Final = "daily-2025-06-10-win_rate-1"
MONTHLY_ID: Final = "monthly-2025-06-01-win_rate-1"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], list[str]]:
    """The exit status of a command, and the lines on its stdout and stderr."""
    status = 0
    try:
        main(["alerts", *arguments])
    except SystemExit as error:
        status = int(error.code or 0)
    output = capsys.readouterr()
    return status, output.out.splitlines(), output.err.splitlines()


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str], list[str]]:
    """What `alerts list` ends with, its rows below their heading, and its notes."""
    status, rows, notes = run(capsys, "list", *options)
    return status, rows[2:], notes


@pytest.mark.usefixtures("operated")
@pytest.mark.parametrize(
    ("options", "shown", "told"),
    [
        ([], [DAILY_ID, MONTHLY_ID, WEEKLY_ID, ROLLING_ID], "4 alerts, 1 late hidden (--all)"),
        (["--all"], [LATE_ID, DAILY_ID, MONTHLY_ID, WEEKLY_ID, ROLLING_ID], "5 alerts"),
        (["--status", "raised"], [WEEKLY_ID, ROLLING_ID], "2 alerts, 1 late hidden (--all)"),
        (["--status", "raised", "--all"], [LATE_ID, WEEKLY_ID, ROLLING_ID], "3 alerts"),
        (["--status", "updated"], [MONTHLY_ID], "1 alert"),
        (["--status", "resolved"], [DAILY_ID], "1 alert"),
        (["--status", "acknowledged", "--all"], [], "0 alerts"),
    ],
)
def test_alerts_list_shows_the_state_of_each_alert_and_late_ones_when_asked(
    capsys: pytest.CaptureFixture[str], options: list[str], shown: list[str], told: str
) -> None:
    status, rows, notes = listed(capsys, *options)
    assert status == 0
    assert [row.split()[0] for row in rows] == shown
    assert notes == [told]


@pytest.mark.usefixtures("operated")
def test_a_row_of_alerts_list_says_what_an_operator_wants_to_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, rows, _ = listed(capsys, "--status", "updated")
    row = " ".join(rows[0].split())
    assert row == f"{MONTHLY_ID} updated WARN 55.0 % 60.0 % 2025-06-10 18:00"


def test_alerts_list_as_json_is_the_last_line_of_each_alert_and_nothing_else(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog
) -> None:
    status, rows, notes = run(capsys, "list", "--json", "--all")
    last = {one["id"]: one for one in documents(operated.path)}
    assert (status, notes) == (0, [])
    assert json.loads("\n".join(rows)) == list(last.values())
    _, rows, _ = run(capsys, "list", "--json", "--status", "resolved")
    assert json.loads("\n".join(rows)) == [last[DAILY_ID]]


def test_alerts_list_without_an_alert_log_shows_nothing_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFORMANCE_LOG_DIR", str(tmp_path))
    assert run(capsys, "list") == (0, [], ["0 alerts"])
    assert run(capsys, "list", "--json") == (0, ["[]"], [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["ack", WEEKLY_ID]])
@pytest.mark.parametrize("folder", ["absent", None])
def test_alerts_without_a_log_folder_are_an_error_and_no_good_news(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    folder: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    if folder:
        monkeypatch.setenv("PERFORMANCE_LOG_DIR", folder)
    assert run(capsys, *command) == (
        1,
        [],
        [
            f"error: PERFORMANCE_LOG_DIR='{folder or 'logs'}': cannot be read"
            " (No such file or directory); accepted is an existing folder of trade logs"
        ],
    )
    assert list(tmp_path.iterdir()) == []


def test_alerts_of_a_log_elsewhere_need_no_log_folder(
    capsys: pytest.CaptureFixture[str],
    operated: LocalAlertLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERFORMANCE_LOG_DIR", str(tmp_path / "absent"))
    monkeypatch.setenv("PERFORMANCE_ALERT_LOG", str(operated.path))
    status, rows, _ = listed(capsys)
    assert (status, len(rows)) == (0, 4)


def test_alerts_list_leaves_out_a_line_that_is_still_being_written(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog
) -> None:
    content = operated.path.read_bytes()
    operated.path.write_bytes(content[:-9])
    status, rows, _ = listed(capsys)
    assert (status, [row.split()[0] for row in rows]) == (0, [DAILY_ID, MONTHLY_ID, WEEKLY_ID])
    assert operated.path.read_bytes() == content[:-9]


def test_alerts_ack_writes_one_line_an_alert_and_none_the_second_time(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    count = len(documents(operated.path))
    assert run(capsys, "ack", WEEKLY_ID, LATE_ID, WEEKLY_ID) == (0, [], ["2 acknowledged"])
    assert said(operated.path)[count:] == [(WEEKLY_ID, "acknowledged"), (LATE_ID, "acknowledged")]
    moments = [one["acknowledged_at"] for one in documents(operated.path)[count:]]
    assert all(before < datetime.fromisoformat(one) <= datetime.now(UTC) for one in moments)
    assert run(capsys, "ack", WEEKLY_ID) == (0, [], ["0 acknowledged"])
    assert len(documents(operated.path)) == count + 2
    assert [row.split()[0] for row in listed(capsys, "--status", "acknowledged")[1]] == [WEEKLY_ID]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["typo"], "error: 'typo' is no alert in the log"),
        ([WEEKLY_ID, "typo"], "error: 'typo' is no alert in the log"),
        ([DAILY_ID], f"error: '{DAILY_ID}' is resolved; only an active alert can be"),
        ([WEEKLY_ID, DAILY_ID], f"error: '{DAILY_ID}' is resolved; only an active alert can be"),
    ],
)
def test_alerts_ack_of_an_unknown_or_resolved_id_is_an_error_and_acknowledges_none(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog, ids: list[str], message: str
) -> None:
    content = operated.path.read_bytes()
    status, shown, told = run(capsys, "ack", *ids)
    assert (status, shown, len(told)) == (1, [], 1)
    assert told[0].startswith(message)
    assert operated.path.read_bytes() == content


@pytest.mark.parametrize(
    ("command", "fate"),
    [
        (["list"], "left out"),
        (["list", "--json"], "left out"),
        (["ack", WEEKLY_ID], "moved to performance-alerts.jsonl.torn"),
    ],
)
def test_a_line_that_is_no_alert_is_a_warning_naming_it(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog, command: list[str], fate: str
) -> None:
    before = run(capsys, *command)[1] if command[0] == "list" else []
    content = operated.path.read_bytes()
    operated.path.write_bytes(content.replace(b"\n", b"\nby hand\n\n", 1))
    status, shown, told = run(capsys, *command)
    assert (status, shown) == (0, before)
    assert told[0] == (
        f"warning: {operated.path}: no alert in line 2 (not JSON), line 3 (blank); {fate}"
    )
    assert operated.path.read_bytes().startswith(content) == (command[0] == "ack")


@pytest.mark.parametrize("command", [["list"], ["ack", WEEKLY_ID]])
def test_a_log_that_cannot_be_read_is_one_line_of_error(
    capsys: pytest.CaptureFixture[str], operated: LocalAlertLog, command: list[str]
) -> None:
    operated.path.unlink()
    operated.path.mkdir()
    assert run(capsys, *command) == (1, [], [f"error: {operated.path}: Is a directory"])


def test_an_acknowledgement_during_an_update_waits_for_it_and_builds_on_it(
    operated: LocalAlertLog,
) -> None:
    count = len(documents(operated.path))
    worse = decide(evaluation(CRITICAL, window=Window.WEEKLY))
    command = threading.Thread(target=main, args=(["alerts", "ack", WEEKLY_ID],))

    def slowly(alerts: dict[str, AlertEvent]) -> list[AlertEvent]:
        command.start()
        command.join(0.3)
        assert command.is_alive()
        return worse(alerts)

    operated.update(slowly)
    command.join()
    assert [(one["status"], one["severity"]) for one in documents(operated.path)[count:]] == [
        ("updated", "CRITICAL"),
        ("acknowledged", "CRITICAL"),
    ]
