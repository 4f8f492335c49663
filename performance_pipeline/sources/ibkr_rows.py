"""The rows of an Interactive Brokers Flex report: one shape, whether it comes as XML or as CSV.

XML is read by expat with document types refused: a Flex report has none, and entities, which can
make a small file huge or fetch others, are declared in one. So no further package is needed.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from xml.parsers import expat

from performance_pipeline.domain.log_reading import BYTE_ORDER_MARK
from performance_pipeline.sources.records import RecordError, Source

TRADE: Final = "Trade"
CASH: Final = "CashTransaction"
ACTION: Final = "CorporateAction"
TRANSFER: Final = "Transfer"
# Rows of a report's trades in other detail, as elements of their own.
REPEATS: Final = frozenset({"Order", "Lot", "SymbolSummary", "AssetSummary", "WashSale"})
OTHER: Final = "row of another section"

_BLOCK: Final = 1 << 16
_ELEMENTS: Final = frozenset({TRADE, "TradeConfirm", CASH, ACTION, TRANSFER, *REPEATS})
_SECTIONS: Final = {"TRNT": TRADE, "TCON": TRADE, "CTRN": CASH, "CORP": ACTION, "TRFR": TRANSFER}
_LINE_CODES: Final = frozenset({"BOF", "BOA", "BOS", "EOS", "EOA", "EOF"})

# What is read of a row: the name in XML of activity reports, and what else it is called, in CSV
# and in reports of confirmations; compared without case, spaces and slashes.
_NAMES: Final = {
    "accountId": ("clientaccountid",),
    "symbol": (),
    "assetCategory": ("assetclass",),
    "currency": ("currencyprimary",),
    "multiplier": (),
    "buySell": (),
    "quantity": (),
    "tradePrice": ("price",),
    "proceeds": (),
    "ibCommission": ("commission",),
    "ibCommissionCurrency": ("commissioncurrency",),
    "taxes": ("tax",),
    "notes": ("notescodes", "code"),
    "tradeID": (),
    "transactionID": (),
    "origTradeID": (),
    "origTransactionID": (),
    "ibExecID": ("execid",),
    "ibOrderID": ("orderid",),
    "dateTime": (),
    "tradeDate": (),
    "tradeTime": (),
    "transactionType": (),
    "levelOfDetail": (),
    "orderReference": (),
    "orderType": (),
    "type": (),
    "amount": (),
    "cashTransfer": (),
}
# Attributes are called as they are here, or as in reports of confirmations.
_IN_XML: Final = (
    *((name, name) for name in _NAMES),
    ("price", "tradePrice"),
    ("commission", "ibCommission"),
    ("commissionCurrency", "ibCommissionCurrency"),
    ("tax", "taxes"),
    ("code", "notes"),
    ("execID", "ibExecID"),
    ("orderID", "ibOrderID"),
)
_PLAIN: Final = {
    alias: name for name, others in _NAMES.items() for alias in (name.lower(), *others)
}
# Cells of which a header has one, and hardly any other row.
_IN_HEADERS: Final = frozenset(
    {"ClientAccountID", "CurrencyPrimary", "Symbol", "Quantity", "TradePrice", "Price", "Amount"}
)


class _Called(dict[str, str | None]):
    """What a column or attribute is called here; None where nobody asks for it."""

    def __missing__(self, written: str) -> str | None:
        plainly = written.lower().replace(" ", "").replace("/", "")
        found = self[written] = _PLAIN.get(plainly)
        return found


_CALLED: Final = _Called()


class FlexRow(NamedTuple):
    """One row: which kind of element, and its fields by their names in XML; absent is ""."""

    kind: str
    fields: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.fields.get(name, "")


def flex_rows(source: Source) -> Iterator[tuple[str, FlexRow | RecordError]]:
    """Each row that is a trade, or moves money or positions; raises UnreadableSourceError."""
    with source.opened() as file:
        start = file.read(_BLOCK).removeprefix(BYTE_ORDER_MARK).lstrip()
    if not start:
        raise source.unreadable("empty")
    return _xml_rows(source) if start.startswith(b"<") else _csv_rows(source)


def _xml_rows(source: Source) -> Iterator[tuple[str, FlexRow]]:
    parser = expat.ParserCreate()
    found: list[tuple[str, FlexRow]] = []
    outermost: list[str] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if not outermost:
            outermost.append(element)
        if element in _ELEMENTS:
            fields = {
                name: value.strip()
                for written, name in _IN_XML
                if (value := attributes.get(written))
            }
            kind = TRADE if element == "TradeConfirm" else element
            found.append((f"line {parser.CurrentLineNumber}", FlexRow(kind, fields)))

    def refuse(*_: object) -> None:
        raise source.unreadable("it declares a document type, which no Flex report does")

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    with source.opened() as file:
        while block := file.read(_BLOCK):
            _parse(parser, block, source)
            if outermost and outermost[0] != "FlexQueryResponse":
                raise source.unreadable(
                    f"a {outermost[0]!r}, where a Flex report is a 'FlexQueryResponse'"
                )
            yield from found
            found.clear()
    _parse(parser, b"", source)
    yield from found


def _parse(parser: expat.XMLParserType, block: bytes, source: Source) -> None:
    """Take up the next part of a report; an empty one is its end."""
    try:
        parser.Parse(block, not block)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        raise source.unreadable(f"line {error.lineno} is not XML: {why}") from None


def _csv_rows(source: Source) -> Iterator[tuple[str, FlexRow | RecordError]]:
    """The rows of all sections, each of which begins with a header of its own.

    Lines may be marked (HEADER and DATA with the section's code, BOS and EOS around a section), as
    the query is configured. Without marks a header is known by the names in it.
    """
    try:
        text = source.content().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.unreadable(f"byte {error.start} is not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""))
    header: list[str | None] = []
    section = ""
    for row in rows:
        mark = row[0] if row else "EOF"
        if mark in _LINE_CODES:
            section = row[1] if mark == "BOS" and len(row) > 1 else ""
            continue
        marked = mark in ("HEADER", "DATA") and len(row) > 1
        section, cells = (row[1], row[2:]) if marked else (section, row)
        if mark == "HEADER" or (not marked and _is_header(cells)):
            header = [_CALLED[name] for name in cells]
            continue
        where = f"line {rows.line_num}"
        if not any(header):
            raise source.unreadable("it begins with neither XML nor the header of a Flex report")
        if len(cells) != len(header):
            said = f"{len(cells)} cells, where the header has {len(header)}"
            yield where, RecordError("row", said)
            continue
        fields = {
            name: cell.strip() for name, cell in zip(header, cells, strict=True) if name and cell
        }
        yield where, FlexRow(_SECTIONS.get(section) or _kind_of(header), fields)


def _is_header(cells: list[str]) -> bool:
    """Whether at least two cells are names of fields, and not values of them."""
    if _IN_HEADERS.isdisjoint(cells):
        return False
    return sum(_CALLED[cell] is not None for cell in cells) > 1


def _kind_of(header: list[str | None]) -> str:
    if {"tradePrice", "quantity"} <= {*header}:
        return TRADE
    if {"amount", "type"} <= {*header}:
        return CASH
    return OTHER
