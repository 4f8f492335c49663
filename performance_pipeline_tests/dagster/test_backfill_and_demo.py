"""The commands that run Dagster, as their caller meets them: what they write, and what they say."""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline.commands import demo
from performance_pipeline.commands.demo import demo_environment
from performance_pipeline.commands.dev import take_environment
from performance_pipeline_tests.support.command_line import (
    ACCOUNT,
    LAST_DAY,
    QUICK_PROGRAM,
    Ran,
    Run,
    assert_no_account_in,
    days_from,
    everything_in,
    run_process,
    three_days,
)
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, Place, loss
from performance_pipeline_tests.support.runs import materializations, shown


@dataclass(frozen=True)
class Backfilled:
    """The logs of one backfill, shared by tests that only look, and how it ended."""

    logs: Place
    ran: Ran


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Backfilled:
    logs = three_days(tmp_path_factory.mktemp("backfilled"))
    ran = run_process(logs, "backfill", *days_from(DAY, NEXT_DAY), program=QUICK_PROGRAM)
    return Backfilled(logs, ran)


def test_backfill_materializes_days_and_the_weeks_and_months_they_touch(
    backfilled: Backfilled,
) -> None:
    output = backfilled.logs.output
    names = {path.stem for path in output.glob("*-summary-*.json")}
    assert (backfilled.ran.status, backfilled.ran.out) == (0, "")
    assert names == {
        "daily-summary-2025-06-10",
        "daily-summary-2025-06-11",
        "weekly-summary-2025-06-09",
        "monthly-summary-2025-06-01",
        "rolling-summary-2025-06-10",
        "rolling-summary-2025-06-11",
    }
    assert {path.stem for path in output.glob("*-summary-*.md")} == names
    aggregates = {path.name for path in (output / "aggregates").iterdir()}
    assert aggregates == {"2025-06-10.json", "2025-06-11.json"}


def test_backfill_says_which_lines_were_rejected_and_what_it_made_and_nothing_of_dagster(
    backfilled: Backfilled,
) -> None:
    *rejected, made = backfilled.ran.err.splitlines()
    assert rejected == [
        "2025-06-11: 3 rejected lines",
        "2025-06-11.jsonl:1: price: not a number",
        "2025-06-11.jsonl:3: line: not valid JSON",
        "2025-06-11.jsonl:4: account_id: not a string",
    ]
    # 2 aggregates, 2 days, a week, a month and 2 rolling days.
    assert made.startswith("8 partitions of 2025-06-10 to 2025-06-11 in ")
    assert made.endswith(f" s, in {backfilled.logs.output}")


def test_backfill_makes_its_dagster_home_in_the_output_folder(backfilled: Backfilled) -> None:
    assert (backfilled.logs.output / "dagster" / "dagster.yaml").is_file()


@pytest.mark.parametrize("window", ["daily", "weekly", "monthly", "rolling"])
def test_what_backfill_writes_is_what_summary_prints(
    run: Run, backfilled: Backfilled, window: str
) -> None:
    printed = run(
        "summary", "--window", window, "--date", str(NEXT_DAY), "--json", under=backfilled.logs
    )
    key = {"weekly": "2025-06-09", "monthly": "2025-06-01"}.get(window, str(NEXT_DAY))
    written = backfilled.logs.output / f"{window}-summary-{key}.json"
    assert json.loads(printed.out) | {"generated_at": ""} == (
        json.loads(written.read_bytes()) | {"generated_at": ""}
    )


def test_verify_of_what_backfill_made_finds_no_difference_and_writes_nothing(
    run: Run, backfilled: Backfilled
) -> None:
    before = everything_in(backfilled.logs.log_dir)
    ran = run("verify", *days_from(DAY, NEXT_DAY), under=backfilled.logs)
    # 2 days, a week, a month and 2 rolling days.
    assert ran == Ran(0, "6 summaries of 2025-06-10 to 2025-06-11: 0 differences\n", "")
    assert everything_in(backfilled.logs.log_dir) == before


def test_backfill_names_the_log_that_cannot_be_read_and_does_the_other_days(
    run: Run, logs: Place
) -> None:
    logs.path(NEXT_DAY).unlink()
    logs.path(NEXT_DAY).mkdir()
    ran = run("backfill", *days_from(DAY, LAST_DAY))
    [error] = [row for row in ran.err.splitlines() if row.startswith("error: ")]
    assert ran.status == 1
    assert f"{NEXT_DAY}: {logs.path(NEXT_DAY)}: cannot be read (Is a directory)" in error
    assert "Traceback" not in ran.err
    made = {path.name for path in logs.output.glob("daily-summary-*.json")}
    assert made == {f"daily-summary-{day}.json" for day in (DAY, LAST_DAY)}


