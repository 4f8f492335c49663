"""A source's own figures held against ours: equal, equal but for rounding, or different, and why.

A reason is never a guess: it says what the figure comes to by the source's own rule, and counts
only where that is what the source states. Which figures a format states, and by which rules, is
the business of `sources/`.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from performance_pipeline.domain.numbers import EXACT, RATIO_PLACES, ZERO
from performance_pipeline.domain.summary import PerformanceSummary

SCHEMA_VERSION: Final = 1

Status = Literal["equal", "rounded", "explained", "different"]

DOUBLE_EPSILON: Final = Decimal(2) ** -52
"""The distance from 1 to the next double: what one operation on doubles may lose, relatively."""

_RATIO_ROUNDING: Final = Decimal(5).scaleb(-RATIO_PLACES - 1)


class Reason(NamedTuple):
    """Why a source may state another figure: by its own rule it lies between `low` and `high`."""

    text: str
    low: Decimal
    high: Decimal

    @classmethod
    def exactly(cls, text: str, value: Decimal) -> "Reason":
        return cls(text, value, value)


class Figure(msgspec.Struct, frozen=True):
    """One figure that a source states, and what we say to it."""

    group: str
    """What it is over: `overall`, `pair`, `day`, `week`, `month`, `year`, `weekday` or `trade`."""
    key: str
    """Which pair, day or trade, as the source names it; "" overall."""
    name: str
    """The source's name of it, such as `profit_factor`."""
    metric: str
    """Ours of the same, such as `max_drawdown`."""
    stated: Decimal | None
    """None where the source states nothing, or no number."""
    ours: Decimal | None
    """In the source's sense: a drawdown that it states as a positive number is one here too."""
    status: Status
    decimals: int | None
    """To how many decimals the two agree; None where they are equal, or do not agree."""
    reason: str
    """Why they differ; "" unless explained."""


class SecondOpinion(msgspec.Struct, frozen=True):
    """Our report on the trades of one strategy, or database, beside what the source says."""

    title: str
    """The strategy, or what the source is."""
    summary: PerformanceSummary
    """Over all its trades, by UTC days; judged by no targets."""
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    """What a reader has to know besides, in sentences."""

    def count(self, *statuses: Status) -> int:
        return sum(figure.status in statuses for figure in self.figures)


class SecondOpinions(msgspec.Struct, frozen=True):
    """All that is said of one source: the document of `second-opinion --json`."""

    source: str
    """The file's name."""
    kind: str
    """What it was recognized as, in words."""
    agreed: int
    explained: int
    different: int
    opinions: Sequence[SecondOpinion]
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(cls, source: str, kind: str, opinions: Sequence[SecondOpinion]) -> "SecondOpinions":
        return cls(
            source,
            kind,
            sum(opinion.count("equal", "rounded") for opinion in opinions),
            sum(opinion.count("explained") for opinion in opinions),
            sum(opinion.count("different") for opinion in opinions),
            opinions,
        )


class Held(NamedTuple):
    """The two sides of a figure, before they are compared."""

    group: str
    key: str
    name: str
    metric: str
    stated: Decimal | None
    ours: Decimal | None
    slack: Decimal = ZERO
    """How far the two may lie apart by rounding alone."""
    reasons: Sequence[Reason] = ()


def compared(held: Held) -> Figure:
    """What two sides of a figure come to; of several reasons that fit, the first is given."""
    status: Status = "different"
    decimals, text = None, ""
    if held.stated is None or held.ours is None:
        if held.stated is held.ours:
            status = "equal"
    elif held.stated == held.ours:
        status = "equal"
    elif abs(apart := EXACT.subtract(held.stated, held.ours)) <= held.slack:
        status, decimals = "rounded", agreeing_decimals(apart)
    if status == "different" and held.stated is not None:
        for reason in held.reasons:
            least = EXACT.subtract(reason.low, held.slack)
            if least <= held.stated <= EXACT.add(reason.high, held.slack):
                status, text = "explained", reason.text
                break
    return Figure(
        held.group,
        held.key,
        held.name,
        held.metric,
        held.stated,
        held.ours,
        status,
        decimals,
        text,
    )


def agreeing_decimals(apart: Decimal) -> int:
    """To how many decimals two numbers agree that lie `apart`, not 0: 0.0004 apart, to 3."""
    doubled = abs(2 * apart)
    return max(
        0, -doubled.adjusted() - (1 if doubled > Decimal(1).scaleb(doubled.adjusted()) else 0)
    )


def rounding_to(places: int) -> Decimal:
    """The most that rounding to so many decimals changes a number by."""
    return Decimal(5).scaleb(-places - 1)


def sum_slack(values: Iterable[Decimal]) -> Decimal:
    """The most by which a sum of `values` as doubles misses the exact one, in whatever order."""
    values = list(values)
    total = sum((abs(value) for value in values), ZERO)
    return len(values) * DOUBLE_EPSILON * total


def ratio_slack(ratio: Decimal | None, terms: int) -> Decimal:
    """The most by which a ratio of sums of `terms` doubles in all misses ours, of 6 decimals."""
    return _RATIO_ROUNDING + (terms + 4) * DOUBLE_EPSILON * abs(ratio or ZERO)
