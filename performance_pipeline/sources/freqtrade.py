"""freqtrade: its database, the result of a backtest, or `show-trades --print-json`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from performance_pipeline.sources.freqtrade_database import (
    MAGIC,
    DatabaseTrade,
    database_trades,
    trade_of_row,
)
from performance_pipeline.sources.freqtrade_json import (
    is_result,
    printed_trades,
    strategy_results,
)
from performance_pipeline.sources.freqtrade_json_trade import JsonTrade, trade_of_json
from performance_pipeline.sources.freqtrade_trades import FreqtradeTrade, record_of
from performance_pipeline.sources.json_records import trimmed
from performance_pipeline.sources.records import Format, LeftOut, Source, TradeRecord

NAME: Final = "freqtrade"

StoredTrade = DatabaseTrade | JsonTrade


class Account(NamedTuple):
    """Trades that belong together, and what their source states of them.

    Those of one strategy of a backtest; of any other source, all of them.
    """

    name: str
    """The strategy; "" where it is no backtest."""
    trades: Sequence[tuple[str, StoredTrade]]
    """Each with where it stands."""
    stated: Mapping[str, Any]


class Told(NamedTuple):
    """What a source is, in words, and what it holds."""

    kind: str
    accounts: Sequence[Account]


def told(source: Source) -> Told:
    """All that a source holds, whichever kind it is; raises UnreadableSourceError."""
    if _is_database(source):
        rows = [(f"trade {stored.row['id']}", stored) for stored in database_trades(source)]
        return Told("a database", [Account("", rows, {})])
    content = source.content()
    if not is_result(content):
        printed = printed_trades(source, content) if trimmed(content) else ()
        records = [
            (f"record {number}", JsonTrade(trade, None))
            for number, trade in enumerate(printed, start=1)
        ]
        return Told("a list of trades", [Account("", records, {})])
    accounts = []
    for result in strategy_results(source, content):
        trades = [
            (f"{result.name}, trade {number}", JsonTrade(trade, result.name))
            for number, trade in enumerate(result.trades, start=1)
        ]
        accounts.append(Account(result.name, trades, result.stated))
    return Told("the result of a backtest", accounts)


def read_trade(stored: StoredTrade) -> FreqtradeTrade:
    """What a stored trade tells; raises RecordError."""
    return trade_of_row(stored) if isinstance(stored, DatabaseTrade) else trade_of_json(stored)


def _is_database(source: Source) -> bool:
    try:
        with source.path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise source.unreadable(error.strerror or str(error)) from None


def _records(source: Source) -> Iterator[tuple[str, StoredTrade]]:
    for account in told(source).accounts:
        yield from account.trades


def _convert(stored: StoredTrade, _: Source) -> TradeRecord | LeftOut:
    return record_of(read_trade(stored))


FREQTRADE: Final = Format(NAME, _records, _convert, open_is_fill=False)
