"""`docs/metrics.md` is held to the code: it lists every field, and says which can be undefined."""

import re
from pathlib import Path
from types import NoneType
from typing import Final, get_args

import msgspec
import pytest

from performance_pipeline.domain.positions import OpenPosition
from performance_pipeline.domain.summary import (
    BreakdownRow,
    DataQuality,
    DayRow,
    PerformanceSummary,
    TargetResult,
)

PAGE: Final = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
OF_THE_SUMMARY: Final = "name"
ROWS: Final = (BreakdownRow, DayRow, OpenPosition, TargetResult, DataQuality)


def listed(head: str) -> dict[str, bool]:
    """The fields in all tables whose first column is headed `head`: whether each can be None."""
    fields: dict[str, bool] = {}
    for table in re.findall(rf"^\| `?{head}`? \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for line in table.splitlines():
            name, *_, undefined = [cell.strip() for cell in line.strip("|").split("|")]
            assert name not in fields, f"{name} is listed twice"
            fields[name.strip("`")] = undefined != "never"
    return fields


def declared(struct: type[msgspec.Struct]) -> dict[str, bool]:
    """The fields of `struct`, and whether each can be None."""
    fields = msgspec.structs.fields(struct)
    return {field.name: NoneType in get_args(field.type) for field in fields}


def test_the_page_lists_every_field_of_a_summary_and_says_which_can_be_undefined() -> None:
    assert listed(OF_THE_SUMMARY) == declared(PerformanceSummary)


@pytest.mark.parametrize("struct", ROWS, ids=lambda struct: struct.__name__)
def test_the_page_lists_every_field_of_a_row(struct: type[msgspec.Struct]) -> None:
    assert list(listed(struct.__name__).items()) == list(declared(struct).items())


def test_metrics_stand_in_the_order_of_the_json() -> None:
    metrics, around = PAGE.split("## The metrics")[1].split("## Around the metrics")
    names = list(declared(PerformanceSummary))

    for part in (metrics, around.split("## Rows")[0]):
        found = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
        assert found == sorted(found, key=names.index)
