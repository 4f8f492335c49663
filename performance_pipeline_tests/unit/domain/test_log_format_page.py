"""`docs/log-format.md` is held to the parser: its examples are accepted, its table is right."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from performance_pipeline.domain.trade_lines import RejectedLineError, parse_trade
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.lines import DAY

PAGE: Final = (Path(__file__).parents[3] / "docs" / "log-format.md").read_text(encoding="utf-8")
README: Final = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| `(.+)` \|$", PAGE, re.MULTILINE)
# What no judged field accepts.
NONSENSE: Final[dict[str, Any]] = {"an": "object"}


def examples(page: str) -> list[dict[str, Any]]:
    """Every record of the page's JSON blocks, over however many lines it is shown."""
    records: list[dict[str, Any]] = []
    for block in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        rest = block.strip()
        while rest:
            record, end = json.JSONDecoder().raw_decode(rest)
            records.append(record)
            rest = rest[end:].strip()
    return records


def is_accepted(record: Mapping[str, Any]) -> bool:
    try:
        parse_trade(json.dumps(record).encode())
    except RejectedLineError:
        return False
    return True


FULL: Final = max(examples(PAGE), key=len)


@pytest.mark.parametrize("page", [PAGE, README], ids=["docs/log-format.md", "README.md"])
def test_every_example_line_is_accepted(page: str) -> None:
    assert examples(page)
    assert [record for record in examples(page) if not is_accepted(record)] == []


def test_the_table_lists_the_fields_that_logs_hold_and_no_others(tmp_path: Path) -> None:
    (log,) = write_sample_logs(tmp_path, SampleOptions(end=DAY, days=1))
    written = json.loads(log.read_bytes().splitlines()[0])

    assert [name for name, *_ in ROWS] == list(written) == list(FULL)


@pytest.mark.parametrize(("name", "needed", "accepted", "example"), ROWS)
def test_a_row_is_what_the_parser_does(name: str, needed: str, accepted: str, example: str) -> None:
    without = {field: value for field, value in FULL.items() if field != name}

    assert is_accepted({**FULL, name: json.loads(example)})
    assert is_accepted(without) == (not needed.startswith("yes"))
    assert is_accepted({**FULL, name: None}) == (needed != "yes")
    assert is_accepted({**FULL, name: NONSENSE}) == accepted.startswith("anything")


def test_a_trade_that_is_over_needs_one_of_its_two_profits() -> None:
    named = {name for name, needed, *_ in ROWS if needed == "see below"}

    assert named == {"profit_loss", "net_profit_loss"}
    assert not is_accepted({**FULL, **dict.fromkeys(named)})
    assert is_accepted({**FULL, **dict.fromkeys(named), "outcome": "open"})


def test_the_numbers_and_times_that_the_page_names_are_as_it_says() -> None:
    numbers, times = re.findall(r"^- \*\*A (?:number|time)\*\*(.*?)(?=^- |^## )", PAGE, re.M | re.S)
    good, bad = (re.findall(r"`([^`]+)`", part) for part in numbers.split("Not accepted are"))

    assert good
    assert bad
    assert all(is_accepted({**FULL, "slippage": json.loads(number)}) for number in good)
    assert not any(is_accepted({**FULL, "slippage": json.loads(number)}) for number in bad)
    assert is_accepted({**FULL, "timestamp": re.findall(r"`(2025[^`]+)`", times)[0]})
    assert not is_accepted({**FULL, "timestamp": "2025-11-03T14:31:00"})
