"""The headline figures and the breakdowns of a report, in the order in which a page shows them."""

from dataclasses import dataclass
from decimal import Decimal

from performance_pipeline.domain.summary import BreakdownRow, PerformanceSummary, TargetResult
from performance_pipeline.reports.number_format import (
    compared,
    counted,
    grouped,
    metric_value,
    percent,
)
from performance_pipeline.reports.page.data import ReportData


@dataclass(frozen=True)
class Figure:
    """One headline figure: its name, its value, a word on it, and what its target says."""

    label: str
    value: Decimal | int | None
    shown: str
    note: str
    target: TargetResult | None = None


@dataclass(frozen=True)
class Bar:
    """One row of a breakdown, and where its bar starts and how long it is, in percent."""

    name: str
    row: BreakdownRow
    start: float
    length: float


def figures(summary: PerformanceSummary) -> list[Figure]:
    """The headline of a window; what has a target comes first."""

    def target(*metrics: str) -> TargetResult | None:
        found = (summary.verdict(metric) for metric in metrics)
        return next(filter(None, found), None)

    def figure(label: str, metric: str, note: str, judged: TargetResult | None = None) -> Figure:
        value = getattr(summary, metric)
        return Figure(label, value, _beside(judged, metric, value), note, judged)

    pnl = target("avg_daily_pnl", "realized_pnl")
    a_day = grouped(_beside(pnl, "avg_daily_pnl", summary.avg_daily_pnl))
    won = f"{summary.total_wins:,} won, {summary.total_losses:,} lost"
    if summary.win_rate is not None:
        won += f"; 95 % range {percent(summary.win_rate_low)} to {percent(summary.win_rate_high)}"
    days = f"on {counted(summary.trading_days, 'day')}"
    planned = f"over {counted(summary.risk_reward_trades, 'trade')}"
    return [
        figure("Realized P&L", "realized_pnl", f"{a_day} a day", pnl),
        figure("Win rate", "win_rate", won, target("win_rate")),
        figure(
            "Maximum drawdown", "max_drawdown", "below the highest total", target("max_drawdown")
        ),
        figure("Closed trades", "total_trades", days, target("trades_per_day", "total_trades")),
        figure("Planned R:R", "avg_risk_reward_ratio", planned, target("avg_risk_reward_ratio")),
        figure("Profit factor", "profit_factor", "gross profit / gross loss"),
        figure("Expectancy", "expectancy", "P&L a trade"),
        figure("Payoff ratio", "payoff_ratio", "average win / average loss"),
    ]


def _beside(judged: TargetResult | None, metric: str, value: Decimal | int | None) -> str:
    """A value, told apart from the target that stands beside it."""
    if judged is not None and judged.metric == metric:
        return compared(metric, judged.actual, judged.target).actual
    return metric_value(metric, value)


def breakdowns(report: ReportData) -> list[tuple[str, list[Bar]]]:
    """Title and rows of each; names by their weight, days and hours in their own order."""
    summary = report.summary
    named = [("By symbol", summary.by_symbol), ("By strategy", summary.by_strategy)]
    if any(summary.by_side):
        named.append(("By side", summary.by_side))
    tables = [
        (title, sorted(rows.items(), key=lambda row: (-abs(row[1].realized_pnl), row[0])))
        for title, rows in named
    ]
    tables.append(("By weekday of the close", list(report.by_weekday.items())))
    tables.append((f"By hour of the close, {summary.timezone}", list(report.by_hour.items())))
    return [(title, _bars(rows)) for title, rows in tables]


def _bars(rows: list[tuple[str, BreakdownRow]]) -> list[Bar]:
    """The rows with their bars: losses to the left of a common zero, gains to the right."""
    amounts = [float(row.realized_pnl) for _, row in rows]
    lowest, highest = min([0.0, *amounts]), max([0.0, *amounts])
    percent_of = 100 / (highest - lowest or 1.0)
    return [
        Bar(name, row, (min(amount, 0.0) - lowest) * percent_of, abs(amount) * percent_of)
        for (name, row), amount in zip(rows, amounts, strict=True)
    ]
