"""Sources of other software, small ones made by hand, and what an import makes of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from performance_pipeline.pipeline.import_result import Import
from performance_pipeline.pipeline.importing import import_sources
from performance_pipeline.places import Place
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline.sources.records import ImportOptions, Source

NOW: Final = datetime(2025, 11, 20, 12, tzinfo=UTC)
AS_IT_IS: Final = ImportOptions()


def source_of(folder: Path, name: str, content: str | bytes) -> Path:
    """A file below `folder` that holds `content`."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def imported(
    format_name: str,
    paths: Path | Sequence[Path],
    logs: Place,
    options: ImportOptions = AS_IT_IS,
    *,
    now: datetime = NOW,
    replace: bool = False,
    dry_run: bool = False,
) -> Import:
    """What an import of those sources into the folder `logs` comes to."""
    sources = [paths] if isinstance(paths, Path) else paths
    return import_sources(
        FORMATS[format_name],
        [Source(path, options) for path in sources],
        logs,
        now,
        replace=replace,
        dry_run=dry_run,
    )


def counts(found: Import) -> tuple[int, int, int, int, int, int]:
    """Read, added, already there, changed, left out, rejected."""
    return (
        found.read,
        found.added,
        found.already_there,
        len(found.changed),
        found.left_out_count,
        len(found.rejected),
    )


def records_in(logs: Path) -> list[dict[str, Any]]:
    """Every line of every log in a folder, log by log."""
    return [
        json.loads(line)
        for log in sorted(logs.glob("*.jsonl"))
        for line in log.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def ccxt_trade(number: int, **changes: object) -> dict[str, object]:
    """A trade as CCXT gives it, one minute after that of the number before."""
    return {
        "id": str(number),
        "timestamp": 1762180200123 + 60_000 * number,
        "datetime": None,
        "symbol": "ETH/BTC",
        "order": "order-1",
        "type": "limit",
        "side": "buy",
        "takerOrMaker": "taker",
        "price": 0.06917684,
        "amount": 1.5,
        "cost": 0.10376526,
        "fee": {"cost": 0.0015, "currency": "BTC", "rate": 0.001},
        "fees": [],
        "info": {"raw": ["whatever"]},
        **changes,
    }
