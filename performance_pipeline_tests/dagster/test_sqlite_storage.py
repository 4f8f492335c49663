"""Kept connections to Dagster's SQLite files: who else writes, reads, vacuums, removes or forks."""

import gc
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.commands.home import HOME_VARIABLE, opened
from performance_pipeline.defs.dagster_internals import (
    RUNLESS_RUN_ID,
    SqliteEventLogStorage,
    SqliteRunStorage,
    TickStatus,
)
from performance_pipeline.defs.retention import _EMPTIED_BYTES, Pruned, sqlite_files
from performance_pipeline.defs.sqlite_storage import PooledInstance
from performance_pipeline.storage.databases import empty, vacuum
from performance_pipeline_tests.support.histories import pruned
from performance_pipeline_tests.support.instances import new_home
from performance_pipeline_tests.support.processes import start
from performance_pipeline_tests.support.reported_runs import start_run
from performance_pipeline_tests.support.shared_homes import (
    ASSET,
    SENSOR,
    beside,
    counted_connections,
    live,
    log_to,
    shipped,
    stored,
)
from performance_pipeline_tests.support.ticks import record_tick
from performance_pipeline_tests.support.waiting import wait_until

EVENTS: Final = "event_logs"
# Nothing here waits for a database: nobody may be in the way.
NO_WAIT: Final = 0.0


@pytest.fixture
def home(tmp_path: Path, empty_home: Path) -> Path:
    return shipped(new_home(empty_home, tmp_path / "home"))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def open_in(folder: Path) -> list[str]:
    """The databases below `folder` that this process has open."""
    found = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
    return [str(path) for path in found if folder in path.parents and ".db" in path.name]


# --- which storage ----------------------------------------------------------------------------


def test_as_shipped_connections_are_kept_wherever_the_home_is(
    home: Path, instance: dg.DagsterInstance
) -> None:
    assert HOME_VARIABLE not in os.environ
    assert isinstance(instance, PooledInstance)
    run_id = live(instance)
    log_to(instance, run_id)
    with counted_connections() as made:
        for _ in range(20):
            log_to(instance, run_id)
            instance.get_runs(limit=1)
            instance.fetch_materializations(ASSET, limit=1)
            record_tick(instance, SENSOR, datetime.now(UTC), TickStatus.SKIPPED)
        assert len(instance.all_logs(run_id)) > 20
        assert made == []
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSET))
        assert set(made) == {str(home / "history" / "runs" / f"{RUNLESS_RUN_ID}.db")}


def test_a_home_of_an_older_version_keeps_dagsters_own_storage_and_its_history_serves_both(
    home: Path,
) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        live(instance)
        before = stored(instance)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as older:
        assert type(older.run_storage) is SqliteRunStorage
        assert type(older.event_log_storage) is SqliteEventLogStorage
        assert stored(older) == before
        live(older)
        before = stored(older)
    with dg.DagsterInstance.from_config(str(shipped(home))) as instance:
        assert stored(instance) == before


