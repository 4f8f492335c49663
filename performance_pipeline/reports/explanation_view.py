"""An explanation as rich tables: what `alerts explain` shows on a terminal and in a pipe."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.explanation import Cause, ExplainedTrade, Explanation
from performance_pipeline.domain.targets import EDGE
from performance_pipeline.reports.explanation_wording import (
    AGAINST_TARGET,
    asked_sentence,
    costing,
    found_sentences,
    most_costly,
    since_sentence,
    unread_sentences,
)
from performance_pipeline.reports.fitted_table import Column, columns, fitted_table, safe
from performance_pipeline.reports.number_format import UNDEFINED, counted, number
from performance_pipeline.reports.wording import moment

TRADES_LISTED: Final = 30
_CAUSES_LISTED: Final = 5
_TITLES: Final = {
    "max_drawdown": "The trades from peak to trough",
    "peak_drawdown": "The trades since the highest point",
    EDGE: "The trades since the win rate has most likely fallen",
}
_NARROW: Final = 112
"""A terminal narrower than that has no room for what the other columns imply."""


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
    shown = most_costly(causing, TRADES_LISTED)
    title = _TITLES.get(explanation.asked.metric, "The trades of the window")
    if len(shown) < len(causing):
        most = "with the lowest P&L" if explanation.found.effect is None else "that cost most"
        title = f"The {len(shown)} of {len(causing)} trades {most}"
    yield Text(f"\n{title}, in the order of time", "bold")
    if not shown:
        yield Text("None.")
        return
    paired = any(trade.entry_file for trade in shown)
    plan = explanation.asked.metric == "avg_risk_reward_ratio"
    narrow = width < _NARROW
    listed = [
        Column("Log line", whole=True),
        *([Column("Opened by", whole=True)] if paired else []),
        *columns("Closed", "Symbol", "Strategy"),
        *(() if narrow else columns("Outcome")),
        *columns(">P&L", ">Total"),
        *(() if narrow else columns(">Below peak")),
        *(columns(">Plan R:R") if plan else ()),
    ]
    rows = (_trade_cells(trade, narrow) for trade in shown)
    titles = [column.title for column in listed]
    yield fitted_table(listed, ([cells[title] for title in titles] for cells in rows), width)
    if (more := len(causing) - len(shown)) > 0:
        yield Text(f"{counted(more, 'more trade')}; --json holds all.", "dim")


def _trade_cells(trade: ExplainedTrade, narrow: bool) -> dict[str, Text]:
    """Every cell that there may be room for, by the title of its column."""
    ratio = trade.planned_risk_reward
    closed = f"{trade.instant:%m-%d %H:%M}" if narrow else moment(trade.instant)
    return {
        "Log line": Text(f"{trade.file}:{trade.line}"),
        "Opened by": Text(opened_by(trade)),
        "Closed": Text(closed),
        "Symbol": Text(safe(trade.symbol)),
        "Strategy": Text(safe(trade.strategy) or "(none)"),
        "Outcome": Text(trade.outcome),
        "P&L": _money(trade.pnl),
        "Total": _money(trade.running_total),
        "Below peak": _money(trade.below_peak),
        "Plan R:R": Text(UNDEFINED if ratio is None else number(ratio)),
    }


def opened_by(trade: ExplainedTrade) -> str:
    """The line of the fill that opened a trade, "" where fills are not paired."""
    return f"{trade.entry_file}:{trade.entry_line}" if trade.entry_file else ""


def _money(value: Decimal) -> Text:
    return Text(number(value), "green" if value > 0 else "red" if value < 0 else "")
