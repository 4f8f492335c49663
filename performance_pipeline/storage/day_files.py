"""The files of the daily aggregates: where they lie, what one holds, and reading it back."""

from contextlib import suppress
from datetime import date
from typing import Final

import msgspec

from performance_pipeline.domain.edge import join_packed
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.trade_stats import Drawdown
from performance_pipeline.setting_values import parse_date
from performance_pipeline.storage.day_entries import DayEntry
from performance_pipeline.storage.parts import Part
from performance_pipeline.storage.store import Store


class StoredDay(msgspec.Struct, frozen=True):
    settings: dict[str, str | int]
    date: date
    parts: tuple[Part, ...]
    opening: str = ""
    """Digest of the positions that the day begins with, where fills are paired."""

    @property
    def entry(self) -> DayEntry:
        """What the index remembers of the day."""
        aggregates = [part.aggregate for part in self.parts]
        with exact_arithmetic():
            path = Drawdown.joined(aggregate.stats.drawdown for aggregate in aggregates)
        return DayEntry(
            logs=tuple((part.log, part.digest) for part in self.parts),
            opening=self.opening,
            closing=self.parts[-1].closing if self.parts else self.opening,
            pnl=path.total,
            peak=path.peak,
            decided=join_packed([aggregate.decided for aggregate in aggregates]),
            strategies=tuple(
                sorted({name for aggregate in aggregates for name in aggregate.strategies})
            ),
        )


_decode_day = msgspec.json.Decoder(StoredDay).decode


AGGREGATES_FOLDER: Final = "aggregates"
"""Where the aggregates are kept, one file a trading day."""


def aggregate_name(day: date) -> str:
    """The file that holds the aggregate of `day`, within the output."""
    return f"{AGGREGATES_FOLDER}/{day.isoformat()}.json"


def stored_days(output: Store) -> list[date]:
    """The days that have a file, in time order."""
    days = []
    for name in output.names(AGGREGATES_FOLDER):
        if name.endswith(".json"):
            with suppress(ValueError):  # Not a file of ours.
                days.append(parse_date(name.removesuffix(".json")))
    return days


def load_day(output: Store, day: date) -> StoredDay | None:
    """What the file of `day` holds; None when there is none that can be read."""
    try:
        stored = _decode_day(output.read(aggregate_name(day)))
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        # Missing, of another format version, or mangled by a power cut: made again.
        return None
    return stored if stored.date == day else None


def encode_day(stored: StoredDay) -> bytes:
    return msgspec.json.encode(stored) + b"\n"
