"""Timing: interleaved runs of several contenders, and one alone in a fresh process."""

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Job = Callable[[], object]


@dataclass(frozen=True)
class Run:
    """One run: wall and CPU seconds, those of all its threads and finished processes."""

    wall: float
    cpu: float
    peak_mb: float = 0.0


def interleaved(
    jobs: Mapping[str, Callable[[], Run]], rounds: int, once: Collection[str] = ()
) -> dict[str, list[Run]]:
    """Run every job once a round, so that a slow moment of the machine hits them all.

    Those named in `once` run in the first round only.
    """
    runs: dict[str, list[Run]] = {name: [] for name in jobs}
    for number in range(rounds):
        for name, job in jobs.items():
            if number == 0 or name not in once:
                runs[name].append(job())
    return runs


def timed(job: Job) -> Callable[[], Run]:
    """`job`, called in this process."""

    def run() -> Run:
        gc.collect()
        before, started = _cpu_so_far(), time.perf_counter()
        job()
        return Run(time.perf_counter() - started, _cpu_so_far() - before)

    return run


def _cpu_so_far() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def command(*arguments: str, env: Mapping[str, str]) -> Callable[[], Run]:
    """A whole process, from its start to its end; a breached target (2) is no failure."""
    whole_env = {**_users_environment(), **env}

    def run() -> None:
        done = subprocess.run(arguments, env=whole_env, check=False, capture_output=True)
        if done.returncode not in (0, 2):
            said = done.stderr.decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(arguments)}: exit status {done.returncode}\n{said}")

    return timed(run)


def _users_environment() -> dict[str, str]:
    """This process's environment without settings of ours, and with bytecode kept.

    A machine told not to keep it compiles every module of this project anew in each process.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PERFORMANCE_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def alone(contender: str, paths: Sequence[Path]) -> Callable[[], Run]:
    """A contender in a process of its own, for its peak memory; imports are not timed."""

    def run() -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.alone", contender, *map(str, paths)],
            check=True,
            stdout=subprocess.PIPE,
        )
        return Run(**json.loads(done.stdout))

    return run


def wall(runs: Sequence[Run]) -> float:
    """Median wall seconds."""
    return statistics.median(run.wall for run in runs)


def cpu(runs: Sequence[Run]) -> float:
    """Median CPU seconds."""
    return statistics.median(run.cpu for run in runs)


def best(runs: Sequence[Run]) -> float:
    """Least wall seconds: what the machine can do while nothing else asks for it."""
    return min(run.wall for run in runs)


def ratio(runs: Sequence[Run], base: Sequence[Run]) -> float:
    """Median of the round-by-round ratios of wall time."""
    return statistics.median(
        mine.wall / theirs.wall for mine, theirs in zip(runs, base, strict=False)
    )
