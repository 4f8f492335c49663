"""Imports of a database that a bot goes on writing, and imports that are killed."""

import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from random import Random
from typing import Final

import pytest

from performance_pipeline.domain.trade_lines import parse_trade
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.freqtrade_database import (
    NEWEST,
    BotDatabase,
    BotTrade,
    columns,
    write_into,
)
from performance_pipeline_tests.support.imports import NOW, counts, imported, records_in
from performance_pipeline_tests.support.processes import PROCESSES, start

IMPORTS: Final = 20
KILLS: Final = often(60, usual=4)
TRADES: Final = often(400, usual=120)


def trades() -> list[BotTrade]:
    """Over four days, the last of which is today."""
    closes = [NOW - timedelta(minutes=11 * number) for number in range(TRADES)]
    return [
        BotTrade(
            number,
            close_rate=2400.0 + number % 7,
            opened=closed - timedelta(hours=1, seconds=number),
            closed=closed,
        )
        for number, closed in enumerate(closes, start=1)
    ]


def open_and_close(path: Path, round_begins: Barrier) -> None:
    """A bot: every trade is written open, then closed; a part of them beside each import."""
    database = BotDatabase.__new__(BotDatabase)
    database.path, database.columns = path, columns(NEWEST)
    with closing(database.connect()) as connection:
        for number, trade in enumerate(trades()):
            if number % (TRADES // IMPORTS) == 0:
                round_begins.wait(60)
            closed, trade.closed = trade.closed, None
            for state in (None, closed):
                trade.closed = state
                with connection:
                    write_into(connection, database.columns, [trade])
            time.sleep(0.002)


@pytest.mark.parametrize("wal", [True, False])
def test_imports_beside_a_bot_that_writes_lose_nothing_and_repeat_nothing(
    tmp_path: Path, wal: bool
) -> None:
    database, logs = BotDatabase(tmp_path / "tradesv3.sqlite", wal=wal), tmp_path / "logs"
    round_begins = PROCESSES.Barrier(2)  # So that neither runs ahead of the other.
    bot = start(open_and_close, database.path, round_begins)
    seen = []
    for _ in range(IMPORTS):
        round_begins.wait(60)
        found = imported("freqtrade", database.path, logs)
        assert found.succeeded, found
        seen.append(found.read)
    bot.join()
    assert bot.exitcode == 0
    assert len(set(seen)) >= IMPORTS // 2  # It did write meanwhile.

    assert imported("freqtrade", database.path, logs).succeeded
    assert counts(imported("freqtrade", database.path, logs))[1:] == (0, TRADES, 0, 0, 0)
    assert_each_trade_is_there_once(logs)


def assert_each_trade_is_there_once(logs: Path) -> None:
    records = records_in(logs)
    assert set(Counter(record["source_id"] for record in records).values()) == {1}
    closed = {
        record["order_id"]: Decimal(record["net_profit_loss"])
        for record in records
        if record["outcome"] != "open"
    }
    assert len(closed) == sum(record["outcome"] != "open" for record in records) == TRADES
    assert sum(closed.values()) == sum(Decimal(repr(trade.profit)) for trade in trades())


def import_again_and_again(path: Path, logs: Path, begun: Event) -> None:
    begun.set()
    while counts(imported("freqtrade", path, logs))[1]:
        pass


def test_an_import_that_is_killed_leaves_whole_lines_and_the_next_one_completes_it(
    tmp_path: Path,
) -> None:
    database, logs = BotDatabase(tmp_path / "tradesv3.sqlite"), tmp_path / "logs"
    database.write(*trades())
    chance, in_time = Random(7), 0
    for _ in range(KILLS):
        begun = PROCESSES.Event()
        process = start(import_again_and_again, database.path, logs, begun)
        assert begun.wait(60)
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        process.join()
        in_time += process.exitcode != 0
        for log in logs.glob("*.jsonl"):
            for line in log.read_bytes().splitlines(keepends=True):
                assert line.endswith(b"\n")
                if line.strip():
                    parse_trade(line.strip())
        if chance.random() < 0.5:  # The next one finds a part of it, or begins anew.
            for log in logs.glob("*.jsonl"):
                log.unlink()
    assert in_time
    assert imported("freqtrade", database.path, logs).succeeded
    assert_each_trade_is_there_once(logs)
