"""Reading jobs: one log, a year of logs, one very long log, and appends to a log."""

import hashlib
import itertools
import shutil
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from benchmarks.contenders import CONTENDERS, OURS, TYPED
from benchmarks.data import make_logs
from benchmarks.measure import Run, alone, cpu, interleaved, ratio, timed, wall
from benchmarks.tables import Table, seconds, times
from performance_pipeline.storage import logs
from performance_pipeline.storage.aggregates import AggregateStore
from performance_pipeline_tests.support.local import LocalSettings

_COLUMNS = ("reader", "median", "lines/s", "against us", "against the typed decode")
_SPLIT = "this project, log cut in 2"
_PROCESSES = "this project, 2 processes"


def one_log(folder: Path, quick: bool) -> Table:
    paths = make_logs(folder / "one", 1, 1000)
    jobs = {
        name: timed(partial(one.load(), paths))
        for name, one in CONTENDERS.items()
        if one.installed and name not in (_SPLIT, _PROCESSES)
    }
    interleaved(jobs, 2)
    runs = interleaved(jobs, 5 if quick else 40)
    return Table("One log of 1,000 lines", (*_COLUMNS, "CPU"), _rows(runs, 1000, _cpu))


def a_year(folder: Path, quick: bool) -> Table:
    count = 10 if quick else 365
    paths = make_logs(folder / "year", count, 1000)
    jobs = {
        name: timed(partial(one.load(), paths))
        for name, one in CONTENDERS.items()
        if one.installed and name != _SPLIT
    }
    runs = interleaved(jobs, 1 if quick else 3, once=["pandas"])
    return Table(
        f"{count} logs of 1,000 lines",
        (*_COLUMNS, "exact", "names bad lines"),
        _rows(runs, count * 1000, _exactness),
        [
            "polars and DuckDB take the whole folder as one query, on all cores; the others read"
            " log after log. pandas ran once."
        ],
    )


def one_long_log(folder: Path, quick: bool) -> Table:
    lines = 10_000 if quick else 1_000_000
    paths = make_logs(folder / "long", 1, lines)
    jobs = {
        name: alone(name, paths)
        for name, one in CONTENDERS.items()
        if one.installed and name != _PROCESSES
    }
    runs = interleaved(jobs, 1 if quick else 3, once=["pandas"])
    return Table(
        f"One log of {lines:,} lines",
        (*_COLUMNS, "peak memory", "CPU", "exact"),
        _rows(runs, lines, _memory),
        ["Each run in a process of its own; imports are not timed. Memory is that of the process"
         " that asks, interpreter and imports included. pandas ran once."],
    )  # fmt: skip


def _rows(
    runs: dict[str, list[Run]], lines: int, more: Callable[[str, list[Run]], list[str]]
) -> list[list[str]]:
    return [
        [
            name,
            seconds(wall(mine)),
            f"{lines / wall(mine):,.0f}",
            times(ratio(mine, runs[OURS])),
            times(ratio(mine, runs[TYPED])),
            *more(name, mine),
        ]
        for name, mine in sorted(runs.items(), key=lambda item: wall(item[1]))
    ]


def _cpu(_: str, runs: list[Run]) -> list[str]:
    return [seconds(cpu(runs))]


def _exactness(name: str, _: list[Run]) -> list[str]:
    return [CONTENDERS[name].exact, CONTENDERS[name].names_bad_lines]


def _memory(name: str, runs: list[Run]) -> list[str]:
    return [f"{max(run.peak_mb for run in runs):.0f} MB", *_cpu(name, runs), CONTENDERS[name].exact]


# --- appends ----------------------------------------------------------------------------------


class _NoDigest:
    def __init__(self) -> None:
        self._state = 0

    def update(self, block: bytes) -> None:
        pass

    def hexdigest(self) -> str:
        return f"{self._state:064x}"


class _Crc32(_NoDigest):
    def update(self, block: bytes) -> None:
        self._state = zlib.crc32(block, self._state)


def appends(folder: Path, quick: bool) -> Table:
    digests: dict[str, Callable[[], object]] = {
        "SHA-256": hashlib.sha256,
        "CRC-32": _Crc32,
        "no digest": _NoDigest,
    }
    try:
        import xxhash

        digests["XXH3"] = xxhash.xxh3_128
    except ImportError:
        pass
    rows = []
    for lines in (1000,) if quick else (1000, 100_000):
        log = _AppendedLog(folder / f"appends-{lines}", lines)
        jobs = {}
        for name, digest in digests.items():
            jobs[f"{name} whole"] = log.timed(digest, whole=True)
            jobs[f"{name} tail"] = log.timed(digest, whole=False)
        runs = interleaved(jobs, 3 if quick else max(5, 30_000 // lines))
        for name in digests:
            whole, tail = runs[f"{name} whole"], runs[f"{name} tail"]
            numbers = [seconds(wall(whole)), seconds(wall(tail)), times(ratio(whole, tail))]
            rows.append([f"{lines:,}", name, *numbers])
    return Table(
        "10 lines appended to a log",
        ("lines before", "digest", "read again from the start", "read on", "ratio"),
        rows,
        ["From looking at the folder to the day's aggregate on disk. The pipeline uses SHA-256;"
         " the others show what a faster digest over what was read before would give."],
    )  # fmt: skip


class _AppendedLog:
    """A log of today that grows by 10 lines before every reading."""

    def __init__(self, folder: Path, lines: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        # The lines to append come from the end of a longer log: in order, and never twice.
        (whole,) = make_logs(folder / "whole", 1, lines + 20_000)
        content = whole.read_bytes().splitlines(keepends=True)
        self._more = iter(content[lines:])
        self._log = folder / whole.name
        self._log.write_bytes(b"".join(content[:lines]))
        self._settings = LocalSettings.from_env({"PERFORMANCE_LOG_DIR": str(folder)})
        self._day = logs.log_day(whole.name)
        self._now = datetime.combine(self._day, time(23), tzinfo=UTC)

    def timed(self, digest: Callable[[], object], *, whole: bool) -> Callable[[], Run]:
        def run() -> Run:
            with mock.patch.object(logs, "hashlib", SimpleNamespace(sha256=digest)):
                self._refresh()
                with self._log.open("ab") as stream:
                    stream.writelines(itertools.islice(self._more, 10))
                if whole:
                    shutil.rmtree(self._settings.output_dir)
                return timed(self._refresh)()

        return run

    def _refresh(self) -> None:
        store = AggregateStore(self._settings, self._now)
        store.refresh(self._day)
        store.save_index()
