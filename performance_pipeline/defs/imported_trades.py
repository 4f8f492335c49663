"""The asset of trades that other software keeps, and the sensor that takes them up as they come.

A listed source that has changed is imported within the tick that sees it, without a run, as the
running day is made: a database that its bot writes to changes every few seconds. What Dagster hears
of is what was added, or went wrong. A source that takes long to read is left to a run.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import dagster as dg

from performance_pipeline.defs.keys import OWNERS
from performance_pipeline.defs.lost_logs import require_logs
from performance_pipeline.defs.metadata import Metadata, table
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.defs.trouble import saying_trouble
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.listed_imports import (
    ChangedSource,
    TakenUp,
    changed_sources,
    take_up,
)
from performance_pipeline.sources.listing import ListedSource, load_listing
from performance_pipeline.storage.import_state import keep_imports, load_imports

# Read within a tick in some ten seconds; the daemon gives up on one after sixty.
_BYTES_IN_A_TICK: Final = 64_000_000
_SECONDS_BETWEEN_RUNS: Final = 300
_SAID: Final = 20
_LOOKED: Final = "looked"
_COLUMNS: Final = ("source", "last import")


def imported_trades_asset(runtime: Runtime) -> dg.AssetsDefinition:
    keys = runtime.keys

    @dg.asset(
        key=keys.imported_trades,
        group_name=keys.group,
        owners=OWNERS,
        kinds={"python", "json"},
        description=(
            "The trades that other software keeps, as `sources.yaml` lists it: databases, exports"
            " of brokers and exchanges. Each record becomes one line of a trade log, once."
        ),
    )
    def imported_trades(context: dg.AssetExecutionContext) -> None:
        try:
            listing = load_listing(runtime.settings.sources_file)
            require_logs(runtime, context.instance)
        except PipelineError as error:
            raise dg.Failure(str(error)) from error
        taken = _take_up(runtime, changed_sources(listing, {}, runtime.clock()), listing)
        for sentence in _trouble(taken):
            context.log.warning(sentence)
        context.add_output_metadata(_metadata(taken))
        if unreadable := [sentence for one in taken for sentence in one.found.unreadable]:
            raise dg.Failure("; ".join(unreadable), metadata=_metadata(taken))

    return imported_trades


def imported_trades_sensor(runtime: Runtime) -> dg.SensorDefinition:
    look_or_say = saying_trouble(partial(_look, runtime), "Nothing is imported.")

    @dg.sensor(
        name=runtime.keys.import_sensor,
        asset_selection=dg.AssetSelection.assets(runtime.keys.imported_trades),
        minimum_interval_seconds=runtime.look_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Imports a source that sources.yaml lists whenever it has changed.",
    )
    def imported_trades_sensor(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        return look_or_say(context)

    return imported_trades_sensor


def _look(runtime: Runtime, context: dg.SensorEvaluationContext) -> dg.SensorResult:
    listing = load_listing(runtime.settings.sources_file)
    # Without a cursor Dagster has heard nothing yet, whatever was imported before.
    looked = context.cursor == _LOOKED
    known = load_imports(runtime.settings.output_dir) if looked else {}
    now = runtime.clock()
    changed = changed_sources(listing, known, now)
    if not changed:
        return dg.SensorResult(skip_reason="No source has changed.", cursor=_LOOKED)
    if sum(source.bytes for source in changed) > _BYTES_IN_A_TICK:
        slot = int(now.timestamp()) // _SECONDS_BETWEEN_RUNS
        request = dg.RunRequest(
            run_key=f"{runtime.keys.import_sensor}-{slot}",
            asset_selection=[runtime.keys.imported_trades],
            tags=runtime.keys.run_tags,
        )
        return dg.SensorResult(run_requests=[request], cursor=_LOOKED)
    require_logs(runtime, instance_of(context))
    taken = _take_up(runtime, changed, listing)
    news = [one for one in taken if one.is_news]
    for sentence in _trouble(news):
        context.log.warning(sentence)
    events = [
        dg.AssetMaterialization(runtime.keys.imported_trades, metadata=_metadata(news))
    ] * bool(news)
    return dg.SensorResult(
        asset_events=events,
        cursor=_LOOKED,
        skip_reason=None if events else "The sources say what they said before.",
    )


def _take_up(
    runtime: Runtime, changed: Sequence[ChangedSource], listing: Sequence[ListedSource]
) -> list[TakenUp]:
    settings = runtime.settings
    taken = [take_up(settings, source, runtime.clock()) for source in changed]
    kept = load_imports(settings.output_dir)
    kept |= {one.source.listed.name: one.last for one in taken}
    names = {listed.name for listed in listing}
    listed = {name: kept[name] for name in kept if name in names}
    keep_imports(settings.output_dir, listed, settings.origins)
    return taken


def _trouble(taken: Sequence[TakenUp]) -> list[str]:
    said = [sentence for one in taken for sentence in one.found.trouble]
    more = len(said) - _SAID
    return [*said[:_SAID], *([f"and {more} more"] if more > 0 else [])]


def _metadata(taken: Sequence[TakenUp]) -> Metadata:
    rows = [(one.source.listed.name, one.last.said) for one in taken]
    trouble = "; ".join(_trouble(taken))
    return {
        "added": dg.MetadataValue.int(sum(one.found.added for one in taken)),
        "sources": table(_COLUMNS, rows),
        **({"trouble": dg.MetadataValue.text(trouble)} if trouble else {}),
    }
