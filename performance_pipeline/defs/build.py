"""All definitions together, built from settings; what the entry point and the tests load."""

import warnings
from collections.abc import Mapping

import dagster as dg

from performance_pipeline.defs.alert_sensor import performance_alert_sensor
from performance_pipeline.defs.assets import (
    daily_aggregate_asset,
    performance_report_asset,
    summary_asset,
)
from performance_pipeline.defs.automation import (
    automation_sensor,
    freshness,
    on_changed_days_or_targets,
    on_changed_logs,
    once_a_day,
)
from performance_pipeline.defs.checks import log_is_clean_check, meets_targets_check
from performance_pipeline.defs.closing import daily_close_schedule
from performance_pipeline.defs.delivery_sensor import alert_delivery_sensor
from performance_pipeline.defs.external_assets import (
    performance_alerts_spec,
    performance_targets_spec,
    trade_log_spec,
)
from performance_pipeline.defs.imported_trades import (
    imported_trades_asset,
    imported_trades_sensor,
)
from performance_pipeline.defs.log_sensor import trade_log_sensor
from performance_pipeline.defs.partitions import Partitions
from performance_pipeline.defs.retention_sensor import retention_sensor
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS


def build_definitions(
    runtime: Runtime,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    # The arithmetic of a year takes less than the imports of one step process.
    executor: dg.ExecutorDefinition | None = dg.in_process_executor,
) -> dg.Definitions:
    """All definitions of one bot; no log is read and no file is written to build them."""
    keys, partitions = runtime.keys, Partitions.of(runtime.settings)
    with warnings.catch_warnings():
        # Single-run backfills, day mappings at the edges and partitioned checks are marked beta or
        # preview; the Dagster version is bounded, and tests hold each of them to what we rely on.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        imports = [keys.imported_trades] if runtime.settings.imports_sources else []
        assets: list[dg.AssetSpec | dg.AssetsDefinition] = [
            *(imported_trades_asset(runtime) for _ in imports),
            trade_log_spec(keys, partitions, imports),
            performance_targets_spec(keys),
            daily_aggregate_asset(runtime, partitions, on_changed_logs()),
            *(
                summary_asset(
                    runtime, partitions, window, on_changed_days_or_targets(keys), freshness()
                )
                for window in PARTITIONED_WINDOWS
            ),
            performance_alerts_spec(keys),
            performance_report_asset(runtime, once_a_day(runtime.settings)),
        ]
        checks = [
            log_is_clean_check(runtime, partitions),
            *(meets_targets_check(runtime, partitions, window) for window in PARTITIONED_WINDOWS),
        ]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        sensors=[
            trade_log_sensor(runtime),
            automation_sensor(runtime),
            performance_alert_sensor(runtime),
            alert_delivery_sensor(runtime),
            retention_sensor(runtime),
            *(imported_trades_sensor(runtime) for _ in imports),
        ],
        schedules=[daily_close_schedule(runtime)],
        executor=executor,
        loggers=loggers,
    )
