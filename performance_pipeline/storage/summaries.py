"""Summaries as files: one JSON document and its Markdown for each window and key."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.reports.markdown import summary_markdown
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


def load_summary(folder: Path, period: Period) -> PerformanceSummary | None:
    """The stored summary of `period`; None when there is none that can be read."""
    try:
        return decode_summary(summary_path(folder, period).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def stored_periods(folder: Path, window: Window) -> Iterator[tuple[Period, PerformanceSummary]]:
    """Every stored summary of a partitioned `window`, in time order."""
    prefix = f"{window}-summary-"
    for path in sorted(folder.glob(f"{prefix}????-??-??.json")):
        period = Period.of(window, date.fromisoformat(path.stem.removeprefix(prefix)))
        if (summary := load_summary(folder, period)) is not None:
            yield period, summary


def write_summary(folder: Path, period: Period, summary: PerformanceSummary) -> PerformanceSummary:
    """Store `summary` as JSON and Markdown, and return what the files now hold.

    A stored summary that differs in nothing but its `generated_at` stays as it is.
    """
    stored = load_summary(folder, period)
    if stored is not None:
        same_time = msgspec.structs.replace(summary, generated_at=stored.generated_at)
        if encode_summary(same_time) == encode_summary(stored):
            summary = same_time
    path = summary_path(folder, period)
    write_if_changed(path.with_suffix(".md"), summary_markdown(summary).encode())
    write_if_changed(path, encode_summary(summary))
    return summary
