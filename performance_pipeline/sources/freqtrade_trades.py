"""What freqtrade knows of one trade, however it tells it, and the record that comes of it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from performance_pipeline.domain.numbers import EXACT, ZERO, plain
from performance_pipeline.domain.trades import Outcome
from performance_pipeline.sources.fields import exact, total
from performance_pipeline.sources.records import (
    Action,
    Fee,
    LeftOut,
    RecordError,
    TradeRecord,
)

NOT_ENTERED: Final = "not entered yet"


class Order(msgspec.Struct, frozen=True):
    """A filled order of a trade; numbers are texts, digits as written."""

    enters: bool
    amount: str
    """What it moved, less what a fee in the traded currency took of it."""
    price: str
    filled_at: datetime | None = None
    funding_fee: str | None = None

    @property
    def value(self) -> Decimal:
        """What it moved, at its price."""
        return EXACT.multiply(
            exact(self.amount, "orders.amount"), exact(self.price, "orders.price")
        )


class FreqtradeTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade; numbers are texts, digits as written, and None is what a version lacks."""

    identity: str
    """What tells it from all other trades, of this source and of others."""
    repeats: bool = False
    """Whether `identity` may come again within the source, for another trade."""
    pair: str
    is_open: bool
    is_short: bool
    amount: str
    open_rate: str
    opened_at: datetime
    close_rate: str | None = None
    closed_at: datetime | None = None
    profit: str | None = None
    """Net, in the quote currency."""
    profit_ratio: str | None = None
    """What it is of the stake; only JSON tells."""
    fee_open: str | None = None
    """A rate, as the next one."""
    fee_close: str | None = None
    fee_open_currency: str | None = None
    """That in which it was paid, where freqtrade has found out."""
    fee_close_currency: str | None = None
    funding_fees: str | None = None
    """Received, or paid where they are negative; part of `profit`."""
    open_trade_value: str | None = None
    """What it cost to enter, the fee included; of a short trade, what it brought."""
    quote: str = ""
    strategy: str | None = None
    enter_tag: str | None = None
    exit_reason: str | None = None
    stop_loss: str | None = None
    """The first one, before it trails; 0 where there was none."""
    trading_mode: str | None = None
    mode: str | None = None
    """LIVE or PAPER, where its orders tell."""
    orders: tuple[Order, ...] | None = None
    """Those that are filled, in order; None where the source tells of none."""
    awaits_entry: bool = False
    """Whether nothing of its entry is filled yet."""

    @property
    def entries(self) -> list[Order]:
        return [order for order in self.orders or () if order.enters]

    @property
    def exits(self) -> list[Order]:
        return [order for order in self.orders or () if not order.enters]

    @property
    def adjusted(self) -> bool:
        """Whether it was entered, or left, in more than one order."""
        return len(self.entries) > 1 or len(self.exits) > 1


def identity(pair: str, opened_at: datetime, name: str) -> str:
    """What tells a trade from all others: ids count from 1 in every database, so its opening too.

    In whole seconds, which all ways in which freqtrade tells of a trade have in common.
    """
    return f"{name}:{pair}:{opened_at:%Y-%m-%dT%H:%M:%SZ}"


def quote_of(pair: str, stake_currency: str | None = None) -> str:
    """The currency of the prices of `pair`: USDT of ETH/USDT, and of ETH/USDT:USDT."""
    return stake_currency or pair.partition("/")[2].partition(":")[0]


def mode_of(order_ids: Iterable[str]) -> str | None:
    """PAPER where the bot made an order up, else LIVE; None where there are no orders."""
    ids = [order_id for order_id in order_ids if order_id]
    if not ids:
        return None
    return "PAPER" if any(order_id.startswith("dry_run") for order_id in ids) else "LIVE"


def awaits_entry(filled: Iterable[Order] | None, entries_open: Iterable[bool]) -> bool:
    """Whether an entry order is open, and none is filled: freqtrade may still take it all back."""
    return any(entries_open) and not any(order.enters for order in filled or ())


