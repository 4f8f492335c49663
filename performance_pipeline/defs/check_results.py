"""What checks say of a partition, and the evaluations that they publish of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import dagster as dg

from performance_pipeline.defs.dagster_internals import (
    AssetCheckEvaluationTargetMaterializationData,
)
from performance_pipeline.defs.metadata import Metadata, quality_metadata, verdict_metadata
from performance_pipeline.domain.summary import AlertStatus, PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.storage.aggregates import Day
from performance_pipeline.storage.store import Store
from performance_pipeline.storage.summaries import load_summary, summary_name

_FAILING: Final[dict[AlertStatus, dg.AssetCheckSeverity]] = {
    "WARN": dg.AssetCheckSeverity.WARN,
    "CRITICAL": dg.AssetCheckSeverity.ERROR,
    "INVALID_TARGETS": dg.AssetCheckSeverity.ERROR,
}


@dataclass(frozen=True)
class CheckResult:
    """What a check says of one partition."""

    passed: bool
    severity: dg.AssetCheckSeverity
    metadata: Metadata
    description: str | None = None


def evaluate_log(day: Day) -> CheckResult:
    """Whether every line of a trading day is accepted, dated and labelled as it should be."""
    quality = day.aggregate.quality
    faults = quality.rejected + quality.misdated + quality.outcome_conflicts
    return CheckResult(not faults, dg.AssetCheckSeverity.WARN, quality_metadata(day))


def evaluate_targets(output: Store, period: Period) -> CheckResult:
    """The verdicts stored in the summary of `period`; raises dg.Failure when there is none."""
    summary = load_summary(output, period)
    if summary is None:
        path = output.place / summary_name(period)
        raise dg.Failure(f"{path}: no summary to judge; materialize {period.key} first")
    return evaluate_summary(period, summary)


def evaluate_summary(period: Period, summary: PerformanceSummary) -> CheckResult:
    """The verdicts that `summary`, stored for `period`, holds."""
    return CheckResult(
        passed=summary.alert_status not in _FAILING,
        severity=_FAILING.get(summary.alert_status, dg.AssetCheckSeverity.WARN),
        metadata=verdict_metadata(period, summary),
        description=_said(summary),
    )


def _said(summary: PerformanceSummary) -> str:
    if summary.alert_status == "NO_TRADES":
        return "No trades in window: nothing to judge."
    if summary.alert_status == "NO_TARGETS":
        return "No targets file: nothing to judge by."
    if summary.alert_status == "INVALID_TARGETS":
        return "The targets file cannot be used: nothing was judged. The run's log says why."
    breached = [
        f"{result.metric} of {result.strategy}" if result.strategy else result.metric
        for result in summary.targets
        if result.status == "breached"
    ]
    if breached:
        return f"Breached: {', '.join(breached)}."
    counts = Counter(result.status.replace("_", " ") for result in summary.targets)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"None breached: {told or 'no target applies'}."


def check_evaluations(
    instance: dg.DagsterInstance,
    check: dg.AssetCheckKey,
    days: Sequence[date],
    evaluate: Callable[[date], CheckResult],
) -> Iterator[dg.AssetCheckEvaluation]:
    """The evaluations of `check` for the partitions `days` of its asset.

    Each names the materialization it looked at; without it the UI shows it as not current.
    """
    keys = [day.isoformat() for day in days]
    materializations = _latest_materializations(instance, check.asset_key, keys)
    for day, key in zip(days, keys, strict=True):
        result = evaluate(day)
        yield dg.AssetCheckEvaluation(
            asset_key=check.asset_key,
            check_name=check.name,
            partition=key,
            passed=result.passed,
            severity=result.severity,
            metadata=result.metadata,
            description=result.description,
            target_materialization_data=materializations.get(key),
        )


def _latest_materializations(
    instance: dg.DagsterInstance, asset_key: dg.AssetKey, keys: Sequence[str]
) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    """By partition key, the materialization that a check evaluates now."""
    storage_ids = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(keys)
    )
    if not storage_ids:
        return {}
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key, storage_ids=list(storage_ids.values())),
        limit=len(storage_ids),
    )
    return {
        record.partition_key: AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for record in found.records
        if record.partition_key is not None
    }
