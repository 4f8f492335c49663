"""A run over many partitions: each one's own metadata, and what happens when one of them fails."""

from collections.abc import Callable, Mapping
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
    materialize: Callable[[date], Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Materialize every partition of the run, each with its own metadata.

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
    if not failed:
        for day, metadata in done.items():
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        return
    _record(context, done, evaluate)
    reasons = "; ".join(f"{day}: {error}" for day, error in failed.items())
    raise dg.Failure(f"{len(failed)} of {len(days)} partitions failed: {reasons}")


def _record(
    context: dg.AssetExecutionContext,
    done: Mapping[date, Metadata],
    evaluate: Callable[[date], CheckResult],
) -> None:
    """Record the partitions of a run that is about to fail, whose checks Dagster will skip."""
    for day, metadata in done.items():
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=metadata)
        )
    for evaluation in check_evaluations(context.instance, context.asset_key, list(done), evaluate):
        dg.DagsterEvent.asset_check_evaluation(context.get_step_execution_context(), evaluation)