def after_fee(filled: str, fee: str | None) -> str:
    """What an order moved, less a fee in what it moved."""
    if fee is None:
        return filled
    return plain(EXACT.subtract(exact(filled, "orders.filled"), exact(fee, "ft_fee_base")))


def record_of(trade: FreqtradeTrade) -> TradeRecord | LeftOut:
    """The record of a trade log that says what `trade` does; raises RecordError."""
    return _open_record(trade) if trade.is_open else _closed_record(trade)


def _closed_record(trade: FreqtradeTrade) -> TradeRecord:
    if trade.closed_at is None:
        raise RecordError("close_date", "missing in a closed trade")
    if trade.profit is None:
        raise RecordError("close_profit_abs", "missing in a closed trade")
    return TradeRecord(
        source_id=trade.identity,
        repeats=trade.repeats,
        order_id=trade.identity,
        timestamp=trade.opened_at,
        exit_timestamp=trade.closed_at,
        symbol=trade.pair,
        action=_action(trade),
        quantity=_entered(trade),
        price=trade.open_rate,
        outcome=_outcome(exact(trade.profit, "close_profit_abs")),
        net_profit_loss=trade.profit,
        exit_reasoning=trade.exit_reason,
        stop_loss=trade.stop_loss if exact(trade.stop_loss or "0", "stop_loss") else None,
        fees=tuple(_fees(trade)),
        quote=trade.quote,
        execution_mode=trade.mode,
        strategy_name=trade.strategy,
        entry_type=trade.enter_tag,
    )


def _open_record(trade: FreqtradeTrade) -> TradeRecord | LeftOut:
    """The trade as it stands: after another entry or a partial exit it is another record.

    That takes the place of the one before, which has the same order id. What freqtrade goes on
    changing all the while, such as a trailing stop, is not written: every look would find the
    record changed.
    """
    if trade.awaits_entry or not exact(trade.amount, "amount"):
        return LeftOut(NOT_ENTERED)
    filled = [order.filled_at for order in trade.orders or () if order.filled_at is not None]
    return TradeRecord(
        source_id=f"{trade.identity}:open:{trade.amount}@{trade.open_rate}",
        order_id=trade.identity,
        timestamp=max(filled) if len(filled) > 1 else trade.opened_at,
        symbol=trade.pair,
        action=_action(trade),
        quantity=trade.amount,
        price=trade.open_rate,
        quote=trade.quote,
        execution_mode=trade.mode,
        strategy_name=trade.strategy,
        entry_type=trade.enter_tag,
    )


def _action(trade: FreqtradeTrade) -> Action:
    return "SELL" if trade.is_short else "BUY"


def _outcome(profit: Decimal) -> Outcome:
    if not profit:
        return "breakeven"
    return "win" if profit > ZERO else "loss"


def _entered(trade: FreqtradeTrade) -> str:
    """All that was entered; of a trade in several orders, `amount` is what was left last."""
    if not trade.adjusted:
        return trade.amount
    return total([(order.amount, "orders.amount") for order in trade.entries])


def _fees(trade: FreqtradeTrade) -> Iterator[Fee]:
    """What entering and leaving cost, by the rates at which freqtrade's own profit takes it off.

    The costs that it keeps besides are of one order alone, and of the stake, which under leverage
    is a part of what was traded. Of a fee in another currency it knows only the rate, too.
    """
    adjusted = trade.adjusted
    for currency, rate, name, orders, price in (
        (trade.fee_open_currency, trade.fee_open, "fee_open", trade.entries, trade.open_rate),
        (trade.fee_close_currency, trade.fee_close, "fee_close", trade.exits, trade.close_rate),
    ):
        if currency and currency != trade.quote:
            yield Fee("0", currency)
        elif rate is not None and price is not None:
            moved = orders if adjusted else [Order(True, trade.amount, price)]
            value = ZERO
            for order in moved:
                value = EXACT.add(value, order.value)
            yield Fee(plain(EXACT.multiply(value, exact(rate, name))))


def utc_instant(text: str | None, field: str) -> datetime | None:
    """A time of freqtrade's, which is UTC, whether it says so or not; None for none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordError(field, "not a time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
