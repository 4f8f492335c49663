"""The pipeline's sensors over one folder and one instance, ticked by a clock of the benchmark's."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from performance_pipeline.defs.backfill import Progress, run_backfill
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.pipeline.sample_logs import SampleOptions, sample_log
from performance_pipeline.storage.logs import log_name
from performance_pipeline_tests.support.local import LocalSettings

FILLS = 390  # one a minute, from half past two to nine o'clock
_SILENT = Progress(lambda _: None, lambda: None, lambda *_: None)


@dataclass
class DrivenService:
    """The log sensor over one folder and one instance, and what it takes for now."""

    settings: LocalSettings
    instance: dg.DagsterInstance
    now: datetime
    cursor: str | None = None

    def __post_init__(self) -> None:
        self.runtime = Runtime(self.settings, lambda: self.now)
        self.definitions = build_definitions(self.runtime)
        self.sensor = self.definitions.resolve_sensor_def(self.runtime.keys.log_sensor)

    def trade(self, day: date, fills: int) -> None:
        """Append a line a minute to the log of `day`, a tick after each, and close the day."""
        options = SampleOptions(end=day, days=1, trades_per_day=fills, seed=7)
        lines = sample_log(day, options).splitlines(keepends=True)[:fills]
        for minute, line in enumerate(lines):
            with (self.settings.log_dir / log_name(day)).open("ab") as log:
                log.write(line)
            self.now = opening(day) + timedelta(minutes=minute)
            self.tick()
        self.now = opening(day) + timedelta(hours=18)
        self.backfill(day, day)

    def tick(self) -> None:
        self.cursor = tick_of(self.sensor, self.definitions, self.instance, self.cursor)

    def backfill(self, first: date, last: date) -> None:
        if failures := run_backfill(self.runtime, self.instance, first, last, _SILENT):
            raise RuntimeError("; ".join(failures))


def tick_of(
    sensor: dg.SensorDefinition,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    cursor: str | None,
) -> str | None:
    """One tick as by the daemon: its events are stored; returns the cursor after it."""
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=definitions
    ) as context:
        result = sensor.evaluate_tick(context)
    for event in result.asset_events or ():
        assert not isinstance(event, dg.AssetCheckEvaluation)
        instance.report_runless_asset_event(event)
    return result.cursor or cursor


def opening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
