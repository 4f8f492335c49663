"""What stands on disk: fresh or stale, damaged or gone, and what a summary makes of it."""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from performance_pipeline.domain import log_reading
from performance_pipeline.domain.trade_lines import parse_trade
from performance_pipeline.domain.trades import Trade
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.setting_values import SettingsError
from performance_pipeline.storage.files import write_atomically, write_if_changed
from performance_pipeline.storage.logs import (
    LogContent,
    LogFile,
    LogFolderError,
    UnreadableLogError,
    list_logs,
)
from performance_pipeline.storage.summaries import decode_summary, summary_name
from performance_pipeline_tests.support.lines import (
    BOM,
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    Place,
    log,
    opened,
    place,
    session,
    set_modified,
    win,
)

TOKYO = "Asia/Tokyo"
DAYS = [DAY - ONE_DAY, DAY, NEXT_DAY]
MIDDAY = datetime(2025, 6, 10, 12, tzinfo=UTC)
MUCH_LATER = LATER + 3 * ONE_DAY
A, B = session("1", "10")


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """Three days of logs, with an order that is carried over and a bad line."""
    found = place(tmp_path / "logs")
    found.write(
        DAYS[0],
        *session("1", "-2.5", day=DAYS[0], execution_mode="PAPER"),
        opened("3", f"{DAYS[0]}T20:00:00Z", order_id="o-1"),
    )
    found.write(DAYS[1], *session("10", "-20.25", "0"), b"not a trade")
    found.write(DAYS[2], *session("100", day=DAYS[2], order_id="o-1", account_id="U1"))
    return found


def elsewhere(here: Place) -> Place:
    """The same logs with an output folder where nothing was ever written."""
    return here.under(OUTPUT_DIR=str(here.log_dir.parent / "nothing here"))


def from_scratch(here: Place, *days: date) -> list[dict[str, Any]]:
    return elsewhere(here).documents(days or DAYS)


# --- a second run -----------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", TOKYO])
def test_a_second_run_leaves_every_file_as_it_was(here: Place, zone: str) -> None:
    here = here.under(SUMMARY_TIMEZONE=zone)
    here.materialize(*DAYS)
    written, times = here.written(), here.times()
    # Three aggregates, the index, and of 3 daily, 1 weekly, 1 monthly, 3 rolling both formats.
    assert len(written) == 3 + 1 + 2 * 8
    here.materialize(*DAYS, now=MUCH_LATER)
    assert here.written() == written
    assert here.times() == times


def test_files_stand_under_the_names_that_the_readme_gives(here: Place) -> None:
    here.materialize(DAY)
    assert sorted(here.written()) == [
        "aggregates/2025-06-10.json",
        "daily-summary-2025-06-10.json",
        "daily-summary-2025-06-10.md",
        "monthly-summary-2025-06-01.json",
        "monthly-summary-2025-06-01.md",
        "performance-index.json",
        "rolling-summary-2025-06-10.json",
        "rolling-summary-2025-06-10.md",
        "weekly-summary-2025-06-09.json",
        "weekly-summary-2025-06-09.md",
    ]


def test_only_what_a_changed_log_touches_is_written_again(here: Place) -> None:
    here.materialize(*DAYS)
    before = here.times()
    here.write(DAYS[2], *session("100", "1000", day=DAYS[2]))
    here.materialize(*DAYS, now=MUCH_LATER)
    changed = {name for name, when in here.times().items() if before[name] != when}
    assert changed == {
        f"aggregates/{DAYS[2]}.json",
        "performance-index.json",
        *(
            f"{name}.{ending}"
            for name in (
                f"daily-summary-{DAYS[2]}",
                f"rolling-summary-{DAYS[2]}",
                "weekly-summary-2025-06-09",
                "monthly-summary-2025-06-01",
            )
            for ending in ("json", "md")
        ),
    }


def test_a_summary_keeps_its_time_until_something_else_in_it_differs(here: Place) -> None:
    path = here.output / summary_name(Period.of(Window.DAILY, DAY))
    here.materialize(DAY)
    here.materialize(DAY, now=MUCH_LATER)
    assert decode_summary(path.read_bytes()).generated_at == LATER
    here.write(DAY, A)
    here.materialize(DAY, now=MUCH_LATER)
    stored = decode_summary(path.read_bytes())
    assert (stored.generated_at, stored.realized_pnl) == (MUCH_LATER, Decimal(1))


def test_a_summary_whose_markdown_was_deleted_gets_it_back(here: Place) -> None:
    here.materialize(DAY)
    written = here.written()
    for path in here.output.glob("*.md"):
        path.unlink()
    here.materialize(DAY, now=MUCH_LATER)
    assert here.written() == written


# --- stored aggregates: none, fresh, stale, damaged -------------------------------------------


