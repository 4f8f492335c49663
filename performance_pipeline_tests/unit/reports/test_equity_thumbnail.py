"""The small equity curve in a partition's metadata, and what else stands there."""

import base64
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.metadata import summary_metadata
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.pipeline.publishing import Published
from performance_pipeline.reports.equity_thumbnail import equity_image, equity_steps
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, Place, place, session

SVG: Final = "{http://www.w3.org/2000/svg}"
AMOUNTS: Final = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    here = place(tmp_path / "logs", ALERT_ROLLING_WINDOW="3")
    here.write(DAY, *session("10", "-5"))
    here.write(NEXT_DAY, *session("-7", "1", "0", "2", day=NEXT_DAY))
    return here


def drawn(image: str) -> list[tuple[int, int]]:
    """The points of the curve in a Markdown image."""
    found = re.fullmatch(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", image)
    assert found is not None
    line = ElementTree.fromstring(base64.b64decode(found[1])).find(f"{SVG}polyline")
    assert line is not None
    pairs = (point.split(",") for point in line.attrib["points"].split())
    return [(int(x), int(y)) for x, y in pairs]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window.WEEKLY, ["5", "-4"]),
        (Window.MONTHLY, ["5", "-4"]),
        (Window.ROLLING, ["1", "0", "2"]),
    ],
)
def test_a_curve_goes_over_days_and_a_rolling_one_over_its_trades(
    logs: Place, window: Window, expected: list[str]
) -> None:
    aggregate = logs.tracker().aggregate(Period.of(window, NEXT_DAY))
    assert equity_steps(window, aggregate) == [Decimal(pnl) for pnl in expected]


def test_a_day_has_a_curve_when_all_its_trades_are_known(logs: Place) -> None:
    whole, part = (
        logs.tracker().aggregate(Period.of(Window.DAILY, day)) for day in (DAY, NEXT_DAY)
    )
    assert equity_steps(Window.DAILY, whole) == [Decimal(10), Decimal(-5)]
    assert equity_steps(Window.DAILY, part) == []


@given(st.lists(AMOUNTS, min_size=2, max_size=400))
def test_a_curve_stays_in_its_frame_and_is_small_however_many_steps(steps: list[Decimal]) -> None:
    image = equity_image(steps, "curve")
    points = drawn(image)
    assert all(0 <= x <= 480 and 0 <= y <= 120 for x, y in points)
    assert points[0][0] == 4
    assert points[-1][0] == 476
    assert len(image) < 1500


def test_a_curve_rises_with_gains_and_falls_with_losses() -> None:
    assert drawn(equity_image([Decimal(10), Decimal(-20)], "")) == [(4, 60), (240, 4), (476, 116)]
    assert {y for _, y in drawn(equity_image([Decimal(0), Decimal(0)], ""))} == {4}


@pytest.mark.parametrize("steps", [[], [Decimal(1)]])
def test_less_than_two_steps_are_no_curve(steps: list[Decimal]) -> None:
    assert equity_image(steps, "curve") == ""


def test_the_summary_in_the_metadata_is_the_curve_and_the_markdown(logs: Place) -> None:
    summary = logs.summary(Window.WEEKLY)
    published = Published(summary, Path("x.json"), summary_markdown(summary), None)
    metadata = summary_metadata(replace(published, steps=[Decimal(5), Decimal(-4)]))
    image, _, text = str(metadata["summary"].value).partition("\n\n")
    assert image.startswith("![Equity curve of 2 steps from 0 to 1.00](")
    assert text == summary_markdown(summary)
    assert next(iter(metadata)) == "summary"
    without = summary_metadata(published)
    assert without["summary"].value == summary_markdown(summary)


def test_every_asset_has_a_group_an_owner_its_kinds_and_a_description(logs: Place) -> None:
    specs = build_definitions(Runtime(logs.settings)).resolve_all_asset_specs()
    assert len(specs) >= len(PARTITIONED_WINDOWS) + 4
    for spec in specs:
        assert spec.group_name == "performance"
        assert spec.owners == ["team:trading"]
        assert spec.kinds
        assert spec.description
