"""What pairing adds to a summary, in each form that people read."""

import re
from pathlib import Path

import pytest

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.report import load_report
from performance_pipeline.reports.page.html import report_html
from performance_pipeline_tests.support.lines import (
    DAY,
    ONE_DAY,
    SCRIPT,
    Place,
    at,
    opened,
    place,
    session,
)
from performance_pipeline_tests.support.outputs import outputs

TODAY = Period.of(Window.DAILY, DAY)
TOMORROW = Period.of(Window.DAILY, DAY + ONE_DAY)


def fill(action: str, quantity: str, price: str, clock: str, **fields: object) -> bytes:
    side = {"action": action, "quantity": quantity, "price": price}
    return opened(None, at(clock), **side, **fields)


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    """A long and a short trade, two positions left open, under short selling."""
    here = place(tmp_path / "logs", PAIRING="fifo", SHORT_SELLING="yes")
    here.write(
        DAY,
        fill("BUY", "3", "100", "14:00"),
        fill("SELL", "1", "110", "14:01"),
        fill("SELL", "2000", "0.000045", "14:02", symbol="PEPE", execution_mode="PAPER"),
        fill("BUY", "1500", "0.000025", "14:03", symbol="PEPE", execution_mode="PAPER"),
    )
    return here


@pytest.fixture
def unmatched(tmp_path: Path) -> Place:
    """Sold without having been bought, 23 times."""
    here = place(tmp_path / "logs", PAIRING="fifo")
    here.write(DAY, *(fill("SELL", "1.5", "100", f"14:{minute:02}") for minute in range(23)))
    return here


def test_open_positions_are_a_table_in_every_output(logs: Place) -> None:
    rows = (
        ("AAPL", "LIVE", "long", "2", "100.00", "2025-06-10 14:00"),
        ("PEPE", "PAPER", "short", "500", "0.000045", "2025-06-10 14:02"),
    )
    for name, text in outputs(logs, TODAY).items():
        for row in rows:
            separator = " | " if name == "markdown" else " "
            assert separator.join(row) in text, name


def test_the_zone_of_the_trading_day_says_when_a_position_was_opened(logs: Place) -> None:
    for name, text in outputs(logs.under(SUMMARY_TIMEZONE="Asia/Tokyo"), TODAY).items():
        assert "2025-06-10 23:00" in text, name


def test_long_and_short_stand_beside_the_other_breakdowns(logs: Place) -> None:
    for name, text in outputs(logs, TODAY).items():
        assert "By side" in text, name
        assert re.search(r"\blong \|? ?1 ", text), name
        assert re.search(r"\bshort \|? ?1 ", text), name


def test_without_pairing_there_is_neither_side_nor_position_nor_unmatched_exit(
    tmp_path: Path,
) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, *session("10", "-4"))
    for name, text in outputs(here, TODAY).items():
        for absent in ("By side", "Open positions", "nmatched exits"):
            assert absent not in text, name


def test_positions_of_an_earlier_day_show_in_a_window_without_trades(logs: Place) -> None:
    for name, text in outputs(logs, TOMORROW).items():
        assert "No trades in window" in text, name
        assert "AAPL" in text, name
        assert "Still open:" not in text, name
    page = report_html(load_report(logs.tracker(), TOMORROW))
    assert f"No trade was closed from {DAY + ONE_DAY} to {DAY + ONE_DAY}.</p>" in page


def test_a_position_that_is_all_that_a_day_left_is_told_as_open(tmp_path: Path) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo")
    here.write(DAY, fill("BUY", "1", "100", "14:00"))
    report = outputs(here, TODAY)["report"]
    assert f"No trade was closed from {DAY} to {DAY}. Still open: 1 ." in report


def test_a_flat_book_says_so(tmp_path: Path) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo")
    here.write(DAY, fill("BUY", "1", "100", "14:00"), fill("SELL", "1", "101", "14:01"))
    for name, text in outputs(here, TODAY).items():
        assert "None at the end of the window." in text, name


def test_unmatched_exits_are_counted_and_the_first_20_lines_named(unmatched: Place) -> None:
    for name, text in outputs(unmatched, TODAY).items():
        assert re.search(r"[Uu]nmatched exits( \|)? 23\b", text), name
        named = re.findall(rf"{DAY}\.jsonl:(\d+)(?: \||:)? 1\.5\b", text)
        assert named == [str(line) for line in range(1, 21)], name
    assert "and 3 more unmatched exits" in outputs(unmatched, TODAY)["terminal"]
    assert "The first 20 unmatched exits" in outputs(unmatched, TODAY)["report"]


def test_names_of_positions_are_only_ever_text(tmp_path: Path) -> None:
    here = place(tmp_path / "logs", PAIRING="fifo")
    here.write(DAY, fill("BUY", "1", "100", "14:00", symbol=SCRIPT))
    assert SCRIPT not in report_html(load_report(here.tracker(), TODAY))
    assert SCRIPT not in outputs(here, TODAY)["markdown"]
