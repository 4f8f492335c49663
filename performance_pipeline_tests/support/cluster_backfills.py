"""What an operator does with a cluster: puts logs there, launches a backfill, and reads results."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from performance_pipeline.places import place_at
from performance_pipeline.storage import bucket, object_store
from performance_pipeline.storage.stores import store_at
from performance_pipeline_tests.support.cluster import PLACES, Cluster, cluster

TODAY: Final = datetime.now(UTC).date()
_GOING_ON: Final = frozenset(
    {"REQUESTED", "FAILING", "NOT_STARTED", "QUEUED", "STARTING", "STARTED", "CANCELING"}
)
"""Of backfills and of runs; all that is anything else is over."""
_ASSETS: Final = (
    "daily_aggregate",
    "daily_summary",
    "weekly_summary",
    "monthly_summary",
    "rolling_summary",
)
_MADE_AT: Final = re.compile(rb'^  "generated_at": ".*"\n', re.MULTILINE)

_LAUNCH: Final = """mutation($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on LaunchBackfillSuccess { __typename } ... on PythonError { message }
  }
}"""
_STATUS: Final = """query {
  partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } }
  runsOrError { ... on Runs { results { id status parentRunId } } }
}"""


class State(NamedTuple):
    """What Dagster knows of all backfills and runs."""

    backfills: Mapping[str, str]
    """The status of each, by id."""
    runs: Mapping[str, str]
    """The same of runs."""
    retried: frozenset[str]
    """The runs that were executed again, by Dagster or by an operator."""

    @property
    def at_rest(self) -> bool:
        return not _GOING_ON & {*self.backfills.values(), *self.runs.values()}

    @property
    def lost(self) -> list[str]:
        """The runs that failed, or whose worker died, and that were not executed again."""
        return [
            run
            for run, status in self.runs.items()
            if status == "FAILURE" and run not in self.retried
        ]

    def __str__(self) -> str:
        runs, backfills = Counter(self.runs.values()), Counter(self.backfills.values())
        return f"runs {dict(runs)}, backfills {dict(backfills)}"


def say(sentence: str) -> None:
    print(f"cluster: {sentence}", flush=True)


@contextmanager
def running_cluster(
    settings: Mapping[str, str], logs: Path, targets: Path, patch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """A cluster over the logs of a folder, all of it started; this process reads its bucket too."""
    with cluster(settings) as made:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        # They are kept for a process, and so are from the bucket of the test before.
        object_store._client.cache_clear()
        bucket._honours_conditions.cache_clear()
        place = place_at(PLACES["PERFORMANCE_TARGETS_FILE"], "PERFORMANCE_TARGETS_FILE")
        store_at(place.parent).write(place.name, targets.read_bytes())
        put_logs(logs)
        made.start_all()
        say(f"running: PostgreSQL, an object store, {', '.join(made.parts)}")
        yield made
    say("all of it stopped")


def put_logs(logs: Path) -> None:
    """Copy the logs of a folder into the bucket, over those of the same names."""
    paths = sorted(logs.glob("*.jsonl"))
    store = store_at(place_at(PLACES["PERFORMANCE_LOG_DIR"], "PERFORMANCE_LOG_DIR"))
    store.put_all({path.name: path.read_bytes() for path in paths})
    say(f"{len(paths)} logs in {PLACES['PERFORMANCE_LOG_DIR']}")


def launch(running: Cluster, days: Sequence[date] = ()) -> None:
    """Launch a backfill as a page of Dagster's UI does: of some days and all windows, or of all."""
    named = [str(day) for day in days]
    what = {"partitionNames": named} if named else {"allPartitions": True}
    backfill = {"assetSelection": [{"path": [key]} for key in _ASSETS], **what}
    said = running.ask(_LAUNCH, backfill=backfill)["launchPartitionBackfill"]
    assert said["__typename"] == "LaunchBackfillSuccess", said


def state_of(running: Cluster) -> State:
    said = running.ask(_STATUS)
    runs = said["runsOrError"]["results"]
    return State(
        {one["id"]: one["status"] for one in said["partitionBackfillsOrError"]["results"]},
        {run["id"]: run["status"] for run in runs},
        frozenset(run["parentRunId"] for run in runs if run["parentRunId"]),
    )


def summaries_in(where: str | Path) -> dict[str, bytes]:
    """Every summary but for the line that says when it was made."""
    store = store_at(place_at(str(where), "PERFORMANCE_OUTPUT_DIR"))
    names = [name for name in store.names() if "-summary-" in name and name.endswith(".json")]
    store.expect(names)
    return {name: _MADE_AT.sub(b"", store.read(name)) for name in names}


def alerts_in(where: str | Path) -> Counter[tuple[str, str]]:
    """How often each alert was raised, updated or resolved in an alert log."""
    place = place_at(str(where), "PERFORMANCE_ALERT_LOG")
    try:
        content = store_at(place.parent).read(place.name)
    except FileNotFoundError:
        return Counter()
    lines = [json.loads(line) for line in content.splitlines()]
    return Counter((line["id"], line["status"]) for line in lines)


def backfill_locally(
    logs: Path, targets: Path, environment: Mapping[str, str], first: date
) -> dict[str, bytes]:
    """The summaries of a run on this machine alone, over the logs of a folder; alerts lie there."""
    local = {key: value for key, value in environment.items() if key not in PLACES}
    local |= {"PERFORMANCE_LOG_DIR": str(logs), "PERFORMANCE_TARGETS_FILE": str(targets)}
    commanded(local, logs.parent / "home", "backfill", *days_since(first))
    return summaries_in(logs / "performance")


def verified(running: Cluster, home: Path, first: date) -> str:
    """What `verify` says of the bucket; it fails on any difference."""
    return commanded(running.environment, home, "verify", *days_since(first)).splitlines()[-1]


def days_since(first: date) -> list[str]:
    return ["--start", first.isoformat(), "--end", TODAY.isoformat()]


def commanded(environment: Mapping[str, str], home: Path, *arguments: str) -> str:
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
