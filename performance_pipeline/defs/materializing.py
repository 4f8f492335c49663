"""A run over many partitions: each one's own metadata, what happens when one of them fails, and
the partitions beyond the run's own that it reaches.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

import dagster as dg

from performance_pipeline.defs.check_results import CheckResult, check_evaluations
from performance_pipeline.defs.metadata import Metadata
from performance_pipeline.defs.partitions import partition_days
from performance_pipeline.storage.logs import UnreadableLogError

_PROGRESS_EVERY: Final = 50


def materialize_each(
    context: dg.AssetExecutionContext,
    check: dg.AssetCheckKey,
    materialize: Callable[[date], Metadata],
    evaluate: Callable[[date], CheckResult],
    outdated: Callable[[Iterable[date]], list[date]],
) -> None:
    """Materialize every partition of the run, each with its own metadata.

    Those that are `outdated` afterwards are made once more.

    A partition that needs a log which cannot be read does not keep the others from being done:
    they are recorded and checked, and then the run fails, naming the partition and the log.
    """
    days = partition_days(list(context.partition_keys))
    done: dict[date, Metadata] = {}
    failed: dict[date, UnreadableLogError] = {}
    for count, day in enumerate(days, start=1):
        try:
            done[day] = materialize(day)
        except UnreadableLogError as error:
            failed[day] = error
        if count % _PROGRESS_EVERY == 0:
            context.log.info(f"{count} of {len(days)} partitions written")
    while again := outdated(done):
        for day in again:
            done[day] = materialize(day)
    if not failed:
        for day, metadata in done.items():
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        return
    _record(context, check, done, evaluate)
    reasons = "; ".join(f"{day}: {error}" for day, error in failed.items())
    raise dg.Failure(f"{len(failed)} of {len(days)} partitions failed: {reasons}")


def materialize_reached(
    context: dg.AssetExecutionContext,
    check: dg.AssetCheckKey,
    reached: Iterable[tuple[date, Metadata]],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Record the partitions that `reached` makes beyond those of the run, each as it comes.

    An old fill that is corrected changes the days that follow it, as far as positions differ. They
    are materialized by the run that found out: a request for each would take a tick a day.
    """
    days = []
    for day, metadata in reached:
        _record_one(context, day, metadata)
        days.append(day)
    if days:
        context.log.info(f"{len(days)} partitions reached beyond this run: {days[0]} to {days[-1]}")
        _record_checks(context, check, days, evaluate)


def reached_in_run(context: dg.AssetExecutionContext, upstream: dg.AssetKey) -> list[date]:
    """The days that `upstream` was materialized for in this very run, beyond the run's own.

    Automation asks for nothing that a run which holds both could have done itself.
    """
    if upstream not in (context.run.asset_selection or ()):
        return []
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    events = [record.event_log_entry.dagster_event for record in records]
    found = {event.partition for event in events if event and event.asset_key == upstream}
    return partition_days([key for key in found if key and key not in context.partition_keys])


def _record(
    context: dg.AssetExecutionContext,
    check: dg.AssetCheckKey,
    done: Mapping[date, Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Record the partitions of a run that is about to fail, whose checks Dagster will skip."""
    for day, metadata in done.items():
        _record_one(context, day, metadata)
    _record_checks(context, check, list(done), evaluate)


def _record_one(context: dg.AssetExecutionContext, day: date, metadata: Metadata) -> None:
    context.log_event(
        dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=metadata)
    )


def _record_checks(
    context: dg.AssetExecutionContext,
    check: dg.AssetCheckKey,
    days: list[date],
    evaluate: Callable[[date], CheckResult],
) -> None:
    for evaluation in check_evaluations(context.instance, check, days, evaluate):
        dg.DagsterEvent.asset_check_evaluation(context.get_step_execution_context(), evaluation)
