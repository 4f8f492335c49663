"""An instance with a history to prune: days made again and again, one that failed, reports."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg

from performance_pipeline.defs.external_assets import reported_logs
from performance_pipeline.defs.retention import Limits, Pruned, prune
from performance_pipeline.storage.log_changes import Watch
from performance_pipeline_tests.support.alert_service import BREACH, AlertService, service_on
from performance_pipeline_tests.support.instances import instance_in, new_home
from performance_pipeline_tests.support.lines import DAY, ONE_DAY, Place, session
from performance_pipeline_tests.support.runs import KEYS, execute, materialize_all

KEEP: Final = 14
ALL: Final = Limits(runs=1000, events=10_000)
LAST: Final = DAY + 2 * ONE_DAY


def long_after() -> datetime:
    """When everything that has happened by now is old enough."""
    return datetime.now(UTC) + timedelta(days=KEEP, seconds=1)


def pruned(
    instance: dg.DagsterInstance, now: datetime | None = None, limits: Limits = ALL
) -> Pruned:
    return prune(instance, KEYS, KEEP, now or long_after(), limits)


def report_log(instance: dg.DagsterInstance, logs: Place, version: str) -> None:
    """What the sensor reports when the log of DAY has changed."""
    for event in reported_logs(logs.settings, {DAY: version}, Watch()):
        instance.report_runless_asset_event(event)


def live_a_little(service: AlertService) -> None:
    """Days made, some again, one that fails, reports without a run, alerts; each more than once."""
    logs, instance = service.here, service.instance
    for day in (DAY, DAY + ONE_DAY, LAST):
        logs.write(day, *session(*BREACH, day=day))
    report_log(instance, logs, "first")
    materialize_all(logs, instance, DAY, LAST)
    service.tick()
    materialize_all(logs, instance, DAY, DAY)
    report_log(instance, logs, "second")
    materialize_all(logs, instance, DAY, LAST)
    materialize_all(logs, instance, DAY, DAY)
    report_log(instance, logs, "third")
    failing = logs.path(LAST + ONE_DAY)
    failing.mkdir()
    assert not execute(logs, instance, "daily_aggregate", LAST + ONE_DAY, LAST + ONE_DAY).success
    failing.rmdir()
    service.tick()


def lived_in_folder(empty_home: Path, folder: Path) -> Path:
    """Make `folder` hold logs, an alert log, and the home of an instance with such a history."""
    with instance_in(new_home(empty_home, folder / "home")) as instance:
        live_a_little(service_on(instance, folder))
    return folder


@contextmanager
def copy_of(folder: Path, to: Path) -> Iterator[AlertService]:
    shutil.copytree(folder, to)
    with instance_in(to / "home") as instance:
        yield service_on(instance, to)
