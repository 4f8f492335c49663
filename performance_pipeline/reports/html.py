"""A report as one HTML page that needs nothing else: no network, and scripts only for comfort.

Text from logs is only ever text here: the template escapes it, drawings and scripts get it encoded.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from performance_pipeline.domain.metrics import BreakdownRow, PerformanceSummary, TargetResult
from performance_pipeline.domain.numbers import plain
from performance_pipeline.reports import drawing
from performance_pipeline.reports.plots.alerts import alert_timeline
from performance_pipeline.reports.plots.base import Spec
from performance_pipeline.reports.plots.calendar import calendar
from performance_pipeline.reports.plots.equity import equity
from performance_pipeline.reports.plots.periods import periods
from performance_pipeline.reports.plots.sizes import sizes
from performance_pipeline.reports.report_data import EquityDay, ReportData, verdict
from performance_pipeline.reports.wording import METRIC_NAMES, UNDEFINED, grouped, long_day, percent

WIDE: Final = 1040
HALF: Final = 460
_HEAT_WEEKS: Final = 54
_ROWS_SHOWN: Final = 20
_ALERTS_LISTED: Final = 200


@dataclass(frozen=True)
class Plot:
    """One drawing: as it stands still, and as the page's script draws it."""

    name: str
    svg: Markup
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One headline figure: the metric, how it reads at a glance, and what the target says."""

    label: str
    value: Decimal | int | None
    shown: Markup
    note: str = ""
    target: TargetResult | None = None


@dataclass(frozen=True)
class Bar:
    """One row of a breakdown, and where its bar starts and how long it is, in percent."""

    name: str
    row: BreakdownRow
    start: float
    length: float


def report_html(report: ReportData) -> str:
    """The whole page."""
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        summary=report.summary,
        title=_title(report),
        figures=_figures(report.summary),
        plots=_plots(report) if report.summary.total_trades else {},
        heat_steps=heat_steps(report.equity),
        breakdowns=_breakdowns(report),
        runtime=_runtime(report),
        rows_shown=_ROWS_SHOWN,
        alerts_listed=report.alerts[-_ALERTS_LISTED:],
    )


def heat_steps(days: tuple[EquityDay, ...]) -> tuple[Decimal, ...]:
    """The amounts from which a day counts as middling and as large: a third of the days each."""
    amounts = sorted(abs(day.realized_pnl) for day in days)
    return tuple(amounts[len(amounts) * third // 3] for third in (1, 2)) if amounts else ()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("performance_pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number, rate=_rate, day=long_day, points=_points, metric=_metric, signed=_signed
    )
    return environment


def number(value: Decimal | int | None) -> Markup:
    """All digits of a value, with commas, and the value itself for programs."""
    return _data(value, grouped(value))


def _rate(value: Decimal | None) -> Markup:
    return _data(value, percent(value))


def _points(value: Decimal | None) -> Markup:
    """A difference of two rates, in percentage points."""
    return _data(value, percent(value).replace("%", "points"))


def _data(value: Decimal | int | None, shown: str) -> Markup:
    if value is None:
        return Markup('<span class="none">{}</span>').format(UNDEFINED)
    return Markup('<data value="{}">{}</data>').format(plain(Decimal(value)), shown)


def _metric(name: str) -> str:
    return METRIC_NAMES.get(name, name)


def _signed(value: Decimal | None) -> str:
    """The class of a cell: losses and gains differ by colour, and by their sign."""
    return "" if not value else "loss" if value < 0 else "gain"


def _title(report: ReportData) -> str:
    first, last = report.period.first_day, report.period.last_day
    return str(first) if first == last else f"{first} to {last}"


def _figures(summary: PerformanceSummary) -> list[Figure]:
    closed = f"{summary.total_wins:,} won, {summary.total_losses:,} lost"
    days = summary.trading_days
    pnl = f"{grouped(summary.avg_daily_pnl)} a day" if summary.avg_daily_pnl is not None else ""
    return [
        Figure(
            "Realized P&L",
            summary.realized_pnl,
            number(summary.realized_pnl),
            pnl,
            verdict(summary, "avg_daily_pnl") or verdict(summary, "realized_pnl"),
        ),
        Figure(
            "Win rate",
            summary.win_rate,
            _rate(summary.win_rate),
            closed,
            verdict(summary, "win_rate"),
        ),
        Figure(
            "Maximum drawdown",
            summary.max_drawdown,
            number(summary.max_drawdown),
            "from the highest total before it",
            verdict(summary, "max_drawdown"),
        ),
        Figure(
            "Closed trades",
            summary.total_trades,
            number(summary.total_trades),
            f"on {days:,} {'day' if days == 1 else 'days'}",
            verdict(summary, "trades_per_day") or verdict(summary, "total_trades"),
        ),
        Figure(
            "Planned R:R",
            summary.avg_risk_reward_ratio,
            number(summary.avg_risk_reward_ratio),
            f"over {summary.risk_reward_trades:,} trades",
            verdict(summary, "avg_risk_reward_ratio"),
        ),
        Figure(
            "Profit factor",
            summary.profit_factor,
            number(summary.profit_factor),
            "gross profit / gross loss",
        ),
        Figure("Expectancy", summary.expectancy, number(summary.expectancy), "P&L a trade"),
        Figure(
            "Payoff ratio",
            summary.payoff_ratio,
            number(summary.payoff_ratio),
            "average win / average loss",
        ),
    ]


def _plots(report: ReportData) -> dict[str, list[Plot]]:
    """The drawings of the page by the section they belong to."""
    drawn = {
        "equity": [
            _plot(
                "equity",
                equity(report.equity, live=False),
                WIDE,
                equity(report.equity, live=True),
            )
        ],
        "heat": [_plot(f"heat-{count}", spec, WIDE) for count, spec in enumerate(_heat(report))],
        "weeks": [
            _plot(
                "weeks",
                periods(report.weeks, gap=0.2, live=False),
                WIDE,
                periods(report.weeks, gap=0.2, live=True),
            )
        ],
        "months": [
            _plot(
                "months",
                periods(report.months, gap=0.12, live=False),
                HALF,
                periods(report.months, gap=0.12, live=True),
            )
        ],
        "sizes": [_plot("sizes", sizes(report.sizes), HALF)],
    }
    if report.alerts:
        timeline = alert_timeline(report.alerts, report.period)
        drawn["alerts"] = [_plot("alerts", timeline, WIDE - 90)]
    return drawn


def _plot(name: str, spec: Spec, width: int, live: Spec | None = None) -> Plot:
    svg = drawing.still(spec, width, name)
    return Plot(name, Markup(svg), drawing.sized(live or spec, width))


def _heat(report: ReportData) -> Iterator[Spec]:
    """One calendar, or one a year where a single one would be too wide."""
    first, last = report.period.first_day, report.period.last_day
    years: list[tuple[date, date]] = [(first, last)]
    if (last - first).days > (_HEAT_WEEKS - 1) * 7:
        years = [
            (max(first, date(year, 1, 1)), min(last, date(year, 12, 31)))
            for year in range(first.year, last.year + 1)
        ]
    for begin, end in years:
        yield calendar(
            [day for day in report.equity if begin <= day.date <= end],
            [day for day in report.summary.data_quality.missing_days if begin <= day <= end],
            first=begin,
            last=end,
            steps=heat_steps(report.equity),
        )


def _breakdowns(report: ReportData) -> list[tuple[str, list[Bar]]]:
    """Title and rows of each; names by their weight, days and hours in their own order."""
    named = [
        ("By symbol", report.summary.by_symbol),
        ("By strategy", report.summary.by_strategy),
    ]
    tables = [
        (title, sorted(rows.items(), key=lambda row: (-abs(row[1].realized_pnl), row[0])))
        for title, rows in named
    ]
    zone = report.summary.timezone
    tables.append(("By weekday of the close", list(report.by_weekday.items())))
    tables.append((f"By hour of the close, {zone}", list(report.by_hour.items())))
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


def _runtime(report: ReportData) -> Markup:
    """The scripts to inline; nothing in them may end the element that holds them."""
    if not report.summary.total_trades:
        return Markup("")
    script = re.sub(r"<(?=/script|!--)", r"\\x3c", drawing.runtime(), flags=re.IGNORECASE)
    return Markup(script)
