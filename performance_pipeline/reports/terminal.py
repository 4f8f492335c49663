"""A summary as rich tables: what `summary` shows on a terminal and, without colour, in a pipe.

Colour only repeats what a sign or a word says too. All text is put into `Text`, where rich's markup
has no meaning.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from performance_pipeline.domain.positions import OpenPosition
from performance_pipeline.domain.summary import (
    BreakdownRow,
    DayRow,
    PerformanceSummary,
    TargetResult,
)
from performance_pipeline.reports.fitted_table import columns, fitted_table, safe
from performance_pipeline.reports.number_format import (
    compared,
    metric_value,
    number,
    percent,
    price,
    quantity,
)
from performance_pipeline.reports.sparkline import bar_rows
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

# A sign and a colour for each status; the word stands beside it.
_STATUS: Final = {
    "met": ("✓", "green"),
    "breached": ("✗", "bold red"),
    "unsure": ("~", "yellow"),
    "pending": ("…", "yellow"),
    "insufficient_data": ("?", "dim"),
    "OK": ("✓", "green"),
    "WARN": ("✗", "bold yellow"),
    "CRITICAL": ("✗", "bold red"),
    "NO_TRADES": ("-", "dim"),
    "NO_TARGETS": ("-", "dim"),
    "INVALID_TARGETS": ("!", "bold red"),
    "complete": ("✓", "green"),
    "partial": ("!", "bold yellow"),
}
_METRICS: Final = (
    {
        "closed trades": "total_trades",
        "wins": "total_wins",
        "losses": "total_losses",
        "breakevens": "total_breakevens",
        "still open": "open_trades",
        "trading days": "trading_days",
        "longest win streak": "longest_win_streak",
        "longest loss streak": "longest_loss_streak",
        "average hold": "avg_hold_seconds",
    },
    {
        "realized P&L": "realized_pnl",
        "gross profit": "gross_profit",
        "gross loss": "gross_loss",
        "unrealized P&L": "unrealized_pnl",
        "average day": "avg_daily_pnl",
        "best trade": "best_trade",
        "worst trade": "worst_trade",
        "max drawdown": "max_drawdown",
        "peak drawdown": "peak_drawdown",
        "commission": "commission",
        "slippage": "slippage",
    },
    {
        "win rate": "win_rate",
        "win rate, 95 % from": "win_rate_low",
        "win rate, 95 % to": "win_rate_high",
        "profit factor": "profit_factor",
        "payoff ratio": "payoff_ratio",
        "expectancy": "expectancy",
        "average win": "avg_profit_per_win",
        "average loss": "avg_loss_per_loss",
        "planned reward/risk": "avg_risk_reward_ratio",
        "trades with a plan": "risk_reward_trades",
    },
)
_PNL: Final = frozenset(_METRICS[1].values()) - {"commission", "slippage"} | {"expectancy"}
_BLOCK_WIDTH: Final = 36
_BLOCK_GAP: Final = 4
_LISTED_DAYS: Final = 31


def summary_view(summary: PerformanceSummary, width: int) -> RenderableType:
    """The whole of `summary`, laid out for a terminal of `width` columns."""
    parts: list[RenderableType] = [*_headline(summary), *_targets(summary, width)]
    if summary.total_trades:
        parts += [*_daily_bars(summary, width), *_metrics(summary, width)]
        parts += _breakdowns(summary, width)
    if summary.open_positions is not None:
        parts += _open_positions(summary.open_positions, width)
    return Group(*parts, *_data_quality(summary))


def _headline(summary: PerformanceSummary) -> Iterator[RenderableType]:
    running = ", still running" if summary.running else ""
    yield Text(f"{summary.window.capitalize()} performance: {span(summary)}{running}", "bold")
    yield _signed(summary.alert_status).append("  ").append_text(_in_a_line(summary))
    if room := room_sentence(summary):
        yield Text(room)
    yield Text(window_bounds(summary), "dim")


def _in_a_line(summary: PerformanceSummary) -> Text:
    if not summary.total_trades:
        still_open = (
            f" {summary.open_trades} still open, unrealized P&L {number(summary.unrealized_pnl)}."
            if summary.open_trades
            else ""
        )
        return Text(f"No trades in window.{still_open}")
    return Text.assemble(
        f"{summary.total_trades} closed trades, realized P&L ",
        _money(summary.realized_pnl),
        f", win rate {percent(summary.win_rate)}, max drawdown ",
        _money(summary.max_drawdown),
        f", {_streak(summary)}",
    )


def _streak(summary: PerformanceSummary) -> str:
    if summary.streak_type == "none":
        return "no streak"
    return f"streak {summary.current_streak} {summary.streak_type}"


def _targets(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    yield _heading("Targets")
    if not summary.targets:
        yield Text(f"No target was judged ({summary.alert_status}).")
        return
    yield fitted_table(
        columns("", "Metric", ">Actual", ">Target", ">Variance", "Status", "Severity"),
        (_target_row(result) for result in summary.targets),
        width,
    )
    if like := judged_like_sentence(summary):
        yield Text(like, "dim")


def _target_row(result: TargetResult) -> tuple[Text, ...]:
    sign, style = _STATUS[result.status]
    return (
        Text(sign, style),
        Text(safe(_judged(result))),
        *map(Text, compared(result.metric, result.actual, result.target)),
        Text(verdict_status(result), style),
        Text(result.severity or "", style),
    )


def _judged(result: TargetResult) -> str:
    of_strategy = f" of {result.strategy}" if result.strategy else ""
    return f"{result.metric.replace('_', ' ')}{of_strategy}"


def _daily_bars(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    if isinstance(summary.daily, tuple) and len(summary.daily) > 1:
        yield _heading("Daily P&L")
        yield from bar_rows(summary.daily, width)


def _metrics(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    yield _heading("Metrics")
    side_by_side = max(1, min(width // _BLOCK_WIDTH, len(_METRICS)))
    room = width // side_by_side - _BLOCK_GAP
    blocks = [_block(summary, block, room) for block in _METRICS]
    grid = Table.grid(padding=(0, _BLOCK_GAP, 0, 0))
    for begin in range(0, len(blocks), side_by_side):
        grid.add_row(*blocks[begin : begin + side_by_side])
    yield grid


def _block(summary: PerformanceSummary, block: Mapping[str, str], room: int) -> Table:
    values = {}
    for label, name in block.items():
        value = getattr(summary, name)
        if isinstance(value, msgspec.UnsetType):
            continue
        money = name in _PNL and value is not None
        values[label] = _money(value) if money else Text(metric_value(name, value))
    widest = max(value.cell_len for value in values.values())
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    # Labels wrap before a number does.
    table.add_column(justify="right", overflow="fold", min_width=min(widest, room // 2))
    for label, shown in values.items():
        table.add_row(Text(label), shown)
    return table


def _breakdowns(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    for title, breakdown in breakdowns(summary):
        yield _heading(f"By {title}")
        yield fitted_table(
            columns(
                title.capitalize(), ">Trades", ">Wins", ">Losses", ">Win rate", ">Realized P&L"
            ),
            (_breakdown_row(name, row) for name, row in breakdown.items()),
            width,
        )
    if isinstance(summary.daily, tuple):
        yield from _days(summary.daily, width)


def _breakdown_row(name: str, row: BreakdownRow) -> tuple[Text, ...]:
    return (
        Text(safe(name) or "(none)"),
        Text(str(row.total_trades)),
        Text(str(row.total_wins)),
        Text(str(row.total_losses)),
        Text(percent(row.win_rate)),
        _money(row.realized_pnl),
    )


def _days(days: Sequence[DayRow], width: int) -> Iterator[RenderableType]:
    yield _heading("By day")
    shown = days[-_LISTED_DAYS:]
    yield fitted_table(
        columns("Day", ">Trades", ">Realized P&L", ">Drawdown"),
        (
            (
                Text(f"{day.date:%a} {day.date}"),
                Text(str(day.total_trades)),
                _money(day.realized_pnl),
                _money(day.max_drawdown),
            )
            for day in shown
        ),
        width,
    )
    if len(shown) < len(days):
        yield Text(
            f"The last {len(shown)} of {len(days)} days; --markdown and --json hold all.", "dim"
        )


def _open_positions(positions: Sequence[OpenPosition], width: int) -> Iterator[RenderableType]:
    yield _heading("Open positions")
    if not positions:
        yield Text("None at the end of the window.")
        return
    yield fitted_table(
        columns("Symbol", "Mode", "Side", ">Quantity", ">Average price", ">Opened at"),
        (
            (
                Text(safe(position.symbol)),
                Text(safe(position.execution_mode) or "(none)"),
                Text(position.side),
                Text(quantity(position.quantity)),
                Text(price(position.average_price)),
                Text(moment(position.opened_at)),
            )
            for position in positions
        ),
        width,
    )


def _data_quality(summary: PerformanceSummary) -> Iterator[RenderableType]:
    quality = summary.data_quality
    yield _heading("Data quality")
    counts = {
        "accepted": quality.accepted,
        "duplicates": quality.duplicates,
        "rejected": quality.rejected,
        "misdated": quality.misdated,
        "outcome against P&L": quality.outcome_conflicts,
    }
    if summary.open_positions is not None:
        counts["unmatched exits"] = quality.unmatched_exits
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    sign, style = _STATUS["partial" if quality.warnings else quality.status]
    yield Text(f"{sign} {data_status(quality)}", style).append(f"  {told}")
    if quality.missing_days:
        yield Text(f"! missing days: {', '.join(map(str, quality.missing_days))}", "yellow")
    for warning in quality.warnings:
        yield Text(f"! {safe(warning)}", "yellow")
    for rejected in quality.rejected_lines:
        yield _log_line(rejected.file, rejected.line, safe(rejected.reason))
    if (more := quality.rejected - len(quality.rejected_lines)) > 0:
        yield Text(f"  and {more} more rejected lines; `doctor` names them all")
    for unmatched in quality.unmatched_lines:
        sold = f"{quantity(unmatched.quantity)} sold without a position"
        yield _log_line(unmatched.file, unmatched.line, sold)
    if (more := quality.unmatched_exits - len(quality.unmatched_lines)) > 0:
        yield Text(f"  and {more} more unmatched exits")


def _log_line(file: str, line: int, what: str) -> Text:
    return Text(f"  {safe(file)}:{line}: {what}")


def _heading(title: str) -> Text:
    return Text(f"\n{title}", "bold")


def _signed(status: str) -> Text:
    sign, style = _STATUS[status]
    return Text(f"{sign} {status}", style)


def _money(value: Decimal) -> Text:
    return Text(number(value), "green" if value > 0 else "red" if value < 0 else "")
