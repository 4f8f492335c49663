"""A record of a source becomes a line of a trade log: one that the pipeline itself accepts."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain.numbers import EXACT, plain
from performance_pipeline.domain.trade_lines import RejectedLineError, parse_trade
from performance_pipeline.domain.trades import Outcome
from performance_pipeline.sources.fields import exact, total
from performance_pipeline.sources.records import Action, Fee, RecordError, Source, TradeRecord


class NewLine(msgspec.Struct, frozen=True):
    """A line to be in the log of `day`, without its line end; `instant` is when it counts."""

    source_id: str
    day: date
    instant: datetime
    content: bytes
    foreign_fees: tuple[str, ...] = ()
    """The currencies of its fees, where they are not that of the price."""


class _Line(msgspec.Struct, omit_defaults=True):
    """The fields in the order in which they stand in a line; what is None is left out."""

    timestamp: str
    symbol: str
    action: Action
    quantity: str
    price: str
    total_value: str
    outcome: Outcome
    source: str
    source_id: str
    multiplier: str | None = None
    order_id: str | None = None
    execution_mode: str | None = None
    account_id: str | None = None
    strategy_name: str | None = None
    entry_type: str | None = None
    stop_loss: str | None = None
    target: str | None = None
    decision_reasoning: str | None = None
    profit_loss: str | None = None
    hold_duration_seconds: str | None = None
    exit_timestamp: str | None = None
    exit_reasoning: str | None = None
    slippage: str | None = None
    commission: str | None = None
    net_profit_loss: str | None = None


_encode: Final = msgspec.json.Encoder().encode


def line_of(record: TradeRecord, source_id: str, format_name: str, source: Source) -> NewLine:
    """The line that says what `record` does; raises RecordError where no such line would count."""
    commission, foreign = _commission(record.fees, record.quote)
    exit_at, hold = record.exit_timestamp, record.hold_duration_seconds
    if hold is None and exit_at is not None:
        hold = _seconds(record.timestamp, exit_at)
    content = _encode(
        _Line(
            timestamp=_written(record.timestamp),
            symbol=record.symbol,
            action=record.action,
            quantity=record.quantity,
            price=record.price,
            total_value=_total_value(record),
            outcome=record.outcome,
            source=format_name,
            source_id=source_id,
            multiplier=record.multiplier,
            order_id=record.order_id,
            execution_mode=source.options.mode or record.execution_mode,
            account_id=source.options.account or record.account_id,
            strategy_name=record.strategy_name,
            entry_type=record.entry_type,
            stop_loss=record.stop_loss,
            target=record.target,
            decision_reasoning=record.decision_reasoning,
            profit_loss=record.profit_loss,
            hold_duration_seconds=hold,
            exit_timestamp=None if exit_at is None else _written(exit_at),
            exit_reasoning=record.exit_reasoning,
            slippage=record.slippage,
            commission=commission,
            net_profit_loss=record.net_profit_loss,
        )
    )
    try:
        # What counts is what the reader of logs makes of the line, so it is asked.
        parse_trade(content)
    except RejectedLineError as error:
        field, _, reason = str(error).partition(": ")
        raise RecordError(field, reason) from None
    instant = record.instant
    return NewLine(source_id, instant.date(), instant, content, foreign)


def _total_value(record: TradeRecord) -> str:
    value = EXACT.multiply(exact(record.quantity, "quantity"), exact(record.price, "price"))
    if record.multiplier is not None:
        value = EXACT.multiply(value, exact(record.multiplier, "multiplier"))
    return plain(value)


def differing_fields(before: bytes, now: bytes) -> str:
    """The names of the fields in which two lines differ, with commas between them."""
    old, new = (msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in (before, now))
    return ", ".join(name for name in {**old, **new} if old.get(name) != new.get(name))


def _commission(fees: tuple[Fee, ...], quote: str) -> tuple[str | None, tuple[str, ...]]:
    """What the fees come to in the currency of the price; or None, and which others there are."""
    if not fees:
        return None, ()
    foreign = tuple(fee.currency for fee in fees if fee.currency not in ("", quote))
    if foreign:
        return None, foreign
    return total([(fee.amount, "commission") for fee in fees]), ()


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _seconds(start: datetime, end: datetime) -> str:
    """From one instant to another, exactly."""
    microseconds = (end - start) // timedelta(microseconds=1)
    return plain(EXACT.scaleb(Decimal(microseconds), -6))
