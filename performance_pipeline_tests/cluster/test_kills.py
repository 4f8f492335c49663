"""`make cluster` goes on to kill each part of a cluster at random moments, while it is busy.

A round puts other logs into the bucket and launches a backfill of all days; a few kills fall into
it. It is over once the bucket holds what a local run makes of the same logs, and every alert.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final
from urllib.error import URLError

import pytest

from performance_pipeline.domain.windows import days_between
from performance_pipeline.pipeline.sample_logs import SampleOptions, sample_log
from performance_pipeline_tests.support.cluster import (
    PLACES,
    WORKERS,
    AskedInVainError,
    Cluster,
    skip_without_servers,
)
from performance_pipeline_tests.support.cluster_backfills import (
    TODAY,
    State,
    alerts_in,
    backfill_locally,
    launch,
    put_logs,
    running_cluster,
    say,
    state_of,
    summaries_in,
    verified,
)
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.targets import FLAT

KILLS: Final = int(os.environ.get("CLUSTER_KILLS", "2"))
"""Of each part; `make cluster` says 20."""
KILLS_A_ROUND: Final = 5
"""As often as a run is retried, for it may meet all kills of its round."""
DAYS: Final = 60
FIRST: Final = TODAY - timedelta(days=DAYS - 1)
DAYS_A_BACKFILL: Final = 15
"""Several at a time, so that both workers are busy."""
PATIENCE_SECONDS: Final = 900
REST_SECONDS: Final = 90
"""How long nothing runs, and something is missing, before an operator sees to it: the daemon looks
for new checks, for runs to retry and for backfills to go on with twice a minute."""
RUNS_COME_SECONDS: Final = 20
"""How long a kill waits for a run that it might meet."""
SETTINGS: Final = {
    "PERFORMANCE_START_DATE": FIRST.isoformat(),
    "PERFORMANCE_MARKET_CALENDAR": "none",
    "PERFORMANCE_REFRESH_SECONDS": "0",
}
# Missed on many days, so that there are alerts to lose. Not of the rolling window, whose alerts
# name the day that was the newest when they were raised, and a killed run may have come anywhere.
TARGETS: Final = f"""{FLAT}
alerts:
  windows:
    rolling:
      win_rate_target: null
      avg_risk_reward_target: null
      daily_pl_target: null
      trades_per_day_target: null
