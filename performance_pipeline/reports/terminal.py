"""A summary as rich tables: what `summary` shows on a terminal and, without colour, in a pipe.

Colour only repeats what a sign or a word says too. All text is put into `Text`, where rich's markup
has no meaning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from performance_pipeline.domain.metrics import (
    BreakdownRow,
    DataQuality,
    DayRow,
    PerformanceSummary,
    TargetResult,
)
from performance_pipeline.domain.numbers import plain
from performance_pipeline.reports.sparkline import bars
from performance_pipeline.reports.wording import (
    UNDEFINED,
    judged_like_sentence,
    metric_difference,
    metric_value,
    number,
    percent,
    span,
)

# A sign and a colour for each status; the word stands beside it.
_STATUS: Final = {
    "met": ("✓", "green"),
    "breached": ("✗", "bold red"),
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
        "average hold (s)": "avg_hold_seconds",
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
        "commission": "commission",
        "slippage": "slippage",
    },
    {
        "win rate": "win_rate",
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
_SPACED_DAYS: Final = 31
_LISTED_DAYS: Final = 31
_MOST_BARS: Final = 92


def safe(text: str) -> str:
    """`text` on one line, with every control or invisible character written as its escape."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def summary_view(summary: PerformanceSummary, width: int) -> RenderableType:
    """The whole of `summary`, laid out for a terminal of `width` columns."""
    parts: list[RenderableType] = [*_headline(summary), *_targets(summary)]
    if summary.total_trades:
        parts += [*_daily_bars(summary, width), *_metrics(summary, width), *_breakdowns(summary)]
    return Group(*parts, *_data_quality(summary.data_quality))


def _headline(summary: PerformanceSummary) -> Iterator[RenderableType]:
    running = ", still running" if summary.running else ""
    yield Text(f"{summary.window.capitalize()} performance: {span(summary)}{running}", "bold")
    yield _signed(summary.alert_status).append("  ").append_text(_in_a_line(summary))
    starts = summary.starts_at or UNDEFINED
    yield Text(f"{starts} to {summary.ends_at} ({summary.timezone})", "dim")


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


def _targets(summary: PerformanceSummary) -> Iterator[RenderableType]:
    yield _heading("Targets")
    if not summary.targets:
        yield Text(f"No target was judged ({summary.alert_status}).")
        return
    yield _table(
        ("", "Metric", ">Actual", ">Target", ">Variance", "Status", "Severity"),
        (_target_row(result) for result in summary.targets),
    )
    if like := judged_like_sentence(summary):
        yield Text(like, "dim")


def _target_row(result: TargetResult) -> tuple[Text, ...]:
    sign, style = _STATUS[result.status]
    return (
        Text(sign, style),
        Text(result.metric.replace("_", " ")),
        Text(metric_value(result.metric, result.actual)),
        Text(metric_value(result.metric, result.target)),
        Text(metric_difference(result.metric, result.variance)),
        Text(result.status.replace("_", " "), style),
        Text(result.severity or "", style),
    )


