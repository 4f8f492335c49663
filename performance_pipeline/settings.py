"""The settings of the pipeline: environment variables, read once into one frozen `Settings`.

Nothing else reads the environment. Whether a folder exists or a calendar is known is found out
where it is used; what can be checked without touching a disk is checked here.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

from performance_pipeline.domain.log_reading import ReadingRules
from performance_pipeline.domain.positions import PairingRules
from performance_pipeline.places import A_PATH, Place, path_at
from performance_pipeline.setting_values import (
    ENVIRONMENT,
    NotifyUrl,
    Origins,
    Variables,
    at_least,
    first_date,
    notify_urls,
    one_of,
    time_zone,
)

PREFIX: Final = "PERFORMANCE_"
"""What the names of all variables begin with."""
BOTS_VARIABLE: Final = f"{PREFIX}BOTS"
"""Names the file that lists several bots; no setting of any of them."""

FORMAT_VERSION: Final = 5
"""Version of the aggregate's inside and of its reading rules; a change makes all of them stale."""

EXECUTION_MODES: Final = ("ALL", "LIVE", "PAPER")
PAIRINGS: Final = ("none", "fifo", "lifo")
TRADE_KINDS: Final = ("exit", "flat")

DEFAULT_SOURCES: Final = Path("config/sources.yaml")
"""Counts where it exists; a file that is named must exist."""


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
    origins: Origins = field(default=ENVIRONMENT, compare=False, repr=False)
    """What messages call each setting; settings are the same wherever they are said."""

    @classmethod
    def from_env(
        cls, environment: Mapping[str, str] = os.environ, origins: Origins = ENVIRONMENT
    ) -> Self:
        """The settings in `environment`; an empty variable counts as one that is not set.

        Raises SettingsError for the first one that cannot be used.
        """
        read = Variables(environment, origins)
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
                "PERFORMANCE_ALERT_ROLLING_WINDOW", "20", at_least(1), "a whole number from 1"
            ),
            lookback_days=read(
                "PERFORMANCE_ALERT_LOOKBACK_DAYS",
                "",
                lambda text: at_least(0)(text) if text else None,
                "a whole number from 0, or empty for no limit",
            ),
            market_calendar=read(
                "PERFORMANCE_MARKET_CALENDAR", "XNYS", str, "an exchange calendar code or none"
            ),
            refresh_seconds=read(
                "PERFORMANCE_REFRESH_SECONDS", "5", at_least(0), "a whole number from 0"
            ),
            execution_mode=read(
                "PERFORMANCE_EXECUTION_MODE",
                "ALL",
                one_of(EXECUTION_MODES),
                ", ".join(EXECUTION_MODES),
            ),
            account=read("PERFORMANCE_ACCOUNT", "", str, "an account id, or empty for all"),
            start_date=read(
                "PERFORMANCE_START_DATE",
                "2025-01-01",
                first_date,
                "a date, YYYY-MM-DD, from 1970-01-01 on",
            ),
            pairing=read("PERFORMANCE_PAIRING", "none", one_of(PAIRINGS), ", ".join(PAIRINGS)),
            trade=read("PERFORMANCE_TRADE", "exit", one_of(TRADE_KINDS), " or ".join(TRADE_KINDS)),
            short_selling=read(
                "PERFORMANCE_SHORT_SELLING",
                "no",
                lambda text: one_of(("yes", "no"))(text) == "yes",
                "yes or no",
            ),
            keep_runs_days=read(
                "PERFORMANCE_KEEP_RUNS_DAYS",
                "14",
                at_least(0),
                "a whole number from 0, where 0 keeps all",
            ),
            notify=read(
                "PERFORMANCE_NOTIFY", "", partial(notify_urls, origins=origins), "Apprise URLs"
            ),
            sources_file=read("PERFORMANCE_SOURCES", str(DEFAULT_SOURCES), path_at, A_PATH),
            origins=origins,
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
