"""Summaries counted again from raw log lines, in the plainest arithmetic: fractions and loops.

What `docs/log-format.md` and `docs/metrics.md` say once more, written apart from the code that
publishes. Shared with it are what a field of a line must look like and which value it has
(`read_fields`), which logs there are, or were, and their whole lines (`storage.logs`), which days a
`Period` has, the sessions of the market calendar, and the wording of reasons and warnings. Which
instant counts, duplicates, filters, trading days, sums, ratios, rounding and printing are its own:
no aggregate, no arithmetic of Decimals, nothing of `domain.metrics`.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import DailyAggregate, LogRecords, Quality
from performance_pipeline.domain.quality import data_quality
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.recount.exact import ZERO, plain
from performance_pipeline.pipeline.recount.figures import (
    Document,
    closed_metrics,
    daily_rows,
    open_metrics,
)
from performance_pipeline.pipeline.recount.pairing import Replay, Unmatched, positions
from performance_pipeline.pipeline.recount.records import ONE_DAY, RawLog, Record, read_raw
from performance_pipeline.pipeline.recount.stream import Stream
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.logs import (
    LogContent,
    LogFile,
    UnreadableLogError,
    log_name,
)
from performance_pipeline.storage.sessions import market_sessions

_LINES_SHOWN: Final = 20


class Recount:
    """Counts the summaries of one log folder again; each log is read once, and kept."""

    def __init__(self, tracker: PerformanceTracker) -> None:
        self._settings = tracker.settings
        self._now = tracker.now
        self._store = tracker.store
        self._sessions = market_sessions(tracker.settings, tracker.today, tracker.store.output).days
        targets = tracker.targets.targets
        self._edge = targets.edge if targets is not None else None
        self._room = targets.room if targets is not None else (None, None)
        self._logs: dict[date, RawLog] = {}

    def document(self, period: Period) -> Document:
        """The summary of `period` but for its verdicts; raises UnreadableLogError."""
        first, last = max(period.first_day, self._settings.start_date), period.last_day
        # No zone is a whole day away from UTC.
        logs = [
            self._log(log)
            for day, log in sorted(self._store.listing.files.items())
            if first - ONE_DAY <= day <= last + ONE_DAY
        ]
        accepted = [record for log in logs for record in log.records if first <= record.day <= last]
        counted = [record for record in accepted if self._counts(record)]
        closed = self._closed_in(period, counted)
        still_open = open_metrics(counted)
        unmatched: list[Unmatched] = []
        if (replay := self._replay) is not None:
            still_open = self._open_positions(replay, first, last)
            unmatched = [one for one in replay.unmatched if first <= one.fill.day <= last]
        of_all_trades, untold = self._of_all_trades(period)
        document = {
            **self._span(period, closed),
            **still_open,
            **closed_metrics(closed),
            **of_all_trades,
            "data_quality": self._quality(first, last, logs, accepted, counted, unmatched, untold),
        }
        if period.window in (Window.WEEKLY, Window.MONTHLY, Window.RANGE):
            document["daily"] = daily_rows(closed)
        return document

    def of_strategy(self, period: Period, strategy: str) -> Document:
        """Every metric over the closed trades of one strategy in `period`."""
        closed = self._closed_in(period, self._counted(period.first_day, period.last_day))
        return closed_metrics([trade for trade in closed if trade.strategy == strategy])

    def _counted(self, first: date, last: date) -> list[Record]:
        """The records that count of the days from `first` to `last`."""
        first = max(first, self._settings.start_date)
        return [
            record
            for day, log in sorted(self._store.listing.files.items())
            if first - ONE_DAY <= day <= last + ONE_DAY
            for record in self._log(log).records
            if first <= record.day <= last and self._counts(record)
        ]

    def _closed_in(self, period: Period, counted: Iterable[Record]) -> list[Record]:
        """The closed trades of `period`, in order, given its records that count."""
        first = max(period.first_day, self._settings.start_date)
        closed = self._with_paired(counted, first, period.last_day)
        rolling = period.window is Window.ROLLING
        return closed[-self._settings.rolling_window :] if rolling else closed

    def _with_paired(self, counted: Iterable[Record], first: date, last: date) -> list[Record]:
        closed = [record for record in counted if record.outcome != "open"]
        if (replay := self._replay) is None:
            return closed
        trades = [trade for trade in replay.trades if first <= trade.day <= last]
        return sorted([*closed, *trades], key=lambda trade: (trade.instant, trade.line))

    def _of_all_trades(self, period: Period) -> tuple[Document, str | None]:
        """What rests on every trade up to the end of `period`; or why it cannot be told."""
        rolling, day = period.window is Window.ROLLING, period.last_day
        if not rolling and period.window is not Window.DAILY:
            return {}, None
        stream, unreadable_from, reason = self._stream
        told = unreadable_from is None or day < unreadable_from
        drawdown = stream.peak_drawdown(day) if told else None
        found: Document = {"peak_drawdown": drawdown, "room": self._room_left(day, drawdown)}
        if rolling and self._edge is None:
            found["edge"] = None
        elif rolling and self._edge is not None:
            found["edge"] = {
                "statistic": stream.edge_statistic(day) if told else None,
                "alarm_at": plain(Fraction(self._edge.alarm_at)),
            }
        return found, None if told else reason

    def _room_left(self, day: date, peak_drawdown: str | None) -> Document:
        """How much may be lost after `day` before the drawdown targets."""
        of_all, of_day = self._room
        left: Document = {"peak_drawdown": None, "max_drawdown": None}
        if of_all is not None and peak_drawdown is not None:
            left["peak_drawdown"] = plain(Fraction(peak_drawdown) - Fraction(of_all))
        if of_day is not None:
            total = peak = deepest = ZERO
            for trade in self._closed_in(Period.of(Window.DAILY, day), self._counted(day, day)):
                total += trade.pnl
                peak = max(peak, total)
                deepest = min(deepest, total - peak)
            missed = deepest < Fraction(of_day)
            left["max_drawdown"] = "0" if missed else plain(total - peak - Fraction(of_day))
        return left

    @cached_property
    def _stream(self) -> tuple[Stream, date | None, str | None]:
        """All trades from the first partition on, up to the first day of an unreadable log."""
        counted: list[Record] = []
        unreadable_from, reason, start = None, None, self._settings.start_date
        for day, log in sorted(self._store.listing.files.items()):
            if day < start - ONE_DAY:
                continue
            try:
                records = self._log(log).records
            except UnreadableLogError as error:
                midnight, zone = datetime.combine(day, time(), tzinfo=UTC), self._settings.timezone
                last = (midnight + ONE_DAY - timedelta(microseconds=1)).astimezone(zone).date()
                if last >= start:
                    first = midnight.astimezone(zone).date()
                    unreadable_from, reason = max(first, start), str(error)
                    break
            else:
                counted += (one for one in records if one.day >= start and self._counts(one))
        trades = self._with_paired(counted, start, date.max)
        win_rate = None if self._edge is None else Fraction(self._edge.win_rate)
        return Stream(trades, win_rate), unreadable_from, reason

    @cached_property
    def _replay(self) -> Replay | None:
        """All fills from the first partition on, taken; None where fills are not paired."""
        rules = self._settings.pairing_rules
        if rules is None:
            return None
        replay = Replay(
            newest_first=rules.newest_first,
            until_flat=rules.until_flat,
            short_selling=rules.short_selling,
        )
        start = self._settings.start_date
        logs = sorted(self._store.listing.files.items())
        replay.take_all(
            record
            for log in (self._log(log) for day, log in logs if day >= start - ONE_DAY)
            for record in log.records
            if record.outcome == "open" and record.day >= start and self._counts(record)
        )
        return replay

    def _open_positions(self, replay: Replay, first: date, last: date) -> Document:
        """What is held at the end of `last`, and what of it was opened since `first`."""
        lots = replay.open_lots(last)
        new = sum(first <= lot.fill.day for held in lots.values() for lot in held)
        zone = self._settings.timezone
        return {
            "open_trades": new,
            "unrealized_pnl": None if new else "0",
            "open_positions": positions(lots, lambda instant: _iso(instant.astimezone(zone))),
        }

    def _span(self, period: Period, closed: list[Record]) -> Document:
        """Which days and instants the summary is over; rolling: those of its trades."""
        zone = self._settings.timezone
        first_day: date | None = period.first_day
        last_day: date | None = period.last_day
        starts_at: datetime | None = _midnight(period.first_day, zone)
        if period.window is Window.ROLLING:
            first_day = closed[0].day if closed else None
            last_day = closed[-1].day if closed else None
            starts_at = closed[0].instant.astimezone(zone) if closed else None
        ends_at = _midnight(period.last_day + ONE_DAY, zone)
        return {
            "window": str(period.window),
            "start_date": _iso(first_day),
            "end_date": _iso(last_day),
            "starts_at": _iso(starts_at),
            "ends_at": _iso(ends_at),
            "timezone": zone.key,
            "running": self._now < ends_at,
        }

    def _counts(self, record: Record) -> bool:
        mode, account = self._settings.execution_mode, self._settings.account
        return mode in ("ALL", record.mode) and account in ("", record.account)

    def _quality(
        self,
        first: date,
        last: date,
        logs: list[RawLog],
        accepted: list[Record],
        counted: list[Record],
        unmatched: list[Unmatched],
        untold: str | None,
    ) -> Document:
        named = [log for log in logs if first <= log.day <= last]
        rejected = [line for log in named for line in log.rejected]
        missing = [day.isoformat() for day in self._missing_days(first, last)]
        return {
            "status": "partial" if missing or rejected or unmatched else "complete",
            "missing_days": missing,
            "accepted": len(accepted),
            "duplicates": sum(log.duplicates for log in named),
            "rejected": len(rejected),
            "misdated": sum(record.misdated for record in accepted),
            "outcome_conflicts": sum(
                (record.outcome == "win" and record.pnl < 0)
                or (record.outcome == "loss" and record.pnl > 0)
                for record in accepted
            ),
            "unmatched_exits": len(unmatched),
            "rejected_lines": rejected[:_LINES_SHOWN],
            "unmatched_lines": [
                {
                    "file": log_name(one.fill.log_day),
                    "line": one.fill.line,
                    "quantity": plain(one.quantity),
                }
                for one in unmatched[:_LINES_SHOWN]
            ],
            "warnings": self._warnings(
                logs, named, {record.mode for record in counted}, len(unmatched), untold
            ),
        }

    def _warnings(
        self,
        logs: list[RawLog],
        named: list[RawLog],
        modes: set[str],
        unmatched: int,
        untold: str | None,
    ) -> list[str]:
        """The sentences about facts counted here; only their wording is the pipeline's."""
        kinds = []
        for log in named:
            opened = sum(record.outcome == "open" for record in log.records)
            kinds.append(LogRecords(log_name(log.day), opened, len(log.records) - opened))
        quality = Quality(logs=tuple(kinds), unmatched_exits=unmatched)
        facts = DailyAggregate(quality=quality, modes=tuple(modes))
        twins = [log_name(log.day) for log in logs if log.day in self._store.listing.archived_twins]
        return list(
            data_quality(
                facts,
                paired=self._replay is not None,
                missing_days=(),
                archived_twins=twins,
                kept_logs=(),
                lost_logs=(),
                unreadable_before=untold,
            ).warnings
        )

    def _missing_days(self, first: date, last: date) -> list[date]:
        oldest = self._store.oldest_log
        if oldest is None:
            return []
        today = self._now.astimezone(UTC).date()
        return [
            day
            for day in sorted(self._sessions)
            if max(first, oldest) <= day <= last
            and day < today
            and day not in self._store.listing.files
        ]

    def _log(self, log: LogFile) -> RawLog:
        if log.day not in self._logs:
            unfinished = log.day >= self._now.astimezone(UTC).date() and not log.archived
            lines = LogContent(log, unfinished_tail=unfinished).lines()
            self._logs[log.day] = read_raw(lines, log.day, self._settings.timezone)
        return self._logs[log.day]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day`: by way of UTC, for where clocks skip midnight."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC).astimezone(zone)


def _iso(moment: date | datetime | None) -> str | None:
    return None if moment is None else str(msgspec.to_builtins(moment))
