"""Explaining alerts: from an id to its log lines, with the log folder and the alert log alone."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import NamedTuple

from performance_pipeline.domain.alerts import AlertEvent, UnknownAlertError, fold
from performance_pipeline.domain.effects import explain
from performance_pipeline.domain.explanation import (
    Asked,
    ClosedTrade,
    Explanation,
    Since,
    Standing,
    UnreadLog,
)
from performance_pipeline.domain.listed_trades import actual_of, known_when_raised
from performance_pipeline.domain.strategies import StrategyFigures
from performance_pipeline.domain.summary import PerformanceSummary, TargetResult
from performance_pipeline.domain.targets import EDGE, TARGET_METRICS, meets
from performance_pipeline.domain.verdicts import Evidence, Figures, published_metric
from performance_pipeline.domain.windows import ONE_DAY, Period, Window, days_between
from performance_pipeline.pipeline.closed_trades import ClosedTrades
from performance_pipeline.pipeline.explaining_stream import (
    Measure,
    days_since_the_fall,
    days_since_the_peak,
    since_the_fall,
    since_the_peak,
)
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.logs import UnreadableLogError


class AlertHistory(NamedTuple):
    """The line that raised an alert, and the one that tells its state now."""

    raised: AlertEvent
    latest: AlertEvent


class _Window(NamedTuple):
    """The trades that were read for an alert, to the end of its period, and which of them it is of.

    Those from `begin` on, of its strategy where it has one. `measure` says what the first so many
    of all that were read come to; of what rests on all trades so far, `standing` what they do.
    """

    read: Sequence[ClosedTrade]
    begin: int
    strategy: str
    unread: Sequence[UnreadLog]
    measure: Measure
    standing: Standing | None = None

    @property
    def trades(self) -> list[ClosedTrade]:
        return _of_strategy(self.strategy, self.read[self.begin :])


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
        window = self._stream_window(latest) or self._window(period, raised)
        whole = since = unknown = None
        complete = False
        try:
            whole, evidence = self._tracker.judgeable(period)
            complete = self._is_all(window, latest, _figures(whole, evidence, latest.strategy))
            if not complete:
                window = _not_before(whole, window)
            since = self._since(history, window, complete)
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
            of_all_trades=window.standing,
        )

    def bytes_to_read(self, history: AlertHistory) -> int:
        """How much of the logs has to be read to explain an alert, that was not read yet."""
        latest = history.latest
        period = Period.of(latest.window, latest.period)
        days = self._stream_days(latest)
        if days is None:
            days = self._tracker.counted_days(period)
            if period.window is Window.ROLLING:
                days = self._last_days(days)
        return self._closed.bytes_to_read(days)

    def _stream_days(self, alert: AlertEvent) -> list[date] | None:
        """The days to read of an alert that rests on all trades so far; None of any other."""
        stream, win_rate = self._tracker.stream, self._watched_rate(alert.metric)
        try:
            if alert.metric == "peak_drawdown":
                return days_since_the_peak(stream, alert.period)
            if win_rate is not None:
                return days_since_the_fall(stream, alert.period, win_rate)
        except UnreadableLogError:
            return None
        return None

    def _stream_window(self, alert: AlertEvent) -> _Window | None:
        """The trades of such an alert; None of any other, and where they cannot be told."""
        stream, win_rate = self._tracker.stream, self._watched_rate(alert.metric)
        try:
            if alert.metric == "peak_drawdown":
                found = since_the_peak(stream, self._closed, alert.period)
            elif win_rate is not None:
                found = since_the_fall(stream, self._closed, alert.period, win_rate)
            else:
                return None
        except UnreadableLogError:
            return None  # The summary, which rests on the same logs, names it.
        return _Window(found.read, found.begin, "", found.unread, found.measure, found.standing)

    def _watched_rate(self, metric: str) -> Decimal | None:
        """Of an edge, the win rate that the targets ask for now; None where they ask for none."""
        targets = self._tracker.targets.targets
        watch = targets.edge if targets is not None and metric == EDGE else None
        return None if watch is None else watch.win_rate

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

    def _window(self, period: Period, raised: AlertEvent) -> _Window:
        """What `period` holds; of a rolling window the last trades, read backwards from its day."""
        days = self._tracker.counted_days(period)
        metric, strategy = raised.metric, raised.strategy
        if period.window is not Window.ROLLING:
            found = [self._closed.of(day) for day in days]
            return _Window(
                [trade for day in found for trade in day.trades],
                0,
                strategy,
                _unique(log for day in found for log in day.unread),
                lambda trades: actual_of(metric, _of_strategy(strategy, trades)),
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
        return _Window(
            trades,
            max(0, len(trades) - size),
            strategy,
            _unique(unread),
            lambda trades: actual_of(metric, _of_strategy(strategy, trades[-size:])),
        )

    def _is_all(self, window: _Window, alert: AlertEvent, figures: Figures) -> bool:
        """Whether the trades that were read are those that the summary counts."""
        if window.standing is None:
            trades = window.trades
            counted = (figures.total_trades, figures.realized_pnl)
            return (len(trades), actual_of("realized_pnl", trades)) == counted
        if alert.metric == "peak_drawdown":
            return window.standing.actual == published_metric(figures, alert.metric)
        win_rate = self._watched_rate(alert.metric)
        assert win_rate is not None
        maps = self._tracker.stream.edge_maps(alert.period, win_rate)
        return window.standing.actual == maps.statistic

    def _since(self, history: AlertHistory, window: _Window, complete: bool) -> Since:
        raised, latest = history
        rolling = latest.window is Window.ROLLING
        known = added = None
        if complete:
            known = known_when_raised(window.measure, raised.actual, window.read, raised.raised_at)
        if known is not None:
            added = len(_of_strategy(latest.strategy, window.read[known:]))
            added += self._closed_after(latest.period, latest.strategy) if rolling else 0
        # A rolling window goes on with the days.
        period = Period.of(latest.window, self._tracker.today if rolling else latest.period)
        summary, evidence = self._tracker.judgeable(period)
        now = self._tracker.judge(summary, evidence)
        verdict = now.verdict(latest.metric, latest.strategy)
        actual = _actual(_figures(now, evidence, latest.strategy), latest.metric, verdict)
        return Since(
            period=period.key,
            actual=actual,
            target=None if verdict is None else verdict.target,
            status="not_checked" if verdict is None else verdict.status,
            severity=None if verdict is None else verdict.severity,
            p_value=None if verdict is None else verdict.p_value,
            breached=None if actual is None else not meets(latest.metric, actual, raised.target),
            trades_added=added,
            restated=known is None if complete else None,
        )

    def _closed_after(self, day: date, strategy: str) -> int:
        """How many trades closed on the days after `day`, of one strategy or of all."""
        days = days_between(day + ONE_DAY, self._tracker.today)
        later = [self._tracker.day(day).aggregate for day in days]
        if not strategy:
            return sum(aggregate.stats.total_trades for aggregate in later)
        buckets = (aggregate.stats.by_strategy.get(strategy) for aggregate in later)
        return sum(bucket.total_trades for bucket in buckets if bucket is not None)

    def _asked(self, alert: AlertEvent, period: Period, whole: PerformanceSummary | None) -> Asked:
        targets = self._tracker.targets.targets
        lines = targets.for_window(period.window) if targets is not None else ()
        asked = (alert.metric, alert.strategy)
        critical = (line.critical for line in lines if (line.metric, line.strategy) == asked)
        return Asked(
            window=alert.window,
            period=alert.period,
            start_date=alert.start_date if whole is None else whole.start_date,
            end_date=alert.end_date if whole is None else whole.end_date,
            timezone=self._tracker.settings.timezone.key,
            metric=alert.metric,
            strategy=alert.strategy,
            win_rate=self._watched_rate(alert.metric),
            target=alert.target,
            critical=next(critical, None),
            severity=alert.severity,
        )


def _figures(whole: PerformanceSummary, evidence: Evidence, strategy: str) -> Figures:
    """The figures of a window: of all its trades, or of one strategy's alone."""
    return evidence.strategies().get(strategy, StrategyFigures()) if strategy else whole


def _of_strategy(strategy: str, trades: Sequence[ClosedTrade]) -> list[ClosedTrade]:
    return [trade for trade in trades if strategy in ("", trade.strategy)]


def _not_before(whole: PerformanceSummary, window: _Window) -> _Window:
    """A window that was read in part, without what was read in place of the missing ones."""
    starts_at = whole.starts_at
    if starts_at is None or window.standing is not None:
        return window
    before = sum(trade.instant < starts_at for trade in window.read)
    return window._replace(begin=max(window.begin, before))


def _unique(unread: Iterable[UnreadLog]) -> list[UnreadLog]:
    return list(dict.fromkeys(unread))


def _actual(figures: Figures, metric: str, verdict: TargetResult | None) -> Decimal | None:
    """What the figures say of a metric, also where no target asks for it any more."""
    if verdict is not None:
        return verdict.actual
    return published_metric(figures, metric) if metric in TARGET_METRICS else None
