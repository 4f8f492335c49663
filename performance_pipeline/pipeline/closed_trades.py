"""The closed trades of a trading day with the log lines that closed them, for people to look at."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from performance_pipeline.domain.explanation import ClosedTrade, UnreadLog
from performance_pipeline.domain.log_reading import Record, read_records
from performance_pipeline.domain.windows import log_days_of, trading_day
from performance_pipeline.pipeline.paired_rows import PairedRows, Row
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.logs import LogContent, UnreadableLogError, log_name

_LOGS_KEPT: Final = 3


class DayTrades(NamedTuple):
    """The closed trades of a day, in the order in which they count, and the logs without theirs."""

    trades: tuple[ClosedTrade, ...] = ()
    unread: tuple[UnreadLog, ...] = ()


class ClosedTrades:
    """Reads days of the logs that `tracker` sees, and remembers them."""

    def __init__(self, tracker: PerformanceTracker) -> None:
        self._tracker = tracker
        self._zone = tracker.settings.timezone
        self._days: dict[date, DayTrades] = {}
        self._logs: dict[date, Sequence[Record] | UnreadLog] = {}

    def of(self, day: date) -> DayTrades:
        if day not in self._days:
            paired = self._tracker.settings.pairing_rules is not None
            self._days[day] = self._paired(day) if paired else self._recorded(day)
        return self._days[day]

    def bytes_to_read(self, days: Sequence[date]) -> int:
        """The size of the logs of `days` that were not read yet."""
        logs = {
            log_day
            for day in days
            if day not in self._days
            for log_day in log_days_of(day, self._zone)
        }
        there = self._tracker.store.listing.files
        return sum(there[log_day].size for log_day in logs & there.keys())

    def _recorded(self, day: date) -> DayTrades:
        trades: list[ClosedTrade] = []
        unread = []
        for log_day in log_days_of(day, self._zone):
            records = self._records(log_day)
            if isinstance(records, UnreadLog):
                unread.append(records)
                continue
            trades += (
                self._recorded_trade(log_name(log_day), record)
                for record in records
                if record.trade.outcome != "open" and trading_day(record.instant, self._zone) == day
            )
        return DayTrades(tuple(trades), (*unread, *self._disappeared(day)))

    def _records(self, log_day: date) -> Sequence[Record] | UnreadLog:
        if log_day not in self._logs:
            try:
                self._logs[log_day] = records_of(self._tracker, log_day)
            except UnreadableLogError as error:
                self._logs[log_day] = UnreadLog(log_name(log_day), str(error))
            # Neighbouring days share a log, and what was made of older ones is kept by day.
            if len(self._logs) > _LOGS_KEPT:
                del self._logs[next(iter(self._logs))]
        return self._logs[log_day]

    def _disappeared(self, day: date) -> list[UnreadLog]:
        there = self._tracker.store.listing.files
        if all(log_day in there for log_day in log_days_of(day, self._zone)):
            return []
        try:
            known = self._tracker.day(day)
        except UnreadableLogError:
            return []  # Named already: it is the other log of this day.
        kept = [
            UnreadLog(log, "disappeared; what it counted for is kept, its lines are not")
            for log in known.kept_logs
        ]
        return kept + [UnreadLog(log, "disappeared, and counts no more") for log in known.lost_logs]

    def _recorded_trade(self, file: str, record: Record) -> ClosedTrade:
        trade = record.trade
        assert trade.pnl is not None  # It is closed.
        return ClosedTrade(
            file=file,
            line=record.line,
            instant=record.instant.astimezone(self._zone),
            symbol=trade.symbol,
            strategy=trade.strategy,
            execution_mode=trade.mode,
            outcome=trade.outcome,
            pnl=trade.pnl,
            planned_risk_reward=trade.planned_ratio,
        )

    def _paired(self, day: date) -> DayTrades:
        try:
            rows = self._paired_rows.trades(day)
        except UnreadableLogError as error:
            # Positions rest on every log before, so it may be one of another day.
            return DayTrades(unread=(UnreadLog(log_name(day), str(error)),))
        return DayTrades(tuple(map(self._paired_trade, rows)))

    @cached_property
    def _paired_rows(self) -> PairedRows:
        return PairedRows(self._tracker, ())

    def _paired_trade(self, row: Row) -> ClosedTrade:
        return ClosedTrade(
            file=row["file"],
            line=row["line"],
            entry_file=row["entry_file"] or None,
            entry_line=row["entry_line"] or None,
            instant=row["instant"].astimezone(self._zone),
            symbol=row["symbol"],
            strategy=row["strategy"],
            execution_mode=row["execution_mode"],
            outcome=row["outcome"],
            pnl=row["pnl"],
            planned_risk_reward=row["planned_risk_reward"],
        )


def records_of(tracker: PerformanceTracker, log_day: date) -> Sequence[Record]:
    """The records of a log that count, in order; none without a log. Raises UnreadableLogError."""
    log = tracker.store.listing.files.get(log_day)
    if log is None:
        return ()
    content = LogContent(log, tracker.store.is_unfinished(log))
    return read_records(content.lines(), log_day, tracker.settings.rules)
