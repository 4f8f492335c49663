"""When assets run by themselves: their conditions, what evaluates them, and how fresh is fresh."""

from datetime import timedelta
from typing import Final, cast

import dagster as dg

from performance_pipeline.defs.dagster_internals import InstigatorState, InstigatorType
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.settings import Settings

Condition = dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]
"""When an asset runs by itself, and its check with it."""

# After the daily close has had the time to do its work.
_AFTER_CLOSE: Final = "20 0 * * *"


def on_changed_logs() -> Condition:
    """Whatever depends on a partition that changed, however old, once nothing upstream runs."""
    return _at_rest(dg.AutomationCondition.any_deps_updated())


def on_changed_days_or_targets(keys: Keys) -> Condition:
    """The same for summaries; changed targets judge only the running period again."""
    targets = dg.AssetSelection.assets(keys.performance_targets)
    updated = dg.AutomationCondition.any_deps_updated
    changed = updated().ignore(targets) | (
        updated().allow(targets) & dg.AutomationCondition.in_latest_time_window()
    )
    # Dagster types this one for assets alone, and its parts for checks too.
    return _at_rest(cast("Condition", changed))


def once_a_day(settings: Settings) -> Condition:
    """After the daily close, and once what it closes is done; never with every trade."""
    return _at_rest(dg.AutomationCondition.cron_tick_passed(_AFTER_CLOSE, settings.timezone.key))


def _at_rest(
    changed: Condition,
) -> Condition:
    return (
        changed.since_last_handled()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def freshness() -> dg.FreshnessPolicy:
    """Stale when a day has passed in which nothing of the asset was made.

    Every day makes something of each: its first look reports the new day, log or none, and with it
    run the day, the week, the month and the rolling window that hold it. So this tells that the
    pipeline has stopped. It does not tell which partition is missing: Dagster 1.13 looks at the
    newest materialization of any partition, so a backfill of an old one passes for fresh too. Its
    checks that look at a partition are superseded by this policy.
    """
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
    )


def automation_sensor(runtime: Runtime) -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        runtime.keys.automation_sensor,
        # Not all: other bots are in the same place, and perhaps somebody else's assets.
        target=dg.AssetSelection.assets(*runtime.keys.assets),
        run_tags=runtime.keys.run_tags,
        minimum_interval_seconds=runtime.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Computes again what depends on a changed log or on changed targets.",
    )


def is_about_to_look(instance: dg.DagsterInstance, keys: Keys) -> bool:
    """Whether a daemon will evaluate the conditions for the first time, or is doing so.

    That first evaluation takes what it finds as given: a change reported before it runs nothing,
    then or later. So whoever reports changes waits until it is over. False without a daemon, and
    where the automation sensor is turned off.
    """
    states = _sensor_states(instance)
    state = states.get(keys.automation_sensor)
    if state is None:
        return bool(states)
    return state.is_running and not _cursor(state)


def has_looked(instance: dg.DagsterInstance, keys: Keys) -> bool:
    """Whether a daemon has evaluated the conditions before, and so minds what is reported."""
    state = _sensor_states(instance).get(keys.automation_sensor)
    return state is not None and bool(_cursor(state))


def is_turned_off(instance: dg.DagsterInstance, sensor: str) -> bool:
    """Whether somebody has stopped `sensor`, in the UI for example."""
    state = _sensor_states(instance).get(sensor)
    return state is not None and not state.is_running


def _sensor_states(instance: dg.DagsterInstance) -> dict[str, InstigatorState]:
    if instance.schedule_storage is None:
        return {}
    return {
        state.instigator_name: state
        for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    }


def _cursor(state: InstigatorState) -> str | None:
    data = state.sensor_instigator_data
    return data.cursor if data else None
