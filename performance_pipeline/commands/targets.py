"""`targets replay`: which alerts targets would have raised over the past."""

from functools import partial

import click
import msgspec

from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.replaying import replay_targets
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.storage.plain_json import encode_plain


def show_replay(
    tracker: PerformanceTracker, period: Period, given: Place | None, *, as_json: bool
) -> None:
    """Print what the targets in force, and those of the file `given`, make of `period`.

    Raises UnusableTargetsError and UnreadableLogError.
    """
    for sentence in (*tracker.targets.errors, *tracker.targets.warnings):
        click.echo(f"warning: {sentence}", err=True)
    if tracker.targets.targets is None and not tracker.targets.errors:
        click.echo(f"warning: {tracker.settings.targets_file}: no such file", err=True)
    replay = replay_targets(tracker, period, given)
    if as_json:
        click.echo(msgspec.json.format(encode_plain(replay), indent=2))
        return
    # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.replay_view import replay_view

    show(partial(replay_view, replay))
