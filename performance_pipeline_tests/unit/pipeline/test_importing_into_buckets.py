"""Imports into logs in a bucket: what a folder would hold, each record once whoever else writes."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from performance_pipeline.pipeline import importing
from performance_pipeline.places import StoreUrl
from performance_pipeline.sources.records import ImportOptions
from performance_pipeline.storage.bucket import Bucket
from performance_pipeline.storage.log_writing import UnfinishedLogError, change_logs
from performance_pipeline_tests.support.buckets import buckets_in_memory
from performance_pipeline_tests.support.flex_reports import trade, xml_report
from performance_pipeline_tests.support.imports import ccxt_trade, counts, imported, source_of

LOGS: Final = StoreUrl("s3", "bucket", "logs", "PERFORMANCE_LOG_DIR")
COUNT: Final = 30
LOG_NAME: Final = "2025-11-03.jsonl"
NEW_YORK: Final = ImportOptions(zone=ZoneInfo("America/New_York"))


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets_in_memory(monkeypatch)


def trades(folder: Path, name: str = "trades.json", *, first: int = 0, **changes: Any) -> Path:
    numbers = range(first, first + COUNT)
    return source_of(folder, name, json.dumps([ccxt_trade(one, **changes) for one in numbers]))


def ids() -> list[str]:
    lines = Bucket(LOGS).read(LOG_NAME).splitlines()
    return sorted(json.loads(line)["source_id"] for line in lines if b"source_id" in line)


def test_a_bucket_holds_what_a_folder_would(tmp_path: Path) -> None:
    source = trades(tmp_path)
    for replace in (False, False, True):
        if replace:
            source = trades(tmp_path, price=0.07)
        found = counts(imported("ccxt", source, LOGS, replace=replace))
        assert found == counts(imported("ccxt", source, tmp_path / "logs", replace=replace))
        assert Bucket(LOGS).read(LOG_NAME) == (tmp_path / "logs" / LOG_NAME).read_bytes()


def test_a_trial_writes_nothing(tmp_path: Path) -> None:
    assert imported("ccxt", trades(tmp_path), LOGS, dry_run=True).added == COUNT
    assert Bucket(LOGS).names() == []


def test_imports_at_once_add_each_record_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    sources = [trades(tmp_path, f"{part}.json", first=part * COUNT // 2) for part in range(4)]

    def run(source: Path) -> None:
        barrier.wait()
        imported("ccxt", source, LOGS)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, sources))
    assert len(ids()) == len(set(ids())) == COUNT * 5 // 2


def test_a_line_that_a_bot_adds_meanwhile_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, uploads = change_logs, [b'{"by": "the bot"}\n']

    def overtaken(*arguments: Any) -> None:
        if uploads:
            Bucket(LOGS).write(LOG_NAME, uploads.pop())
        change(*arguments)

    monkeypatch.setattr(importing, "change_logs", overtaken)
    assert imported("ccxt", trades(tmp_path), LOGS).added == COUNT
    assert len(ids()) == COUNT
    assert b'{"by": "the bot"}\n' in Bucket(LOGS).read(LOG_NAME)


CANCELLED: Final = xml_report(
    [
        trade(1, "10", "150"),
        trade(2, "-10", "150", notes="Ca", tradeID="", origTradeID="700001"),
        trade(3, "6", "150", tradeID="700001"),
    ]
)


@pytest.mark.parametrize(
    ("format_name", "content", "expected"),
    [
        ("ccxt", json.dumps([ccxt_trade(1), ccxt_trade(1), ccxt_trade(2, price="?")]), (3, 1, 1)),
        ("ibkr-flex", CANCELLED, (3, 1, 0)),
    ],
)
def test_a_source_is_read_once_however_often_a_bot_is_quicker(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    format_name: str,
    content: str,
    expected: tuple[int, int, int],
) -> None:
    source = source_of(tmp_path, "source", content)
    of_bot = [b'{"by": "the bot"}\n' * number for number in (1, 2, 3)]
    (tmp_path / "logs").mkdir()
    source_of(tmp_path / "logs", LOG_NAME, of_bot[-1])
    undisturbed = imported(format_name, source, tmp_path / "logs", NEW_YORK)
    change = change_logs

    def overtaken(*arguments: Any) -> None:
        if of_bot:
            source.unlink(missing_ok=True)
            Bucket(LOGS).write(LOG_NAME, of_bot.pop(0))
        change(*arguments)

    monkeypatch.setattr(importing, "change_logs", overtaken)
    found = imported(format_name, source, LOGS, NEW_YORK)
    assert not of_bot
    assert counts(found)[:3] == expected
    assert found == undisturbed
    assert Bucket(LOGS).read(LOG_NAME) == (tmp_path / "logs" / LOG_NAME).read_bytes()


def test_half_a_line_of_a_bot_is_left_alone(tmp_path: Path) -> None:
    half = json.dumps(ccxt_trade(0)).encode()[:40]
    Bucket(LOGS).write("2025-11-20.jsonl", half)
    source = source_of(tmp_path, "t.json", json.dumps([ccxt_trade(0, timestamp=1763632800000)]))
    with pytest.raises(UnfinishedLogError, match=r"2025-11-20\.jsonl: its last line is not"):
        imported("ccxt", source, LOGS)
    assert Bucket(LOGS).read("2025-11-20.jsonl") == half
