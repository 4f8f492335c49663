"""The sensor that sees changed logs, and changed targets, and reports them as assets.

Its cursor is two lines, whatever the number of logs: the digest of the watch, which is kept in the
output folder, and the data version of the targets file. The daemon stores what a tick reports
first and its cursor last, so after a crash a tick may look from an older watch than it could, or,
without the file, from none. What it then finds changed is held against what Dagster has stored
already, and only what that does not know is reported: a report that says nothing new would still
run everything that depends on it. So a first look after a `backfill`, which reports what it has
made, finds nothing to do.
"""

from functools import partial

import dagster as dg

from performance_pipeline.defs.automation import is_about_to_look
from performance_pipeline.defs.closing import range_request, unjudged_ranges
from performance_pipeline.defs.external_assets import (
    reported_logs,
    reported_targets,
    targets_version,
    unreported,
)
from performance_pipeline.defs.lost_logs import Missed, refuse_lost_logs
from performance_pipeline.defs.running_days import (
    TakenUp,
    is_for_the_sensor,
    is_writing,
    take_up_running_days,
)
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.defs.trouble import saying_trouble
from performance_pipeline.places import Place
from performance_pipeline.storage.log_changes import Watch, look
from performance_pipeline.storage.watches import has_watch, keep_watch, load_watch

_SEPARATOR = "\n"


def trade_log_sensor(runtime: Runtime) -> dg.SensorDefinition:
    look_or_say = saying_trouble(partial(_look, runtime, Missed()), "Nothing is reported.")

    @dg.sensor(
        name=runtime.keys.log_sensor,
        asset_selection=dg.AssetSelection.assets(*runtime.keys.made),
        minimum_interval_seconds=runtime.look_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Makes the running day as its log grows: files, checks and alerts. Reports other trade"
            " logs that are new, edited, archived or gone, and changed targets; judges again what"
            " could not be judged while the targets file was invalid."
        ),
    )
    def trade_log_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not context.cursor and is_about_to_look(instance_of(context), runtime.keys):
            return dg.SkipReason("Waiting for the automation sensor to look for the first time.")
        return look_or_say(context)

    return trade_log_sensor


def _look(
    runtime: Runtime, missed: Missed, context: dg.SensorEvaluationContext
) -> dg.SensorResult | dg.SkipReason:
    """One look at the folder and the targets; raises PipelineError, and then nothing is stored."""
    settings = runtime.settings
    remembered, _, targets_before = (context.cursor or "").partition(_SEPARATOR)
    before = _watch(settings.output_dir, remembered)
    now = runtime.clock()
    with missed.noticing():
        changes, watch = look(settings, before, now)
        if not watch.logs:
            refuse_lost_logs(runtime, instance_of(context))
    targets = targets_version(settings.targets_file)
    for warning in changes.warnings:
        context.log.warning(warning)
    made = TakenUp(watch, changes.days)
    if context.cursor and is_for_the_sensor(settings, changes.days, watch, now):
        if is_writing(instance_of(context), runtime.keys):
            return dg.SkipReason("A run is writing. The running day is looked at once it is over.")
        made = take_up_running_days(runtime, context, changes.days, watch)
    watch = made.watch
    cursor = f"{watch.digest}{_SEPARATOR}{targets}"
    requests = missed.requests(runtime, context)
    if cursor == context.cursor and not requests:
        return dg.SkipReason("No log has changed.")
    events = reported_logs(settings, made.left, watch)
    if targets != targets_before:
        events.append(reported_targets(settings))
        requests += [range_request(runtime.keys, *one) for one in unjudged_ranges(settings)]
    # A watch without a cursor: somebody has taken the cursor away, so that all is reported again.
    if context.cursor or not has_watch(settings.output_dir):
        events = unreported(instance_of(context), runtime.keys, events)
    if watch.digest != remembered:
        keep_watch(settings.output_dir, watch, before, settings.origins)
    events += made.alerts
    return dg.SensorResult(
        asset_events=events,
        run_requests=requests,
        cursor=cursor,
        skip_reason=None if events or requests else made.said,
    )


def _watch(output_dir: Place, remembered: str) -> Watch:
    """The watch to look from; an empty one where none is remembered, or it is lost."""
    # Before there was a file for it, the watch itself stood in the cursor.
    in_cursor = Watch.decode(remembered)
    return in_cursor if in_cursor != Watch() else load_watch(output_dir, remembered) or Watch()
