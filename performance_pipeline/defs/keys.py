"""The names that definitions know each other by."""

from typing import Final

import dagster as dg

from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window

# One group: a lineage of this size is best seen whole, and the UI folds groups.
GROUP: Final = "performance"
OWNERS: Final = ["team:trading"]

TRADE_LOG: Final = dg.AssetKey("trade_log")
PERFORMANCE_TARGETS: Final = dg.AssetKey("performance_targets")
DAILY_AGGREGATE: Final = dg.AssetKey("daily_aggregate")
PERFORMANCE_ALERTS: Final = dg.AssetKey("performance_alerts")
PERFORMANCE_REPORT: Final = dg.AssetKey("performance_report")

AUTOMATION_SENSOR: Final = "refresh_automation_sensor"
ALERT_SENSOR: Final = "performance_alert_sensor"
SENSORS: Final = (
    "trade_log_sensor",
    AUTOMATION_SENSOR,
    ALERT_SENSOR,
    "alert_delivery_sensor",
    "retention_sensor",
)

LOG_IS_CLEAN: Final = "log_is_clean"
MEETS_TARGETS: Final = "meets_targets"


def summary_key(window: Window) -> dg.AssetKey:
    return dg.AssetKey(f"{window}_summary")


SUMMARY_KEYS: Final = tuple(summary_key(window) for window in PARTITIONED_WINDOWS)
ASSETS: Final = (
    TRADE_LOG,
    PERFORMANCE_TARGETS,
    DAILY_AGGREGATE,
    *SUMMARY_KEYS,
    PERFORMANCE_ALERTS,
    PERFORMANCE_REPORT,
)
"""Everything that the pipeline makes, reports or is told about."""
CHECKS: Final = {
    DAILY_AGGREGATE: LOG_IS_CLEAN,
    **dict.fromkeys(SUMMARY_KEYS, MEETS_TARGETS),
}
"""The check that each asset carries."""
