"""Flex reports of Interactive Brokers, as XML and as CSV, small ones made by hand."""

from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

ACCOUNT: Final = "U7654321"
Row = Mapping[str, str]

_CSV_NAMES: Final = {
    "accountId": "ClientAccountID",
    "currency": "CurrencyPrimary",
    "assetCategory": "AssetClass",
    "symbol": "Symbol",
    "multiplier": "Multiplier",
    "transactionID": "TransactionID",
    "tradeID": "TradeID",
    "ibExecID": "IBExecID",
    "ibOrderID": "IBOrderID",
    "dateTime": "DateTime",
    "buySell": "Buy/Sell",
    "quantity": "Quantity",
    "tradePrice": "TradePrice",
    "proceeds": "Proceeds",
    "ibCommission": "IBCommission",
    "ibCommissionCurrency": "IBCommissionCurrency",
    "taxes": "Taxes",
    "fifoPnlRealized": "FifoPnlRealized",
    "openCloseIndicator": "Open/CloseIndicator",
    "notes": "Notes/Codes",
    "levelOfDetail": "LevelOfDetail",
    "origTradeID": "OrigTradeID",
    "origTransactionID": "OrigTransactionID",
}


def trade(number: int, quantity: str, price: str, **changes: str) -> dict[str, str]:
    """An execution in New York, a minute after that of the number before; a sale below 0."""
    return {
        "accountId": ACCOUNT,
        "currency": "USD",
        "assetCategory": "STK",
        "symbol": "AAPL",
        "multiplier": "1",
        "transactionID": str(5000000000 + number),
        "tradeID": str(700000 + number),
        "ibExecID": f"0000de6f.{number:08x}.01.01",
        "ibOrderID": str(90000 + number),
        "dateTime": f"20251103;10{number // 60:02}{number % 60:02}",
        "buySell": "SELL" if quantity.startswith("-") else "BUY",
        "quantity": quantity,
        "tradePrice": price,
        "proceeds": "0",
        "ibCommission": "-1",
        "ibCommissionCurrency": "USD",
        "taxes": "0",
        "fifoPnlRealized": "0",
        "openCloseIndicator": "O",
        "notes": "",
        "levelOfDetail": "EXECUTION",
        "origTradeID": "",
        "origTransactionID": "",
        **changes,
    }


def element(name: str, row: Row) -> str:
    attributes = " ".join(f"{key}={quoteattr(value)}" for key, value in row.items())
    return f"<{name} {attributes} />"


def xml_report(trades: Iterable[Row], *elements: str) -> str:
    """A report with these trades, and other elements, each after its kind."""
    rows = "\n".join(element("Trade", row) for row in trades)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<FlexQueryResponse queryName="trades" type="AF"><FlexStatements count="1">\n'
        f'<FlexStatement accountId="{ACCOUNT}" fromDate="20251101" toDate="20251130">\n'
        f"<Trades>\n{rows}\n</Trades>\n{''.join(elements)}\n"
        "</FlexStatement></FlexStatements></FlexQueryResponse>\n"
    )


def csv_report(trades: Iterable[Row], *, marked: bool = False) -> str:
    """The same as CSV; `marked` with a code at the beginning of each line."""
    rows = [list(_CSV_NAMES.values()), *([row[name] for name in _CSV_NAMES] for row in trades)]
    if not marked:
        return "".join(_csv_line(row) for row in rows)
    lines = ['"BOF","x"\n', '"BOA","x"\n', '"BOS","TRNT","Trades; trade date basis"\n']
    lines += [
        _csv_line(["DATA" if number else "HEADER", "TRNT", *row]) for number, row in enumerate(rows)
    ]
    return "".join([*lines, '"EOS","TRNT","1"\n', '"EOA","x"\n', '"EOF"\n'])


def _csv_line(cells: Iterable[str]) -> str:
    return ",".join(f'"{cell}"' for cell in cells) + "\n"
