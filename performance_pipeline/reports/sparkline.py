"""P&L as rows of unicode bars, gains above and losses below, told apart without colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rich.text import Text

from performance_pipeline.domain.summary import DayRow
from performance_pipeline.reports.number_format import number

_SPACED_DAYS: Final = 31
_MOST_BARS: Final = 92
_BARS: Final = " ▁▂▃▄▅▆▇█"
_FLAT: Final = "·"


@dataclass(frozen=True)
class Bars:
    """Two rows of one character a value: gains above, losses below, and a dot above for 0."""

    gains: str
    losses: str


def bars(values: Sequence[Decimal], tallest: Decimal) -> Bars:
    """The bars of `values`, `tallest` being the amount that a full one stands for."""
    return Bars(
        "".join(_bar(value, tallest) if value else _FLAT for value in values),
        "".join(_bar(-value, tallest) for value in values),
    )


def bar_rows(days: Sequence[DayRow], width: int) -> Iterator[Text]:
    """Gains in one row, losses in the one below, a column a day; long ranges go on below."""
    largest = max(days, key=lambda day: abs(day.realized_pnl))
    tallest = abs(largest.realized_pnl)
    gap = " " if len(days) <= _SPACED_DAYS else ""
    columns = max(1, min(width - len("YYYY-MM-DD  losses  "), _MOST_BARS) // (1 + len(gap)))
    for begin in range(0, len(days), columns):
        chunk = days[begin : begin + columns]
        drawn = bars([day.realized_pnl for day in chunk], tallest)
        yield _bar_row(f"{chunk[0].date}  gains ", gap.join(drawn.gains), "green")
        yield _bar_row(f"{chunk[-1].date}  losses", gap.join(drawn.losses), "red")
    yield Text(f"A full bar is {number(tallest)}, on {largest.date}.", "dim")


def _bar_row(label: str, drawn: str, style: str) -> Text:
    return Text.assemble((f"{label}  ", "dim"), (drawn, style), no_wrap=True)


def _bar(value: Decimal, tallest: Decimal) -> str:
    if value <= 0:
        return _BARS[0]
    # A float is exact enough for the height of a bar; the smallest gain still gets one.
    return _BARS[max(1, round(float(value) / float(tallest) * (len(_BARS) - 1)))]