def test_a_storage_that_is_named_beside_the_class_is_the_one_that_is_used(
    home: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    with (home / "dagster.yaml").open("a") as configuration:
        configuration.write(f"storage: {{sqlite: {{base_dir: {elsewhere}}}}}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert type(instance.run_storage) is SqliteRunStorage
        assert {path.parts[len(elsewhere.parts)] for path in sqlite_files(instance)} == {
            "history",
            "schedules",
        }


# --- several at once --------------------------------------------------------------------------


def test_what_one_process_stores_another_reads(home: Path, instance: dg.DagsterInstance) -> None:
    with beside(home) as ask:
        for _ in range(3):
            live(instance)
            assert ask(stored) == stored(instance)
            ask(live)
            assert ask(stored) == stored(instance)
    assert (len(stored(instance).events), stored(instance).made) == (6, 6)


def test_threads_share_what_is_kept(instance: dg.DagsterInstance) -> None:
    first = live(instance)
    with ThreadPoolExecutor(8) as threads:
        runs = [first, *threads.map(lambda _: live(instance), range(39))]
        found = list(threads.map(lambda _: stored(instance), range(8)))
    assert found[0].events.keys() == set(runs)
    assert (found[0].made, found[0].ticks) == (40, 40)
    assert found == [found[0]] * 8


def test_who_watches_a_run_hears_of_what_another_process_logs_while_it_goes_on(
    home: Path, instance: dg.DagsterInstance
) -> None:
    heard: list[str] = []
    with beside(home) as ask:
        run_id = ask(start_run)
        ask(partial(log_to, run_id=run_id))
        instance.watch_event_logs(run_id, None, lambda event, _: heard.append(event.run_id))
        log = home / "history" / "runs" / f"{run_id}.db"

        def touched() -> bool:
            os.utime(log)
            return bool(heard)

        wait_until("it is watched", touched, 0.05)
        for _ in range(3):
            heard.clear()
            ask(partial(log_to, run_id=run_id))
            wait_until("it is heard", lambda: bool(heard), 0.05)


# --- retention --------------------------------------------------------------------------------


def test_connections_that_are_kept_are_in_nobodys_way(
    home: Path, instance: dg.DagsterInstance
) -> None:
    with beside(home) as ask:
        ask(live)
        before = ask(stored)
        files = list(sqlite_files(instance))
        assert len(files) == 4
        for path in files:
            vacuum(path, NO_WAIT)
            assert not Path(f"{path}-wal").stat().st_size
            with closing(sqlite3.connect(path, timeout=NO_WAIT, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
        assert ask(stored) == stored(instance) == before


def test_a_log_that_was_read_is_free_to_be_emptied(
    home: Path, instance: dg.DagsterInstance
) -> None:
    with beside(home) as ask:
        run_id = live(instance)
        live(instance)
        assert ask(stored) == stored(instance)
        empty(home / "history" / "runs" / f"{run_id}.db", EVENTS, NO_WAIT)
        assert ask(stored).events[run_id] == stored(instance).events[run_id] == 0


def test_beside_an_open_instance_pruning_removes_what_it_removes_alone(
    lived_in: Path, tmp_path: Path
) -> None:
    left: list[tuple[Pruned, set[str], set[str]]] = []
    for name in ("alone", "beside"):
        shutil.copytree(lived_in, tmp_path / name)
        home = shipped(tmp_path / name / "home")
        with (
            dg.DagsterInstance.from_config(str(home)) as instance,
            beside(home) if name == "beside" else nullcontext() as ask,
        ):
            if ask is not None:
                assert ask(stored) == stored(instance)
            found = pruned(instance)
            logs = {path.name for path in home.glob("history/runs/*.db")}
            left.append((found, set(instance.get_run_ids()), logs))
            if ask is not None:
                assert ask(stored) == stored(instance)
    assert left[0] == left[1]
    assert left[0][0].logs


# --- files that come and go -------------------------------------------------------------------


def test_files_that_are_put_in_the_place_of_others_are_the_ones_that_are_used(
    home: Path, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    live(instance)
    instance.dispose()
    shutil.copytree(home, tmp_path / "copy")
    live(instance)
    assert len(stored(instance).events) == 2
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "copy", home)
    assert len(stored(instance).events) == 1
    live(instance)
    with dg.DagsterInstance.from_config(str(home)) as opened_later:
        assert stored(opened_later) == stored(instance)
        assert (stored(instance).made, stored(instance).ticks) == (2, 2)


def test_a_forked_child_makes_connections_of_its_own(home: Path) -> None:
    source = """
import os, sys
import dagster as dg
from performance_pipeline.defs.retention import sqlite_files
from performance_pipeline_tests.support.shared_homes import counted_connections, live, stored

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    live(instance)
    shared = {str(path) for path in sqlite_files(instance)}
    if not os.fork():
        with counted_connections() as made:
            live(instance)
        instance.dispose()
        os._exit(0 if shared <= set(made) else 1)
    _, status = os.wait()
    assert not status, status
    with counted_connections() as made:
        live(instance)
    assert len(shared & set(made)) == 1, made  # The log of no run: those of runs take turns.
    assert len(stored(instance).events) == 3
"""
    subprocess.run([sys.executable, "-c", source, str(home)], check=True)
    for path in home.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _open_first(home: Path) -> None:
    os.environ[HOME_VARIABLE] = str(home)
    with opened(home) as instance:
        live(instance)


def test_of_two_processes_that_open_a_new_home_either_makes_it(tmp_path: Path) -> None:
    home = shipped(tmp_path / "home")
    processes = [start(_open_first, home) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert len(stored(instance).events) == 2


def test_a_home_is_migrated_as_any_other(instance: dg.DagsterInstance) -> None:
    live(instance)
    before = stored(instance)
    instance.upgrade()
    instance.reindex()
    assert stored(instance) == before


def test_what_a_killed_process_has_stored_is_there_and_retention_sees_how_large_its_log_is(
    home: Path, instance: dg.DagsterInstance
) -> None:
    # Nothing of the tests is imported: they make logs in another way.
    source = """
import os, signal, sys
import dagster as dg

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    instance.report_engine_event("said", job_name="by_hand", run_id=sys.argv[2])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run_id = start_run(instance)
    killed = subprocess.run([sys.executable, "-c", source, str(home), run_id], check=False)
    assert killed.returncode == -signal.SIGKILL
    log = home / "history" / "runs" / f"{run_id}.db"
    assert log.stat().st_size > _EMPTIED_BYTES
    assert len(instance.all_logs(run_id)) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of open files here")
def test_no_file_stays_open_once_the_instance_is_disposed_of_or_dropped(home: Path) -> None:
    for dispose in (True, False):
        instance = dg.DagsterInstance.from_config(str(home))
        live(instance)
        assert open_in(home)
        if dispose:
            instance.dispose()
        else:
            del instance
            gc.collect()
        assert open_in(home) == []
    assert [*home.rglob("*.db-wal")] == []
