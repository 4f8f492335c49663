"""Summaries as files: one JSON document and its Markdown for each window and key.

What they say is made elsewhere: here documents and bytes are read, and written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.settings import parse_date
from performance_pipeline.storage.files import write_if_changed
from performance_pipeline.storage.plain_json import encode_plain, plain_document


def summary_document(summary: PerformanceSummary) -> dict[str, Any]:
    """The summary as it is written: decimals as plain strings, instants with their offset."""
    document: dict[str, Any] = plain_document(summary)
    return document


def encode_summary(summary: PerformanceSummary) -> bytes:
    """The summary as the bytes of its JSON file."""
    return msgspec.json.format(encode_plain(summary), indent=2) + b"\n"


def decode_summary(content: bytes) -> PerformanceSummary:
    """The summary that `encode_summary` wrote; raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=PerformanceSummary)


def summary_path(folder: Path, period: Period) -> Path:
    """Where the JSON of `period` lives in `folder`; the Markdown has the suffix `.md`."""
    until = f"-{period.last_day.isoformat()}" if period.window is Window.RANGE else ""
    return folder / f"{period.window}-summary-{period.key.isoformat()}{until}.json"


@dataclass(frozen=True)
class StoredSummary:
    """A summary as it was read from its file, with the bytes that it was read from."""

    summary: PerformanceSummary
    content: bytes


def read_summary(path: Path) -> StoredSummary | None:
    """The summary in the JSON file `path`; None when there is none that can be read."""
    try:
        content = path.read_bytes()
        return StoredSummary(decode_summary(content), content)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def load_summary(folder: Path, period: Period) -> PerformanceSummary | None:
    """The stored summary of `period`; None when there is none that can be read."""
    stored = read_summary(summary_path(folder, period))
    return None if stored is None else stored.summary


def write_summary(path: Path, content: bytes, markdown: str) -> None:
    """Make the JSON file `path` and the Markdown beside it hold these; equal ones stay."""
    write_if_changed(path.with_suffix(".md"), markdown.encode())
    write_if_changed(path, content)


def stored_periods(folder: Path, window: Window) -> Iterator[tuple[Period, PerformanceSummary]]:
    """Every stored summary of a partitioned `window`, in time order.

    A file named for a day that there is not, or that is no key of the window, is none of ours.
    """
    prefix = f"{window}-summary-"
    for path in sorted(folder.glob(f"{prefix}????-??-??.json")):
        period = _period(window, path.stem.removeprefix(prefix))
        if period is not None and (stored := read_summary(path)) is not None:
            yield period, stored.summary


def _period(window: Window, key: str) -> Period | None:
    try:
        period = Period.of(window, parse_date(key))
    except (ValueError, OverflowError):
        return None
    return period if period.key.isoformat() == key else None
