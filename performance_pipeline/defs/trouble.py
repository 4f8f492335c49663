"""What keeps a sensor from its work: said once in its log, and in every tick as its reason."""

from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from performance_pipeline.errors import PipelineError

R = TypeVar("R", dg.SensorResult, dg.SensorResult | dg.SkipReason)


def saying_trouble(
    look: Callable[[dg.SensorEvaluationContext], R], outcome: str
) -> Callable[[dg.SensorEvaluationContext], R | dg.SkipReason]:
    """`look`, but a PipelineError becomes a tick that is skipped, its cursor as it was.

    Raised, it would stand at the end of a stack trace every few seconds. `outcome` is the sentence
    that says what has not been done.
    """
    said: str | None = None

    def looked(context: dg.SensorEvaluationContext) -> R | dg.SkipReason:
        nonlocal said
        try:
            result = look(context)
        except PipelineError as error:
            if said != str(error):
                said = str(error)
                context.log.error(said)
            return dg.SkipReason(f"{outcome} {error}")
        said = None
        return result

    return looked
