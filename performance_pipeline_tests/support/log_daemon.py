"""The trade log sensor ticked as by the daemon, on a real instance, with a clock of the test's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.storage.watches import WATCH_NAME
from performance_pipeline_tests.support.instances import instance_in, new_home
from performance_pipeline_tests.support.lines import Place

NOON: Final = datetime(2025, 6, 12, 12, tzinfo=UTC)


class KilledError(Exception):
    """The daemon is gone, at a moment that a test chose."""


@dataclass
class Daemon:
    """What the daemon does with the sensor: evaluate it, store its events, then its cursor."""

    here: Place
    instance: dg.DagsterInstance
    cursor: str | None = None
    now: datetime = NOON
    requests: list[dg.RunRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definitions = build_definitions(Runtime(self.here.settings, lambda: self.now))

    def evaluate(self) -> SensorExecutionData:
        sensor = self.definitions.resolve_sensor_def("trade_log_sensor")
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=self.definitions
        ) as context:
            return sensor.evaluate_tick(context)

    def tick(self, killed_after: int | None = None) -> list[str]:
        """One tick, and the days or assets that it reported; maybe killed after so many events."""
        return self.store(self.evaluate(), killed_after)

    def store(self, result: SensorExecutionData, killed_after: int | None = None) -> list[str]:
        said = []
        for count, event in enumerate(result.asset_events or ()):
            if count == killed_after:
                raise KilledError
            assert isinstance(event, dg.AssetMaterialization)
            self.instance.report_runless_asset_event(event)
            said.append(event.partition or event.asset_key.to_user_string())
        if killed_after is not None:
            raise KilledError
        self.requests = list(result.run_requests or ())
        self.cursor = result.cursor or self.cursor
        return said

    @property
    def watch_file(self) -> Path:
        return self.here.output / WATCH_NAME


@dataclass(frozen=True)
class Made:
    """Logs and an instance in which something was made by runs, to be copied; and the cursor."""

    root: Path
    cursor: str


def made_in(
    root: Path,
    empty_home: Path,
    here: Place,
    make: Callable[[dg.DagsterInstance], None],
    now: datetime = NOON,
) -> Made:
    """What `make` makes of logs, in an instance in `root`, once the daemon has seen them."""
    with instance_in(new_home(empty_home, root / "dagster")) as instance:
        daemon = Daemon(here, instance, now=now)
        daemon.tick()
        make(instance)
    return Made(root, daemon.cursor or "")
