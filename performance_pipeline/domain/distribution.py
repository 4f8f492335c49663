"""When trades close and how large they are, as counts and sums that merge exactly.

Only a report looks at this; no published metric rests on it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_DOWN, Context, Decimal
from itertools import chain
from typing import Final, Self
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.numbers import ZERO, plain
from performance_pipeline.domain.trade_stats import Bucket, by_key
from performance_pipeline.domain.trades import Trade

# Keeps the first digit of a number and its place, which is all that its bin depends on.
_FIRST_DIGIT: Final = Context(prec=1, rounding=ROUND_DOWN, Emin=-9999, Emax=9999, traps=[])
_FIRST_DIGITS: Final = (1, 2, 5)
_HOUR: Final = timedelta(hours=1)


class Distribution(msgspec.Struct, frozen=True):
    """Closed trades by the hour of their close, and by the size of their P&L.

    `by_hour` is keyed by the hour on the clock of the trading zone, 0 to 23. `by_size` counts
    trades in bins of 1, 2 and 5 a decade on both sides of 0, keyed by the bound nearer to 0, in
    plain notation: `-20` holds those from -20 to above -50, `0` just those of exactly 0.
    """

    by_hour: Mapping[int, Bucket] = {}
    by_size: Mapping[str, int] = {}

    @classmethod
    def of(cls, trades: Sequence[Trade], zone: ZoneInfo) -> Self:
        """The distribution of closed `trades`, given in time order, in an exact context."""
        pnls = [trade.pnl for trade in trades if trade.pnl is not None]
        outcomes = [trade.outcome for trade in trades]
        hours: list[tuple[int, Bucket]] = []
        for hour, begin, end in _hours(trades, zone):
            named = outcomes[begin:end]
            pnl = sum(pnls[begin:end], ZERO)
            bucket = Bucket(len(named), named.count("win"), named.count("loss"), pnl)
            hours.append((hour, bucket))
        digits = Counter(map(str, map(_FIRST_DIGIT.plus, pnls)))
        sizes = ((_bin(Decimal(digit)), count) for digit, count in digits.items())
        return cls(by_key(hours), _summed_sizes(sizes))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The distribution of all the trades of `parts`."""
        return cls(
            by_key(chain.from_iterable(part.by_hour.items() for part in parts)),
            _summed_sizes(chain.from_iterable(part.by_size.items() for part in parts)),
        )


def size_step(key: str) -> int:
    """The number of the bin `key`, sign aside: `1` is 0, `2` 1, `5` 2, `10` 3, and `0.5` is -1.

    The bin `0` has none.
    """
    near = Decimal(key)
    return 3 * near.adjusted() + _FIRST_DIGITS.index(near.as_tuple().digits[0])


def step_start(step: int) -> Decimal:
    """The bound nearer to 0 of the bins numbered `step`; the next step's is their other bound."""
    return Decimal(_FIRST_DIGITS[step % 3]).scaleb(step // 3)


def _bin(value: Decimal) -> str:
    """The key of the bin that holds `value`, which has one digit."""
    if not value:
        return "0"
    digit = value.as_tuple().digits[0]
    start = max(first for first in _FIRST_DIGITS if first <= digit)
    return plain(Decimal(start).scaleb(value.adjusted()).copy_sign(value))


def _hours(trades: Sequence[Trade], zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """The stretches of `trades` that closed in one hour: that hour, first position, end.

    An hour that repeats, where clocks go back, is two stretches. Where clocks go forward, the hours
    they skip have none.
    """
    begin = 0
    while begin < len(trades):
        instant = trades[begin].instant
        local = instant.astimezone(zone)
        passed = timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        over = instant - passed + _HOUR
        end = bisect_left(trades, over, lo=begin, key=lambda trade: trade.instant)
        yield local.hour, begin, end
        begin = end


def _summed_sizes(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for key, count in sizes:
        totals[key] += count
    return dict(sorted(totals.items(), key=lambda item: Decimal(item[0])))
