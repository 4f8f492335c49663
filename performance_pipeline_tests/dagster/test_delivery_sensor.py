"""The sensor that has alerts delivered: by a process of its own, without waiting for it."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline.defs.delivery_sensor import alert_delivery_sensor
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.storage.delivery_state import STATE_NAME, load_state
from performance_pipeline_tests.support.alert_service import Heard
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.lines import place
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.receivers import TOKEN, Webhook, webhook
from performance_pipeline_tests.support.waiting import wait_until


@dataclass
class Sensor:
    """The sensor over one log folder, ticked by hand, its cursor kept as the daemon does."""

    folder: Path
    urls: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    cursor: str | None = None
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As the service does, also after a crash."""
        self.settings = place(self.folder / "logs", NOTIFY=self.urls).settings
        self.log = LocalAlertLog(self.settings.alert_log)
        self.sensor = alert_delivery_sensor(Runtime(self.settings, lambda: self.now))

    def gain(self, *events: AlertEvent) -> None:
        self.log.update(lambda _: events)

    def tick(self) -> str:
        """What one tick says."""
        with dg.build_sensor_context(cursor=self.cursor) as context:
            context.log.addHandler(Heard(self.heard))
            result = self.sensor(context)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
            result = result.skip_reason
        assert isinstance(result, dg.SkipReason)
        assert result.skip_message is not None
        return result.skip_message

    def settle(self, says: str = "Everything is sent.") -> None:
        wait_until(says, lambda: self.tick() == says, every_seconds=0.05)


@pytest.fixture
def server() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


@pytest.fixture
def sensor(tmp_path: Path, server: Webhook) -> Sensor:
    begun = Sensor(tmp_path, server.url().secret)
    begun.settle()
    return begun


def test_what_the_log_gains_arrives(sensor: Sensor, server: Webhook) -> None:
    sensor.gain(alert())
    assert sensor.tick() == "Sending began."
    sensor.settle()
    sensor.gain(alert(status="resolved", resolved_at=sensor.now))
    sensor.settle()

    stem = alert().id
    assert server.keys == [f"{stem} (raised)", f"{stem} (resolved)"]
    assert sensor.heard == []


def test_a_tick_does_not_wait_for_a_server(sensor: Sensor, server: Webhook) -> None:
    server.wait_seconds = 3
    sensor.gain(alert())
    began = time.monotonic()
    sensor.tick()
    wait_until("a message", lambda: len(server.got) == 1, every_seconds=0.05)
    assert sensor.tick() == "Messages are being sent."
    assert time.monotonic() - began < 3 + 3
    assert server.keys == []
    sensor.settle()

    assert len(server.keys) == 1


def test_trouble_is_told_once_in_the_log_and_without_the_url(
    sensor: Sensor, server: Webhook
) -> None:
    server.status = 401
    sensor.gain(alert())
    sensor.settle("Waiting to be tried again: 1 message.")
    sensor.tick()

    assert sensor.heard == [
        f"alert {alert().id} (raised) could not be delivered to PERFORMANCE_NOTIFY 1 (json): the"
        " server answered 401; tried again for a day, with growing pauses"
    ]
    assert TOKEN not in (sensor.cursor or "")


def test_a_restart_goes_on_where_it_was(sensor: Sensor, server: Webhook) -> None:
    server.vanish()
    sensor.gain(alert())
    sensor.settle("Waiting to be tried again: 1 message.")
    sensor.start()
    server.appear()
    assert sensor.tick() == "Waiting to be tried again: 1 message."

    def has_arrived() -> bool:
        # After the pause; the process that delivers has the clock of the machine.
        sensor.now = datetime.now(UTC)
        sensor.tick()
        return bool(server.keys)

    wait_until("a message", has_arrived)
    sensor.settle()

    assert server.keys == [f"{alert().id} (raised)"]


def test_without_urls_nothing_is_done_and_it_takes_no_time(tmp_path: Path) -> None:
    sensor = Sensor(tmp_path, "")
    sensor.gain(alert())
    assert sensor.tick() == "PERFORMANCE_NOTIFY is empty: nothing is sent."
    began = time.perf_counter()
    sensor.tick()

    assert time.perf_counter() - began < 0.5
    assert not (sensor.settings.output_dir / STATE_NAME).exists()
    assert sensor.sensor.minimum_interval_seconds == 600


def test_what_the_log_gains_while_no_url_is_set_is_no_news_later(
    sensor: Sensor, server: Webhook
) -> None:
    urls, sensor.urls = sensor.urls, ""
    sensor.start()
    sensor.tick()
    sensor.gain(alert())
    sensor.urls = urls
    sensor.start()
    sensor.settle()

    assert server.keys == []
    assert load_state(sensor.settings.output_dir) is not None


def test_a_file_that_cannot_be_read_is_an_error_in_the_log_once(sensor: Sensor) -> None:
    path = sensor.settings.output_dir / STATE_NAME
    path.write_bytes(b"{")
    said = [sensor.tick(), sensor.tick()]

    assert sensor.heard[0].startswith(f"{path}: cannot be read, so nothing is sent")
    assert said == [f"Looked at again with the next tick. {sensor.heard[0]}"] * 2
    assert len(sensor.heard) == 1
    path.unlink()
    sensor.settle()


def test_an_output_folder_that_cannot_be_written_is_an_error_in_the_log_once(
    sensor: Sensor,
) -> None:
    state = sensor.settings.output_dir / STATE_NAME
    partial = state.with_name(f".{STATE_NAME}.partial")
    partial.mkdir()
    sensor.gain(alert())
    sensor.tick()
    wait_until("an error", lambda: bool(sensor.tick() and sensor.heard), every_seconds=0.05)
    assert sensor.tick() == "Waiting for a minute after a failure."

    assert len(sensor.heard) == 1
    assert "PERFORMANCE_OUTPUT_DIR=" in sensor.heard[0]


def test_debugging_shows_no_url(
    sensor: Sensor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sensor.gain(alert())
    sensor.settle()
    out, err = capfd.readouterr()

    assert TOKEN not in caplog.text + out + err