"""


class Round:
    """One set of logs, made by one machine and by the cluster."""

    def __init__(self, running: Cluster, logs: Path, targets: Path, seed: int) -> None:
        self._running = running
        write_logs(logs, seed)
        self.summaries = backfill_locally(logs, targets, running.environment, FIRST)
        self.alerts = alerts_in(logs / "performance-alerts.jsonl")
        # Nobody looks at the bucket while it holds some logs of this round and some of the last,
        # which would be alerts of their own.
        running.kill("daemon")
        put_logs(logs)
        running.start("daemon")
        days = [*days_between(FIRST, TODAY)]
        for place in range(0, DAYS, DAYS_A_BACKFILL):
            launch(running, days[place : place + DAYS_A_BACKFILL])

    def is_made(self) -> bool:
        made = summaries_in(PLACES["PERFORMANCE_OUTPUT_DIR"]) == self.summaries
        return made and alerts_in(PLACES["PERFORMANCE_ALERT_LOG"]) == self.alerts

    def settle(self) -> tuple[State, int]:
        """Wait until all is made and nothing runs; how often an operator had to see to it."""
        began, rested, operated = time.monotonic(), time.monotonic(), 0
        while True:
            time.sleep(3)
            now = time.monotonic()
            state = state_unless_away(self._running)
            repeated = alerts_in(PLACES["PERFORMANCE_ALERT_LOG"]) - self.alerts
            assert not repeated, repeated
            if state is None or not state.at_rest:
                rested = now
            elif self.is_made():
                return state, operated
            elif now - rested > REST_SECONDS:
                say(f"a backfill of what is missing is launched: {state}")
                launch(self._running)
                rested, operated = now, operated + 1
            assert now - began < PATIENCE_SECONDS, (str(state), self.difference())

    def difference(self) -> object:
        alerts = alerts_in(PLACES["PERFORMANCE_ALERT_LOG"])
        made = summaries_in(PLACES["PERFORMANCE_OUTPUT_DIR"])
        return {
            "lost": self.alerts - alerts,
            "repeated": alerts - self.alerts,
            "not made": sorted(self.summaries.keys() - made.keys()),
            "different": [name for name in made if made[name] != self.summaries.get(name)],
        }


def write_logs(folder: Path, seed: int) -> None:
    options = SampleOptions(end=TODAY, days=DAYS, trades_per_day=20, seed=seed)
    folder.mkdir(exist_ok=True)
    for day in days_between(FIRST, TODAY):
        if content := sample_log(day, options):
            (folder / f"{day}.jsonl").write_bytes(content)


def state_unless_away(running: Cluster) -> State | None:
    # A database that is away is an error to the web server too.
    with suppress(URLError, ConnectionError, TimeoutError, AskedInVainError):
        return state_of(running)
    return None


def is_busy_at_a_random_moment(running: Cluster, chance: Random) -> bool:
    """Wait for any moment, or, every second time, for one in a run; whether a run is executed."""
    time.sleep(chance.uniform(1, 15))
    began, in_a_run = time.monotonic(), chance.random() < 0.5
    while True:
        state = state_unless_away(running)
        busy = state is not None and "STARTED" in state.runs.values()
        if busy or not in_a_run or time.monotonic() - began > RUNS_COME_SECONDS:
            return busy
        time.sleep(0.1)


def a_worker_child(running: Cluster, chance: Random) -> None:
    running.kill_child_of(chance.choice(WORKERS))


def postgres(running: Cluster, chance: Random) -> None:
    running.postgres.kill()
    time.sleep(chance.uniform(0, 10))
    running.postgres.start()


def again(running: Cluster, chance: Random, *parts: str) -> None:
    for part in parts:
        running.kill(part)
    time.sleep(chance.uniform(0, 10))
    for part in parts:
        running.start(part)


PARTS: Final[dict[str, Callable[[Cluster, Random], None]]] = {
    "a worker's child": a_worker_child,
    "a worker": lambda running, chance: again(running, chance, chance.choice(WORKERS)),
    "the code server": lambda running, chance: again(running, chance, "code"),
    # A run that dies then would be retried where nobody can tell what it consists of.
    "code server with a worker": (
        lambda running, chance: again(running, chance, "code", chance.choice(WORKERS))
    ),
    "the daemon": lambda running, chance: again(running, chance, "daemon"),
    "redis": lambda running, chance: again(running, chance, "redis"),
    "PostgreSQL": postgres,
}


@only_when_proving
@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_killed_every_partition_is_made_and_no_alert_is_lost_or_repeated(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_servers()
    logs, targets = tmp_path / "logs", tmp_path / "targets.yaml"
    targets.write_text(TARGETS, encoding="utf-8")
    write_logs(logs, seed=1)  # Those of the first round: all that was ever there.
    began, chance = time.monotonic(), Random(part)
    killed = busy = operated = 0
    with running_cluster(SETTINGS, logs, targets, monkeypatch) as running:
        while killed < KILLS:
            this = Round(running, logs, targets, seed=killed + 1)
            for _ in range(min(KILLS_A_ROUND, KILLS - killed)):
                busy += is_busy_at_a_random_moment(running, chance)
                PARTS[part](running, chance)
                killed += 1
            state, seen_to = this.settle()
            operated += seen_to
            say(f"{part} killed {killed} times: {state}")
        time.sleep(45)  # Another look of the alert sensor, which has nothing to add.
        assert this.is_made(), this.difference()
        say(f"verify: {verified(running, tmp_path / 'verify', FIRST)}")
    failed = Counter(state.runs.values())["FAILURE"]
    say(
        f"{part}: {killed} kills, {busy} of them during a run; of {len(state.runs)} runs {failed}"
        f" failed, {failed - len(state.lost)} of these were run again by themselves; a backfill was"
        f" launched again {operated} times; of {this.alerts.total()} lines of alerts none lost,"
        f" none repeated; {time.monotonic() - began:.0f} s"
    )
