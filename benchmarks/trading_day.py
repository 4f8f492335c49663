"""One trading day under a fast clock: the real sensors, conditions and runs, on simulated time.

A fill a minute over six and a half hours is appended to today's log. Sensors and conditions look
every 30 seconds of that time and one run executes at a time, as the daemon does it; a run lasts
what it really took here plus the start of its process, measured beside it. Reports how many runs
that makes, their work, the bytes that the instance keeps, and how long a fill waits until the
alert log has taken account of it.
"""

import itertools
import json
import logging
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.automation_tick_evaluation_context import build_run_requests

from benchmarks.measure import best, command
from benchmarks.tables import Table, seconds
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline.settings import Settings

# Today, which is the newest partition whatever the clock of the pipeline says.
OPEN = datetime.now(UTC).replace(hour=13, minute=30, second=0, microsecond=0)
SESSION = timedelta(hours=6, minutes=30)
LOOK_SECONDS = 30
DEQUEUE_SECONDS = 5


@dataclass
class TradingDay:
    """The folder, the instance and the queue of one simulated day."""

    root: Path
    instance: dg.DagsterInstance
    start_seconds: float
    """What starting a run's process costs before its first step."""
    now: datetime = OPEN
    queue: list[dg.RunRequest] = field(default_factory=list)
    busy_until: datetime = OPEN
    work_seconds: list[float] = field(default_factory=list)
    unseen: list[datetime] = field(default_factory=list)
    taken_up: list[datetime] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    cursors: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        environment = {
            "PERFORMANCE_LOG_DIR": str(self.root / "logs"),
            "PERFORMANCE_TARGETS_FILE": str(self.root / "targets.yaml"),
            "PERFORMANCE_START_DATE": str(OPEN.date() - timedelta(days=40)),
        }
        (self.root / "targets.yaml").write_text("max_drawdown_target: -1\n", encoding="utf-8")
        self.settings = Settings.from_env(environment)
        before = OPEN.date() - timedelta(days=1)
        write_sample_logs(self.settings.log_dir, SampleOptions(end=before, days=20))
        runtime = Runtime(self.settings, lambda: self.now)
        quiet = {"quiet": dg.LoggerDefinition(lambda _: logging.Logger("quiet", logging.CRITICAL))}
        self.definitions = build_definitions(runtime, loggers=quiet)
        self.repository = self.definitions.get_repository_def()
        self.log = self.settings.log_dir / f"{OPEN.date()}.jsonl"

    def simulate(self, minutes: int) -> None:
        """Let the day pass, until every fill is taken account of."""
        self.work_seconds.clear()
        for second in itertools.count():
            self.now = OPEN + timedelta(seconds=second)
            if second % 60 == 0 and second < minutes * 60:
                self._append_fill(second // 60)
            # Spread over the half minute, as the daemon's threads are.
            if second % LOOK_SECONDS == 0:
                self._look_at_logs()
            if second % LOOK_SECONDS == 10:
                self._evaluate_conditions()
            if second % DEQUEUE_SECONDS == 0:
                self._execute_next()
            if second % LOOK_SECONDS == 20 and self.now >= self.busy_until:
                self._update_alerts()
            if second > minutes * 60 and not self.unseen and not self.taken_up:
                return

    def settle(self) -> None:
        """What was there before the day is computed before it begins."""
        for _ in range(8):
            self._look_at_logs()
            self._evaluate_conditions()
            while self.queue:
                self.busy_until = self.now
                self._execute_next()
        self.busy_until = self.now
        self._update_alerts()

    def _append_fill(self, number: int) -> None:
        fill = {
            "timestamp": self.now.isoformat(),
            "symbol": ("AAPL", "MSFT", "SPY")[number % 3],
            "action": "BUY",
            "quantity": "10",
            "price": "100.25",
            "order_id": f"o-{number}",
            "outcome": "win" if number % 2 else "loss",
            "net_profit_loss": f"{5 if number % 2 else -4}.{number % 100:02}",
        }
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(fill) + "\n")
        self.unseen.append(self.now)

    def _tick(self, name: str) -> dg.SensorResult:
        sensor = self.repository.get_sensor_def(name)
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(name), repository_def=self.repository
        )
        found = sensor.evaluate_tick(context)
        self.cursors[name] = found.cursor or self.cursors.get(name)
        for event in found.asset_events:
            self.instance.report_runless_asset_event(event)
        return dg.SensorResult(asset_events=found.asset_events)

    def _look_at_logs(self) -> None:
        if self._tick("trade_log_sensor").asset_events:
            self.taken_up += self.unseen
            self.unseen = []

    def _evaluate_conditions(self) -> None:
        if self.queue or self.now < self.busy_until:
            return
        found = dg.evaluate_automation_conditions(
            self.definitions,
            self.instance,
            cursor=self.cursors.get("conditions"),
            evaluation_time=datetime.now(UTC),
        )
        self.cursors["conditions"] = found.cursor
        requested = [
            result.true_subset for result in found.results if not result.true_subset.is_empty
        ]
        graph = self.definitions.resolve_asset_graph()
        self.queue += build_run_requests(requested, graph, run_tags={}, emit_backfills=False)

    def _execute_next(self) -> None:
        if not self.queue or self.now < self.busy_until:
            return
        request = self.queue.pop(0)
        started = time.perf_counter()
        result = self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=request.asset_selection,
            partition_key=request.partition_key,
            tags=request.tags,
            run_config={"loggers": {"quiet": {}}},
        )
        assert result.success
        seconds = time.perf_counter() - started
        self.work_seconds.append(seconds)
        self.busy_until = self.now + timedelta(seconds=seconds + self.start_seconds)

    def _update_alerts(self) -> None:
        self._tick("performance_alert_sensor")
        if not self.queue:
            self.waits += [(self.now - fill).total_seconds() for fill in self.taken_up]
            self.taken_up = []


