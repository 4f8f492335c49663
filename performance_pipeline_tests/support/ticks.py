"""States and ticks of sensors, as the daemon stores them."""

from datetime import datetime
from typing import Final

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorStatus, SensorInstigatorData, TickData
from dagster_shared.error import SerializableErrorInfo

from performance_pipeline.defs.dagster_internals import InstigatorState, InstigatorType, TickStatus

REPOSITORY: Final = RemoteRepositoryOrigin(
    RegisteredCodeLocationOrigin("performance_pipeline"), "__repository__"
)


def sensor_state(name: str, *, running: bool = True, cursor: str | None = None) -> InstigatorState:
    return InstigatorState(
        RemoteInstigatorOrigin(REPOSITORY, name),
        InstigatorType.SENSOR,
        InstigatorStatus.RUNNING if running else InstigatorStatus.STOPPED,
        SensorInstigatorData(cursor=cursor),
    )


def record_tick(instance: dg.DagsterInstance, name: str, at: datetime, status: TickStatus) -> int:
    """A tick of the sensor of that name, which is one that runs; its id."""
    state = sensor_state(name)
    if instance.get_instigator_state(state.instigator_origin_id, state.selector_id) is None:
        instance.add_instigator_state(state)
    tick = instance.create_tick(
        TickData(
            state.instigator_origin_id,
            name,
            InstigatorType.SENSOR,
            status,
            at.timestamp(),
            run_ids=[],
            error=SerializableErrorInfo("", [], "") if status is TickStatus.FAILURE else None,
            selector_id=state.selector_id,
        )
    )
    return int(tick.tick_id)
