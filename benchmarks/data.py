"""Seeded logs to measure on, made by the project's own `sample-logs`."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from performance_pipeline.pipeline.sample_logs import SampleOptions, sample_log
from performance_pipeline.storage.logs import log_name

LAST_DAY = date(2025, 12, 31)


def weekdays(count: int) -> list[date]:
    """The `count` weekdays up to `LAST_DAY`."""
    return sorted(next_days(count))


def next_days(count: int) -> Iterator[date]:
    day = LAST_DAY
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day -= timedelta(days=1)


def make_logs(folder: Path, logs: int, lines: int) -> list[Path]:
    """`logs` logs of `lines` lines each (an entry and its close are two), oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for day in weekdays(logs):
        options = SampleOptions(end=day, days=1, trades_per_day=lines // 2, seed=7)
        path = folder / log_name(day)
        path.write_bytes(b"".join(sample_log(day, options).splitlines(keepends=True)[:lines]))
        paths.append(path)
    return paths
