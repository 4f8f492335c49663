"""`bots`: how each of several bots stands now, side by side."""

from collections.abc import Sequence
from functools import partial

import click
import msgspec

from performance_pipeline.pipeline.overview import overview, overview_document, write_overview
from performance_pipeline.places import Place
from performance_pipeline.reports.number_format import size_on_disk
from performance_pipeline.settings import Settings


def show_bots(bots: Sequence[Settings], out: Place | None, *, as_json: bool) -> bool:
    """Print a row for each of `bots`, or write them as a page to `out`; False where one has none.

    The exact figures are in the JSON.
    """
    found = overview(bots)
    if out is not None:
        size = write_overview(out, found)
        click.echo(f"{out}: {size_on_disk(size)}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(overview_document(found)), indent=2))
    elif out is None:
        # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
        from performance_pipeline.commands.screen import show
        from performance_pipeline.reports.overview_view import overview_view

        show(partial(overview_view, found))
    return all(row.state is not None for row in found.bots)
