"""Several bots as a rich table: what `bots` shows on a terminal and in a pipe."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.overview import BotRow, DayResult, Overview, Result, Results
from performance_pipeline.domain.summary import Room
from performance_pipeline.reports.fitted_table import Column, fitted_table, safe
from performance_pipeline.reports.number_format import UNDEFINED, grouped_number, percent
from performance_pipeline.reports.sparkline import bars
from performance_pipeline.reports.wording import alerts_in_words, data_status, room_left

_BARS_SHOWN: Final = 10
_COLUMNS: Final = (
    Column("Bot", whole=True),
    *(Column(title, right=True, whole=True) for title in ("Today", "Week", "Month", "Rolling")),
    Column("Alerts"),
    Column("Room", right=True, whole=True),
    Column("Data"),
    Column("By day", whole=True),
)
_KEY: Final = (
    "P&L over win rate; room before the day's drawdown target over that before the peak's."
)


def overview_view(overview: Overview, width: int) -> RenderableType:
    """A row a bot, the sums below, and what is wrong with which."""
    rows = [_row(row) for row in overview.bots]
    if len(rows) > 1:
        alerts = alerts_in_words(overview.active_alerts, overview.critical_alerts)
        rows.append([Text("All", "bold"), *_results(overview.total), Text(alerts), *[Text("")] * 3])
    return Group(fitted_table(_COLUMNS, rows, width), Text(_KEY, "dim"), *_errors(overview))


def _row(row: BotRow) -> Sequence[Text]:
    name = Text(safe(row.bot))
    if (state := row.state) is None:
        unknown = [Text(UNDEFINED, "dim")] * 6
        return [name, *unknown, Text("error", "red"), Text("")]
    alerts = alerts_in_words(state.active_alerts, state.critical_alerts)
    style = "red" if state.critical_alerts else "yellow" if state.active_alerts else ""
    return [
        name,
        *_results(state.results),
        Text(alerts, style),
        _room(state.room),
        Text(data_status(state.data_quality)),
        _sparkline(state.days),
    ]


def _results(results: Results) -> Iterator[Text]:
    for result in (results.today, results.week, results.month, results.rolling):
        yield _result(result)


def _result(result: Result) -> Text:
    pnl = result.realized_pnl
    style = "green" if pnl > 0 else "red" if pnl < 0 else ""
    return Text.assemble((grouped_number(pnl), style), "\n", (percent(result.win_rate), "dim"))


def _room(room: Room) -> Text:
    return Text("\n").join(
        Text(room_left(left), "red" if left is not None and left <= 0 else "")
        for left in (room.max_drawdown, room.peak_drawdown)
    )


def _sparkline(days: Sequence[DayResult]) -> Text:
    """Gains above losses, a column a day; the last days that were traded."""
    shown = [day.realized_pnl for day in days[-_BARS_SHOWN:]]
    tallest = max(map(abs, shown), default=Decimal(0))
    if not tallest:
        return Text("")
    drawn = bars(shown, tallest)
    return Text.assemble((drawn.gains, "green"), "\n", (drawn.losses, "red"))


def _errors(overview: Overview) -> Iterator[Text]:
    for row in overview.bots:
        if row.error is not None:
            yield Text(f"{safe(row.bot)}: {safe(row.error)}", "red")
