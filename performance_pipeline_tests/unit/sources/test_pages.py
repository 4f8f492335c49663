"""The examples of the pages on imports are what the code takes."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from performance_pipeline.pipeline.importing import import_sources
from performance_pipeline.sources.csv_mapping import load_mapping
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline.sources.listing import load_listing
from performance_pipeline.sources.records import Source
from performance_pipeline_tests.support.imports import NOW, counts, records_in, source_of

DOCS: Final = Path(__file__).parents[3] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_lists_and_mappings_on_the_page_are_accepted(tmp_path: Path) -> None:
    listing, mapping = blocks("imports.md", "yaml")
    assert len(load_listing(source_of(tmp_path, "sources.yaml", listing))) == 2
    assert load_mapping(source_of(tmp_path, "map.yaml", mapping)).name == "my-broker"


def test_every_format_has_its_row_on_the_page() -> None:
    page = (DOCS / "imports.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in FORMATS)


@pytest.mark.parametrize(("pnl", "outcome"), [(12.5, "win"), (-1, "loss"), (0, "breakeven")])
def test_the_example_of_a_new_format_imports_its_trades(
    tmp_path: Path, pnl: float, outcome: str
) -> None:
    (module,) = blocks("adding-a-format.md", "python")
    defined: dict[str, Any] = {"__name__": "jesse"}
    exec(compile(module, "adding-a-format.md", "exec"), defined)
    trade = {
        "id": "a",
        "symbol": "BTC-USDT",
        "type": "long",
        "qty": 0.1,
        "entry_price": 50000,
        "fee": 0.5,
        "PNL": pnl,
        "opened_at": 1762180200000,
        "closed_at": 1762183800000,
    }
    source = Source(source_of(tmp_path, "t.json", json.dumps([trade, {**trade, "type": "flat"}])))
    found = import_sources(defined["JESSE"], [source], tmp_path / "logs", NOW)
    assert counts(found) == (2, 1, 0, 0, 0, 1)
    (record,) = records_in(tmp_path / "logs")
    assert (record["outcome"], record["hold_duration_seconds"]) == (outcome, "3600")
