"""`import`: trades of other software into trade logs, and what became of each record."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from performance_pipeline.domain.numbers import plain
from performance_pipeline.pipeline.import_result import Import, Tally
from performance_pipeline.pipeline.importing import import_sources
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline.places import Place
from performance_pipeline.reports.number_format import counted
from performance_pipeline.settings import Settings
from performance_pipeline.sources.formats import format_called
from performance_pipeline.sources.records import Format, ImportOptions, Source

_SHOWN: Final = 50


def import_trades(
    settings: Settings,
    format_name: str,
    paths: Sequence[Path],
    options: ImportOptions,
    folder: Place | None,
    *,
    replace: bool,
    dry_run: bool,
) -> bool:
    """Import, by default into the log folder, and print what became of each record.

    False when one of them is not in the logs as its source has it. Raises PipelineError where the
    format is unknown, or the logs cannot be read or written.
    """
    kind = format_called(format_name)
    found = import_sources(
        kind,
        [Source(path, options) for path in paths],
        settings.log_dir if folder is None else folder,
        utc_now(),
        replace=replace,
        dry_run=dry_run,
    )
    _show(found, kind, settings, dry_run=dry_run)
    return found.succeeded


def _show(found: Import, kind: Format, settings: Settings, *, dry_run: bool) -> None:
    for sentence in found.unreadable:
        click.echo(f"error: {sentence}", err=True)
    _show_records("rejected", found.rejected)
    _show_records("changed", found.changed)
    for note, count in sorted(found.notes.items()):
        click.echo(f"warning: {counted(count, 'record')} {note}", err=True)
    for currency, count in sorted(found.foreign_fees.items()):
        click.echo(
            f"warning: {counted(count, 'fee')} in {currency}, not the currency of the price:"
            " commission is null there",
            err=True,
        )
    for what, tally in sorted(found.left_out.items()):
        click.echo(f"left out: {_left_out(what, tally)}")
    if found.fills and kind.open_is_fill and settings.pairing_rules is None:
        click.echo(
            f"{counted(found.fills, 'open record')} added: where they are fills,"
            f" {settings.origins.valued('PERFORMANCE_PAIRING', 'fifo')} makes closed trades of them"
        )
    if found.fills and not kind.open_is_fill and settings.pairing_rules is not None:
        paired = settings.origins.valued("PERFORMANCE_PAIRING", settings.pairing)
        click.echo(
            f"warning: {counted(found.fills, 'open trade')} added, which {paired} takes for fills;"
            " set it to none",
            err=True,
        )
    if dry_run:
        click.echo("Nothing was written. An import would come to:")
    click.echo(found.summary_line)


def _show_records(what: str, sentences: Sequence[str]) -> None:
    for sentence in sentences[:_SHOWN]:
        click.echo(f"{what}: {sentence}", err=True)
    if len(sentences) > _SHOWN:
        click.echo(f"{what}: {len(sentences) - _SHOWN} more", err=True)


def _left_out(what: str, tally: Tally) -> str:
    sums = ", ".join(f"{plain(amount)} {unit}".strip() for unit, amount in tally.sums.items())
    return f"{tally.count} {what}" + (f", sum {sums}" if sums else "")
