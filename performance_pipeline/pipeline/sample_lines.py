"""Sample trades as the lines of a log, up to the session's own fields, which a whole day shares.

As text, for an encoder takes over half as long again, and no name of ours needs escaping.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from performance_pipeline.pipeline.sample_trades import (
    SECOND,
    UNITS,
    Exit,
    Plan,
    Trade,
    dice_for,
    draw,
    rounded,
)

_TWO_DIGITS: Final = tuple(f"{number:02d}" for number in range(100))


def entry_and_close(day: date, trade: Trade) -> tuple[str, str]:
    """The `open` line of a trade that is opened on `day`, and the one that says what it earned."""
    plan = trade.plan
    profit = rounded(trade.move * plan.quantity, UNITS)
    mark = f'"{_money(-trade.slippage)}"' if trade.marked else "null"
    ended = _instant(day, trade.opened + trade.held * SECOND)
    terms = _terms(plan, _order(day, trade))
    return (
        f'{{"timestamp":"{_instant(day, trade.opened)}",{terms},'
        f'"outcome":"open","profit_loss":{mark},"hold_duration_seconds":null,'
        '"exit_timestamp":null,"exit_reasoning":null,'
        '"slippage":null,"commission":null,"net_profit_loss":null',
        f'{{"timestamp":"{ended}",{terms},'
        f'"outcome":"{trade.outcome}","profit_loss":"{_money(profit)}",'
        f'"hold_duration_seconds":{trade.held},'
        f'"exit_timestamp":"{ended}",'
        f'"exit_reasoning":"{trade.reason} at {_money(plan.price + plan.side * trade.move)}",'
        f'"slippage":"{_money(trade.slippage)}","commission":"{_money(trade.commission)}",'
        f'"net_profit_loss":"{_money(profit - trade.commission)}"',
    )


def fills(day: date, trade: Trade, exits: list[Exit]) -> Iterator[str]:
    """The buy of a trade that is opened on `day`, and the sell of each part; all are long.

    Every fill is an order of its own and says only what it paid.
    """
    plan, order = trade.plan._replace(side=1), _order(day, trade)
    commission, slippage = trade.commission // 2, trade.slippage // 2
    yield (
        f'{{"timestamp":"{_instant(day, trade.opened)}",{_terms(plan, order)},'
        f"{_paid(commission, slippage)}"
    )
    commission, slippage = trade.commission - commission, trade.slippage - slippage
    left = plan.quantity
    for number, part in enumerate(exits, start=1):
        fee, slip = commission * part.quantity // left, slippage * part.quantity // left
        commission, slippage, left = commission - fee, slippage - slip, left - part.quantity
        price = plan.price + part.move
        yield (
            f'{{"timestamp":"{_instant(day, part.at)}",'
            f"{_traded(plan.symbol, 'SELL', part.quantity, price)},"
            f'"order_id":"{order}-X{number}",{_origin(plan, "exit")},'
            f'"stop_loss":null,"target":null,'
            f'"decision_reasoning":"{part.reason} at {_money(price)}",'
            f'"indicators_used":[],"risk_reward_ratio":null,{_paid(fee, slip)}'
        )


def _order(day: date, trade: Trade) -> str:
    return f"ORD-{day:%Y%m%d}-{trade.number:05d}"


def _terms(plan: Plan, order_id: str) -> str:
    # A closing line keeps the entry's price, stop and target: the planned R:R is read from them.
    strategy, side = plan.strategy, plan.side
    ratio = _money(rounded(plan.reward * 100, plan.risk))
    return (
        f"{_traded(plan.symbol, 'BUY' if side > 0 else 'SELL', plan.quantity, plan.price)},"
        f'"order_id":"{order_id}",{_origin(plan, strategy.entry_type)},'
        f'"stop_loss":"{_money(plan.price - side * plan.risk)}",'
        f'"target":"{_money(plan.price + side * plan.reward)}",'
        f'"decision_reasoning":"{plan.symbol} {strategy.signal}, planned R:R {ratio}",'
        f'"indicators_used":{strategy.indicators},"risk_reward_ratio":"{ratio}"'
    )


def _traded(symbol: str, action: str, quantity: int, price: int) -> str:
    return (
        f'"symbol":"{symbol}","action":"{action}",'
        f'"quantity":"{_quantity(quantity)}","price":"{_money(price)}",'
        f'"total_value":"{_money(rounded(price * quantity, UNITS))}"'
    )


def _origin(plan: Plan, entry_type: str) -> str:
    return (
        f'"execution_mode":"PAPER","account_id":"{plan.strategy.account_id}",'
        f'"strategy_name":"{plan.strategy.name}","entry_type":"{entry_type}"'
    )


def _paid(commission: int, slippage: int) -> str:
    return (
        '"outcome":"open","profit_loss":null,"hold_duration_seconds":null,'
        '"exit_timestamp":null,"exit_reasoning":null,'
        f'"slippage":"{_money(slippage)}","commission":"{_money(commission)}",'
        '"net_profit_loss":null'
    )


def session(day: date, seed: int) -> str:
    """The fields that every line of `day` ends with."""
    started, configured = (
        dice_for(seed, "session", day),
        dice_for(seed, "config", day.year, day.month),
    )
    return (
        f'"session_id":"session-{day:%Y%m%d}-{draw(started, 0, 0xFFFFFF):06x}",'
        f'"bot_version":"1.4.2","config_hash":"{draw(configured, 0, 0xFFFFFFFF):08x}"'
    )


def _instant(day: date, milliseconds: int) -> str:
    days, minutes = divmod(milliseconds // (60 * SECOND), 24 * 60)
    clock = f"{_TWO_DIGITS[minutes // 60]}:{_TWO_DIGITS[minutes % 60]}"
    rest = f"{milliseconds % (60 * SECOND):05d}"
    on = day + timedelta(days=days) if days else day
    return f"{on}T{clock}:{rest[:2]}.{rest[2:]}Z"


def _money(cents: int) -> str:
    if cents < 0:
        return f"-{_money(-cents)}"
    return f"{cents // 100}.{_TWO_DIGITS[cents % 100]}"


def _quantity(units: int) -> str:
    whole, fraction = divmod(units, UNITS)
    return f"{whole}.{fraction:04d}".rstrip("0").rstrip(".") if fraction else str(whole)
