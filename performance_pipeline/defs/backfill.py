"""Materializing a range of days through Dagster from the command line, one run a layer."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import dagster as dg

from performance_pipeline.defs.alert_sensor import update_alert_log
from performance_pipeline.defs.automation import has_looked
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.check_history import Partition
from performance_pipeline.defs.external_assets import (
    never_reported,
    reported_alerts,
    reported_logs,
    reported_targets,
    unreported,
)
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.launcher import PROCESS_TAG, this_process
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.alerts import raised_warnings
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window, days_between
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.log_changes import look
from performance_pipeline.storage.watches import newest_watch

# Naming a logger is what replaces Dagster's own console output.
_RUN_CONFIG: Final[dict[str, object]] = {"loggers": {"progress": {}}}


@dataclass(frozen=True)
class Layer:
    """One asset and the partitions of it that a range of days touches."""

    asset_key: dg.AssetKey
    window: Window
    first: date
    last: date

    @property
    def partitions(self) -> list[date]:
        """The days that name those partitions, in order."""
        days = days_between(self.first, self.last)
        return list(dict.fromkeys(Period.of(self.window, day).key for day in days))


@dataclass(frozen=True)
class Progress:
    """What the caller is told while runs go on."""

    on_layer: Callable[[Layer], None]
    on_partition: Callable[[], None]
    on_message: Callable[[str, int], None]
    """A line of the run log, and its logging level."""


def layers(keys: Keys, first: date, last: date) -> list[Layer]:
    """What a backfill of the days from `first` to `last` materializes, in order."""
    return [
        Layer(keys.daily_aggregate, Window.DAILY, first, last),
        *(
            Layer(
                keys.summary(window),
                window,
                Period.of(window, first).key,
                Period.of(window, last).key,
            )
            for window in PARTITIONED_WINDOWS
        ),
    ]


def run_backfill(
    runtime: Runtime, instance: dg.DagsterInstance, first: date, last: date, progress: Progress
) -> list[str]:
    """Materialize the days from `first` to `last`, and the weeks and months they touch.

    Where fills are paired, also the days that change with them. Then the alert log is made true to
    what their checks say. A partition that fails does not keep the others from being done. Returns
    what failed and why.

    The logs and targets that all is made from are reported as they are at the beginning, so that a
    service finds nothing to do afterwards. Conditions that were evaluated before hold on to what is
    reported until it is made; the first evaluation of all takes whatever is reported as made, so
    before it only those logs are reported that are made. Targets are reported first in any case:
    reported later, they would leave every summary marked as made from older ones.
    """
    logs = _logs(runtime, first, last)
    _report(instance, runtime.keys, [reported_targets(runtime.settings)])
    held_on_to = has_looked(instance, runtime.keys)
    if held_on_to:
        _report(instance, runtime.keys, logs)
    partitions, failures = _run_layers(runtime, instance, first, last, progress)

    def warn(sentence: str) -> None:
        progress.on_message(sentence, logging.WARNING)

    events = update_alert_log(runtime, instance, partitions, warn)
    for sentence in raised_warnings(events):
        warn(sentence)
    if events or never_reported(instance, runtime.keys.performance_alerts):
        log = AlertLog(runtime.settings.alert_log, warn)
        instance.report_runless_asset_event(reported_alerts(runtime.keys, log, events))
    if not held_on_to and not failures:
        _report(instance, runtime.keys, logs)
    return failures


def run_report(runtime: Runtime, instance: dg.DagsterInstance, progress: Progress) -> list[str]:
    """Materialize the report; returns what failed and why."""
    result = _job(runtime, progress).execute_in_process(
        instance=instance,
        asset_selection=[runtime.keys.performance_report],
        tags={**runtime.keys.run_tags, PROCESS_TAG: this_process()},
        run_config=_RUN_CONFIG,
        raise_on_error=False,
    )
    return list(_failures(result))


def _job(runtime: Runtime, progress: Progress) -> dg.JobDefinition:
    definitions = build_definitions(runtime, loggers={"progress": _progress_logger(progress)})
    return definitions.resolve_implicit_global_asset_job_def()


def _logs(runtime: Runtime, first: date, last: date) -> list[dg.AssetMaterialization]:
    """The trade logs of the days from `first` to `last`, as they are now.

    Raises LogFolderError when the folder is gone, or all its logs are.
    """
    settings = runtime.settings
    _, watch = look(settings, newest_watch(settings.output_dir), runtime.clock())
    versions = {day: version for day, version in watch.days.items() if first <= day <= last}
    return reported_logs(settings, versions, watch)


def _report(
    instance: dg.DagsterInstance, keys: Keys, events: Sequence[dg.AssetMaterialization]
) -> None:
    for event in unreported(instance, keys, events):
        instance.report_runless_asset_event(event)


def _run_layers(
    runtime: Runtime, instance: dg.DagsterInstance, first: date, last: date, progress: Progress
) -> tuple[set[Partition], list[str]]:
    """One run a layer; returns the partitions that were asked for, and what failed."""
    job = _job(runtime, progress)
    failures: list[str] = []
    partitions: set[Partition] = set()
    waiting = layers(runtime.keys, first, last)
    while waiting:
        layer = waiting.pop(0)
        progress.on_layer(layer)
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[layer.asset_key],
            tags={
                **range_tags(layer.first, layer.last),
                **runtime.keys.run_tags,
                PROCESS_TAG: this_process(),
            },
            run_config=_RUN_CONFIG,
            raise_on_error=False,
        )
        failures += _failures(result)
        partitions |= {(layer.window, day.isoformat()) for day in layer.partitions}
        if layer.asset_key == runtime.keys.daily_aggregate:
            days = [first, last, *_materialized_days(result)]
            waiting = layers(runtime.keys, min(days), max(days))[1:]
    return partitions, failures


def _materialized_days(result: dg.ExecuteInProcessResult) -> list[date]:
    return [
        date.fromisoformat(event.partition)
        for event in result.all_events
        if event.is_step_materialization and event.partition is not None
    ]


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None and data.user_failure_data.description:
                yield f"{event.step_key}: {data.user_failure_data.description}"
            elif data.error is not None:
                cause = data.error.cause or data.error
                yield f"{event.step_key}: {cause.message.strip()}"
    if not result.success and not any(event.is_step_failure for event in result.all_events):
        yield "the run failed before its first step; its log says why"


def _progress_logger(progress: Progress) -> dg.LoggerDefinition:
    """A Dagster logger that turns events into progress, in place of Dagster's console output."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            event = getattr(record, "dagster_meta", {}).get("dagster_event")
            if event is None:
                message = getattr(record, "dagster_meta", {}).get("orig_message")
                progress.on_message(message or record.getMessage(), record.levelno)
            elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
                progress.on_partition()

    def listening(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("performance_pipeline.progress", logging.DEBUG)
        logger.addHandler(Listener())
        return logger

    return dg.LoggerDefinition(listening, description="Progress of a command-line backfill")
