"""What an instance comes to in two years of trading days that are pruned as shipped.

One day is lived: a line a minute, and the runs that close it. Its rows, days later each, are the
history of the others (`copied_days.py`); after each of them the retention sensor ticks until it
finds nothing more. Of looks that come to nothing, which go within the hour, those of one are made.
"""

import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import dagster as dg

from benchmarks.copied_days import LivedDay
from benchmarks.driven_service import FILLS, DrivenService, opening, tick_of
from benchmarks.instances import instance_in
from benchmarks.tables import Table, megabytes, seconds
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.dagster_internals import TickStatus
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period
from performance_pipeline.storage.databases import space
from performance_pipeline.storage.files import bytes_below
from performance_pipeline.storage.logs import log_name
from performance_pipeline_tests.support.local import LocalSettings
from performance_pipeline_tests.support.processes import free_port
from performance_pipeline_tests.support.ticks import record_tick

_TARGETS = Path(__file__).parents[1] / "config" / "dashboard-targets.yaml"
_ROUNDS = 7
_PATIENCE = 120
_TICKS_A_DAY = 144
_STATUSES = """
assetNodeOrError(assetKey: {path: ["daily_summary"]}) { ... on AssetNode {
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startTime endTime status } } }
  partitionKeysByDimension { partitionKeys } partitionStats { numMaterialized numFailed } } }
"""
_EVENTS = """
assetOrError(assetKey: {path: ["daily_summary"]}) { ... on Asset {
  assetMaterializations(limit: 50) { runId partition timestamp
    metadataEntries { label ... on FloatMetadataEntry { floatValue } } } } }
assetChecksOrError: assetNodeOrError(assetKey: {path: ["daily_summary"]}) { ... on AssetNode {
  assetChecksOrError { ... on AssetChecks { checks { name
    executionForLatestMaterialization { status evaluation { success } } } } } } }
"""
_RUNS = """
runsOrError(limit: 25) { ... on Runs { count
  results { runId status startTime endTime tags { key value } assetSelection { path } } } }
"""
_PAGES = {"partitions of an asset": _STATUSES, "events and checks": _EVENTS, "runs": _RUNS}


@dataclasses.dataclass(frozen=True)
class _Figures:
    """How an instance does after so many days: bytes, and seconds by what they are taken for."""

    days: int
    size: int
    free: int
    took: dict[str, float]


def long_history(folder: Path, quick: bool) -> Table:
    days, fills, measured = (40, 30, {1, 20}) if quick else (730, FILLS, {1, 30, 182, 365})
    today = datetime.now(UTC).date()
    days = next(n for n in range(days, days + 9) if _can_be_copied(_first(today, n)))
    first = _first(today, days)
    root = folder / "long-history"
    logs, home = root / "logs", root / "home"
    logs.mkdir(parents=True)
    variables = {
        "PERFORMANCE_LOG_DIR": str(logs),
        "PERFORMANCE_TARGETS_FILE": str(_TARGETS),
        "PERFORMANCE_START_DATE": str(first),
        "PERFORMANCE_MARKET_CALENDAR": "none",
    }
    settings = LocalSettings.from_env(variables)
    with instance_in(home) as instance:
        _live(DrivenService(settings, instance, opening(first)), first, fills)
    lived = LivedDay(home, first, root / "kept")
    found: list[_Figures] = []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        clock = _Clock(opening(first))
        prune = _tick_of_retention(Runtime(settings, clock), instance)
        for number in range(days):
            ago = days - 1 - number
            day = first + timedelta(days=number)
            if number:
                shutil.copyfile(logs / log_name(first), logs / log_name(day))
            lived.put_back(number, ago)
            clock.now = datetime.now(UTC) - timedelta(days=ago)
            _prune_all(prune)
            if number + 1 in {*measured, days}:
                took = {"retention": _median(prune)}
                clock.now = opening(day) + timedelta(hours=9)
                took |= _ticks(Runtime(settings, clock), instance)
                took |= _pages(home, variables)
                found.append(_Figures(number + 1, bytes_below(home), _free(home), took))
    return _table(found, fills)


@dataclasses.dataclass
class _Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def _first(today: date, days: int) -> date:
    """The first of so many days that end yesterday."""
    return today - timedelta(days=days)


def _can_be_copied(day: date) -> bool:
    """Whether it is traded, and the keys of the day, its week and its month are three dates."""
    return (
        day.weekday() < 5
        and len({Period.of(window, day).key for window in PARTITIONED_WINDOWS}) == 3
    )


