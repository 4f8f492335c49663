"""An explanation in sentences: what was asked, how it stands now, what cost most."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from msgspec.structs import replace

from performance_pipeline.domain.explanation import (
    Asked,
    Cause,
    ExplainedTrade,
    Explanation,
    Found,
    Missing,
    Raised,
    Since,
    UnreadLog,
)
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.explanation_wording import (
    asked_sentence,
    costing,
    found_sentences,
    most_costly,
    since_sentence,
    unread_sentences,
)
from performance_pipeline_tests.support.lines import DAY

D = Decimal
NOON: Final = datetime(2025, 6, 10, 12, tzinfo=UTC)
ASKED: Final = Asked(
    window=Window.DAILY,
    period=DAY,
    start_date=DAY,
    end_date=DAY,
    timezone="UTC",
    metric="win_rate",
    target=D("0.6"),
    critical=None,
    severity="WARN",
)
SINCE: Final = Since(
    period=DAY,
    actual=D("0.5"),
    target=D("0.6"),
    status="breached",
    severity="WARN",
    p_value=None,
    breached=True,
    trades_added=0,
    restated=False,
)
EXPLANATION: Final = Explanation(
    id="daily-2025-06-10-win_rate-1",
    asked=ASKED,
    raised=Raised(
        at=NOON,
        late=False,
        actual=D("0.5"),
        variance=D("-0.1"),
        status="raised",
        acknowledged_at=None,
        resolved_at=None,
    ),
    found=Found(
        actual=D("0.5"),
        variance=D("-0.1"),
        effect=D("-1"),
        total_trades=4,
        total_wins=2,
        total_losses=2,
        total_breakevens=0,
        risk_reward_trades=3,
        trading_days=1,
        realized_pnl=D("-10"),
        max_drawdown=D("-20"),
    ),
    complete=True,
    unread=(),
    missing=Missing(),
    fall=None,
    by_strategy=(),
    by_symbol=(),
    by_hour=(),
    by_day=(),
    since=SINCE,
    since_unknown=None,
    trades=(),
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "win rate of the day 2025-06-10 at least 60 %."),
        (
            {"critical": D("0.5"), "strategy": "momentum", "window": Window.MONTHLY},
            "win rate of momentum, the month 2025-06 at least 60 %, CRITICAL below 50 %.",
        ),
        (
            {"metric": "peak_drawdown", "target": D(-1500)},
            "peak drawdown of all trades up to 2025-06-10 at least -1500.",
        ),
        (
            {"metric": "edge", "target": D("100"), "win_rate": D("0.55")},
            "edge of all trades up to 2025-06-10 below 100: no sign that the win rate of 55 % has"
            " fallen.",
        ),
        (
            {"metric": "edge", "target": D("100")},
            "edge of all trades up to 2025-06-10 below 100: no sign that the win rate has fallen.",
        ),
    ],
)
def test_what_was_asked_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert asked_sentence(replace(EXPLANATION, asked=replace(ASKED, **changes))) == sentence


@pytest.mark.parametrize(
    ("metric", "missing", "sentence"),
    [
        (
            "win_rate",
            Missing(wins=1),
            "1 more win of these trades would have met the target.",
        ),
        (
            "win_rate",
            Missing(),
            "Even winning every one of these trades would not have met the target.",
        ),
        (
            "total_trades",
            Missing(trades=2),
            "2 more trades on these days would have met the target.",
        ),
        (
            "avg_risk_reward_ratio",
            Missing(risk_reward=D("1.5")),
            "Plans of 1.50 R:R more in all would have met the target.",
        ),
        ("realized_pnl", Missing(money=D("7.5")), "P&L of 7.50 more would have met the target."),
    ],
)
def test_what_would_have_met_the_target_is_the_last_sentence_of_what_was_found(
    metric: str, missing: Missing, sentence: str
) -> None:
    asked = replace(ASKED, metric=metric)
    assert list(found_sentences(replace(EXPLANATION, asked=asked, missing=missing)))[-1] == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The alert is raised; win rate is 50.0 % now, breached (WARN)."),
        (
            {"p_value": D("0.3125")},
            "The alert is raised; win rate is 50.0 % now, breached (WARN). Were the truth as asked,"
            " luck alone would do as badly 31.2 % of the time.",
        ),
        (
            {"status": "met", "severity": None, "trades_added": 1},
            "The alert is raised; win rate is 50.0 % now, met. The target has changed since."
            " 1 trade came after those it was raised by.",
        ),
        (
            {"status": "not_checked", "severity": None, "restated": True, "breached": False},
            "The alert is raised; win rate is 50.0 % now, not checked. The logs of that time have"
            " changed since: the trades that it was raised by come to something else now.",
        ),
    ],
)
def test_how_it_stands_now_is_said_with_what_came_since(
    changes: dict[str, Any], sentence: str
) -> None:
    assert since_sentence(replace(EXPLANATION, since=replace(SINCE, **changes))) == sentence


def test_a_log_that_cannot_be_read_is_said_and_what_that_means() -> None:
    untold = replace(
        EXPLANATION,
        since=None,
        since_unknown="a.jsonl: damaged",
        complete=False,
        unread=(UnreadLog("a.jsonl", "damaged"),),
        raised=replace(EXPLANATION.raised, status="resolved", resolved_at=NOON),
    )
    assert since_sentence(untold) == (
        "The alert is resolved (at 2025-06-10 12:00 UTC). How it stands now cannot be told:"
        " a.jsonl: damaged"
    )
    assert list(unread_sentences(untold)) == [
        "a.jsonl is not among the trades: damaged",
        "Not all trades of the window are listed: the figures here are of those that are.",
    ]
    assert list(unread_sentences(EXPLANATION)) == []


def trade(number: int, pnl: int, effect: int | None) -> ExplainedTrade:
    return ExplainedTrade(
        file="a.jsonl",
        line=number,
        instant=NOON,
        symbol="AAPL",
        strategy="",
        execution_mode="LIVE",
        outcome="win" if pnl > 0 else "loss",
        pnl=D(pnl),
        planned_risk_reward=None,
        running_total=D(0),
        below_peak=D(0),
        effect=None if effect is None else D(effect),
        after_raised=False,
    )


@pytest.mark.parametrize(
    ("worths", "limit", "lines"),
    [
        ([], 2, []),
        ([(1, -1), (2, -2)], 2, [1, 2]),
        ([(1, 5), (2, -2), (3, -1), (4, -9)], 2, [2, 4]),
        ([(1, 5), (2, -2), (3, 1)], 2, [2]),
        ([(1, None), (-3, None), (-2, None)], 2, [2, 3]),
    ],
    ids=["none", "room for all", "most cost", "one cost", "nothing can be told"],
)
def test_the_trades_that_cost_most_are_listed_in_time_order(
    worths: list[tuple[int, int | None]], limit: int, lines: list[int]
) -> None:
    trades = [trade(number, *worth) for number, worth in enumerate(worths, start=1)]
    assert [one.line for one in most_costly(trades, limit)] == lines


def test_causes_that_cost_nothing_are_left_out() -> None:
    causes = [
        Cause(
            name=name,
            total_trades=1,
            total_wins=0,
            total_losses=1,
            realized_pnl=D(pnl),
            effect=None if effect is None else D(effect),
        )
        for name, pnl, effect in (("a", -5, 1), ("b", 5, -1), ("c", -5, None), ("d", 0, None))
    ]
    assert [cause.name for cause in costing(causes)] == ["b", "c"]
