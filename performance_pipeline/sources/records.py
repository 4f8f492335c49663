"""What an adapter is and what it gives: the records of one kind of source, before they are lines.

An adapter is one module: it cuts a source into records (`records`), and says what each one means
(`convert`). All else is shared by all formats, and none of its business: days, order, identity,
fees, digits, counting.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.trades import Outcome
from performance_pipeline.errors import PipelineError

Action = Literal["BUY", "SELL"]


class UnreadableSourceError(PipelineError):
    """A source of which nothing can be imported: names it and says why."""


class RecordError(ValueError):
    """One record that cannot be read: names the source's own field, never its value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True)
class ImportOptions:
    """What the operator says about a source that it does not say itself."""

    mode: str | None = None
    """`execution_mode` of every record: LIVE or PAPER."""
    account: str | None = None
    """`account_id` of every record."""
    zone: ZoneInfo | None = None
    """Where times without an offset were written."""
    mapping: Path | None = None
    """The mapping file, for a format that takes one."""


@dataclass(frozen=True)
class Source:
    """A file to import, and what the operator says about it."""

    path: Path
    options: ImportOptions = ImportOptions()

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    def content(self) -> bytes:
        """All of its bytes; raises UnreadableSourceError."""
        with self.opened() as file:
            return file.read()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file, to be read little by little; raises UnreadableSourceError."""
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise self.unreadable(error.strerror or str(error)) from None

    def unreadable(self, why: str) -> UnreadableSourceError:
        return UnreadableSourceError(f"{self.name}: cannot be read: {why}")


class Fee(msgspec.Struct, frozen=True):
    """What one record cost: `amount`, digits as written, is positive for a cost."""

    amount: str
    currency: str = ""
    """Empty where the source keeps no other than the quote currency."""


class TradeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a source that becomes a line of a trade log.

    The fields are those of a log line (docs/log-format.md). Numbers are texts, digits as the
    source writes them. A record with outcome `open` is a fill, or a trade that is not over; any
    other is a closed trade, whose line goes to the day of its `exit_timestamp`.
    """

    source_id: str
    """What tells this record from all others of its format, the same at every export."""
    timestamp: datetime
    symbol: str
    action: Action
    quantity: str
    price: str
    outcome: Outcome = "open"
    multiplier: str | None = None
    order_id: str | None = None
    execution_mode: str | None = None
    account_id: str | None = None
    strategy_name: str | None = None
    entry_type: str | None = None
    stop_loss: str | None = None
    target: str | None = None
    profit_loss: str | None = None
    net_profit_loss: str | None = None
    exit_timestamp: datetime | None = None
    hold_duration_seconds: str | None = None
    """Where it is None, the time from `timestamp` to `exit_timestamp`."""
    exit_reasoning: str | None = None
    decision_reasoning: str | None = None
    slippage: str | None = None
    fees: tuple[Fee, ...] = ()
    """Their sum becomes `commission`, unless one is in another currency than `quote`."""
    quote: str = ""
    """The currency of the price."""
    notes: tuple[str, ...] = ()
    """What an operator should hear of it, in words that are the same for all such records, which
    are counted: `written in the hour that ...`."""
    repeats: bool = False
    """Whether `source_id` may come again within one source for another record: one without an id
    of its own, whose content is all there is to know it by."""

    @property
    def instant(self) -> datetime:
        """When it counts."""
        return self.timestamp if self.outcome == "open" else self.exit_timestamp or self.timestamp


class LeftOut(msgspec.Struct, frozen=True):
    """A record that is no trade: its kind, and what money or quantity it moved, if it says so."""

    kind: str
    amount: str | None = None
    unit: str = ""
    """The currency or symbol that `amount` counts."""
    cancels: tuple[str, ...] = ()
    """The `source_id` of the trade that it takes back, or each of those that it may have."""


@dataclass(frozen=True)
class Format:
    """An adapter, as the registry knows it."""

    name: str
    records: Callable[[Source], Iterable[tuple[str, Any]]]
    """The records of a source, each with where it stands (`record 3`, `line 5`).

    Raises UnreadableSourceError. A record that cannot be cut out is a RecordError in its place.
    """
    convert: Callable[[Any, Source], TradeRecord | LeftOut]
    """What one record means; raises RecordError, or a ValidationError of msgspec."""
    open_is_fill: bool = True
    """Whether its open records are fills; else they are trades that are not over."""
