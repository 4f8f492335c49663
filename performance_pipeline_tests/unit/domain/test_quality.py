"""Data quality in words: of logs, of rejected lines, and of exits without a position."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import pytest

from performance_pipeline.domain.aggregate import (
    DailyAggregate,
    LogRecords,
    Quality,
    RejectedLineAt,
)
from performance_pipeline.domain.quality import data_quality, rejections_in_words
from performance_pipeline.domain.summary import DataQuality

DAY: Final = date(2025, 6, 10)
CLEAN: Final = Quality()


def quality_of(*, counts: Quality = CLEAN, modes: tuple[str, ...] = (), **said: Any) -> DataQuality:
    told: dict[str, Any] = {
        "paired": False,
        "missing_days": (),
        "archived_twins": (),
        "kept_logs": (),
        "lost_logs": (),
    }
    return data_quality(DailyAggregate(quality=counts, modes=modes), **told | said)


def logs(count: int) -> tuple[str, ...]:
    return tuple(f"2025-06-{number:02}.jsonl" for number in range(1, count + 1))


OPEN_ONLY: Final = Quality(logs=(LogRecords("a.jsonl", 3, 0), LogRecords("b.jsonl", 2, 1)))


@pytest.mark.parametrize(
    ("said", "status", "warnings"),
    [
        ({}, "complete", []),
        ({"modes": ("LIVE",)}, "complete", []),
        (
            {"modes": ("LIVE", "PAPER")},
            "complete",
            ["PAPER and LIVE records are mixed; PERFORMANCE_EXECUTION_MODE can count just one."],
        ),
        ({"missing_days": (DAY,)}, "partial", []),
        ({"counts": Quality(rejected=1)}, "partial", []),
        (
            {"counts": OPEN_ONLY},
            "complete",
            [
                "1 log holding only open records and no exits: none of the trades can count yet; if"
                " they are fills, not trades that are still open, PERFORMANCE_PAIRING=fifo makes"
                " trades of them (a.jsonl)."
            ],
        ),
        (
            {"counts": OPEN_ONLY, "paired": True},
            "complete",
            [
                "1 closed record counts as it is and touches no position, while"
                " PERFORMANCE_PAIRING pairs the open ones."
            ],
        ),
        (
            {"counts": Quality(logs=(LogRecords("a.jsonl", 0, 2),)), "paired": True},
            "complete",
            [
                "2 closed records count as they are and touch no position, while"
                " PERFORMANCE_PAIRING pairs the open ones."
            ],
        ),
        ({"counts": Quality(logs=(LogRecords("a.jsonl", 1, 0),)), "paired": True}, "complete", []),
        (
            {"archived_twins": logs(2)},
            "complete",
            [
                "2 logs existing both plain and as .gz: the plain one counts"
                " (2025-06-01.jsonl, 2025-06-02.jsonl)."
            ],
        ),
        (
            {"kept_logs": logs(7)},
            "complete",
            [
                "7 logs that disappeared: counted as last read (2025-06-01.jsonl,"
                " 2025-06-02.jsonl, 2025-06-03.jsonl, 2025-06-04.jsonl, 2025-06-05.jsonl and 2"
                " more)."
            ],
        ),
        (
            {"lost_logs": logs(1)},
            "partial",
            [
                "1 log that disappeared, last read under other settings: not counted"
                " (2025-06-01.jsonl)."
            ],
        ),
        (
            {"unreadable_before": "a.jsonl: damaged"},
            "complete",
            [
                "What rests on all trades so far, such as the peak drawdown, cannot be told:"
                " a.jsonl: damaged"
            ],
        ),
    ],
)
def test_what_is_wrong_with_the_logs_is_said_and_what_is_missing_makes_it_partial(
    said: Mapping[str, Any], status: str, warnings: list[str]
) -> None:
    found = quality_of(**said)
    assert (found.status, list(found.warnings)) == (status, warnings)


@pytest.mark.parametrize(("exits", "found"), [(1, "1 exit found"), (3, "3 exits found")])
def test_exits_without_a_position_are_asked_about(exits: int, found: str) -> None:
    told = quality_of(counts=Quality(unmatched_exits=exits), paired=True)
    assert (told.status, told.unmatched_exits) == ("partial", exits)
    assert list(told.warnings) == [
        f"{found} no position to close, or not enough of one, and the rest is not counted: was it"
        " bought before the oldest log? If the bot sells short, set PERFORMANCE_SHORT_SELLING=yes."
    ]


def rejections(count: int, *reasons: str, day: date = DAY) -> tuple[date, Quality]:
    """A day with so many rejected lines, of which those with a reason here are named."""
    named = [
        RejectedLineAt(f"{day}.jsonl", number, reason)
        for number, reason in enumerate(reasons, start=1)
    ]
    return day, Quality(rejected=count, rejected_lines=tuple(named))


def test_of_no_rejected_line_nothing_is_said() -> None:
    assert rejections_in_words([]) == []
    assert rejections_in_words([rejections(0)]) == []


def test_few_rejected_lines_are_a_sentence_a_day_that_names_each() -> None:
    next_day = DAY + timedelta(days=1)
    assert rejections_in_words(
        [rejections(2, "pnl: missing", "side: unknown"), rejections(0), rejections(21, *["x"] * 20)]
    ) == [
        "2025-06-10: 2 rejected lines\n2025-06-10.jsonl:1: pnl: missing\n"
        "2025-06-10.jsonl:2: side: unknown",
        "\n".join(
            [
                "2025-06-10: 21 rejected lines",
                *(f"2025-06-10.jsonl:{number}: x" for number in range(1, 21)),
                "and 1 more",
            ]
        ),
    ]
    assert len(rejections_in_words([rejections(20), rejections(20, day=next_day)])) == 2


def test_many_rejected_lines_are_one_sentence_in_all_grouped_by_reason() -> None:
    next_day = DAY + timedelta(days=1)
    first = rejections(40, "pnl: missing", "side: unknown")
    assert rejections_in_words([first, rejections(1, "pnl: missing", day=next_day)]) == [
        "41 rejected lines on 2 days, for these reasons; `doctor` names every one\n"
        "  pnl: missing (2 logs, first 2025-06-10.jsonl:1)\n"
        "  side: unknown (1 log, first 2025-06-10.jsonl:2)"
    ]
    assert rejections_in_words([rejections(41, "x")])[0].startswith("41 rejected lines on 1 day,")