def _live(service: DrivenService, day: date, fills: int) -> None:
    """A trading day, and the looks of its last hour."""
    service.tick()
    service.trade(day, fills)
    asked = None
    for number in range(2):
        at = datetime.now(UTC)
        result = dg.evaluate_automation_conditions(
            service.definitions,
            service.instance,
            asset_selection=dg.AssetSelection.assets(*service.runtime.keys.assets),
            evaluation_time=service.now,
            cursor=asked,
        )
        asked = result.cursor
        storage = service.instance.schedule_storage
        assert storage is not None
        storage.add_auto_materialize_asset_evaluations(
            number + 1,
            [one.serializable_evaluation.with_run_ids(set()) for one in result.results],
        )
    for name, count in (
        (service.runtime.keys.log_sensor, 720),
        (service.runtime.keys.alert_sensor, 120),
        (service.runtime.keys.automation_sensor, 120),
    ):
        for number in range(count):
            record_tick(service.instance, name, at - timedelta(seconds=number), TickStatus.SKIPPED)


def _tick_of_retention(runtime: Runtime, instance: dg.DagsterInstance) -> Callable[[], str]:
    """A tick of the retention sensor, which answers what it says."""
    sensor = build_definitions(runtime).resolve_sensor_def(runtime.keys.retention_sensor)

    def tick() -> str:
        with dg.build_sensor_context(instance=instance) as context:
            return sensor.evaluate_tick(context).skip_message or ""

    return tick


def _prune_all(tick: Callable[[], str]) -> None:
    """Tick until there is nothing more; of the 144 ticks of a day a few are enough."""
    said = ""
    for _ in range(_TICKS_A_DAY):
        said = tick()
        if said.startswith("Nothing superseded"):
            return
    raise RuntimeError(f"after {_TICKS_A_DAY} ticks retention still says: {said}")


def _ticks(runtime: Runtime, instance: dg.DagsterInstance) -> dict[str, float]:
    """Seconds of a tick of each sensor that has nothing to do.

    What the first one reports has the time of the machine, as if the clock had been ahead.
    """
    keys, definitions = runtime.keys, build_definitions(runtime)
    cursors: dict[str, str | None] = {}

    def tick(name: str) -> None:
        sensor = definitions.resolve_sensor_def(name)
        cursors[name] = tick_of(sensor, definitions, instance, cursors.get(name))

    looked = dg.evaluate_automation_conditions(definitions, instance)

    def automation() -> None:
        dg.evaluate_automation_conditions(definitions, instance, cursor=looked.cursor)

    return {
        "log sensor": _median(lambda: tick(keys.log_sensor)),
        "alert sensor": _median(lambda: tick(keys.alert_sensor)),
        "automation": _median(automation),
    }


def _median(job: Callable[[], object]) -> float:
    """Of some rounds, once the job has been done twice."""
    took = []
    for _ in range(_ROUNDS + 2):
        started = time.perf_counter()
        job()
        took.append(time.perf_counter() - started)
    return statistics.median(took[2:])


def _pages(home: Path, variables: dict[str, str]) -> dict[str, float]:
    """Seconds of what the UI asks for, by page."""
    with _web_server(home, variables) as url:
        return {name: _median(partial(_ask, url, query)) for name, query in _PAGES.items()}


@contextmanager
def _web_server(home: Path, variables: dict[str, str]) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "dagster_webserver", "-p", str(port)),
            *("-m", "performance_pipeline.definitions"),
        ],
        env={**os.environ, **variables, "DAGSTER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/graphql"
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(url):
            assert time.monotonic() < deadline, "the web server does not answer"
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        _ask(url, "version")
    except OSError:
        return False
    return True


def _ask(url: str, query: str) -> None:
    content = json.dumps({"query": f"{{ {query} }}"}).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
        said = json.loads(answer.read())
    if "errors" in said:
        raise RuntimeError(str(said["errors"])[:500])


def _free(home: Path) -> int:
    """Bytes that new rows will take up, or a vacuum give back."""
    return sum(space(path).free for path in home.rglob("*.db"))


def _table(found: list[_Figures], fills: int) -> Table:
    names = list(found[0].took)
    return Table(
        f"An instance of many trading days of {fills} fills, pruned day by day as shipped",
        ("after", "it holds", "in use", *names),
        [
            [
                f"{one.days} days",
                megabytes(one.size),
                megabytes(one.size - one.free),
                *(seconds(one.took[name]) for name in names),
            ]
            for one in found
        ],
        [
            "Every day is a trading day. Held: before the disk is given back; in use: after that."
            " Then a tick with nothing to do, and what the UI asks for, at the median."
        ],
    )
