"""`make cluster`: a year of logs in a bucket, a backfill by two workers, held to a local run."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.cluster import PLACES, ROOT, WORKERS, Cluster
from performance_pipeline_tests.support.cluster_backfills import (
    TODAY,
    backfill_locally,
    launch,
    running_cluster,
    say,
    state_of,
    summaries_in,
    verified,
)
from performance_pipeline_tests.support.effort import only_when_proving

DAYS: Final = int(os.environ.get("CLUSTER_DAYS", "365"))
FIRST: Final = TODAY - timedelta(days=DAYS - 1)
TARGETS: Final = ROOT / "config" / "dashboard-targets.yaml"
PATIENCE_SECONDS: Final = 1500
SETTINGS: Final = {
    "PERFORMANCE_START_DATE": FIRST.isoformat(),
    "PERFORMANCE_MARKET_CALENDAR": "none",
    "PERFORMANCE_REFRESH_SECONDS": "0",
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    write_sample_logs(folder, SampleOptions(end=TODAY, days=DAYS, trades_per_day=20))
    return folder


@pytest.fixture
def running(logs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with running_cluster(SETTINGS, logs, TARGETS, monkeypatch) as made:
        yield made


def backfilled(running: Cluster) -> Counter[str]:
    """Launch a backfill of everything and wait for its end; the runs by status."""
    launch(running)
    began = time.monotonic()
    while not (state := state_of(running)).at_rest:
        assert time.monotonic() - began < PATIENCE_SECONDS, (state, running.printed("daemon"))
        time.sleep(2)
    say(f"a backfill took {time.monotonic() - began:.0f} s: {state}")
    assert {*state.backfills.values()} == {"COMPLETED_SUCCESS"}
    return Counter(state.runs.values())


@only_when_proving
def test_a_backfill_by_two_workers_makes_byte_for_byte_what_one_machine_makes(
    running: Cluster, logs: Path, tmp_path: Path
) -> None:
    runs = backfilled(running)
    assert {*runs} == {"SUCCESS"}

    found = summaries_in(PLACES["PERFORMANCE_OUTPUT_DIR"])
    local = backfill_locally(logs, TARGETS, running.environment, FIRST)
    assert found.keys() == local.keys()
    differing = [name for name in local if found[name] != local[name]]
    assert not differing, (found[differing[0]], local[differing[0]])
    say(f"{len(found)} summaries are byte for byte those of a local run, but for when made")

    say(f"verify: {verified(running, tmp_path / 'verify', FIRST)}")
    by_worker = {worker: running.printed(worker).count("succeeded in") for worker in WORKERS}
    say(f"runs by worker: {by_worker}")
