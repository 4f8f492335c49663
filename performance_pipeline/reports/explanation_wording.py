"""An explanation in sentences, the same on a terminal and on a page."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.explanation import Cause, ExplainedTrade, Explanation
from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.wording import (
    compared,
    counted,
    in_full,
    metric_name,
    metric_value,
    moment,
    number,
    percent,
)

AGAINST_TARGET: Final = {
    "win_rate": "wins against target",
    "avg_risk_reward_ratio": "R:R against target",
    "total_trades": "trades against target",
    "trades_per_day": "trades against target",
}
"""What an effect counts, where it is no money: how far above or below what the target asks for."""

_PERIODS: Final = {
    Window.DAILY: "the day {period}",
    Window.WEEKLY: "the week of {period}",
    Window.MONTHLY: "the month {period:%Y-%m}",
    Window.ROLLING: "the last trades up to {period}",
}


def asked_sentence(explanation: Explanation) -> str:
    """`win rate of the day 2025-06-10 at least 60 %, CRITICAL below 50 %.`"""
    asked = explanation.asked
    period = _PERIODS[asked.window].format(period=asked.period)
    critical = (
        f", CRITICAL below {in_full(asked.metric, asked.critical)}"
        if asked.critical is not None
        else ""
    )
    target = in_full(asked.metric, asked.target)
    return f"{metric_name(asked.metric)} of {period} at least {target}{critical}."


def found_sentences(explanation: Explanation) -> Iterator[str]:
    """What the trades come to, what would have met the target, and where P&L fell."""
    asked, found, raised = explanation.asked, explanation.found, explanation.raised
    actual, _, variance = compared(asked.metric, found.actual, asked.target)
    yield (
        f"{metric_name(asked.metric)} {actual}, {variance} against the target:"
        f" {counted(found.total_trades, 'closed trade')}"
        f" on {counted(found.trading_days, 'day')},"
        f" {found.total_wins:,} won, {found.total_losses:,} lost,"
        f" {found.total_breakevens:,} even, P&L {number(found.realized_pnl)}."
    )
    if raised.actual != found.actual:
        yield f"It was {metric_value(asked.metric, raised.actual)} when the alert was raised."
    if asked.metric == "avg_risk_reward_ratio":
        yield f"{counted(found.risk_reward_trades, 'trade')} had a stop and a target to plan by."
    if sentence := _missing(explanation):
        yield sentence
    if explanation.fall is not None and asked.metric == "max_drawdown":
        yield _fall(explanation)


def since_sentence(explanation: Explanation) -> str:
    """How it stands now, and what came after the alert."""
    asked, raised, since = explanation.asked, explanation.raised, explanation.since
    state = f"The alert is {raised.status}"
    if raised.resolved_at is not None:
        state += f" (at {moment(raised.resolved_at)} UTC)"
    if since is None:
        return f"{state}. How it stands now cannot be told: {explanation.since_unknown}"
    told = [
        f"{state}; {metric_name(asked.metric)} is {metric_value(asked.metric, since.actual)}"
        f"{f' on {since.period}' if asked.window is Window.ROLLING else ''} now,"
        f" {since.status.replace('_', ' ')}{f' ({since.severity})' if since.severity else ''}."
    ]
    if since.breached and since.p_value is not None:
        chance = percent(since.p_value)
        told.append(f"Were the truth as asked, luck alone would do as badly {chance} of the time.")
    if since.breached and since.status == "met":
        told.append("The target has changed since.")
    if since.trades_added:
        told.append(f"{counted(since.trades_added, 'trade')} came after those it was raised by.")
    if since.restated:
        told.append("The logs of that time have changed since: the trades that it was raised by")
        told[-1] += " come to something else now."
    return " ".join(told)


def unread_sentences(explanation: Explanation) -> Iterator[str]:
    """Each log whose trades are not there, and what that means for the rest."""
    for log in explanation.unread:
        yield f"{log.log} is not among the trades: {log.reason}"
    if not explanation.complete:
        yield "Not all trades of the window are listed: the figures here are of those that are."


def most_costly(trades: Sequence[ExplainedTrade], limit: int) -> list[ExplainedTrade]:
    """All where there is room for `limit`, else at most so many that cost most, in time order.

    By effect and then by P&L; where nothing cost, those with the lowest P&L.
    """
    if len(trades) <= limit:
        return list(trades)
    ranked = sorted(
        range(len(trades)), key=lambda index: (trades[index].effect or ZERO, trades[index].pnl)
    )
    cost = [index for index in ranked if (trades[index].effect or ZERO) < 0]
    return [trades[index] for index in sorted((cost or ranked)[:limit])]


def costing(causes: Sequence[Cause]) -> list[Cause]:
    """Those that cost anything, what cost most first."""
    return [cause for cause in causes if worth(cause) < 0]


def worth(cause: Cause) -> Decimal:
    """Its effect, or where nothing can be told of that, its P&L."""
    return cause.realized_pnl if cause.effect is None else cause.effect


def _missing(explanation: Explanation) -> str:
    missing = explanation.missing
    if missing.wins is not None:
        return f"{counted(missing.wins, 'more win')} of these trades would have met the target."
    if explanation.asked.metric == "win_rate" and (explanation.found.variance or ZERO) < 0:
        return "Even winning every one of these trades would not have met the target."
    if missing.trades is not None:
        return f"{counted(missing.trades, 'more trade')} on these days would have met the target."
    if missing.risk_reward is not None:
        return f"Plans of {number(missing.risk_reward)} R:R more in all would have met the target."
    if missing.money is not None:
        return f"P&L of {number(missing.money)} more would have met the target."
    return ""


def _fall(explanation: Explanation) -> str:
    fall = explanation.fall
    assert fall is not None
    start = "the start" if fall.peak_at is None else moment(fall.peak_at)
    return (
        f"It fell by {number(-fall.depth)} over {counted(fall.total_trades, 'trade')}: from"
        f" {number(fall.peak)} ({start}) to {number(fall.trough)} ({moment(fall.trough_at)})."
    )
