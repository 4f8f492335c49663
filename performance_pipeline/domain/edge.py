"""Whether the win rate has really fallen: a statistic over the stream of decided trades.

Shiryaev and Roberts' procedure: for each rate q that the win rate p may have fallen to, R starts at
0, a win makes it (1 + R) q/p, a loss (1 + R) (1 - q)/(1 - p). The statistic is the mean of these R,
and an alarm at `alarm_at` or above: while p holds, the mean of R - n over n trades is 0, so that on
average at least `alarm_at` trades go by before a false alarm, however often it is looked at.

Trades in a row take each R to `offset + factor R`, so stretches of trades combine. All that has to
be kept of a day is which of its decided trades won; p may be asked later, and changed.

No float is used, and how a stream is cut into days does not show. Numbers have 60 digits, and all
are positive, so nothing cancels: each step adds at most 1e-59 to the relative error, and a million
million trades come to less than 1e-46. It is rounded to 40 digits first, and then to the 6 that are
published: two ways of cutting could differ only where the true mean lay within 1e-40 of the middle
between two roundings without being it. Exponents have 18 digits, which no stream overflows.
"""

import decimal
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, reduce
from operator import add, mul
from typing import Final, NamedTuple, Self

from performance_pipeline.domain.numbers import MAX_DIGITS, ZERO, canonical

SHARES: Final = tuple(Decimal(tenths).scaleb(-1) for tenths in (5, 6, 7, 8, 9))
"""What each q is of p: the falls that are looked for."""

PUBLISHED_DIGITS: Final = 6
MOST: Final = Decimal(1).scaleb(MAX_DIGITS)
"""A statistic above it is told as this: some thousand losses in a row lead there."""

_TRAPS: Final = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
_EXACT_ENOUGH: Final = decimal.Context(
    60, decimal.ROUND_HALF_EVEN, decimal.MIN_EMIN, decimal.MAX_EMAX, traps=_TRAPS
)
_SNAPPED: Final = decimal.Context(40, decimal.ROUND_HALF_EVEN)
_PUBLISHED: Final = decimal.Context(PUBLISHED_DIGITS, decimal.ROUND_HALF_EVEN)
_ZEROS: Final = tuple(ZERO for _ in SHARES)
_ONES: Final = tuple(Decimal(1) for _ in SHARES)
# The maps of so few trades are looked up, not computed: at most 510 a rate.
_CHUNK: Final = 8


class Steps(NamedTuple):
    """What one decided trade multiplies each 1 + R by, in the order of `SHARES`."""

    win: tuple[Decimal, ...]
    """q/p."""
    loss: tuple[Decimal, ...]
    """(1 - q)/(1 - p)."""


class EdgeMaps(NamedTuple):
    """What a stretch of trades does to each R: it becomes `offset + factor R`.

    As R starts at 0, the offsets of all trades from the first one on are the R themselves.
    """

    offsets: tuple[Decimal, ...] = _ZEROS
    factors: tuple[Decimal, ...] = _ONES

    @classmethod
    def of(cls, decided: bytes, win_rate: Decimal) -> Self:
        """The maps of `decided` trades, as `pack` keeps them, watched at `win_rate`, in (0, 1)."""
        outcomes = unpack(decided)
        chunks = range(0, len(outcomes), _CHUNK)
        return cls.joined(_of_few(outcomes[at : at + _CHUNK], win_rate) for at in chunks)

    @classmethod
    def joined(cls, stretches: Iterable["EdgeMaps"]) -> Self:
        """The maps of consecutive stretches of trades, given in order; associative."""
        with decimal.localcontext(_EXACT_ENOUGH):
            return cls(*reduce(_then, stretches, EdgeMaps()))

    def then(self, later: "EdgeMaps") -> Self:
        """The maps of these trades followed by `later`."""
        with decimal.localcontext(_EXACT_ENOUGH):
            return type(self)(*_then(self, later))

    @property
    def statistic(self) -> Decimal:
        """The mean of the R, if these are all trades there are: to 6 significant digits."""
        with decimal.localcontext(_EXACT_ENOUGH):
            mean = sum(self.offsets, ZERO) / len(self.offsets)
        return canonical(_PUBLISHED.plus(_SNAPPED.plus(min(mean, MOST))))


def likeliest_fall(outcomes: str, win_rate: Decimal) -> int:
    """How many of the last `outcomes`, as `unpack` gives them, most likely came after the fall.

    Those that speak most for a fall to one of the q, each as likely as the other: the largest mean,
    over the q, of the product of their steps. 0 when none do.
    """
    by_outcome = dict(zip("10", steps(win_rate), strict=True))
    most, found = Decimal(len(SHARES)), 0
    with decimal.localcontext(_EXACT_ENOUGH):
        products = _ONES
        for count, outcome in enumerate(reversed(outcomes), start=1):
            products = tuple(map(mul, products, by_outcome[outcome]))
            if (speaking := sum(products, ZERO)) > most:
                most, found = speaking, count
    return found


@lru_cache(maxsize=16)
def steps(win_rate: Decimal) -> Steps:
    """The steps of the stream that is watched at `win_rate`, above 0 and below 1."""
    with decimal.localcontext(_EXACT_ENOUGH):
        losses = tuple((1 - share * win_rate) / (1 - win_rate) for share in SHARES)
    return Steps(SHARES, losses)


def pack(won: Iterable[bool]) -> bytes:
    """Whether each decided trade won, in order: one bit a trade, behind a 1 that marks the start.

    Breakevens decide nothing and are left out.
    """
    return _packed("".join("1" if win else "0" for win in won))


def unpack(decided: bytes) -> str:
    """What `pack` kept: a `1` for each win and a `0` for each loss, in order."""
    return f"{int.from_bytes(decided):b}"[1:]


def join_packed(stretches: Sequence[bytes]) -> bytes:
    """The decided trades of consecutive stretches, given in order."""
    return _packed("".join(map(unpack, stretches)))


def _packed(outcomes: str) -> bytes:
    number = int("1" + outcomes, 2)
    return number.to_bytes((number.bit_length() + 7) // 8)


NOTHING_DECIDED: Final = pack(())


def _then(earlier: EdgeMaps, later: EdgeMaps) -> EdgeMaps:
    moved = map(mul, later.factors, earlier.offsets)
    return EdgeMaps(
        tuple(map(add, later.offsets, moved)), tuple(map(mul, later.factors, earlier.factors))
    )


@lru_cache(maxsize=4096)
def _of_few(outcomes: str, win_rate: Decimal) -> EdgeMaps:
    by_outcome = dict(zip("10", steps(win_rate), strict=True))
    return EdgeMaps.joined(
        EdgeMaps(step, step) for step in (by_outcome[outcome] for outcome in outcomes)
    )
