"""A summary as Markdown: Overview, Metrics, Targets, Breakdown and Data quality."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from performance_pipeline.domain.positions import OpenPosition
from performance_pipeline.domain.summary import BreakdownRow, PerformanceSummary
from performance_pipeline.reports.number_format import (
    compared,
    metric_value,
    number,
    percent,
    price,
    quantity,
)
from performance_pipeline.reports.wording import (
    breakdowns,
    data_status,
    judged_like_sentence,
    moment,
    room_sentence,
    span,
    verdict_status,
    window_bounds,
)

_METRICS: Final = (
    "total_trades",
    "total_wins",
    "total_losses",
    "total_breakevens",
    "open_trades",
    "unrealized_pnl",
    "win_rate",
    "win_rate_low",
    "win_rate_high",
    "realized_pnl",
    "gross_profit",
    "gross_loss",
    "commission",
    "slippage",
    "avg_profit_per_win",
    "avg_loss_per_loss",
    "profit_factor",
    "payoff_ratio",
    "expectancy",
    "avg_risk_reward_ratio",
    "risk_reward_trades",
    "current_streak",
    "streak_type",
    "longest_win_streak",
    "longest_loss_streak",
    "max_drawdown",
    "peak_drawdown",
    "best_trade",
    "worst_trade",
    "avg_hold_seconds",
    "trading_days",
    "avg_daily_pnl",
)


def summary_markdown(summary: PerformanceSummary) -> str:
    """The whole document, ending in a line end."""
    sections = [
        f"# {summary.window.capitalize()} performance: {span(summary)}",
        *_overview(summary),
        *_metrics(summary),
        *_targets(summary),
        *_breakdowns(summary),
        *_data_quality(summary),
    ]
    return "\n\n".join(sections) + "\n"


# Many viewers make a link of these wherever they stand as text, escaped or not, but not in code.
_like_an_address = re.compile(r"://|www\.|mailto:|xmpp:|@", re.IGNORECASE).search


def escape(text: str) -> str:
    """`text` as itself in Markdown, also inside a table: no markup, no HTML, no link, one line.

    A word that looks like an address is shown as code.
    """
    return " ".join(_word(word) for word in text.split())


def _word(word: str) -> str:
    if _like_an_address(word) is None:
        return _plain_text(word)
    # What would end the code, or the cell it stands in, stands between two pieces of code.
    pieces = re.split(r"([`|]+)", word)
    return "".join(
        _plain_text(piece) if index % 2 or not piece else f"`{piece}`"
        for index, piece in enumerate(pieces)
    )


def _plain_text(text: str) -> str:
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$-])", r"\\\1", text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def headline(summary: PerformanceSummary) -> str:
    """The window in a sentence, and what room is left before the drawdown targets."""
    told = "No trades in window."
    if summary.total_trades:
        told = (
            f"{summary.total_trades} closed trades, win rate {percent(summary.win_rate)},"
            f" realized P&L {number(summary.realized_pnl)},"
            f" maximum drawdown {number(summary.max_drawdown)}."
        )
    return " ".join(filter(None, (told, room_sentence(summary))))


def _overview(summary: PerformanceSummary) -> list[str]:
    rows = [
        ("Window", window_bounds(summary)),
        ("Alert status", summary.alert_status),
        ("Data", data_status(summary.data_quality)),
        ("Generated", f"{moment(summary.generated_at)} UTC"),
    ]
    return ["## Overview", headline(summary), _table(("", ""), rows)]


def _metrics(summary: PerformanceSummary) -> list[str]:
    rows = [
        (f"`{name}`", metric_value(name, value))
        for name in _METRICS
        if not isinstance(value := getattr(summary, name), msgspec.UnsetType)
    ]
    return ["## Metrics", _table(("Metric", "Value"), rows)]


def _targets(summary: PerformanceSummary) -> list[str]:
    rows = [
        (
            f"`{result.metric}`" + (f" of {escape(result.strategy)}" if result.strategy else ""),
            *compared(result.metric, result.actual, result.target),
            verdict_status(result),
            result.severity or "",
            "" if result.p_value is None else percent(result.p_value),
        )
        for result in summary.targets
    ]
    if not rows:
        return ["## Targets", f"No target was judged ({summary.alert_status})."]
    header = ("Metric", "Actual", "Target", "Variance", "Status", "Severity", "p-value")
    return ["## Targets", *filter(None, [judged_like_sentence(summary)]), _table(header, rows)]


def _breakdowns(summary: PerformanceSummary) -> list[str]:
    sections = ["## Breakdown"]
    if summary.total_trades:
        for title, breakdown in breakdowns(summary):
            sections += [f"### By {title}", _breakdown_table(breakdown)]
    else:
        sections.append("No trades in window.")
    if summary.daily:
        rows = [
            (
                str(row.date),
                str(row.total_trades),
                number(row.realized_pnl),
                number(row.max_drawdown),
            )
            for row in summary.daily
        ]
        sections += ["### By day", _table(("Day", "Trades", "Realized P&L", "Drawdown"), rows)]
    if summary.open_positions is not None:
        sections += ["### Open positions", _position_table(summary.open_positions)]
    return sections


def _position_table(positions: Iterable[OpenPosition]) -> str:
    rows = [
        (
            escape(position.symbol),
            escape(position.execution_mode) or "(none)",
            position.side,
            quantity(position.quantity),
            price(position.average_price),
            moment(position.opened_at),
        )
        for position in positions
    ]
    header = ("Symbol", "Mode", "Side", "Quantity", "Average price", "Opened at")
    return _table(header, rows) if rows else "None at the end of the window."


def _breakdown_table(breakdown: Mapping[str, BreakdownRow]) -> str:
    rows = [
        (
            escape(name) or "(none)",
            str(row.total_trades),
            str(row.total_wins),
            str(row.total_losses),
            percent(row.win_rate),
            number(row.realized_pnl),
        )
        for name, row in breakdown.items()
    ]
    return _table(("Name", "Trades", "Wins", "Losses", "Win rate", "Realized P&L"), rows)


def _data_quality(summary: PerformanceSummary) -> list[str]:
    quality = summary.data_quality
    rows = [
        ("Status", quality.status),
        ("Missing days", ", ".join(str(day) for day in quality.missing_days) or "none"),
        ("Accepted lines", str(quality.accepted)),
        ("Duplicate lines", str(quality.duplicates)),
        ("Rejected lines", str(quality.rejected)),
        ("Misdated records", str(quality.misdated)),
        ("Outcome against P&L", str(quality.outcome_conflicts)),
    ]
    if summary.open_positions is not None:
        rows.append(("Unmatched exits", str(quality.unmatched_exits)))
    sections = ["## Data quality", _table(("", ""), rows)]
    if quality.warnings:
        sections.append("\n".join(f"- {escape(warning)}" for warning in quality.warnings))
    if quality.rejected_lines:
        lines = [
            (f"{line.file}:{line.line}", escape(line.reason)) for line in quality.rejected_lines
        ]
        sections += ["### Rejected lines", _table(("Line", "Reason"), lines)]
    if quality.unmatched_lines:
        lines = [
            (f"{line.file}:{line.line}", quantity(line.quantity))
            for line in quality.unmatched_lines
        ]
        sections += ["### Unmatched exits", _table(("Line", "Quantity"), lines)]
    return sections


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = tuple(header)
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
