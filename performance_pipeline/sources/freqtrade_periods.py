"""What freqtrade states of days, weeks, months, years and weekdays, held against ours."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self

from performance_pipeline.domain.numbers import ZERO, divide_or_none
from performance_pipeline.domain.second_opinion import Held, Reason, ratio_slack, rounding_to
from performance_pipeline.domain.trade_stats import TradeStats
from performance_pipeline.domain.windows import ONE_DAY, WEEKDAY_NAMES, Period, Window
from performance_pipeline.sources.freqtrade_rules import WEEKS, stated_number, zero_for

_BREAKDOWN_PLACES: Final = 10
_BREAKDOWN_RATIO_PLACES: Final = 8
_MONDAY: Final = 0


class Tally(NamedTuple):
    """Closed trades by outcome, and what the wins and the losses come to."""

    wins: int
    draws: int
    losses: int
    gross_profit: Decimal
    gross_loss: Decimal
    pnl: Decimal

    @classmethod
    def of(cls, stats: TradeStats) -> Self:
        return cls(
            stats.total_wins,
            stats.total_breakevens,
            stats.total_losses,
            stats.gross_profit,
            stats.gross_loss,
            stats.realized_pnl,
        )

    @classmethod
    def joined(cls, tallies: Iterable[Self]) -> Self:
        """All of `tallies` as one, in an exact context."""
        columns = list(zip(*tallies, strict=True))
        return cls(*(sum(column) for column in columns)) if columns else cls(*_NOTHING)

    @property
    def trades(self) -> int:
        return self.wins + self.draws + self.losses

    @property
    def profit_factor(self) -> Decimal | None:
        return divide_or_none(self.gross_profit, abs(self.gross_loss))

    def figures(self) -> dict[str, tuple[str, Decimal | None]]:
        """What freqtrade states of a period, by its name for it: our name, and our figure."""
        return {
            "profit_abs": ("realized_pnl", self.pnl),
            "trades": ("total_trades", Decimal(self.trades)),
            "wins": ("total_wins", Decimal(self.wins)),
            "draws": ("total_breakevens", Decimal(self.draws)),
            "losses": ("total_losses", Decimal(self.losses)),
            "profit_factor": ("profit_factor", self.profit_factor),
        }


_NOTHING: Final = (0, 0, 0, ZERO, ZERO, ZERO)

Tallies = Mapping[date, Tally]
"""By day."""


def daily_profit(stated: Mapping[str, Any], tallies: Tallies, slack: Decimal) -> Iterator[Held]:
    """The P&L of each day; `slack` is what rounding may add to a sum of P&L."""
    rows = {date.fromisoformat(day): value for day, value in stated.get("daily_profit") or ()}
    if not rows:
        return
    for day in sorted(rows.keys() | tallies.keys()):
        ours = tallies[day].pnl if day in tallies else ZERO
        yield Held(
            "day",
            day.isoformat(),
            "daily_profit",
            "realized_pnl",
            stated_number(rows.get(day)),
            ours,
            slack + rounding_to(_BREAKDOWN_PLACES),
        )


def breakdowns(stated: Mapping[str, Any], tallies: Tallies, slack: Decimal) -> Iterator[Held]:
    """What each day, week, month, year and weekday comes to."""
    breakdown = stated.get("periodic_breakdown") or {}
    for group in ("day", "week", "month", "year"):
        for row in breakdown.get(group) or ():
            last = datetime.strptime(row["date"], "%d/%m/%Y").date()  # noqa: DTZ007 - a day
            ours, theirs = _spans(group, last)
            yield from _period(group, row, _over(tallies, ours), _over(tallies, theirs), slack)
    for row in breakdown.get("weekday") or ():
        weekday = WEEKDAY_NAMES.index(row["date"])
        tally = Tally.joined(tally for day, tally in tallies.items() if day.weekday() == weekday)
        yield from _period("weekday", row, tally, tally, slack)


def _spans(group: str, labelled: date) -> tuple[Period, Period]:
    """Our days and freqtrade's of the period that it labels with its last day."""
    if group == "day":
        day = Period.of(Window.DAILY, labelled)
        return day, day
    if group == "month":
        month = Period.of(Window.MONTHLY, labelled)
        return month, month
    if group == "year":
        year = Period.spanning(labelled.replace(month=1, day=1), labelled)
        return year, year
    # Six of the seven days of a week that ends on a Monday are in the calendar week before.
    shifted = labelled.weekday() == _MONDAY
    ours = Period.of(Window.WEEKLY, labelled - ONE_DAY if shifted else labelled)
    return ours, Period.spanning(labelled - timedelta(days=6), labelled)


def _over(tallies: Tallies, period: Period) -> Tally:
    return Tally.joined(tallies[day] for day in period.days() if day in tallies)


def _period(
    group: str, row: Mapping[str, Any], ours: Tally, theirs: Tally, slack: Decimal
) -> Iterator[Held]:
    """The figures of one period; a difference is one of weeks where freqtrade's days meet it."""
    shifted = group == "week" and ours != theirs
    money = slack + rounding_to(_BREAKDOWN_PLACES)
    ratio = ratio_slack(ours.profit_factor, 2 * ours.trades) + rounding_to(_BREAKDOWN_RATIO_PLACES)
    mine, others = ours.figures(), theirs.figures()
    for name, value in row.items():
        # Earlier versions wrote `loses`.
        key = "losses" if name == "loses" else name
        if key not in mine:
            continue
        metric, counted = mine[key]
        other = others[key][1]
        reasons = zero_for(counted)
        if shifted:
            reasons.append(Reason.exactly(WEEKS, ZERO if other is None else other))
        rounding = {"profit_abs": money, "profit_factor": ratio}.get(key, ZERO)
        yield Held(
            group, row["date"], name, metric, stated_number(value), counted, rounding, reasons
        )
