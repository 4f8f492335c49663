"""Asset checks: verdicts on what an asset holds, one evaluation a partition, never blocking."""

from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from performance_pipeline.defs.assets import DAILY_AGGREGATE, summary_key
from performance_pipeline.defs.metadata import Metadata, quality_metadata, verdict_metadata
from performance_pipeline.defs.partitions import Partitions, partition_days
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.metrics import AlertStatus, PerformanceSummary
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.storage.summaries import load_summary, summary_path

MEETS_TARGETS: Final = "meets_targets"


def log_is_clean_check(runtime: Runtime, partitions: Partitions) -> dg.AssetChecksDefinition:
    # Annotated for one result; a check of a range has to yield one evaluation a partition.
    @dg.asset_check(  # type: ignore[arg-type]
        asset=DAILY_AGGREGATE,
        name="log_is_clean",
        partitions_def=partitions.daily,
        description="No line was rejected, misdated, or labelled against its own P&L.",
    )
    def log_is_clean(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        tracker = runtime.tracker()
        evaluate = _Evaluations(context, DAILY_AGGREGATE, "log_is_clean")
        for day in evaluate.days:
            quality = tracker.day(day).aggregate.quality
            faults = quality.rejected + quality.misdated + quality.outcome_conflicts
            yield evaluate(
                day.isoformat(),
                passed=not faults,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=quality_metadata(tracker.day(day)),
            )
        yield dg.Output(None)

    return log_is_clean


def meets_targets_check(
    runtime: Runtime, partitions: Partitions, window: Window
) -> dg.AssetChecksDefinition:
    key = summary_key(window)

    @dg.asset_check(  # type: ignore[arg-type]
        asset=key,
        name=MEETS_TARGETS,
        partitions_def=partitions.for_window(window),
        description="No target of the summary is breached; what is judged is its stored verdicts.",
    )
    def meets_targets(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        evaluate = _Evaluations(context, key, MEETS_TARGETS)
        for day in evaluate.days:
            period = Period.of(window, day)
            path = summary_path(runtime.settings.output_dir, period)
            summary = load_summary(runtime.settings.output_dir, period)
            if summary is None:
                raise dg.Failure(f"{path}: no summary to judge; materialize {day} first")
            yield evaluate(
                day.isoformat(),
                passed=summary.alert_status not in _FAILING,
                severity=_FAILING.get(summary.alert_status, dg.AssetCheckSeverity.WARN),
                metadata=verdict_metadata(period, summary),
                description=_said(summary),
            )
        yield dg.Output(None)

    return meets_targets


_FAILING: Final[dict[AlertStatus, dg.AssetCheckSeverity]] = {
    "WARN": dg.AssetCheckSeverity.WARN,
    "CRITICAL": dg.AssetCheckSeverity.ERROR,
    "INVALID_TARGETS": dg.AssetCheckSeverity.ERROR,
}


def _said(summary: PerformanceSummary) -> str:
    if summary.alert_status == "NO_TRADES":
        return "No trades in window: nothing to judge."
    if summary.alert_status == "NO_TARGETS":
        return "No targets file: nothing to judge by."
    if summary.alert_status == "INVALID_TARGETS":
        return "The targets file cannot be used: nothing was judged. The run's log says why."
    breached = [result.metric for result in summary.targets if result.status == "breached"]
    if breached:
        return f"Breached: {', '.join(breached)}."
    return f"{len(summary.targets)} targets judged, none breached."


class _Evaluations:
    """Makes the evaluation of one partition of a check, tied to what it evaluated.

    Without its target, an evaluation shows in the UI as not current.
    """

    def __init__(
        self, context: dg.AssetCheckExecutionContext, asset_key: dg.AssetKey, check_name: str
    ) -> None:
        keys = list(context.op_execution_context.partition_keys)
        self.days = partition_days(keys)
        self._asset_key = asset_key
        self._check_name = check_name
        self._targets = _latest_materializations(context.instance, asset_key, keys)

    def __call__(
        self,
        key: str,
        *,
        passed: bool,
        severity: dg.AssetCheckSeverity,
        metadata: Metadata,
        description: str | None = None,
    ) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self._asset_key,
            check_name=self._check_name,
            partition=key,
            passed=passed,
            severity=severity,
            metadata=metadata,
            description=description,
            target_materialization_data=self._targets.get(key),
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
