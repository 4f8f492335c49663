"""Databases as versions of freqtrade made them since 2021, and a bot that trades in one.

The columns are those of each version's own tables; the arithmetic is freqtrade's, on doubles.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

TABLES: Final = ("trades", "orders")
START: Final = datetime(2025, 11, 3, 14, 31, 0, 123456, tzinfo=UTC)

_2021_1_TRADES: Final = """
    id INTEGER, exchange VARCHAR, pair VARCHAR, is_open BOOLEAN, fee_open FLOAT,
    fee_open_cost FLOAT, fee_open_currency VARCHAR, fee_close FLOAT, fee_close_cost FLOAT,
    fee_close_currency VARCHAR, open_rate FLOAT, open_rate_requested FLOAT, open_trade_value FLOAT,
    close_rate FLOAT, close_rate_requested FLOAT, close_profit FLOAT, close_profit_abs FLOAT,
    stake_amount FLOAT, amount FLOAT, amount_requested FLOAT, open_date DATETIME,
    close_date DATETIME, open_order_id VARCHAR, stop_loss FLOAT, stop_loss_pct FLOAT,
    initial_stop_loss FLOAT, initial_stop_loss_pct FLOAT, stoploss_order_id VARCHAR,
    stoploss_last_update DATETIME, max_rate FLOAT, min_rate FLOAT, sell_reason VARCHAR,
    sell_order_status VARCHAR, strategy VARCHAR, timeframe INTEGER"""
_2021_1_ORDERS: Final = """
    id INTEGER, ft_trade_id INTEGER, ft_order_side VARCHAR, ft_pair VARCHAR, ft_is_open BOOLEAN,
    order_id VARCHAR, status VARCHAR, symbol VARCHAR, order_type VARCHAR, side VARCHAR,
    price FLOAT, amount FLOAT, filled FLOAT, remaining FLOAT, cost FLOAT, order_date DATETIME,
    order_filled_date DATETIME, order_update_date DATETIME"""
# What each version added to, or took from (-), the one before; a name with -> was changed.
_CHANGES: Final = {
    "2021.12": ("buy_tag VARCHAR(100)", "average FLOAT"),
    "2022.4": (
        "sell_reason->exit_reason, sell_order_status->exit_order_status, buy_tag->enter_tag,"
        " base_currency VARCHAR(25), stake_currency VARCHAR(25), trading_mode VARCHAR(7),"
        " leverage FLOAT, is_short BOOLEAN, liquidation_price FLOAT, interest_rate FLOAT,"
        " funding_fees FLOAT",
        "ft_fee_base FLOAT",
    ),
    "2022.12": (
        "realized_profit FLOAT, max_stake_amount FLOAT, amount_precision FLOAT,"
        " price_precision FLOAT, precision_mode INTEGER, contract_size FLOAT",
        "stop_price FLOAT, funding_fee FLOAT",
    ),
    "2023.12": (
        "-open_order_id, is_stop_loss_trailing BOOLEAN, funding_fee_running FLOAT",
        "ft_amount FLOAT, ft_price FLOAT, ft_cancel_reason VARCHAR(255)",
    ),
    "2026.9": (
        "-stoploss_order_id, -stoploss_last_update, record_version INTEGER,"
        " precision_mode_price INTEGER",
        "ft_order_tag VARCHAR(255)",
    ),
}
VERSIONS: Final = ("2021.1", *_CHANGES)
NEWEST: Final = VERSIONS[-1]


def columns(version: str) -> dict[str, dict[str, str]]:
    """The columns of both tables in a version, by name, each with its type."""
    found = []
    for position, text in enumerate((_2021_1_TRADES, _2021_1_ORDERS)):
        of_table = dict(column.split(maxsplit=1) for column in _split(text))
        for later in VERSIONS[1 : VERSIONS.index(version) + 1]:
            for change in _split(_CHANGES[later][position]):
                old, renamed, new = change.partition("->")
                if renamed:
                    of_table = {
                        new if name == old else name: kind for name, kind in of_table.items()
                    }
                elif change.startswith("-"):
                    del of_table[change[1:]]
                else:
                    name, kind = change.split(maxsplit=1)
                    of_table[name] = kind
        found.append(of_table)
    return dict(zip(TABLES, found, strict=True))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


@dataclass
class BotTrade:
    """A trade as freqtrade has it; `closed` is None while it is open."""

    id: int
    pair: str = "ETH/USDT"
    amount: float = 0.5
    open_rate: float = 2400.1
    close_rate: float | None = 2450.3
    fee: float = 0.001
    opened: datetime = START
    closed: datetime | None = START + timedelta(hours=2)
    is_short: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    """Columns of the newest version that are to hold something else."""

    @property
    def quote(self) -> str:
        return self.pair.partition("/")[2].partition(":")[0]

    @property
    def open_trade_value(self) -> float:
        value = self.amount * self.open_rate
        return value - value * self.fee if self.is_short else value + value * self.fee

    @property
    def profit(self) -> float | None:
        """Net: rounded to 8 decimals, as freqtrade does."""
        if self.close_rate is None or self.closed is None:
            return None
        value = self.amount * self.close_rate
        if self.is_short:
            return round(self.open_trade_value - (value + value * self.fee), 8)
        return round((value - value * self.fee) - self.open_trade_value, 8)

    def row(self) -> dict[str, Any]:
        """Its row, by the names of the newest version."""
        is_open = self.closed is None
        return {
            "id": self.id,
            "exchange": "binance",
            "pair": self.pair,
            "base_currency": self.pair.partition("/")[0],
            "stake_currency": self.quote,
            "is_open": is_open,
            "fee_open": self.fee,
            "fee_open_cost": self.amount * self.open_rate * self.fee,
            "fee_open_currency": self.quote,
            "fee_close": self.fee,
            "fee_close_cost": None
            if self.close_rate is None or is_open
            else self.amount * self.close_rate * self.fee,
            "fee_close_currency": None if is_open else self.quote,
            "open_rate": self.open_rate,
            "open_trade_value": self.open_trade_value,
            "close_rate": None if is_open else self.close_rate,
            "close_profit": None if self.profit is None else self.profit / self.open_trade_value,
            "close_profit_abs": self.profit,
            "stake_amount": self.amount * self.open_rate,
            "amount": self.amount,
            "open_date": sqlalchemy_time(self.opened),
            "close_date": None if self.closed is None else sqlalchemy_time(self.closed),
            "initial_stop_loss": self.open_rate * (1.1 if self.is_short else 0.9),
            "stop_loss": self.open_rate * 0.95,
            "exit_reason": None if is_open else "roi",
            "strategy": "SampleStrategy",
            "enter_tag": "golden_cross",
            "timeframe": 5,
            "trading_mode": "SPOT",
            "leverage": 1.0,
            "is_short": self.is_short,
            "interest_rate": 0.0,
            "funding_fees": 0.0,
            "realized_profit": 0.0 if self.profit is None else self.profit,
            "is_stop_loss_trailing": False,
            "record_version": 2,
            **self.fields,
        }

    def orders(self) -> list[dict[str, Any]]:
        """An order for its entry, and one for its exit, both filled at once."""
        sides = ("sell", "buy") if self.is_short else ("buy", "sell")
        entry = self.order(sides[0], self.amount, self.open_rate, self.opened)
        if self.closed is None or self.close_rate is None:
            return [entry]
        return [entry, self.order(sides[1], self.amount, self.close_rate, self.closed)]

    def order(
        self, side: str, amount: float, price: float, filled_at: datetime | None
    ) -> dict[str, Any]:
        """An order of this trade; one without `filled_at` waits."""
        waits = filled_at is None
        return {
            "ft_trade_id": self.id,
            "ft_order_side": side,
            "ft_pair": self.pair,
            "ft_is_open": waits,
            "order_id": f"{side}-{self.id}-{filled_at}-{amount}",
            "status": "open" if waits else "closed",
            "side": side,
            "order_type": "limit",
            "price": price,
            "average": None if waits else price,
            "amount": amount,
            "filled": 0.0 if waits else amount,
            "cost": amount * price,
            "order_date": sqlalchemy_time(self.opened),
            "order_filled_date": None if filled_at is None else sqlalchemy_time(filled_at),
            "funding_fee": 0.0,
            "ft_amount": amount,
            "ft_price": price,
        }


def sqlalchemy_time(moment: datetime) -> str:
    """A time in UTC without saying so, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


