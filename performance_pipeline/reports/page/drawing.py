"""The plots of a page: each as a still picture, and as the spec that a browser makes it live by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import vl_convert
from markupsafe import Markup

from performance_pipeline.reports.page.data import EquityDay, PeriodRow, ReportData
from performance_pipeline.reports.page.plots.alerts import alert_timeline
from performance_pipeline.reports.page.plots.base import Spec
from performance_pipeline.reports.page.plots.calendar import calendar
from performance_pipeline.reports.page.plots.equity_curve import equity_curve
from performance_pipeline.reports.page.plots.periods import periods
from performance_pipeline.reports.page.plots.sizes import sizes

_WIDE: Final = 1040
_BESIDE_ALERT_NAMES: Final = 950
_HALF: Final = 460
_CALENDAR_DAYS: Final = 53 * 7
_RUNTIME: Final = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True)
class Plot:
    """One drawing: an SVG element, and the spec by which the page's script draws it."""

    name: str
    svg: Markup
    spec: Mapping[str, Any]


def drawn(report: ReportData) -> dict[str, list[Plot]]:
    """The drawings, by the section they belong to: where no trade was closed, of alerts alone."""
    timeline = alert_timeline(report.alerts, report.period)
    alerts = [_plot("alerts", _BESIDE_ALERT_NAMES, timeline)] if report.alerts else []
    if not report.summary.total_trades:
        return {"alerts": alerts}
    curve = [equity_curve(report.equity, live=live) for live in (False, True)]
    return {
        "equity": [_plot("equity", _WIDE, *curve)],
        "calendar": [
            _plot(f"calendar-{count}", _WIDE, spec) for count, spec in enumerate(_calendars(report))
        ],
        "weeks": _periods("weeks", _WIDE, report.weeks, gap=0.2),
        "months": _periods("months", _HALF, report.months, gap=0.12),
        "sizes": [_plot("sizes", _HALF, sizes(report.sizes))],
        "alerts": alerts,
    }


def runtime() -> Markup:
    """The scripts that draw a spec in a browser, as `window.vegaEmbed`, safe inside an element."""
    script: str = vl_convert.javascript_bundle(_RUNTIME)
    return Markup(re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE))


def calendar_steps(days: tuple[EquityDay, ...]) -> tuple[Decimal, ...]:
    """The amounts from which a day counts as middling and as large: a third of the days each."""
    amounts = sorted(abs(day.realized_pnl) for day in days)
    return tuple(amounts[len(amounts) * third // 3] for third in (1, 2)) if amounts else ()


def _plot(name: str, width: int, spec: Spec, live: Spec | None = None) -> Plot:
    """The picture of `spec`, `width` pixels wide besides its labels; a browser draws `live`."""
    svg: str = vl_convert.vegalite_to_svg(_sized(spec, width), allowed_base_urls=[])
    # Every drawing numbers its inner ids from one; with its name they are unique on the page.
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>{name}-", svg)
    return Plot(name, Markup(svg), _sized(live or spec, width))


def _sized(spec: Spec, width: int) -> Spec:
    """The spec with a width, where its marks do not decide that themselves."""
    if "vconcat" in spec:
        return {**spec, "vconcat": [{**part, "width": width} for part in spec["vconcat"]]}
    return spec if "width" in spec else {**spec, "width": width}


def _periods(name: str, width: int, rows: tuple[PeriodRow, ...], gap: float) -> list[Plot]:
    """None for a single period: one bar says less than its row in the table."""
    if sum(row.total_trades > 0 for row in rows) < 2:
        return []
    still, live = (periods(rows, gap=gap, live=live) for live in (False, True))
    return [_plot(name, width, still, live)]


def _calendars(report: ReportData) -> Iterator[Spec]:
    """One calendar, one a year where a single one would be too wide, and none for a single day."""
    first, last = report.period.first_day, report.period.last_day
    spans = [(first, last)] if first < last else []
    if (last - first).days > _CALENDAR_DAYS:
        spans = [
            (max(first, date(year, 1, 1)), min(last, date(year, 12, 31)))
            for year in range(first.year, last.year + 1)
        ]
    for begin, end in spans:
        yield calendar(
            [day for day in report.equity if begin <= day.date <= end],
            [day for day in report.summary.data_quality.missing_days if begin <= day <= end],
            first=begin,
            last=end,
            steps=calendar_steps(report.equity),
            title=str(begin.year) if len(spans) > 1 else None,
        )
