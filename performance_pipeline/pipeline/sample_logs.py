"""Realistic trade logs made from a seed, for demos, tests and benchmarks; no log is read here.

The same seed gives the same bytes on every machine and version.
"""

import os
from calendar import SATURDAY
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from performance_pipeline.pipeline.sample_lines import entry_and_close, fills, session
from performance_pipeline.pipeline.sample_trades import (
    Trade,
    exits,
    intraday,
    overnight,
    weekday_before,
)

MAX_DAYS: Final = 36_600
_BEGINNING: Final = '{{"timestamp":"{}T'


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Which logs to make: `days` calendar days ending with `end`, of which weekdays have a log."""

    end: date
    days: int = 90
    trades_per_day: int = 40
    seed: int = 7
    fills: bool = False
    """Buys and sells that say what they paid, in place of entries and closes with their P&L."""

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MAX_DAYS:
            raise ValueError(f"days must be 1 to {MAX_DAYS}, not {self.days}")
        if self.trades_per_day < 0:
            raise ValueError(f"trades per day must be 0 or more, not {self.trades_per_day}")


def sample_log(day: date, options: SampleOptions) -> bytes:
    """Return the whole log of one UTC day, empty when nothing trades.

    It depends on the day, the seed and the trades per day alone, never on the range asked for,
    so positions held overnight are found again by replaying the weekday before. A log of fills
    depends on its first day too: before it nothing was bought, so that all that is sold was.
    """
    if day.weekday() >= SATURDAY:
        return b""
    lines = list(_fills(day, options) if options.fills else _entries_and_closes(day, options))
    # Every line begins with a timestamp of one form, so the order of text is that of time.
    lines.sort()
    ending = f",{session(day, options.seed)}}}\n"
    return ending.join([*lines, ""]).encode("ascii")


def _entries_and_closes(day: date, options: SampleOptions) -> Iterator[str]:
    for trade in _opened_on(day, options):
        entry, close = entry_and_close(day, trade)
        yield entry
        if not trade.held_overnight:
            yield close
    before = weekday_before(day)
    for trade in overnight(before, options.seed, options.trades_per_day):
        yield entry_and_close(before, trade)[1]


def _fills(day: date, options: SampleOptions) -> Iterator[str]:
    first = options.end - timedelta(days=options.days - 1)
    # A position is held until the second weekday after its entry at the longest.
    before = weekday_before(day)
    for entered in (weekday_before(before), before, day):
        if entered >= first:
            for trade in _opened_on(entered, options):
                parts = exits(entered, options.seed, trade)
                found = fills(entered, trade, parts)
                yield from (line for line in found if line.startswith(_BEGINNING.format(day)))


def _opened_on(day: date, options: SampleOptions) -> list[Trade]:
    seed, usual = options.seed, options.trades_per_day
    carried = overnight(weekday_before(day), seed, usual)
    return intraday(day, seed, usual - len(carried)) + overnight(day, seed, usual)


def write_sample_logs(
    folder: Path, options: SampleOptions, on_day: Callable[[date], None] | None = None
) -> list[Path]:
    """Write one log per weekday and return their paths; `on_day` hears of each one written.

    A log that is already there, archived or not, is a FileExistsError before anything is written.
    """
    days = [options.end - timedelta(days=ago) for ago in reversed(range(options.days))]
    logs = {day: folder / f"{day}.jsonl" for day in days if day.weekday() < SATURDAY}
    for path in logs.values():
        for taken in (path, path.with_name(f"{path.name}.gz")):
            if os.path.lexists(taken):
                raise FileExistsError(f"{taken} exists already; sample logs overwrite nothing")
    folder.mkdir(parents=True, exist_ok=True)
    for day, path in logs.items():
        _write_new(path, sample_log(day, options))
        if on_day is not None:
            on_day(day)
    return list(logs.values())


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as log:
        try:
            log.write(content)
            log.flush()
        except BaseException:
            # A log cut short would pass for a whole one.
            path.unlink()
            raise
