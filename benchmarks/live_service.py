"""A real service over a log that grows: seconds to fresh files and alerts, CPU, bytes kept.

`python -m benchmarks.live_service --minutes 60 --before CHECKOUT` measures the code of another
checkout beside this one's, in turn. The settings are the shipped ones, but for a rolling window of
one trade: so every fill, a win and a loss in turn, calls for one line of the alert log.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.processes import (
    Footprint,
    Processes,
    footprints,
    of_session,
    process_table,
    stat,
)
from benchmarks.tables import Table, Tables, spread
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.processes import free_port

HERE = Path(__file__).parents[1]
SESSION_FILLS = 390
_PATIENCE = 600
_SETTLED_SECONDS = 600


@dataclass(frozen=True)
class Measured:
    """What one service did with its fills."""

    fresh: list[float]
    """Seconds from each fill to a daily summary that holds it."""
    told: list[float]
    """Seconds from each fill to an alert log that is true to it."""
    cpu_share: float
    """CPU of all processes, as a share of one core."""
    bytes_kept: int
    runs: int
    memory_before: int
    memory_after: int
    processes: Processes


@dataclass(frozen=True)
class Service:
    """A `dagster dev` of the definitions in a checkout, over a folder of logs."""

    root: Path
    process: subprocess.Popen[bytes]

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def log(self) -> Path:
        return self.logs / f"{datetime.now(UTC).date()}.jsonl"

    def append(self, number: int) -> None:
        win = number % 2 == 0
        fill = {
            "timestamp": datetime.now(UTC).isoformat(),
            "symbol": ("AAPL", "MSFT", "SPY")[number % 3],
            "action": "BUY",
            "quantity": "10",
            "price": "100.25",
            "order_id": f"o-{number}",
            "outcome": "win" if win else "loss",
            "net_profit_loss": f"{5 if win else -4}.{number % 100:02}",
        }
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(fill) + "\n")

    def trades(self) -> int:
        """How many of today's fills the daily summary holds; -1 while there is none."""
        name = f"daily-summary-{datetime.now(UTC).date()}.json"
        try:
            return int(json.loads((self.logs / "performance" / name).read_bytes())["total_trades"])
        except FileNotFoundError:
            return -1

    def alerts_agree(self, trades: int) -> bool:
        """Whether the alert log is true to a rolling window that ends with so many fills."""
        path = self.logs / "performance-alerts.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        active = bool(lines) and json.loads(lines[-1])["status"] != "resolved"
        return active is (trades % 2 == 0)

    def cpu_seconds(self) -> float:
        """What all processes of the service have used, those that are over included."""
        ticks = sum(sum(map(int, fields[11:15])) for fields in self._stats())
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        return sum(int(fields[21]) for fields in self._stats()) * os.sysconf("SC_PAGE_SIZE")

    def footprints(self) -> dict[str, Footprint]:
        return footprints(self.process.pid)

    def log_ticks(self) -> list[datetime]:
        """When the log sensor looked: all ticks that are left, which those of an hour are."""
        with closing(sqlite3.connect(self.home / "schedules" / "schedules.db")) as stored:
            rows = stored.execute(
                "SELECT timestamp FROM job_ticks WHERE tick_body LIKE '%trade_log_sensor%'"
                " ORDER BY timestamp"
            )
            return [datetime.fromisoformat(row[0]) for row in rows]

    def _stats(self) -> Iterator[list[str]]:
        for path in of_session(self.process.pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                yield stat(path)


def measure(checkout: Path, root: Path, minutes: float, fills: int) -> Measured:
    """Append `fills` at random moments of so many minutes, and watch what the service does."""
    with running(checkout, root) as service:
        _wait(lambda: service.trades() == 0, "a summary of today")
        time.sleep(90)  # What there is to do at first is over.
        cpu, kept = service.cpu_seconds(), bytes_of(service.home)
        memory, started = service.memory(), time.monotonic()
        chance = random.Random(minutes)
        moments = sorted(chance.uniform(0, minutes * 60) for _ in range(fills))
        fresh, told, settled = _watch(service, started, moments, minutes * 60)
        lasted = time.monotonic() - started
        return Measured(
            fresh,
            told,
            (service.cpu_seconds() - cpu) / lasted,
            bytes_of(service.home) - kept,
            len(list((service.home / "history" / "runs").glob("*.db"))),
            memory,
            service.memory(),
            Processes(settled, service.footprints(), service.log_ticks()),
        )


def _watch(
    service: Service, started: float, moments: Sequence[float], lasting: float
) -> tuple[list[float], list[float], dict[str, Footprint]]:
    appended: list[float] = []
    fresh: list[float] = []
    told: list[float] = []
    settled: dict[str, Footprint] = {}
    while len(told) < len(moments) or time.monotonic() - started < lasting:
        now = time.monotonic()
        assert now - started < lasting + _PATIENCE, f"{len(told)} of {len(moments)} told"
        if not settled and now - started >= min(_SETTLED_SECONDS, lasting / 2):
            settled = service.footprints()
        if len(appended) < len(moments) and now - started >= moments[len(appended)]:
            service.append(len(appended))
            appended.append(time.monotonic())
        trades = service.trades()
        now = time.monotonic()
        fresh += [now - at for at in appended[len(fresh) : trades]]
        if len(told) < trades and service.alerts_agree(trades):
            told += [now - at for at in appended[len(told) : trades]]
        time.sleep(0.1)
    return fresh, told, settled


@contextmanager
def running(checkout: Path, root: Path) -> Iterator[Service]:
    """The service over sample logs of two months, and a log of today in which nothing stands."""
    today = datetime.now(UTC).date()
    logs, home = root / "logs", root / "home"
    home.mkdir(parents=True)
    write_sample_logs(logs, SampleOptions(end=today - timedelta(days=1), days=60))
    (logs / f"{today}.jsonl").touch()
    (root / "targets.yaml").write_text(
        "alerts: {windows: {rolling: {win_rate_target: 50}}}\n", encoding="utf-8"
    )
    shipped = checkout / "performance_pipeline" / "dagster.yaml"
    (home / "dagster.yaml").write_bytes(shipped.read_bytes())
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "DAGSTER_HOME": str(home),
        "PERFORMANCE_LOG_DIR": str(logs),
        "PERFORMANCE_TARGETS_FILE": str(root / "targets.yaml"),
        "PERFORMANCE_START_DATE": str(today - timedelta(days=90)),
        "PERFORMANCE_ALERT_ROLLING_WINDOW": "1",
    }
    with service_of(checkout, root, environment) as service:
        yield service


