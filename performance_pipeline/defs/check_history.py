"""What the `meets_targets` checks say, read from the instance: the latest of each partition.

Only runs that are over count. Everything here works on SQLite and on PostgreSQL alike.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import dagster as dg
import msgspec

from performance_pipeline.defs.dagster_internals import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
    PartitionKeyFilter,
)
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.metadata import VERDICTS
from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window

FINISHED: Final = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
UNFINISHED: Final = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
EVALUATED: Final = {
    AssetCheckExecutionRecordStatus.SUCCEEDED,
    AssetCheckExecutionRecordStatus.FAILED,
}
_PAGE: Final = 1000
_PAGE_OF_ONE: Final = 5
# From here on it is cheaper to go through the whole history than to ask for each partition.
_MANY: Final = 200

Partition = tuple[Window, str]


def finished_since(instance: dg.DagsterInstance, moment: datetime) -> list[dg.RunRecord]:
    """The runs that were finished after `moment`, in that order."""
    return list(
        instance.get_run_records(
            dg.RunsFilter(statuses=FINISHED, updated_after=moment),
            order_by="update_timestamp",
            ascending=True,
        )
    )


def latest_finished(instance: dg.DagsterInstance) -> list[dg.RunRecord]:
    """The run that was finished last, if any."""
    return list(
        instance.get_run_records(
            dg.RunsFilter(statuses=FINISHED), order_by="update_timestamp", limit=1
        )
    )


def may_have_evaluated(run: dg.DagsterRun, keys: Keys) -> bool:
    """Whether `run` was asked for one of the summaries of `keys`, or for one of their checks."""
    checked = {check.asset_key for check in run.asset_check_selection or ()}
    asked = checked.union(run.asset_selection or ())
    # A run that names nothing is one of everything.
    return not asked or not asked.isdisjoint(keys.summaries)


def evaluated_by(
    instance: dg.DagsterInstance, keys: Keys, run_ids: Iterable[str]
) -> set[Partition]:
    """The partitions that the runs `run_ids` have evaluated `meets_targets` of."""
    windows = {keys.meets_targets(window): window for window in PARTITIONED_WINDOWS}
    found: set[Partition] = set()
    for run_id in run_ids:
        records = instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
        for record in records:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            evaluation = event.asset_check_evaluation_data
            window = windows.get(evaluation.asset_check_key)
            if window is not None and evaluation.partition is not None:
                found.add((window, evaluation.partition))
    return found


def latest_evaluations(
    instance: dg.DagsterInstance, keys: Keys, partitions: Collection[Partition]
) -> list[Evaluation]:
    """What the checks say now of `partitions`, and of the newest day of the rolling window.

    Of the rolling window only that day speaks; it is left out when no rolling day is asked for.
    """
    found: list[Evaluation] = []
    for window in PARTITIONED_WINDOWS:
        check = keys.meets_targets(window)
        asked = {key for asked_window, key in partitions if asked_window is window}
        if window is Window.ROLLING:
            found += _newest_rolling(instance, keys) if asked else []
        else:
            found += _latest(instance, check, asked)
    return found


def latest_evaluation(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, partition: str
) -> dg.AssetCheckEvaluation | None:
    """What `check` said last of one partition, by a run that is over or by a sensor."""
    for page in _pages(instance, check, partition):
        if newest := _newest(instance, [page]):
            return newest[partition].evaluation
    return None


def all_evaluated(
    instance: dg.DagsterInstance, keys: Keys, windows: Iterable[Window] = PARTITIONED_WINDOWS
) -> set[Partition]:
    """Every partition of `windows` that was ever evaluated."""
    return {
        (window, info.partition_key)
        for window in windows
        for info in instance.event_log_storage.get_asset_check_partition_info(
            [keys.meets_targets(window)]
        )
        if info.partition_key is not None
    }


def _newest_rolling(instance: dg.DagsterInstance, keys: Keys) -> list[Evaluation]:
    check = keys.meets_targets(Window.ROLLING)
    for _, key in sorted(all_evaluated(instance, keys, [Window.ROLLING]), reverse=True):
        if evaluations := _latest(instance, check, {key}):
            return evaluations
    return []


def _latest(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, keys: Collection[str]
) -> list[Evaluation]:
    """The newest evaluation of each of the partitions `keys`, by runs that are over."""
    if len(keys) > _MANY:
        newest = _newest(instance, _pages(instance, check, None))
        return _decoded(newest[key] for key in sorted(keys & newest.keys()))
    found: list[Evaluation] = []
    for key in sorted(keys):
        for page in _pages(instance, check, key):
            if newest := _newest(instance, [page]):
                found += _decoded(newest.values())
                break
    return found


def _pages(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, key: str | None
) -> Iterator[Sequence[AssetCheckExecutionRecord]]:
    """The history of a check, newest first: of one partition, or of all in larger pages."""
    cursor: int | None = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(
            check,
            limit=_PAGE if key is None else _PAGE_OF_ONE,
            cursor=cursor,
            partition_filter=None if key is None else PartitionKeyFilter(key=key),
        )
        if not page:
            return
        yield page
        cursor = page[-1].id


def _newest(
    instance: dg.DagsterInstance, pages: Iterable[Sequence[AssetCheckExecutionRecord]]
) -> dict[str, AssetCheckExecutionRecord]:
    """By partition, the evaluation that was made last by a run that is over.

    Records come in the order in which the evaluations were planned. Two runs at the same time may
    evaluate a partition in the other order, so the time of the evaluation decides.
    """
    newest: dict[str, AssetCheckExecutionRecord] = {}
    for page in pages:
        evaluated = [record for record in page if record.status in EVALUATED]
        for record in _of_finished_runs(instance, evaluated):
            key = record.partition
            if key is not None and (
                key not in newest or _evaluated_at(record) > _evaluated_at(newest[key])
            ):
                newest[key] = record
    return newest


def _of_finished_runs(
    instance: dg.DagsterInstance, records: Sequence[AssetCheckExecutionRecord]
) -> list[AssetCheckExecutionRecord]:
    run_ids = sorted({record.run_id for record in records})
    if not run_ids:
        return []
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids))
    unfinished = {run.run_id for run in runs if run.status not in FINISHED}
    return [record for record in records if record.run_id not in unfinished]


def _evaluated_at(record: AssetCheckExecutionRecord) -> float:
    return record.event.timestamp if record.event is not None else 0.0


def _decoded(records: Iterable[AssetCheckExecutionRecord]) -> list[Evaluation]:
    return [
        msgspec.structs.replace(
            msgspec.convert(record.evaluation.metadata[VERDICTS].value, Evaluation, strict=False),
            asset_key=record.key.asset_key.to_user_string(),
            run_id=record.run_id,
        )
        for record in records
        if record.evaluation is not None and VERDICTS in record.evaluation.metadata
    ]
