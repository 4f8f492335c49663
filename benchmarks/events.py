"""What it takes to store the events of a year: on SQLite, on PostgreSQL, and by two workers."""

import multiprocessing
import os
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final
from unittest.mock import patch

import dagster as dg
import pytest
import yaml

from benchmarks.data import LAST_DAY
from benchmarks.empty_assets import empty_definitions, run_layers
from benchmarks.measure import Run, best, interleaved, ratio, wall
from benchmarks.tables import Table, seconds, times
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline_tests.support.local import LocalSettings
from performance_pipeline_tests.support.postgres import postgres

_NOW: Final = datetime(2025, 12, 31, 23, tzinfo=UTC)
_SQLITE: Final[dict[str, object]] = {}
_DEPLOYED: Final = Path(__file__).parents[1] / "deploy" / "cluster" / "dagster.yaml"
_BATCHED: Final = {"DAGSTER_EVENT_BATCH_SIZE": "500"}
_DEFAULT: Final = "default SQLite"
_SHIPPED: Final = "as in `deploy/`: kept, and events by 500"
_TITLE: Final = "Events of a year on SQLite and on PostgreSQL"


def events(folder: Path, quick: bool) -> Table:
    if find_spec("dagster_postgres") is None:
        return _skipped("dagster-postgres is not installed")
    try:
        with (
            postgres(durable=True) as server,
            patch.dict(os.environ, {"CLUSTER_POSTGRES_URL": server.url}),
        ):
            return _measured(folder, server.url, quick)
    except pytest.skip.Exception as reason:
        return _skipped(str(reason))


def _skipped(reason: str) -> Table:
    return Table(_TITLE, ("storage", "median"), [], [f"Skipped: {reason}."])


def _measured(folder: Path, url: str, quick: bool) -> Table:
    days = 10 if quick else 365
    stock = {"storage": {"postgres": {"postgres_url": url}}}
    pooled = {"storage": yaml.safe_load(_DEPLOYED.read_text("utf-8"))["storage"]}
    jobs = {
        _DEFAULT: partial(_stored, folder, _SQLITE, {}, [days]),
        "PostgreSQL, a connection a statement": partial(_stored, folder, stock, {}, [days]),
        "PostgreSQL, connections kept": partial(_stored, folder, pooled, {}, [days]),
        _SHIPPED: partial(_stored, folder, pooled, _BATCHED, [days]),
        "the same, half the days by a second worker": partial(
            _stored, folder, pooled, _BATCHED, [days // 2, days - days // 2]
        ),
    }
    runs = interleaved(jobs, 1 if quick else 5)
    base, shipped = runs[_DEFAULT], runs[_SHIPPED]
    return Table(
        _TITLE,
        ("storage", "median", "best", "against SQLite", "against `deploy/`"),
        [
            [
                name,
                seconds(wall(mine)),
                seconds(best(mine)),
                times(ratio(mine, base)),
                times(ratio(mine, shipped)),
            ]
            for name, mine in runs.items()
        ],
        [
            f"A backfill of {days} days with empty asset bodies, a run a layer, in a process of its"
            " own that has imported everything. Both databases wait for the disk. PostgreSQL's own"
            " processes take part of the same cores."
        ],
    )


def _stored(
    folder: Path, config: Mapping[str, object], variables: Mapping[str, str], shares: list[int]
) -> Run:
    """Store the events of a backfill into an empty instance, by one process for each share."""
    home = folder / f"home-events-{time.monotonic_ns()}"
    home.mkdir()
    (home / "dagster.yaml").write_text(
        yaml.safe_dump({**config, "telemetry": {"enabled": False}}), encoding="utf-8"
    )
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.wipe()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(len(shares) + 1)
    with patch.dict(os.environ, variables):
        workers, last = [], LAST_DAY
        for share in shares:
            first = last - timedelta(days=share - 1)
            workers.append(spawn.Process(target=_work, args=(home, first, last, ready)))
            last = first - timedelta(days=1)
        for worker in workers:
            worker.start()
        ready.wait()
        started = time.perf_counter()
        for worker in workers:
            worker.join()
            if worker.exitcode:
                raise RuntimeError(f"a worker ended with status {worker.exitcode}")
    return Run(time.perf_counter() - started, 0)


def _work(home: Path, first: date, last: date, ready: Barrier) -> None:
    variables = {"PERFORMANCE_LOG_DIR": str(home), "PERFORMANCE_START_DATE": "2020-01-01"}
    runtime = Runtime(LocalSettings.from_env(variables), lambda: _NOW)
    definitions = empty_definitions(runtime)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
        ready.wait()
        run_layers(definitions, instance, first, last)
