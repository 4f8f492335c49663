"""An explanation as rich tables: what `alerts explain` shows on a terminal and in a pipe."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.explanation import Cause, ExplainedTrade, Explanation
from performance_pipeline.reports.explanation_wording import (
    AGAINST_TARGET,
    asked_sentence,
    costing,
    costly_first,
    found_sentences,
    since_sentence,
    unread_sentences,
)
from performance_pipeline.reports.fitted_table import Column, columns, fitted_table, safe
from performance_pipeline.reports.wording import UNDEFINED, counted, moment, number

TRADES_LISTED: Final = 30
_CAUSES_LISTED: Final = 5


def explanation_view(explanation: Explanation, width: int) -> RenderableType:
    """The whole of `explanation`, laid out for a terminal of `width` columns."""
    return Group(
        *_headline(explanation),
        *_causes(explanation, width),
        *_trades(explanation, width),
    )


def _headline(explanation: Explanation) -> Iterator[RenderableType]:
    raised = explanation.raised
    yield Text(f"Why {safe(explanation.id)}", "bold")
    style = "bold red" if explanation.asked.severity == "CRITICAL" else "bold yellow"
    late = ", late" if raised.late else ""
    yield Text(f"✗ {explanation.asked.severity}", style).append(
        f"  raised {moment(raised.at)} UTC{late}", ""
    )
    yield Text(f"Asked: {safe(asked_sentence(explanation))}")
    yield Text(f"Found: {safe(' '.join(found_sentences(explanation)))}")
    yield Text(f"Since: {safe(since_sentence(explanation))}")
    for sentence in unread_sentences(explanation):
        yield Text(f"! {safe(sentence)}", "yellow")


def _causes(explanation: Explanation, width: int) -> Iterator[RenderableType]:
    against = AGAINST_TARGET.get(explanation.asked.metric)
    effect = [f">{against[0].upper()}{against[1:]}"] if against else []
    for title, causes in (
        ("Strategy", explanation.by_strategy),
        ("Symbol", explanation.by_symbol),
        ("Hour", explanation.by_hour),
        ("Day", explanation.by_day),
    ):
        # Of a count nothing but a day can be short.
        told = against is None or any(cause.effect is not None for cause in causes)
        cost = costing(causes)
        if not cost or not told or (title == "Day" and len(causes) < 2):
            continue
        yield Text(f"\nWhat cost most, by {title.lower()}", "bold")
        yield fitted_table(
            columns(title, ">Trades", ">Won", ">Lost", ">P&L", *effect),
            (_cause_row(cause, against is not None) for cause in cost[:_CAUSES_LISTED]),
            width,
        )
        if (more := len(cost) - _CAUSES_LISTED) > 0:
            yield Text(f"and {more} more that cost", "dim")


def _cause_row(cause: Cause, with_effect: bool) -> Sequence[Text]:
    effect = [UNDEFINED if cause.effect is None else number(cause.effect)] if with_effect else []
    return (
        Text(safe(cause.name) or "(none)"),
        Text(str(cause.total_trades)),
        Text(str(cause.total_wins)),
        Text(str(cause.total_losses)),
        _money(cause.realized_pnl),
        *map(Text, effect),
    )


def _trades(explanation: Explanation, width: int) -> Iterator[RenderableType]:
    causing = explanation.causing
    shown = sorted(costly_first(causing)[:TRADES_LISTED], key=explanation.trades.index)
    of_fall = explanation.asked.metric == "max_drawdown"
    title = "The trades from peak to trough" if of_fall else "The trades of the window"
    if len(shown) < len(causing):
        most = "with the lowest P&L" if explanation.found.effect is None else "that cost most"
        title = f"The {len(shown)} of {len(causing)} trades {most}"
    yield Text(f"\n{title}, in the order of time", "bold")
    if not shown:
        yield Text("None.")
        return
    paired = any(trade.entry_file for trade in shown)
    heads = columns("Closed", "Symbol", "Strategy", "Outcome", ">P&L", ">Total", ">Below peak")
    plan = explanation.asked.metric == "avg_risk_reward_ratio"
    yield fitted_table(
        [
            Column("Log line", whole=True),
            *([Column("Opened by", whole=True)] if paired else []),
            *heads,
            *(columns(">Plan R:R") if plan else ()),
        ],
        (_trade_row(trade, paired, plan) for trade in shown),
        width,
    )
    if (more := len(causing) - len(shown)) > 0:
        yield Text(f"{counted(more, 'more trade')}; --json holds all.", "dim")


def _trade_row(trade: ExplainedTrade, paired: bool, plan: bool) -> Sequence[Text]:
    ratio = trade.planned_risk_reward
    cells = (
        Text(f"{trade.file}:{trade.line}"),
        *([Text(opened_by(trade))] if paired else []),
        Text(moment(trade.instant) + (" *" if trade.after_raised else "")),
        Text(safe(trade.symbol)),
        Text(safe(trade.strategy) or "(none)"),
        Text(trade.outcome),
        _money(trade.pnl),
        _money(trade.running_total),
        _money(trade.below_peak),
        *([Text(UNDEFINED if ratio is None else number(ratio))] if plan else []),
    )
    return cells


def opened_by(trade: ExplainedTrade) -> str:
    """The line of the fill that opened a trade, "" where fills are not paired."""
    return f"{trade.entry_file}:{trade.entry_line}" if trade.entry_file else ""


def _money(value: Decimal) -> Text:
    return Text(number(value), "green" if value > 0 else "red" if value < 0 else "")
