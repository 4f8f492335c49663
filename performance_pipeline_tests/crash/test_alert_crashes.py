"""Kill -9 between any two writes of materializing and ticking, and count lost and repeated alerts.

A process goes through a script of breaches and corrections: a run evaluates what the script says,
a tick follows, and then the step is done. It is killed, and another one goes on from what is on
disk. In the end the alert log must hold the lines of the script, none missing and none twice.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

import dagster as dg
import pytest
import sqlalchemy

from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.domain.summary import TargetResult
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.storage.files import write_atomically
from performance_pipeline_tests.support.alert_service import BREACH, CORRECT, AlertService
from performance_pipeline_tests.support.alerts import CRITICAL, MET, WARN, documents, evaluation
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, place, session
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.reported_runs import checked

KILLS_AT_A_WRITE: Final = often(60, usual=8)
KILLS_AT_ANY_TIME: Final = often(30, usual=5)
ENOUGH: Final = 20  # steps: more than any process is let live for

Line = tuple[str, str, str]
Doing = Callable[[AlertService, int], None]


# --- the script -------------------------------------------------------------------------------

PERIODS: Final = [
    (Window.DAILY, DAY),
    (Window.DAILY, NEXT_DAY),
    (Window.WEEKLY, DAY),
    (Window.MONTHLY, DAY),
    (Window.ROLLING, NEXT_DAY),
]


def scripted(step: int) -> list[tuple[Window, date, TargetResult]]:
    """What the checks say in `step`: of most periods something else than in the one before."""
    chance = Random(step)
    return [(window, day, chance.choice([WARN, CRITICAL, MET, MET])) for window, day in PERIODS]


def evaluate_as_scripted(service: AlertService, step: int) -> None:
    """A run of three events, stored by hand: cheap enough to be killed often."""
    found: list[Evaluation] = [
        evaluation(judged, window=window, day=day) for window, day, judged in scripted(step)
    ]
    checked(service.instance, *found)


def materialize_in_turn(service: AlertService, step: int) -> None:
    """A real run over a real log, breached in even steps and corrected in odd ones."""
    service.here.write(DAY, *session(*(CORRECT if step % 2 else BREACH)))
    service.materialize(Window.DAILY, Window.ROLLING)


def in_turn(step: int) -> list[tuple[Window, date, TargetResult]]:
    """What the checks say of what `materialize_in_turn` makes."""
    judged = MET if step % 2 else WARN
    return [(Window.DAILY, DAY, judged), (Window.ROLLING, DAY, judged)]


def expected(steps: int, script: Callable[[int], list[tuple[Window, date, TargetResult]]]) -> Any:
    """By window and period, the lines that the first `steps` steps call for."""
    lines: dict[str, list[Line]] = {}
    for step in range(steps):
        for window, day, judged in script(step):
            stem = f"{window}-{Period.of(window, day).key}-win_rate"
            history = lines.setdefault(stem, [])
            episodes = sum(status == "raised" for _, status, _ in history)
            active = history[-1] if history and history[-1][1] != "resolved" else None
            if judged.severity and active is None:
                history.append((f"{stem}-{episodes + 1}", "raised", judged.severity))
            elif judged.severity and active and active[2] != judged.severity:
                history.append((active[0], "updated", judged.severity))
            elif judged.severity is None and active:
                history.append((active[0], "resolved", active[2]))
    return {stem: history for stem, history in lines.items() if history}


def found(path: Path) -> dict[str, list[Line]]:
    """By window and period, the lines of the alert log."""
    lines: dict[str, list[Line]] = {}
    for one in documents(path):
        stem = one["id"].rpartition("-")[0]
        lines.setdefault(stem, []).append((one["id"], one["status"], one["severity"]))
    return lines


# --- the process that is killed ---------------------------------------------------------------


@dataclass
class Daemon(AlertService):
    """A service that keeps its cursor on disk, as the daemon does: after the tick."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.kept = self.here.log_dir.parent / "cursor"
        self.cursor = self.kept.read_text() if self.kept.exists() else None

    def keep(self, result: dg.SensorResult) -> None:
        super().keep(result)
        write_atomically(self.kept, (self.cursor or "").encode())


@contextmanager
def daemon_in(folder: Path) -> Iterator[Daemon]:
    here = place(folder / "logs", TARGETS_FILE=str(folder / "targets.yaml"))
    with instance_in(folder / "home") as instance:
        yield Daemon(here, instance)


class Death:
    """Kills this process at the write that comes after so many others; a write is then half done.

    A write is a commit of the instance's databases, one to the alert log or the sync of it, and a
    file that is replaced, such as the cursor. `only_files` leaves the databases out of account.
    """

    def __init__(self, writes: int, only_files: bool) -> None:
        self.left = writes
        self.write, self.fsync, self.replace = os.write, os.fsync, Path.replace
        death = self

        def replace(path: Path, target: Any) -> Path:
            death.come_near()
            return death.replace(path, target)

        vars(os).update(write=self.half_a_write, fsync=self.no_sync)
        setattr(Path, "replace", replace)  # noqa: B010
        if not only_files:
            sqlalchemy.event.listen(sqlalchemy.engine.Engine, "commit", lambda _: self.come_near())

    def come_near(self) -> None:
        if self.due():
            os.kill(os.getpid(), signal.SIGKILL)

    def due(self) -> bool:
        self.left -= 1
        return self.left < 0

    def half_a_write(self, descriptor: int, data: Any) -> int:
        if self.due():
            self.write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return self.write(descriptor, data)

    def no_sync(self, descriptor: Any) -> None:
        self.come_near()
        self.fsync(descriptor)


