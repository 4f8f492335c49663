"""Any CSV, with a mapping file that says what its columns are: fills, or closed trades."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from performance_pipeline.domain.numbers import EXACT, NUMBER_PATTERN, ZERO
from performance_pipeline.domain.trades import Outcome
from performance_pipeline.sources.csv_mapping import (
    NUMBERS,
    TIMES,
    Column,
    CsvMapping,
    load_mapping,
)
from performance_pipeline.sources.fields import (
    COMES_TWICE,
    Moment,
    exact,
    instant_of_milliseconds,
    local_moment,
    needed,
    negated,
    side,
    without_sign,
)
from performance_pipeline.sources.records import (
    Action,
    Fee,
    Format,
    LeftOut,
    RecordError,
    Source,
    TradeRecord,
)

OUTCOMES: Final[tuple[Outcome, ...]] = ("win", "loss", "breakeven", "open")
_SECONDS: Final = "seconds"
_MILLISECONDS: Final = "milliseconds"
_is_iso = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
).fullmatch


@dataclass(frozen=True)
class _Layout:
    """A mapping, and where the columns that it names stand in one file."""

    mapping: CsvMapping
    width: int
    fields: Mapping[str, tuple[int, ...]]
    id: tuple[int, ...]
    kind: int | None
    amount: int | None


class _Row(NamedTuple):
    layout: _Layout
    cells: list[str]


def _records(source: Source) -> Iterator[tuple[str, _Row | RecordError]]:
    path = source.options.mapping
    if path is None:
        raise source.unreadable("--map names no file that says what its columns are")
    mapping = load_mapping(path)
    try:
        text = source.content().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.unreadable(f"byte {error.start} is not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows)]
    except StopIteration:
        raise source.unreadable("empty, without even a header") from None
    except csv.Error as error:
        raise source.unreadable(f"its header is no CSV: {error}") from None
    layout = _layout(mapping, header, source)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {rows.line_num}", RecordError("row", str(error))
            continue
        if len(cells) == layout.width:
            yield f"line {rows.line_num}", _Row(layout, cells)
        elif cells:
            said = f"{len(cells)} cells, where the header has {layout.width}"
            yield f"line {rows.line_num}", RecordError("row", said)


def _layout(mapping: CsvMapping, header: list[str], source: Source) -> _Layout:
    def index(column: Column) -> int:
        match header.count(column.name):
            case 1:
                return header.index(column.name)
            case 0:
                names = ", ".join(header)
                raise column.at.error(f"{source.name} has no column {column.name!r}, but {names}")
            case _:
                raise column.at.error(f"{source.name} has several columns {column.name!r}")

    return _Layout(
        mapping,
        len(header),
        {field: tuple(map(index, columns)) for field, columns in mapping.columns.items()},
        tuple(map(index, mapping.id)),
        None if mapping.trades is None else index(mapping.trades[0]),
        None if mapping.amount is None else index(mapping.amount),
    )


def _convert(row: _Row, source: Source) -> TradeRecord | LeftOut:
    layout, cells = row
    mapping = layout.mapping
    said = {**mapping.fixed}
    for field, columns in layout.fields.items():
        text = " ".join(cells[column].strip() for column in columns).strip()
        said[field] = mapping.values.get(field, {}).get(text, text)
    if mapping.trades is not None and layout.kind is not None:
        kind = cells[layout.kind].strip()
        if kind not in mapping.trades[1]:
            return _left_out(layout, cells, kind, said.get("currency", ""))
    for field in NUMBERS:
        if said.get(field):
            said[field] = _number(said[field], field, mapping)
    return _record(said, row, source)


def _record(said: dict[str, str], row: _Row, source: Source) -> TradeRecord:
    mapping = row.layout.mapping
    written = {field: said[field] for field in TIMES if said.get(field)}
    moments = {field: _moment(text, field, mapping, source) for field, text in written.items()}
    if "timestamp" not in moments:
        raise RecordError("timestamp", "missing")
    quantity = needed(said.get("quantity"), "quantity")
    # Where no column says which side, the sign of the quantity does.
    action = side(said["action"], "action") if "action" in said else _side_of(quantity)
    commission = said.get("commission") or None
    if commission is not None and mapping.costs_are_negative:
        commission = negated(commission)
    symbol = needed(said.get("symbol"), "symbol")
    return TradeRecord(
        source_id=_id(row),
        repeats=not row.layout.id,
        timestamp=moments["timestamp"].instant,
        exit_timestamp=moments["exit_timestamp"].instant if "exit_timestamp" in moments else None,
        symbol=symbol,
        action=action,
        quantity=without_sign(quantity),
        price=needed(said.get("price"), "price"),
        outcome=_outcome(said, commission),
        multiplier=said.get("multiplier") or None,
        order_id=said.get("order_id") or None,
        execution_mode=said.get("execution_mode") or None,
        account_id=said.get("account_id") or None,
        strategy_name=said.get("strategy_name") or None,
        entry_type=said.get("entry_type") or None,
        stop_loss=said.get("stop_loss") or None,
        target=said.get("target") or None,
        profit_loss=said.get("profit_loss") or None,
        net_profit_loss=said.get("net_profit_loss") or None,
        hold_duration_seconds=said.get("hold_duration_seconds") or None,
        exit_reasoning=said.get("exit_reasoning") or None,
        decision_reasoning=said.get("decision_reasoning") or None,
        slippage=said.get("slippage") or None,
        fees=(Fee(commission, said.get("commission_currency", "")),) if commission else (),
        quote=said.get("currency") or symbol.partition("/")[2],
        notes=(COMES_TWICE,) if any(moment.comes_twice for moment in moments.values()) else (),
    )


def _left_out(layout: _Layout, cells: list[str], kind: str, currency: str) -> LeftOut:
    written = "" if layout.amount is None else cells[layout.amount].strip()
    amount = _number(written, "amount", layout.mapping) if written else None
    return LeftOut(kind or "rows without a kind", amount, currency)


def _number(text: str, field: str, mapping: CsvMapping) -> str:
    """The number as JSON writes it, every digit kept."""
    digits = text.replace(mapping.thousands, "") if mapping.thousands else text
    if mapping.decimal != ".":
        if "." in digits:
            raise RecordError(field, "not a number")
        digits = digits.replace(mapping.decimal, ".")
    if NUMBER_PATTERN.fullmatch(digits) is None:
        raise RecordError(field, "not a number; the mapping names decimal and thousands marks")
    return digits


def _moment(text: str, field: str, mapping: CsvMapping, source: Source) -> Moment:
    zone = source.options.zone or mapping.zone
    if mapping.time == _SECONDS:
        return Moment(instant_of_milliseconds(_thousandfold(text, field), field))
    if mapping.time == _MILLISECONDS:
        return Moment(instant_of_milliseconds(text, field))
    try:
        if mapping.time:
            moment = datetime.strptime(text, mapping.time)  # noqa: DTZ007 - its zone follows.
        elif _is_iso(text):
            moment = datetime.fromisoformat(text)
        else:
            raise RecordError(
                field, "not a time like 2025-11-03 14:31:00; the mapping names others"
            )
    except ValueError as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(field, f"not a time like {mapping.time or 'a day has'}") from None
    if moment.tzinfo is not None:
        return Moment(moment.astimezone(UTC))
    return local_moment(moment, field, zone, source)


def _thousandfold(text: str, field: str) -> str:
    return format(EXACT.scaleb(exact(text, field), 3), "f")


def _side_of(quantity: str) -> Action:
    return "SELL" if quantity.startswith("-") else "BUY"


def _outcome(said: Mapping[str, str], commission: str | None) -> Outcome:
    """What the mapping says; else the sign of the net P&L, and open where there is none."""
    if "outcome" in said:
        for outcome in OUTCOMES:
            if said["outcome"] == outcome:
                return outcome
        raise RecordError("outcome", f"not one of {', '.join(OUTCOMES)}")
    if said.get("net_profit_loss"):
        net = exact(said["net_profit_loss"], "net_profit_loss")
    elif said.get("profit_loss"):
        paid = ZERO if commission is None else exact(commission, "commission")
        net = EXACT.subtract(exact(said["profit_loss"], "profit_loss"), paid)
    else:
        return "open"
    return "breakeven" if net == ZERO else "win" if net > ZERO else "loss"


def _id(row: _Row) -> str:
    """The columns that the mapping names, or all of the row, which may come again."""
    layout, cells = row
    if not layout.id:
        return "\x1f".join(cells)
    texts = [cells[column].strip() for column in layout.id]
    if not all(texts):
        raise RecordError("id", "missing")
    return ":".join(filter(None, (layout.mapping.name, *texts)))


CSV: Final = Format("csv", _records, _convert)
