"""A process that delivers alerts, killed at any moment: nothing is lost, and doubles say so."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from typing import Final

import pytest

from performance_pipeline.pipeline.apprise_sending import send
from performance_pipeline.pipeline.delivery import Route, deliver
from performance_pipeline.reports.alert_message import Message
from performance_pipeline.setting_values import NotifyUrl
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.receivers import Webhook, webhook
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS, wait_until

KILLS: Final = often(200, usual=3)
LINES: Final = 3
"""That the log gains in the life of each process: sending them takes a few milliseconds each."""


def deliver_for_ever(route: Route, ready: Event) -> None:
    # Loads the library, which takes most of a second: there is nothing to be killed in then.
    send(NotifyUrl(1, "none", "none://"), Message("", ""))
    ready.set()
    while True:
        deliver(route)
        time.sleep(0.001)


class Lives:
    """Processes that deliver, one after the other, and what the server had when each was killed."""

    def __init__(self, folder: Path, server: Webhook) -> None:
        self.server = server
        self.log = LocalAlertLog(folder / "alerts.jsonl")
        self.route = Route(self.log.path, folder / "output", (server.url(),))
        self.keys: list[str] = []
        self.last_ones: Counter[str] = Counter()
        deliver(self.route)  # A first look, which would pass over what is there already.

    def live(self, kill_after: float | None = None, kill_at: int | None = None) -> None:
        """Let a process begin to send, and kill it after some seconds or at a message."""
        ready = PROCESSES.Event()
        process = start(deliver_for_ever, self.route, ready)
        assert ready.wait(PATIENCE_SECONDS)
        pid = process.pid or 0
        assert pid > 1  # or a signal to it would be one to many
        before = len(self.server.got)
        if kill_at is not None:
            self.server.on_message = lambda: (
                os.kill(pid, signal.SIGKILL) if len(self.server.got) - before == kill_at else None
            )
        self._gain()
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == -signal.SIGKILL
        self.server.on_message = lambda: None
        # What is on its way to the server still arrives.
        wait_until("answers", lambda: len(self.server.got) == len(self.server.taken), 0.001)
        if self.server.keys:
            self.last_ones[self.server.keys[-1]] += 1

    def _gain(self) -> None:
        events = [alert(id=f"daily-{len(self.keys) + count}-win_rate-1") for count in range(LINES)]
        self.log.update(lambda _: events)
        self.keys += [f"{event.id} (raised)" for event in events]


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    with webhook() as server:
        yield Lives(tmp_path, server)


def test_a_kill_at_any_moment_loses_no_message_and_doubles_are_known_by_their_key(
    lives: Lives,
) -> None:
    chance = Random(15)
    for number in range(KILLS):
        if number == 0 or chance.random() < 0.4:
            # Between sending and remembering: the server has it, and its answer reaches nobody.
            lives.live(kill_at=chance.randint(1, LINES))
        else:
            lives.live(kill_after=chance.uniform(0, 0.06))
    deliver(lives.route)
    arrived = lives.server.keys

    assert list(dict.fromkeys(arrived)) == lives.keys
    doubles = Counter(arrived) - Counter(lives.keys)
    # Only the message that was the last one when a process was killed, once for each such kill.
    assert doubles <= lives.last_ones
    assert doubles
    deliver(lives.route)
    assert lives.server.keys == arrived