def test_asking_writes_nothing(here: Place) -> None:
    assert len(here.documents(DAYS)) == 12
    assert not here.output.exists()
    here.materialize(DAY)
    written, times = here.written(), here.times()
    here.documents(DAYS, MUCH_LATER)
    assert (here.written(), here.times()) == (written, times)


@pytest.mark.parametrize("zone", ["UTC", TOKYO, "America/New_York"])
def test_a_summary_is_right_whatever_days_were_materialized(here: Place, zone: str) -> None:
    here = here.under(SUMMARY_TIMEZONE=zone)
    expected = from_scratch(here)
    for materialized in ([], DAYS[2:], DAYS[:1], DAYS):
        if materialized:
            here.materialize(*materialized)
        assert here.documents(DAYS) == expected


@pytest.mark.parametrize("zone", ["UTC", TOKYO])
def test_a_summary_is_right_over_stale_aggregates(here: Place, zone: str) -> None:
    here = here.under(SUMMARY_TIMEZONE=zone)
    here.materialize(*DAYS)
    before = here.documents(DAYS)
    here.write(DAY, *session("7", "-3"), opened(None, order_id="o-9"))
    changed = here.documents(DAYS)
    assert changed == from_scratch(here)
    assert changed != before
    assert here.summary(Window.WEEKLY, NEXT_DAY).realized_pnl == Decimal("102.5")


def text(content: str) -> Callable[[bytes], bytes]:
    return lambda _: content.encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": text(""),
    "cut in half": lambda content: content[: len(content) // 2],
    "cut by one bracket": lambda content: content.rstrip()[:-1],
    "zero bytes": lambda content: b"\0" * len(content),
    "zero bytes at its end": lambda content: content[:-20] + b"\0" * 20,
    "plain words": text("disk full"),
    "bad UTF-8 in a text": lambda content: content.replace(b"AAPL", b"AAP\xff").replace(
        b".jsonl", b".json\xff"
    ),
    "bad UTF-8 everywhere": lambda content: b"\xff" + content,
    "another byte order": lambda content: content.decode().encode("utf-16"),
    "JSON null": text("null"),
    "an array": text("[]"),
    "an object without fields": text("{}"),
    "of another shape": text('{"settings": {}, "date": "yesterday", "parts": 3}'),
    "twice": lambda content: content * 2,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", [f"aggregates/{DAY}.json", "performance-index.json"])
def test_a_damaged_file_costs_no_number_and_is_made_again(
    here: Place, name: str, damage: Callable[[bytes], bytes]
) -> None:
    here.materialize(DAY)
    written = here.written()
    (here.output / name).write_bytes(damage(written[name]))
    assert here.document(Window.WEEKLY) == elsewhere(here).document(Window.WEEKLY)
    here.materialize(DAY, now=MUCH_LATER)
    assert here.written() == written


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_summary_is_made_again(here: Place, damage: Callable[[bytes], bytes]) -> None:
    here.materialize(DAY)
    path = here.output / summary_name(Period.of(Window.DAILY, DAY))
    whole = decode_summary(path.read_bytes())
    path.write_bytes(damage(path.read_bytes()))
    here.materialize(DAY)
    assert decode_summary(path.read_bytes()) == whole


def test_an_aggregate_of_another_format_version_is_stale(here: Place) -> None:
    here.materialize(*DAYS)
    path = here.aggregate_path()
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b'"format_version":5', b'"format_version":1').replace(b"20.25", b"99.25")
    )
    assert path.read_bytes() != content
    assert here.documents(DAYS) == from_scratch(here)
    here.materialize(DAY)
    assert path.read_bytes() == content


def test_the_aggregate_of_another_day_under_this_ones_name_counts_for_nothing(
    here: Place,
) -> None:
    # In Tokyo both days take lines from the log of DAY, so the part of one would fit the other.
    here = here.under(SUMMARY_TIMEZONE=TOKYO)
    here.write(DAY, *session("5", hour=2), *session("50", hour=20))
    here.materialize(*DAYS)
    shutil.copy(here.aggregate_path(DAY), here.aggregate_path(NEXT_DAY))
    assert here.documents(DAYS) == from_scratch(here)


def test_a_stranger_among_the_aggregates_disturbs_nothing(here: Place) -> None:
    here.materialize(*DAYS)
    (here.output / "aggregates" / "notes.json").write_text("remember the milk")
    assert here.documents(DAYS) == from_scratch(here)
    (here.output / "performance-index.json").unlink()
    remove_logs(here)
    with pytest.raises(LogFolderError, match="holds no log, where 3 were read before"):
        here.tracker()


# --- settings ---------------------------------------------------------------------------------

