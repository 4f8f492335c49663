"""Summaries as files: one JSON document and its Markdown for each window and key.

What they say is made elsewhere: here documents and bytes are read, and written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.setting_values import parse_date
from performance_pipeline.storage.plain_json import encode_plain, plain_document
from performance_pipeline.storage.store import Store


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


def summary_name(period: Period) -> str:
    """The JSON file of `period`, within the output; see `markdown_name`."""
    until = f"-{period.last_day.isoformat()}" if period.window is Window.RANGE else ""
    return f"{period.window}-summary-{period.key.isoformat()}{until}.json"


def markdown_name(json_name: str) -> str:
    """The Markdown beside the JSON file of a summary."""
    return f"{json_name.removesuffix('.json')}.md"


@dataclass(frozen=True)
class StoredSummary:
    """A summary as it was read from its file, with the bytes that it was read from."""

    summary: PerformanceSummary
    content: bytes


def read_summary(output: Store, name: str) -> StoredSummary | None:
    """The summary in the JSON file `name`; None when there is none that can be read."""
    try:
        content = output.read(name)
        return StoredSummary(decode_summary(content), content)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def load_summary(output: Store, period: Period) -> PerformanceSummary | None:
    """The stored summary of `period`; None when there is none that can be read."""
    stored = read_summary(output, summary_name(period))
    return None if stored is None else stored.summary


def write_summary(output: Store, name: str, content: bytes, markdown: str) -> None:
    """Make the JSON file `name` and the Markdown beside it hold these; equal ones stay."""
    output.put_all({markdown_name(name): markdown.encode(), name: content})


def stored_periods(output: Store, window: Window) -> Iterator[tuple[Period, PerformanceSummary]]:
    """Every stored summary of a partitioned `window`, in time order.

    A file named for a day that there is not, or that is no key of the window, is none of ours.
    """
    beginning, ending = f"{window}-summary-", ".json"
    periods = [
        period
        for name in output.names()
        if name.startswith(beginning) and name.endswith(ending)
        if (period := _period(window, name[len(beginning) : -len(ending)])) is not None
    ]
    output.expect(map(summary_name, periods))
    for period in periods:
        if (stored := read_summary(output, summary_name(period))) is not None:
            yield period, stored.summary


def _period(window: Window, key: str) -> Period | None:
    try:
        period = Period.of(window, parse_date(key))
    except (ValueError, OverflowError):
        return None
    return period if period.key.isoformat() == key else None
