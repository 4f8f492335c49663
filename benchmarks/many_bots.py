"""One instance with many bots beside one with a single one: how long looks take, and how late.

`python -m benchmarks.many_bots --bots 50 --before CHECKOUT` measures the code of another checkout
too. Each service is a real one over sample logs, filled by `backfill` first; then it runs, with
nothing new in its folders, and its ticks are read from Dagster.
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks.live_service import HERE, Service, parsed, service_of
from benchmarks.tables import Table, Tables, megabytes, spread, times
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs

_DAYS = 30
_SETTLING_SECONDS = 120
_SENSORS = {
    "trade_log_sensor": "log sensor",
    "performance_alert_sensor": "alert sensor",
    "refresh_automation_sensor": "automation",
    "alert_delivery_sensor": "delivery",
    "retention_sensor": "retention",
}


@dataclass(frozen=True)
class Ticks:
    """Those of one kind of sensor, of all bots together, in seconds."""

    took: list[float]
    apart: list[float]
    """From one of a bot to the next of the same bot."""


@dataclass(frozen=True)
class Looked:
    """What one service did while nothing was new."""

    ticks: Mapping[str, Ticks]
    cpu_share: float
    memory: int


def measure(checkout: Path, root: Path, bots: int, minutes: float) -> Looked:
    environment = _filled(checkout, root, bots)
    with service_of(checkout, root, environment) as service:
        time.sleep(_SETTLING_SECONDS)
        since, cpu, started = time.time(), service.cpu_seconds(), time.monotonic()
        time.sleep(minutes * 60)
        share = (service.cpu_seconds() - cpu) / (time.monotonic() - started)
        return Looked(_ticks(service, since), share, service.memory())


def _filled(checkout: Path, root: Path, bots: int) -> dict[str, str]:
    """Folders and an instance in which everything is made already; the service's variables."""
    today = datetime.now(UTC).date()
    names = [f"bot-{number}" for number in range(bots)]
    config, home = root / "config", root / "home"
    config.mkdir(parents=True)
    home.mkdir()
    shutil.copy(checkout / "performance_pipeline" / "dagster.yaml", home)
    shutil.copy(checkout / "config" / "dashboard-targets.yaml", config)
    for number, name in enumerate(names):
        write_sample_logs(root / name, SampleOptions(end=today, days=_DAYS, seed=number))
    listed = "".join(f"  - bot: {name}\n    log_dir: {root / name}\n" for name in names)
    (config / "bots.yaml").write_text(f"bots:\n{listed}", encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "DAGSTER_HOME": str(home),
        "PERFORMANCE_BOTS": str(config / "bots.yaml"),
        "PERFORMANCE_START_DATE": str(today - timedelta(days=90)),
    }
    for name in names:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "performance_pipeline",
                "backfill",
                "--days",
                str(_DAYS),
                "--bot",
                name,
            ],
            cwd=checkout,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return environment


def _ticks(service: Service, since: float) -> dict[str, Ticks]:
    by_kind: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    with closing(sqlite3.connect(service.home / "schedules" / "schedules.db")) as stored:
        for (body,) in stored.execute("SELECT tick_body FROM job_ticks ORDER BY id"):
            tick = json.loads(body)
            began, ended, name = tick["timestamp"], tick["end_timestamp"], tick["job_name"]
            kind = next(kind for kind in _SENSORS if name.endswith(kind))
            if began >= since and ended:
                by_kind[kind][name].append((began, ended))
    return {
        kind: Ticks(
            [ended - began for ticks in bots.values() for began, ended in ticks],
            [later[0] - one[0] for ticks in bots.values() for one, later in pairwise(ticks)],
        )
        for kind, bots in by_kind.items()
    }


def tables(minutes: float, measured: Mapping[str, Looked]) -> Tables:
    first = next(iter(measured.values()))
    looks = [
        [
            f"{said}, {name}",
            str(len(ticks.took)),
            *spread(ticks.took),
            times(statistics.median(ticks.took) / statistics.median(first.ticks[kind].took)),
            *spread(ticks.apart),
        ]
        for kind, said in _SENSORS.items()
        for name, one in measured.items()
        if (ticks := one.ticks.get(kind)) and kind in first.ticks
    ]
    services = [
        [
            name,
            f"{one.cpu_share:.1%}",
            times(one.cpu_share / first.cpu_share),
            megabytes(one.memory),
        ]
        for name, one in measured.items()
    ]
    return Tables(
        [
            Table(
                f"Looks at {_DAYS} days in which nothing is new, {minutes:g} minutes long",
                (
                    "sensor",
                    "looks",
                    "median",
                    "95 %",
                    "against the first",
                    "from look to look, median",
                    "95 %",
                ),
                looks,
            ),
            Table(
                "Those services",
                ("instance", "CPU of one core", "against the first", "memory of all processes"),
                services,
            ),
        ]
    )


def many_bots(folder: Path, quick: bool) -> Tables:
    """The job of `python -m benchmarks`: one bot, and many, by this checkout."""
    bots, minutes = (3, 1.0) if quick else (50, 11.0)
    return tables(
        minutes,
        {
            counted: measure(HERE, folder / f"bots-{number}", number, minutes)
            for counted, number in (("one bot", 1), (f"{bots} bots", bots))
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=11)
    options, checkouts = parsed(parser)
    with tempfile.TemporaryDirectory(prefix="many-bots-") as folder:
        measured = {
            f"{number} bots, {name}": measure(
                path, Path(folder) / f"{name}-{number}", number, options.minutes
            )
            for number in (1, options.bots)
            for name, path in checkouts.items()
        }
        print(tables(options.minutes, measured).markdown())


if __name__ == "__main__":
    main()
