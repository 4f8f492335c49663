"""Explaining what rests on all trades so far: which of them to list, and how they stood in the end.

Of a peak drawdown these are the trades since the highest point, of an edge those since the win rate
has most likely fallen; each day is read whole, so that it is known what an alert was raised by.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from performance_pipeline.domain.edge import EdgeMaps, likeliest_fall, pack, unpack
from performance_pipeline.domain.explanation import ClosedTrade, Fall, Standing, UnreadLog
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.windows import ONE_DAY
from performance_pipeline.pipeline.closed_trades import ClosedTrades
from performance_pipeline.pipeline.stream import EquityPath, TradeStream

Measure = Callable[[Sequence[ClosedTrade]], Decimal | None]
"""What the first so many of the trades that were read come to, with all before them."""


class StreamTrades(NamedTuple):
    """The trades that were read, whole days of them, and where those that are listed begin."""

    read: Sequence[ClosedTrade]
    begin: int
    unread: Sequence[UnreadLog]
    measure: Measure
    standing: Standing


def since_the_peak(stream: TradeStream, closed: ClosedTrades, last: date) -> StreamTrades:
    """The trades since the highest point of all P&L; raises UnreadableLogError."""
    days = days_since_the_peak(stream, last)
    read, unread = _read(closed, days)
    opening = stream.path(days[0] - ONE_DAY) if days else EquityPath()
    with exact_arithmetic():
        totals = list(accumulate((trade.pnl for trade in read), initial=opening.total))
        peaks = list(accumulate(totals[1:], max, initial=opening.peak))
        reached = (at for at in range(len(read), 0, -1) if totals[at] == peaks[-1])
        begin = next(reached, 0)
        listed = read[begin:]
        fall = (
            Fall(
                depth=totals[-1] - peaks[-1],
                peak=peaks[-1],
                peak_at=read[begin - 1].instant if begin else None,
                trough=totals[-1],
                trough_at=listed[-1].instant,
                total_trades=len(listed),
                first=0,
            )
            if listed
            else None
        )

        def measure(trades: Sequence[ClosedTrade]) -> Decimal:
            return totals[len(trades)] - peaks[len(trades)]

        return StreamTrades(read, begin, unread, measure, Standing(actual=measure(read), fall=fall))


def since_the_fall(
    stream: TradeStream, closed: ClosedTrades, last: date, win_rate: Decimal
) -> StreamTrades:
    """The trades since the win rate has most likely fallen; raises UnreadableLogError."""
    days = days_since_the_fall(stream, last, win_rate)
    read, unread = _read(closed, days)
    decided = [index for index, trade in enumerate(read) if trade.outcome != "breakeven"]
    after = likeliest_fall(_outcomes(stream, last), win_rate)
    begin = decided[-after] if 0 < after <= len(decided) else 0
    opening = stream.edge_maps(days[0] - ONE_DAY, win_rate) if days else None

    def measure(trades: Sequence[ClosedTrade]) -> Decimal | None:
        if opening is None:
            return None
        won = (trade.outcome == "win" for trade in trades if trade.outcome != "breakeven")
        return opening.then(EdgeMaps.of(pack(won), win_rate)).statistic

    return StreamTrades(read, begin, unread, measure, Standing(actual=measure(read), fall=None))


def days_since_the_peak(stream: TradeStream, last: date) -> list[date]:
    """The days from that of the highest point on; raises UnreadableLogError."""
    days = stream.days(last)
    begin, path = 0, EquityPath()
    with exact_arithmetic():
        for index, day in enumerate(days):
            entry = stream.entry(day)
            if entry is None:
                continue
            if entry.peak > 0 and path.total + entry.peak >= path.peak:
                begin = index
            path = path.then(entry)
    return days[begin:]


def days_since_the_fall(stream: TradeStream, last: date, win_rate: Decimal) -> list[date]:
    """The days since the win rate has most likely fallen; raises UnreadableLogError."""
    left = likeliest_fall(_outcomes(stream, last), win_rate)
    found: list[date] = []
    for day in reversed(stream.days(last)):
        entry = stream.entry(day)
        found.append(day)
        left -= 0 if entry is None else len(unpack(entry.decided))
        if left <= 0:
            break
    return found[::-1]


def _outcomes(stream: TradeStream, last: date) -> str:
    entries = (stream.entry(day) for day in stream.days(last))
    return "".join(unpack(entry.decided) for entry in entries if entry is not None)


def _read(closed: ClosedTrades, days: Sequence[date]) -> tuple[list[ClosedTrade], list[UnreadLog]]:
    found = [closed.of(day) for day in days]
    trades = [trade for day in found for trade in day.trades]
    return trades, list(dict.fromkeys(log for day in found for log in day.unread))
