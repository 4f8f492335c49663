"""The sensor that has alerts delivered: it looks whether something is due, and never waits."""

from functools import partial
from typing import Final

import dagster as dg

from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.trouble import saying_trouble
from performance_pipeline.pipeline.courier import Courier
from performance_pipeline.pipeline.delivery import Route
from performance_pipeline.reports.number_format import counted
from performance_pipeline.storage.delivery_state import DeliveryState, forget, load_state
from performance_pipeline.storage.logs import require_folder

# Without a URL there is nothing to look for; settings change when the service starts.
_IDLE_SECONDS: Final = 600


def alert_delivery_sensor(runtime: Runtime) -> dg.SensorDefinition:
    settings = runtime.settings
    route = Route(settings.alert_log, settings.output_dir, settings.notify, settings.origins)
    looked = partial(_look, runtime, route, Courier())
    look_or_say = saying_trouble(looked, "Looked at again with the next tick.")

    @dg.sensor(
        name=runtime.keys.delivery_sensor,
        minimum_interval_seconds=runtime.look_seconds if route.urls else _IDLE_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends what the alert log gains to the URLs of PERFORMANCE_NOTIFY.",
    )
    def alert_delivery_sensor(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        if not route.urls:
            # What the log gains while nobody asks for it is no news later on.
            forget(route.output_dir)
            named = settings.origins.named("PERFORMANCE_NOTIFY")
            return dg.SkipReason(f"{named} is empty: nothing is sent.")
        return look_or_say(context)

    return alert_delivery_sensor


def _look(
    runtime: Runtime, route: Route, courier: Courier, context: dg.SensorEvaluationContext
) -> dg.SensorResult:
    if trouble := courier.trouble():
        context.log.error(trouble)
    # Where it is away, what was remembered may be away with it, and a round would make it anew.
    require_folder(runtime.settings.log_dir, route.origins)
    state = load_state(route.output_dir)
    told = _tell(context, state)
    if busy := courier.busy_with():
        return dg.SensorResult(skip_reason=busy, cursor=told)
    if not route.is_due(state, runtime.clock()):
        return dg.SensorResult(skip_reason=_waiting(state), cursor=told)
    courier.start(route)
    return dg.SensorResult(skip_reason="Sending began.", cursor=told)


def _tell(context: dg.SensorEvaluationContext, state: DeliveryState | None) -> str:
    """Log what delivery has said since the last look; the cursor: how much of it is told."""
    if state is None:
        return "0"
    cursor = context.cursor or ""
    told = int(cursor) if cursor.isdigit() else 0
    new = state.said_count - told
    if new < 0:
        new = state.said_count
    for sentence in state.said[-new:] if new else ():
        context.log.warning(sentence)
    return str(state.said_count)


def _waiting(state: DeliveryState | None) -> str:
    waiting = sum(len(channel.waiting) for channel in state.channels) if state else 0
    if not waiting:
        return "Everything is sent."
    return f"Waiting to be tried again: {counted(waiting, 'message')}."
