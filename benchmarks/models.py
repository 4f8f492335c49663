"""The contender that validates every line with a pydantic model."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from benchmarks.figures import Figures, Record, figures_of, planned_ratio

ZERO = Decimal(0)


class _Model(BaseModel):
    timestamp: datetime
    symbol: str
    action: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    outcome: Literal["win", "loss", "breakeven", "open"]
    order_id: str | None = None
    execution_mode: Literal["PAPER", "LIVE"] | None = None
    account_id: str | None = None
    strategy_name: str | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    profit_loss: Decimal | None = None
    hold_duration_seconds: Decimal | None = None
    exit_timestamp: datetime | None = None
    slippage: Decimal | None = None
    commission: Decimal | None = None
    net_profit_loss: Decimal | None = None


def with_pydantic(paths: Sequence[Path]) -> list[Figures]:
    """A pydantic model a line, then the same loop as the standard-library reader."""
    return [figures_of(_pydantic_records(path)) for path in paths]


def _pydantic_records(path: Path) -> Iterator[Record]:
    with path.open("rb") as lines:
        for line in lines:
            raw = _Model.model_validate_json(line)
            is_open = raw.outcome == "open"
            yield Record(
                instant=raw.exit_timestamp or raw.timestamp,
                outcome=raw.outcome,
                pnl=raw.net_profit_loss or ZERO,
                commission=raw.commission or ZERO,
                slippage=raw.slippage or ZERO,
                hold_seconds=raw.hold_duration_seconds or ZERO,
                planned_ratio=ZERO
                if is_open
                else planned_ratio(raw.price, raw.stop_loss, raw.target),
                symbol=raw.symbol,
                strategy=raw.strategy_name or "",
                order_id=raw.order_id or "",
            )