def _daily_bars(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    """Gains in one row, losses in the one below, a column a day; long ranges go on below."""
    days = summary.daily
    if not isinstance(days, tuple) or len(days) < 2:
        return
    yield _heading("Daily P&L")
    largest = max(days, key=lambda day: abs(day.realized_pnl))
    tallest = abs(largest.realized_pnl)
    gap = " " if len(days) <= _SPACED_DAYS else ""
    columns = max(1, min(width - len("YYYY-MM-DD  losses  "), _MOST_BARS) // (1 + len(gap)))
    for begin in range(0, len(days), columns):
        chunk = days[begin : begin + columns]
        drawn = bars([day.realized_pnl for day in chunk], tallest)
        yield _bar_row(f"{chunk[0].date}  gains ", gap.join(drawn.gains), "green")
        yield _bar_row(f"{chunk[-1].date}  losses", gap.join(drawn.losses), "red")
    yield Text(f"A full bar is {plain(tallest)}, on {largest.date}.", "dim")


def _bar_row(label: str, drawn: str, style: str) -> Text:
    return Text.assemble((f"{label}  ", "dim"), (drawn, style), no_wrap=True)


def _metrics(summary: PerformanceSummary, width: int) -> Iterator[RenderableType]:
    yield _heading("Metrics")
    blocks = [_block(summary, block) for block in _METRICS]
    side_by_side = max(1, min(width // _BLOCK_WIDTH, len(blocks)))
    grid = Table.grid(padding=(0, 4, 0, 0))
    for begin in range(0, len(blocks), side_by_side):
        grid.add_row(*blocks[begin : begin + side_by_side])
    yield grid


def _block(summary: PerformanceSummary, block: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", overflow="fold")
    for label, name in block.items():
        value = getattr(summary, name)
        money = name in _PNL and value is not None
        table.add_row(Text(label), _money(value) if money else Text(metric_value(name, value)))
    return table


def _breakdowns(summary: PerformanceSummary) -> Iterator[RenderableType]:
    for title, breakdown in (
        ("symbol", summary.by_symbol),
        ("strategy", summary.by_strategy),
        ("execution mode", summary.by_execution_mode),
    ):
        yield _heading(f"By {title}")
        yield _table(
            (title.capitalize(), ">Trades", ">Wins", ">Losses", ">Win rate", ">Realized P&L"),
            (_breakdown_row(name, row) for name, row in breakdown.items()),
        )
    if isinstance(summary.daily, tuple):
        yield from _days(summary.daily)


def _breakdown_row(name: str, row: BreakdownRow) -> tuple[Text, ...]:
    return (
        Text(safe(name) or "(none)"),
        Text(str(row.total_trades)),
        Text(str(row.total_wins)),
        Text(str(row.total_losses)),
        Text(percent(row.win_rate)),
        _money(row.realized_pnl),
    )


def _days(days: Sequence[DayRow]) -> Iterator[RenderableType]:
    yield _heading("By day")
    shown = days[-_LISTED_DAYS:]
    yield _table(
        ("Day", ">Trades", ">Realized P&L", ">Drawdown"),
        (
            (
                Text(f"{day.date:%a} {day.date}"),
                Text(str(day.total_trades)),
                _money(day.realized_pnl),
                _money(day.max_drawdown),
            )
            for day in shown
        ),
    )
    if len(shown) < len(days):
        yield Text(
            f"The last {len(shown)} of {len(days)} days; --markdown and --json hold all.", "dim"
        )


def _data_quality(quality: DataQuality) -> Iterator[RenderableType]:
    yield _heading("Data quality")
    counts = {
        "accepted": quality.accepted,
        "duplicates": quality.duplicates,
        "rejected": quality.rejected,
        "misdated": quality.misdated,
        "outcome against P&L": quality.outcome_conflicts,
    }
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    yield _signed(quality.status).append(f"  {told}")
    if quality.missing_days:
        yield Text(f"! missing days: {', '.join(map(str, quality.missing_days))}", "yellow")
    for warning in quality.warnings:
        yield Text(f"! {safe(warning)}", "yellow")
    for line in quality.rejected_lines:
        yield Text(f"  {safe(line.file)}:{line.line}: {safe(line.reason)}")
    if (more := quality.rejected - len(quality.rejected_lines)) > 0:
        yield Text(f"  and {more} more rejected lines; `doctor` names them all")


def _table(columns: Iterable[str], rows: Iterable[Iterable[Text]]) -> Table:
    """A table; a column whose name begins with `>` is aligned right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in columns:
        justify = "right" if name.startswith(">") else "left"
        table.add_column(Text(name.removeprefix(">")), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    return table


def _heading(title: str) -> Text:
    return Text(f"\n{title}", "bold")


def _signed(status: str) -> Text:
    sign, style = _STATUS[status]
    return Text(f"{sign} {status}", style)


def _money(value: Decimal) -> Text:
    return Text(plain(value), "green" if value > 0 else "red" if value < 0 else "")
