"""The trade log sensor on real instances: what its ticks report, and what a crash leaves behind."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorState

from performance_pipeline.defs.backfill import Layer, Progress, run_backfill
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.storage.log_changes import Watch, look
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    place,
    session,
)
from performance_pipeline_tests.support.log_daemon import NOON, Daemon, KilledError
from performance_pipeline_tests.support.runs import KEYS, materializations, shown
from performance_pipeline_tests.support.ticks import sensor_state

TODAY: Final = NOON.date()
BEFORE: Final = DAY - ONE_DAY
QUIET: Final = "No log has changed."


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """Logs of three days, the last of them today, and targets."""
    (tmp_path / "targets.yaml").write_text("win_rate_target: 60\n")
    found = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    for day in (BEFORE, NEXT_DAY, TODAY):
        found.write(day, *session("5", "-3", day=day))
    return found


@pytest.fixture
def daemon(here: Place, instance: dg.DagsterInstance) -> Daemon:
    """One that has seen the folder as it is."""
    found = Daemon(here, instance)
    found.tick()
    return found


def reported(instance: dg.DagsterInstance) -> Counter[str]:
    """How often each day was reported."""
    return Counter(one.partition or "" for one in materializations(instance, "trade_log"))


ALL: Final = [str(day) for day in (BEFORE, DAY, NEXT_DAY, TODAY)]


def edit(here: Place, *days: date) -> None:
    """Change what is there already; what only grew would wait."""
    for day in days:
        here.write(day, *session("7", "-3", day=day))


# --- ticks ------------------------------------------------------------------------------------


def test_a_first_tick_reports_every_day_with_its_data_version_and_the_targets(
    here: Place, instance: dg.DagsterInstance
) -> None:
    first = Daemon(here, instance).evaluate()
    events = [one for one in first.asset_events or () if isinstance(one, dg.AssetMaterialization)]
    assert [(one.asset_key.to_user_string(), one.partition) for one in events] == [
        *(("trade_log", day) for day in ALL),
        ("performance_targets", None),
    ]
    versions = [one.tags["dagster/data_version"] for one in events if one.tags]
    assert len(set(versions)) == len(events)


def test_a_tick_reports_what_changed_since_the_last_and_nothing_twice(
    daemon: Daemon, here: Place
) -> None:
    assert daemon.evaluate().skip_message == QUIET
    here.settings.targets_file.write_text("win_rate_target: 50\n")
    here.write(DAY, *session("9"))
    assert daemon.tick() == [str(DAY), "performance_targets"]
    assert daemon.tick() == []


def test_a_quiet_tick_writes_nothing_and_stores_no_cursor(daemon: Daemon) -> None:
    before = (daemon.watch_file.stat().st_mtime_ns, daemon.watch_file.read_bytes())
    result = daemon.evaluate()
    assert (result.skip_message, result.cursor) == (QUIET, daemon.cursor)
    assert (daemon.watch_file.stat().st_mtime_ns, daemon.watch_file.read_bytes()) == before


def test_changed_targets_alone_leave_the_file_of_the_watch_as_it_is(
    daemon: Daemon, here: Place
) -> None:
    before = daemon.watch_file.stat().st_mtime_ns
    here.settings.targets_file.write_text("win_rate_target: 50\n")
    assert daemon.tick() == ["performance_targets"]
    assert daemon.watch_file.stat().st_mtime_ns == before
    assert daemon.tick() == []


def test_the_cursor_is_as_small_for_a_thousand_logs_as_for_none(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    here = place(tmp_path / "many", START_DATE="2020-01-01")
    none = Daemon(here, instance).evaluate().cursor or ""
    for number in range(1000):
        here.write_bytes(TODAY - number * ONE_DAY, b"")
    daemon = Daemon(here, instance)
    result = daemon.evaluate()
    assert len([one for one in result.asset_events or () if one.partition]) == 1000
    assert len(result.cursor or "") == len(none) < 200
    assert len(json.loads(daemon.watch_file.read_bytes())["newest"]["logs"]) == 1000


@pytest.mark.parametrize(
    ("states", "reports"),
    [
        ([], True),
        ([sensor_state("trade_log_sensor", cursor=None)], False),
        ([sensor_state(KEYS.automation_sensor, cursor=None)], False),
        ([sensor_state(KEYS.automation_sensor, cursor="looked")], True),
        ([sensor_state(KEYS.automation_sensor, running=False, cursor=None)], True),
    ],
    ids=["no daemon", "not begun", "looking", "looked", "turned off"],
)
def test_a_first_look_waits_for_the_conditions_that_would_miss_what_it_reports(
    here: Place, instance: dg.DagsterInstance, states: list[InstigatorState], reports: bool
) -> None:
    for state in states:
        instance.add_instigator_state(state)
    assert bool(Daemon(here, instance).tick()) is reports


# --- after a backfill -------------------------------------------------------------------------


def backfill(here: Place, instance: dg.DagsterInstance, first: date, last: date) -> list[str]:
    progress = Progress(lambda _: None, lambda: None, lambda *_: None)
    return run_backfill(Runtime(here.settings, lambda: NOON), instance, first, last, progress)


def test_a_first_look_after_a_backfill_reports_only_what_it_did_not_make(
    here: Place, instance: dg.DagsterInstance
) -> None:
    assert backfill(here, instance, DAY, TODAY) == []
    assert reported(instance) == dict.fromkeys(ALL[1:], 1)
    daemon = Daemon(here, instance)
    assert daemon.tick() == ALL[:1]
    assert daemon.tick() == []


def test_what_changes_after_a_backfill_is_reported_by_the_first_look(
    here: Place, instance: dg.DagsterInstance
) -> None:
    assert backfill(here, instance, BEFORE, TODAY) == []
    edit(here, NEXT_DAY)
    here.settings.targets_file.write_text("win_rate_target: 50\n")
    daemon = Daemon(here, instance)
    assert daemon.tick() == [str(NEXT_DAY), "performance_targets"]
    assert daemon.tick() == []


def test_a_log_that_grows_during_a_backfill_is_not_taken_for_made(
    here: Place, instance: dg.DagsterInstance
) -> None:
    def grow(_: Layer) -> None:
        edit(here, NEXT_DAY)

    progress = Progress(grow, lambda: None, lambda *_: None)
    runtime = Runtime(here.settings, lambda: NOON)
    assert run_backfill(runtime, instance, BEFORE, TODAY, progress) == []
    assert Daemon(here, instance).tick() == [str(NEXT_DAY)]


def test_of_a_first_backfill_that_failed_nothing_is_taken_for_made(
    here: Place, instance: dg.DagsterInstance
) -> None:
    here.path(NEXT_DAY).unlink()
    here.path(NEXT_DAY).mkdir()
    assert backfill(here, instance, BEFORE, TODAY) != []
    assert reported(instance) == {}


def test_a_backfill_of_a_service_that_has_run_is_reported_before_it_is_made(
    daemon: Daemon, here: Place
) -> None:
    daemon.instance.add_instigator_state(sensor_state(KEYS.automation_sensor, cursor="looked"))
    edit(here, NEXT_DAY)
    assert backfill(here, daemon.instance, NEXT_DAY, NEXT_DAY) == []
    log, made = (
        materializations(daemon.instance, name)[-1].storage_id
        for name in ("trade_log", "daily_aggregate")
    )
    assert (reported(daemon.instance)[str(NEXT_DAY)], log < made) == (2, True)
    assert daemon.tick() == []


def test_conditions_that_meet_a_backfill_for_the_first_time_ask_for_nothing_then_or_later(
    here: Place, instance: dg.DagsterInstance
) -> None:
    assert backfill(here, instance, BEFORE, TODAY) == []
    daemon = Daemon(here, instance)

    def asked(cursor: Any = None) -> Any:
        return dg.evaluate_automation_conditions(
            daemon.definitions,
            instance,
            asset_selection=dg.AssetSelection.assets(KEYS.daily_aggregate, *KEYS.summaries),
            evaluation_time=NOON,
            cursor=cursor,
        )

    first = asked()
    daemon.tick()
    again = asked(first.cursor)
    assert (first.total_requested, again.total_requested) == (0, 0)
    edit(here, NEXT_DAY)
    daemon.tick()
    changed = asked(again.cursor)
    assert changed.get_requested_partitions(KEYS.daily_aggregate) == {str(NEXT_DAY)}


def test_the_logs_of_a_day_are_reported_with_their_names_size_and_lines(
    daemon: Daemon, here: Place
) -> None:
    found = {
        one.partition: shown(one.metadata) for one in materializations(daemon.instance, "trade_log")
    }
    size = here.path(NEXT_DAY).stat().st_size
    assert found[str(NEXT_DAY)] == {"logs": f"{NEXT_DAY}.jsonl", "bytes": size, "lines": 2}
    assert found[str(DAY)] == {"logs": "none", "bytes": 0, "lines": 0}


def test_targets_are_reported_with_what_is_in_force_or_why_nothing_is(
    daemon: Daemon, here: Place
) -> None:
    here.settings.targets_file.write_text("win_rate_target: many\n")
    daemon.tick()
    valid, broken = (
        shown(one.metadata) for one in materializations(daemon.instance, "performance_targets")
    )
    assert [(row["window"], row["target"]) for row in valid["targets"]] == [
        (window, "60.0 %") for window in ("daily", "weekly", "monthly", "rolling")
    ]
    assert broken["targets"] == []
    assert "win_rate_target" in broken["notes"]
    assert "confidence" not in valid


def test_targets_are_reported_with_how_sure_a_miss_must_be(daemon: Daemon, here: Place) -> None:
    here.settings.targets_file.write_text(
        "win_rate_target: 60\nalerts: {confidence: 0.95, windows: {daily: {confidence: null}}}\n"
    )
    daemon.tick()
    *_, found = materializations(daemon.instance, "performance_targets")
    asked = shown(found.metadata)["confidence"]
    assert asked == "weekly 95.0 %, monthly 95.0 %, rolling 95.0 %"


# --- crashes, and memories that are lost ------------------------------------------------------


@pytest.mark.parametrize("killed_after", [0, 1, 2, 3])
@pytest.mark.parametrize("and_again_after", [None, 0, 1])
def test_a_crash_between_any_two_steps_of_a_tick_reports_each_change_once(
    daemon: Daemon, here: Place, killed_after: int, and_again_after: int | None
) -> None:
    """The file is written, 0 to 3 of 3 events are stored, and the cursor is not."""
    edit(here, BEFORE, NEXT_DAY)
    here.settings.targets_file.write_text("win_rate_target: 50\n")
    with pytest.raises(KilledError):
        daemon.tick(killed_after)
    here.write(DAY, *session("9"))
    if and_again_after is not None:
        with pytest.raises(KilledError):
            daemon.tick(and_again_after)
    daemon.tick()
    assert daemon.tick() == []
    assert reported(daemon.instance) == {str(BEFORE): 2, str(DAY): 2, str(NEXT_DAY): 2, ALL[3]: 1}


def test_a_crash_before_the_file_is_written_leaves_everything_to_the_next_tick(
    daemon: Daemon, here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(here, BEFORE)
    before = daemon.watch_file.read_bytes()

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("performance_pipeline.defs.log_sensor.keep_watch", killed)
        with pytest.raises(KilledError):
            daemon.tick()
    assert daemon.watch_file.read_bytes() == before
    assert daemon.tick() == [str(BEFORE)]


def test_after_a_crash_the_tick_looks_from_the_watch_that_its_cursor_names(
    daemon: Daemon, here: Place
) -> None:
    edit(here, BEFORE)
    with pytest.raises(KilledError):
        daemon.tick(0)
    kept = json.loads(daemon.watch_file.read_bytes())
    assert kept["newest"]["days"][str(BEFORE)] != kept["previous"]["days"][str(BEFORE)]
    # Only what that watch does not know is read again, so what is deleted now is known to be.
    here.path(NEXT_DAY).unlink()
    assert daemon.tick() == [str(BEFORE), str(NEXT_DAY)]


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def from_elsewhere(path: Path) -> None:
    path.write_text('{"newest":{},"previous":{}}')


@pytest.mark.parametrize("harm", [lose, cut, empty, from_elsewhere])
def test_without_the_file_nothing_that_was_reported_is_reported_again(
    daemon: Daemon, here: Place, harm: Callable[[Path], None]
) -> None:
    harm(daemon.watch_file)
    edit(here, NEXT_DAY)
    assert daemon.tick() == [str(NEXT_DAY)]
    assert daemon.tick() == []
    harm(daemon.watch_file)
    assert daemon.tick() == []
    assert reported(daemon.instance) == {**dict.fromkeys(ALL, 1), str(NEXT_DAY): 2}


def test_a_cursor_that_was_taken_away_by_hand_reports_everything_again(daemon: Daemon) -> None:
    daemon.cursor = None
    assert daemon.tick() == [*ALL, "performance_targets"]


@pytest.mark.parametrize("changed", [False, True])
def test_the_cursor_of_an_older_version_is_read_once_and_becomes_a_small_one(
    here: Place, instance: dg.DagsterInstance, changed: bool
) -> None:
    daemon = Daemon(here, instance)
    daemon.tick()
    _, watch = look(here.settings, Watch(), NOON)
    _, targets = (daemon.cursor or "").split("\n")
    daemon.watch_file.unlink()
    daemon.cursor = f"{watch.encode()}\n{targets}"
    if changed:
        edit(here, BEFORE)
        with pytest.raises(KilledError):
            daemon.tick(0)
    assert daemon.tick() == ([str(BEFORE)] if changed else [])
    assert len(daemon.cursor) < 200
    assert daemon.watch_file.exists()
    assert daemon.tick() == []


@pytest.mark.parametrize("first_cursor_wins", [False, True])
def test_two_daemons_side_by_side_end_in_quiet_whichever_cursor_is_kept(
    daemon: Daemon, here: Place, first_cursor_wins: bool
) -> None:
    other = Daemon(here, daemon.instance, daemon.cursor, NOON + ONE_DAY)
    edit(here, BEFORE)
    results = daemon.evaluate(), other.evaluate()
    daemon.store(results[0])
    other.store(results[1])
    kept = daemon.cursor if first_cursor_wins else other.cursor
    last = Daemon(here, daemon.instance, kept, other.now)
    assert last.tick() == []
    assert last.tick() == []


def test_a_folder_that_is_not_there_is_one_line_and_what_was_known_is_remembered(
    daemon: Daemon, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    unmounted = here.log_dir.rename(here.log_dir.with_name("unmounted"))
    capsys.readouterr()
    missing = daemon.evaluate()
    logged = capsys.readouterr().err
    unmounted.rename(here.log_dir)

    line = f"PERFORMANCE_LOG_DIR={str(here.log_dir)!r}: cannot be read (No such file or directory)"
    assert (missing.asset_events, missing.cursor) == ([], daemon.cursor)
    assert line in str(missing.skip_message)
    assert line in logged
    assert "ERROR" in logged
    assert "Traceback" not in logged
    assert daemon.tick() == []


def test_an_output_folder_that_cannot_be_written_is_one_line_a_tick_until_it_can(
    daemon: Daemon, here: Place
) -> None:
    edit(here, BEFORE)
    aside = here.output.rename(here.output.with_name("aside"))
    here.output.write_text("a file")
    for _ in range(2):
        result = daemon.evaluate()
        assert "PERFORMANCE_OUTPUT_DIR" in str(result.skip_message)
        assert (result.asset_events, result.cursor) == ([], daemon.cursor)
    here.output.unlink()
    aside.rename(here.output)
    assert daemon.tick() == [str(BEFORE)]
