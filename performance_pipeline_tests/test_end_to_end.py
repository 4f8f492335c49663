"""The real thing: `dagster dev` with its daemon, files dropped into a folder, results read back."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from performance_pipeline.sample_logs import SampleOptions, write_sample_logs

TODAY = datetime.now(UTC).date()
PATIENCE_SECONDS = 150


class Service:
    """A running `dagster dev` over an empty folder of logs."""

    def __init__(
        self,
        root: Path,
        targets: str = "max_drawdown_target: -1000\n",
        definitions: str = "impatient_definitions",
    ) -> None:
        self.logs = root / "logs"
        self.output = self.logs / "performance"
        home = root / "home"
        for folder in (self.logs, home):
            folder.mkdir()
        targets_file = root / "targets.yaml"
        targets_file.write_text(targets, encoding="utf-8")
        (home / "dagster.yaml").write_text(
            "telemetry: {enabled: false}\nnux: {enabled: false}\n"
            "concurrency: {runs: {max_concurrent_runs: 1}}\n",
            encoding="utf-8",
        )
        # Made before the service starts: two processes that make one at once can break it.
        self.instance = dg.DagsterInstance.from_config(str(home))
        self.instance.get_runs(limit=1)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "PERFORMANCE_LOG_DIR": str(self.logs),
            "PERFORMANCE_TARGETS_FILE": str(targets_file),
            "PERFORMANCE_MARKET_CALENDAR": "none",
            "PERFORMANCE_REFRESH_SECONDS": "0",
            "PERFORMANCE_START_DATE": str(TODAY - timedelta(days=60)),
        }
        module = f"performance_pipeline_tests.{definitions}"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._printed = (root / "service.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "-m", module, "-p", str(port)],
            cwd=Path(__file__).parent.parent,
            env=environment,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End every process of the service: the next test must not meet its daemon."""
        os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        # What is left of it, its daemon above all; nothing, when all have ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._printed.close()
        self.instance.dispose()

    def summary(self, window: str, key: date) -> dict[str, Any]:
        """The stored summary; an empty one while there is none."""
        path = self.output / f"{window}-summary-{key}.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    def alerts(self) -> list[dict[str, Any]]:
        path = self.logs / "performance-alerts.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def runs(self) -> list[tuple[set[str], bool]]:
        """The assets of every run, and whether it succeeded, oldest first."""
        return [
            (
                {key.to_user_string() for key in run.asset_selection or ()},
                run.status is dg.DagsterRunStatus.SUCCESS,
            )
            for run in reversed(self.instance.get_runs())
        ]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.5)


def loss(amount: str) -> bytes:
    return (
        f'{{"timestamp":"{TODAY}T00:00:01Z","symbol":"LATE","action":"BUY","quantity":"1",'
        f'"price":"10","outcome":"loss","net_profit_loss":"{amount}"}}\n'
    ).encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.stop()


def test_dropped_grown_and_edited_logs_become_fresh_summaries_and_alerts_without_a_click(
    service: Service,
) -> None:
    yesterday = TODAY - timedelta(days=1)
    month = TODAY.replace(day=1)

    written = write_sample_logs(service.logs, SampleOptions(end=yesterday, days=40))
    oldest = date.fromisoformat(written[0].stem)
    wait_until(
        "every day, week and month of the dropped logs",
        lambda: (
            service.summary("daily", oldest).get("total_trades") == 40
            and service.summary("rolling", TODAY) != {}
            and service.summary("weekly", TODAY - timedelta(days=TODAY.weekday())) != {}
            and service.summary("monthly", month) != {}
        ),
    )
    for asset in ("daily_aggregate", "daily_summary", "weekly_summary", "monthly_summary"):
        # One when the targets were first seen, one for the logs.
        assert sum(asset in assets for assets, _ in service.runs()) <= 2

    log = service.logs / f"{TODAY}.jsonl"
    log.write_bytes(loss("-2500"))
    wait_until(
        "today's loss in its day and month",
        lambda: (
            service.summary("daily", TODAY).get("realized_pnl") == "-2500"
            and "LATE" in service.summary("monthly", month).get("by_symbol", {})
        ),
    )
    wait_until(
        "the alert on today's drawdown",
        lambda: (
            [(a["status"], a["actual"]) for a in service.alerts() if a["period"] == str(TODAY)]
            == [("raised", "-2500")]
        ),
    )

    log.write_bytes(loss("-25"))
    wait_until(
        "the alert to be over once the log is corrected",
        lambda: (
            [a["status"] for a in service.alerts() if a["period"] == str(TODAY)]
            == ["raised", "resolved"]
        ),
    )

    before = service.summary("daily", oldest)["realized_pnl"]
    written[0].write_bytes(b"")
    wait_until(
        "an edit of weeks ago",
        lambda: service.summary("daily", oldest)["realized_pnl"] == "0" != before,
    )
    assert all(succeeded for _, succeeded in service.runs()[:-1])
