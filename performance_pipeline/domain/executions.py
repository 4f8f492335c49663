"""What an accepted line says of its order: for people to look at, needed by no metric."""

from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from performance_pipeline.domain.line_fields import as_instant, read_fields
from performance_pipeline.domain.numbers import parse_number
from performance_pipeline.domain.trades import Outcome


class Execution(NamedTuple):
    """What a record says of the order behind it; instants in UTC, None where it has none.

    `entered_at` is the timestamp of an open record and of one that tells its exit apart;
    `exited_at` the instant of a closed record, as it was written.
    """

    action: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    entered_at: datetime | None
    exited_at: datetime | None


def execution_of(line: bytes) -> Execution:
    """What an accepted `line` says besides its trade, which no metric needs."""
    try:
        raw = _decode_execution(line)
    except msgspec.DecodeError:  # Where numbers are no texts.
        fields = read_fields(line)
        return _execution(
            fields["action"],
            fields["quantity"],
            fields["price"],
            fields["outcome"],
            fields["timestamp"],
            fields["exit_timestamp"],
        )
    return _execution(
        raw.action,
        parse_number(raw.quantity),
        parse_number(raw.price),
        raw.outcome,
        as_instant(raw.timestamp),
        None if raw.exit_timestamp is None else as_instant(raw.exit_timestamp),
    )


class _ExecutionLine(msgspec.Struct, gc=False):
    timestamp: str
    action: Literal["BUY", "SELL"]
    quantity: str
    price: str
    outcome: Outcome | None
    exit_timestamp: str | None = None


_decode_execution: Final = msgspec.json.Decoder(_ExecutionLine).decode


def _execution(
    action: Literal["BUY", "SELL"],
    quantity: Decimal,
    price: Decimal,
    outcome: Outcome | None,
    timestamp: datetime,
    exit_timestamp: datetime | None,
) -> Execution:
    closed = outcome not in (None, "open")
    return Execution(
        action,
        quantity,
        price,
        None if closed and exit_timestamp is None else timestamp,
        (exit_timestamp or timestamp) if closed else None,
    )
