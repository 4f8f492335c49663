"""Log lines, log folders and the pipeline over them: what tests build, not what they expect."""

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from performance_pipeline.domain.aggregate import DailyAggregate
from performance_pipeline.domain.log_reading import ReadingRules, read_log
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.pipeline.publishing import publish
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.summaries import summary_document
from performance_pipeline_tests.support.local import LocalSettings

ONE_DAY: Final = timedelta(days=1)
DAY: Final = date(2025, 6, 10)  # a Tuesday, when New York is four hours behind UTC
NEXT_DAY: Final = DAY + ONE_DAY
LATER: Final = datetime(2025, 7, 20, 12, tzinfo=UTC)
EASY_TARGETS: Final = """
win_rate_target: 0
avg_risk_reward_target: 0
daily_pl_target: -1000000
trades_per_day_target: 0
max_drawdown_target: -1000000
"""
SCRIPT: Final = "<script>alert(1)</script>"
BOM: Final = b"\xef\xbb\xbf"


class Raw(str):
    """The JSON text of a value, to be written as it is."""

    __slots__ = ()


ABSENT: Final = Raw("")
"""In place of a value: the field is left out."""


def line(**fields: object) -> bytes:
    """One record as the bot writes it, all 27 fields; by default a win of 10 at 14:30 UTC."""
    record: dict[str, object] = {
        "timestamp": f"{DAY}T14:30:00Z",
        "symbol": "AAPL",
        "action": "BUY",
        "quantity": "10",
        "price": "100",
        "total_value": "1000",
        "order_id": None,
        "execution_mode": "LIVE",
        "account_id": None,
        "strategy_name": "momentum",
        "entry_type": "market",
        "stop_loss": None,
        "target": None,
        "decision_reasoning": "momentum above the band",
        "indicators_used": ["rsi", "vwap"],
        "risk_reward_ratio": None,
        "outcome": "win",
        "profit_loss": None,
        "hold_duration_seconds": None,
        "exit_timestamp": None,
        "exit_reasoning": None,
        "slippage": None,
        "commission": None,
        "net_profit_loss": "10",
        "session_id": "s-1",
        "bot_version": "1.4.2",
        "config_hash": "c0ffee",
    }
    record.update(fields)
    texts = {
        name: value if isinstance(value, Raw) else json.dumps(value)
        for name, value in record.items()
        if value is not ABSENT
    }
    members = ", ".join(f"{json.dumps(name)}: {text}" for name, text in texts.items())
    return f"{{{members}}}".encode()


def at(clock: str, day: date = DAY) -> str:
    """The UTC time `clock` (`HH:MM` and on) of `day`, as the bot writes it."""
    return f"{day}T{clock}Z"


def win(pnl: str, timestamp: str = at("14:30"), **fields: object) -> bytes:
    return line(outcome="win", net_profit_loss=pnl, timestamp=timestamp, **fields)


def loss(pnl: str, timestamp: str = at("14:30"), **fields: object) -> bytes:
    return line(outcome="loss", net_profit_loss=pnl, timestamp=timestamp, **fields)


def breakeven(timestamp: str = at("14:30"), **fields: object) -> bytes:
    return line(
        **{"outcome": "breakeven", "net_profit_loss": "0", "timestamp": timestamp, **fields}
    )


def opened(profit_loss: str | None, timestamp: str = at("14:30"), **fields: object) -> bytes:
    return line(
        **{
            "outcome": "open",
            "profit_loss": profit_loss,
            "net_profit_loss": None,
            "timestamp": timestamp,
            **fields,
        }
    )


def session(*pnls: str, day: date = DAY, hour: int = 14, **fields: object) -> list[bytes]:
    """Closed trades a minute apart, in order: a win above 0, a loss below, a breakeven at 0."""
    lines = []
    for minute, pnl in enumerate(pnls):
        value = Decimal(pnl)
        outcome = "win" if value > 0 else "loss" if value < 0 else "breakeven"
        when = at(f"{hour:02}:{minute:02}", day)
        lines.append(line(outcome=outcome, net_profit_loss=pnl, timestamp=when, **fields))
    return lines


def log(*lines: bytes) -> bytes:
    """The bytes of a log that holds `lines`."""
    return b"".join(one + b"\n" for one in lines)


