"""Runs that were never executed: their events are stored by hand, as Dagster would store them."""

import uuid
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)

from performance_pipeline.defs.metadata import VERDICTS
from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.storage.plain_json import plain_document


def start_run(instance: dg.DagsterInstance) -> str:
    run = dg.DagsterRun("by_hand", str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED)
    return instance.add_run(run).run_id


def report(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType, data: Any = None
) -> None:
    instance.report_dagster_event(
        dg.DagsterEvent(kind.value, "by_hand", event_specific_data=data), run_id
    )


def plan(instance: dg.DagsterInstance, run_id: str, day: date) -> None:
    """Store that the check of the day is going to be executed."""
    days = dg.DailyPartitionsDefinition("2025-01-01")
    planned = AssetCheckEvaluationPlanned(
        asset_key=dg.AssetKey("daily_summary"),
        check_name="meets_targets",
        partitions_subset=days.subset_with_partition_keys(
            [day.isoformat()]
        ).to_serializable_subset(),
    )
    report(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, planned)


def evaluate(instance: dg.DagsterInstance, run_id: str, *said: Evaluation) -> None:
    """Store what the check said of each period, as the check does."""
    for one in said:
        found = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(f"{one.window}_summary"),
            check_name="meets_targets",
            partition=one.period.isoformat(),
            passed=one.alert_status not in ("WARN", "CRITICAL", "INVALID_TARGETS"),
            metadata={VERDICTS: dg.MetadataValue.json(plain_document(one))},
        )
        report(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION, found)


def finish(
    instance: dg.DagsterInstance,
    run_id: str,
    how: dg.DagsterEventType = dg.DagsterEventType.RUN_SUCCESS,
) -> None:
    report(instance, run_id, how)


def checked(instance: dg.DagsterInstance, *said: Evaluation) -> str:
    """A run that is over and evaluated these."""
    run_id = start_run(instance)
    evaluate(instance, run_id, *said)
    finish(instance, run_id)
    return run_id
