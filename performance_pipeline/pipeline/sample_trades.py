"""The seeded market behind sample logs: who trades what, when and how it ends; nothing is written.

Everything is drawn as integers (cents, ten-thousandths of a share, milliseconds) from
`Random.random()`, the one method whose sequence Python promises to keep: the same seed gives the
same trades on every machine and version, whatever the caller's decimal context.
"""

from calendar import FRIDAY, MONDAY
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

SECOND: Final = 1_000
_HOUR: Final = 3_600 * SECOND
DAY_LENGTH: Final = 24 * _HOUR
_OPEN: Final = 13 * _HOUR + _HOUR // 2
_CLOSE: Final = 20 * _HOUR
_LAST_INTRADAY_ENTRY: Final = _CLOSE - _HOUR // 3
UNITS: Final = 10_000  # of a quantity

# The cents around which each price wanders.
_SHARES: Final = {"AAPL": 225_00, "AMZN": 205_00, "BRK.B": 470_00, "MSFT": 430_00, "NVDA": 140_00}
_LEVELS: Final = {**_SHARES, "BTC/USD": 68_000_00, "ETH/USD": 2_900_00}
# (days between knots, swing in basis points): octaves of noise add up to something that looks
# like a random walk, yet the level of any one day costs the same however far away it is.
_OCTAVES: Final = ((256, 1_400), (64, 700), (16, 350), (4, 170), (1, 90))


class Strategy(NamedTuple):
    name: str
    entry_type: str
    account_id: str
    wins: int  # per mille
    reward: int  # hundredths of the risk
    indicators: str  # a JSON list
    signal: str


_STRATEGIES: Final = (
    Strategy("momentum", "breakout", "ACC-001", 550, 185, '["EMA_9","MACD"]', "broke its range"),
    Strategy("vwap_reversion", "limit", "ACC-001", 635, 155, '["VWAP","RSI_14"]', "left VWAP far"),
    Strategy("opening_range", "stop", "ACC-002", 570, 180, '["ATR_14"]', "left its first range"),
)
# What a weak, a fair and a strong month add to a strategy's wins and reward.
_TIDES: Final = ((-60, -27), (0, 0), (45, 20))


class _Market(NamedTuple):
    """What one day offers every trade entered on it."""

    levels: tuple[tuple[str, int], ...]
    wins_shift: int
    reward_shift: int


class Plan(NamedTuple):
    """A position as entered; prices in cents, `side` is 1 for a long and -1 for a short."""

    symbol: str
    strategy: Strategy
    side: int
    price: int
    risk: int
    reward: int
    quantity: int


class Trade(NamedTuple):
    """A position from entry to close; amounts in cents, `opened` in milliseconds of its day."""

    number: int
    """Of the order, within the day."""
    plan: Plan
    outcome: str
    move: int
    """The cents a share that the price moved our way."""
    reason: str
    slippage: int
    marked: bool
    opened: int
    held: int
    """Seconds."""

    @property
    def held_overnight(self) -> bool:
        return self.opened + self.held * SECOND > DAY_LENGTH

    @property
    def notional(self) -> int:
        """Cents times ten-thousandths of a share."""
        return self.plan.price * self.plan.quantity

    @property
    def commission(self) -> int:
        return max(100, rounded(self.notional, 10_000 * UNITS))


class Exit(NamedTuple):
    """A part of a position that is sold."""

    quantity: int
    at: int
    """Milliseconds since the day of the entry began."""
    move: int
    reason: str


def dice_for(seed: int, *purpose: object) -> Random:
    """Rolls that nothing but the seed and the purpose decides."""
    return Random("/".join(map(str, ("sample-logs", seed, *purpose))))


