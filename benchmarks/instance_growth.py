"""What an instance keeps of trading days that are pruned as they grow old.

The sensors are ticked by a clock that jumps from fill to fill. Dagster stores the time of the
machine all the same, so what is older than some days is told by when those days really ended.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.data import LAST_DAY
from benchmarks.driven_service import FILLS, DrivenService, opening
from benchmarks.instances import instance_in
from benchmarks.tables import Table, megabytes, seconds
from performance_pipeline.defs.retention import Limits, prune
from performance_pipeline.domain.windows import days_between
from performance_pipeline.storage.databases import vacuum
from performance_pipeline.storage.files import bytes_below
from performance_pipeline_tests.support.local import LocalSettings

_ALL = Limits(runs=10_000, events=1_000_000)
_WAIT_SECONDS = 10.0
_TARGETS = Path(__file__).parents[1] / "config" / "dashboard-targets.yaml"


def growth(folder: Path, quick: bool) -> Table:
    days, kept, fills = (3, 1, 20) if quick else (12, 4, FILLS)
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
        service = DrivenService(LocalSettings.from_env(variables), instance, opening(first))
        service.tick()
        service.backfill(first - timedelta(days=1), first)
        held = _size(home)
        for number, day in enumerate(days_between(first, LAST_DAY), start=1):
            service.trade(day, fills)
            ended.append(datetime.now(UTC))
            added = _size(home) - held
            started = time.perf_counter()
            if number > kept:
                # To this moment what had happened by then is too old.
                now = ended[-kept - 1] + timedelta(days=kept)
                prune(instance, service.runtime.keys, kept, now, _ALL)
            took = time.perf_counter() - started
            held = _size(home)
            rows.append([str(number), megabytes(added), seconds(took), megabytes(held)])
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


def _size(home: Path) -> int:
    for database in home.rglob("*.db"):
        vacuum(database, _WAIT_SECONDS)
    return bytes_below(home)
