"""Kill -9 while the instance is pruned: what is read stays the same, and the next one goes on."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from performance_pipeline.defs.retention import Limits, Pruned
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.histories import ALL, copy_of, pruned
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.remembered import remembered

KILLS: Final = often(40, usual=1)
LITTLE: Final = Limits(runs=1, events=4)
ENOUGH: Final = often(5, usual=2)  # processes, each of which prunes a little before it is killed


def prune_little_by_little(home: Path, begun: Event) -> None:
    with instance_in(home) as instance:
        begun.set()
        while pruned(instance, limits=LITTLE).more:
            pass


@dataclass(frozen=True)
class Whole:
    """What is read before and after pruning that nobody kills, and what that leaves."""

    expected: dict[str, Any]
    seconds: float
    """How long a process takes for it, little by little."""
    left: tuple[list[str], list[int], list[int], list[str]]


@pytest.fixture(scope="module")
def whole(lived_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole") / "copy"
    with copy_of(lived_in, folder) as service:
        expected = remembered(service.instance, service.definitions)
        begun = PROCESSES.Event()
        process = start(prune_little_by_little, folder / "home", begun)
        assert begun.wait(60)
        began = time.monotonic()
        process.join()
        seconds = time.monotonic() - began
        assert process.exitcode == 0
        pruned(service.instance, limits=ALL)
        return Whole(expected, seconds, what_is_left(folder / "home"))


@pytest.mark.parametrize("seed", range(KILLS))
def test_pruning_that_is_killed_at_any_moment_loses_nothing_and_the_next_one_ends_it(
    lived_in: Path, whole: Whole, tmp_path: Path, seed: int
) -> None:
    chance, kills = Random(seed), 0
    with copy_of(lived_in, tmp_path / "killed") as service:
        home = tmp_path / "killed" / "home"
        for _ in range(ENOUGH):
            begun = PROCESSES.Event()
            process = start(prune_little_by_little, home, begun)
            assert begun.wait(60)
            # Of half the time, so that none is done before; the next begins where it ended.
            time.sleep(chance.uniform(0, whole.seconds / 2))
            process.kill()
            process.join()
            if process.exitcode == 0:
                break
            kills += 1
            assert remembered(service.instance, service.definitions) == whole.expected
        assert kills
        pruned(service.instance, limits=ALL)
        assert pruned(service.instance, limits=ALL) == Pruned()
        assert remembered(service.instance, service.definitions) == whole.expected
        assert what_is_left(home) == whole.left


def what_is_left(home: Path) -> tuple[list[str], list[int], list[int], list[str]]:
    """Runs, events, check results, and the logs of runs."""
    history = home / "history"
    with (
        closing(sqlite3.connect(history / "runs.db")) as runs,
        closing(sqlite3.connect(history / "runs" / "index.db")) as index,
    ):
        return (
            [row[0] for row in runs.execute("SELECT run_id FROM runs ORDER BY run_id")],
            [row[0] for row in index.execute("SELECT id FROM event_logs ORDER BY id")],
            [row[0] for row in index.execute("SELECT id FROM asset_check_executions ORDER BY id")],
            sorted(path.name for path in (history / "runs").glob("*.db")),
        )