def instance_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def process_start_seconds() -> float:
    """How long a new process takes until it has loaded the definitions; the best of three."""
    code = "from performance_pipeline.definitions import defs; defs().get_repository_def()"
    start = command(sys.executable, "-c", code, env={})
    return best([start() for _ in range(3)])


def a_trading_day(folder: Path, quick: bool) -> Table:
    """Simulate the day in a folder of its own."""
    minutes = 20 if quick else int(SESSION.total_seconds()) // 60
    root = folder / "trading-day"
    home = root / "home"
    home.mkdir(parents=True)
    shipped = resources.files("performance_pipeline") / "dagster.yaml"
    (home / "dagster.yaml").write_bytes(shipped.read_bytes())
    start_seconds = process_start_seconds()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        day = TradingDay(root, instance, start_seconds)
        day.settle()
        bytes_before, runs_before = instance_bytes(home), instance.get_runs_count()
        day.work_seconds.clear()
        day.simulate(minutes)
        runs = instance.get_runs_count() - runs_before
        kept = instance_bytes(home) - bytes_before
    work = sum(day.work_seconds)
    waits = statistics.quantiles(day.waits, n=100)
    return Table(
        "One trading day, a fill a minute",
        ("what", "figure"),
        [
            ("fills", str(minutes)),
            ("runs", str(runs)),
            ("work of all runs", seconds(work)),
            ("work of one run, after its start", seconds(work / runs)),
            ("start of a run's process", seconds(start_seconds)),
            ("kept by the instance", f"{kept / 1e6:.1f} MB, {kept / runs / 1e3:.0f} KB a run"),
            ("from a fill to its alert, median", seconds(waits[49])),
            ("from a fill to its alert, 95th percentile", seconds(waits[94])),
        ],
        ("A fast clock; sensors look every 30 s, a growing log is taken up every 300 s.",),
    )
