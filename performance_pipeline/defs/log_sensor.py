"""The sensor that sees changed logs, and changed targets, and reports them as assets."""

import hashlib
from datetime import date
from pathlib import Path

import dagster as dg

from performance_pipeline.defs.automation import is_about_to_look
from performance_pipeline.defs.keys import PERFORMANCE_TARGETS, TRADE_LOG
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.storage.log_changes import Watch, look
from performance_pipeline.storage.logs import LogFolderError

_DATA_VERSION = "dagster/data_version"
# The cursor is two lines: the watch, and the data version of the targets file.
_SEPARATOR = "\n"


def trade_log_sensor(runtime: Runtime) -> dg.SensorDefinition:
    @dg.sensor(
        minimum_interval_seconds=runtime.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports trade logs that are new, grown, edited, archived or gone.",
    )
    def trade_log_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not context.cursor and is_about_to_look(context.instance):
            return dg.SkipReason("Waiting for the automation sensor to look for the first time.")
        remembered, _, targets_before = (context.cursor or "").partition(_SEPARATOR)
        before = Watch.decode(remembered)
        try:
            changes, watch = look(runtime.settings, before, runtime.clock())
        except LogFolderError as error:
            # Raised, it would stand at the end of a stack trace.
            context.log.error(str(error))
            return dg.SkipReason(f"No log was looked at. {error}")
        targets = _targets_version(runtime.settings.targets_file)
        for warning in changes.warnings:
            context.log.warning(warning)
        events = [_log_reported(day, version) for day, version in changes.days.items()]
        if targets != targets_before:
            events.append(_reported(PERFORMANCE_TARGETS, targets))
        if watch == before and not events:
            return dg.SkipReason("No log has changed.")
        return dg.SensorResult(
            asset_events=events,
            cursor=f"{watch.encode()}{_SEPARATOR}{targets}",
            skip_reason=None if events else "No log has changed.",
        )

    return trade_log_sensor


def _log_reported(day: date, version: str) -> dg.AssetMaterialization:
    return _reported(TRADE_LOG, version, partition=day.isoformat())


def _reported(
    key: dg.AssetKey, version: str, partition: str | None = None
) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(key, partition=partition, tags={_DATA_VERSION: version})


def _targets_version(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return "none"
