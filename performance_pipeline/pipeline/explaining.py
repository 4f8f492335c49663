"""Explaining alerts: from an id to its log lines, with the log folder and the alert log alone."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import NamedTuple

from performance_pipeline.domain.alerts import AlertEvent, UnknownAlertError, fold
from performance_pipeline.domain.effects import actual_of, explain, known_when_raised
from performance_pipeline.domain.explanation import (
    Asked,
    ClosedTrade,
    Explanation,
    Since,
    UnreadLog,
)
from performance_pipeline.domain.summary import PerformanceSummary, TargetResult
from performance_pipeline.domain.targets import METRICS
from performance_pipeline.domain.verdicts import published_metric
from performance_pipeline.domain.windows import ONE_DAY, Period, Window, days_between
from performance_pipeline.pipeline.closed_trades import ClosedTrades
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.logs import UnreadableLogError


class AlertHistory(NamedTuple):
    """The line that raised an alert, and the one that tells its state now."""

    raised: AlertEvent
    latest: AlertEvent


class _WindowTrades(NamedTuple):
    """The trades of a window, and those before them that were in it while it was shorter."""

    trades: Sequence[ClosedTrade]
    before: Sequence[ClosedTrade]
    unread: Sequence[UnreadLog]


def histories(events: Sequence[AlertEvent]) -> dict[str, AlertHistory]:
    """What the lines of the alert log say of each alert, by id."""
    raised: dict[str, AlertEvent] = {}
    for event in events:
        raised.setdefault(event.id, event)
    return {key: AlertHistory(raised[key], latest) for key, latest in fold(events).items()}


def history_of(events: Sequence[AlertEvent], alert_id: str) -> AlertHistory:
    """What they say of one alert; raises UnknownAlertError, which names the nearest id."""
    known = histories(events)
    if alert_id not in known:
        near = get_close_matches(alert_id, known, n=1, cutoff=0)
        hint = f"; the nearest is {near[0]}" if near else "; it is empty"
        raise UnknownAlertError(f"{alert_id!r} is no alert in the log{hint}")
    return known[alert_id]


class Explainer:
    """Explains alerts by the logs that `tracker` sees; each log is read once for all of them."""

    def __init__(self, tracker: PerformanceTracker) -> None:
        self._tracker = tracker
        self._closed = ClosedTrades(tracker)

    def explain(self, history: AlertHistory) -> Explanation:
        """The explanation of one alert, by its window as the logs tell it now.

        A log that cannot be read is named, and the rest is explained.
        """
        raised, latest = history
        period = Period.of(latest.window, latest.period)
        window = self._window(period, raised)
        whole = since = unknown = None
        complete = False
        try:
            whole = self._tracker.summarize(period)
            complete = _is_all(window.trades, whole)
            if not complete:
                window = _not_before(whole, window)
            since = self._since(history, window, self._now(period), complete)
        except UnreadableLogError as error:
            unknown = str(error)
        return explain(
            self._asked(latest, period, whole),
            latest,
            raised,
            window.trades,
            since=since,
            since_unknown=unknown,
            complete=complete,
            unread=window.unread,
        )

    def bytes_to_read(self, history: AlertHistory) -> int:
        """How much of the logs has to be read to explain an alert, that was not read yet."""
        period = Period.of(history.latest.window, history.latest.period)
        days = self._tracker.counted_days(period)
        if period.window is Window.ROLLING:
            days = self._last_days(days)
        return self._closed.bytes_to_read(days)

    def _last_days(self, days: Sequence[date]) -> list[date]:
        """The last of `days` with trades enough for a rolling window, by their aggregates."""
        wanted = self._tracker.settings.rolling_window
        last: list[date] = []
        for day in reversed(days):
            if wanted <= 0:
                break
            last.append(day)
            try:
                wanted -= self._tracker.day(day).aggregate.stats.total_trades
            except UnreadableLogError:
                continue  # Nor can it be read to explain, which then names it.
        return last

    def _window(self, period: Period, raised: AlertEvent) -> _WindowTrades:
        """What `period` holds; of a rolling window the last trades, read backwards from its day."""
        days = self._tracker.counted_days(period)
        if period.window is not Window.ROLLING:
            found = [self._closed.of(day) for day in days]
            return _WindowTrades(
                [trade for day in found for trade in day.trades],
                (),
                _unique(log for day in found for log in day.unread),
            )
        size = self._tracker.settings.rolling_window
        trades: list[ClosedTrade] = []
        unread: list[UnreadLog] = []
        for day in reversed(days):
            if sum(trade.instant <= raised.raised_at for trade in trades) >= size:
                break
            of_day = self._closed.of(day)
            trades[:0] = of_day.trades
            unread += of_day.unread
        return _WindowTrades(trades[-size:], trades[:-size], _unique(unread))

    def _now(self, period: Period) -> PerformanceSummary:
        """The summary by which the alert is judged now: a rolling window goes on with the days."""
        rolling = period.window is Window.ROLLING
        return self._tracker.summarize(
            Period.of(Window.ROLLING, self._tracker.today) if rolling else period
        )

    def _since(
        self,
        history: AlertHistory,
        window: _WindowTrades,
        now: PerformanceSummary,
        complete: bool,
    ) -> Since:
        raised, latest = history
        rolling = latest.window is Window.ROLLING
        known = None
        trades = [*window.before, *window.trades]
        if complete:
            last = self._tracker.settings.rolling_window if rolling else None
            known = known_when_raised(latest.metric, raised.actual, trades, raised.raised_at, last)
        verdict = now.verdict(latest.metric)
        actual = _actual(now, latest.metric, verdict)
        return Since(
            period=self._tracker.today if rolling else latest.period,
            actual=actual,
            target=None if verdict is None else verdict.target,
            status="not_checked" if verdict is None else verdict.status,
            severity=None if verdict is None else verdict.severity,
            p_value=None if verdict is None else verdict.p_value,
            breached=None if actual is None else actual < raised.target,
            trades_added=None
            if known is None
            else len(trades) - known + (self._closed_after(latest.period) if rolling else 0),
            restated=known is None if complete else None,
        )

    def _closed_after(self, day: date) -> int:
        """How many trades closed on the days after `day`."""
        days = days_between(day + ONE_DAY, self._tracker.today)
        return sum(self._tracker.day(later).aggregate.stats.total_trades for later in days)

    def _asked(self, alert: AlertEvent, period: Period, whole: PerformanceSummary | None) -> Asked:
        targets = self._tracker.targets.targets
        lines = targets.for_window(period.window) if targets is not None else ()
        critical = (line.critical for line in lines if line.metric == alert.metric)
        return Asked(
            window=alert.window,
            period=alert.period,
            start_date=alert.start_date if whole is None else whole.start_date,
            end_date=alert.end_date if whole is None else whole.end_date,
            timezone=self._tracker.settings.timezone.key,
            metric=alert.metric,
            target=alert.target,
            critical=next(critical, None),
            severity=alert.severity,
        )


def _is_all(trades: Sequence[ClosedTrade], whole: PerformanceSummary) -> bool:
    """Whether the trades that were read are those that the summary counts."""
    return (len(trades), actual_of("realized_pnl", trades)) == (
        whole.total_trades,
        whole.realized_pnl,
    )


def _not_before(whole: PerformanceSummary, window: _WindowTrades) -> _WindowTrades:
    """A window that was read in part, without what was read in place of the missing ones."""
    starts_at = whole.starts_at
    if starts_at is None:
        return window
    return window._replace(trades=[one for one in window.trades if one.instant >= starts_at])


def _unique(unread: Iterable[UnreadLog]) -> list[UnreadLog]:
    return list(dict.fromkeys(unread))


def _actual(
    summary: PerformanceSummary, metric: str, verdict: TargetResult | None
) -> Decimal | None:
    """What the summary says of a metric, also where no target asks for it any more."""
    if verdict is not None:
        return verdict.actual
    known = {name for of_window in METRICS.values() for name in of_window.values()}
    return published_metric(summary, metric) if metric in known else None