@dataclass(frozen=True)
class Place:
    """A log folder on disk and the settings under which it is read."""

    log_dir: Path
    environment: Mapping[str, str]

    def under(self, **changes: str) -> "Place":
        """The same folder under other settings, given without their prefix."""
        changed = {f"PERFORMANCE_{name}": value for name, value in changes.items()}
        return Place(self.log_dir, {**self.environment, **changed})

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings.from_env(self.environment)

    @property
    def anywhere(self) -> Settings:
        """The settings of a place that may be in an object store."""
        return Settings.from_env(self.environment)

    @property
    def output(self) -> Path:
        return self.settings.output_dir

    def path(self, day: date = DAY) -> Path:
        return self.log_dir / f"{day}.jsonl"

    def aggregate_path(self, day: date = DAY) -> Path:
        return self.output / "aggregates" / f"{day}.json"

    def write(self, day: date, *lines: bytes) -> Path:
        return self.write_bytes(day, log(*lines))

    def write_bytes(self, day: date, content: bytes) -> Path:
        self.path(day).write_bytes(content)
        return self.path(day)

    def archive(self, day: date = DAY) -> Path:
        """Replace the plain log of `day` by its archive."""
        plain = self.path(day)
        archived = plain.with_name(f"{plain.name}.gz")
        archived.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
        return archived

    def tracker(self, now: datetime = LATER) -> PerformanceTracker:
        return PerformanceTracker(self.settings, clock=lambda: now)

    def summary(
        self, window: Window = Window.DAILY, day: date = DAY, now: datetime = LATER
    ) -> PerformanceSummary:
        return self.tracker(now).get_summary(window, day)

    def document(
        self, window: Window = Window.DAILY, day: date = DAY, now: datetime = LATER
    ) -> dict[str, Any]:
        """The summary as it is published, but for the moment it was made."""
        return _published(self.summary(window, day, now))

    def documents(self, days: Iterable[date], now: datetime = LATER) -> list[dict[str, Any]]:
        """The four windows of each of `days`, asked of one tracker."""
        tracker = self.tracker(now)
        return [
            _published(tracker.get_summary(window, day))
            for day in days
            for window in PARTITIONED_WINDOWS
        ]

    def materialize(self, *days: date, now: datetime = LATER) -> None:
        """Write aggregates, index and all summaries of `days`, as the runs of the assets do."""
        tracker = self.tracker(now)
        for day in days:
            tracker.store.refresh(day)
        reached = [day.date for day in tracker.store.refresh_reached()]
        tracker.store.look_back()
        tracker.store.save_index()
        tracker = self.tracker(now)
        for period in {
            Period.of(window, day) for day in (*days, *reached) for window in PARTITIONED_WINDOWS
        }:
            summary = tracker.summarize(period)
            publish(Folder(self.output), period, summary, tracker.logs_changed_since)

    def written(self) -> dict[str, bytes]:
        """Every file below the output folder but locks, by its path there."""
        return {name: path.read_bytes() for name, path in self._outputs()}

    def times(self) -> dict[str, int]:
        """When each of these files was last changed."""
        return {name: path.stat().st_mtime_ns for name, path in self._outputs()}

    def _outputs(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.output.rglob("*")):
            if path.is_file() and path.suffix != ".lock":
                yield str(path.relative_to(self.output)), path


def _published(summary: PerformanceSummary) -> dict[str, Any]:
    document = summary_document(summary)
    del document["generated_at"]
    return document


def place(log_dir: Path, **changes: str) -> Place:
    """A log folder at `log_dir`; by default in UTC, from 2024 on, without calendar or targets."""
    log_dir.mkdir(parents=True, exist_ok=True)
    environment = {
        "PERFORMANCE_LOG_DIR": str(log_dir),
        "PERFORMANCE_TARGETS_FILE": str(log_dir / "no-targets.yaml"),
        "PERFORMANCE_MARKET_CALENDAR": "none",
        "PERFORMANCE_START_DATE": "2024-01-01",
    }
    return Place(log_dir, environment).under(**changes)


def set_modified(path: Path, modified_ns: int) -> None:
    os.utime(path, ns=(modified_ns, modified_ns))


def read(
    content: bytes, log_day: date = DAY, zone: str = "UTC", tail_size: int = 100
) -> dict[date, DailyAggregate]:
    """The aggregates of one log's bytes, by trading day, with nothing on disk."""
    rules = ReadingRules(ZoneInfo(zone), "ALL", "", tail_size)
    return read_log(lambda: BytesIO(content), log_day, rules).days
