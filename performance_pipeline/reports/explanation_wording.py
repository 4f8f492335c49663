"""An explanation in sentences, the same on a terminal and on a page."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from performance_pipeline.domain.explanation import (
    FALLS,
    Asked,
    Cause,
    ExplainedTrade,
    Explanation,
)
from performance_pipeline.domain.numbers import EXACT, ZERO
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.number_format import (
    compared,
    counted,
    in_full,
    metric_value,
    number,
    percent,
)
from performance_pipeline.reports.wording import judged_name, moment

AGAINST_TARGET: Final = {
    "win_rate": "wins against target",
    "avg_risk_reward_ratio": "R:R against target",
    "total_trades": "trades against target",
    "trades_per_day": "trades against target",
    EDGE: "wins against the rate watched",
}
"""What an effect counts, where it is no money: how far above or below what the target asks for."""

_LISTED_SINCE: Final = {
    "peak_drawdown": "since the highest point, ",
    EDGE: "since it has most likely fallen, ",
}

_PERIODS: Final = {
    Window.DAILY: "the day {period}",
    Window.WEEKLY: "the week of {period}",
    Window.MONTHLY: "the month {period:%Y-%m}",
    Window.ROLLING: "the last trades up to {period}",
}


def asked_sentence(explanation: Explanation) -> str:
    """`win rate of the day 2025-06-10 at least 60 %, CRITICAL below 50 %.`"""
    asked = explanation.asked
    if asked.metric == EDGE:
        return _edge_asked(asked)
    period = _PERIODS[asked.window].format(period=asked.period)
    if asked.metric == "peak_drawdown":
        period = f"all trades up to {asked.period}"
    critical = (
        f", CRITICAL below {in_full(asked.metric, asked.critical)}"
        if asked.critical is not None
        else ""
    )
    target = in_full(asked.metric, asked.target)
    name = judged_name(asked.metric, asked.strategy)
    of = "," if asked.strategy else " of"
    return f"{name}{of} {period} at least {target}{critical}."


def _edge_asked(asked: Asked) -> str:
    rate = "" if asked.win_rate is None else f" of {in_full('win_rate', asked.win_rate)}"
    return (
        f"edge of all trades up to {asked.period} below {in_full(EDGE, asked.target)}: no sign that"
        f" the win rate{rate} has fallen."
    )


def found_sentences(explanation: Explanation) -> Iterator[str]:
    """What the trades come to, what would have met the target, and where P&L fell."""
    asked, found, raised = explanation.asked, explanation.found, explanation.raised
    actual, _, variance = compared(asked.metric, found.actual, asked.target)
    yield (
        f"{judged_name(asked.metric, asked.strategy)} {actual}, {variance} against the target:"
        f" {_LISTED_SINCE.get(asked.metric, '')}{counted(found.total_trades, 'closed trade')}"
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
    if asked.metric == EDGE and asked.win_rate is not None:
        expected = EXACT.multiply(asked.win_rate, Decimal(found.total_wins + found.total_losses))
        yield f"At {in_full('win_rate', asked.win_rate)} some {number(expected)} would have won."
    if explanation.fall is not None and asked.metric in FALLS:
        yield _fall(explanation)


def since_sentence(explanation: Explanation) -> str:
    """How it stands now, and what came after the alert."""
    asked, raised, since = explanation.asked, explanation.raised, explanation.since
    state = f"The alert is {raised.status}"
    if raised.resolved_at is not None:
        state += f" (at {moment(raised.resolved_at)} UTC)"
    if since is None:
        return f"{state}. How it stands now cannot be told: {explanation.since_unknown}"
    name, actual = (
        judged_name(asked.metric, asked.strategy),
        metric_value(asked.metric, since.actual),
    )
    told = [
        f"{state}; {name} is {actual}"
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