@contextmanager
def service_of(checkout: Path, root: Path, environment: dict[str, str]) -> Iterator[Service]:
    """A `dagster dev` with the variables `environment`; what it prints goes to a file in `root`."""
    arguments = ["-m", "performance_pipeline.definitions", "-p", str(free_port())]
    with (root / "service.log").open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", *arguments],
            cwd=checkout,
            env=environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Service(root, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(minutes: float, fills: int, measured: dict[str, Measured]) -> Table:
    def row(name: str, one: Measured) -> list[str]:
        scale = SESSION_FILLS / fills
        return [
            name,
            *spread(one.fresh),
            *spread(one.told),
            f"{one.cpu_share:.1%}",
            f"{one.bytes_kept * scale / 1e6:.1f} MB",
            str(one.runs),
            f"{one.memory_before / 1e6:.0f} MB, {one.memory_after / 1e6:.0f} MB",
        ]

    return Table(
        f"A real service, {fills} fills at random moments of {minutes:g} minutes",
        (
            "code",
            "to fresh files, median",
            "95 %",
            "to the alert log, median",
            "95 %",
            "CPU of one core",
            f"kept of {SESSION_FILLS} such fills",
            "runs, those before too",
            "memory before, after",
        ),
        [row(name, one) for name, one in measured.items()],
    )


def _of_processes(minutes: float, measured: dict[str, Measured]) -> Table:
    return process_table(
        min(_SETTLED_SECONDS / 60, minutes / 2),
        minutes,
        {name: one.processes for name, one in measured.items()},
    )


def _wait(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"not within {_PATIENCE} s: {what}"
        time.sleep(0.5)


def a_live_service(folder: Path, quick: bool) -> Tables:
    """The job of `python -m benchmarks`: this checkout alone."""
    minutes, fills = (3, 6) if quick else (30, 30)
    found = {"this": measure(HERE, folder / "live-service", minutes, fills)}
    return Tables([table(minutes, fills, found), _of_processes(minutes, found)])


def parsed(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, dict[str, Path]]:
    """The options, and what is measured in turn: another checkout, if one is named, and this."""
    parser.add_argument("--before", type=Path, help="another checkout, measured first")
    options = parser.parse_args()
    before = {"before": options.before.resolve()} if options.before else {}
    return options, {**before, "this": HERE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--fills", type=int, default=30)
    options, checkouts = parsed(parser)
    with tempfile.TemporaryDirectory(prefix="live-service-") as folder:
        measured = {
            name: measure(path, Path(folder) / name, options.minutes, options.fills)
            for name, path in checkouts.items()
        }
        print(table(options.minutes, options.fills, measured).markdown())
        print(_of_processes(options.minutes, measured).markdown())


if __name__ == "__main__":
    main()