def go_on(folder: Path, do: Doing, until: int, death: tuple[int, bool] | None) -> None:
    """Do the steps that are left before `until`; with `death`, die at that write."""
    progress = folder / "progress"
    with daemon_in(folder) as daemon:
        if death is not None:
            Death(*death)
        for step in range(int(progress.read_text()), until):
            do(daemon, step)
            daemon.tick()
            write_atomically(progress, str(step + 1).encode())


def fork_on_demand(folder: Path, requests: Any) -> None:
    """Fork a process that goes on for every request, out of one that has been through it all.

    Imports and first times are what most of a process's life would be spent on otherwise.
    """
    for warm_up in (evaluate_as_scripted, materialize_in_turn):
        go_on(begin(folder / warm_up.__name__), warm_up, 1, None)
    while (request := requests.recv()) is not None:
        process = os.fork()
        if process == 0:
            try:
                requests.send(os.getpid())
                go_on(*request)
                os._exit(0)
            finally:
                os._exit(1)
        requests.send(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def begin(folder: Path) -> Path:
    """Make `folder` the place of a service in which no step is done yet."""
    for part in ("home", "logs"):
        (folder / part).mkdir(parents=True)
    instance_in(folder / "home").dispose()
    (folder / "targets.yaml").write_text("win_rate_target: 60\n")
    (folder / "progress").write_text("0")
    return folder


@dataclass(frozen=True)
class Processes:
    """Those that go on in `folder` with what `do` does, one after the other."""

    requests: Any
    folder: Path
    do: Doing

    def die_at_a_write(self, writes: int, only_files: bool) -> None:
        self._start(self._done() + ENOUGH, (writes, only_files))
        assert self.requests.recv() == -signal.SIGKILL

    def die_after(self, seconds: float) -> None:
        process = self._start(self._done() + ENOUGH)
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        assert self.requests.recv() == -signal.SIGKILL

    def finish_step(self) -> int:
        """Let one finish the step that was begun; how many steps are done then."""
        steps = self._done() + 1
        self._start(steps)
        assert self.requests.recv() == 0
        return steps

    def _done(self) -> int:
        return int((self.folder / "progress").read_text())

    def _start(self, until: int, death: tuple[int, bool] | None = None) -> int:
        """Its process id; what it ends with is what comes next."""
        self.requests.send((self.folder, self.do, until, death))
        process: int = self.requests.recv()
        assert process > 1  # or a signal to it would be one to many
        return process


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    ours, theirs = PROCESSES.Pipe()
    server = start(fork_on_demand, tmp_path_factory.mktemp("server"), theirs)
    theirs.close()  # so that waiting for a server that has failed is an error, not for ever
    yield ours
    ours.send(None)
    server.join()


# --- counting ---------------------------------------------------------------------------------


def check(folder: Path, wanted: dict[str, list[Line]]) -> None:
    """Count what is lost and what is repeated, and then hold each history against the script."""
    held = found(folder / "logs" / "performance-alerts.jsonl")
    one_list = [Counter(line for one in lines.values() for line in one) for lines in (wanted, held)]
    lost, repeated = one_list[0] - one_list[1], one_list[1] - one_list[0]
    assert (dict(lost), dict(repeated)) == ({}, {})
    assert held == wanted


def test_a_kill_between_any_two_writes_loses_no_alert_and_repeats_none(
    requests: Any, tmp_path: Path
) -> None:
    processes = Processes(requests, begin(tmp_path / "place"), evaluate_as_scripted)
    chance = Random(11)
    for _ in range(KILLS_AT_A_WRITE):
        only_files = chance.random() < 0.6
        processes.die_at_a_write(chance.randrange(5 if only_files else 150), only_files)
    steps = processes.finish_step()
    assert steps > KILLS_AT_A_WRITE // 4
    check(processes.folder, expected(steps, scripted))


def test_a_kill_at_any_time_of_a_run_or_a_tick_loses_no_alert_and_repeats_none(
    requests: Any, tmp_path: Path
) -> None:
    processes = Processes(requests, begin(tmp_path / "place"), materialize_in_turn)
    chance = Random(12)
    for _ in range(KILLS_AT_ANY_TIME):
        processes.die_after(chance.uniform(0, 1.2))
    steps = processes.finish_step()
    check(processes.folder, expected(steps, in_turn))


def test_a_step_repeated_because_its_tick_died_before_its_cursor_was_kept_adds_nothing(
    tmp_path: Path,
) -> None:
    folder = begin(tmp_path / "place")
    go_on(folder, evaluate_as_scripted, 1, None)
    content = (folder / "logs" / "performance-alerts.jsonl").read_bytes()
    (folder / "cursor").unlink()
    (folder / "progress").write_text("0")
    go_on(folder, evaluate_as_scripted, 1, None)
    assert (folder / "logs" / "performance-alerts.jsonl").read_bytes() == content
