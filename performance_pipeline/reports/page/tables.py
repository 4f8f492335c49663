"""The headline figures and the breakdowns of a report, in the order in which a page shows them."""

from dataclasses import dataclass
from decimal import Decimal

from performance_pipeline.domain.metrics import BreakdownRow, PerformanceSummary, TargetResult
from performance_pipeline.reports.page.data import ReportData, verdict
from performance_pipeline.reports.wording import counted, grouped


@dataclass(frozen=True)
class Figure:
    """One headline figure: its name, its value, a word on it, and what its target says."""

    label: str
    value: Decimal | int | None
    note: str
    target: TargetResult | None = None
    is_rate: bool = False


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
        found = (verdict(summary, metric) for metric in metrics)
        return next(filter(None, found), None)

    won = f"{summary.total_wins:,} won, {summary.total_losses:,} lost"
    days = f"on {counted(summary.trading_days, 'day')}"
    planned = f"over {counted(summary.risk_reward_trades, 'trade')}"
    return [
        Figure(
            "Realized P&L",
            summary.realized_pnl,
            f"{grouped(summary.avg_daily_pnl)} a day",
            target("avg_daily_pnl", "realized_pnl"),
        ),
        Figure("Win rate", summary.win_rate, won, target("win_rate"), is_rate=True),
        Figure(
            "Maximum drawdown",
            summary.max_drawdown,
            "below the highest total",
            target("max_drawdown"),
        ),
        Figure(
            "Closed trades", summary.total_trades, days, target("trades_per_day", "total_trades")
        ),
        Figure(
            "Planned R:R", summary.avg_risk_reward_ratio, planned, target("avg_risk_reward_ratio")
        ),
        Figure("Profit factor", summary.profit_factor, "gross profit / gross loss"),
        Figure("Expectancy", summary.expectancy, "P&L a trade"),
        Figure("Payoff ratio", summary.payoff_ratio, "average win / average loss"),
    ]


def breakdowns(report: ReportData) -> list[tuple[str, list[Bar]]]:
    """Title and rows of each; names by their weight, days and hours in their own order."""
    summary = report.summary
    named = (("By symbol", summary.by_symbol), ("By strategy", summary.by_strategy))
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
