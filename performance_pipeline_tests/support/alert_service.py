"""The pipeline over one log folder on one instance, its alert sensor ticked as by the daemon."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import dagster as dg

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline_tests.support.alerts import documents
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.lines import DAY, LATER, Place, place
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.runs import QUIETLY

BREACH: Final = ("1",) * 11 + ("-1",) * 9  # 55 % of 20 trades
CORRECT: Final = ("1",) * 12 + ("-1",) * 8  # 60 %
STEMS: Final = [f"{window}-{Period.of(window, DAY).key}-win_rate" for window in PARTITIONED_WINDOWS]
AGREES: Final = "The alert log agrees with the checks."
NOTHING_NEW: Final = "No run has finished since the last look."
SHARED: Final[tuple[Window, ...]] = (Window.DAILY, Window.ROLLING)  # one run may hold both
Said = list[tuple[str, str]]


@dataclass
class Heard(logging.Handler):
    """Collects what is warned of."""

    sentences: list[str]

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())

    __hash__ = logging.Handler.__hash__


@dataclass
class Tick:
    """What one tick of the sensor came to."""

    lines: Said = field(default_factory=list)
    skipped: str | None = None
    warnings: list[str] = field(default_factory=list)
    materialized: list[Any] = field(default_factory=list)


@dataclass
class AlertService:
    """The pipeline over one log folder on one instance, its alert sensor driven as by the daemon.

    `now` is the pipeline's clock; the instance keeps its own.
    """

    here: Place
    instance: dg.DagsterInstance
    now: datetime = LATER
    cursor: str | None = None

    def __post_init__(self) -> None:
        self.runtime = Runtime(self.here.settings, lambda: self.now)
        self.definitions = build_definitions(self.runtime)
        self.log = LocalAlertLog(self.here.settings.alert_log)
        self.sensor = self.definitions.resolve_sensor_def("performance_alert_sensor")
        self.job = self.definitions.resolve_implicit_global_asset_job_def()

    def materialize(self, *windows: Window, first: date = DAY, last: date | None = None) -> None:
        """Materialize, with their checks, the windows that hold the days from `first` to `last`."""
        shared = [window for window in windows if window in SHARED]
        layers = [shared] if shared else []
        layers += [[window] for window in windows if window not in shared]
        for layer in layers:
            self._execute(
                self.job.get_subset(
                    asset_selection={dg.AssetKey(f"{window}_summary") for window in layer}
                ),
                Period.of(layer[0], first).key,
                Period.of(layer[0], last or first).key,
            )

    def check_alone(self, window: Window, day: date = DAY) -> None:
        """Execute only the check, on what is there already."""
        key = dg.AssetCheckKey(dg.AssetKey(f"{window}_summary"), "meets_targets")
        alone = self.job.get_subset(asset_selection=set(), asset_check_selection={key})
        period = Period.of(window, day)
        self._execute(alone, period.key, period.key)

    def _execute(self, job: dg.JobDefinition, first: date, last: date) -> None:
        assert job.execute_in_process(
            instance=self.instance, tags=range_tags(first, last), run_config=QUIETLY
        ).success

    def tick(self) -> Tick:
        """One tick, and what the daemon then does with what it said."""
        tick = Tick()
        before = self.log.path.read_bytes().count(b"\n") if self.log.path.is_file() else 0
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=self.definitions
        ) as context:
            context.log.addHandler(Heard(tick.warnings))
            result = self.sensor(context)
        if isinstance(result, dg.SensorResult):
            self.keep(result)
            tick.materialized = list(result.asset_events)
            result = result.skip_reason
        if isinstance(result, dg.SkipReason):
            tick.skipped = result.skip_message
        tick.lines = self.said()[before:]
        return tick

    def keep(self, result: dg.SensorResult) -> None:
        """Store what a tick reports, then its cursor; the daemon does so in this order too."""
        for event in result.asset_events:
            assert isinstance(event, dg.AssetMaterialization)
            self.instance.report_runless_asset_event(event)
        self.cursor = result.cursor or self.cursor

    def said(self) -> Said:
        if not self.log.path.is_file():
            return []
        return [(one["id"], one["status"]) for one in documents(self.log.path)]

    def targets(self, text: str) -> None:
        self.here.settings.targets_file.write_text(text)


def service_on(instance: dg.DagsterInstance, folder: Path, **settings: str) -> AlertService:
    """A service over logs in `folder`, by default with the one target of a 60 % win rate."""
    here = place(folder / "logs", TARGETS_FILE=str(folder / "targets.yaml"), **settings)
    (folder / "targets.yaml").write_text("win_rate_target: 60\n")
    return AlertService(here, instance)


@contextmanager
def service_in(folder: Path, **settings: str) -> Iterator[AlertService]:
    """A service over `folder`, on the instance whose home is there."""
    with instance_in(folder / "home") as instance:
        yield service_on(instance, folder, **settings)
