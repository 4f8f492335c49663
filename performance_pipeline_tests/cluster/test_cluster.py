"""`make cluster`: a year of logs in a bucket, a backfill by two workers, held to a local run."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline.places import place_at
from performance_pipeline.storage.stores import store_at
from performance_pipeline_tests.support.cluster import PLACES, ROOT, WORKERS, Cluster, cluster
from performance_pipeline_tests.support.effort import only_when_proving

DAYS: Final = int(os.environ.get("CLUSTER_DAYS", "365"))
TODAY: Final = datetime.now(UTC).date()
FIRST: Final = TODAY - timedelta(days=DAYS - 1)
ASSETS: Final = (
    "daily_aggregate",
    "daily_summary",
    "weekly_summary",
    "monthly_summary",
    "rolling_summary",
)
TARGETS: Final = ROOT / "config" / "dashboard-targets.yaml"
MADE_AT: Final = re.compile(rb'^  "generated_at": ".*"\n', re.MULTILINE)
PATIENCE_SECONDS: Final = 1500
SETTINGS: Final = {
    "PERFORMANCE_START_DATE": FIRST.isoformat(),
    "PERFORMANCE_MARKET_CALENDAR": "none",
    "PERFORMANCE_REFRESH_SECONDS": "0",
}

LAUNCH: Final = """mutation($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
STATUS: Final = """query($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
  runsOrError(limit: 500) { ... on Runs { results { id status } } }
}"""


def say(sentence: str) -> None:
    print(f"cluster: {sentence}", flush=True)


def commanded(environment: dict[str, str], home: Path, *arguments: str) -> str:
    """What the command line prints with these settings, in a process of its own."""
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "performance_pipeline", *arguments],
        env={**environment, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    options = SampleOptions(end=TODAY, days=DAYS, trades_per_day=20, seed=7, fills=False)
    write_sample_logs(folder, options, lambda _: None)
    return folder


@pytest.fixture
def running(logs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with cluster(SETTINGS) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        bucket = store_at(place_at(PLACES["PERFORMANCE_LOG_DIR"], "PERFORMANCE_LOG_DIR"))
        targets = place_at(PLACES["PERFORMANCE_TARGETS_FILE"], "PERFORMANCE_TARGETS_FILE")
        store_at(targets.parent).write(targets.name, TARGETS.read_bytes())
        paths = sorted(logs.glob("*.jsonl"))
        bucket.put_all({path.name: path.read_bytes() for path in paths})
        say(f"{len(paths)} logs of {DAYS} days in {PLACES['PERFORMANCE_LOG_DIR']}")
        made.start_all()
        say(f"running: PostgreSQL, an object store, {', '.join(made.parts)}")
        yield made
    say("all of it stopped")


def backfilled(running: Cluster) -> Counter[str]:
    """Launch a backfill of everything and wait for its end; the runs by status."""
    backfill = {"assetSelection": [{"path": [key]} for key in ASSETS], "allPartitions": True}
    launched = running.ask(LAUNCH, backfill=backfill)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    began = time.monotonic()
    while True:
        time.sleep(2)
        said = running.ask(STATUS, id=launched["backfillId"])
        status = said["partitionBackfillOrError"]["status"]
        runs = Counter(run["status"] for run in said["runsOrError"]["results"])
        unfinished = runs.total() - runs["SUCCESS"] - runs["FAILURE"] - runs["CANCELED"]
        if status.startswith("COMPLETED") and not unfinished:
            break
        assert time.monotonic() - began < PATIENCE_SECONDS, (
            status,
            runs,
            running.printed("daemon"),
        )
    say(f"backfill {status} in {time.monotonic() - began:.0f} s; runs: {dict(runs)}")
    assert status == "COMPLETED_SUCCESS"
    return runs


def summaries_in(where: str | Path) -> dict[str, bytes]:
    """Every summary but for the line that says when it was made."""
    store = store_at(place_at(str(where), "PERFORMANCE_OUTPUT_DIR"))
    names = [name for name in store.names() if "-summary-" in name and name.endswith(".json")]
    store.expect(names)
    return {name: MADE_AT.sub(b"", store.read(name)) for name in names}


def run_locally(logs: Path, cluster_environment: dict[str, str]) -> dict[str, bytes]:
    """The summaries of a run on this machine alone, over the same logs."""
    local = {key: value for key, value in cluster_environment.items() if key not in PLACES}
    local |= {"PERFORMANCE_LOG_DIR": str(logs), "PERFORMANCE_TARGETS_FILE": str(TARGETS)}
    commanded(local, logs.parent / "home", "backfill", *days(FIRST, TODAY))
    return summaries_in(logs / "performance")


def days(first: date, last: date) -> list[str]:
    return ["--start", first.isoformat(), "--end", last.isoformat()]


@only_when_proving
def test_a_backfill_by_two_workers_makes_byte_for_byte_what_one_machine_makes(
    running: Cluster, logs: Path, tmp_path: Path
) -> None:
    runs = backfilled(running)
    assert {*runs} == {"SUCCESS"}

    found = summaries_in(PLACES["PERFORMANCE_OUTPUT_DIR"])
    local = run_locally(logs, running.environment)
    assert found.keys() == local.keys()
    differing = [name for name in local if found[name] != local[name]]
    assert not differing, (found[differing[0]], local[differing[0]])
    say(f"{len(found)} summaries are byte for byte those of a local run, but for when made")

    said = commanded(running.environment, tmp_path / "verify", "verify", *days(FIRST, TODAY))
    say(f"verify: {said.splitlines()[-1]}")
    by_worker = {worker: running.printed(worker).count("succeeded in") for worker in WORKERS}
    say(f"runs by worker: {by_worker}")