CHANGES = {
    "zone": {"SUMMARY_TIMEZONE": TOKYO},
    "mode": {"EXECUTION_MODE": "LIVE"},
    "account": {"ACCOUNT": "U1"},
    "rolling window": {"ALERT_ROLLING_WINDOW": "2"},
    "calendar": {"MARKET_CALENDAR": "24/7"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_aggregates_made_under_other_settings_are_stale(
    here: Place, changes: dict[str, str]
) -> None:
    here.materialize(*DAYS)
    written = here.written()
    there = here.under(**changes)
    assert there.documents(DAYS) == from_scratch(there)
    there.materialize(*DAYS)
    assert there.documents(DAYS) == from_scratch(there)
    assert there.written()[f"aggregates/{DAY}.json"] != written[f"aggregates/{DAY}.json"]
    here.materialize(*DAYS)
    for name, content in written.items():
        if not name.startswith(("daily", "weekly", "monthly", "rolling")):
            assert here.written()[name] == content, name
    assert here.documents(DAYS) == from_scratch(here)


def test_settings_that_change_no_aggregate_make_none_stale(here: Place) -> None:
    here.materialize(*DAYS)
    times = here.times()
    there = here.under(START_DATE="2024-06-01", REFRESH_SECONDS="5", ALERT_LOOKBACK_DAYS="7")
    there.materialize(*DAYS, now=MUCH_LATER)
    assert here.times() == times


def test_every_aggregate_and_summary_remembers_its_settings(here: Place) -> None:
    there = here.under(
        SUMMARY_TIMEZONE=TOKYO,
        EXECUTION_MODE="LIVE",
        ACCOUNT="U1",
        ALERT_ROLLING_WINDOW="7",
        PAIRING="fifo",
        TRADE="flat",
        SHORT_SELLING="yes",
    )
    there.materialize(DAY)
    expected = {
        "format_version": 5,
        "timezone": TOKYO,
        "execution_mode": "LIVE",
        "account": hashlib.sha256(b"U1").hexdigest()[:12],
        "rolling_window": 7,
        "market_calendar": "none",
        "pairing": "fifo",
        "trade": "flat",
        "short_selling": "yes",
    }
    remembered = {
        name: json.loads(content)["settings"]
        for name, content in there.written().items()
        if name.endswith(".json") and not name.startswith(("performance-index", "fills/"))
    }
    # Under pairing also the day before, on which the positions of this one rest.
    assert len(remembered) == 6
    assert remembered == dict.fromkeys(remembered, expected)


# --- the index --------------------------------------------------------------------------------


def test_the_index_holds_what_each_log_looked_like(here: Place) -> None:
    here.write_bytes(NEXT_DAY, BOM + log(A) + B[:70])
    set_modified(here.path(NEXT_DAY), 1_750_000_000_123_456_789)
    here.materialize(NEXT_DAY, now=datetime(2025, 6, 11, 15, tzinfo=UTC))
    whole = BOM + log(A)
    index = json.loads(here.written()["performance-index.json"])
    assert list(index) == ["logs", "version", "settings", "days"]
    assert (index["version"], index["settings"]) == (1, here.tracker().settings.fingerprint)
    # Those of the day before stand beside it: what rests on all trades so far asked for them.
    assert index["logs"][f"{NEXT_DAY}.jsonl"] == {
        "size": len(whole) + 70,
        "modified_ns": 1_750_000_000_123_456_789,
        "digest": hashlib.sha256(whole).hexdigest(),
        "offset": len(whole),
    }
    logs = [[f"{NEXT_DAY}.jsonl", hashlib.sha256(whole).hexdigest()]]
    assert index["days"][str(NEXT_DAY)] == [logs, "", "", "1", "1", "Aw==", ["momentum"]]


def test_deleting_the_index_costs_no_number_and_no_byte(here: Place) -> None:
    here.materialize(*DAYS)
    written, times = here.written(), here.times()
    (here.output / "performance-index.json").unlink()
    assert here.documents(DAYS) == from_scratch(here)
    here.materialize(*DAYS, now=MUCH_LATER)
    assert here.written() == written
    del times["performance-index.json"]
    assert {name: here.times()[name] for name in times} == times


def test_deleting_the_index_forgets_no_log_that_disappeared(here: Place) -> None:
    here = here.under(MARKET_CALENDAR="24/7")
    now = datetime(2025, 6, 12, 12, tzinfo=UTC)
    here.path(DAY).unlink()
    here.materialize(*DAYS, now=now)
    here.path(DAYS[0]).unlink()
    # The oldest log is the one that was there: the day after it is missing.
    before = here.documents(DAYS, now)
    assert here.document(Window.WEEKLY, now=now)["data_quality"]["missing_days"] == [str(DAY)]
    (here.output / "performance-index.json").unlink()
    assert here.document(Window.WEEKLY, now=now)["data_quality"]["missing_days"] == [str(DAY)]
    assert here.documents(DAYS, now) == before


def test_two_runs_at_once_keep_each_others_entries(here: Place) -> None:
    first, second = here.tracker(), here.tracker()
    first.store.refresh(DAYS[0])
    second.store.refresh(DAYS[1])
    first.store.save_index()
    second.store.save_index()
    index = json.loads(here.written()["performance-index.json"])
    assert list(index["logs"]) == [f"{DAYS[0]}.jsonl", f"{DAYS[1]}.jsonl"]


# --- changed logs -----------------------------------------------------------------------------


def test_a_changed_log_of_the_same_size_is_noticed_by_its_time(here: Place) -> None:
    here.write(DAY, win("111"))
    here.materialize(*DAYS)
    before = here.path().stat()
    here.write(DAY, win("999"))
    set_modified(here.path(), before.st_mtime_ns + 1)
    assert here.path().stat().st_size == before.st_size
    assert here.summary().realized_pnl == 999
    here.materialize(*DAYS)
    assert here.summary().realized_pnl == 999
    assert here.documents(DAYS) == from_scratch(here)


def test_a_changed_log_of_an_older_time_is_noticed(here: Place) -> None:
    here.write(DAY, win("111"))
    here.materialize(*DAYS)
    here.write(DAY, win("999"))
    set_modified(here.path(), 1_000_000_000_000_000_000)
    assert here.summary().realized_pnl == 999


def test_a_longer_log_with_its_old_time_is_noticed(here: Place) -> None:
    here.materialize(*DAYS)
    before = here.path().stat().st_mtime_ns
    with here.path().open("ab") as file:
        file.write(log(win("1000", f"{DAY}T18:00:00Z")))
    set_modified(here.path(), before)
    assert here.summary().realized_pnl == Decimal("989.75")


def test_a_log_that_was_only_touched_changes_no_file_but_the_index(here: Place) -> None:
    here.materialize(*DAYS)
    times = here.times()
    set_modified(here.path(), here.path().stat().st_mtime_ns + 5_000_000_000)
    here.materialize(*DAYS, now=MUCH_LATER)
    assert {name for name, when in here.times().items() if times[name] != when} == {
        "performance-index.json"
    }


@pytest.mark.parametrize("zone", ["UTC", TOKYO])
def test_archiving_a_log_changes_no_number_and_no_byte_of_an_aggregate(
    here: Place, zone: str
) -> None:
    here = here.under(SUMMARY_TIMEZONE=zone)
    here.materialize(*DAYS)
    documents, times = here.documents(DAYS), here.times()
    for day in DAYS:
        here.archive(day)
    assert here.documents(DAYS) == documents
    here.materialize(*DAYS, now=MUCH_LATER)
    assert {name for name, when in here.times().items() if times[name] != when} == {
        "performance-index.json"
    }
    assert here.documents(DAYS) == documents == from_scratch(here)


def test_restoring_an_archived_log_changes_nothing_either(here: Place) -> None:
    plain = here.path().read_bytes()
    here.archive()
    here.materialize(*DAYS)
    aggregate = here.aggregate_path().read_bytes()
    here.write_bytes(DAY, plain)
    here.path().with_name(f"{DAY}.jsonl.gz").unlink()
    here.materialize(*DAYS)
    assert here.aggregate_path().read_bytes() == aggregate
    assert here.documents(DAYS) == from_scratch(here)


def finishing_the_last_line(path: Path, rest: bytes) -> Callable[[bytes], Trade]:
    """A parser that, at its first line, lets the bot write the `rest` of its last one."""

    def parse(one: bytes) -> Trade:
        if not path.read_bytes().endswith(rest):
            with path.open("ab") as file:
                file.write(rest)
        return parse_trade(one)

    return parse


def test_a_line_that_is_finished_while_its_log_is_read_is_not_cut_in_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place(tmp_path)
    path = here.write_bytes(DAY, log(A) + B[:100])
    monkeypatch.setattr(log_reading, "parse_trade", finishing_the_last_line(path, B[100:] + b"\n"))
    summary = here.summary(now=MIDDAY)
    assert summary.data_quality.rejected == 0
    assert summary.realized_pnl in (1, 11)
    monkeypatch.undo()
    assert here.summary(now=MIDDAY).realized_pnl == 11


def test_the_digest_is_of_whole_lines_also_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / f"{DAY}.jsonl"
    path.write_bytes(log(A) + B[:100])
    content = LogContent(LogFile(DAY, str(path), path.stat().st_size, 0), unfinished_tail=True)
    lines = content.lines()
    taken = [next(lines)]
    with path.open("ab") as file:
        file.write(B[100:] + b"\n")
    taken += lines
    assert taken in ([A + b"\n"], [A + b"\n", B + b"\n"])
    assert content.digest == hashlib.sha256(b"".join(taken)).hexdigest()
    assert content.length == len(b"".join(taken))


# --- logs that disappear ----------------------------------------------------------------------


def kept(*days: date) -> str:
    names = ", ".join(f"{day}.jsonl" for day in days)
    count = "1 log" if len(days) == 1 else f"{len(days)} logs"
    return f"{count} that disappeared: counted as last read ({names})."


@pytest.mark.parametrize(
    ("zone", "days_of_the_log"), [("UTC", [DAY]), (TOKYO, [DAY, NEXT_DAY])], ids=["UTC", "Tokyo"]
)
def test_a_log_that_disappears_keeps_its_day_and_the_summaries_warn(
    here: Place, zone: str, days_of_the_log: list[date]
) -> None:
    here = here.under(SUMMARY_TIMEZONE=zone)
    here.materialize(*DAYS)
    before, written = here.documents(DAYS), here.written()
    here.path().unlink()
    after = here.documents(DAYS)
    warnings = {
        (document["window"], document["ends_at"][:10]): document["data_quality"].pop("warnings")
        for document in after
    }
    for document in before:
        del document["data_quality"]["warnings"]
    assert after == before
    for day in DAYS:
        ends = str(day + ONE_DAY)
        assert (kept(DAY) in warnings["daily", ends]) == (day in days_of_the_log)
        # The rolling windows look back at every day up to their own.
        assert (kept(DAY) in warnings["rolling", ends]) == (day >= DAY)
    assert kept(DAY) in warnings["weekly", "2025-06-16"]
    assert kept(DAY) in warnings["monthly", "2025-07-01"]
    here.materialize(*DAYS, now=MUCH_LATER)
    for day in DAYS:
        assert here.written()[f"aggregates/{day}.json"] == written[f"aggregates/{day}.json"]


def test_a_log_that_comes_back_counts_again_and_the_warning_goes(here: Place) -> None:
    here.materialize(*DAYS)
    content = here.path().read_bytes()
    here.path().unlink()
    assert here.summary().data_quality.warnings == (kept(DAY),)
    here.write_bytes(DAY, content + log(win("1000", f"{DAY}T20:00:00Z")))
    assert here.summary().data_quality.warnings == ()
    assert here.documents(DAYS) == from_scratch(here)


def test_a_log_that_disappeared_is_not_a_missing_day(here: Place) -> None:
    here = here.under(MARKET_CALENDAR="24/7")
    here.materialize(*DAYS)
    here.path().unlink()
    quality = here.summary().data_quality
    assert (quality.missing_days, quality.warnings) == ((), (kept(DAY),))


def test_a_log_that_was_never_read_leaves_nothing_when_it_disappears(here: Place) -> None:
    here = here.under(MARKET_CALENDAR="24/7")
    here.materialize(DAYS[0], DAYS[2])
    here.path().unlink()
    quality = here.summary().data_quality
    assert (here.summary().total_trades, quality.warnings) == (0, ())
    assert (quality.missing_days, quality.status) == ((DAY,), "partial")


def test_a_log_that_disappeared_before_the_settings_changed_is_lost_and_said_to_be(
    here: Place,
) -> None:
    here.materialize(*DAYS)
    content = here.aggregate_path().read_bytes()
    here.path().unlink()
    there = here.under(ALERT_ROLLING_WINDOW="5")
    summary = there.summary()
    assert (summary.total_trades, summary.data_quality.status) == (0, "partial")
    assert summary.data_quality.warnings == (
        f"1 log that disappeared, last read under other settings: not counted ({DAY}.jsonl).",
    )
    # Its last trace is not overwritten, so that the old settings can still show it.
    there.materialize(*DAYS)
    assert here.aggregate_path().read_bytes() == content
    assert here.summary().total_trades == 3


def test_one_of_two_logs_of_a_day_may_disappear_and_the_other_grow(here: Place) -> None:
    here = here.under(SUMMARY_TIMEZONE=TOKYO)
    here.write(DAYS[1], *session("5", hour=20))  # the morning of NEXT_DAY in Tokyo
    here.write(DAYS[2], *session("50", day=DAYS[2], hour=2))
    here.materialize(*DAYS)
    assert here.summary(day=NEXT_DAY).realized_pnl == 55
    here.path(DAYS[1]).unlink()
    here.write(DAYS[2], *session("50", "500", day=DAYS[2], hour=2))
    for _ in range(2):
        summary = here.summary(day=NEXT_DAY)
        assert summary.realized_pnl == 555
        assert summary.data_quality.warnings == (kept(DAYS[1]),)
        here.materialize(*DAYS)


def test_an_empty_log_says_that_there_were_no_trades(here: Place) -> None:
    here = here.under(MARKET_CALENDAR="24/7")
    here.materialize(*DAYS)
    here.write_bytes(DAY, b"")
    summary = here.summary()
    assert (summary.total_trades, summary.realized_pnl) == (0, Decimal(0))
    assert summary.data_quality.missing_days == ()
    assert summary.data_quality.warnings == ()
    assert summary.data_quality.status == "complete"
    here.materialize(*DAYS)
    assert here.documents(DAYS) == from_scratch(here)


@pytest.mark.parametrize("content", [b"", b"\n", BOM, b" \r\n\n", BOM + b"\n"])
def test_a_log_without_a_record_is_a_day_without_trades(tmp_path: Path, content: bytes) -> None:
    here = place(tmp_path, MARKET_CALENDAR="24/7")
    here.write_bytes(DAY, content)
    quality = here.summary().data_quality
    assert (quality.status, quality.missing_days) == ("complete", ())
    assert (quality.accepted, quality.rejected) == (0, 0)
    assert here.summary().total_trades == 0


# --- an emptied folder ------------------------------------------------------------------------


def remove_logs(here: Place) -> None:
    for path in here.log_dir.glob("*.jsonl"):
        path.unlink()


@pytest.mark.parametrize("indexed", [True, False], ids=["with its index", "without its index"])
def test_an_emptied_folder_is_an_error_and_nothing_is_overwritten(
    here: Place, indexed: bool
) -> None:
    here.materialize(*DAYS)
    if not indexed:
        (here.output / "performance-index.json").unlink()
    written, times = here.written(), here.times()
    remove_logs(here)
    (here.log_dir / "performance-alerts.jsonl").write_bytes(b"")
    (here.log_dir / "2099-01-01.jsonl").write_bytes(log(A))
    with pytest.raises(LogFolderError) as caught:
        here.materialize(*DAYS)
    assert str(caught.value) == (
        f"PERFORMANCE_LOG_DIR={str(here.log_dir)!r}: holds no log, where 3 were read before"
        f" (the newest {DAYS[-1]}.jsonl); is the folder mounted? Nothing was overwritten"
    )
    assert (here.written(), here.times()) == (written, times)


def test_one_log_left_is_not_an_emptied_folder(here: Place) -> None:
    here.materialize(*DAYS)
    for day in DAYS[:2]:
        here.path(day).unlink()
    assert here.summary(Window.WEEKLY).data_quality.warnings[-1] == kept(*DAYS[:2])
    assert here.summary(Window.WEEKLY).total_trades == 6


def test_a_folder_that_never_held_a_log_has_no_trades(tmp_path: Path) -> None:
    here = place(tmp_path, MARKET_CALENDAR="24/7")
    for window in PARTITIONED_WINDOWS:
        document = here.document(window)
        assert document["total_trades"] == 0
        assert document["data_quality"]["missing_days"] == []
        assert document["data_quality"]["status"] == "complete"


def test_a_folder_that_is_not_there_is_named(here: Place) -> None:
    nowhere = here.log_dir / "nowhere"
    with pytest.raises(LogFolderError) as caught:
        here.under(LOG_DIR=str(nowhere)).tracker()
    assert str(caught.value) == (
        f"PERFORMANCE_LOG_DIR={str(nowhere)!r}: cannot be read (No such file or directory);"
        " accepted is an existing folder of trade logs"
    )


def test_a_file_in_place_of_the_folder_is_named(here: Place) -> None:
    with pytest.raises(LogFolderError, match="cannot be read \\(Not a directory\\)"):
        here.under(LOG_DIR=str(here.path()), OUTPUT_DIR=str(here.output)).tracker()


# --- missing days -----------------------------------------------------------------------------

HOLIDAY_WEEK = date(2025, 6, 30)  # a Monday; the Friday is Independence Day
HOLIDAY_LOGS = [date(2025, 6, 30), date(2025, 7, 3)]


@pytest.fixture
def holiday_week(tmp_path: Path) -> Place:
    found = place(tmp_path)
    for day in HOLIDAY_LOGS:
        found.write(day, *session("1", day=day))
    return found


@pytest.mark.parametrize(
    ("calendar", "now", "missing"),
    [
        pytest.param("XNYS", "2025-07-20T12:00Z", [1, 2], id="not the holiday, not the weekend"),
        pytest.param("24/7", "2025-07-20T12:00Z", [1, 2, 4, 5, 6], id="every day is a session"),
        pytest.param("none", "2025-07-20T12:00Z", [], id="no calendar"),
        pytest.param("XNYS", "2025-07-02T23:59:59.999999Z", [1], id="today is not missing"),
        pytest.param("XNYS", "2025-07-03T00:00Z", [1, 2], id="yesterday is"),
        pytest.param("24/7", "2025-07-05T00:00Z", [1, 2, 4], id="nor is the future"),
    ],
)
def test_a_session_that_is_over_without_a_log_is_missing(
    holiday_week: Place, calendar: str, now: str, missing: list[int]
) -> None:
    here = holiday_week.under(MARKET_CALENDAR=calendar)
    quality = here.summary(Window.WEEKLY, HOLIDAY_WEEK, datetime.fromisoformat(now)).data_quality
    assert quality.missing_days == tuple(date(2025, 7, day) for day in missing)
    assert quality.status == ("partial" if missing else "complete")


def test_nothing_is_missing_before_the_oldest_log(holiday_week: Place) -> None:
    here = holiday_week.under(MARKET_CALENDAR="24/7")
    june = here.summary(Window.MONTHLY, HOLIDAY_WEEK).data_quality
    assert (june.missing_days, june.status) == ((), "complete")
    assert here.summary(day=HOLIDAY_WEEK - ONE_DAY).data_quality.missing_days == ()


def test_nothing_is_missing_before_the_first_partition(holiday_week: Place) -> None:
    here = holiday_week.under(MARKET_CALENDAR="24/7", START_DATE="2025-07-02")
    week = here.summary(Window.WEEKLY, HOLIDAY_WEEK).data_quality
    assert week.missing_days == tuple(date(2025, 7, day) for day in (2, 4, 5, 6))


@pytest.mark.parametrize(
    ("now", "missing"),
    [("2025-07-01T23:59Z", []), ("2025-07-02T00:01Z", [date(2025, 7, 1)])],
    ids=["before midnight in UTC", "after it, with the day still running in New York"],
)
def test_it_is_the_utc_day_of_a_session_that_must_be_over(
    holiday_week: Place, now: str, missing: list[date]
) -> None:
    here = holiday_week.under(MARKET_CALENDAR="24/7", SUMMARY_TIMEZONE="America/New_York")
    week = here.summary(Window.WEEKLY, HOLIDAY_WEEK, datetime.fromisoformat(now))
    assert list(week.data_quality.missing_days) == missing


def test_an_archived_log_is_not_missing(holiday_week: Place) -> None:
    here = holiday_week.under(MARKET_CALENDAR="24/7")
    here.archive(HOLIDAY_LOGS[1])
    week = here.summary(Window.WEEKLY, HOLIDAY_WEEK).data_quality
    assert week.missing_days == tuple(date(2025, 7, day) for day in (1, 2, 4, 5, 6))


def test_an_unknown_calendar_is_named_with_what_is_accepted(holiday_week: Place) -> None:
    with pytest.raises(SettingsError) as caught:
        holiday_week.under(MARKET_CALENDAR="WALLST").tracker()
    assert str(caught.value) == (
        "PERFORMANCE_MARKET_CALENDAR='WALLST' cannot be used: accepted is an exchange calendar"
        " code such as XNYS, XLON or 24/7, or none"
    )


# --- which files are logs ---------------------------------------------------------------------


def test_only_files_named_for_a_past_day_are_trade_logs(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(DAY, A)
    for name in (
        "performance-alerts.jsonl",
        f"{DAY}.jsonl.bak",
        f"{DAY}.jsonl.gz.tmp",
        f"x{NEXT_DAY}.jsonl",
        f"{NEXT_DAY}.json",
        f"{NEXT_DAY}.JSONL",
        "2025-6-11.jsonl",
        "20250611.jsonl",
        "trades.jsonl",
        f".{NEXT_DAY}.jsonl",
        "\u0662\u0660\u0662\u0665-06-11.jsonl",
    ):
        (tmp_path / name).write_bytes(log(B))
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / f"{NEXT_DAY}.jsonl").write_bytes(log(B))
    listing = list_logs(tmp_path, LATER.date())
    assert list(listing.files) == [DAY]
    assert (listing.ignored, listing.archived_twins) == ((), frozenset())
    assert here.summary(Window.MONTHLY).realized_pnl == 1


def test_a_name_that_is_no_date_or_lies_in_the_future_is_a_warning_and_not_read(
    tmp_path: Path,
) -> None:
    here = place(tmp_path)
    for name in ("2025-02-30.jsonl", "2025-13-01.jsonl.gz", "0000-01-01.jsonl"):
        (tmp_path / name).write_bytes(log(A))
    here.write(DAY, A)
    here.write(NEXT_DAY, B)
    listing = list_logs(tmp_path, DAY)
    assert list(listing.files) == [DAY]
    assert listing.ignored == (
        "0000-01-01.jsonl: the name is no date; it is not read",
        "2025-02-30.jsonl: the name is no date; it is not read",
        f"{NEXT_DAY}.jsonl: dated in the future; it is not read",
        "2025-13-01.jsonl.gz: the name is no date; it is not read",
    )
    assert here.summary(Window.WEEKLY, now=MIDDAY).realized_pnl == 1


def test_tomorrows_log_is_read_from_midnight_in_utc_on(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.write(NEXT_DAY, win("5", f"{NEXT_DAY}T00:00:00Z"))
    midnight = datetime(2025, 6, 11, tzinfo=UTC)
    before = midnight - timedelta(microseconds=1)
    assert here.summary(Window.ROLLING, NEXT_DAY, before).total_trades == 0
    assert here.summary(Window.ROLLING, NEXT_DAY, midnight).total_trades == 1


# --- unreadable logs --------------------------------------------------------------------------


def a_directory(path: Path) -> Path:
    path.unlink()
    path.mkdir()
    return path


def archived_as(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        archive = path.with_name(f"{path.name}.gz")
        archive.write_bytes(change(gzip.compress(path.read_bytes())))
        path.unlink()
        return archive

    return make


def a_link_to(target: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.unlink()
        path.symlink_to(path.with_name(target))
        return path

    return make


UNREADABLE: dict[str, Callable[[Path], Path]] = {
    "a directory": a_directory,
    "an archive cut in half": archived_as(lambda content: content[: len(content) // 2]),
    "an archive without its last byte": archived_as(lambda content: content[:-1]),
    "an archive without its check sum": archived_as(lambda content: content[:-8]),
    "an archive cut in its header": archived_as(lambda content: content[:5]),
    "an archive cut to nothing": archived_as(lambda content: content[:0]),
    "an archive that is none": archived_as(lambda content: b"not an archive" + content),
    "an archive with a flipped byte": archived_as(
        lambda content: content[:60] + bytes([content[60] ^ 0x55]) + content[61:]
    ),
    "an archive followed by rubbish": archived_as(lambda content: content + b"rubbish"),
    "a link to itself": a_link_to(f"{DAY}.jsonl"),
    "a link to nowhere": a_link_to("unmounted.jsonl"),
}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_a_log_that_cannot_be_read_is_an_error_that_names_it(
    here: Place, spoil: Callable[[Path], Path]
) -> None:
    path = spoil(here.path())
    with pytest.raises(UnreadableLogError) as caught:
        here.summary()
    assert str(caught.value).startswith(f"{path}: cannot be read (")
    assert "\n" not in str(caught.value)
    with pytest.raises(UnreadableLogError, match=path.name):
        here.summary(Window.WEEKLY)


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_days_that_do_not_need_an_unreadable_log_go_on(
    here: Place, spoil: Callable[[Path], Path]
) -> None:
    spoil(here.path())
    tracker = here.tracker()
    found = {day: tracker.store.refresh(day).aggregate for day in (DAYS[0], DAYS[2])}
    assert [part.stats.total_trades for part in found.values()] == [2, 1]
    assert here.summary(day=DAYS[0]).total_trades == 2


@pytest.mark.parametrize(
    "spoil",
    [pytest.param(spoil, id=name) for name, spoil in UNREADABLE.items() if "link" not in name],
)
def test_a_log_that_became_unreadable_overwrites_nothing(
    here: Place, spoil: Callable[[Path], Path]
) -> None:
    here.materialize(*DAYS)
    written = here.written()
    spoil(here.path())
    with pytest.raises(UnreadableLogError):
        here.materialize(*DAYS)
    assert here.written() == written


# --- how files are written --------------------------------------------------------------------


@pytest.fixture(params=[0o022, 0o027, 0o077, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask: int = request.param
    before = os.umask(mask)
    yield mask
    os.umask(before)


def test_every_file_has_the_permissions_that_the_umask_gives(here: Place, umask: int) -> None:
    here.materialize(*DAYS)
    modes = {path: path.stat().st_mode & 0o777 for path in here.output.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o666 & ~umask}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o777 & ~umask}
    assert here.output.stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_write_that_fails_leaves_the_old_file_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.json"
    write_atomically(path, b"old")

    def fail(self: Path, target: Path) -> Path:
        assert self.read_bytes() == b"new"
        assert target == path
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]
    assert path.read_bytes() == b"old"


def test_an_equal_file_is_left_alone_and_another_one_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.json"
    assert write_if_changed(path, b"one") is True
    set_modified(path, 1_700_000_000_000_000_000)
    assert write_if_changed(path, b"one") is False
    assert path.stat().st_mtime_ns == 1_700_000_000_000_000_000
    assert write_if_changed(path, b"two") is True
    assert path.read_bytes() == b"two"


def test_no_half_written_file_is_left_after_a_run(here: Place) -> None:
    here.materialize(*DAYS)
    assert list(here.output.rglob("*.partial")) == []
