"""`second-opinion`: our report on freqtrade's trades, beside what freqtrade says of them."""

from functools import partial
from pathlib import Path

import click
import msgspec

from performance_pipeline.pipeline.second_opinion import second_opinion
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline.sources.records import Source
from performance_pipeline.storage.plain_json import encode_plain


def show_second_opinion(path: Path, *, as_json: bool) -> bool:
    """Print the second opinion on a file; False when a figure differs without a known reason.

    Raises UnreadableSourceError.
    """
    opinions = second_opinion(Source(path), utc_now())
    if as_json:
        click.echo(msgspec.json.format(encode_plain(opinions), indent=2))
    else:
        # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
        from performance_pipeline.commands.screen import show
        from performance_pipeline.reports.second_opinion_view import second_opinions_view

        show(partial(second_opinions_view, opinions))
    return not opinions.different
