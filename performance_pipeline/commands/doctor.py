"""`doctor`: can the pipeline run, what in the logs would not count, and what would help."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from performance_pipeline.commands.home import home_of
from performance_pipeline.domain.targets import EDGE, TargetLine
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.examination import (
    Examination,
    Places,
    examine_logs,
    logs_of,
    logs_too_old,
    proposals,
)
from performance_pipeline.pipeline.instance_size import instance_size
from performance_pipeline.pipeline.instance_ticks import silent_since, waits_until
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.reports.number_format import counted, in_full, percent, size_on_disk
from performance_pipeline.reports.wording import moment
from performance_pipeline.settings import Settings, unknown_variables
from performance_pipeline.sources.listing import load_listing
from performance_pipeline.storage.import_state import load_imports
from performance_pipeline.storage.stores import store_at

# So many are named one by one; more are grouped, so that a screen holds what there is to know.
_FEW_LINES: Final = 40
_FEW_LOGS: Final = 5
# Settings that only one of several bots has.
_OF_SEVERAL: Final = ("bot", "home")
_STRETCHES_SHOWN: Final = 10


def examine(tracker: PerformanceTracker, *, every_line: bool) -> None:
    """Print all of it.

    Raises PipelineError when a log cannot be read, no line would count, or a store is not safe.
    """
    _show_settings(tracker.settings)
    _show_targets(tracker)
    _show_sources(tracker)
    _show_object_stores(tracker.settings)
    _show_instance(tracker)
    _show_logs(tracker, every_line=every_line)
    found = examine_logs(tracker)
    _show_lines(found, every_line=every_line)
    if helpful := proposals(tracker, found):
        click.echo("What would help")
        for sentence in helpful:
            click.echo(f"  {sentence}")
    if found.unreadable:
        names = ", ".join(log.name for log, _ in found.unreadable)
        raise PipelineError(f"{len(found.unreadable)} logs cannot be read: {names}")
    if found.lines and not found.counted:
        raise _none_counts(found)
    click.echo("The pipeline can run.")


def _show_settings(settings: Settings) -> None:
    click.echo("Settings")
    for name in settings.__dataclass_fields__:
        value = getattr(settings, name)
        if name == "origins" or (name in _OF_SEVERAL and not value):
            continue
        if name == "account" and value:
            value = "one account"
        if name == "notify":
            # By scheme alone: a URL holds a password or a token.
            value = ", ".join(map(str, settings.notify))
        click.echo(f"  {name}: {_as_set(value)}")
    for sentence in unknown_variables():
        click.echo(f"  {sentence}")


def _as_set(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in ("", None) else value


def _show_targets(tracker: PerformanceTracker) -> None:
    loaded = tracker.targets
    click.echo(f"Targets in {tracker.settings.targets_file}")
    for sentence in (*loaded.errors, *tracker.target_warnings):
        click.echo(f"  {sentence}")
    if loaded.targets is None:
        return
    for window in PARTITIONED_WINDOWS:
        for line in loaded.targets.for_window(window):
            asked = _asked(line)
            if line.critical is not None:
                asked += f", critical below {in_full(line.metric, line.critical)}"
            if line.confidence is not None:
                asked += f", a miss unsure while p is above {percent(1 - line.confidence)}"
            click.echo(f"  {window}: {asked}")


def _asked(line: TargetLine) -> str:
    if line.metric == EDGE:
        return f"{EDGE} below {in_full(EDGE, line.target)}"
    of_strategy = f" of {line.strategy}" if line.strategy else ""
    return f"{line.metric}{of_strategy} at least {in_full(line.metric, line.target)}"


def _show_sources(tracker: PerformanceTracker) -> None:
    """The sources that are imported by themselves, and how that went."""
    settings = tracker.settings
    if not settings.imports_sources:
        return
    click.echo(f"Sources in {settings.sources_file}")
    try:
        listing = load_listing(settings.sources_file)
    except PipelineError as error:
        click.echo(f"  {error}")
        return
    known = load_imports(settings.output_dir)
    for listed in listing:
        click.echo(f"  {listed.name}: {counted(len(listed.files()), 'file')}")
        last = known.get(listed.name)
        if last is None:
            click.echo("    not imported by the service yet")
            continue
        when = datetime.fromtimestamp(last.tried_at, UTC)
        click.echo(f"    {moment(when)}: {last.said}")
        for sentence in last.trouble:
            click.echo(f"    {sentence}")


def _show_object_stores(settings: Settings) -> None:
    """Whether what is written there is safe; raises StoreError where it is not."""
    for place in dict.fromkeys((settings.output_dir, settings.alert_log.parent)):
        if not isinstance(place, Path):
            store_at(place).require_conditions()
            click.echo(f"Object store at {place}: honours conditional writes")


def _show_instance(tracker: PerformanceTracker) -> None:
    home = home_of(tracker.settings)
    found = instance_size(home, tracker.now)
    if found is None:
        click.echo(f"Dagster instance: none yet in {home}")
        return
    grows = "" if found.a_day is None else f", and grew by {size_on_disk(found.a_day)} a day lately"
    click.echo(f"Dagster instance: {size_on_disk(found.total)} in {home}{grows}")
    zone = tracker.settings.timezone
    if (until := waits_until(home, tracker.now)) is not None:
        click.echo(
            "  the clock was set back: its sensors stand still until"
            f" {moment(until.astimezone(zone))} ({zone.key}); what is logged meanwhile is taken"
            " up then"
        )
    elif (since := silent_since(home, tracker.now)) is not None:
        click.echo(
            f"  its sensors last looked at {moment(since.astimezone(zone))} ({zone.key}): the"
            " service does not run, or waits since its clock was set back; start it (again)"
        )
    days = tracker.settings.keep_runs_days
    named = tracker.settings.origins.named("PERFORMANCE_KEEP_RUNS_DAYS")
    if days:
        click.echo(f"  history nothing relies on goes after {days} days ({named})")
    else:
        click.echo(f"  all of its history is kept ({named} is 0)")


def _show_logs(tracker: PerformanceTracker, *, every_line: bool) -> None:
    logs, listing = logs_of(tracker), tracker.store.listing
    span = f", {logs[0].name} to {logs[-1].name}" if len(logs) > 1 else ""
    click.echo(f"Logs: {len(logs)} in {tracker.settings.log_dir}{span}")
    for ignored in listing.ignored:
        click.echo(f"  {ignored}")
    for day in sorted(listing.archived_twins):
        click.echo(f"  {day}.jsonl: exists both plain and as .gz; the plain one counts")
    old = logs_too_old(tracker)
    older = (
        f"older than the first partition, {tracker.settings.start_date}"
        f" ({tracker.settings.origins.named('PERFORMANCE_START_DATE')}); not counted"
    )
    if every_line or len(old) <= _FEW_LOGS:
        for log in old:
            click.echo(f"  {log.name}: {older}")
    else:
        click.echo(f"  {len(old)} logs, {old[0].name} to {old[-1].name}: {older}")


def _show_lines(found: Examination, *, every_line: bool) -> None:
    for _, error in found.unreadable:
        click.echo(f"  {error}")
    if every_line or found.total_rejected <= _FEW_LINES:
        for file, number, reason in found.rejected_lines():
            click.echo(f"  {file}:{number}: {reason}")
    else:
        for reason, places in sorted(found.rejected.items(), key=lambda one: -one[1].count):
            _show_group(reason, places)
    click.echo(f"Rejected lines: {found.total_rejected}")
    parts = f" ({_parts(found)})" if found.lines else ""
    click.echo(f"Log lines: {found.lines}{parts}")


def _show_group(reason: str, places: Places) -> None:
    """One reason, with the stretches of lines that it is the reason for."""
    file, first, _ = places.stretches[0]
    lines = "1 line" if places.count == 1 else f"{places.count} lines"
    click.echo(f"  {lines}: {reason}, first {file}:{first}")
    for file, first, last in places.stretches[:_STRETCHES_SHOWN]:
        click.echo(f"    {file}:{first}" + (f"-{last}" if last > first else ""))
    if (more := len(places.stretches) - _STRETCHES_SHOWN) > 0:
        click.echo(f"    and in {more} more places; `doctor --all` names every line")


def _parts(found: Examination) -> str:
    """What becomes of the lines, and of how many."""
    parts = (
        (found.counted, "count"),
        (found.open, "open records"),
        (found.too_old, "older than the first partition"),
        (found.of_other_mode, "of another execution mode"),
        (found.of_other_account, "of another account"),
        (found.total_rejected, "rejected"),
    )
    return ", ".join(f"{count} {what}" for count, what in parts if count)


def _none_counts(found: Examination) -> PipelineError:
    return PipelineError(f"none of {found.lines} log lines would count: {_parts(found)}")
