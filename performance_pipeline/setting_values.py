"""What the text of one setting may be, and its value; the error for what it may not be.

Texts are read as values: places, dates, time zones, whole numbers, choices, and the URLs that
alerts are sent to. Which settings there are is said in `settings.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import ACCEPTED, URL, Place, StoreUrl, place_at

T = TypeVar("T")


@dataclass(frozen=True)
class Origins:
    """Where settings are said, for messages to name: in variables, but for those of `places`."""

    places: Mapping[str, str] = field(default_factory=dict)
    """By variable: file, line and key that say the setting, or would."""

    def named(self, variable: str) -> str:
        """What to call the setting."""
        return self.places.get(variable, variable)

    def valued(self, variable: str, value: str) -> str:
        """The same with its value: `VARIABLE=value`, or `FILE:LINE: KEY: value`."""
        place = self.places.get(variable)
        return f"{variable}={value}" if place is None else f"{place}: {value}"


ENVIRONMENT: Final = Origins()
"""Every setting is said by its variable."""


class SettingsError(PipelineError):
    """A setting that cannot be used: names it, its value and what is accepted.

    The value is None where it is a secret.
    """

    def __init__(
        self, variable: str, value: str | None, accepted: str, origins: Origins = ENVIRONMENT
    ) -> None:
        named = origins.named(variable) if value is None else origins.valued(variable, repr(value))
        super().__init__(f"{named} cannot be used: accepted is {accepted}")


@dataclass(frozen=True)
class NotifyUrl:
    """An Apprise URL. It holds a password or token, so it is named by position and scheme alone."""

    position: int
    """From 1, as in PERFORMANCE_NOTIFY."""
    scheme: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.position} ({self.scheme})"


@dataclass(frozen=True)
class Variables:
    """Reads one variable of `environment`: its text or default, parsed, or a SettingsError."""

    environment: Mapping[str, str]
    origins: Origins = ENVIRONMENT

    def __call__(self, variable: str, default: str, parse: Callable[[str], T], accepted: str) -> T:
        text = self.environment.get(variable) or default
        try:
            return parse(text)
        except ValueError:
            raise SettingsError(variable, text, accepted, self.origins) from None

    def place(self, variable: str, default: Place) -> Place:
        """A path on this machine, or a URL in an object store."""
        if not (text := self.environment.get(variable)):
            return default
        try:
            return place_at(text, self.origins.named(variable))
        except ValueError:
            raise self._unusable_place(variable, text) from None

    def file(self, variable: str, default: Place) -> Place:
        """The same of a file: a whole bucket is none."""
        found = self.place(variable, default)
        if isinstance(found, StoreUrl) and not found.key:
            raise self._unusable_place(variable, str(found))
        return found

    def _unusable_place(self, variable: str, text: str) -> SettingsError:
        # What stands before an @ in a URL may be a password.
        secret = "@" in text and URL.match(text) is not None
        return SettingsError(variable, None if secret else text, ACCEPTED, self.origins)


def parse_date(text: str) -> date:
    """The date written `YYYY-MM-DD`, and in no other way; ValueError otherwise."""
    if len(text) != len("YYYY-MM-DD"):
        raise ValueError("not a date")
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError("not a date")
    return day


def time_zone(text: str) -> ZoneInfo:
    """The zone that the IANA database knows by this name; ValueError otherwise."""
    # A machine's folder of zones also holds names that mean something else on the next machine,
    # such as `localtime`; the list of the IANA database does not.
    if text != "UTC" and text not in _iana_zones():
        raise ValueError("no IANA time zone")
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no such time zone") from error


def _iana_zones() -> list[str]:
    # Imported here because it takes longer than all other settings together.
    from importlib import resources

    return (resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()


def notify_urls(text: str, origins: Origins = ENVIRONMENT) -> tuple[NotifyUrl, ...]:
    """The URLs in `text`, white space between them, because commas occur within them."""
    urls = []
    for position, word in enumerate(text.split(), start=1):
        url = URL.match(word)
        if url is None:
            raise SettingsError(
                "PERFORMANCE_NOTIFY",
                None,
                "one Apprise URL or more, SCHEME://..., with spaces between them and none within;"
                f" number {position} is none",
                origins,
            )
        urls.append(NotifyUrl(position, url[1].lower(), word))
    return tuple(urls)


def at_least(minimum: int) -> Callable[[str], int]:
    """Reads a whole number from `minimum` on."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < minimum:
            raise ValueError("out of range")
        return int(text)

    return parse


def first_date(text: str) -> date:
    """A date that trades may begin on: from 1970 on; ValueError otherwise."""
    day = parse_date(text)
    if day.year < 1970:
        raise ValueError("before any trade log")
    return day


def one_of(accepted: tuple[str, ...]) -> Callable[[str], str]:
    """Reads one of the `accepted` words."""

    def parse(text: str) -> str:
        if text not in accepted:
            raise ValueError("not accepted")
        return text

    return parse
