"""Data quality in words: what an operator should know before trusting a summary."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from performance_pipeline.domain.aggregate import DailyAggregate, Quality, RejectedLineAt
from performance_pipeline.domain.summary import DataQuality

_NAMES_SHOWN: Final = 5
_LINES_NAMED: Final = 40
_FILLS: Final = (
    "holding only open records and no exits: none of the trades can count yet; if they are fills,"
    " not trades that are still open, PERFORMANCE_PAIRING=fifo makes trades of them"
)

_UNTOLD: Final = "What rests on all trades so far, such as the peak drawdown, cannot be told: "


def data_quality(
    aggregate: DailyAggregate,
    *,
    paired: bool,
    missing_days: Sequence[date],
    archived_twins: Sequence[str],
    kept_logs: Sequence[str],
    lost_logs: Sequence[str],
    unreadable_before: str | None = None,
) -> DataQuality:
    """The quality section of a summary over `aggregate`.

    `paired` says that fills become trades; `archived_twins` are logs that exist both plain and
    archived, `kept_logs` logs that have disappeared and are counted as last read, `lost_logs` those
    that can no longer be counted. `unreadable_before` says why what rests on all trades so far
    cannot be told.
    """
    quality = aggregate.quality
    open_only = [log.file for log in quality.logs if log.open and not log.closed]
    incomplete = missing_days or lost_logs or quality.rejected or quality.unmatched_exits
    warnings = [
        *_modes_warning(aggregate.modes),
        *([] if paired else _about(open_only, _FILLS)),
        *(_about_closed(quality) if paired else []),
        *_about_unmatched(quality),
        *_about(archived_twins, "existing both plain and as .gz: the plain one counts"),
        *_about(kept_logs, "that disappeared: counted as last read"),
        *_about(lost_logs, "that disappeared, last read under other settings: not counted"),
        *([f"{_UNTOLD}{unreadable_before}"] if unreadable_before else []),
    ]
    return DataQuality(
        status="partial" if incomplete else "complete",
        missing_days=tuple(missing_days),
        accepted=quality.accepted,
        duplicates=quality.duplicates,
        rejected=quality.rejected,
        misdated=quality.misdated,
        outcome_conflicts=quality.outcome_conflicts,
        unmatched_exits=quality.unmatched_exits,
        rejected_lines=quality.rejected_lines,
        unmatched_lines=quality.unmatched_lines,
        warnings=tuple(warnings),
    )


def rejections_in_words(days: Iterable[tuple[date, Quality]]) -> list[str]:
    """What to say of the rejected lines of `days`: of few a sentence a day, of many one in all.

    The one sentence groups them by reason; `doctor` names every line.
    """
    with_some = [(day, quality) for day, quality in days if quality.rejected]
    total = sum(quality.rejected for _, quality in with_some)
    if total <= _LINES_NAMED:
        return [_rejections_of(day, quality) for day, quality in with_some]
    reasons: dict[str, list[RejectedLineAt]] = {}
    for _, quality in with_some:
        for line in quality.rejected_lines:
            reasons.setdefault(line.reason, []).append(line)
    count = "1 day" if len(with_some) == 1 else f"{len(with_some)} days"
    sentences = [f"{total} rejected lines on {count}, for these reasons; `doctor` names every one"]
    for reason, lines in reasons.items():
        files = len({line.file for line in lines})
        logs = "1 log" if files == 1 else f"{files} logs"
        sentences.append(f"  {reason} ({logs}, first {lines[0].file}:{lines[0].line})")
    return ["\n".join(sentences)]


def _rejections_of(day: date, quality: Quality) -> str:
    named = [f"{line.file}:{line.line}: {line.reason}" for line in quality.rejected_lines]
    more = quality.rejected - len(named)
    return "\n".join(
        [
            f"{day}: {quality.rejected} rejected lines",
            *named,
            *([f"and {more} more"] if more else []),
        ]
    )


def _modes_warning(modes: Iterable[str]) -> list[str]:
    if not {"PAPER", "LIVE"} <= set(modes):
        return []
    return ["PAPER and LIVE records are mixed; PERFORMANCE_EXECUTION_MODE can count just one."]


def _about_closed(quality: Quality) -> list[str]:
    """What became of records that are closed already while fills are paired."""
    closed = sum(log.closed for log in quality.logs)
    if not closed:
        return []
    said = (
        "1 closed record counts as it is and touches"
        if closed == 1
        else f"{closed} closed records count as they are and touch"
    )
    return [f"{said} no position, while PERFORMANCE_PAIRING pairs the open ones."]


def _about_unmatched(quality: Quality) -> list[str]:
    """What to ask about exits that found nothing to close."""
    exits = quality.unmatched_exits
    if not exits:
        return []
    found = "1 exit found" if exits == 1 else f"{exits} exits found"
    return [
        f"{found} no position to close, or not enough of one, and the rest is not counted: was it"
        " bought before the oldest log? If the bot sells short, set PERFORMANCE_SHORT_SELLING=yes."
    ]


def _about(logs: Sequence[str], what: str) -> list[str]:
    """One sentence about `logs`, naming the first few; none when there are none."""
    if not logs:
        return []
    names = ", ".join(logs[:_NAMES_SHOWN])
    more = f" and {len(logs) - _NAMES_SHOWN} more" if len(logs) > _NAMES_SHOWN else ""
    count = "1 log" if len(logs) == 1 else f"{len(logs)} logs"
    return [f"{count} {what} ({names}{more})."]