def test_demo_works_in_its_own_folder_whatever_the_settings_are(
    run: Run, logs: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "DEMO_DAYS", 14)  # the last full week, and this one
    today = datetime.now(UTC).date()
    of_an_earlier_demo = Path("demo", "logs", f"{today}.jsonl")
    of_an_earlier_demo.parent.mkdir(parents=True)
    of_an_earlier_demo.write_bytes(loss("-1", f"{today}T00:00:00Z") + b"\n")
    kept = of_an_earlier_demo.read_bytes()
    before = everything_in(logs.log_dir)
    caller = logs.under(
        OUTPUT_DIR=str(tmp_path / "output"),
        ALERT_LOG=str(tmp_path / "alerts.jsonl"),
        SUMMARY_TIMEZONE="Asia/Tokyo",
        START_DATE="2099-01-01",
        EXECUTION_MODE="LIVE",
        ACCOUNT="nobody",
        ALERT_ROLLING_WINDOW="3",
    )
    ran = run("demo", under=caller)
    assert ran.status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"here", "logs", "targets.yaml"}
    assert everything_in(logs.log_dir) == before
    assert [path.name for path in Path().iterdir()] == ["demo"]
    assert of_an_earlier_demo.read_bytes() == kept
    # Every fill of the ten days beside them is one of a pair, or still held.
    for log in Path("demo/fills").iterdir():
        lines = log.read_text(encoding="utf-8").splitlines()
        assert {json.loads(line)["outcome"] for line in lines} == {"open"}, log
    assert re.search(r"PERFORMANCE_PAIRING=fifo:\n  [1-9]\d* closed trades, win rate", ran.out)
    assert "Held at the end: " in ran.out
    command = ran.out.partition("\n  PERFORMANCE_LOG_DIR=demo/fills ")[2].splitlines()[0]
    settings, arguments = command.split(" performance-pipeline ")
    name, _, value = settings.partition("=")
    fills = Place(Path("demo/fills"), {name: value, "PERFORMANCE_LOG_DIR": "demo/fills"})
    paired = run(*arguments.split(), "--json", under=fills)
    assert json.loads(paired.out)["data_quality"]["unmatched_exits"] == 0
    summaries = [
        json.loads(path.read_bytes()) for path in Path("demo").rglob("daily-summary-*.json")
    ]
    first = min(path.stem for path in Path("demo/logs").glob("????-??-??.jsonl"))
    days = (today - date.fromisoformat(first)).days + 1
    assert 12 <= days <= 14  # no partition before the first log, and weekends have none
    assert len(summaries) == days
    assert {document["timezone"] for document in summaries} == {"UTC"}
    assert {document["settings"]["rolling_window"] for document in summaries} == {20}
    assert sum(document["total_trades"] for document in summaries) > 0
    assert "\nMetrics\n" in ran.out
    assert demo_environment(Path("demo"))["PERFORMANCE_START_DATE"] == first
    with dg.DagsterInstance.from_config("demo/logs/performance/dagster") as instance:
        for name in ("trade_log", "daily_aggregate", "daily_summary", "rolling_summary"):
            assert len(materializations(instance, name)) == days, name
        [targets] = materializations(instance, "performance_targets")
        [alerts] = materializations(instance, "performance_alerts")
        [report] = materializations(instance, "performance_report")
        judged = [one.storage_id for one in materializations(instance, "weekly_summary")]
    # In another order the UI marks what was made later as made from older inputs.
    assert targets.storage_id < min(judged) < alerts.storage_id < report.storage_id
    assert shown(targets.metadata)["targets"]
    assert shown(report.metadata)["headline"].startswith("![Equity curve of ")


@pytest.mark.parametrize(
    ("said", "zone", "first"),
    [
        ({}, None, "2026-03-02"),
        ({"LOG_DIR": "demo/logs"}, "Asia/Tokyo", "2026-03-02"),
        ({"LOG_DIR": "demo/logs", "START_DATE": "2026-01-01"}, "Asia/Tokyo", "2026-01-01"),
        ({"LOG_DIR": "elsewhere"}, "Asia/Tokyo", None),
    ],
    ids=["unset", "named", "named with its own date", "other logs"],
)
def test_dev_begins_the_partitions_of_the_demo_with_its_first_log_also_when_it_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, str],
    zone: str | None,
    first: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    log = Path("demo", "logs", "2026-03-02.jsonl")
    log.parent.mkdir(parents=True)
    log.touch()
    environment = {
        "PERFORMANCE_SUMMARY_TIMEZONE": "Asia/Tokyo",
        **{f"PERFORMANCE_{name}": value for name, value in said.items()},
    }
    monkeypatch.setattr(os, "environ", environment)
    take_environment()
    assert environment["PERFORMANCE_LOG_DIR"] == said.get("LOG_DIR", "demo/logs")
    assert environment.get("PERFORMANCE_SUMMARY_TIMEZONE") == zone
    assert environment.get("PERFORMANCE_START_DATE") == first


def test_backfill_names_an_account_in_no_file_and_not_in_the_dagster_home_that_is_set(
    run: Run,
    backfilled: Backfilled,
    logs: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    ran = run("backfill", *days_from(DAY, NEXT_DAY), under=logs.under(ACCOUNT=ACCOUNT))
    assert ran.status == 0
    assert (home / "history").is_dir()
    assert not (logs.output / "dagster").exists()
    assert_no_account_in(
        [ran, backfilled.ran],
        {
            path
            for folder in (home, logs.output, backfilled.logs.output)
            for path in folder.rglob("*")
            if path.is_file()
        },
    )
