"""What all formats share: days, identity, importing again, changes, and imports that are killed."""

import gzip
import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from performance_pipeline.sources.records import ImportOptions
from performance_pipeline_tests.support.command_line import everything_in
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.imports import (
    ccxt_trade,
    counts,
    imported,
    records_in,
    source_of,
)
from performance_pipeline_tests.support.lines import line
from performance_pipeline_tests.support.processes import start

DAY_OF_TRADES: Final = 24 * 60


def trades(*numbers: int, **changes: object) -> str:
    return json.dumps([ccxt_trade(number, **changes) for number in numbers])


def ids(logs: Path) -> list[str]:
    return [record["source_id"] for record in records_in(logs)]


def prices(logs: Path) -> list[str]:
    return [record["price"] for record in records_in(logs)]


def test_each_record_is_in_the_log_of_its_utc_day(tmp_path: Path) -> None:
    path = source_of(tmp_path, "t.json", trades(1, DAY_OF_TRADES, 3 * DAY_OF_TRADES))
    imported("ccxt", path, tmp_path / "logs")
    assert [log.name for log in sorted((tmp_path / "logs").glob("*.jsonl"))] == [
        "2025-11-03.jsonl",
        "2025-11-04.jsonl",
        "2025-11-06.jsonl",
    ]


def test_importing_again_adds_nothing_and_touches_no_file(tmp_path: Path) -> None:
    path = source_of(tmp_path, "t.json", trades(3, 1, 2))
    logs = tmp_path / "logs"
    assert counts(imported("ccxt", path, logs)) == (3, 3, 0, 0, 0, 0)
    before = everything_in(logs)
    assert counts(imported("ccxt", path, logs)) == (3, 0, 3, 0, 0, 0)
    assert everything_in(logs) == before


