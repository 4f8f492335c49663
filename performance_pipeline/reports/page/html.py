"""A report as one HTML page that needs nothing else: no network, and scripts only for comfort.

Text from logs is only ever text here: the template escapes it, drawings and scripts get it encoded.
"""

from decimal import Decimal
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from performance_pipeline.domain.numbers import plain
from performance_pipeline.reports.page import drawing
from performance_pipeline.reports.page.data import ReportData
from performance_pipeline.reports.page.tables import breakdowns, figures
from performance_pipeline.reports.wording import (
    METRIC_NAMES,
    RATES,
    UNDEFINED,
    grouped,
    judged_like_sentence,
    long_day,
    percent,
    points,
)

_ROWS_SHOWN: Final = 20
_ALERTS_LISTED: Final = 200


def report_html(report: ReportData) -> str:
    """The whole page."""
    first, last = report.period.first_day, report.period.last_day
    any_trades = report.summary.total_trades > 0
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            summary=report.summary,
            title=str(first) if first == last else f"{first} to {last}",
            figures=figures(report.summary),
            judged_like=judged_like_sentence(report.summary),
            plots=drawing.drawn(report) if any_trades else {},
            calendar_steps=drawing.calendar_steps(report.equity),
            breakdowns=breakdowns(report),
            rows_shown=_ROWS_SHOWN,
            alerts_listed=report.alerts[-_ALERTS_LISTED:],
            runtime=drawing.runtime() if any_trades else "",
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("performance_pipeline.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number,
        rate=_rate,
        value_of=_value_of,
        difference_of=_difference_of,
        day=long_day,
        metric=_metric,
        signed=_signed,
    )
    return environment


def _number(value: Decimal | int | None) -> Markup:
    """All digits of a value, with commas, and the value itself for programs."""
    return _data(value, grouped(value))


def _rate(value: Decimal | None) -> Markup:
    """A rate in percent."""
    return _data(value, percent(value))


def _value_of(value: Decimal | None, metric: str) -> Markup:
    """A value of `metric`: a rate in percent, everything else as a number."""
    return _rate(value) if metric in RATES else _number(value)


def _difference_of(value: Decimal | None, metric: str) -> Markup:
    """A difference of two values of `metric`: of rates in percentage points."""
    return _data(value, points(value)) if metric in RATES else _number(value)


def _data(value: Decimal | int | None, shown: str) -> Markup:
    if value is None:
        return Markup('<span class="none">{}</span>').format(UNDEFINED)
    return Markup('<data value="{}">{}</data>').format(plain(Decimal(value)), shown)


def _metric(name: str) -> str:
    return METRIC_NAMES.get(name, name)


def _signed(value: Decimal | None) -> str:
    """The class of a cell: losses and gains differ by colour, and by their sign."""
    return "" if not value else "loss" if value < 0 else "gain"
