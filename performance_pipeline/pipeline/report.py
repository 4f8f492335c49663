"""A report from the log folder to its file: what the command line and the asset share."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from performance_pipeline.domain.aggregate import combine
from performance_pipeline.domain.explanation import Explanation
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import ONE_DAY, PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.pipeline.explaining import AlertHistory, Explainer, histories
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place
from performance_pipeline.reports.page.data import ReportData, report_data
from performance_pipeline.reports.page.html import report_html
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.stores import store_at

REPORT_NAME: Final = "performance-report.html"
REPORT_DAYS: Final = 365
ALERTS_EXPLAINED: Final = 20
# Bytes of logs for all explanations of a page, some 50,000 trades: a few seconds.
_READ_AT_MOST: Final = 32_000_000


def default_period(tracker: PerformanceTracker) -> Period:
    """The last year up to yesterday, or what there is of it: from the first day that counts on.

    A day that still runs would leave the whole range without verdicts, so today is only in it
    while there is no day before it. Until it is over it is in its own summary, and in those of its
    week and month.
    """
    today = tracker.today
    first_day = tracker.first_day or today
    last = min(today, max(first_day, today - ONE_DAY))
    return Period.spanning(min(last, max(first_day, last - (REPORT_DAYS - 1) * ONE_DAY)), last)


def load_report(tracker: PerformanceTracker, period: Period) -> ReportData:
    """What the report over `period` shows, from aggregates and the alert log.

    Raises UnreadableLogError.
    """
    days = {day: tracker.day(day).aggregate for day in tracker.counted_days(period)}
    whole = combine(list(days.values()), tracker.settings.rolling_window)
    known = histories(AlertLog(tracker.settings.alert_log).events())
    report = report_data(
        period,
        tracker.summarize(period, whole),
        days,
        whole.distribution,
        weeks=list(_summaries(tracker, period, Window.WEEKLY)),
        months=list(_summaries(tracker, period, Window.MONTHLY)),
        alerts=[history.latest for history in known.values()],
    )
    # A line of the log that somebody wrote by hand may name a window that there is no period of.
    of_periods = [alert for alert in report.alerts if alert.window in PARTITIONED_WINDOWS]
    newest = [known[alert.id] for alert in reversed(of_periods[-ALERTS_EXPLAINED:])]
    return replace(report, explanations=tuple(_explanations(tracker, newest)))


def write_report(path: Place, report: ReportData) -> int:
    """Write the page of `report` to `path`, and return its size in bytes."""
    content = report_html(report).encode()
    store_at(path.parent).write(path.name, content)
    return len(content)


def _explanations(
    tracker: PerformanceTracker, alerts: Iterable[AlertHistory]
) -> Iterator[Explanation]:
    """What made alerts so; of one whose logs would take long to read, `alerts explain` tells."""
    explainer = Explainer(tracker)
    left = _READ_AT_MOST
    for alert in alerts:
        needed = explainer.bytes_to_read(alert)
        if needed <= left:
            left -= needed
            yield explainer.explain(alert)


def _summaries(
    tracker: PerformanceTracker, period: Period, window: Window
) -> Iterator[PerformanceSummary]:
    """Every week or month that holds a day of `period`, the whole of it."""
    day = period.first_day
    while day <= period.last_day:
        touched = Period.of(window, day)
        yield tracker.summarize(touched)
        day = touched.last_day + timedelta(days=1)
