"""RESULTS.md: a table that is made anew takes the place of the one before, and no other changes."""

from collections.abc import Mapping

import pytest

from benchmarks.__main__ import JOBS, RESULTS
from benchmarks.results import Results
from benchmarks.tables import Table, Tables

ORDER = ("reading", "long-log", "ticks")
THEN, LATER = "2026-11-22, 2 cores; Python 3.11.7.", "2026-11-24, 4 cores; Python 3.11.7."


def table(title: str, cell: str) -> str:
    return Table(title, ("what", "median"), [["we", cell]], ["Measured twice."]).markdown()


def brought_up_to_date(
    text: str, made: Mapping[str, str], environment: str, *, whole: bool = False
) -> str:
    results = Results(text, ORDER, environment, whole=whole)
    for job, section in made.items():
        results.put(job, section)
    return results.text()


ALL = {job: table(f"The {job}", "1 s") for job in ORDER}
WHOLE = brought_up_to_date("", ALL, THEN, whole=True)


def test_a_whole_run_is_all_tables_in_their_order_with_one_environment() -> None:
    titles = [line for line in WHOLE.splitlines() if line.startswith("#")]
    assert titles == [
        "# Benchmarks",
        "## The reading",
        "## The long-log",
        "## The ticks",
    ]
    assert WHOLE.count(THEN) == 1
    assert "At another time" not in WHOLE


@pytest.mark.parametrize("job", ORDER)
def test_one_table_made_anew_says_when_and_leaves_the_others_as_they_were(job: str) -> None:
    new = table(f"The {job}, larger", "9 s")
    text = brought_up_to_date(WHOLE, {job: new}, LATER)
    own = new.replace("larger\n", f"larger\n\nAt another time: {LATER}\n")
    assert text == WHOLE.replace(ALL[job], own)
    assert brought_up_to_date(text, {}, LATER) == text
    assert brought_up_to_date(text, {job: ALL[job]}, THEN) == WHOLE


def test_a_table_that_was_missing_comes_where_its_job_stands() -> None:
    less = brought_up_to_date("", {"reading": ALL["reading"], "ticks": ALL["ticks"]}, THEN)
    assert brought_up_to_date(less, {"long-log": ALL["long-log"]}, THEN) == WHOLE


def test_a_whole_run_that_ends_early_dates_what_it_did_not_reach() -> None:
    text = brought_up_to_date(WHOLE, {"reading": ALL["reading"]}, LATER, whole=True)
    head, *sections = text.split("<!-- ")
    assert head.endswith(f"\n{LATER}\n\n")
    assert [f"At another time: {THEN}" in section for section in sections] == [
        False,
        True,
        True,
    ]
    assert brought_up_to_date(text, ALL, LATER, whole=True) == WHOLE.replace(THEN, LATER)


def test_each_of_several_tables_of_one_job_says_when_it_was_made() -> None:
    both = Tables([Table("One", ("a",), [["1"]]), Table("Two", ("a",), [["2"]])]).markdown()
    text = brought_up_to_date(WHOLE, {"ticks": both}, LATER)
    assert text.count(f"At another time: {LATER}") == 2
    assert brought_up_to_date(text, {"ticks": ALL["ticks"]}, THEN) == WHOLE


def test_the_page_is_what_would_be_written_of_its_tables() -> None:
    page = RESULTS.read_text(encoding="utf-8")
    assert Results(page, tuple(JOBS), LATER, whole=False).text() == page
