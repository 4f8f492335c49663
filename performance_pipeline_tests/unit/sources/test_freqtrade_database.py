"""freqtrade's database as trade logs, beside the bot that writes it."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.sources.freqtrade_database import database_trades
from performance_pipeline.sources.records import Source
from performance_pipeline_tests.support.freqtrade_database import (
    START,
    VERSIONS,
    BotDatabase,
    BotTrade,
)
from performance_pipeline_tests.support.imports import NOW, counts, imported, records_in

HOUR = timedelta(hours=1)


def only_record(folder: Path, trade: BotTrade, **options: Any) -> dict[str, Any]:
    database = BotDatabase(folder / "tradesv3.sqlite")
    database.write(trade, **options)
    found = imported("freqtrade", database.path, folder / "logs")
    assert counts(found)[:2] == (1, 1), found
    (record,) = records_in(folder / "logs")
    return record


def test_a_closed_trade_counts_with_freqtrades_own_net_profit(tmp_path: Path) -> None:
    trade = BotTrade(17)
    assert only_record(tmp_path, trade) == {
        "timestamp": "2025-11-03T14:31:00.123456Z",
        "symbol": "ETH/USDT",
        "action": "BUY",
        "quantity": "0.5",
        "price": "2400.1",
        "total_value": "1200.05",
        "outcome": "win",
        "source": "freqtrade",
        "source_id": "17:ETH/USDT:2025-11-03T14:31:00Z",
        "order_id": "17:ETH/USDT:2025-11-03T14:31:00Z",
        "execution_mode": "LIVE",
        "strategy_name": "SampleStrategy",
        "entry_type": "golden_cross",
        "stop_loss": repr(2400.1 * 0.9),
        "hold_duration_seconds": "7200",
        "exit_timestamp": "2025-11-03T16:31:00.123456Z",
        "exit_reasoning": "roi",
        "commission": "2.4252",
        "net_profit_loss": repr(trade.profit),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_since_2021_tells_the_same_of_a_trade(tmp_path: Path, version: str) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite", version)
    database.write(BotTrade(1), BotTrade(2, closed=None))
    assert counts(imported("freqtrade", database.path, tmp_path / "logs")) == (2, 2, 0, 0, 0, 0)
    opened, closed = records_in(tmp_path / "logs")
    assert opened["outcome"] == "open"
    assert (closed["strategy_name"], closed["exit_reasoning"]) == ("SampleStrategy", "roi")
    assert closed["commission"] == "2.4252"
    assert ("entry_type" in closed) == (version != "2021.1")


def test_a_database_without_a_table_of_orders_tells_of_its_trades(tmp_path: Path) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite", "2021.1")
    database.write(BotTrade(1), BotTrade(2, closed=None))
    with closing(database.connect()) as connection:
        connection.execute("DROP TABLE orders")
    assert counts(imported("freqtrade", database.path, tmp_path / "logs")) == (2, 2, 0, 0, 0, 0)
    assert ["execution_mode" in record for record in records_in(tmp_path / "logs")] == [False] * 2


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (["close_profit_abs"], "its table `trades` lacks close_profit_abs"),
        (["fee_open", "pair"], "its table `trades` lacks pair, fee_open"),
    ],
)
def test_an_unknown_version_is_named_with_the_columns_that_it_lacks(
    tmp_path: Path, lacking: list[str], told: str
) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    with closing(database.connect()) as connection:
        for column in lacking:
            connection.execute(f"ALTER TABLE trades RENAME COLUMN {column} TO other_{column}")
    found = imported("freqtrade", database.path, tmp_path / "logs")
    assert [sentence.endswith(told) for sentence in found.unreadable] == [True], found.unreadable


def test_other_databases_and_broken_ones_are_named(tmp_path: Path) -> None:
    other, broken = tmp_path / "other.sqlite", tmp_path / "broken.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE something (id INTEGER)")
    whole = BotDatabase(tmp_path / "whole.sqlite", wal=False)
    whole.write(*(BotTrade(number) for number in range(200)))
    broken.write_bytes(whole.path.read_bytes()[:-20_000])
    found = imported("freqtrade", [other, broken, tmp_path / "none.sqlite"], tmp_path / "logs")
    assert found.unreadable == [
        f"{other}: cannot be read: a database without a table `trades`, so not freqtrade's",
        f"{broken}: cannot be read: database disk image is malformed",
        f"{tmp_path / 'none.sqlite'}: cannot be read: No such file or directory",
    ]


def test_trades_that_are_only_in_the_wal_are_there(tmp_path: Path) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    with closing(database.connect()) as bot:
        # While it has the database open, nobody else writes the WAL back into it.
        bot.execute("SELECT * FROM trades").fetchall()
        database.write(BotTrade(1), BotTrade(2))
        assert database.path.with_name("tradesv3.sqlite-wal").stat().st_size > 0
        assert counts(imported("freqtrade", database.path, tmp_path / "logs"))[1] == 2


def test_nothing_is_left_beside_a_database_that_nobody_has_open(tmp_path: Path) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    database.write(BotTrade(1))
    before = database.path.read_bytes()
    assert counts(imported("freqtrade", database.path, tmp_path / "logs"))[1] == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["tradesv3.sqlite"]
    assert database.path.read_bytes() == before


def test_a_locked_database_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("performance_pipeline.sources.freqtrade_database._WAIT_SECONDS", 0.05)
    database = BotDatabase(tmp_path / "tradesv3.sqlite", wal=False)
    database.write(BotTrade(1))
    with closing(database.connect()) as bot:
        bot.execute("BEGIN EXCLUSIVE")
        found = imported("freqtrade", database.path, tmp_path / "logs")
        assert found.unreadable == [f"{database.path}: cannot be read: database is locked"]
        bot.rollback()
    assert counts(imported("freqtrade", database.path, tmp_path / "logs"))[1] == 1


def test_a_source_is_never_written_to(tmp_path: Path) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite", wal=False)
    database.write(BotTrade(1))
    before = (database.path.read_bytes(), database.path.stat().st_mtime_ns)
    database_trades(Source(database.path))
    assert (database.path.read_bytes(), database.path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-05, "1e-05"),
        (123456789.12345679, "123456789.12345679"),
        (1e22, "1e+22"),
        (-1.5e-07, "-1.5e-07"),
    ],
)
def test_a_double_is_written_as_its_shortest_exact_text(
    tmp_path: Path, stored: float, written: str
) -> None:
    trade = BotTrade(1, fields={"close_profit_abs": stored})
    record = only_record(tmp_path, trade)
    assert record["net_profit_loss"] == written
    assert float(written) == stored


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"close_profit_abs": None}, "close_profit_abs: missing in a closed trade"),
        ({"close_date": None}, "close_date: missing in a closed trade"),
        ({"close_profit_abs": float("inf")}, "close_profit_abs: not a number"),
        ({"close_date": "yesterday"}, "close_date: not a time"),
        ({"open_date": None}, "open_date: missing"),
        ({"pair": None}, "pair: missing"),
        ({"amount": None}, "amount: missing"),
        ({"amount": "much"}, "amount: not a number"),
        ({"amount": -1.0}, "quantity: not above 0"),
    ],
)
def test_a_trade_that_cannot_be_read_is_named_and_costs_no_other(
    tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    database.write(BotTrade(1, fields=fields), BotTrade(2))
    found = imported("freqtrade", database.path, tmp_path / "logs")
    assert found.rejected == [f"{database.path}: trade 1: {reason}"]
    assert found.added == 1


@pytest.mark.parametrize(
    ("profit", "outcome"), [(1.5, "win"), (-1e-08, "loss"), (0.0, "breakeven"), (-0.0, "breakeven")]
)
def test_the_outcome_is_the_sign_of_the_profit(tmp_path: Path, profit: float, outcome: str) -> None:
    record = only_record(tmp_path, BotTrade(1, fields={"close_profit_abs": profit}))
    assert record["outcome"] == outcome


def test_a_short_trade_is_a_sell(tmp_path: Path) -> None:
    record = only_record(tmp_path, BotTrade(1, is_short=True))
    assert (record["action"], record["outcome"]) == ("SELL", "loss")


# --- fees -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "commission", "foreign"),
    [
        ({}, "2.4252", {}),
        ({"fee_open_currency": None, "fee_close_currency": None}, "2.4252", {}),
        # What the exchange pays for making the market.
        ({"fee_open": -0.0001, "fee_close": -0.0001}, "-0.24252", {}),
        ({"fee_open_currency": "BNB"}, None, {"BNB": 1}),
        ({"fee_open_currency": "ETH", "fee_close_currency": "BNB"}, None, {"BNB": 1, "ETH": 1}),
    ],
)
def test_fees_are_what_the_rates_take_unless_they_were_paid_in_another_currency(
    tmp_path: Path, fields: dict[str, Any], commission: str | None, foreign: dict[str, int]
) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    database.write(BotTrade(1, fields=fields))
    found = imported("freqtrade", database.path, tmp_path / "logs")
    (record,) = records_in(tmp_path / "logs")
    assert record.get("commission") == commission
    assert found.foreign_fees == foreign
    assert Decimal(record["net_profit_loss"]) == Decimal(repr(BotTrade(1).profit))


def test_fees_of_a_trade_in_several_orders_are_those_of_all(tmp_path: Path) -> None:
    trade = BotTrade(1)
    orders = [
        trade.order("buy", 0.25, 2400.0, START),
        trade.order("buy", 0.25, 2400.2, START + HOUR),
        trade.order("sell", 0.1, 2450.0, START + HOUR),
        trade.order("sell", 0.4, 2450.0, START + 2 * HOUR),
    ]
    trade.fields["amount"] = 0.4  # what was left before the last exit
    record = only_record(tmp_path, trade, orders=orders)
    assert record["quantity"] == "0.5"
    assert record["commission"] == str(Decimal("0.001") * (Decimal("1200.05") + Decimal(1225)))


# --- the life of a bot ------------------------------------------------------------------------


def summaries(folder: Path) -> list[tuple[int, int, Decimal]]:
    """Closed and open trades, and P&L, of the day of START, the day after, and their week."""
    settings = Settings.from_env(
        {"PERFORMANCE_LOG_DIR": str(folder), "PERFORMANCE_TARGETS_FILE": "none"}
    )
    tracker = PerformanceTracker(settings, clock=lambda: NOW)
    day = START.date()
    periods = (
        Period.of(Window.DAILY, day),
        Period.of(Window.DAILY, day + timedelta(days=1)),
        Period.of(Window.WEEKLY, day),
    )
    return [
        (summary.total_trades, summary.open_trades, summary.realized_pnl)
        for summary in map(tracker.summarize, periods)
    ]


def test_a_trade_is_open_then_grows_then_closes_and_nothing_has_to_be_replaced(
    tmp_path: Path,
) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    logs = tmp_path / "logs"
    first = BotTrade(1, closed=None)
    grown = BotTrade(1, amount=0.75, open_rate=2390.5, closed=None)
    orders = [
        grown.order("buy", 0.5, 2400.1, START),
        grown.order("buy", 0.25, 2371.3, START + HOUR),
    ]
    closed = BotTrade(1, amount=0.75, open_rate=2390.5, closed=START + timedelta(days=1))

    database.write(first)
    assert counts(imported("freqtrade", database.path, logs)) == (1, 1, 0, 0, 0, 0)
    assert summaries(logs) == [(0, 1, ZERO), (0, 0, ZERO), (0, 1, ZERO)]

    database.write(BotTrade(1, closed=None, fields={"stop_loss": 2399.0, "max_rate": 2500.0}))
    assert counts(imported("freqtrade", database.path, logs)) == (1, 0, 1, 0, 0, 0)

    database.write(grown, orders=orders)
    assert counts(imported("freqtrade", database.path, logs)) == (1, 1, 0, 0, 0, 0)
    assert summaries(logs) == [(0, 1, ZERO), (0, 0, ZERO), (0, 1, ZERO)]
    assert [record["quantity"] for record in records_in(logs)] == ["0.5", "0.75"]

    database.write(closed)
    found = imported("freqtrade", database.path, logs)
    assert counts(found) == (1, 1, 0, 0, 0, 0)
    assert found.succeeded
    profit = Decimal(repr(closed.profit))
    assert summaries(logs) == [(0, 1, ZERO), (1, 0, profit), (1, 0, profit)]

    assert counts(imported("freqtrade", database.path, logs)) == (1, 0, 1, 0, 0, 0)


def test_a_trade_whose_entry_is_not_filled_is_left_out_until_it_is(tmp_path: Path) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    waiting = BotTrade(1, closed=None)
    database.write(waiting, orders=[waiting.order("buy", 0.5, 2400.1, None)])
    found = imported("freqtrade", database.path, tmp_path / "logs")
    assert {kind: tally.count for kind, tally in found.left_out.items()} == {"not entered yet": 1}
    database.write(waiting)
    assert counts(imported("freqtrade", database.path, tmp_path / "logs")) == (1, 1, 0, 0, 0, 0)


def test_an_open_trade_from_before_orders_were_kept_is_open(tmp_path: Path) -> None:
    assert only_record(tmp_path, BotTrade(1, closed=None), orders=[])["outcome"] == "open"


@pytest.mark.parametrize(
    ("order_id", "mode"), [("dry_run_buy_1", "PAPER"), ("8389765", "LIVE"), (None, None)]
)
def test_its_orders_tell_a_dry_run_from_a_live_one(
    tmp_path: Path, order_id: str | None, mode: str | None
) -> None:
    trade = BotTrade(1)
    orders = (
        [] if order_id is None else [{**order, "order_id": order_id} for order in trade.orders()]
    )
    assert only_record(tmp_path, trade, orders=orders).get("execution_mode") == mode


def test_the_same_ids_of_two_databases_are_two_trades_and_a_copy_adds_none(tmp_path: Path) -> None:
    one, other = BotDatabase(tmp_path / "one.sqlite"), BotDatabase(tmp_path / "other.sqlite")
    one.write(BotTrade(1))
    other.write(BotTrade(1, opened=START + timedelta(seconds=1)))
    copied = tmp_path / "copy.sqlite"
    copied.write_bytes(one.path.read_bytes())
    found = imported("freqtrade", [one.path, other.path, copied], tmp_path / "logs")
    assert counts(found) == (3, 2, 1, 0, 0, 0)


def test_a_profit_that_freqtrade_corrects_is_reported_and_written_over_only_when_asked(
    tmp_path: Path,
) -> None:
    database = BotDatabase(tmp_path / "tradesv3.sqlite")
    database.write(BotTrade(1))
    imported("freqtrade", database.path, tmp_path / "logs")
    database.write(BotTrade(1, fields={"close_profit_abs": -3.5}))
    found = imported("freqtrade", database.path, tmp_path / "logs")
    assert counts(found) == (1, 0, 0, 1, 0, 0)
    assert found.changed == [
        f"{database.path}: trade 1: not as in 2025-11-03.jsonl: outcome, net_profit_loss"
    ]
    imported("freqtrade", database.path, tmp_path / "logs", replace=True)
    assert [record["net_profit_loss"] for record in records_in(tmp_path / "logs")] == ["-3.5"]
