"""When the library of market calendars is asked, which is slow to load and large to have."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from performance_pipeline.storage import sessions
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.sessions import (
    SESSIONS_NAME,
    Sessions,
    keep_missing_sessions,
    keep_sessions,
    market_sessions,
)
from performance_pipeline_tests.support.lines import DAY, ONE_DAY, Place, place

YEAR = timedelta(days=370)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    found = place(tmp_path / "logs", MARKET_CALENDAR="XNYS", START_DATE=str(DAY - YEAR))
    found.output.mkdir()
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The last days up to which the library was asked for sessions."""
    lasts: list[date] = []

    def answer(calendar: str, first: date, last: date) -> Sessions:
        lasts.append(last)
        return Sessions(calendar, first, last, frozenset({DAY}))

    monkeypatch.setattr(sessions, "_from_library", answer)
    return lasts


@pytest.mark.parametrize(
    ("later", "changes", "asks"),
    [
        (timedelta(), {}, False),
        (YEAR, {}, False),
        (YEAR + ONE_DAY, {}, True),
        (timedelta(), {"MARKET_CALENDAR": "XLON"}, True),
        (timedelta(), {"START_DATE": str(DAY - YEAR - ONE_DAY)}, True),
    ],
)
def test_sessions_that_are_kept_are_asked_for_again_only_where_they_do_not_reach(
    here: Place, asked: list[date], later: timedelta, changes: dict[str, str], asks: bool
) -> None:
    store, today = Folder(here.output), DAY + later
    keep_sessions(here.settings, DAY, store)
    asked.clear()
    keep_missing_sessions(here.under(**changes).settings, today, store)
    assert asked == ([today + YEAR] if asks else [])
    asked.clear()
    assert DAY in market_sessions(here.under(**changes).settings, today, store).days
    assert asked == []


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_sessions_that_are_not_kept_or_torn_are_asked_for(
    here: Place, asked: list[date], content: bytes | None
) -> None:
    if content is not None:
        (here.output / SESSIONS_NAME).write_bytes(content)
    keep_missing_sessions(here.settings, DAY, Folder(here.output))
    assert asked == [DAY + YEAR]


def test_a_run_asks_anew_so_that_holidays_that_a_newer_library_knows_are_taken_up(
    here: Place, asked: list[date]
) -> None:
    for _ in range(2):
        keep_sessions(here.settings, DAY, Folder(here.output))
    assert asked == [DAY + YEAR] * 2


def test_without_a_calendar_nothing_is_asked_or_kept(here: Place, asked: list[date]) -> None:
    none = here.under(MARKET_CALENDAR="none").settings
    keep_missing_sessions(none, DAY, Folder(here.output))
    keep_sessions(none, DAY, Folder(here.output))
    assert (asked, list(here.output.iterdir())) == ([], [])
