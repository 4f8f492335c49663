"""The settings of the pipeline: environment variables, read once into one frozen `Settings`.

Nothing else reads the environment. Whether a folder exists or a calendar is known is found out
where it is used; what can be checked without touching a disk is checked here.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from performance_pipeline.domain.log_reading import ReadingRules
from performance_pipeline.domain.positions import PairingRules
from performance_pipeline.errors import PipelineError
from performance_pipeline.places import A_PATH, ACCEPTED, URL, Place, StoreUrl, path_at, place_at

PREFIX: Final = "PERFORMANCE_"
"""What the names of all variables begin with."""
BOTS_VARIABLE: Final = f"{PREFIX}BOTS"
"""Names the file that lists several bots; no setting of any of them."""

FORMAT_VERSION: Final = 5
"""Version of the aggregate's inside and of its reading rules; a change makes all of them stale."""

T = TypeVar("T")

EXECUTION_MODES: Final = ("ALL", "LIVE", "PAPER")
PAIRINGS: Final = ("none", "fifo", "lifo")
TRADE_KINDS: Final = ("exit", "flat")

DEFAULT_SOURCES: Final = Path("config/sources.yaml")
"""Counts where it exists; a file that is named must exist."""


class SettingsError(PipelineError):
    """A setting that cannot be used: names the variable, its value and what is accepted.

    The value is None where it is a secret.
    """

    def __init__(self, variable: str, value: str | None, accepted: str) -> None:
        self.variable = variable
        self.value = value
        self.accepted = accepted
        named = variable if value is None else f"{variable}={value!r}"
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
class Settings:
    """Every setting, typed; see the README for what each one means."""

    log_dir: Place
    output_dir: Place
    alert_log: Place
    targets_file: Place
    timezone: ZoneInfo
    rolling_window: int
    lookback_days: int | None
    market_calendar: str
    refresh_seconds: int
    execution_mode: str
    account: str
    start_date: date
    pairing: str
    trade: str
    short_selling: bool
    keep_runs_days: int
    """Days that the instance keeps its whole history; 0 for ever."""
    notify: tuple[NotifyUrl, ...]
    """Where alerts are sent to."""
    sources_file: Path
    """Lists what is imported by itself, where there is such a file."""
    bot: str = ""
    """Whose settings these are, where an instance holds several bots; empty for the only one."""
    home: Path | None = None
    """Where the instance of several bots is; that of the only one is with its results."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The settings in `environment`; an empty variable counts as one that is not set.

        Raises SettingsError for the first one that cannot be used.
        """
        read = _Read(environment)
        log_dir = read.place("PERFORMANCE_LOG_DIR", Path("logs"))
        return cls(
            log_dir=log_dir,
            output_dir=read.place("PERFORMANCE_OUTPUT_DIR", log_dir / "performance"),
            alert_log=read.file("PERFORMANCE_ALERT_LOG", log_dir / "performance-alerts.jsonl"),
            targets_file=read.file(
                "PERFORMANCE_TARGETS_FILE", Path("config/dashboard-targets.yaml")
            ),
            timezone=read(
                "PERFORMANCE_SUMMARY_TIMEZONE",
                "UTC",
                time_zone,
                "an IANA time zone such as UTC or America/New_York",
            ),
            rolling_window=read(
                "PERFORMANCE_ALERT_ROLLING_WINDOW", "20", _at_least(1), "a whole number from 1"
            ),
            lookback_days=read(
                "PERFORMANCE_ALERT_LOOKBACK_DAYS",
                "",
                lambda text: _at_least(0)(text) if text else None,
                "a whole number from 0, or empty for no limit",
            ),
            market_calendar=read(
                "PERFORMANCE_MARKET_CALENDAR", "XNYS", str, "an exchange calendar code or none"
            ),
            refresh_seconds=read(
                "PERFORMANCE_REFRESH_SECONDS", "5", _at_least(0), "a whole number from 0"
            ),
            execution_mode=read(
                "PERFORMANCE_EXECUTION_MODE",
                "ALL",
                _one_of(EXECUTION_MODES),
                ", ".join(EXECUTION_MODES),
            ),
            account=read("PERFORMANCE_ACCOUNT", "", str, "an account id, or empty for all"),
            start_date=read(
                "PERFORMANCE_START_DATE",
                "2025-01-01",
                _start_date,
                "a date, YYYY-MM-DD, from 1970-01-01 on",
            ),
            pairing=read("PERFORMANCE_PAIRING", "none", _one_of(PAIRINGS), ", ".join(PAIRINGS)),
            trade=read("PERFORMANCE_TRADE", "exit", _one_of(TRADE_KINDS), " or ".join(TRADE_KINDS)),
            short_selling=read(
                "PERFORMANCE_SHORT_SELLING",
                "no",
                lambda text: _one_of(("yes", "no"))(text) == "yes",
                "yes or no",
            ),
            keep_runs_days=read(
                "PERFORMANCE_KEEP_RUNS_DAYS",
                "14",
                _at_least(0),
                "a whole number from 0, where 0 keeps all",
            ),
            notify=read("PERFORMANCE_NOTIFY", "", _notify_urls, "Apprise URLs"),
            sources_file=read("PERFORMANCE_SOURCES", str(DEFAULT_SOURCES), path_at, A_PATH),
        )

    @property
    def imports_sources(self) -> bool:
        """Whether sources are listed: by the one file of all settings, for a bot by its own."""
        named = self.sources_file != DEFAULT_SOURCES
        return named or (not self.bot and self.sources_file.exists())

    @property
    def default_home(self) -> Path:
        """The Dagster instance of these logs, unless `DAGSTER_HOME` names another.

        It is a folder on this machine also where results go to an object store.
        """
        if self.home is not None:
            return self.home
        if isinstance(self.output_dir, Path):
            return self.output_dir / "dagster"
        return Path("dagster-home", str(self.output_dir).replace("://", "-").replace("/", "+"))

    @classmethod
    def for_logs(cls, log_dir: Path | str) -> Self:
        """The settings of the environment for other logs; all that is written stays with these."""
        follow = ("PERFORMANCE_OUTPUT_DIR", "PERFORMANCE_ALERT_LOG")
        kept = {name: value for name, value in os.environ.items() if name not in follow}
        return cls.from_env({**kept, "PERFORMANCE_LOG_DIR": str(log_dir)})

    @property
    def rules(self) -> ReadingRules:
        return ReadingRules(
            self.timezone,
            self.execution_mode,
            self.account,
            self.rolling_window,
            self.pairing_rules,
        )

    @property
    def pairing_rules(self) -> PairingRules | None:
        """How fills become trades; None where they do not."""
        if self.pairing == "none":
            return None
        return PairingRules(self.pairing == "lifo", self.trade == "flat", self.short_selling)

    @property
    def fingerprint(self) -> dict[str, str | int]:
        """What every stored result remembers; a result made under another one is stale.

        The account is kept as a digest, because an account id stands in no output.
        """
        account = hashlib.sha256(self.account.encode()).hexdigest()[:12] if self.account else ""
        return {
            "format_version": FORMAT_VERSION,
            "timezone": self.timezone.key,
            "execution_mode": self.execution_mode,
            "account": account,
            "rolling_window": self.rolling_window,
            "market_calendar": self.market_calendar,
            "pairing": self.pairing,
            "trade": self.trade,
            "short_selling": "yes" if self.short_selling else "no",
        }


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none, naming the nearest."""
    # Imported here because only `doctor` asks.
    from difflib import get_close_matches

    known = [*setting_names(), BOTS_VARIABLE]
    return [
        f"{name}: no such setting, ignored; the nearest is"
        f" {get_close_matches(name.upper(), known, n=1, cutoff=0)[0]}"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name not in known
    ]


def setting_names() -> list[str]:
    """The names of all settings: those that `from_env` asks for."""
    names: list[str] = []

    class Asked(dict[str, str]):
        def get(self, name: str, *_: object) -> None:  # type: ignore[override]
            names.append(name)

    Settings.from_env(Asked())
    return names


def parse_date(text: str) -> date:
    """The date written `YYYY-MM-DD`, and in no other way; ValueError otherwise."""
    if len(text) != len("YYYY-MM-DD"):
        raise ValueError("not a date")
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError("not a date")
    return day


@dataclass(frozen=True)
class _Read:
    """Reads one variable: its text or default, parsed, or a SettingsError."""

    environment: Mapping[str, str]

    def __call__(self, variable: str, default: str, parse: Callable[[str], T], accepted: str) -> T:
        text = self.environment.get(variable) or default
        try:
            return parse(text)
        except ValueError:
            raise SettingsError(variable, text, accepted) from None

    def place(self, variable: str, default: Place) -> Place:
        if not (text := self.environment.get(variable)):
            return default
        try:
            return place_at(text, variable)
        except ValueError:
            raise _unusable_place(variable, text) from None

    def file(self, variable: str, default: Place) -> Place:
        found = self.place(variable, default)
        if isinstance(found, StoreUrl) and not found.key:
            raise _unusable_place(variable, str(found))
        return found


def _unusable_place(variable: str, text: str) -> SettingsError:
    # What stands before an @ in a URL may be a password.
    secret = "@" in text and URL.match(text) is not None
    return SettingsError(variable, None if secret else text, ACCEPTED)


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


def _notify_urls(text: str) -> tuple[NotifyUrl, ...]:
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
            )
        urls.append(NotifyUrl(position, url[1].lower(), word))
    return tuple(urls)


def _at_least(minimum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < minimum:
            raise ValueError("out of range")
        return int(text)

    return parse


def _start_date(text: str) -> date:
    day = parse_date(text)
    if day.year < 1970:
        raise ValueError("before any trade log")
    return day


def _one_of(accepted: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in accepted:
            raise ValueError("not accepted")
        return text

    return parse
