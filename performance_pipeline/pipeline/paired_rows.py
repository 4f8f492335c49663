"""Trades made of fills as rows: which line closed each, and which line had opened it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.domain.pairing import PairedTrade
from performance_pipeline.domain.positions import Lot, Position
from performance_pipeline.domain.trades import Fill, Trade
from performance_pipeline.domain.windows import start_of_day, trading_day
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.storage.aggregates import PairedLog
from performance_pipeline.storage.logs import log_name

Row = dict[str, Any]
_Key = tuple[str, str, str]


class PairedRows:
    """The closed trades of some trading days, and the lots opened in them and still open."""

    def __init__(self, tracker: PerformanceTracker, days: Sequence[date]) -> None:
        self._store = tracker.store
        self._zone = tracker.settings.timezone
        self._days = days
        self._entries: dict[str, dict[tuple[_Key, datetime], list[tuple[int, Fill]]]] = {}

    def rows(self) -> list[Row]:
        """One row a trade and a lot, in the order in which they count."""
        found = [row for day in self._days for row in self.trades(day)]
        if self._days:
            start = start_of_day(self._days[0], self._zone)
            book = self._store.day(self._days[-1]).book.load()
            found += [
                self._lot_row(position, lot)
                for position in book.positions
                for lot in position.lots
                if lot.opened_at >= start
            ]
        return sorted(found, key=lambda row: (row["instant"], row["file"], row["line"]))

    def trades(self, day: date) -> list[Row]:
        """One row a trade that closed on `day`, in order; raises UnreadableLogError."""
        return [
            self._trade_row(day, log, one)
            for log in self._store.paired(day)
            for one in log.paired.trades
        ]

    def _trade_row(self, day: date, log: PairedLog, one: PairedTrade) -> Row:
        row = trade_columns(one.trade) | {
            "trading_day": day,
            "file": log.log,
            "line": one.line,
            "pnl": one.trade.pnl,
            "unrealized_pnl": ZERO,
            "still_open": False,
        }
        if one.entry is None:
            return row | _AS_IT_STOOD
        fill = log.records.fills[log.records.fill_lines.index(one.line)]
        entry_line, _ = self._entry(_key(fill), one.entry.instant, one.entry.nth)
        return row | {
            "side": _side(fill),
            "quantity": fill.quantity,
            "price": fill.price,
            "entered_at": one.entry.instant,
            "exited_at": one.trade.instant,
            "entry_file": _file_of(one.entry.instant),
            "entry_line": entry_line,
            "misdated": fill.misdated,
        }

    def _lot_row(self, position: Position, lot: Lot) -> Row:
        key = (position.symbol, position.mode, position.account)
        line, fill = self._entry(key, lot.opened_at, lot.nth)
        return {
            "instant": lot.opened_at,
            "trading_day": trading_day(lot.opened_at, self._zone),
            "file": _file_of(lot.opened_at),
            "line": line,
            "symbol": position.symbol,
            "side": _side(fill),
            "quantity": lot.quantity,
            "price": lot.price,
            "strategy": lot.strategy,
            "execution_mode": position.mode,
            "order_id": fill.order_id,
            "outcome": "open",
            "position": position.side,
            "entered_at": lot.opened_at,
            "exited_at": None,
            "entry_file": _file_of(lot.opened_at),
            "entry_line": line,
            "pnl": ZERO,
            "unrealized_pnl": None,
            "commission": lot.commission,
            "slippage": lot.slippage,
            "planned_risk_reward": lot.planned_ratio,
            "hold_seconds": None,
            "still_open": True,
            "misdated": fill.misdated,
        }

    def _entry(self, key: _Key, instant: datetime, nth: int) -> tuple[int, Fill]:
        """The line, and the fill, that opened a lot: see `Lot`."""
        file = _file_of(instant)
        day = trading_day(instant, self._zone)
        place = f"{file} {day}"
        if place not in self._entries:
            records = self._store.records(day, file)
            fills = self._entries[place] = {}
            for line, fill in zip(records.fill_lines, records.fills, strict=True):
                fills.setdefault((_key(fill), fill.instant), []).append((line, fill))
        return self._entries[place][key, instant][nth]


def trade_columns(trade: Trade) -> dict[str, Any]:
    """The columns that a trade tells by itself."""
    return {
        "instant": trade.instant,
        "symbol": trade.symbol,
        "strategy": trade.strategy,
        "execution_mode": trade.mode,
        "order_id": trade.order_id,
        "outcome": trade.outcome,
        "position": trade.side,
        "commission": trade.commission,
        "slippage": trade.slippage,
        "planned_risk_reward": trade.planned_ratio,
        "hold_seconds": trade.hold_seconds,
    }


_AS_IT_STOOD: Row = {
    "side": "",
    "quantity": ZERO,
    "price": ZERO,
    "entered_at": None,
    "exited_at": None,
    "entry_file": "",
    "entry_line": 0,
    "misdated": False,
}
"""Of a record that was closed already: what is kept of it does not tell its order."""


def _key(fill: Fill) -> _Key:
    return (fill.symbol, fill.mode, fill.account)


def _side(fill: Fill) -> str:
    return "BUY" if fill.buys else "SELL"


def _file_of(instant: datetime) -> str:
    """The log that a record of `instant` stands in: records never leave their log's UTC day."""
    return log_name(instant.astimezone(UTC).date())
