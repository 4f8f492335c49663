"""Recombined against recounted: every summary once from aggregates, once from all raw lines.

A difference is an error in reading, reducing, storing or combining; `recount/documents.py` says
what the two share. Of a verdict are compared its actual, its variance and p-value, and whether that
is a breach or may be luck. Not compared is what the targets file or the settings alone decide
(which targets there are, their numbers, `severity`, what is pending or too little to judge,
`alert_status`, `settings`), `schema_version` and `generated_at`; what no summary shows, such as the
hours and sizes of a report; and the summary files, which hold what was asked when they were
written. Where a log of the past has disappeared, what rests on all trades so far (`peak_drawdown`,
`edge`) is not compared either.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import zip_longest
from typing import Any, Final

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.verdicts import OF_ALL_TRADES, judged_like
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period
from performance_pipeline.pipeline.recount.documents import Recount
from performance_pipeline.pipeline.recount.exact import ZERO, plain, ratio
from performance_pipeline.pipeline.recount.figures import Document
from performance_pipeline.pipeline.recount.luck import p_value
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.summaries import summary_document

NOT_COMPARED: Final = ("schema_version", "alert_status", "settings", "generated_at")

_ABSENT: Final = "nothing"
_JUDGED: Final = ("met", "breached", "unsure")


@dataclass(frozen=True)
class Difference:
    """One field of one summary that recombining and recounting disagree on."""

    period: Period
    field: str
    recombined: object
    recomputed: object

    def __str__(self) -> str:
        return (
            f"{self.period.window} {self.period.key}: {self.field}:"
            f" recombined {self.recombined!r}, recomputed {self.recomputed!r}"
        )


def periods_of(first: date, last: date) -> list[Period]:
    """Every period of the four windows that the days from `first` to `last` touch."""
    days = Period.spanning(first, last).days()
    return list(
        dict.fromkeys(Period.of(window, day) for window in PARTITIONED_WINDOWS for day in days)
    )


def verify(
    tracker: PerformanceTracker,
    periods: list[Period],
    on_period: Callable[[Period], None] = lambda _: None,
) -> Iterator[Difference]:
    """Compare the `periods` one by one; raises UnreadableLogError."""
    recount = Recount(tracker)
    for period in periods:
        summary = tracker.summarize(period)
        recombined = summary_document(summary)
        recomputed = recount.document(period)
        strategies = {verdict.strategy for verdict in summary.targets if verdict.strategy}
        recounts = {name: recount.of_strategy(period, name) for name in strategies}
        recomputed["targets"] = _verdicts(
            recombined["targets"], {"": recomputed, **recounts}, _confidences(tracker, summary)
        )
        for name in NOT_COMPARED:
            del recombined[name]
        if tracker.stream.rests_on_lost_logs(period.last_day):
            for document in (recombined, recomputed):
                _leave_out_all_trades(document)
        for field, left, right in _differences("", recombined, recomputed):
            yield Difference(period, field, left, right)
        on_period(period)


def rests_on_lost_logs(tracker: PerformanceTracker, period: Period) -> bool:
    """Whether a log of `period` has disappeared, so that nothing can be recounted."""
    days = (tracker.day(day) for day in tracker.counted_days(period))
    return any(day.kept_logs or day.lost_logs for day in days)


def _leave_out_all_trades(document: Document) -> None:
    for name in OF_ALL_TRADES:
        document.pop(name, None)
    if "room" in document:
        del document["room"]["peak_drawdown"]
    verdicts = document["targets"]
    document["targets"] = [one for one in verdicts if one["metric"] not in OF_ALL_TRADES]


def _confidences(
    tracker: PerformanceTracker, summary: PerformanceSummary
) -> dict[tuple[str, str], Fraction]:
    """By strategy and metric, how sure a miss has to be, where that is asked."""
    targets = tracker.targets.targets
    return {
        (line.strategy, line.metric): Fraction(line.confidence)
        for line in (targets.for_window(judged_like(summary)) if targets else ())
        if line.confidence is not None
    }


def _verdicts(
    recombined: list[Document],
    recounts: Mapping[str, Document],
    confidences: Mapping[tuple[str, str], Fraction],
) -> list[Document]:
    """The same verdicts with what follows from the recounted metrics put in its place.

    `recounts` are of all trades, under "", and of each strategy.
    """
    if not recounts[""]["total_trades"]:
        return []
    found = []
    for verdict in recombined:
        strategy, metric = verdict["strategy"], verdict["metric"]
        recount = recounts[strategy]
        actual, target = _actual(metric, recount), Fraction(verdict["target"])
        variance = None if actual is None else Fraction(actual) - target
        luck = p_value(metric, target, recount)
        status = verdict["status"]
        if status in _JUDGED and variance is not None:
            sure = luck is None or Fraction(luck) <= 1 - confidences.get((strategy, metric), ZERO)
            met = variance < 0 if metric == "edge" else variance >= 0
            status = "met" if met else "breached" if sure else "unsure"
        found.append(
            verdict
            | {
                "actual": actual,
                "variance": None if variance is None else plain(variance),
                "status": status,
                "p_value": luck,
            }
        )
    return found


def _actual(metric: str, recount: Document) -> str | None:
    if metric == "trades_per_day":
        return ratio(recount["total_trades"], recount["trading_days"])
    value = recount[metric]["statistic"] if metric == "edge" else recount[metric]
    return None if value is None else str(value)


def _differences(field: str, left: Any, right: Any) -> Iterator[tuple[str, object, object]]:
    """Where two documents differ, as deep down as possible, with the dotted path to it."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        pairs = [
            (key, left.get(key, _ABSENT), right.get(key, _ABSENT))
            for key in dict.fromkeys([*left, *right])
        ]
    elif isinstance(left, list) and isinstance(right, list):
        both = enumerate(zip_longest(left, right, fillvalue=_ABSENT))
        pairs = [(str(index), one, other) for index, (one, other) in both]
    else:
        pairs = []
        if left != right:
            yield field, left, right
    for key, one, other in pairs:
        yield from _differences(f"{field}.{key}" if field else key, one, other)
