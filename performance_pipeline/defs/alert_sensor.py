"""Keeping the alert log true to the checks: the sensor, and the same for a backfill."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import dagster as dg
import msgspec

from performance_pipeline.defs.check_history import (
    Partition,
    all_evaluated,
    evaluated_by,
    finished_since,
    latest_evaluations,
    latest_finished,
    may_have_evaluated,
)
from performance_pipeline.defs.external_assets import never_reported, reported_alerts
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.lost_logs import require_logs
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.defs.shared_instance import instance_of
from performance_pipeline.defs.trouble import saying_trouble
from performance_pipeline.domain.alerts import AlertEvent, raised_warnings
from performance_pipeline.domain.reconciling import reconcile
from performance_pipeline.places import Place
from performance_pipeline.storage.alert_log import AlertLog, Tell
from performance_pipeline.storage.logs import require_folder
from performance_pipeline.storage.stores import is_there, read

# A run's time is taken before it is stored: look this far back again for those stored late.
_OVERLAP: Final = timedelta(minutes=2)
# A cursor is stored again with every tick; it names no more runs than these.
_RUNS_NAMED: Final = 12
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AlertCursor(msgspec.Struct, frozen=True):
    """Up to where runs are taken account of, and how the alert log was left.

    It saves work only: starting without one gives the same alert log. `recent_digest` is over all
    runs of the bot that the next tick asks for again, and `recent_run_ids` names the newest of
    them. Where there are more than it names, the others are read once more as soon as a new one is
    there.
    """

    finished_until: datetime = _EVER
    recent_run_ids: tuple[str, ...] = ()
    recent_digest: str = ""
    log_length: int = 0
    log_digest: str = ""

    @classmethod
    def decode(cls, text: str | None) -> "AlertCursor | None":
        try:
            return msgspec.json.decode(text, type=cls) if text else None
        except msgspec.DecodeError:
            return None

    @classmethod
    def after(cls, runs: Sequence[dg.RunRecord], keys: Keys, path: Place) -> "AlertCursor":
        """The cursor once `runs` are taken account of, and the log at `path` was written."""
        # Not later than now, where the clock was set back: what ends from now on is new.
        until = min(max((run.update_timestamp for run in runs), default=_EVER), _now())
        recent = _ids(run for run in _own(runs, keys) if run.update_timestamp > until - _OVERLAP)
        return cls(until, recent[-_RUNS_NAMED:], _digest(recent), *_log_state(path))

    def unknown(self, runs: Sequence[dg.RunRecord], keys: Keys) -> set[str]:
        """The ids of those of `runs`, finished since then, that may not be taken account of."""
        ids = _ids(_own(runs, keys))
        return set() if _digest(ids) == self.recent_digest else {*ids} - {*self.recent_run_ids}

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()

    def fits(self, path: Place) -> bool:
        """Whether the alert log is still the one that was left, perhaps grown since.

        Never once the clock was set back: runs that ended since would look like old ones.
        """
        if self.finished_until > _now() + _OVERLAP:
            return False
        length, digest = _log_state(path, self.log_length)
        return (length, digest) == (self.log_length, self.log_digest)


def update_alert_log(
    runtime: Runtime, instance: dg.DagsterInstance, partitions: set[Partition], tell: Tell
) -> list[AlertEvent]:
    """Append what the checks of `partitions` call for, and return it.

    `tell` hears of lines that are no alerts, which are moved out of the log.
    """
    if not partitions:
        return []
    # The checks are read once the log is ours: what another writer knew later is not unsaid.
    return AlertLog(runtime.settings.alert_log, tell).update(
        lambda alerts: reconcile(
            alerts,
            latest_evaluations(instance, runtime.keys, partitions),
            now=runtime.clock(),
            lookback_days=runtime.settings.lookback_days,
        ),
        settle=True,
    )


def told_of_alerts(
    runtime: Runtime, context: dg.SensorEvaluationContext, partitions: set[Partition]
) -> list[dg.AssetMaterialization]:
    """Keep the alert log true to the checks of `partitions`, and say what that came to.

    Returns how Dagster is to hear of the log, where there is something new.
    """
    tell, instance = warns(context), instance_of(context)
    events = update_alert_log(runtime, instance, partitions, tell)
    for sentence in raised_warnings(events):
        tell(sentence)
    path = runtime.settings.alert_log
    # A log that was there before the instance was.
    unknown = is_there(path) and never_reported(instance, runtime.keys.performance_alerts)
    return [reported_alerts(runtime.keys, AlertLog(path), events)] if events or unknown else []


def warns(context: dg.SensorEvaluationContext) -> Tell:
    """Warns in the log of the tick.

    That log is a file of its own, there as soon as somebody asks for it; most ticks need none.
    """

    def warn(sentence: str) -> None:
        context.log.warning(sentence)

    return warn


def performance_alert_sensor(runtime: Runtime) -> dg.SensorDefinition:
    agreed_or_say = saying_trouble(partial(_agreed, runtime), "Looked at again with the next tick.")

    @dg.sensor(
        name=runtime.keys.alert_sensor,
        minimum_interval_seconds=runtime.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Keeps the alert log true to what the meets_targets checks say.",
    )
    def performance_alert_sensor(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        return agreed_or_say(context)

    return performance_alert_sensor


def _agreed(
    runtime: Runtime, context: dg.SensorEvaluationContext
) -> dg.SensorResult | dg.SkipReason:
    """Make the alert log agree with the checks; raises PipelineError."""
    path, keys = runtime.settings.alert_log, runtime.keys
    instance = instance_of(context)
    # The alert log may have gone with the trade logs; nothing is to be written in its place.
    require_folder(runtime.settings.log_dir, runtime.settings.origins)
    log = AlertLog(path, warns(context))
    log.mend()
    cursor = AlertCursor.decode(context.cursor)
    if cursor is None or not cursor.fits(path):
        # A first look, or the log is not the one that was left: every check is read again,
        # and reconciling keeps what the log still holds from being said twice.
        runs = latest_finished(instance)
        partitions = all_evaluated(instance, keys)
    else:
        runs = finished_since(instance, cursor.finished_until - _OVERLAP)
        new = cursor.unknown(runs, keys)
        if not new:
            # Past the runs of other bots, which would be asked for again by every look.
            ahead = AlertCursor.after(runs, keys, path)
            moved = ahead.finished_until > cursor.finished_until + _OVERLAP
            return dg.SensorResult(
                skip_reason="No run has finished since the last look.",
                cursor=ahead.encode() if moved else context.cursor,
            )
        partitions = evaluated_by(instance, keys, new)
    require_logs(runtime, instance)
    reported = told_of_alerts(runtime, context, partitions)
    return dg.SensorResult(
        asset_events=reported,
        cursor=AlertCursor.after(runs, keys, path).encode(),
        skip_reason=None if reported else "The alert log agrees with the checks.",
    )


def _now() -> datetime:
    """By the clock that Dagster stamps its runs with, whatever the pipeline's says."""
    return datetime.now(UTC)


def _own(runs: Iterable[dg.RunRecord], keys: Keys) -> Iterator[dg.RunRecord]:
    return (run for run in runs if may_have_evaluated(run.dagster_run, keys))


def _ids(runs: Iterable[dg.RunRecord]) -> tuple[str, ...]:
    return tuple(run.dagster_run.run_id for run in runs)


def _digest(run_ids: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(run_ids)).encode()).hexdigest()[:16]


def _log_state(path: Place, length: int | None = None) -> tuple[int, str]:
    """How long the alert log is, and its digest: of all of it, or of its first bytes."""
    try:
        content = read(path)[:length]
    except FileNotFoundError:
        return 0, ""
    return len(content), hashlib.sha256(content).hexdigest() if content else ""
