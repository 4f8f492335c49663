"""Realistic trade logs made from a seed, for demos, tests and benchmarks; no log is read here.

Everything is drawn as integers (cents, ten-thousandths of a share, milliseconds) from
`Random.random()`, the one method whose sequence Python promises to keep: the same seed gives the
same bytes on every machine and version, whatever the caller's decimal context.
"""

import os
from calendar import FRIDAY, MONDAY, SATURDAY
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

MAX_DAYS: Final = 36_600
_SECOND: Final = 1_000
_HOUR: Final = 3_600 * _SECOND
_DAY: Final = 24 * _HOUR
_OPEN: Final = 13 * _HOUR + _HOUR // 2
_CLOSE: Final = 20 * _HOUR
_LAST_INTRADAY_ENTRY: Final = _CLOSE - _HOUR // 3
_UNITS: Final = 10_000  # of a quantity
_TWO_DIGITS: Final = tuple(f"{number:02d}" for number in range(100))

# The cents around which each price wanders.
_SHARES: Final = {"AAPL": 225_00, "AMZN": 205_00, "BRK.B": 470_00, "MSFT": 430_00, "NVDA": 140_00}
_LEVELS: Final = {**_SHARES, "BTC/USD": 68_000_00, "ETH/USD": 2_900_00}
# (days between knots, swing in basis points): octaves of noise add up to something that looks
# like a random walk, yet the level of any one day costs the same however far away it is.
_OCTAVES: Final = ((256, 1_400), (64, 700), (16, 350), (4, 170), (1, 90))


class _Strategy(NamedTuple):
    name: str
    entry_type: str
    account_id: str
    wins: int  # per mille
    reward: int  # hundredths of the risk
    indicators: str  # a JSON list
    signal: str


