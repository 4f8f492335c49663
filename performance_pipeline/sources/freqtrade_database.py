"""freqtrade's database: its trades as they stand, read beside the bot that writes them.

Columns came and went over the years (2021.1 to 2026.9): what a version lacks is taken as absent,
or by its older name.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from performance_pipeline.sources.fields import needed, number, optional_number
from performance_pipeline.sources.freqtrade_trades import (
    FreqtradeTrade,
    Order,
    after_fee,
    awaits_entry,
    identity,
    mode_of,
    quote_of,
    utc_instant,
)
from performance_pipeline.sources.records import RecordError, Source

MAGIC: Final = b"SQLite format 3\x00"

_WAIT_SECONDS: Final = 5
# Bytes 18 and 19 of the file say that it is written through a WAL (2), or is not (1).
_WRITE_VERSION: Final = slice(18, 20)
_WAL: Final = b"\x02\x02"
_NO_WAL: Final = b"\x01\x01"

# Every column that is read, with its older names; those of the first part every version has.
_NEEDED: Final = (
    "id",
    "pair",
    "is_open",
    "amount",
    "open_rate",
    "open_date",
    "close_rate",
    "close_date",
    "close_profit_abs",
    "fee_open",
    "fee_close",
    "open_trade_value",
)
_OPTIONAL: Final[Mapping[str, Sequence[str]]] = {
    "is_short": (),
    "stake_currency": (),
    "strategy": (),
    "enter_tag": ("buy_tag",),
    "exit_reason": ("sell_reason",),
    "initial_stop_loss": (),
    "fee_open_currency": (),
    "fee_close_currency": (),
    "trading_mode": (),
    "funding_fees": (),
}
_ORDER_COLUMNS: Final = (
    "ft_trade_id",
    "ft_order_side",
    "ft_is_open",
    "order_id",
    "filled",
    "average",
    "price",
    "stop_price",
    "ft_price",
    "ft_fee_base",
    "funding_fee",
    "order_filled_date",
)


class DatabaseTrade(NamedTuple):
    """A row of the table `trades`, and those of `orders` that belong to it."""

    row: sqlite3.Row
    orders: Sequence[sqlite3.Row] | None
    """None where the version keeps no orders."""


def database_trades(source: Source) -> list[DatabaseTrade]:
    """Every trade of one moment, open and closed.

    Read in one go, for a bot without a WAL waits as long as it is read. Raises
    UnreadableSourceError: also when it is locked for longer than a few seconds.
    """
    try:
        with closing(_opened(source.path)) as connection:
            connection.execute("BEGIN")
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "trades" not in names:
                raise source.unreadable("a database without a table `trades`, so not freqtrade's")
            trades = _trade_rows(connection, source)
            orders = _order_rows(connection) if "orders" in names else None
    except sqlite3.Error as error:
        raise source.unreadable(str(error)) from None
    except OSError as error:
        raise source.unreadable(error.strerror or str(error)) from None
    if orders is None:
        return [DatabaseTrade(row, None) for row in trades]
    by_trade: dict[object, list[sqlite3.Row]] = {}
    for row in orders:
        by_trade.setdefault(row["ft_trade_id"], []).append(row)
    return [DatabaseTrade(row, by_trade.get(row["id"], [])) for row in trades]


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that cannot write.

    Opening a database that has a WAL, while nobody else has it open, would leave files beside it
    that may not belong to the bot's user; all of such a one is in the file itself, so it is
    read from a copy in memory.
    """
    idle = _idle_copy(path)
    if idle is None:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(idle)
    return connection


def _idle_copy(path: Path) -> bytearray | None:
    """The database as it may be read from memory; None where it must be opened as it is."""
    wal = path.with_name(f"{path.name}-wal")
    with path.open("rb") as file:
        if file.read(_WRITE_VERSION.stop)[_WRITE_VERSION] != _WAL or wal.exists():
            return None
        before = path.stat()
        file.seek(0)
        content = bytearray(file.read())
    after = path.stat()
    if wal.exists() or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        return None  # A bot has opened it meanwhile.
    content[_WRITE_VERSION] = _NO_WAL
    return content


