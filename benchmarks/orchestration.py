"""Jobs under Dagster: a backfill against its floors, sensor ticks, loading the definitions."""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import dagster as dg

from benchmarks.data import LAST_DAY, make_logs
from benchmarks.empty_assets import empty_definitions, run_layers
from benchmarks.instances import instance_in
from benchmarks.measure import Run, best, command, cpu, interleaved, ratio, timed, wall
from benchmarks.tables import Table, seconds, times
from performance_pipeline.defs.backfill import Progress, layers, run_backfill
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import days_between
from performance_pipeline_tests.support.local import LocalSettings

_KEYS = Keys()
_NOW = datetime(2025, 12, 31, 23, tzinfo=UTC)


def backfill(folder: Path, quick: bool) -> Table:
    days, alone, apart = (10, 2, 1) if quick else (365, 8, 2)
    logs = folder / "backfill"
    make_logs(logs, days, 1000)
    runtime = Runtime(LocalSettings.from_env(_variables(logs)), lambda: _NOW)
    empty = empty_definitions(runtime)
    jobs: dict[str, tuple[str, int, Callable[[dg.DagsterInstance, date], None]]] = {
        "floor": ("empty asset bodies, as many stored events", days, partial(run_layers, empty)),
        "ours": ("`backfill`, every layer and the alert log", days, partial(_backfill, runtime)),
        "alone": (f"a run a partition (scaled from {alone} days)", alone, partial(_each, runtime)),
        "apart": (
            f"the same, each in a process as the daemon runs it (scaled from {apart})",
            apart,
            partial(_each_in_a_process, logs),
        ),
    }
    partitions = _partitions(days)
    runs: dict[str, list[Run]] = {key: [] for key in jobs}
    events: dict[str, int] = {}
    for number in range(1 if quick else 3):
        for key, (_, reach, job) in jobs.items():
            if reach < days and number:
                continue
            shutil.rmtree(logs / "performance", ignore_errors=True)
            with instance_in(folder / f"home-{key}-{number}") as instance:
                run = timed(partial(job, instance, LAST_DAY - timedelta(days=reach - 1)))()
                events[key] = _events(instance)
            scale = (
                1
                if reach == days
                else partitions / (reach * len(layers(_KEYS, LAST_DAY, LAST_DAY)))
            )
            runs[key].append(Run(run.wall * scale, run.cpu * scale))
    return Table(
        f"Backfill of {days} days of 1,000 lines through Dagster",
        ("what runs", "median", "CPU", "stored events", "against the floor", "against us"),
        [
            [
                name,
                seconds(wall(runs[key])),
                seconds(cpu(runs[key])),
                f"{events[key]:,}",
                times(ratio(runs[key], runs["floor"])),
                times(ratio(runs[key], runs["ours"])),
            ]
            for key, (name, _, _) in jobs.items()
        ],
        [
            "Default SQLite storage, in one process where nothing else is said. The last two rows"
            f" ran each layer of some days by itself, and are scaled to all {partitions:,}"
            " partitions."
        ],
    )


def _partitions(days: int) -> int:
    return sum(
        len(layer.partitions)
        for layer in layers(_KEYS, LAST_DAY - timedelta(days=days - 1), LAST_DAY)
    )


def _variables(logs: Path) -> dict[str, str]:
    return {"PERFORMANCE_LOG_DIR": str(logs), "PERFORMANCE_START_DATE": "2020-01-01"}


def _events(instance: dg.DagsterInstance) -> int:
    return sum(len(instance.all_logs(run.run_id)) for run in instance.get_runs())


def _backfill(
    runtime: Runtime, instance: dg.DagsterInstance, first: date, last: date = LAST_DAY
) -> None:
    silent = Progress(lambda _: None, lambda: None, lambda *_: None)
    if failures := run_backfill(runtime, instance, first, last, silent):
        raise RuntimeError("; ".join(failures))


