"""The records of one raw log, for a recount: every line by itself, all of them in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from performance_pipeline.domain.line_fields import read_fields
from performance_pipeline.domain.trade_lines import NEEDS_PNL
from performance_pipeline.pipeline.recount.exact import ZERO, rounded
from performance_pipeline.storage.logs import log_name

ONE_DAY: Final = timedelta(days=1)
_BLANKS: Final = b" \t\r\n"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """An accepted line where it counts; names that are null or absent are ""."""

    instant: datetime
    log_day: date
    line: int
    day: date
    misdated: bool
    outcome: str
    pnl: Fraction
    """Net of a closed record; of an open one its `profit_loss`, 0 when `pnl_unknown`."""
    pnl_unknown: bool
    commission: Fraction
    slippage: Fraction
    planned_ratio: Fraction | None
    hold_seconds: Fraction | None
    symbol: str
    strategy: str
    mode: str
    account: str
    order_id: str
    buys: bool
    quantity: Fraction
    price: Fraction
    multiplier: Fraction
    side: str = ""
    """Of a trade made of fills: that of the position it closes."""


@dataclass(frozen=True)
class RawLog:
    """One log, read: its accepted records in order, and the lines left out."""

    day: date
    records: list[Record]
    rejected: list[dict[str, Any]]
    duplicates: int


def read_raw(lines: Iterable[bytes], log_day: date, zone: ZoneInfo) -> RawLog:
    """Everything in the log of the UTC day `log_day`, in memory."""
    records: list[Record] = []
    rejected: list[dict[str, Any]] = []
    seen: set[bytes] = set()
    duplicates = 0
    for number, raw in enumerate(lines, start=1):
        text = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
        line = text.strip(_BLANKS)
        if not line:
            continue
        if line in seen:
            duplicates += 1
            continue
        try:
            records.append(_record(line, number, log_day, zone))
        except ValueError as error:
            rejected.append({"file": log_name(log_day), "line": number, "reason": str(error)})
        else:
            seen.add(line)
    records.sort(key=lambda record: (record.instant, record.line))
    return RawLog(log_day, records, rejected, duplicates)


def _record(line: bytes, number: int, log_day: date, zone: ZoneInfo) -> Record:
    """What one line records; raises ValueError with the reason why it is none."""
    fields = read_fields(line)
    outcome = fields["outcome"] or "open"
    commission = _fraction(fields["commission"]) or ZERO
    pnl = _fraction(fields["profit_loss"])
    written = fields["timestamp"]
    if outcome != "open":
        written = fields["exit_timestamp"] or written
        if fields["net_profit_loss"] is not None:
            pnl = Fraction(fields["net_profit_loss"])
        elif pnl is not None:
            pnl -= commission
        else:
            raise ValueError(NEEDS_PNL)
    first = datetime.combine(log_day, time(), tzinfo=UTC)
    instant = min(max(written, first), first + ONE_DAY - timedelta(microseconds=1))
    return Record(
        instant=instant,
        log_day=log_day,
        line=number,
        day=instant.astimezone(zone).date(),
        misdated=instant != written,
        outcome=outcome,
        pnl=pnl or ZERO,
        pnl_unknown=pnl is None,
        commission=commission,
        slippage=_fraction(fields["slippage"]) or ZERO,
        planned_ratio=_planned_ratio(fields["price"], fields["stop_loss"], fields["target"]),
        hold_seconds=_fraction(fields["hold_duration_seconds"]),
        symbol=fields["symbol"],
        strategy=fields["strategy_name"] or "",
        mode=fields["execution_mode"] or "",
        account=fields["account_id"] or "",
        order_id=fields["order_id"] or "",
        buys=fields["action"] == "BUY",
        quantity=Fraction(fields["quantity"]),
        price=Fraction(fields["price"]),
        multiplier=Fraction(fields["multiplier"] or 1),
    )


def _planned_ratio(
    price: Decimal, stop_loss: Decimal | None, target: Decimal | None
) -> Fraction | None:
    if stop_loss is None or target is None:
        return None
    reward = Fraction(target) - Fraction(price)
    risk = Fraction(price) - Fraction(stop_loss)
    return rounded(reward / risk, 9) if reward * risk > 0 else None


def _fraction(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)