def _trade_rows(connection: sqlite3.Connection, source: Source) -> list[sqlite3.Row]:
    present = _columns(connection, "trades")
    if lacking := [name for name in _NEEDED if name not in present]:
        raise source.unreadable(
            "a version of freqtrade's database that is not known: its table `trades` lacks"
            f" {', '.join(lacking)}"
        )
    columns = [*_NEEDED]
    for name, older in _OPTIONAL.items():
        found = next((column for column in (name, *older) if column in present), "NULL")
        columns.append(f"{found} AS {name}")
    return _rows(connection, "trades", columns)


def _order_rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    present = _columns(connection, "orders")
    columns = [name if name in present else f"NULL AS {name}" for name in _ORDER_COLUMNS]
    return _rows(connection, "orders", columns)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> list[sqlite3.Row]:
    connection.row_factory = sqlite3.Row
    return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id").fetchall()


# --- one trade --------------------------------------------------------------------------------


def trade_of_row(record: DatabaseTrade) -> FreqtradeTrade:
    """The trade that a row and its orders tell of; raises RecordError."""
    row = record.row
    is_short = bool(row["is_short"])
    pair = needed(_text(row, "pair"), "pair")
    opened_at = _instant(row, "open_date")
    if opened_at is None:
        raise RecordError("open_date", "missing")
    entry_side = "sell" if is_short else "buy"
    orders = None if not record.orders else tuple(_filled(record.orders, entry_side))
    return FreqtradeTrade(
        identity=identity(pair, opened_at, str(row["id"])),
        pair=pair,
        is_open=bool(row["is_open"]),
        is_short=is_short,
        awaits_entry=awaits_entry(
            orders, (_is_open(order, entry_side) for order in record.orders or ())
        ),
        amount=number(_digits(row, "amount"), "amount"),
        open_rate=number(_digits(row, "open_rate"), "open_rate"),
        opened_at=opened_at,
        close_rate=_digits(row, "close_rate"),
        closed_at=_instant(row, "close_date"),
        profit=_digits(row, "close_profit_abs"),
        fee_open=_digits(row, "fee_open"),
        fee_close=_digits(row, "fee_close"),
        fee_open_currency=_text(row, "fee_open_currency"),
        fee_close_currency=_text(row, "fee_close_currency"),
        funding_fees=_digits(row, "funding_fees"),
        open_trade_value=_digits(row, "open_trade_value"),
        quote=quote_of(pair, _text(row, "stake_currency")),
        strategy=_text(row, "strategy"),
        enter_tag=_text(row, "enter_tag"),
        exit_reason=_text(row, "exit_reason"),
        stop_loss=_digits(row, "initial_stop_loss"),
        trading_mode=_text(row, "trading_mode"),
        mode=mode_of(str(order["order_id"] or "") for order in record.orders or ()),
        orders=orders,
    )


def _filled(orders: Sequence[sqlite3.Row], entry_side: str) -> Iterator[Order]:
    for row in orders:
        if row["ft_is_open"] or not row["filled"]:
            continue
        prices = (_digits(row, name) for name in ("average", "price", "stop_price", "ft_price"))
        yield Order(
            enters=row["ft_order_side"] == entry_side,
            amount=after_fee(
                number(_digits(row, "filled"), "orders.filled"), _digits(row, "ft_fee_base")
            ),
            price=number(next(filter(None, prices), None), "orders.price"),
            filled_at=_instant(row, "order_filled_date"),
            funding_fee=_digits(row, "funding_fee"),
        )


def _is_open(order: sqlite3.Row, entry_side: str) -> bool:
    return bool(order["ft_is_open"]) and order["ft_order_side"] == entry_side


def _digits(row: sqlite3.Row, name: str) -> str | None:
    """A number as its shortest exact text, which is what Python writes of a double."""
    cell = row[name]
    return optional_number(cell if cell is None or isinstance(cell, str) else repr(cell), name)


def _text(row: sqlite3.Row, name: str) -> str | None:
    cell = row[name]
    return None if cell is None else str(cell)


def _instant(row: sqlite3.Row, name: str) -> datetime | None:
    return utc_instant(_text(row, name), name)