def _each(runtime: Runtime, instance: dg.DagsterInstance, first: date) -> None:
    """A backfill of one day after the other: a run for each partition, layer by layer."""
    for day in days_between(first, LAST_DAY):
        _backfill(runtime, instance, day, day)


def _each_in_a_process(logs: Path, instance: dg.DagsterInstance, first: date) -> None:
    for day in days_between(first, LAST_DAY):
        for layer in layers(_KEYS, day, day):
            command(
                sys.executable, "-m", "dagster", "asset", "materialize",
                "-m", "performance_pipeline.definitions",
                "--select", layer.asset_key.to_user_string(),
                "--partition", layer.first.isoformat(),
                env={**_variables(logs), "DAGSTER_HOME": instance.root_directory},
            )()  # fmt: skip


def ticks(folder: Path, quick: bool) -> Table:
    logs, rounds = folder / "ticks", 3 if quick else 20
    count = 50 if quick else 1000
    make_logs(logs, count, 10)
    shutil.rmtree(logs / "performance", ignore_errors=True)
    runtime = Runtime(LocalSettings.from_env(_variables(logs)), lambda: _NOW)
    with instance_in(folder / "home-ticks") as instance:
        _backfill(runtime, instance, LAST_DAY - timedelta(days=9))
        watching = _tick(runtime, runtime.keys.log_sensor, instance)
        alerting = _tick(runtime, runtime.keys.alert_sensor, instance)
        jobs = {
            f"looking at {count:,} files (`scandir`, `stat`)": timed(lambda: _stat_all(logs)),
            f"`trade_log_sensor`, {count:,} unchanged logs": timed(watching),
            "`performance_alert_sensor`, nothing new": timed(alerting),
        }
        runs = interleaved(jobs, rounds)
    base = next(iter(runs.values()))
    return Table(
        "Sensor ticks with nothing to do",
        ("tick", "median", "best", "against looking"),
        [
            [name, seconds(wall(mine)), seconds(best(mine)),
             times(ratio(mine, base))]
            for name, mine in runs.items()
        ],
    )  # fmt: skip


def _tick(runtime: Runtime, name: str, instance: dg.DagsterInstance) -> Callable[[], object]:
    """A tick of the sensor of that name, which has looked before."""
    definitions = build_definitions(runtime)
    sensor = definitions.resolve_sensor_def(name)

    def tick(cursor: str | None) -> str | None:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
        return sensor.evaluate_tick(context).cursor or cursor

    seen = tick(tick(None))
    return partial(tick, seen)


def _stat_all(folder: Path) -> None:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        entry.stat()


def definitions_load(folder: Path, quick: bool) -> Table:
    (folder / "load").mkdir(exist_ok=True)
    env = {"PERFORMANCE_LOG_DIR": str(folder / "load")}
    python = (sys.executable, "-c")
    jobs = {
        "`import dagster`": command(*python, "import dagster", env=env),
        "and what the definitions must import": command(
            *python,
            "import dagster, click, jinja2, msgspec, yaml;"
            "from dagster._grpc import client;"
            "from dagster._core.storage.runs import sql_run_storage;"
            "from dagster._core.storage.event_log.sqlite import sqlite_event_log",
            env=env,
        ),
        "`import performance_pipeline.definitions`, loaded": command(
            *python,
            "import performance_pipeline.definitions as d; d.defs",
            env=env,
        ),
    }
    interleaved(jobs, 1)
    runs = interleaved(jobs, 3 if quick else 9)
    names = list(runs)
    return Table(
        "Loading the definitions",
        ("process", "median", "best", "against the line above"),
        [
            [name, seconds(wall(runs[name])), seconds(best(runs[name])),
             times(ratio(runs[name], runs[names[max(0, place - 1)]]))]
            for place, name in enumerate(names)
        ],
        ["What the definitions must import are Dagster's storage and gRPC too, which every process"
         " that opens an instance loads."],
    )  # fmt: skip
