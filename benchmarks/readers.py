"""Contenders that read line by line in Python, this project among them, and the floors below it."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Literal
from zoneinfo import ZoneInfo

import msgspec

from benchmarks.figures import Figures, Record, figures_of, planned_ratio
from performance_pipeline.domain.aggregate import DailyAggregate, combine
from performance_pipeline.domain.log_reading import ReadingRules, read_log
from performance_pipeline.storage.logs import LogContent, LogFile

ZERO = Decimal(0)
Outcome = Literal["win", "loss", "breakeven", "open"]
RULES = ReadingRules(ZoneInfo("UTC"), execution_mode="ALL", account="", tail_size=20)


def pipeline(paths: Sequence[Path]) -> list[Figures]:
    """This project: rejections named, duplicates found, digest taken, in one process."""
    return [_figures(_aggregate(path)) for path in paths]


def pipeline_on_two_processes(paths: Sequence[Path]) -> list[Figures]:
    """The same, logs shared out over two processes."""
    with ProcessPoolExecutor(2) as pool:
        return list(map(_figures, pool.map(_aggregate, paths, chunksize=8)))


def _aggregate(path: Path) -> DailyAggregate:
    day = date.fromisoformat(path.stem)
    content = LogContent(LogFile(day, str(path), path.stat().st_size, 0), unfinished_tail=False)
    return read_log(content.lines, day, RULES).days[day]


def _figures(aggregate: DailyAggregate) -> Figures:
    stats = aggregate.stats
    buckets = [
        {
            name: (one.total_trades, one.total_wins, one.total_losses, one.realized_pnl)
            for name, one in named.items()
        }
        for named in (stats.by_symbol, stats.by_strategy)
    ]
    return Figures(
        lines=aggregate.quality.accepted,
        wins=stats.total_wins,
        losses=stats.total_losses,
        breakevens=stats.total_breakevens,
        open_trades=aggregate.opens.open_trades,
        realized_pnl=stats.realized_pnl,
        gross_profit=stats.gross_profit,
        gross_loss=stats.gross_loss,
        commission=stats.commission,
        slippage=stats.slippage,
        hold_seconds=stats.hold_seconds_sum,
        planned_ratio=stats.planned_ratio_sum,
        best=stats.best_trade or ZERO,
        worst=stats.worst_trade or ZERO,
        max_drawdown=stats.drawdown.worst,
        longest_wins=stats.streaks.longest_wins,
        longest_losses=stats.streaks.longest_losses,
        by_symbol=buckets[0],
        by_strategy=buckets[1],
    )


def stdlib(paths: Sequence[Path]) -> list[Figures]:
    """`json.loads` and Decimal, as a careful script would."""
    return [figures_of(_stdlib_records(path)) for path in paths]


def _stdlib_records(path: Path) -> Iterator[Record]:
    with path.open("rb") as lines:
        for line in lines:
            raw = json.loads(line)
            outcome = raw["outcome"] or "open"
            timestamp = datetime.fromisoformat(raw["timestamp"])
            price, quantity = Decimal(raw["price"]), Decimal(raw["quantity"])
            if price <= 0 or quantity <= 0 or raw["action"] not in ("BUY", "SELL"):
                raise ValueError("not a trade")
            exited = raw["exit_timestamp"]
            stop_loss, target = raw["stop_loss"], raw["target"]
            yield Record(
                instant=datetime.fromisoformat(exited) if exited else timestamp,
                outcome=outcome,
                pnl=Decimal(raw["net_profit_loss"] or 0),
                commission=Decimal(raw["commission"] or 0),
                slippage=Decimal(raw["slippage"] or 0),
                hold_seconds=Decimal(raw["hold_duration_seconds"] or 0),
                planned_ratio=ZERO
                if outcome == "open"
                else planned_ratio(
                    price,
                    None if stop_loss is None else Decimal(stop_loss),
                    None if target is None else Decimal(target),
                ),
                symbol=raw["symbol"],
                strategy=raw["strategy_name"],
                order_id=raw["order_id"],
            )


class _Typed(msgspec.Struct, gc=False):
    timestamp: datetime
    symbol: str
    action: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    outcome: Outcome | None
    order_id: str | None = None
    execution_mode: Literal["PAPER", "LIVE"] | None = None
    account_id: str | None = None
    strategy_name: str | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    profit_loss: Decimal | None = None
    hold_duration_seconds: Decimal | None = None
    exit_timestamp: datetime | None = None
    slippage: Decimal | None = None
    commission: Decimal | None = None
    net_profit_loss: Decimal | None = None


_decode_typed = msgspec.json.Decoder(_Typed).decode


def typed_decode(paths: Sequence[Path]) -> None:
    """A floor: every line decoded into its types by msgspec, and dropped. Nothing is checked,
    ordered or added up."""
    for path in paths:
        with path.open("rb", buffering=1 << 20) as lines:
            for line in lines:
                _decode_typed(line)


def read_bytes(paths: Sequence[Path]) -> None:
    """The floor below that: the bytes, in blocks."""
    for path in paths:
        with path.open("rb") as stream:
            while stream.read(1 << 20):
                pass


def pipeline_cut_in_two(paths: Sequence[Path]) -> list[Figures]:
    """One long log cut into two stretches, each read in a process, and combined."""
    (path,) = paths
    middle = path.stat().st_size // 2
    with ProcessPoolExecutor(2) as pool:
        halves = list(pool.map(_half, [path, path], [0, middle], [middle, path.stat().st_size]))
    aggregates = [msgspec.json.decode(half, type=DailyAggregate) for half in halves]
    return [_figures(combine(aggregates, RULES.tail_size))]


def _half(path: Path, start: int, end: int) -> bytes:
    """The aggregate of the lines that begin from byte `start` on, before byte `end`."""
    day = date.fromisoformat(path.stem)
    with path.open("rb", buffering=1 << 20) as stream:
        if start:
            stream.seek(start - 1)
            stream.readline()
        return msgspec.json.encode(
            read_log(lambda: _lines_until(stream, end), day, RULES).days[day]
        )


def _lines_until(stream: BinaryIO, end: int) -> Iterator[bytes]:
    position = stream.tell()
    while position < end and (line := stream.readline()):
        position += len(line)
        yield line
