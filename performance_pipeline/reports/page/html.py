"""A report as one HTML page that needs nothing else: no network, and scripts only for comfort.

Text from logs is only ever text here: the template escapes it, drawings and scripts get it encoded.
"""

from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline.reports.number_format import (
    UNDEFINED,
    compared,
    grouped,
    number,
    percent,
    price,
    quantity,
)
from performance_pipeline.reports.page import drawing
from performance_pipeline.reports.page.causes import Why, cut, why
from performance_pipeline.reports.page.data import ReportData
from performance_pipeline.reports.page.tables import breakdowns, figures
from performance_pipeline.reports.wording import (
    data_status,
    judged_like_sentence,
    judged_name,
    long_day,
    moment,
    verdict_status,
)

_ROWS_SHOWN: Final = 20
_ALERTS_LISTED: Final = 200


def report_html(report: ReportData) -> str:
    """The whole page."""
    first, last = report.period.first_day, report.period.last_day
    plots = drawing.drawn(report)
    return (
        environment()
        .get_template("report.html")
        .render(
            report=report,
            summary=report.summary,
            title=str(first) if first == last else f"{first} to {last}",
            figures=figures(report.summary),
            judged_like=judged_like_sentence(report.summary),
            plots=plots,
            calendar_steps=drawing.calendar_steps(report.equity),
            breakdowns=breakdowns(report),
            rows_shown=_ROWS_SHOWN,
            explained=_explained(report),
            alerts_listed=report.alerts[-_ALERTS_LISTED:],
            runtime=drawing.runtime() if any(plots.values()) else "",
        )
    )


def _explained(report: ReportData) -> list[tuple[AlertEvent, Why]]:
    """Each alert that is explained, with what made it so."""
    by_id = {alert.id: alert for alert in report.alerts}
    return [(by_id[found.id], why(found)) for found in report.explanations]


@cache
def environment() -> Environment:
    """What all pages are rendered by: escaping, and values as people and programs read them."""
    made = Environment(
        loader=PackageLoader("performance_pipeline.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=_number,
        rate=lambda value: _data(value, percent(value)),
        price=lambda value: _data(value, price(value)),
        quantity=lambda value: _data(value, quantity(value)),
        shown_as=_data,
        compared=_compared,
        cut=cut,
        day=long_day,
        moment=moment,
        judged_name=lambda judged: judged_name(judged.metric, judged.strategy),
        data_status=data_status,
        verdict_status=verdict_status,
        signed=_signed,
    )
    return made


class _Compared(NamedTuple):
    """A verdict as elements: what was found, what was asked for, and the difference."""

    actual: Markup
    target: Markup
    difference: Markup


def _number(value: Decimal | int | None) -> Markup:
    return _data(value, number(value))


def _compared(actual: Decimal | None, target: Decimal, metric: str) -> _Compared:
    difference = None if actual is None else EXACT.subtract(actual, target)
    texts = compared(metric, actual, target)
    values = (actual, target, difference)
    return _Compared(*(_data(value, text) for value, text in zip(values, texts, strict=True)))


def _data(value: Decimal | int | None, shown: str) -> Markup:
    """A value as it is shown, with commas, and the exact one for programs."""
    if value is None:
        return Markup('<span class="none">{}</span>').format(UNDEFINED)
    return Markup('<data value="{}">{}</data>').format(plain(Decimal(value)), grouped(shown))


def _signed(value: Decimal | None) -> str:
    """The class of a cell: losses and gains differ by colour, and by their sign."""
    return "" if not value else "loss" if value < 0 else "gain"
