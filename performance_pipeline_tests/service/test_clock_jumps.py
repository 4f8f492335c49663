"""A real service whose clock jumps, and one that sleeps, over a log that grows."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline_tests.support.clocks import Clock, needs_a_clock_to_set
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.service import Service
from performance_pipeline_tests.support.waiting import wait_until

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass
class Bot:
    """Appends losses of 1 to the log of its day, by the clock of the service."""

    service: Service
    clock: Clock
    lost: Counter[date] = field(default_factory=Counter)

    def lose(self) -> date:
        now = self.clock.now
        day = now.date()
        self.lost[day] += 1
        fill = {
            "timestamp": now.isoformat(),
            "symbol": "JUMPS",
            "action": "BUY",
            "quantity": "1",
            "price": "10",
            "order_id": f"{day}-{self.lost[day]}",
            "outcome": "loss",
            "net_profit_loss": "-1",
        }
        with (self.service.logs / f"{day}.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(fill) + "\n")
        return day

    def is_counted(self) -> bool:
        return all(self.service.pnl("daily", day) == f"-{lost}" for day, lost in self.lost.items())

    def alerts_are_told(self) -> bool:
        """One a day, raised once and never over."""
        told = [
            (alert["period"], alert["status"])
            for alert in self.service.alerts()
            if alert["window"] == "daily"
        ]
        return sorted(told) == [(str(day), "raised") for day in sorted(self.lost)]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    clock = Clock(tmp_path)
    service = Service(
        tmp_path, targets="max_drawdown_target: -0.5\n", environment=clock.environment
    )
    yield Bot(service, clock)
    service.stop()


@needs_a_clock_to_set
@only_when_proving
def test_a_clock_that_jumps_and_a_machine_that_sleeps_lose_nothing_and_say_nothing_twice(
    bot: Bot,
) -> None:
    service, clock = bot.service, bot.clock

    def wait_for_all(when: str) -> None:
        wait_until(f"{when}: every fill", bot.is_counted)
        wait_until(f"{when}: the alert of every day, once", bot.alerts_are_told)

    def wait_for_closed(day: date) -> None:
        wait_until(f"{day} to be closed", lambda: service.summary("daily", day)["running"] is False)

    def set_back(by: timedelta) -> None:
        """And ahead again, as if so much time had gone by."""
        last = clock.now
        clock.jump(-by)
        bot.lose()
        # The daemon may wait for as long, by a clock that does not jump; a new one waits for its
        # own ticks to be over.
        service.kill()
        service.start()
        said = service.command("doctor")
        assert f"its sensors stand still until {last:%Y-%m-%d }" in said
        clock.jump(by)

    bot.lose()
    wait_for_all("at first")

    clock.jump(HOUR)
    bot.lose()
    wait_for_all("an hour ahead")

    set_back(HOUR)
    wait_for_all("an hour back, and once that has passed")
    assert "stand still" not in service.command("doctor")

    clock.jump(DAY)
    yesterday = bot.lose() - DAY
    wait_for_all("a day ahead")
    wait_for_closed(yesterday)

    # What a daemon finds when it wakes up: its code server has heard nothing for hours.
    service.fall_asleep()
    bot.lose()
    clock.jump(20 * HOUR)
    bot.lose()
    service.wake_up()
    wait_for_all("asleep for twenty hours")

    set_back(DAY)
    wait_for_all("a day back, and once that has passed")

    for day in bot.lost:
        if day < clock.now.date():
            wait_for_closed(day)
    wait_until(
        "every run to be over, and none to have failed",
        lambda: all(status is dg.DagsterRunStatus.SUCCESS for _, status in service.runs()),
    )
    assert ": 0 differences" in service.command("verify")