def test_importing_later_adds_what_is_new_among_what_is_there(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    imported("ccxt", source_of(tmp_path, "t.json", trades(2, 4)), logs)
    found = imported("ccxt", source_of(tmp_path, "t.json", trades(1, 2, 3, 4, 5)), logs)
    assert counts(found) == (5, 3, 2, 0, 0, 0)
    assert [identity.split("@")[0] for identity in ids(logs)] == [
        f"ETH/BTC:{number}" for number in (1, 2, 3, 4, 5)
    ]


def test_what_two_sources_both_hold_is_added_once(tmp_path: Path) -> None:
    paths = [
        source_of(tmp_path, "a.json", trades(1, 2)),
        source_of(tmp_path, "b.json", trades(2, 3)),
    ]
    assert counts(imported("ccxt", paths, tmp_path / "logs")) == (4, 3, 1, 0, 0, 0)


def test_a_changed_record_is_reported_and_written_over_only_on_request(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    imported("ccxt", source_of(tmp_path, "t.json", trades(1, 2)), logs)
    path = source_of(tmp_path, "t.json", trades(1, 2, price=1))
    before = everything_in(logs)
    found = imported("ccxt", path, logs)
    assert counts(found) == (2, 0, 0, 2, 0, 0)
    assert found.changed[0] == (f"{path}: record 1: not as in 2025-11-03.jsonl: price, total_value")
    assert not found.succeeded
    assert everything_in(logs) == before
    found = imported("ccxt", path, logs, replace=True)
    assert (counts(found), found.succeeded) == ((2, 0, 0, 2, 0, 0), True)
    assert prices(logs) == ["1", "1"]
    assert counts(imported("ccxt", path, logs)) == (2, 0, 2, 0, 0, 0)


def test_sources_that_contradict_each_other_are_reported_and_the_last_wins_on_request(
    tmp_path: Path,
) -> None:
    paths = [
        source_of(tmp_path, "a.json", trades(1)),
        source_of(tmp_path, "b.json", trades(1, price=7)),
    ]
    found = imported("ccxt", paths, tmp_path / "logs")
    assert counts(found) == (2, 1, 0, 1, 0, 0)
    assert f"record 1: not as in {paths[0]}, record 1: price, total_value" in found.changed[0]
    imported("ccxt", paths, tmp_path / "logs", replace=True)
    assert prices(tmp_path / "logs") == ["7"]


CLOSED: Final = (
    "columns: {timestamp: T, symbol: S, quantity: Q, price: P, net_profit_loss: N}\nid: I"
)


def test_a_record_whose_time_was_corrected_moves_to_the_log_of_its_day(tmp_path: Path) -> None:
    options = ImportOptions(mapping=source_of(tmp_path, "map.yaml", CLOSED))
    logs = tmp_path / "logs"
    for day, replace in (("03", False), ("05", True)):
        content = f"T,S,Q,P,N,I\n2025-11-{day}T10:00:00Z,A,1,1,5,x\n"
        found = imported(
            "csv", source_of(tmp_path, "t.csv", content), logs, options, replace=replace
        )
    assert counts(found) == (1, 0, 0, 1, 0, 0)
    assert [record["timestamp"][:10] for record in records_in(logs)] == ["2025-11-05"]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    path = source_of(tmp_path, "t.json", trades(1, 2))
    assert counts(imported("ccxt", path, tmp_path / "logs", dry_run=True)) == (2, 2, 0, 0, 0, 0)
    assert not (tmp_path / "logs").exists()


def test_lines_of_the_bot_and_of_other_sources_are_left_alone(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    foreign = line(timestamp="2025-11-03T15:00:00Z", source="other", source_id="ETH/BTC:1")
    (logs / "2025-11-03.jsonl").write_bytes(foreign + b"\n" + line() + b"\n")
    found = imported("ccxt", source_of(tmp_path, "t.json", trades(1)), logs)
    assert counts(found) == (1, 1, 0, 0, 0, 0)
    content = (logs / "2025-11-03.jsonl").read_bytes()
    assert foreign + b"\n" in content
    assert line() + b"\n" in content


def test_what_is_in_an_archive_is_known_and_added_to(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    imported("ccxt", source_of(tmp_path, "t.json", trades(1)), logs)
    plain = logs / "2025-11-03.jsonl"
    archive = logs / "2025-11-03.jsonl.gz"
    archive.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    found = imported("ccxt", source_of(tmp_path, "t.json", trades(1, 2)), logs)
    assert counts(found) == (2, 1, 1, 0, 0, 0)
    assert len(gzip.decompress(archive.read_bytes()).splitlines()) == 2
    assert not plain.exists()


def test_a_log_that_was_written_anew_with_other_spaces_holds_the_same(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    path = source_of(tmp_path, "t.json", trades(1))
    imported("ccxt", path, logs)
    log = logs / "2025-11-03.jsonl"
    log.write_text(json.dumps(json.loads(log.read_text()), sort_keys=True) + "\n")
    assert counts(imported("ccxt", path, logs)) == (1, 0, 1, 0, 0, 0)


def test_mode_and_account_are_those_that_the_operator_names(tmp_path: Path) -> None:
    path = source_of(tmp_path, "t.json", trades(1))
    imported("ccxt", path, tmp_path / "logs", ImportOptions(mode="PAPER", account="A-1"))
    (record,) = records_in(tmp_path / "logs")
    assert (record["execution_mode"], record["account_id"]) == ("PAPER", "A-1")


def test_a_source_that_is_not_there_keeps_no_other_from_being_imported(tmp_path: Path) -> None:
    paths = [tmp_path / "none.json", source_of(tmp_path, "t.json", trades(1))]
    found = imported("ccxt", paths, tmp_path / "logs")
    assert counts(found) == (1, 1, 0, 0, 0, 0)
    assert found.unreadable == [f"{paths[0]}: cannot be read: No such file or directory"]
    assert not found.succeeded


# --- imports that are killed, and several at once ---------------------------------------------

MANY: Final = often(4000, usual=1500)


def now_of_trades() -> datetime:
    """A moment at which the last days of the trades are today's and yesterday's."""
    return datetime(2025, 11, 3, 14, 30, tzinfo=UTC) + timedelta(minutes=MANY + 10)


def import_many(path: Path, logs: Path, replace: bool) -> None:
    imported("ccxt", path, logs, now=now_of_trades(), replace=replace)


def whole_records(logs: Path) -> list[dict[str, Any]]:
    """All lines; fails for half a line."""
    for log in logs.glob("*.jsonl"):
        content = log.read_bytes()
        assert not content or content.endswith(b"\n"), log
    return records_in(logs)


def test_an_import_killed_at_any_moment_leaves_whole_lines_and_the_next_completes_it(
    tmp_path: Path,
) -> None:
    path = source_of(tmp_path, "t.json", trades(*range(MANY)))
    began = 0.0
    for folder in ("warming up", "whole"):  # The first process waits for its server to start.
        began = time.monotonic()
        start(import_many, path, tmp_path / folder, False).join()
    took = time.monotonic() - began
    expected = records_in(tmp_path / "whole")
    assert len(expected) == MANY
    dice = random.Random(7)
    for attempt in range(often(60, usual=3)):
        logs = tmp_path / f"killed-{attempt}"
        process = start(import_many, path, logs, False)
        time.sleep(took * dice.uniform(0.1, 1.0))
        process.kill()
        process.join()
        left = len(whole_records(logs))
        found = imported("ccxt", path, logs, now=now_of_trades())
        assert counts(found) == (MANY, MANY - left, left, 0, 0, 0)
        assert sorted(ids(logs)) == sorted(record["source_id"] for record in expected)


def test_a_replacing_import_killed_at_any_moment_is_completed_by_the_next(tmp_path: Path) -> None:
    first = source_of(tmp_path, "a.json", trades(*range(MANY)))
    second = source_of(tmp_path, "b.json", trades(*range(MANY), price=1))
    dice = random.Random(8)
    for attempt in range(often(30, usual=1)):
        logs = tmp_path / f"killed-{attempt}"
        import_many(first, logs, False)
        process = start(import_many, second, logs, True)
        time.sleep(dice.uniform(0.05, 0.5))
        process.kill()
        process.join()
        import_many(second, logs, True)
        assert set(prices(logs)) == {"1"}
        assert len({*ids(logs)}) == len(ids(logs)) == MANY
        assert counts(imported("ccxt", second, logs, now=now_of_trades())) == (
            MANY,
            0,
            MANY,
            0,
            0,
            0,
        )


def append_as_a_bot(path: Path, count: int) -> None:
    with path.open("ab", buffering=0) as log:
        for number in range(count):
            log.write(line(order_id=f"bot-{number}") + b"\n")
            time.sleep(0.001)


def test_imports_at_once_beside_a_bot_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    today = logs / f"{now_of_trades().date()}.jsonl"
    bot = start(append_as_a_bot, today, 300)
    paths = [
        source_of(tmp_path, "a.json", trades(*range(MANY - 500))),
        source_of(tmp_path, "b.json", trades(*range(500, MANY))),
    ]
    importers = [start(import_many, path, logs, False) for path in paths]
    for process in (bot, *importers):
        process.join()
    records = whole_records(logs)
    bots = [record["order_id"] for record in records if "source" not in record]
    assert bots == [f"bot-{number}" for number in range(300)]
    theirs = [record["source_id"] for record in records if "source" in record]
    assert len(theirs) == len({*theirs}) == MANY


def test_a_source_that_grows_while_it_is_imported_is_complete_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    logs = tmp_path / "logs"
    written = 0
    for _ in range(20):
        with path.open("a") as file:
            for _ in range(25):
                written += 1
                file.write(json.dumps(ccxt_trade(written)) + "\n")
        imported("ccxt", path, logs)
    assert len({*ids(logs)}) == len(ids(logs)) == written
