"""A clock that was set back: until when the sensors of a real instance stand still."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickData, TickStatus

from performance_pipeline.defs.dagster_internals import InstigatorType
from performance_pipeline.pipeline.instance_ticks import waits_until
from performance_pipeline_tests.support.command_line import Run

TICKED: Final = datetime(2025, 6, 10, 14, 30, 5, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def tick(instance: dg.DagsterInstance, at: datetime) -> None:
    instance.create_tick(
        TickData(
            "origin", "trade_log_sensor", InstigatorType.SENSOR, TickStatus.SKIPPED, at.timestamp()
        )
    )


def test_sensors_stand_still_until_the_newest_tick_that_lies_ahead(
    instance: dg.DagsterInstance,
) -> None:
    home = Path(instance.root_directory)
    assert waits_until(home, TICKED) is None
    tick(instance, TICKED)
    tick(instance, TICKED - HOUR)
    assert waits_until(home, TICKED - HOUR) == TICKED
    assert waits_until(home, TICKED - timedelta(seconds=59)) is None
    assert waits_until(home, TICKED + HOUR) is None


def test_doctor_says_since_when_and_until_when(
    run: Run, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", instance.root_directory)
    tick(instance, ago := datetime.now(UTC) - HOUR)
    assert f"its sensors last looked at {ago:%Y-%m-%d %H:%M} (UTC)" in run("doctor").out
    ahead = datetime.now(UTC) + HOUR
    tick(instance, ahead)
    told = run("doctor").out
    assert "last looked at" not in told
    assert f"its sensors stand still until {ahead:%Y-%m-%d %H:%M} (UTC)" in told
