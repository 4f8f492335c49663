"""Jobs on warm aggregates: recombining a year, and one summary from a cold process."""

import shutil
import sys
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path

from benchmarks.data import LAST_DAY, make_logs
from benchmarks.measure import best, command, interleaved, ratio, timed, wall
from benchmarks.readers import pipeline
from benchmarks.tables import Table, seconds, times
from performance_pipeline.domain.aggregate import DailyAggregate, combine
from performance_pipeline.domain.windows import Period, Window, days_between
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.sessions import keep_sessions
from performance_pipeline_tests.support.local import LocalSettings


def recombination(folder: Path, quick: bool) -> Table:
    days, rows = 30 if quick else 365, []
    for lines in (20, 1000):
        paths = make_logs(folder / f"recombined-{lines}", days * 5 // 7 + 1, lines)
        tracker, periods = _warm(folder / f"recombined-{lines}", days)
        aggregates = {
            period: [tracker.day(day).aggregate for day in tracker.counted_days(period)]
            for period in periods
        }
        jobs = {
            "combined": timed(partial(_combine_all, aggregates)),
            "summaries": timed(partial(_summarize_all, tracker, periods)),
            "raw": timed(partial(pipeline, paths)),
        }
        runs = interleaved(jobs, 3 if quick else 15, once=["raw"])
        rows += [
            [
                f"{lines:,}",
                what,
                seconds(wall(runs[name])),
                seconds(best(runs[name])),
                times(ratio(runs["raw"], runs[name])),
            ]
            for name, what in (
                ("combined", "aggregates to aggregates"),
                ("summaries", "aggregates to summaries"),
                ("raw", "reading the logs once more"),
            )
        ]
    return Table(
        f"{days} days to their weeks and months, warm",
        ("lines a day", "from and to", "median", "best", "reading again takes"),
        rows,
        [f"{len(periods)} weeks and months, each day in one of either."],
    )


def _combine_all(aggregates: dict[Period, list[DailyAggregate]]) -> None:
    for parts in aggregates.values():
        combine(parts, 20)


def _summarize_all(tracker: PerformanceTracker, periods: list[Period]) -> None:
    for period in periods:
        tracker.summarize(period)


def _warm(folder: Path, days: int) -> tuple[PerformanceTracker, list[Period]]:
    """A tracker whose days are in memory, and the weeks and months of its logs' days."""
    settings = _settings(folder)
    tracker = PerformanceTracker(settings, _last_evening)
    oldest = tracker.store.oldest_log or LAST_DAY
    every_day = list(days_between(oldest, LAST_DAY))[-days:]
    periods = list(
        dict.fromkeys(
            Period.of(window, day) for window in (Window.WEEKLY, Window.MONTHLY)
            for day in every_day
        )
    )  # fmt: skip
    _summarize_all(tracker, periods)
    return tracker, periods


def _last_evening() -> datetime:
    return datetime.combine(LAST_DAY, time(23), tzinfo=UTC)


def _settings(folder: Path) -> LocalSettings:
    return LocalSettings.from_env(
        {"PERFORMANCE_LOG_DIR": str(folder), "PERFORMANCE_START_DATE": "2024-01-01"}
    )


def cold_summary(folder: Path, quick: bool) -> Table:
    logs = folder / "cold"
    shutil.rmtree(logs, ignore_errors=True)
    make_logs(logs, 5 if quick else 365, 1000)
    settings = _settings(logs)
    tracker = PerformanceTracker(settings, _last_evening)
    for day in tracker.counted_days(
        Period.spanning(tracker.store.oldest_log or LAST_DAY, LAST_DAY)
    ):
        tracker.store.refresh(day)
    tracker.store.save_index()
    keep_sessions(settings, PerformanceTracker(settings).today, Folder(settings.output_dir))
    env = {"PERFORMANCE_LOG_DIR": str(logs), "PERFORMANCE_START_DATE": "2024-01-01"}
    pipeline_command = (sys.executable, "-m", "performance_pipeline", "summary", "--window")
    date = ("--date", LAST_DAY.isoformat())
    jobs = {
        "`python -c pass`": command(sys.executable, "-c", "pass", env=env),
        "`import click, msgspec, yaml`": command(
            sys.executable, "-c", "import click, msgspec, yaml", env=env
        ),
        "`summary --window weekly --json`": command(
            *pipeline_command, "weekly", *date, "--json", env=env
        ),
        "`summary --window weekly`": command(*pipeline_command, "weekly", *date, env=env),
        "`summary --window rolling`": command(*pipeline_command, "rolling", *date, env=env),
        "`import pandas`": command(sys.executable, "-c", "import pandas", env=env),
    }
    interleaved(jobs, 1)
    runs = interleaved(jobs, 3 if quick else 15)
    base = runs["`python -c pass`"]
    rows = [
        [
            name,
            seconds(wall(mine)),
            seconds(best(mine)),
            times(ratio(mine, base)),
        ]
        for name, mine in runs.items()
    ]
    return Table(
        "A summary from a cold process, aggregates warm",
        ("process", "median", "best", "against an empty one"),
        rows,
    )
