"""Interactive Brokers' Flex reports, of activity or of confirmations: fills, from XML or CSV.

Fields: https://www.ibkrguides.com/reportingreference/reportguide/tradesfq.htm. Marks such as Ca:
https://www.ibkrguides.com/reportingreference/reportguide/codes_flex.htm. Thousands commas, C;O,
TradeCancel: https://github.com/csingley/ibflex, whose tests hold rows of real reports.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NamedTuple

from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline.sources.fields import (
    COMES_TWICE,
    Moment,
    exact,
    is_zero,
    local_moment,
    needed,
    negated,
    number,
    optional_number,
    without_sign,
)
from performance_pipeline.sources.ibkr_rows import (
    ACTION,
    CASH,
    OTHER,
    REPEATS,
    TRADE,
    TRANSFER,
    FlexRow,
    flex_rows,
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

_EXECUTION: Final = "EXECUTION"
_NO_TIME: Final = "without a time of day: taken for the end of its day"
_OFFSETS: Final = {"EST": -5, "EDT": -4, "UTC": 0, "GMT": 0}
# The price of these is in percent of the money that a unit of them is.
_IN_PERCENT: Final = frozenset({"BOND", "BILL"})
_PERCENT: Final = Decimal("0.01")
_parts_of = re.compile(
    r"(\d{8}|\d{4}-\d\d-\d\d|\d\d-[A-Za-z]{3}-\d\d)"
    r"(?:(?:[;,T ]|, )?(\d{6}|\d\d:\d\d:\d\d)(?: ?([A-Z]{3}))?)?",
    re.ASCII,
).fullmatch


class _Execution(NamedTuple):
    """What a cancelling row says of the trade that it takes back."""

    transaction: str
    quantity: str
    price: str


def _records(source: Source) -> Iterator[tuple[str, FlexRow | RecordError]]:
    """The rows, those that cancel a trade last, each with the transaction that it takes back.

    A trade that is booked again keeps its tradeID. So where a row says no more than that, it takes
    back the last one of that id, quantity and price that was booked before it.
    """
    executions: dict[str, list[_Execution]] = {}
    cancelling: list[tuple[str, FlexRow]] = []
    for where, row in flex_rows(source):
        if not isinstance(row, RecordError) and row.kind == TRADE:
            if _cancels(row):
                cancelling.append((where, row))
                continue
            if trade := row.get("tradeID"):
                one = _Execution(*map(row.get, ("transactionID", "quantity", "tradePrice")))
                executions.setdefault(trade, []).append(one)
        yield where, row
    for where, row in cancelling:
        yield where, _with_transaction(row, executions.get(row.get("origTradeID"), ()))


def _cancels(row: FlexRow) -> bool:
    notes = row.get("notes")
    return ("Ca" in notes and "Ca" in re.split("[;,]", notes)) or "(Ca.)" in row.get("buySell")


def _with_transaction(row: FlexRow, executions: Sequence[_Execution]) -> FlexRow:
    if row.get("origTransactionID").strip("0"):
        return row
    booked_before = [
        one.transaction
        for one in executions
        if without_sign(one.quantity) == without_sign(row.get("quantity"))
        and one.price == row.get("tradePrice")
        and _order(one.transaction) < _order(row.get("transactionID"))
    ]
    if not booked_before:
        return row
    last = max(booked_before, key=_order)
    return FlexRow(row.kind, {**row.fields, "origTransactionID": last})


def _order(transaction: str) -> tuple[int, str]:
    """Transactions are numbered in the order of booking."""
    return len(transaction), transaction


def _convert(row: FlexRow, source: Source) -> TradeRecord | LeftOut:
    if row.kind != TRADE:
        return _no_trade(row)
    detail = row.get("levelOfDetail")
    known_by = _known_by(row)
    if detail not in ("", _EXECUTION) or (not detail and not known_by):
        return LeftOut(f"{detail or 'summary'} row, which repeats its executions")
    if _cancels(row):
        return LeftOut("cancelled trade", cancels=(_cancelled(row),))
    moment, notes = _moment(row, source)
    quantity = _number(row, "quantity")
    currency = row.get("currency")
    return TradeRecord(
        source_id=known_by,
        timestamp=moment.instant,
        symbol=needed(row.get("symbol"), "symbol"),
        action=_action(row, quantity),
        quantity=without_sign(quantity),
        price=_number(row, "tradePrice"),
        multiplier=_multiplier(row, quantity),
        order_id=row.get("ibOrderID") or None,
        account_id=row.get("accountId") or None,
        strategy_name=row.get("orderReference") or None,
        entry_type=row.get("orderType") or None,
        fees=_fees(row, currency),
        quote=currency,
        notes=notes,
    )


def _no_trade(row: FlexRow) -> LeftOut:
    kind, detail = row.kind, row.get("levelOfDetail")
    if kind in REPEATS or kind == OTHER:
        return LeftOut(f"{kind} row, which repeats its executions" if kind != OTHER else kind)
    named = f"{kind} {row.get('type')}".strip()
    if detail == "SUMMARY":
        return LeftOut(f"{named} SUMMARY row, which repeats its details")
    if kind == CASH:
        return LeftOut(named, _number(row, "amount"), row.get("currency"))
    money = _optional(row, "cashTransfer") if kind == TRANSFER else None
    if money is not None and not is_zero(money):
        return LeftOut(named, money, row.get("currency"))
    assert kind in (ACTION, TRANSFER)
    return LeftOut(named, _optional(row, "quantity"), row.get("symbol"))


def _known_by(row: FlexRow) -> str:
    """The id of a trade, which every report of it holds; "" where the row has none."""
    for name, prefix in (("transactionID", ""), ("tradeID", "trade:"), ("ibExecID", "exec:")):
        if text := row.get(name):
            return f"{prefix}{text}"
    return ""


def _cancelled(row: FlexRow) -> str:
    """The id of the trade that is taken back."""
    transaction = row.get("origTransactionID")
    if transaction.strip("0"):
        return transaction
    raise RecordError(
        "origTransactionID", "missing, and the trade that it cancels is not in this source"
    )


def _moment(row: FlexRow, source: Source) -> tuple[Moment, tuple[str, ...]]:
    field = "dateTime" if row.get("dateTime") else "tradeDate"
    text = row.get("dateTime") or f"{row.get('tradeDate')} {row.get('tradeTime')}".strip()
    if not text:
        raise RecordError("dateTime", "missing")
    parts = _parts_of(text)
    if parts is None:
        raise RecordError(
            field, "not a date like 20251103 or 2025-11-03, with a time like 143100 or 14:31:00"
        )
    day, time, zone = parts.groups()
    try:
        moment = _local(day, (time or "235959").replace(":", ""))
    except ValueError:
        raise RecordError(field, "no such time") from None
    notes = () if time else (_NO_TIME,)
    if zone in _OFFSETS:
        offset = timezone(timedelta(hours=_OFFSETS[zone]))
        return Moment(moment.replace(tzinfo=offset).astimezone(UTC)), notes
    if zone is not None:
        raise RecordError(field, f"in a time zone other than {', '.join(_OFFSETS)}")
    found = local_moment(moment, field, source.options.zone, source)
    return found, (*notes, COMES_TWICE) if found.comes_twice else notes


def _local(day: str, time: str) -> datetime:
    """The moment on the clock of the account; ValueError where there is none."""
    if day[2] == "-":
        return datetime.strptime(f"{day} {time}", "%d-%b-%y %H%M%S")  # noqa: DTZ007 - its zone follows.
    return datetime.fromisoformat(f"{day}T{time[:2]}:{time[2:4]}:{time[4:]}")


def _action(row: FlexRow, quantity: str) -> Action:
    match row.get("buySell").upper():
        case "BUY":
            return "BUY"
        case "SELL":
            return "SELL"
        case "":
            return "SELL" if quantity.startswith("-") else "BUY"
    raise RecordError("buySell", "not BUY or SELL")


def _multiplier(row: FlexRow, quantity: str) -> str | None:
    multiplier = _optional(row, "multiplier")
    if row.get("assetCategory") not in _IN_PERCENT:
        return None if multiplier == "1" else multiplier
    size = EXACT.multiply(exact(multiplier or "1", "multiplier"), _PERCENT)
    value = EXACT.multiply(
        exact(quantity, "quantity"), exact(_number(row, "tradePrice"), "tradePrice")
    )
    proceeds = exact(_number(row, "proceeds"), "proceeds")
    if abs(EXACT.add(EXACT.multiply(value, size), proceeds)) > 1:
        raise RecordError("proceeds", "not quantity x tradePrice in percent")
    return plain(size)


def _fees(row: FlexRow, currency: str) -> tuple[Fee, ...]:
    """Commission and taxes, which are below 0 where they cost something."""
    fees = []
    commission = _optional(row, "ibCommission")
    if commission is not None:
        paid_in = row.get("ibCommissionCurrency") or currency
        fees.append(Fee(negated(commission), paid_in))
    taxes = _optional(row, "taxes")
    if taxes is not None and not is_zero(taxes):
        fees.append(Fee(negated(taxes), currency))
    return tuple(fees)


def _number(row: FlexRow, field: str) -> str:
    return number(_without_commas(row.get(field)), field)


def _optional(row: FlexRow, field: str) -> str | None:
    return optional_number(_without_commas(row.get(field)), field)


def _without_commas(text: str) -> str:
    """A number without its marks of thousands; others than those stay, and are no number."""
    return text.replace(",", "") if _has_thousands(text) else text


_has_thousands = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII).fullmatch

IBKR_FLEX: Final = Format("ibkr-flex", _records, _convert)