_STRATEGIES: Final = (
    _Strategy("momentum", "breakout", "ACC-001", 550, 185, '["EMA_9","MACD"]', "broke its range"),
    _Strategy("vwap_reversion", "limit", "ACC-001", 635, 155, '["VWAP","RSI_14"]', "left VWAP far"),
    _Strategy("opening_range", "stop", "ACC-002", 570, 180, '["ATR_14"]', "left its first range"),
)
# What a weak, a fair and a strong month add to a strategy's wins and reward.
_TIDES: Final = ((-60, -27), (0, 0), (45, 20))


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Which logs to make: `days` calendar days ending with `end`, of which weekdays have a log."""

    end: date
    days: int = 90
    trades_per_day: int = 40
    seed: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MAX_DAYS:
            raise ValueError(f"days must be 1 to {MAX_DAYS}, not {self.days}")
        if self.trades_per_day < 0:
            raise ValueError(f"trades per day must be 0 or more, not {self.trades_per_day}")


class _Market(NamedTuple):
    """What one day offers every trade entered on it."""

    dates: tuple[str, ...]  # its own and those a position can be held until
    order_prefix: str
    levels: tuple[tuple[str, int], ...]
    wins_shift: int
    reward_shift: int


class _Plan(NamedTuple):
    """A position as entered; prices in cents, `side` is 1 for a long and -1 for a short."""

    symbol: str
    strategy: _Strategy
    side: int
    price: int
    risk: int
    reward: int
    quantity: int


_Lines = tuple[str, str]  # of the entry and of the close, up to the session's own fields


def sample_log(day: date, options: SampleOptions) -> bytes:
    """Return the whole log of one UTC day, empty when nothing trades.

    It depends on the day, the seed and the trades per day alone, never on the range asked for,
    so positions held overnight are found again by replaying the weekday before.
    """
    if day.weekday() >= SATURDAY:
        return b""
    carried = _overnight(day - timedelta(days=3 if day.weekday() == MONDAY else 1), options)
    intraday = _intraday(day, options, options.trades_per_day - len(carried))
    lines = [entry for entry, _ in intraday + _overnight(day, options)]
    lines += [close for _, close in carried + intraday]
    # Every line begins with a timestamp of one form, so the order of text is that of time.
    lines.sort()
    ending = f",{_session(day, options.seed)}}}\n"
    return ending.join([*lines, ""]).encode("ascii")


def write_sample_logs(
    folder: Path, options: SampleOptions, on_day: Callable[[date], None] | None = None
) -> list[Path]:
    """Write one log per weekday and return their paths; `on_day` hears of each one written.

    A log that is already there, archived or not, is a FileExistsError before anything is written.
    """
    days = [options.end - timedelta(days=ago) for ago in reversed(range(options.days))]
    logs = {day: folder / f"{day}.jsonl" for day in days if day.weekday() < SATURDAY}
    for path in logs.values():
        for taken in (path, path.with_name(f"{path.name}.gz")):
            if os.path.lexists(taken):
                raise FileExistsError(f"{taken} exists already; sample logs overwrite nothing")
    folder.mkdir(parents=True, exist_ok=True)
    for day, path in logs.items():
        _write_new(path, sample_log(day, options))
        if on_day is not None:
            on_day(day)
    return list(logs.values())


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as log:
        try:
            log.write(content)
            log.flush()
        except BaseException:
            # A log cut short would pass for a whole one.
            path.unlink()
            raise


def _dice(seed: int, *purpose: object) -> Random:
    return Random("/".join(map(str, ("sample-logs", seed, *purpose))))


def _draw(dice: Random, low: int, high: int) -> int:
    return low + int(dice.random() * (high - low + 1))


def _market(day: date, seed: int) -> _Market:
    # A week is good or bad as a whole, and months take turns at being weak, fair and strong:
    # any three months in a row hold targets that were breached and targets that were met.
    monday = day - timedelta(days=day.weekday())
    wins, reward = _TIDES[(monday.year * 12 + monday.month + seed) % len(_TIDES)]
    dice = _dice(seed, "week", monday)
    wins, reward = wins + _draw(dice, -50, 50), reward + _draw(dice, -15, 15)
    dates = tuple((day + timedelta(days=ahead)).isoformat() for ahead in range(4))
    return _Market(dates, f"ORD-{day:%Y%m%d}-", _levels(day, seed), wins, reward)


def _levels(day: date, seed: int) -> tuple[tuple[str, int], ...]:
    drifts = [0] * len(_LEVELS)
    for span, swing in _OCTAVES:
        knot, offset = divmod(day.toordinal(), span)
        before, after = _dice(seed, "level", span, knot), _dice(seed, "level", span, knot + 1)
        for place in range(len(drifts)):
            start, end = _draw(before, -swing, swing), _draw(after, -swing, swing)
            drifts[place] += start + (end - start) * offset // span
    return tuple(
        (symbol, level * (10_000 + drift) // 10_000)
        for (symbol, level), drift in zip(_LEVELS.items(), drifts, strict=True)
    )


def _intraday(day: date, options: SampleOptions, count: int) -> list[_Lines]:
    market, dice = _market(day, options.seed), _dice(options.seed, "intraday", day)
    entries = sorted(_draw(dice, _OPEN, _LAST_INTRADAY_ENTRY) for _ in range(count))
    positions = []
    for number, opened in enumerate(entries, start=1):
        held = _draw(dice, 45, min(9_000, (_CLOSE - opened) // _SECOND - 1))
        positions.append(_position(dice, market, number, opened, held))
    return positions


def _overnight(day: date, options: SampleOptions) -> list[_Lines]:
    usual = options.trades_per_day
    market, dice = _market(day, options.seed), _dice(options.seed, "overnight", day)
    next_open = _OPEN + (3 if day.weekday() == FRIDAY else 1) * _DAY
    positions = []
    # Numbered past any intraday order, whose count is known only after the day before.
    for number in range(usual + 1, usual + 1 + _draw(dice, 0, min(usual, 2 + usual // 25))):
        opened = _draw(dice, _LAST_INTRADAY_ENTRY, _CLOSE - _SECOND)
        held = (next_open - opened) // _SECOND + _draw(dice, 1, 5_400)
        positions.append(_position(dice, market, number, opened, held))
    return positions


def _position(dice: Random, market: _Market, number: int, opened: int, held: int) -> _Lines:
    # As text, for an encoder takes over half as long again, and no name of ours needs escaping.
    plan = _plan(dice, market)
    outcome, move, reason = _exit(dice, market, plan)
    notional = plan.price * plan.quantity
    profit = _rounded(move * plan.quantity, _UNITS)
    commission = max(100, _rounded(notional, 10_000 * _UNITS))
    slippage = _rounded(notional * _draw(dice, 0, 20), 100_000 * _UNITS)
    # A few fills are marked at once, at what the spread cost them; most say nothing yet.
    mark = f'"{_money(-slippage)}"' if _draw(dice, 1, 10) == 1 else "null"
    ended = _instant(market.dates, opened + held * _SECOND)
    terms = _terms(plan, f"{market.order_prefix}{number:05d}")
    return (
        f'{{"timestamp":"{_instant(market.dates, opened)}",{terms},'
        f'"outcome":"open","profit_loss":{mark},"hold_duration_seconds":null,'
        '"exit_timestamp":null,"exit_reasoning":null,'
        '"slippage":null,"commission":null,"net_profit_loss":null',
        f'{{"timestamp":"{ended}",{terms},'
        f'"outcome":"{outcome}","profit_loss":"{_money(profit)}","hold_duration_seconds":{held},'
        f'"exit_timestamp":"{ended}",'
        f'"exit_reasoning":"{reason} at {_money(plan.price + plan.side * move)}",'
        f'"slippage":"{_money(slippage)}","commission":"{_money(commission)}",'
        f'"net_profit_loss":"{_money(profit - commission)}"',
    )


def _plan(dice: Random, market: _Market) -> _Plan:
    symbol, level = market.levels[_draw(dice, 0, len(market.levels) - 1)]
    strategy = _STRATEGIES[_draw(dice, 0, len(_STRATEGIES) - 1)]
    side = -1 if _draw(dice, 1, 3) == 1 else 1
    price = level * _draw(dice, 9_900, 10_100) // 10_000
    risk = price * _draw(dice, 40, 120) // 10_000
    reward = risk * (strategy.reward + market.reward_shift + _draw(dice, -25, 25)) // 100
    quantity = _draw(dice, 70_00, 210_00) * _UNITS // risk
    if symbol in _SHARES:
        quantity -= quantity % _UNITS
    return _Plan(symbol, strategy, side, price, risk, reward, quantity)


def _exit(dice: Random, market: _Market, plan: _Plan) -> tuple[str, int, str]:
    """Return the outcome, the cents a share that the price moved our way, and the reason."""
    if _draw(dice, 1, 50) == 1:
        return "breakeven", 0, "Stop moved to entry was hit"
    if _draw(dice, 1, 1_000) <= plan.strategy.wins + market.wins_shift:
        if _draw(dice, 1, 7) == 1:
            return "win", plan.reward, "Target reached"
        return "win", plan.reward * _draw(dice, 10, 60) // 100, "Trailing stop locked in a gain"
    if _draw(dice, 1, 3) > 1:
        return "loss", -plan.risk, "Stop loss hit"
    return "loss", -(plan.risk * _draw(dice, 30, 99) // 100), "Signal faded before the stop"


def _terms(plan: _Plan, order_id: str) -> str:
    # A closing line keeps the entry's price, stop and target: the planned R:R is read from them.
    strategy, side = plan.strategy, plan.side
    ratio = _money(_rounded(plan.reward * 100, plan.risk))
    return (
        f'"symbol":"{plan.symbol}","action":"{"BUY" if side > 0 else "SELL"}",'
        f'"quantity":"{_quantity(plan.quantity)}","price":"{_money(plan.price)}",'
        f'"total_value":"{_money(_rounded(plan.price * plan.quantity, _UNITS))}",'
        f'"order_id":"{order_id}","execution_mode":"PAPER","account_id":"{strategy.account_id}",'
        f'"strategy_name":"{strategy.name}","entry_type":"{strategy.entry_type}",'
        f'"stop_loss":"{_money(plan.price - side * plan.risk)}",'
        f'"target":"{_money(plan.price + side * plan.reward)}",'
        f'"decision_reasoning":"{plan.symbol} {strategy.signal}, planned R:R {ratio}",'
        f'"indicators_used":{strategy.indicators},"risk_reward_ratio":"{ratio}"'
    )


def _session(day: date, seed: int) -> str:
    started, configured = _dice(seed, "session", day), _dice(seed, "config", day.year, day.month)
    return (
        f'"session_id":"session-{day:%Y%m%d}-{_draw(started, 0, 0xFFFFFF):06x}",'
        f'"bot_version":"1.4.2","config_hash":"{_draw(configured, 0, 0xFFFFFFFF):08x}"'
    )


def _instant(dates: tuple[str, ...], milliseconds: int) -> str:
    days, minutes = divmod(milliseconds // (60 * _SECOND), 24 * 60)
    clock = f"{_TWO_DIGITS[minutes // 60]}:{_TWO_DIGITS[minutes % 60]}"
    rest = f"{milliseconds % (60 * _SECOND):05d}"
    return f"{dates[days]}T{clock}:{rest[:2]}.{rest[2:]}Z"


def _rounded(numerator: int, denominator: int) -> int:
    """Divide exactly and round once, half to even, as Decimal.quantize does."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest + (quotient & 1) > denominator)


def _money(cents: int) -> str:
    if cents < 0:
        return f"-{_money(-cents)}"
    return f"{cents // 100}.{_TWO_DIGITS[cents % 100]}"


def _quantity(units: int) -> str:
    whole, fraction = divmod(units, _UNITS)
    return f"{whole}.{fraction:04d}".rstrip("0").rstrip(".") if fraction else str(whole)
