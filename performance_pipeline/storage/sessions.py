"""The sessions of the market calendar, which tell a missing log from a holiday.

The library that knows them takes most of a second to import, so the sessions are kept in a file
beside the summaries for the command line, which then never imports it.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from performance_pipeline.setting_values import SettingsError
from performance_pipeline.settings import Settings
from performance_pipeline.storage.store import Store

SESSIONS_NAME: Final = "market-calendar.json"
NO_CALENDAR: Final = "none"
_AHEAD: Final = timedelta(days=370)


class Sessions(msgspec.Struct, frozen=True):
    """The sessions of one calendar from `first` to `last`, both inclusive."""

    calendar: str
    first: date
    last: date
    days: frozenset[date]

    def covers(self, calendar: str, first: date, last: date) -> bool:
        return self.calendar == calendar and self.first <= first and last <= self.last


def market_sessions(settings: Settings, today: date, output: Store) -> Sessions:
    """The sessions of every day that a summary up to `today` can ask for.

    Raises SettingsError when there is no such calendar.
    """
    calendar, first = settings.market_calendar, settings.start_date
    if calendar == NO_CALENDAR:
        return Sessions(calendar, first, today, frozenset())
    return _kept(settings, today, output) or _known(settings, today)


def _kept(settings: Settings, today: date, output: Store) -> Sessions | None:
    """Those of the file; None where there is none yet, or none that can be used."""
    try:
        kept = msgspec.json.decode(output.read(SESSIONS_NAME), type=Sessions)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    reach = kept.covers(settings.market_calendar, settings.start_date, today)
    return kept if reach else None


def keep_sessions(settings: Settings, today: date, output: Store) -> None:
    """Ask the library, and write the sessions, well into the future, for commands to come."""
    if settings.market_calendar != NO_CALENDAR:
        content = msgspec.json.encode(_known(settings, today), order="sorted")
        output.put(SESSIONS_NAME, content + b"\n")


def keep_missing_sessions(settings: Settings, today: date, output: Store) -> None:
    """The same only where those that are kept do not reach `today`: for a process that goes on,
    which the library would make 50 MB larger for good.
    """
    if _kept(settings, today, output) is None:
        keep_sessions(settings, today, output)


def _known(settings: Settings, today: date) -> Sessions:
    """Those of the library; raises SettingsError where it has no such calendar."""
    calendar = settings.market_calendar
    found = _from_library(calendar, settings.start_date, today + _AHEAD)
    if found is None:
        raise SettingsError(
            "PERFORMANCE_MARKET_CALENDAR",
            calendar,
            "an exchange calendar code such as XNYS, XLON or 24/7, or none",
            settings.origins,
        )
    return found


@lru_cache(maxsize=1)
def _from_library(calendar: str, first: date, last: date) -> Sessions | None:
    import exchange_calendars
    from exchange_calendars.errors import CalendarError

    # Asked from a year back: the library refuses spans without a session.
    span = {"start": str(first - timedelta(days=366)), "end": str(last)}
    try:
        try:
            found = exchange_calendars.get_calendar(calendar, **span)
        except ValueError:
            # Beyond what this calendar is known for: take the span that it knows.
            found = exchange_calendars.get_calendar(calendar)
    except CalendarError:
        return None
    sessions = frozenset(day.date() for day in found.sessions)
    return Sessions(calendar, first, last, frozenset(day for day in sessions if day >= first))