class BotDatabase:
    """A database of one version of freqtrade, by default written through a WAL, as it does."""

    def __init__(self, path: Path, version: str = NEWEST, *, wal: bool = True) -> None:
        self.path = path
        self.columns = columns(version)
        with closing(self.connect()) as connection:
            connection.execute(f"PRAGMA journal_mode={'wal' if wal else 'delete'}")
            for table, kinds in self.columns.items():
                described = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
                connection.execute(f"CREATE TABLE {table} ({described}, PRIMARY KEY (id))")

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)

    def write(self, *trades: BotTrade, orders: Iterable[dict[str, Any]] | None = None) -> None:
        """Trades and their orders as they are now, in the place of what was there of them."""
        with closing(self.connect()) as connection, connection:
            write_into(connection, self.columns, trades, orders)


def write_into(
    connection: sqlite3.Connection,
    version: dict[str, dict[str, str]],
    trades: Iterable[BotTrade],
    orders: Iterable[dict[str, Any]] | None = None,
) -> None:
    """Write trades with their orders, or those given, and commit nothing."""
    for trade in trades:
        connection.execute("DELETE FROM orders WHERE ft_trade_id = ?", (trade.id,))
        _insert(connection, "trades", _by_name_of(version["trades"], trade.row()))
        for order in trade.orders() if orders is None else orders:
            _insert(connection, "orders", _by_name_of(version["orders"], order))


_OLDER_NAMES: Final = {
    "exit_reason": "sell_reason",
    "exit_order_status": "sell_order_status",
    "enter_tag": "buy_tag",
}


def _by_name_of(version: dict[str, str], row: dict[str, Any]) -> dict[str, Any]:
    named = {
        name if name in version else _OLDER_NAMES.get(name, name): cell
        for name, cell in row.items()
    }
    return {name: cell for name, cell in named.items() if name in version}


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
    )