def draw(dice: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    return low + int(dice.random() * (high - low + 1))


def _market(day: date, seed: int) -> _Market:
    # A week is good or bad as a whole, and months take turns at being weak, fair and strong:
    # any three months in a row hold targets that were breached and targets that were met.
    monday = day - timedelta(days=day.weekday())
    wins, reward = _TIDES[(monday.year * 12 + monday.month + seed) % len(_TIDES)]
    dice = dice_for(seed, "week", monday)
    wins, reward = wins + draw(dice, -50, 50), reward + draw(dice, -15, 15)
    return _Market(_levels(day, seed), wins, reward)


def _levels(day: date, seed: int) -> tuple[tuple[str, int], ...]:
    drifts = [0] * len(_LEVELS)
    for span, swing in _OCTAVES:
        knot, offset = divmod(day.toordinal(), span)
        before, after = dice_for(seed, "level", span, knot), dice_for(seed, "level", span, knot + 1)
        for place in range(len(drifts)):
            start, end = draw(before, -swing, swing), draw(after, -swing, swing)
            drifts[place] += start + (end - start) * offset // span
    return tuple(
        (symbol, level * (10_000 + drift) // 10_000)
        for (symbol, level), drift in zip(_LEVELS.items(), drifts, strict=True)
    )


def intraday(day: date, seed: int, count: int) -> list[Trade]:
    """The trades that are opened and closed on `day`."""
    market, dice = _market(day, seed), dice_for(seed, "intraday", day)
    entries = sorted(draw(dice, _OPEN, _LAST_INTRADAY_ENTRY) for _ in range(count))
    trades = []
    for number, opened in enumerate(entries, start=1):
        held = draw(dice, 45, min(9_000, (_CLOSE - opened) // SECOND - 1))
        trades.append(_trade(dice, market, number, opened, held))
    return trades


def overnight(day: date, seed: int, usual: int) -> list[Trade]:
    """The trades that are opened on `day`, of `usual` ones, and closed on the next weekday."""
    market, dice = _market(day, seed), dice_for(seed, "overnight", day)
    next_open = _OPEN + days_ahead(day) * DAY_LENGTH
    trades = []
    # Numbered past any intraday order, whose count is known only after the day before.
    for number in range(usual + 1, usual + 1 + draw(dice, 0, min(usual, 2 + usual // 25))):
        opened = draw(dice, _LAST_INTRADAY_ENTRY, _CLOSE - SECOND)
        held = (next_open - opened) // SECOND + draw(dice, 1, 5_400)
        trades.append(_trade(dice, market, number, opened, held))
    return trades


def days_ahead(day: date) -> int:
    """From a weekday to the next one."""
    return 3 if day.weekday() == FRIDAY else 1


def weekday_before(day: date) -> date:
    return day - timedelta(days=3 if day.weekday() == MONDAY else 1)


def exits(day: date, seed: int, trade: Trade) -> list[Exit]:
    """How a trade of `day` is got out of, fill by fill: at its end, or some of it apart.

    Of a position held overnight the rest may stay until the weekday after the next.
    """
    whole, end = trade.plan.quantity, trade.opened + trade.held * SECOND
    half = whole // 2 - (whole // 2 % UNITS if trade.plan.symbol in _SHARES else 0)
    dice = dice_for(seed, "exits", day, trade.number)
    if not half or draw(dice, 1, 2 if trade.held_overnight else 10) > 1:
        return [Exit(whole, end, trade.move, trade.reason)]
    first, last = trade.opened + trade.held * SECOND // 2, end
    if trade.held_overnight:
        first, last = end, end + days_ahead(day + timedelta(days=days_ahead(day))) * DAY_LENGTH
    return [
        Exit(half, first, trade.move // 2, "Half taken off"),
        Exit(whole - half, last, trade.move, trade.reason),
    ]


def _trade(dice: Random, market: _Market, number: int, opened: int, held: int) -> Trade:
    plan = _plan(dice, market)
    outcome, move, reason = _exit(dice, market, plan)
    notional = plan.price * plan.quantity
    slippage = rounded(notional * draw(dice, 0, 20), 100_000 * UNITS)
    # A few fills are marked at once, at what the spread cost them; most say nothing yet.
    marked = draw(dice, 1, 10) == 1
    return Trade(number, plan, outcome, move, reason, slippage, marked, opened, held)


def _plan(dice: Random, market: _Market) -> Plan:
    symbol, level = market.levels[draw(dice, 0, len(market.levels) - 1)]
    strategy = _STRATEGIES[draw(dice, 0, len(_STRATEGIES) - 1)]
    side = -1 if draw(dice, 1, 3) == 1 else 1
    price = level * draw(dice, 9_900, 10_100) // 10_000
    risk = price * draw(dice, 40, 120) // 10_000
    reward = risk * (strategy.reward + market.reward_shift + draw(dice, -25, 25)) // 100
    quantity = draw(dice, 70_00, 210_00) * UNITS // risk
    if symbol in _SHARES:
        quantity -= quantity % UNITS
    return Plan(symbol, strategy, side, price, risk, reward, quantity)


def _exit(dice: Random, market: _Market, plan: Plan) -> tuple[str, int, str]:
    """Return the outcome, the cents a share that the price moved our way, and the reason."""
    if draw(dice, 1, 50) == 1:
        return "breakeven", 0, "Stop moved to entry was hit"
    if draw(dice, 1, 1_000) <= plan.strategy.wins + market.wins_shift:
        if draw(dice, 1, 7) == 1:
            return "win", plan.reward, "Target reached"
        return "win", plan.reward * draw(dice, 10, 60) // 100, "Trailing stop locked in a gain"
    if draw(dice, 1, 3) > 1:
        return "loss", -plan.risk, "Stop loss hit"
    return "loss", -(plan.risk * draw(dice, 30, 99) // 100), "Signal faded before the stop"


def rounded(numerator: int, denominator: int) -> int:
    """Divide exactly and round once, half to even, as Decimal.quantize does."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest + (quotient & 1) > denominator)
