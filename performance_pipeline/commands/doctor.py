"""`doctor`: can the pipeline run, with what settings, and what in the logs would not count."""

import click

from performance_pipeline.domain.log_reading import trimmed_lines
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.trades import RejectedLineError, parse_trade
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, trading_days_of
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.storage.logs import LogContent, LogFile, UnreadableLogError


def examine(tracker: PerformanceTracker) -> None:
    """Print all of it; raises PipelineError when a log cannot be read."""
    logs = [log for _, log in sorted(tracker.store.listing.files.items())]
    _show_settings(tracker.settings)
    _show_targets(tracker)
    click.echo(f"Logs: {len(logs)} in {tracker.settings.log_dir}")
    _show_logs_left_out(tracker, logs)
    rejected = 0
    unreadable = []
    for log in logs:
        try:
            rejected += _show_rejected_lines(tracker, log)
        except UnreadableLogError as error:
            click.echo(f"  {error}")
            unreadable.append(log.name)
    click.echo(f"Rejected lines: {rejected}")
    if unreadable:
        raise PipelineError(f"{len(unreadable)} logs cannot be read: {', '.join(unreadable)}")
    click.echo("The pipeline can run.")


def _show_settings(settings: Settings) -> None:
    click.echo("Settings")
    for name in settings.__dataclass_fields__:
        value = getattr(settings, name)
        if name == "account" and value:
            value = "one account"
        click.echo(f"  {name}: {'none' if value in ('', None) else value}")


def _show_targets(tracker: PerformanceTracker) -> None:
    loaded = tracker.targets
    click.echo(f"Targets in {tracker.settings.targets_file}")
    for sentence in (*loaded.errors, *loaded.warnings):
        click.echo(f"  {sentence}")
    if loaded.targets is None:
        return
    for window in PARTITIONED_WINDOWS:
        for line in loaded.targets.for_window(window):
            critical = "" if line.critical is None else f", critical below {plain(line.critical)}"
            click.echo(f"  {window}: {line.metric} at least {plain(line.target)}{critical}")


def _show_logs_left_out(tracker: PerformanceTracker, logs: list[LogFile]) -> None:
    settings, listing = tracker.settings, tracker.store.listing
    for ignored in listing.ignored:
        click.echo(f"  {ignored}")
    for day in sorted(listing.archived_twins):
        click.echo(f"  {day}.jsonl: exists both plain and as .gz; the plain one counts")
    for log in logs:
        if trading_days_of(log.day, settings.timezone)[-1] < settings.start_date:
            click.echo(
                f"  {log.name}: older than the first partition, {settings.start_date}"
                " (PERFORMANCE_START_DATE); it is not counted"
            )


def _show_rejected_lines(tracker: PerformanceTracker, log: LogFile) -> int:
    """Print every line of `log` that is rejected, and return how many."""
    rejected = 0
    content = LogContent(log, tracker.store.is_unfinished(log))
    for number, line in trimmed_lines(content.lines()):
        try:
            parse_trade(line)
        except RejectedLineError as error:
            rejected += 1
            click.echo(f"  {log.name}:{number}: {error}")
    return rejected
