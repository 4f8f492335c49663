"""A shipped instance that others have open too, and what each of them stores and finds there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import dagster as dg
import sqlalchemy as db

from performance_pipeline.defs.dagster_internals import TickStatus
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.reported_runs import finish, start_run
from performance_pipeline_tests.support.ticks import record_tick

SENSOR: Final = "trade_log_sensor"
ASSET: Final = dg.AssetKey("made")

T = TypeVar("T")


class Stored(NamedTuple):
    """What an instance holds, each kind out of a file of its own."""

    events: dict[str, int]
    """By run, out of the log of each."""
    made: int
    ticks: int


def live(instance: dg.DagsterInstance) -> str:
    """One more run, materialization and tick; the run."""
    run_id = start_run(instance)
    finish(instance, run_id)
    instance.report_runless_asset_event(dg.AssetMaterialization(ASSET))
    record_tick(instance, SENSOR, datetime.now(UTC), TickStatus.SKIPPED)
    return run_id


def log_to(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.report_engine_event("said", job_name="by_hand", run_id=run_id)


def stored(instance: dg.DagsterInstance) -> Stored:
    return Stored(
        {run_id: len(instance.all_logs(run_id)) for run_id in instance.get_run_ids()},
        len(instance.fetch_materializations(ASSET, limit=1000).records),
        sum(
            len(instance.get_ticks(state.instigator_origin_id, state.selector_id))
            for state in instance.all_instigator_state()
        ),
    )


def shipped(home: Path) -> Path:
    home.mkdir(exist_ok=True)
    configuration = resources.files("performance_pipeline") / "dagster.yaml"
    (home / "dagster.yaml").write_bytes(configuration.read_bytes())
    return home


def _answer(home: Path, asked: Connection) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        while (question := asked.recv()) is not None:
            asked.send(question(instance))


@contextmanager
def beside(home: Path) -> Iterator[Callable[[Callable[[dg.DagsterInstance], T]], T]]:
    """Another process that has the instance open; what is given to it is called there."""
    here, there = PROCESSES.Pipe()
    process = start(_answer, home, there)
    there.close()  # Else nobody would hear that the process is gone.

    def ask(question: Callable[[dg.DagsterInstance], T]) -> T:
        here.send(question)
        answer: T = here.recv()
        return answer

    try:
        yield ask
    finally:
        here.send(None)
        process.join()
    assert process.exitcode == 0


@contextmanager
def counted_connections() -> Iterator[list[str]]:
    """The file of each connection that is made to any database meanwhile."""
    made: list[str] = []

    def count(connection: Any, _: object) -> None:
        made.extend(path for _, _, path in connection.execute("PRAGMA database_list"))

    db.event.listen(db.Pool, "connect", count)
    try:
        yield made
    finally:
        db.event.remove(db.Pool, "connect", count)
