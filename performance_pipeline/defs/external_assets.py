"""The assets that Dagster is told about and does not make: trade logs, targets, the alert log."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import dagster as dg

from performance_pipeline.defs.keys import OWNERS, Keys
from performance_pipeline.defs.metadata import Metadata, table
from performance_pipeline.defs.partitions import Partitions
from performance_pipeline.domain.alerts import AlertEvent, fold
from performance_pipeline.domain.targets import EDGE, TargetLine
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS
from performance_pipeline.places import Place
from performance_pipeline.reports.number_format import compared, percent
from performance_pipeline.reports.wording import judged_name, moment
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.log_changes import LogSize, Watch, size_of_day
from performance_pipeline.storage.stores import read, where
from performance_pipeline.storage.targets_file import load_targets

_DATA_VERSION: Final = "dagster/data_version"

_TARGET_COLUMNS: Final = ("window", "metric", "target", "critical", "min trades")
_ALERT_COLUMNS: Final = ("period", "breach", "severity", "since, UTC")
_ALERTS_SHOWN: Final = 25
_LINES_SHOWN: Final = 10


def trade_log_spec(
    keys: Keys, partitions: Partitions, deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.trade_log,
        deps=deps,
        partitions_def=partitions.daily,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"json"},
        description=(
            "The trade logs that the bot appends to, one JSON object a fill or exit. A partition is"
            " one trading day: the lines of the UTC-dated log files that overlap it. Which lines"
            " were rejected is known once they are read: `daily_aggregate` says so."
        ),
    )


def performance_targets_spec(keys: Keys) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.performance_targets,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"yaml"},
        description=(
            "The operator's targets file, shared with the bot's dashboard: what counts as good"
            " enough. Verdicts and alerts are judged by it."
        ),
    )


def performance_alerts_spec(keys: Keys) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.performance_alerts,
        deps=keys.summaries,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"json"},
        description=(
            "The alert log, one line an event: target breaches as they are raised, updated,"
            " acknowledged and resolved. What an operator has to act on."
        ),
    )


def reported_logs(
    settings: Settings, versions: Mapping[date, str], watch: Watch
) -> list[dg.AssetMaterialization]:
    """The trade logs of each day in `versions`, by data version, as `watch` has seen them."""
    keys = Keys(settings.bot)
    return [
        dg.AssetMaterialization(
            keys.trade_log,
            partition=day.isoformat(),
            metadata=_log_metadata(size_of_day(watch, day, settings.timezone)),
            tags={_DATA_VERSION: version},
        )
        for day, version in versions.items()
    ]


def reported_targets(settings: Settings) -> dg.AssetMaterialization:
    """The targets file as it is now, valid or not, or that there is none."""
    path = settings.targets_file
    return dg.AssetMaterialization(
        Keys(settings.bot).performance_targets,
        metadata=_targets_metadata(path),
        tags={_DATA_VERSION: targets_version(path)},
    )


def targets_version(path: Place) -> str:
    try:
        return hashlib.sha256(read(path)).hexdigest()[:16]
    except OSError:
        return "none"


def reported_alerts(
    keys: Keys, log: AlertLog, appended: Sequence[AlertEvent]
) -> dg.AssetMaterialization:
    """The alert log once `appended` was written to it."""
    counts = Counter[str](event.status for event in appended)
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return dg.AssetMaterialization(
        keys.performance_alerts,
        description=said or "nothing new",
        metadata=_alerts_metadata(log, counts),
    )


def never_reported(instance: dg.DagsterInstance, key: dg.AssetKey) -> bool:
    return instance.get_latest_materialization_event(key) is None


def unreported(
    instance: dg.DagsterInstance, keys: Keys, events: Sequence[dg.AssetMaterialization]
) -> list[dg.AssetMaterialization]:
    """Those of `events` whose data version is not the one that was last reported."""
    days = [event.partition for event in events if event.partition is not None]
    known: dict[str | None, str | None] = {None: None}
    if days:
        known.update(reported_versions(instance, keys, days).items())
    if len(days) < len(events):
        latest = instance.get_latest_materialization_event(keys.performance_targets)
        if latest is not None and latest.asset_materialization is not None:
            known[None] = (latest.asset_materialization.tags or {}).get(_DATA_VERSION)
    return [event for event in events if known.get(event.partition) != _version(event)]


def reported_versions(
    instance: dg.DagsterInstance, keys: Keys, days: Sequence[str] | None = None
) -> dict[str, str]:
    """The data versions of trade logs that were last reported, by day; of all days, or of some."""
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        keys.trade_log,
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        [_DATA_VERSION],
        asset_partitions=days,
    )
    return {day: found[_DATA_VERSION] for day, found in tags.items() if _DATA_VERSION in found}


def _version(event: dg.AssetMaterialization) -> str:
    return (event.tags or {})[_DATA_VERSION]


def _log_metadata(size: LogSize) -> Metadata:
    return {
        "logs": dg.MetadataValue.text(", ".join(size.names) or "none"),
        "bytes": dg.MetadataValue.int(size.bytes),
        **({} if size.lines is None else {"lines": dg.MetadataValue.int(size.lines)}),
    }


def _targets_metadata(path: Place) -> Metadata:
    """Every target in force, by window, and what there is to say about the file."""
    loaded = load_targets(path)
    lines = [
        (str(window), line)
        for window in PARTITIONED_WINDOWS
        for line in (loaded.targets.for_window(window) if loaded.targets else ())
    ]
    rows = [(window, *_target_row(line)) for window, line in lines]
    asked = {
        f"{window}{f' of {line.strategy}' if line.strategy else ''}": percent(line.confidence)
        for window, line in lines
        if line.confidence is not None
    }
    confidence = ", ".join(f"{window} {share}" for window, share in asked.items())
    sentences = "; ".join((*loaded.errors, *loaded.warnings))
    return {
        "targets": table(_TARGET_COLUMNS, rows),
        **({"confidence": dg.MetadataValue.text(confidence)} if confidence else {}),
        **({"notes": dg.MetadataValue.text(sentences)} if sentences else {}),
        "targets_file": dg.MetadataValue.path(where(path)),
    }


def _target_row(line: TargetLine) -> tuple[str, ...]:
    critical, target, _ = compared(line.metric, line.critical, line.target)
    return (
        judged_name(line.metric, line.strategy),
        target,
        "" if line.critical is None else critical,
        str(line.min_trades),
    )


def _alerts_metadata(log: AlertLog, appended: Mapping[str, int]) -> Metadata:
    """What is active, how many lines were appended by status, and the newest lines.

    Of the active alerts those that were raised in time come first, the newest on top.
    """
    events = log.events()
    alerts = fold(events).values()
    active = sorted(
        (alert for alert in alerts if alert.active),
        key=lambda alert: (not alert.late, alert.raised_at, alert.period),
        reverse=True,
    )
    newest = [(event.status, event.message) for event in reversed(events[-_LINES_SHOWN:])]
    return {
        "active": dg.MetadataValue.int(len(active)),
        "active_critical": dg.MetadataValue.int(
            sum(alert.severity == "CRITICAL" for alert in active)
        ),
        "active_late": dg.MetadataValue.int(sum(alert.late for alert in active)),
        "active_alerts": table(_ALERT_COLUMNS, map(_alert_row, active[:_ALERTS_SHOWN])),
        "lines": dg.MetadataValue.int(sum(appended.values())),
        **{status: dg.MetadataValue.int(count) for status, count in appended.items()},
        "newest_lines": table(("status", "message"), newest),
        "alert_log": dg.MetadataValue.path(where(log.path)),
    }


def _alert_row(alert: AlertEvent) -> tuple[str, ...]:
    actual, target, _ = compared(alert.metric, alert.actual, alert.target)
    acknowledged = "acknowledged" if alert.status == "acknowledged" else ""
    return (
        f"{alert.window} {alert.period}",
        f"{judged_name(alert.metric, alert.strategy)} {actual}"
        f" {'>=' if alert.metric == EDGE else '<'} {target}",
        ", ".join(filter(None, (alert.severity, acknowledged, "late" if alert.late else ""))),
        moment(alert.raised_at),
    )
