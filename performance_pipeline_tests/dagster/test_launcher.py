"""The run launcher's word on runs whose process may be gone; the daemon test really kills one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG, HIDDEN_TAG_PREFIX, SYSTEM_TAG_PREFIX
from dagster._core.test_utils import create_run_for_test

from performance_pipeline.defs.backfill import Progress, run_backfill
from performance_pipeline.defs.dagster_internals import WILL_RETRY_TAG, WorkerStatus
from performance_pipeline.defs.launcher import PROCESS_TAG, WatchedRunLauncher, this_process
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY, place
from performance_pipeline_tests.support.shared_homes import shipped

FORMER_TAG: Final = "performance_pipeline/process"
OF_DAGSTER: Final = (HIDDEN_TAG_PREFIX, SYSTEM_TAG_PREFIX)
HOST: Final = this_process().rpartition(":")[0]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One as shipped: the launcher is the one that its dagster.yaml names."""
    with dg.DagsterInstance.from_config(str(shipped(tmp_path))) as found:
        yield found


def said_of(instance: dg.DagsterInstance, **tags: str) -> WorkerStatus:
    run = create_run_for_test(
        instance, status=dg.DagsterRunStatus.STARTED, tags={k: v for k, v in tags.items() if v}
    )
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchedRunLauncher)
    assert launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(run).status


def test_a_run_of_the_command_line_lives_as_long_as_its_process(
    instance: dg.DagsterInstance,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        tag = {PROCESS_TAG: f"{HOST}:{process.pid}"}
        assert said_of(instance, **tag) is WorkerStatus.RUNNING
    assert said_of(instance, **tag) is WorkerStatus.FAILED


def test_a_run_of_an_older_version_is_judged_by_the_tag_that_it_carried(
    instance: dg.DagsterInstance,
) -> None:
    assert said_of(instance, **{FORMER_TAG: this_process()}) is WorkerStatus.RUNNING
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        gone = f"{HOST}:{process.pid}"
    assert said_of(instance, **{FORMER_TAG: gone}) is WorkerStatus.FAILED


@pytest.mark.parametrize("process", ["another-host:1", ""])
def test_a_run_of_which_nothing_can_be_known_counts_as_running(
    instance: dg.DagsterInstance, process: str
) -> None:
    assert said_of(instance, **{PROCESS_TAG: process}) is WorkerStatus.RUNNING


def test_a_run_given_to_a_code_server_that_is_gone_has_failed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    gone = f'{{"host": "localhost", "socket": "{tmp_path / "gone"}"}}'
    assert said_of(instance, **{GRPC_INFO_TAG: gone}) is WorkerStatus.FAILED


def test_a_run_that_has_died_is_said_to_be_retried_before_it_fails(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    gone = f'{{"host": "localhost", "socket": "{tmp_path / "gone"}"}}'
    said_of(instance, **{GRPC_INFO_TAG: gone})
    (run,) = instance.get_runs()
    assert (run.status, run.tags[WILL_RETRY_TAG]) == (dg.DagsterRunStatus.STARTED, "true")


def test_a_backfill_says_which_process_executes_its_runs(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runtime = Runtime(place(tmp_path / "logs").settings, lambda: LATER)
    progress = Progress(lambda _: None, lambda: None, lambda *_: None)
    assert run_backfill(runtime, instance, DAY, DAY, progress) == []
    tags = [run.tags[PROCESS_TAG] for run in instance.get_runs()]
    assert tags == [f"{HOST}:{os.getpid()}"] * 5


def test_of_the_tags_of_a_backfill_people_see_the_range_and_not_the_process(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runtime = Runtime(place(tmp_path / "logs").settings, lambda: LATER)
    progress = Progress(lambda _: None, lambda: None, lambda *_: None)
    assert run_backfill(runtime, instance, DAY, DAY + ONE_DAY, progress) == []
    shown = [
        {name: value for name, value in run.tags.items() if not name.startswith(OF_DAGSTER)}
        for run in instance.get_runs()
    ]
    days, week, month = "2025-06-10...2025-06-11", "2025-06-09", "2025-06-01"
    assert [tags["partitions"] for tags in shown] == [days, month, week, days, days]
    assert {name for tags in shown for name in tags} == {"partitions"}


def test_as_shipped_a_killed_run_is_noticed_and_retried_and_a_failed_one_is_not(
    instance: dg.DagsterInstance,
) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries > 0
    assert not instance.run_retries_retry_on_asset_or_op_failure
