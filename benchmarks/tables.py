"""Results as tables of text: printed, and written to RESULTS.md."""

import math
import os
import platform
import statistics
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("msgspec", "dagster", "pandas", "polars", "duckdb", "pydantic", "xxhash")


@dataclass(frozen=True)
class Table:
    """One job's results; `remarks` say how it was measured and what it means."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def markdown(self) -> str:
        lines = [
            f"## {self.title}",
            "",
            *(f"{remark}\n" for remark in self.remarks),
            _line(self.columns),
            _line(["---", *["---:"] * (len(self.columns) - 1)]),
            *map(_line, self.rows),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Tables:
    """Several that one job makes."""

    tables: Sequence[Table]

    def markdown(self) -> str:
        return "\n".join(table.markdown() for table in self.tables)


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB"


def seconds(value: float) -> str:
    """A time as people read it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def spread(values: Collection[float]) -> tuple[str, str]:
    """The median of times and what 95 % of them stay within, as people read them."""
    if not values:
        return "-", "-"
    ordered = sorted(values)
    return seconds(statistics.median(ordered)), seconds(ordered[math.ceil(0.95 * len(ordered)) - 1])


def times(value: float) -> str:
    return f"{value:.2f}x"


def environment() -> str:
    """The machine and the versions that the results hold for."""
    versions = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores,"
        f" {platform.system()}; {', '.join(versions)}."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform == "linux" and cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
