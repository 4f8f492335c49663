"""A second opinion on what freqtrade says of its own trades, from its file alone, in memory.

The trades go the way of imported ones: each becomes a line of a log, and the lines become the
summary. No folder is read or written.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.aggregate import DailyAggregate, combine
from performance_pipeline.domain.log_reading import ReadingRules, read_log
from performance_pipeline.domain.metrics import summarize
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.quality import data_quality
from performance_pipeline.domain.second_opinion import (
    DOUBLE_EPSILON,
    Figure,
    Held,
    SecondOpinion,
    SecondOpinions,
    compared,
    rounding_to,
)
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.reports.number_format import counted
from performance_pipeline.settings import Settings
from performance_pipeline.sources.fields import exact
from performance_pipeline.sources.freqtrade import NAME, Account, read_trade, told
from performance_pipeline.sources.freqtrade_figures import strategy_figures
from performance_pipeline.sources.freqtrade_recount import Recount, recounts
from performance_pipeline.sources.freqtrade_rules import BacktestTrade
from performance_pipeline.sources.freqtrade_trades import FreqtradeTrade, record_of
from performance_pipeline.sources.lines import NewLine, line_of
from performance_pipeline.sources.records import LeftOut, RecordError, Source

_UTC: Final = ZoneInfo("UTC")
_RULES: Final = ReadingRules(_UTC, "ALL", "", tail_size=1)
# To how many decimals freqtrade rounds the profit of an exit.
_PROFIT_PLACES: Final = 8
# How many operations on doubles it takes, at most, to multiply and add up one exit.
_OPERATIONS: Final = 8
_NAMED: Final = 5


def second_opinion(source: Source, now: datetime) -> SecondOpinions:
    """Our report on the trades of `source`, and what it states itself held against it.

    Raises UnreadableSourceError.
    """
    kind, accounts = told(source)
    opinions = [_opinion(account, source, now) for account in accounts]
    return SecondOpinions.of(source.path.name, kind, opinions)


def _opinion(account: Account, source: Source, now: datetime) -> SecondOpinion:
    trades = _Trades()
    for where, stored in account.trades:
        try:
            trades.take(where, read_trade(stored), source)
        except RecordError as error:
            trades.unreadable.append(f"{where}: {error}")
    days = trades.days()
    summary = _summary(days, now)
    if account.stated:
        stats = {day: aggregate.stats for day, aggregate in days.items()}
        figures = strategy_figures(account.stated, trades.of_backtest(), summary, stats)
    else:
        figures = list(trades.profits())
    return SecondOpinion(account.name or source.path.name, summary, figures, trades.notes())


class _Trades:
    """The trades of one account, as they are read."""

    def __init__(self) -> None:
        self.readable: list[tuple[str, FreqtradeTrade]] = []
        self.unreadable: list[str] = []
        self._lines: dict[date, list[NewLine]] = {}
        self._left_out: Counter[str] = Counter()
        self._foreign_fees: Counter[str] = Counter()
        self._not_recounted = 0

    def take(self, where: str, trade: FreqtradeTrade, source: Source) -> None:
        """Raises RecordError."""
        record = record_of(trade)
        if isinstance(record, LeftOut):
            self._left_out[record.kind] += 1
            return
        line = line_of(record, f"{record.source_id}-{len(self.readable)}", NAME, source)
        self._foreign_fees.update(line.foreign_fees)
        self._lines.setdefault(line.day, []).append(line)
        self.readable.append((where, trade))

    def days(self) -> dict[date, DailyAggregate]:
        """The aggregate of every day with a record, in order."""
        return {day: _aggregate(day, lines) for day, lines in sorted(self._lines.items())}

    def of_backtest(self) -> list[BacktestTrade]:
        """What freqtrade computes its figures from, in the order of its list."""
        return [
            BacktestTrade(
                trade.closed_at,
                exact(trade.profit, "profit_abs"),
                None if trade.profit_ratio is None else exact(trade.profit_ratio, "profit_ratio"),
            )
            for _, trade in self.readable
            if trade.closed_at is not None and trade.profit is not None
        ]

    def profits(self) -> Iterator[Figure]:
        """The profit that is stated of each closed trade, held against what its terms say."""
        for where, trade in self.readable:
            if trade.is_open or trade.profit is None:
                continue
            with exact_arithmetic():
                found = [
                    compared(_held(where, exact(trade.profit, "close_profit_abs"), recount))
                    for recount in recounts(trade)
                ]
            if not found:
                self._not_recounted += 1
                continue
            yield next((figure for figure in found if figure.status != "different"), found[0])

    def notes(self) -> list[str]:
        notes = [f"cannot be read: {sentence}" for sentence in self.unreadable[:_NAMED]]
        if (more := len(self.unreadable) - _NAMED) > 0:
            notes.append(f"cannot be read: {more} more")
        notes += [f"left out: {count} {kind}" for kind, count in self._left_out.items()]
        notes += [
            f"{counted(count, 'fee')} in {currency}: the commission there is unknown, the P&L net"
            for currency, count in sorted(self._foreign_fees.items())
        ]
        if self._not_recounted:
            notes.append(
                f"{counted(self._not_recounted, 'trade')} not counted again: of margin, whose"
                " interest is stated nowhere, or without a price or fee"
            )
        return notes


def _aggregate(day: date, lines: list[NewLine]) -> DailyAggregate:
    content = [line.content for line in sorted(lines, key=lambda line: line.instant)]
    return read_log(lambda: content, day, _RULES).days[day]


def _held(where: str, stated: Decimal, recount: Recount) -> Held:
    noise = recount.turnover * DOUBLE_EPSILON * _OPERATIONS
    slack = recount.roundings * rounding_to(_PROFIT_PLACES) + noise
    return Held(
        "trade",
        where.removeprefix("trade "),
        "close_profit_abs",
        "net_profit_loss",
        stated,
        recount.profit,
        slack,
    )


def _summary(days: dict[date, DailyAggregate], now: datetime) -> PerformanceSummary:
    """All of `days` as one range; with no trade at all, an empty one of today."""
    first, last = (min(days), max(days)) if days else (now.date(), now.date())
    aggregate = combine(list(days.values()), _RULES.tail_size)
    # That a day saw trades opened and none closed tells a reader of logs something, not one here.
    quality = msgspec.structs.replace(aggregate.quality, logs=())
    return summarize(
        Period.spanning(first, last),
        aggregate,
        None,
        zone=_UTC,
        data_quality=data_quality(
            msgspec.structs.replace(aggregate, quality=quality),
            paired=False,
            missing_days=(),
            archived_twins=(),
            kept_logs=(),
            lost_logs=(),
        ),
        settings=Settings.from_env({}).fingerprint,
        generated_at=now,
    )
