"""The real thing: `dagster dev` with its daemon, files dropped into a folder, results read back."""

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from performance_pipeline.sample_logs import SampleOptions, write_sample_logs

TODAY = datetime.now(UTC).date()
PATIENCE_SECONDS = 300  # what takes 30 alone, on a machine that is busy with other tests

# As shipped, but for how long a run waits in the queue.
IMPATIENT = """
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
"""


class Service:
    """A running `dagster dev` over an empty folder of logs."""

    def __init__(self, root: Path) -> None:
        self.logs = root / "logs"
        self.output = self.logs / "performance"
        home = root / "home"
        for folder in (self.logs, home):
            folder.mkdir()
        targets = root / "targets.yaml"
        targets.write_text("max_drawdown_target: -1000\n", encoding="utf-8")
        shipped = resources.files("performance_pipeline") / "dagster.yaml"
        configuration = shipped.read_text(encoding="utf-8") + IMPATIENT
        (home / "dagster.yaml").write_text(configuration, encoding="utf-8")
        # Made before the service starts: two processes that make one at once can break it.
        self.instance = dg.DagsterInstance.from_config(str(home))
        self.instance.get_runs(limit=1)
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "PERFORMANCE_LOG_DIR": str(self.logs),
            "PERFORMANCE_TARGETS_FILE": str(targets),
            "PERFORMANCE_MARKET_CALENDAR": "none",
            "PERFORMANCE_REFRESH_SECONDS": "0",
            "PERFORMANCE_START_DATE": str(TODAY - timedelta(days=60)),
        }
        self.printed = root / "service.log"
        self.start()

    def start(self) -> None:
        module = "performance_pipeline_tests.impatient_definitions"
        with self.printed.open("ab") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dagster", "dev", "-m", module, "-p", str(free_port())],
                cwd=Path(__file__).parent.parent,
                env=self._environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Everything at once, as a power cut would."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

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


def day_of(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def log(service: Service, day: date) -> Path:
    return service.logs / f"{day}.jsonl"


def loss(amount: str, day: date = TODAY) -> bytes:
    return (
        f'{{"timestamp":"{day}T00:00:01Z","symbol":"LATE","action":"BUY","quantity":"1",'
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

    log(service, TODAY).write_bytes(loss("-2500"))
    wait_until(
        "today's loss in its day and month",
        lambda: (
            service.pnl("daily", TODAY) == "-2500"
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

    log(service, TODAY).write_bytes(loss("-25"))
    wait_until(
        "the alert to be over once the log is corrected",
        lambda: (
            [a["status"] for a in service.alerts() if a["period"] == str(TODAY)]
            == ["raised", "resolved"]
        ),
    )

    before = service.pnl("daily", oldest)
    written[0].write_bytes(b"")
    wait_until(
        "an edit of weeks ago",
        lambda: service.pnl("daily", oldest) == "0" != before,
    )
    assert all(succeeded for _, succeeded in service.runs()[:-1])


def test_replaced_archived_deleted_new_and_half_written_logs_and_a_folder_that_is_unmounted(
    service: Service, tmp_path: Path
) -> None:
    replaced, archived, deleted, new = (day_of(ago) for ago in (40, 30, 20, 10))
    for day in (replaced, archived, deleted):
        log(service, day).write_bytes(loss("-10", day))
    log(service, TODAY).write_bytes(loss("-1"))
    wait_until(
        "every day of the first logs",
        lambda: (
            [service.pnl("daily", day) for day in (replaced, archived, deleted, new, TODAY)]
            == ["-10", "-10", "-10", "0", "-1"]
            and service.pnl("rolling", TODAY) == "-31"
        ),
    )

    another = tmp_path / "another"
    another.write_bytes(loss("-70", replaced))
    another.replace(log(service, replaced))
    plain = log(service, archived)
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    log(service, deleted).unlink()
    log(service, new).write_bytes(loss("-30", new))
    half = loss("-2")
    with log(service, TODAY).open("ab") as growing:
        growing.write(loss("-1") + half[:50])
    wait_until(
        "the replaced, the deleted and the new log, and the whole line of today's",
        lambda: (
            service.pnl("daily", replaced) == "-70"
            and service.pnl("daily", new) == "-30"
            and service.summary("daily", deleted)["data_quality"]["warnings"] != []
            and service.summary("daily", TODAY)["data_quality"]["duplicates"] == 1
            and service.pnl("rolling", TODAY) == "-121"
        ),
    )
    assert service.pnl("daily", deleted) == "-10"
    assert service.computed(archived) == 1

    before = service.outputs()
    unmounted = tmp_path / "unmounted"
    unmounted.mkdir()
    for path in sorted(service.logs.glob("*.jsonl*")):
        if path.name != "performance-alerts.jsonl":
            shutil.move(path, unmounted)
    wait_until("an error", lambda: b"is the folder mounted?" in service.printed.read_bytes())
    assert service.outputs() == before
    for path in unmounted.iterdir():
        shutil.move(path, service.logs)
    with log(service, TODAY).open("ab") as growing:
        growing.write(half[50:])
    wait_until(
        "the logs to be back, and the half-written line to be completed",
        lambda: service.pnl("daily", TODAY) == "-3" and service.pnl("rolling", TODAY) == "-123",
    )
    assert service.computed(archived) == 1


def test_a_service_killed_in_the_middle_of_a_run_goes_on_where_it_was(service: Service) -> None:
    written = write_sample_logs(service.logs, SampleOptions(end=day_of(1), days=40))
    started = [dg.DagsterRunStatus.STARTED]
    wait_until(
        "a run over the logs",
        lambda: bool(service.instance.get_runs(dg.RunsFilter(statuses=started))),
    )
    service.kill()
    service.start()
    oldest = date.fromisoformat(written[0].stem)
    wait_until(
        "every layer",
        lambda: (
            service.summary("daily", oldest).get("total_trades") == 40
            and service.summary("weekly", oldest - timedelta(days=oldest.weekday())) != {}
            and service.summary("monthly", oldest.replace(day=1)) != {}
            and service.summary("rolling", TODAY).get("total_trades") == 20
        ),
    )
    wait_until(
        "the killed run to be told from a running one",
        lambda: not service.instance.get_runs(dg.RunsFilter(statuses=started)),
    )
