"""One of freqtrade's trades in JSON.

Keys came and went over the years (2021.1 to 2026.9): what a version lacks is taken as absent, or
by its older name.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from performance_pipeline.sources.fields import (
    ABSENT,
    Raw,
    exact,
    instant_of_milliseconds,
    needed,
    number,
    optional_number,
)
from performance_pipeline.sources.freqtrade_trades import (
    FreqtradeTrade,
    Order,
    after_fee,
    awaits_entry,
    identity,
    mode_of,
    quote_of,
    utc_instant,
)
from performance_pipeline.sources.json_records import decoder
from performance_pipeline.sources.records import RecordError


class JsonTrade(NamedTuple):
    """A trade as its bytes, and the strategy that a backtest made it with."""

    content: Raw
    strategy: str | None


class _Order(msgspec.Struct):
    ft_order_side: str
    amount: Raw = ABSENT
    filled: Raw = ABSENT
    safe_price: Raw = ABSENT
    average: Raw = ABSENT
    price: Raw = ABSENT
    is_open: bool = False
    order_id: str | None = None
    order_filled_timestamp: Raw = ABSENT
    ft_fee_base: Raw = ABSENT
    funding_fee: Raw = ABSENT


class _Trade(msgspec.Struct):
    pair: str
    amount: Raw = ABSENT
    open_rate: Raw = ABSENT
    close_rate: Raw = ABSENT
    trade_id: int | None = None
    is_open: bool = False
    is_short: bool | None = None
    strategy: str | None = None
    open_date: str | None = None
    open_timestamp: Raw = ABSENT
    close_date: str | None = None
    close_timestamp: Raw = ABSENT
    close_profit_abs: Raw = ABSENT
    profit_abs: Raw = ABSENT
    profit_ratio: Raw = ABSENT
    profit_percent: Raw = ABSENT
    fee_open: Raw = ABSENT
    open_fee: Raw = ABSENT
    fee_close: Raw = ABSENT
    close_fee: Raw = ABSENT
    fee_open_currency: str | None = None
    fee_close_currency: str | None = None
    funding_fees: Raw = ABSENT
    open_trade_value: Raw = ABSENT
    quote_currency: str | None = None
    enter_tag: str | None = None
    buy_tag: str | None = None
    exit_reason: str | None = None
    sell_reason: str | None = None
    initial_stop_loss_abs: Raw = ABSENT
    trading_mode: str | None = None
    orders: list[_Order] | None = None


_read: Final = decoder(_Trade)


def trade_of_json(record: JsonTrade) -> FreqtradeTrade:
    """The trade that a JSON object tells of; raises RecordError.

    A backtest ends with every trade closed, also those it marks as open at its end.
    """
    trade = _read(record.content)
    pair = needed(trade.pair, "pair")
    opened_at = _instant(trade.open_timestamp, trade.open_date, "open_date")
    if opened_at is None:
        raise RecordError("open_date", "missing")
    backtest = record.strategy is not None
    is_short = bool(trade.is_short)
    name = f"{record.strategy}:{'short' if is_short else 'long'}" if backtest else trade.trade_id
    if name is None:
        raise RecordError("trade_id", "missing")
    orders = None if not trade.orders else tuple(_filled(trade.orders, is_short, backtest))
    exit_reason = trade.exit_reason or trade.sell_reason
    return FreqtradeTrade(
        identity=identity(pair, opened_at, str(name)),
        repeats=backtest,
        pair=pair,
        is_open=trade.is_open and not backtest,
        is_short=is_short,
        awaits_entry=awaits_entry(
            orders,
            (
                order.is_open and order.ft_order_side == _entry_side(is_short)
                for order in trade.orders or ()
            ),
        ),
        amount=number(trade.amount, "amount"),
        open_rate=number(trade.open_rate, "open_rate"),
        opened_at=opened_at,
        close_rate=optional_number(trade.close_rate, "close_rate"),
        closed_at=_instant(trade.close_timestamp, trade.close_date, "close_date"),
        profit=_first(trade, "close_profit_abs", "profit_abs"),
        profit_ratio=_first(trade, "profit_ratio", "profit_percent"),
        fee_open=_first(trade, "fee_open", "open_fee"),
        fee_close=_first(trade, "fee_close", "close_fee"),
        fee_open_currency=trade.fee_open_currency,
        fee_close_currency=trade.fee_close_currency,
        funding_fees=optional_number(trade.funding_fees, "funding_fees"),
        open_trade_value=optional_number(trade.open_trade_value, "open_trade_value"),
        quote=quote_of(pair, trade.quote_currency),
        strategy=record.strategy or trade.strategy,
        enter_tag=trade.enter_tag or trade.buy_tag,
        # The first versions wrote the name of their enumeration with it.
        exit_reason=exit_reason and exit_reason.removeprefix("SellType.").lower(),
        stop_loss=optional_number(trade.initial_stop_loss_abs, "initial_stop_loss_abs"),
        trading_mode=trade.trading_mode,
        mode="PAPER" if backtest else mode_of(order.order_id or "" for order in trade.orders or ()),
        orders=orders,
    )


def _first(trade: _Trade, *names: str) -> str | None:
    """The number in the first of these fields that holds one."""
    return next(
        (found for name in names if (found := optional_number(getattr(trade, name), name))), None
    )


def _entry_side(is_short: bool) -> str:
    return "sell" if is_short else "buy"


def _filled(orders: Sequence[_Order], is_short: bool, backtest: bool) -> Iterator[Order]:
    """A backtest tells only when an order was filled, and then all of it."""
    for order in orders:
        filled_at = _instant(order.order_filled_timestamp, None, "orders.order_filled_timestamp")
        moved = order.amount if backtest and filled_at is not None else order.filled
        amount = optional_number(moved, "orders.filled")
        if order.is_open or amount is None or not exact(amount, "orders.filled"):
            continue
        prices = (
            optional_number(price, "orders.price")
            for price in (order.safe_price, order.average, order.price)
        )
        yield Order(
            enters=order.ft_order_side == _entry_side(is_short),
            amount=after_fee(amount, optional_number(order.ft_fee_base, "orders.ft_fee_base")),
            price=number(next(filter(None, prices), None), "orders.price"),
            filled_at=filled_at,
            funding_fee=optional_number(order.funding_fee, "orders.funding_fee"),
        )


def _instant(milliseconds: Raw, text: str | None, field: str) -> datetime | None:
    written = optional_number(milliseconds, field)
    return utc_instant(text, field) if written is None else instant_of_milliseconds(written, field)
