"""The job on imports: fills of other software made trade logs, each format in a process of its own.

`python -m benchmarks.imports FORMAT SOURCE OUT [MAPPING]` is that process.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from benchmarks.alone import peak_mb
from benchmarks.measure import Run, best, interleaved, timed, wall
from benchmarks.tables import Table, seconds
from performance_pipeline.pipeline.importing import import_sources
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline.sources.records import ImportOptions, Source

FIRST = datetime(2025, 1, 6, 9, 30, tzinfo=UTC)
FILLS_A_DAY = 400
MAPPING = (
    "columns: {timestamp: T, symbol: S, action: A, quantity: Q, price: P, commission: C}\nid: I"
)


def imports(folder: Path, quick: bool) -> Table:
    """100,000 fills imported, and imported again when all of them are there."""
    count = 10_000 if quick else 100_000
    mapping = folder / "map.yaml"
    mapping.write_text(MAPPING)
    sources = {name: folder / f"fills-{name}" for name in WRITERS}
    for name, write in WRITERS.items():
        sources[name].write_text("".join(write(count)))
    rows = []
    for again in ("", ", again"):
        runs = interleaved(
            {
                name: _alone(name, source, folder, mapping, fresh=not again)
                for name, source in sources.items()
            },
            1 if quick else 3,
        )
        for name, source in sources.items():
            rows.append(
                [
                    f"{name}{again}",
                    f"{source.stat().st_size / 1e6:.0f} MB",
                    seconds(wall(runs[name])),
                    seconds(best(runs[name])),
                    f"{count / best(runs[name]):,.0f}",
                    f"{max(run.peak_mb for run in runs[name]):.0f} MB",
                ]
            )
    return Table(
        f"{count:,} fills imported",
        ("format", "source", "median", "best", "fills a second, best", "peak memory"),
        rows,
        ["A process each; its start is not timed, its memory counts."],
    )


def _alone(
    name: str, source: Path, folder: Path, mapping: Path, *, fresh: bool
) -> Callable[[], Run]:
    rounds = 0

    def run() -> Run:
        nonlocal rounds
        out = folder / f"imported-{name}-{rounds}"
        rounds += fresh
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.imports", name, source, out, mapping],
            check=True,
            stdout=subprocess.PIPE,
        )
        return Run(**json.loads(done.stdout))

    return run


def main() -> None:
    name, source, out, mapping = sys.argv[1], *map(Path, sys.argv[2:])
    options = ImportOptions(zone=ZoneInfo("America/New_York"), mapping=mapping)

    def job() -> None:
        now = datetime(2027, 1, 1, tzinfo=UTC)
        found = import_sources(FORMATS[name], [Source(source, options)], out, now)
        assert found.succeeded, found.trouble[:3]

    run = timed(job)()
    print(json.dumps({"wall": run.wall, "cpu": run.cpu, "peak_mb": peak_mb()}))


# --- exports as the formats have them -----------------------------------------------------------


def _fills(count: int) -> Iterator[tuple[int, datetime, str, str, str]]:
    """Number, instant, side, quantity and price."""
    random = Random(7)
    for number in range(count):
        day, place = divmod(number, FILLS_A_DAY)
        at = FIRST + timedelta(days=day, seconds=50 * place)
        quantity = f"{random.randrange(1, 10**9) / 10**8:.8f}"
        yield (
            number,
            at,
            "sell" if number % 2 else "buy",
            quantity,
            f"{random.randrange(1, 10**6)}.25",
        )


def _ccxt(count: int) -> Iterator[str]:
    for number, at, side, quantity, price in _fills(count):
        info = {"symbol": "BTCUSDT", "id": number, "price": price, "qty": quantity, "isBuyer": True}
        yield "[" if not number else ","
        yield json.dumps(
            {
                "info": info,
                "id": str(number),
                "order": str(number // 3),
                "timestamp": int(at.timestamp() * 1000),
                "datetime": at.isoformat().replace("+00:00", "Z"),
                "symbol": "BTC/USDT",
                "type": "limit",
                "side": side,
                "takerOrMaker": "taker",
                "price": float(price),
                "amount": float(quantity),
                "cost": float(price) * float(quantity),
                "fee": {"cost": 0.1, "currency": "USDT", "rate": 0.001},
                "fees": [{"cost": 0.1, "currency": "USDT", "rate": 0.001}],
            }
        )
    yield "]"


def _alpaca(count: int) -> Iterator[str]:
    for number, at, side, quantity, price in _fills(count):
        activity = {
            "id": f"{at:%Y%m%d%H%M%S}000::{number:08}-69d9-4a5c-87f8-a18ee7d0f3a2",
            "activity_type": "FILL",
            "transaction_time": at.isoformat().replace("+00:00", "Z"),
            "type": "fill",
            "price": price,
            "qty": quantity,
            "side": side,
            "symbol": "AAPL",
            "leaves_qty": "0",
            "order_id": f"{number // 3:08}-1c2e-4f3b-9c6d-0a1b2c3d4e5f",
            "cum_qty": quantity,
            "order_status": "filled",
        }
        yield json.dumps(activity) + "\n"


def _ibkr(count: int) -> Iterator[str]:
    # A report has some eighty attributes a row, most of which nobody asks for.
    others = " ".join(f'otherAttribute{number}="value {number}"' for number in range(60))
    yield '<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1"><Trades>\n'
    for number, at, side, quantity, price in _fills(count):
        sign = "-" if side == "sell" else ""
        yield (
            f'<Trade accountId="U1" currency="USD" assetCategory="STK" symbol="AAPL"'
            f' transactionID="{5_000_000 + number}" tradeID="{7_000_000 + number}"'
            f' ibOrderID="{number // 3}" dateTime="{at:%Y%m%d;%H%M%S}" buySell="{side.upper()}"'
            f' quantity="{sign}{quantity}" tradePrice="{price}" multiplier="1" taxes="0"'
            f' ibCommission="-1.05" ibCommissionCurrency="USD" levelOfDetail="EXECUTION"'
            f' notes="P" {others} />\n'
        )
    yield "</Trades></FlexStatement></FlexStatements></FlexQueryResponse>\n"


def _csv(count: int) -> Iterator[str]:
    yield "I,T,S,A,Q,P,C\n"
    for number, at, side, quantity, price in _fills(count):
        yield f"{number},{at:%Y-%m-%d %H:%M:%S},AAPL,{side},{quantity},{price},1.05\n"


WRITERS: dict[str, Callable[[int], Iterator[str]]] = {
    "ccxt": _ccxt,
    "alpaca": _alpaca,
    "ibkr-flex": _ibkr,
    "csv": _csv,
}


if __name__ == "__main__":
    main()
