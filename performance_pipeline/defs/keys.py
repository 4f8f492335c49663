"""The names that one bot's definitions know each other by.

With a bot's name they begin with it, so that many bots live in one Dagster instance; without one
they stand alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import dagster as dg

from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline.pipeline.bots import dagster_name

OWNERS: Final = ["team:trading"]

LOG_IS_CLEAN: Final = "log_is_clean"
MEETS_TARGETS: Final = "meets_targets"


@dataclass(frozen=True)
class Keys:
    """The keys, names and group of what is defined for `bot`, which may be empty."""

    bot: str = ""

    @cached_property
    def group(self) -> str:
        """One group a bot: a lineage of this size is best seen whole, and the UI folds groups."""
        return self._identifier or "performance"

    @cached_property
    def run_tags(self) -> dict[str, str]:
        """What tells the runs of one bot from those of others in a list of all."""
        return {"bot": self.bot} if self.bot else {}

    @cached_property
    def trade_log(self) -> dg.AssetKey:
        return self._asset("trade_log")

    @cached_property
    def imported_trades(self) -> dg.AssetKey:
        """Defined only where sources are listed."""
        return self._asset("imported_trades")

    @cached_property
    def performance_targets(self) -> dg.AssetKey:
        return self._asset("performance_targets")

    @cached_property
    def daily_aggregate(self) -> dg.AssetKey:
        return self._asset("daily_aggregate")

    @cached_property
    def performance_alerts(self) -> dg.AssetKey:
        return self._asset("performance_alerts")

    @cached_property
    def performance_report(self) -> dg.AssetKey:
        return self._asset("performance_report")

    def summary(self, window: Window) -> dg.AssetKey:
        return self._asset(f"{window}_summary")

    @cached_property
    def summaries(self) -> tuple[dg.AssetKey, ...]:
        return tuple(self.summary(window) for window in PARTITIONED_WINDOWS)

    @cached_property
    def made(self) -> tuple[dg.AssetKey, ...]:
        """What runs make of the logs."""
        return (self.daily_aggregate, *self.summaries, self.performance_report)

    @cached_property
    def assets(self) -> tuple[dg.AssetKey, ...]:
        """Everything that the pipeline makes, reports or is told about."""
        return (
            self.trade_log,
            self.performance_targets,
            self.daily_aggregate,
            *self.summaries,
            self.performance_alerts,
            self.performance_report,
        )

    @cached_property
    def checks(self) -> Mapping[dg.AssetKey, str]:
        """The name of the check that each asset carries."""
        return {
            self.daily_aggregate: LOG_IS_CLEAN,
            **dict.fromkeys(self.summaries, MEETS_TARGETS),
        }

    @cached_property
    def check_keys(self) -> list[dg.AssetCheckKey]:
        return [dg.AssetCheckKey(key, name) for key, name in self.checks.items()]

    @cached_property
    def log_is_clean(self) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(self.daily_aggregate, LOG_IS_CLEAN)

    def meets_targets(self, window: Window) -> dg.AssetCheckKey:
        """The check that says whether a summary meets its targets."""
        return dg.AssetCheckKey(self.summary(window), MEETS_TARGETS)

    @cached_property
    def log_sensor(self) -> str:
        return self._named("trade_log_sensor")

    @cached_property
    def automation_sensor(self) -> str:
        return self._named("refresh_automation_sensor")

    @cached_property
    def alert_sensor(self) -> str:
        return self._named("performance_alert_sensor")

    @cached_property
    def delivery_sensor(self) -> str:
        return self._named("alert_delivery_sensor")

    @cached_property
    def retention_sensor(self) -> str:
        return self._named("retention_sensor")

    @cached_property
    def import_sensor(self) -> str:
        """Defined only where sources are listed; of two that are due, Dagster asks it first."""
        return self._named("imported_trades_sensor")

    @cached_property
    def sensors(self) -> tuple[str, ...]:
        return (
            self.log_sensor,
            self.automation_sensor,
            self.alert_sensor,
            self.delivery_sensor,
            self.retention_sensor,
            self.import_sensor,
        )

    @cached_property
    def close_schedule(self) -> str:
        return self._named("daily_close_schedule")

    @property
    def _identifier(self) -> str:
        return dagster_name(self.bot)

    def _asset(self, name: str) -> dg.AssetKey:
        return dg.AssetKey([self.bot, name] if self.bot else [name])

    def _named(self, name: str) -> str:
        return f"{self._identifier}_{name}" if self.bot else name
