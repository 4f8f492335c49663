"""Replaying targets over a range of days, from the aggregates alone and in memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from performance_pipeline.domain.reconciling import evaluation_of
from performance_pipeline.domain.replay import (
    Moment,
    Replay,
    differing,
    replayed,
    side_by_side,
)
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.targets import TargetsFile
from performance_pipeline.domain.verdicts import Evidence, with_verdicts
from performance_pipeline.domain.windows import (
    PARTITIONED_WINDOWS,
    Period,
    end_of_day,
)
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.storage.targets_file import load_targets


class UnusableTargetsError(PipelineError):
    """A targets file that judges nothing: says what is wrong with it, and where."""


class _Judgeable(NamedTuple):
    """A period, its summary and what else verdicts rest on, and the moment of judging it."""

    period: Period
    summary: PerformanceSummary
    evidence: Evidence
    now: datetime


def targets_to_replay(path: Place) -> TargetsFile:
    """The targets of a file; raises UnusableTargetsError for one that has none."""
    found = load_targets(path)
    if found.errors:
        raise UnusableTargetsError("; ".join(found.errors))
    if found.targets is None:
        raise UnusableTargetsError(f"{path}: there is no such file; accepted is a targets file")
    return found


def replay_targets(tracker: PerformanceTracker, asked: Period, given: Place | None) -> Replay:
    """What the targets in force, and those of the file `given`, make of the days of `asked`.

    Every period that these days touch is judged at the moment it was over, one that still runs at
    this moment. Raises UnusableTargetsError and UnreadableLogError.
    """
    file = None if given is None else targets_to_replay(given)
    judgeable = list(_in_time_order(tracker, asked))
    ours = replayed(_moments(tracker, judgeable, tracker.targets))
    theirs = None if file is None else replayed(_moments(tracker, judgeable, file))
    only_ours, only_theirs, severities = differing(ours, ours if theirs is None else theirs)
    return Replay(
        start_date=asked.first_day,
        end_date=asked.last_day,
        periods=len(judgeable),
        targets_in_force=str(tracker.settings.targets_file),
        targets_given=None if given is None else str(given),
        counts=side_by_side(ours, theirs),
        in_force=ours,
        given=theirs,
        only_in_force=only_ours,
        only_given=only_theirs,
        severity_differs=severities,
    )


def _in_time_order(tracker: PerformanceTracker, asked: Period) -> Iterator[_Judgeable]:
    """Every period that `asked` touches, as they ended; of one moment the shorter ones first."""
    days = [day for day in tracker.counted_days(asked) if day <= tracker.today]
    periods = dict.fromkeys(
        Period.of(window, day) for day in days for window in PARTITIONED_WINDOWS
    )
    ordered = sorted(periods, key=lambda one: (one.last_day, PARTITIONED_WINDOWS.index(one.window)))
    for period in ordered:
        over = end_of_day(period.last_day, tracker.settings.timezone)
        yield _Judgeable(period, *tracker.judgeable(period), min(over, tracker.now))


def _moments(
    tracker: PerformanceTracker, judgeable: list[_Judgeable], file: TargetsFile
) -> Iterator[Moment]:
    for period, summary, evidence, now in judgeable:
        judged = with_verdicts(
            summary,
            file,
            now=now,
            rolling_window=tracker.settings.rolling_window,
            evidence=evidence,
        )
        yield Moment(now, evaluation_of(period, judged))
