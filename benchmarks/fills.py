"""The job on fills: what pairing them costs beside counting them as records that are still open."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from benchmarks.measure import Run, best, interleaved, ratio, timed, wall
from benchmarks.tables import Table, seconds, times
from performance_pipeline.domain.windows import ONE_DAY, Period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline_tests.support.local import LocalSettings

FIRST = date(2025, 6, 2)
SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA")


def fills(folder: Path, quick: bool) -> Table:
    """A day read, days refreshed, an old fill edited, and a week asked for."""
    days = 10 if quick else 60
    logs = folder / "fills"
    logs.mkdir(exist_ok=True)
    for number in range(days):
        _write_day(logs, FIRST + number * ONE_DAY, 1000)
    ways = {"open records": "none", "paired": "fifo"}
    settings = {name: _settings(logs, folder / name, pairing) for name, pairing in ways.items()}
    rows, remarks = [], []
    for what, job in (
        ("1,000 lines read", _read_one),
        (f"{days} days refreshed", _refresh_all),
        ("one old line edited, its day refreshed", _edit_one),
        ("a week asked for, all fresh", _week),
    ):
        jobs = {name: job(found, days) for name, found in settings.items()}
        runs = interleaved(jobs, 3 if quick else 9)
        rows += [
            [
                what if name == "open records" else "",
                name,
                seconds(wall(runs[name])),
                seconds(best(runs[name])),
                times(ratio(runs[name], runs["open records"])),
            ]
            for name in ways
        ]
    for name, found in settings.items():
        size = sum(path.stat().st_size for path in found.output_dir.rglob("*.json"))
        remarks.append(f"{name}: {size / days / 1000:.0f} KB kept a day.")
    return Table(
        f"{days} days of 1,000 fills, flat every evening",
        ("what", "as", "median", "best", "against open records"),
        rows,
        remarks,
    )


def _write_day(logs: Path, day: date, count: int) -> None:
    random = Random(day.toordinal())
    held = dict.fromkeys(SYMBOLS, 0)
    lines = []
    for number in range(count):
        symbol = random.choice(SYMBOLS)
        closes = number >= count - len(SYMBOLS)
        symbol = SYMBOLS[number - count] if closes else symbol
        sells = held[symbol] > 0 and (closes or random.random() < 0.5)
        quantity = held[symbol] if closes and sells else random.randint(1, 3)
        quantity = min(quantity, held[symbol]) if sells else quantity
        held[symbol] += -quantity if sells else quantity
        instant = datetime(day.year, day.month, day.day, 14, tzinfo=UTC) + timedelta(
            seconds=20 * number
        )
        record = {
            "timestamp": instant.isoformat().replace("+00:00", "Z"),
            "symbol": symbol,
            "action": "SELL" if sells else "BUY",
            "quantity": str(quantity),
            "price": f"{random.uniform(90, 110):.2f}",
            "order_id": f"{day}-{number}",
            "execution_mode": "LIVE",
            "strategy_name": "momentum",
            "outcome": "open",
            "profit_loss": None,
            "commission": "0.35",
            "indicators_used": ["rsi", "vwap"],
        }
        lines.append(json.dumps(record))
    (logs / f"{day}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _settings(logs: Path, output: Path, pairing: str) -> LocalSettings:
    return LocalSettings.from_env(
        {
            "PERFORMANCE_LOG_DIR": str(logs),
            "PERFORMANCE_OUTPUT_DIR": str(output),
            "PERFORMANCE_START_DATE": FIRST.isoformat(),
            "PERFORMANCE_MARKET_CALENDAR": "none",
            "PERFORMANCE_PAIRING": pairing,
        }
    )


def _tracker(settings: LocalSettings, days: int) -> PerformanceTracker:
    evening = datetime.combine(FIRST + days * ONE_DAY, datetime.min.time(), tzinfo=UTC)
    return PerformanceTracker(settings, lambda: evening)


def _refresh(settings: LocalSettings, days: int, numbers: range) -> None:
    store = _tracker(settings, days).store
    for number in numbers:
        store.refresh(FIRST + number * ONE_DAY)
    for _ in store.refresh_reached():
        pass
    store.save_index()


def _emptied(settings: LocalSettings) -> None:
    for path in settings.output_dir.rglob("*.json"):
        path.unlink()


def _read_one(settings: LocalSettings, days: int) -> Callable[[], Run]:
    def run() -> Run:
        _emptied(settings)
        return timed(lambda: _tracker(settings, days).store.day(FIRST))()

    return run


def _refresh_all(settings: LocalSettings, days: int) -> Callable[[], Run]:
    def run() -> Run:
        _emptied(settings)
        return timed(lambda: _refresh(settings, days, range(days)))()

    return run


def _edit_one(settings: LocalSettings, days: int) -> Callable[[], Run]:
    def run() -> Run:
        log = settings.log_dir / f"{FIRST + 3 * ONE_DAY}.jsonl"
        text = log.read_text(encoding="utf-8")
        price = text.partition('"price": "')[2].partition('"')[0]
        other = f"{float(price) + 1:.2f}"
        log.write_text(text.replace(f'"{price}"', f'"{other}"', 1), encoding="utf-8")
        return timed(lambda: _refresh(settings, days, range(3, 4)))()

    return run


def _week(settings: LocalSettings, days: int) -> Callable[[], Run]:
    last = FIRST + (days - 1) * ONE_DAY
    _refresh(settings, days, range(days))
    period = Period.spanning(last - 6 * ONE_DAY, last)
    return timed(lambda: _tracker(settings, days).summarize(period))
