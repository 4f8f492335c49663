"""The profit of a freqtrade trade counted again, from its prices, amounts and fee rates."""

import decimal
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.sources.fields import exact
from performance_pipeline.sources.freqtrade_trades import FreqtradeTrade

_ONE: Final = Decimal(1)
# Of the average price of several entries; freqtrade keeps 18 digits of it.
_AVERAGE: Final = decimal.Context(60)
_SHOWN: Final = Decimal("1e-12")
_ROUND: Final = decimal.Context(200)


class Recount(NamedTuple):
    """The net profit that a trade's own terms come to, in the quote currency."""

    profit: Decimal
    """To 12 decimals, four more than freqtrade rounds to."""
    roundings: int
    """How often freqtrade rounds on the way to its own."""
    turnover: Decimal
    """What was moved in and out: its doubles may miss by a tiny part of it."""


def recounts(trade: FreqtradeTrade) -> Iterator[Recount]:
    """The profit of a closed trade by its rates, and by its orders, where it tells enough.

    In an exact context. Of a margin trade there is none: what interest it paid nothing states.
    Raises RecordError.
    """
    if (trade.trading_mode or "").upper() == "MARGIN":
        return
    if len(trade.exits) <= 1 and None not in (trade.close_rate, trade.open_trade_value):
        yield _by_rates(trade)
    if trade.entries and trade.exits:
        yield _by_orders(trade)


def _side(trade: FreqtradeTrade) -> Decimal:
    return -_ONE if trade.is_short else _ONE


def _by_rates(trade: FreqtradeTrade) -> Recount:
    """amount x close_rate x (1 - fee_close) - open_trade_value, the other way round when short."""
    side = _side(trade)
    amount, rate = exact(trade.amount, "amount"), exact(trade.close_rate or "", "close_rate")
    fee = exact(trade.fee_close or "0", "fee_close")
    entered = exact(trade.open_trade_value or "", "open_trade_value")
    left = amount * rate * (_ONE - side * fee)
    futures = (trade.trading_mode or "").upper() == "FUTURES"
    funding = exact(trade.funding_fees or "0", "funding_fees") if futures else ZERO
    return Recount(_rounded(side * (left - entered) + funding), 1, abs(left) + abs(entered))


def _by_orders(trade: FreqtradeTrade) -> Recount:
    """Each exit, less its fee, against the average price of what was held, with that of entering.

    What was received or paid for funding since the exit before counts with it.
    """
    side = _side(trade)
    fee_open = exact(trade.fee_open or "0", "fee_open")
    fee_close = exact(trade.fee_close or "0", "fee_close")
    held = stake = funding = profit = turnover = ZERO
    for order in trade.orders or ():
        moved = exact(order.amount, "orders.amount")
        funding += exact(order.funding_fee or "0", "orders.funding_fee")
        value = moved * exact(order.price, "orders.price")
        turnover += value
        if order.enters:
            held, stake = held + moved, stake + value
        elif held:
            share = _AVERAGE.divide(stake, held) * moved
            left = value * (_ONE - side * fee_close)
            profit += side * (left - share * (_ONE + side * fee_open)) + funding
            held, stake, funding = held - moved, stake - share, ZERO
    return Recount(_rounded(profit), len(trade.exits), turnover)


def _rounded(profit: Decimal) -> Decimal:
    return profit.quantize(_SHOWN, rounding=decimal.ROUND_HALF_EVEN, context=_ROUND)
