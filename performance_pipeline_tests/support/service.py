"""A real `dagster dev` with its daemon over a folder of logs, for tests to start, kill and read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

import dagster as dg

from performance_pipeline_tests.support.processes import free_port
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS

# As shipped, but for how long a run waits in the queue, and that nothing waits for the disk.
IMPATIENT: Final = """
local_artifact_storage:
  module: performance_pipeline_tests.support.instances
  class: QuickStorage
  config: {{base_dir: "{home}"}}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {{dequeue_interval_seconds: 1}}
"""


def a_day_that_lasts() -> date:
    """Today, in UTC, the trading days' zone here. One that is nearly over is waited out.

    What a service makes of a day's log changes at midnight, and no test means to be about that.
    """
    patience = timedelta(seconds=PATIENCE_SECONDS)
    while (datetime.now(UTC) + patience).date() != datetime.now(UTC).date():
        time.sleep(1)
    return datetime.now(UTC).date()


class Service:
    """A running `dagster dev` over an empty folder of logs."""

    def __init__(
        self,
        root: Path,
        targets: str = "max_drawdown_target: -1000\n",
        definitions: str = "impatient_definitions",
        environment: Mapping[str, str] = {},
    ) -> None:
        self.today = a_day_that_lasts()
        self.logs = root / "logs"
        self.output = self.logs / "performance"
        home = root / "home"
        for folder in (self.logs, home):
            folder.mkdir()
        self.targets_file = root / "targets.yaml"
        self.targets_file.write_text(targets, encoding="utf-8")
        shipped = resources.files("performance_pipeline") / "dagster.yaml"
        configuration = shipped.read_text(encoding="utf-8") + IMPATIENT.format(home=home)
        (home / "dagster.yaml").write_text(configuration, encoding="utf-8")
        # Made before the service starts: two processes that make one at once can break it.
        self.instance = dg.DagsterInstance.from_config(str(home))
        self.instance.get_runs(limit=1)
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "PERFORMANCE_LOG_DIR": str(self.logs),
            "PERFORMANCE_TARGETS_FILE": str(self.targets_file),
            "PERFORMANCE_MARKET_CALENDAR": "none",
            "PERFORMANCE_REFRESH_SECONDS": "0",
            "PERFORMANCE_START_DATE": str(self.today - timedelta(days=60)),
            **environment,
        }
        self.printed = root / "service.log"
        self._module = f"performance_pipeline_tests.support.{definitions}"
        self._port = str(free_port())
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        with self.printed.open("ab") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dagster", "dev", "-m", self._module, "-p", self._port],
                cwd=Path(__file__).parents[2],
                env=self._environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Everything at once, as a power cut would."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def fall_asleep(self) -> None:
        """Everything at once, as a laptop that is closed."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def wake_up(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def command(self, *arguments: str) -> str:
        """What a command line beside the service prints."""
        return subprocess.run(
            [sys.executable, "-m", "performance_pipeline", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def stop(self) -> None:
        """End every process of the service: the next test must not meet its daemon."""
        self.kill()
        self.instance.dispose()

    def summary(self, window: str, key: date) -> dict[str, Any]:
        """The stored summary; an empty one while there is none."""
        path = self.output / f"{window}-summary-{key}.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    def pnl(self, window: str, key: date) -> str | None:
        return self.summary(window, key).get("realized_pnl")

    def outputs(self) -> dict[str, bytes]:
        """Every summary and aggregate as it is on disk."""
        paths = [*self.output.glob("*.json"), *self.output.glob("aggregates/*.json")]
        return {path.name: path.read_bytes() for path in paths}

    def computed(self, day: date) -> int:
        """How often the aggregate of `day` was materialized."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("daily_aggregate"), asset_partitions=[str(day)]),
            limit=100,
        ).records
        return len(records)

    def alerts(self) -> list[dict[str, Any]]:
        path = self.logs / "performance-alerts.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def runs(self) -> list[tuple[set[str], dg.DagsterRunStatus]]:
        """The assets and status of every run, oldest first."""
        return [
            ({key.to_user_string() for key in run.asset_selection or ()}, run.status)
            for run in reversed(self.instance.get_runs())
        ]
