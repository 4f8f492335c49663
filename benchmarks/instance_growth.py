"""What an instance keeps of trading days that are pruned as they grow old.

The sensors are ticked by a clock that jumps from fill to fill. Dagster stores the time of the
machine all the same, so what is older than some days is told by when those days really ended.
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.data import LAST_DAY
from benchmarks.instances import instance_in
from benchmarks.tables import Table, seconds
from performance_pipeline.defs.backfill import Progress, run_backfill
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.retention import Limits, prune
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import days_between
from performance_pipeline.pipeline.sample_logs import SampleOptions, sample_log
from performance_pipeline.storage.databases import vacuum
from performance_pipeline.storage.files import bytes_below
from performance_pipeline.storage.logs import log_name
from performance_pipeline_tests.support.local import LocalSettings

_FILLS = 390  # one a minute, from half past two to nine o'clock
_SILENT = Progress(lambda _: None, lambda: None, lambda *_: None)
_ALL = Limits(runs=10_000, events=1_000_000)
_WAIT_SECONDS = 10.0
_TARGETS = Path(__file__).parents[1] / "config" / "dashboard-targets.yaml"


@dataclass
class _Service:
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
            self.now = _opening(day) + timedelta(minutes=minute)
            self.tick()
        self.now = _opening(day) + timedelta(hours=18)
        self.backfill(day, day)

    def tick(self) -> None:
        """One tick as by the daemon: its events are stored, then its cursor."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=self.definitions
        )
        result = self.sensor.evaluate_tick(context)
        for event in result.asset_events or ():
            assert not isinstance(event, dg.AssetCheckEvaluation)
            self.instance.report_runless_asset_event(event)
        self.cursor = result.cursor or self.cursor

    def backfill(self, first: date, last: date) -> None:
        if failures := run_backfill(self.runtime, self.instance, first, last, _SILENT):
            raise RuntimeError("; ".join(failures))

    def prune(self, kept: int, since: datetime) -> None:
        """As `kept` days after `since`, to which what has happened until then is too old."""
        prune(self.instance, self.runtime.keys, kept, since + timedelta(days=kept), _ALL)


def growth(folder: Path, quick: bool) -> Table:
    days, kept, fills = (3, 1, 20) if quick else (12, 4, _FILLS)
    logs, home = folder / "growth", folder / "home-growth"
    logs.mkdir()
    first = LAST_DAY - timedelta(days=days - 1)
    variables = {
        "PERFORMANCE_LOG_DIR": str(logs),
        "PERFORMANCE_TARGETS_FILE": str(_TARGETS),
        "PERFORMANCE_START_DATE": str(first - timedelta(days=1)),
        "PERFORMANCE_MARKET_CALENDAR": "none",
    }
    rows: list[list[str]] = []
    ended: list[datetime] = []
    with instance_in(home) as instance:
        service = _Service(LocalSettings.from_env(variables), instance, _opening(first))
        service.tick()
        service.backfill(first - timedelta(days=1), first)
        held = _size(home)
        for number, day in enumerate(days_between(first, LAST_DAY), start=1):
            service.trade(day, fills)
            ended.append(datetime.now(UTC))
            added = _size(home) - held
            started = time.perf_counter()
            if number > kept:
                service.prune(kept, ended[-kept - 1])
            took = time.perf_counter() - started
            held = _size(home)
            rows.append([str(number), _megabytes(added), seconds(took), _megabytes(held)])
    return Table(
        f"An instance over {days} trading days of {fills} fills, of which {kept} are kept",
        ("day", "it added", "pruning took", "the instance then held"),
        rows,
        [
            "A line a minute, and a backfill that closes the day. Without the ticks and looks of"
            " sensors that came to nothing, which go within the hour, and before what SQLite keeps"
            " a second time has gone, which does so too."
        ],
    )


def _opening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)


def _size(home: Path) -> int:
    for database in home.rglob("*.db"):
        vacuum(database, _WAIT_SECONDS)
    return bytes_below(home)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"
