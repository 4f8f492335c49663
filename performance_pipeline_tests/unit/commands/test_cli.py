"""The command line as its caller meets it: exit status, both streams, and what it leaves behind."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import pytest

from performance_pipeline import cli
from performance_pipeline.cli.alert_commands import alerts
from performance_pipeline.cli.target_commands import targets
from performance_pipeline.commands import backfill
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline_tests.support.command_line import (
    ACCOUNT,
    FIRST_PARTITION,
    LAST_DAY,
    SECRET,
    Ran,
    Run,
    assert_no_account_in,
    days_from,
    everything_in,
    run_process,
    shown_on,
)
from performance_pipeline_tests.support.lines import (
    DAY,
    EASY_TARGETS,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.local import LocalSettings
from performance_pipeline_tests.support.schemas import validator

# --- summary ----------------------------------------------------------------------------------

ASKED: Final = {
    "daily": ("--window", "daily", "--date", str(NEXT_DAY)),
    "weekly": ("--window", "weekly", "--date", str(DAY)),
    "monthly": ("--window", "monthly", "--date", str(DAY)),
    "rolling": ("--window", "rolling", "--date", str(LAST_DAY)),
    "range": days_from(DAY, LAST_DAY),
}


@pytest.mark.parametrize(
    ("window", "first", "last", "trades", "pnl"),
    [
        ("daily", "2025-06-11", "2025-06-11", 1, "-7"),
        ("weekly", "2025-06-09", "2025-06-15", 6, "1.75"),
        ("monthly", "2025-06-01", "2025-06-30", 6, "1.75"),
        ("rolling", "2025-06-10", "2025-06-12", 6, "1.75"),
        ("range", "2025-06-10", "2025-06-12", 6, "1.75"),
    ],
)
def test_summary_prints_one_window_as_json_and_nothing_else(
    run: Run, window: str, first: str, last: str, trades: int, pnl: str
) -> None:
    ran = run("summary", *ASKED[window], "--json")
    assert (ran.status, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert [document["window"], document["start_date"], document["end_date"]] == [
        window,
        first,
        last,
    ]
    assert [document["total_trades"], document["realized_pnl"]] == [trades, pnl]


@pytest.mark.parametrize("window", ASKED)
def test_summary_prints_the_markdown_with_its_five_sections(run: Run, window: str) -> None:
    markdown = run("summary", *ASKED[window], "--markdown")
    assert (markdown.status, markdown.err) == (0, "")
    headings = [row for row in markdown.out.splitlines() if row.startswith("## ")]
    assert headings == [
        "## Overview",
        "## Metrics",
        "## Targets",
        "## Breakdown",
        "## Data quality",
    ]


def test_summary_of_no_date_is_today(run: Run) -> None:
    before = datetime.now(UTC).date()
    document = json.loads(run("summary", "--window", "daily", "--json").out)
    assert before <= date.fromisoformat(document["start_date"]) <= datetime.now(UTC).date()
    assert document["total_trades"] == 0
    assert "No trades in window" in run("summary", "--window", "daily").out


@pytest.mark.parametrize("date_of", [(), ("--date", str(NEXT_DAY))], ids=["today", "a day"])
@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)], ids=["text", "json", "md"])
def test_summary_without_a_window_is_the_daily_one(
    run: Run, form: tuple[str, ...], date_of: tuple[str, ...]
) -> None:
    def of(*arguments: str) -> list[str]:
        ran = run("summary", *arguments, *date_of, *form)
        assert (ran.status, ran.err) == (0, "")
        return [row for row in ran.out.splitlines() if "enerated" not in row]

    assert of() == of("--window", "daily")


@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)], ids=["text", "json", "md"])
@pytest.mark.parametrize("window", ASKED)
def test_summary_writes_nothing(
    run: Run, tmp_path: Path, window: str, form: tuple[str, ...]
) -> None:
    before = everything_in(tmp_path)
    assert run("summary", *ASKED[window], *form).status == 0
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("window", ASKED)
def test_export_writes_the_json_and_the_markdown_that_are_printed(
    run: Run, tmp_path: Path, logs: Place, window: str
) -> None:
    before = everything_in(logs.log_dir)
    folder = tmp_path / "new" / "reports"
    as_json = run("summary", *ASKED[window], "--json", "--export", str(folder))
    as_markdown = run("summary", *ASKED[window], "--markdown", "--export", str(folder))
    assert {path.name.partition("-summary-")[0] for path in folder.iterdir()} == {window}
    written = {path.suffix: path.read_text() for path in folder.iterdir()}
    assert written == {".json": as_json.out, ".md": as_markdown.out}
    assert len(list(folder.iterdir())) == 2
    assert everything_in(logs.log_dir) == before


def test_summary_exits_2_when_a_target_is_breached(run: Run, tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text(EASY_TARGETS.replace("-1000000", "-6"))
    breached, met = (
        run("summary", "--window", "daily", "--date", str(day), "--json") for day in (NEXT_DAY, DAY)
    )
    assert [breached.status, met.status] == [2, 0]
    assert json.loads(breached.out)["alert_status"] == "WARN"
    assert breached.err == ""


def test_a_miss_that_may_be_luck_is_no_breach_for_whoever_asks_by_exit_status(
    run: Run, tmp_path: Path
) -> None:
    asked = ("summary", "--window", "daily", "--date", str(DAY), "--json")
    for confidence, status in (("", 2), ("alerts: {confidence: 0.95}\n", 0)):
        (tmp_path / "targets.yaml").write_text(f"win_rate_target: 90\n{confidence}")
        ran = run(*asked)
        assert ran.status == status
        [verdict] = json.loads(ran.out)["targets"]
        assert verdict["status"] == ("unsure" if confidence else "breached")


# --- ranges -----------------------------------------------------------------------------------


@pytest.fixture
def asked_of_backfill(monkeypatch: pytest.MonkeyPatch) -> list[tuple[date, date]]:
    """The ranges that `backfill` would backfill, which takes seconds, and here does not."""
    ranges: list[tuple[date, date]] = []

    def materialize_range(_: LocalSettings, first: date, last: date) -> None:
        ranges.append((first, last))

    monkeypatch.setattr(backfill, "materialize_range", materialize_range)
    return ranges


@pytest.mark.usefixtures("asked_of_backfill")
@pytest.mark.parametrize("command", ["summary", "verify", "backfill"])
def test_a_range_that_starts_too_early_is_clipped_with_a_notice(run: Run, command: str) -> None:
    ran = run(command, *days_from(date(2025, 5, 1), FIRST_PARTITION + ONE_DAY))
    notices = [row for row in ran.err.splitlines() if row.startswith("notice: ")]
    assert ran.status == 0
    assert notices == ["notice: 2025-05-01 is before the first partition; from 2025-06-04"]


def test_the_notice_of_clipping_does_not_spoil_the_json(run: Run) -> None:
    ran = run("summary", *days_from(date(2025, 5, 1), DAY), "--json")
    document = json.loads(ran.out)
    assert [document["start_date"], document["end_date"]] == ["2025-06-04", "2025-06-10"]
    assert document["starts_at"] == "2025-06-04T00:00:00Z"
    assert len(ran.err.splitlines()) == 1


def test_a_range_that_ends_in_the_future_is_clipped_to_today(run: Run) -> None:
    ran = run("summary", *days_from(DAY, date(9999, 12, 31)), "--json")
    assert ran.status == 0
    assert ran.err.startswith("notice: 9999-12-31 is in the future; to ")
    assert json.loads(ran.out)["total_trades"] == 6


def test_the_week_and_the_month_that_hold_the_first_partition_can_be_asked_for(run: Run) -> None:
    for window, key in (("weekly", "2025-06-02"), ("monthly", "2025-06-01")):
        ran = run("summary", "--window", window, "--date", key, "--json")
        assert ran.status == 0
        assert json.loads(ran.out)["start_date"] == key


@pytest.mark.parametrize("days", ["9999", "999999", "999999999"])
def test_more_days_than_there_are_start_at_the_oldest_log_with_one_notice(
    run: Run, asked_of_backfill: list[tuple[date, date]], days: str
) -> None:
    before = datetime.now(UTC).date()
    ran = run("backfill", "--days", days)
    [(first, last)] = asked_of_backfill
    assert (ran.status, ran.out) == (0, "")
    assert re.fullmatch(
        r"notice: \d{4}-\d\d-\d\d is before the oldest log; from 2025-06-10\n", ran.err
    )
    assert first == DAY
    assert before <= last <= datetime.now(UTC).date()


def test_a_number_of_days_that_reaches_before_the_first_partition_starts_there(
    run: Run, logs: Place, asked_of_backfill: list[tuple[date, date]]
) -> None:
    ran = run("backfill", "--days", "5000", under=logs.under(START_DATE=str(NEXT_DAY)))
    assert ran.err.endswith("is before the first partition; from 2025-06-11\n")
    assert ran.err.count("\n") == 1
    assert asked_of_backfill[0][0] == NEXT_DAY


def test_a_number_of_days_starts_at_the_first_trading_day_that_the_oldest_log_reaches(
    run: Run, logs: Place, asked_of_backfill: list[tuple[date, date]]
) -> None:
    run("backfill", "--days", "5000", under=logs.under(SUMMARY_TIMEZONE="America/New_York"))
    assert asked_of_backfill[0][0] == DAY - ONE_DAY


def test_a_start_that_is_named_may_lie_before_the_oldest_log(
    run: Run, asked_of_backfill: list[tuple[date, date]]
) -> None:
    ran = run("backfill", *days_from(FIRST_PARTITION, DAY))
    assert (ran.status, ran.err) == (0, "")
    assert asked_of_backfill == [(FIRST_PARTITION, DAY)]


def test_a_number_of_days_without_any_log_is_today_alone(
    run: Run, tmp_path: Path, asked_of_backfill: list[tuple[date, date]]
) -> None:
    empty = place(tmp_path / "empty")
    ran = run("backfill", "--days", "30", under=empty)
    assert (ran.status, ran.err) == (
        0,
        f"notice: {empty.log_dir} holds no log yet; only today\n",
    )
    [(first, last)] = asked_of_backfill
    assert first == last


@pytest.mark.parametrize("days", [1, 2, 30])
def test_a_number_of_days_ends_today_and_counts_it(
    run: Run, asked_of_backfill: list[tuple[date, date]], days: int
) -> None:
    before = datetime.now(UTC).date()
    assert run("backfill", "--days", str(days)).status == 0
    [(first, last)] = asked_of_backfill
    assert before <= last <= datetime.now(UTC).date()
    assert (last - first).days == days - 1


# --- bad input --------------------------------------------------------------------------------

BAD_ARGUMENTS: Final = [
    # unknown words
    ("sumary", "No such command 'sumary'."),
    ("summary --windows daily", "No such option '--windows'."),
    ("summary --window hourly", "Invalid value for '--window': 'hourly' is not one of"),
    ("summary --window daily extra", "Got unexpected extra argument (extra)"),
    ("summary --window daily --date", "Option '--date' requires an argument."),
    ("alerts mute", "No such command 'mute'."),
    ("alerts list --status new", "Invalid value for '--status': 'new' is not one of"),
    # too little, or too much
    ("summary --window range", "--window range needs --start and --end"),
    ("summary --start 2025-06-10", "give both --start and --end"),
    ("summary --end 2025-06-10", "give both --start and --end"),
    (
        "summary --date 2025-06-10 --start 2025-06-10 --end 2025-06-11",
        "give --date, or --start and --end, not both",
    ),
    *(
        (
            f"summary --window {window} --start 2025-06-10 --end 2025-06-11",
            "give --window, or --start and --end, not both",
        )
        for window in ("daily", "weekly", "monthly", "rolling")
    ),
    ("backfill", "give both --start and --end"),
    (
        "backfill --days 3 --start 2025-06-10 --end 2025-06-11",
        "give --days, or --start and --end, not both",
    ),
    ("sample-logs", "Missing option '--out'."),
    ("alerts ack", "give ids, or --all, --window or --metric"),
    # what is no date
    *(
        (
            f"summary --window daily --date {text}",
            f"Invalid value for '--date': '{text}' is no date; accepted is YYYY-MM-DD",
        )
        for text in ("tomorrow", "20250610", "2025-6-10", "2025-02-30", "2025-W24-2", "10.06.2025")
    ),
    ("verify --start 2025-13-01", "Invalid value for '--start': '2025-13-01' is no date"),
    ("backfill --start 2025-06-10 --end now", "Invalid value for '--end': 'now' is no date"),
    # days that cannot be asked for
    (
        "summary --window daily --date 2025-06-03",
        "2025-06-03 is before the first partition; accepted is 2025-06-04 (PERFORMANCE_START_DATE)"
        " or later",
    ),
    ("summary --window weekly --date 2025-06-01", "2025-06-01 is before the first partition"),
    ("summary --window monthly --date 2025-05-31", "2025-05-31 is before the first partition"),
    ("summary --window rolling --date 2025-06-03", "2025-06-03 is before the first partition"),
    *(
        (f"summary --window {window} --date {day}", f"{day} is {where}")
        for window in ("daily", "weekly", "monthly", "rolling")
        for day, where in (
            ("0001-01-01", "before the first partition"),
            ("2099-01-01", "in the future; today is"),
            ("9999-12-31", "in the future; today is"),
        )
    ),
    *(
        (f"{command} --start {start} --end {end}", f"{start} to {end} is {where}")
        for command in ("summary", "verify", "backfill")
        for start, end, where in (
            ("2025-05-01", "2025-06-03", "before the first partition; accepted is 2025-06-04"),
            ("0001-01-01", "0001-01-01", "before the first partition; accepted is 2025-06-04"),
            ("2099-01-01", "2099-01-31", "in the future; today is"),
        )
    ),
    *(
        (
            f"{command} --start 2025-06-12 --end 2025-06-10",
            "the range ends (2025-06-10) before it starts (2025-06-12)",
        )
        for command in ("summary", "verify", "backfill")
    ),
    ("verify --start 2099-01-01", "2099-01-01 to 2099-01-01 is in the future; today is"),
    # numbers out of range
    ("backfill --days 0", "Invalid value for '--days': 0 is not in the range x>=1."),
    ("backfill --days -3", "Invalid value for '--days': -3 is not in the range x>=1."),
    ("backfill --days ten", "Invalid value for '--days': 'ten' is not a valid integer"),
    ("sample-logs --out x --days 0", "Invalid value for '--days': 0 is not in the range x>=1."),
    ("sample-logs --out x --days 99999999", "days must be 1 to 36600, not 99999999"),
    ("sample-logs --out x --trades-per-day -1", "Invalid value for '--trades-per-day': -1 is not"),
    ("sample-logs --out x --seed seven", "Invalid value for '--seed': 'seven' is not a valid"),
    # what is not there
    ("alerts ack weekly-2025-06-09-win_rate-1", "weekly-2025-06-09-win_rate-1"),
]


@pytest.mark.parametrize(
    ("command", "complaint"), BAD_ARGUMENTS, ids=[command for command, _ in BAD_ARGUMENTS]
)
def test_a_usage_error_is_one_line_on_stderr_and_changes_nothing(
    run: Run, tmp_path: Path, command: str, complaint: str
) -> None:
    before = results_in(tmp_path)
    ran = run(*command.split())
    assert complaint in ran.complaint
    assert ran.out == ""
    assert results_in(tmp_path) == before


def results_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What a failed command must leave as it was; a lock that was held is no result."""
    return {
        name: content
        for name, content in everything_in(folder).items()
        if not name.endswith(".lock") and Path(folder, name).is_file()
    }


def test_today_before_the_first_partition_is_named_in_the_error(run: Run, logs: Place) -> None:
    complaint = run(
        "summary", "--window", "daily", under=logs.under(START_DATE="2099-01-01")
    ).complaint
    day, _, rest = complaint.partition(" ")
    assert date.fromisoformat(day) <= datetime.now(UTC).date()
    assert rest == (
        "is before the first partition; accepted is 2099-01-01 (PERFORMANCE_START_DATE) or later"
    )


def test_verify_with_a_first_partition_in_the_future_names_the_setting(
    run: Run, logs: Place
) -> None:
    under = logs.under(START_DATE="2099-01-01")
    expected = "is before the first partition; accepted is 2099-01-01 (PERFORMANCE_START_DATE)"
    assert expected in run("verify", under=under).complaint
    assert expected in run("verify", "--end", str(DAY), under=under).complaint
    asked = run("verify", "--start", "2099-02-01", under=under).complaint
    assert asked.startswith("2099-02-01 to 2099-02-01 is in the future; today is ")


def test_verify_up_to_a_day_before_the_oldest_log_looks_at_that_day(run: Run) -> None:
    ran = run("verify", "--end", str(FIRST_PARTITION))
    assert ran == Ran(0, "4 summaries of 2025-06-04 to 2025-06-04: 0 differences\n", "")


def test_a_range_may_be_asked_for_by_its_name(run: Run) -> None:
    ran = run("summary", "--window", "range", *days_from(DAY, LAST_DAY), "--json")
    assert ran.status == 0
    assert json.loads(ran.out)["window"] == "range"


A_DAY: Final = f"summary --window daily --date {DAY}"
A_BACKFILL: Final = f"backfill --start {DAY} --end {DAY}"
COMMANDS: Final = [A_DAY, f"verify --start {DAY} --end {DAY}", "doctor", A_BACKFILL]

BAD_SETTINGS: Final = [
    ("SUMMARY_TIMEZONE", "Mars/Olympus", "an IANA time zone such as UTC or America/New_York"),
    ("SUMMARY_TIMEZONE", "/etc/passwd", "an IANA time zone such as UTC or America/New_York"),
    ("SUMMARY_TIMEZONE", "America", "an IANA time zone such as UTC or America/New_York"),
    *(
        ("SUMMARY_TIMEZONE", name, "an IANA time zone such as UTC or America/New_York")
        for name in ("localtime", "posixrules", "posix/UTC", "right/UTC", "america/new_york")
    ),
    ("ALERT_ROLLING_WINDOW", "0", "a whole number from 1"),
    ("ALERT_ROLLING_WINDOW", "-5", "a whole number from 1"),
    ("ALERT_ROLLING_WINDOW", "1e2", "a whole number from 1"),
    ("ALERT_LOOKBACK_DAYS", "all", "a whole number from 0, or empty for no limit"),
    ("MARKET_CALENDAR", "XXXX", "an exchange calendar code such as XNYS, XLON or 24/7, or none"),
    ("REFRESH_SECONDS", "-1", "a whole number from 0"),
    ("EXECUTION_MODE", "Live", "ALL, LIVE, PAPER"),
    ("START_DATE", "2025-6-1", "a date, YYYY-MM-DD, from 1970-01-01 on"),
    ("START_DATE", "yesterday", "a date, YYYY-MM-DD, from 1970-01-01 on"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=[command.split()[0] for command in COMMANDS])
@pytest.mark.parametrize(("name", "value", "accepted"), BAD_SETTINGS)
def test_a_setting_that_cannot_be_used_is_one_line_naming_it(
    run: Run, logs: Place, tmp_path: Path, command: str, name: str, value: str, accepted: str
) -> None:
    before = everything_in(tmp_path)
    ran = run(*command.split(), under=logs.under(**{name: value}))
    expected = f"PERFORMANCE_{name}='{value}' cannot be used: accepted is {accepted}"
    assert ran.complaint == expected
    assert ran.out == ""
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    "zone", ["UTC", "Etc/UTC", "America/New_York", "US/Pacific", "America/Argentina/Ushuaia", "EST"]
)
def test_every_name_of_the_iana_database_is_a_time_zone(logs: Place, zone: str) -> None:
    assert logs.under(SUMMARY_TIMEZONE=zone).settings.timezone.key == zone


@pytest.mark.parametrize("command", COMMANDS, ids=[command.split()[0] for command in COMMANDS])
@pytest.mark.parametrize(
    ("name", "value"),
    [("LOG_DIR", "nowhere"), ("LOG_DIR", "logs/2025-06-10.jsonl")],
    ids=["no such folder", "a file"],
)
def test_a_log_folder_that_is_none_is_one_line_naming_the_setting(
    run: Run, logs: Place, tmp_path: Path, command: str, name: str, value: str
) -> None:
    before = everything_in(tmp_path)
    ran = run(*command.split(), under=logs.under(**{name: str(tmp_path / value)}))
    assert f"PERFORMANCE_{name}='{tmp_path / value}'" in ran.complaint
    assert "accepted is an existing folder of trade logs" in ran.complaint
    assert ran.out == ""
    assert everything_in(tmp_path) == before


def test_an_output_folder_that_is_a_file_is_one_line_naming_it(
    run: Run, logs: Place, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    ran = run(*A_BACKFILL.split(), under=logs.under(OUTPUT_DIR=str(tmp_path / "file")))
    assert str(tmp_path / "file") in ran.complaint
    assert (tmp_path / "file").read_text() == "mine"


def test_an_export_folder_that_is_a_file_is_one_line_naming_it(run: Run, tmp_path: Path) -> None:
    ran = run(*A_DAY.split(), "--export", str(tmp_path / "targets.yaml"))
    assert str(tmp_path / "targets.yaml") in ran.complaint
    assert (tmp_path / "targets.yaml").read_text() == EASY_TARGETS


def test_a_folder_that_lost_all_its_logs_is_an_error_and_keeps_its_results(
    run: Run, logs: Place
) -> None:
    logs.materialize(DAY, NEXT_DAY)
    for path in logs.log_dir.glob("*.jsonl"):
        path.unlink()
    before = everything_in(logs.log_dir)
    for command in (A_DAY, "doctor", A_BACKFILL):
        assert "holds no log, where 2 were read before" in run(*command.split()).complaint
    assert everything_in(logs.log_dir) == before


@pytest.mark.parametrize("home", ["relative", "/nowhere/at/all"])
def test_a_dagster_home_that_cannot_be_used_is_one_line_naming_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    complaint = run(*A_BACKFILL.split()).complaint
    assert complaint.startswith(f"DAGSTER_HOME='{home}' cannot be used: accepted is ")


@pytest.mark.parametrize("command", [A_DAY, f"verify --start {DAY} --end {DAY}"])
def test_an_unreadable_log_is_one_line_naming_it(
    run: Run, logs: Place, tmp_path: Path, command: str
) -> None:
    logs.path(DAY).unlink()
    logs.path(DAY).mkdir()  # no permission stops root from reading
    before = everything_in(tmp_path)
    ran = run(*command.split())
    assert ran.complaint == f"{logs.path(DAY)}: cannot be read (Is a directory)"
    assert ran.out == ""
    assert everything_in(tmp_path) == before


def test_an_unreadable_log_matters_only_to_the_windows_that_hold_it(run: Run, logs: Place) -> None:
    logs.path(LAST_DAY).unlink()
    logs.path(LAST_DAY).mkdir()
    assert run(*A_DAY.split()).status == 0
    assert run("summary", *ASKED["weekly"]).status == 1


# --- verify -----------------------------------------------------------------------------------


def test_verify_needs_no_aggregate_and_writes_none(run: Run, tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    ran = run("verify", *days_from(DAY, LAST_DAY))
    assert ran == Ran(0, "8 summaries of 2025-06-10 to 2025-06-12: 0 differences\n", "")
    assert everything_in(tmp_path) == before


def test_verify_of_no_range_goes_from_the_oldest_log_to_today(run: Run, logs: Place) -> None:
    for day in (DAY, NEXT_DAY, LAST_DAY):
        logs.path(day).unlink()
    yesterday = datetime.now(UTC).date() - ONE_DAY
    logs.write(yesterday, *session("1", day=yesterday))
    ran = run("verify")
    assert ran.status == 0
    assert f" summaries of {yesterday} to " in ran.out
    assert ran.out.endswith(": 0 differences\n")


def replaced(value: Any, old: str, new: str) -> Any:
    """A JSON document with every string `old` in it replaced."""
    if isinstance(value, dict):
        return {key: replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, old, new) for inner in value]
    return new if value == old else value


def test_verify_exits_2_and_names_each_field_that_a_tampered_aggregate_changes(
    run: Run, logs: Place
) -> None:
    logs.materialize(DAY, NEXT_DAY, LAST_DAY)
    path = logs.aggregate_path(DAY)
    stored = json.loads(path.read_bytes())
    # The wins of the day: 10.25 and 0.5. No other number of the day is their sum.
    tampered = replaced(stored, "10.75", "11.75")
    assert tampered != stored
    path.write_text(json.dumps(tampered))
    ran = run("verify", *days_from(DAY, LAST_DAY))
    assert (ran.status, ran.err) == (2, "")
    *differences, last = ran.out.splitlines()
    assert "daily 2025-06-10: gross_profit: recombined '11.75', recomputed '10.75'" in differences
    assert "weekly 2025-06-09: gross_profit: recombined '14.75', recomputed '13.75'" in differences
    assert last == f"8 summaries of 2025-06-10 to 2025-06-12: {len(differences)} differences"


def test_differences_go_to_stdout_also_while_a_bar_shows_on_the_terminal(logs: Place) -> None:
    logs.materialize(DAY, NEXT_DAY, LAST_DAY)
    path = logs.aggregate_path(DAY)
    path.write_text(path.read_text().replace('"10.75"', '"11.75"'))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "performance_pipeline", "verify", *days_from(DAY, LAST_DAY)],
        env={**os.environ, **logs.environment, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as verifying:
        os.close(theirs)
        shown = shown_on(ours)
        said, _ = verifying.communicate()
    assert verifying.returncode == 2
    assert b"daily 2025-06-10: gross_profit: recombined '11.75', recomputed '10.75'" in said
    assert "verify" in shown
    assert "8/8" in shown
    assert "/s" in shown


def test_verify_takes_an_aggregate_that_does_not_decode_as_missing(run: Run, logs: Place) -> None:
    logs.materialize(DAY)
    logs.aggregate_path(DAY).write_bytes(logs.aggregate_path(DAY).read_bytes()[:-20])
    assert run("verify", *days_from(DAY, DAY)).status == 0


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_lists_every_rejected_line_and_no_value(run: Run, logs: Place) -> None:
    logs.write(LAST_DAY, *[line(quantity=f"{SECRET}{number}") for number in range(30)], win("1"))
    ran = run("doctor")
    assert (ran.status, ran.err) == (0, "")
    listed = [row.strip() for row in ran.out.splitlines() if ".jsonl:" in row]
    assert listed == [
        "2025-06-11.jsonl:1: price: not a number",
        "2025-06-11.jsonl:3: line: not valid JSON",
        "2025-06-11.jsonl:4: account_id: not a string",
        *[f"2025-06-12.jsonl:{number}: quantity: not a number" for number in range(1, 31)],
    ]
    assert "Rejected lines: 33" in ran.out.splitlines()
    assert SECRET not in ran.out


def test_doctor_shows_every_setting_in_force(run: Run, logs: Place) -> None:
    under = logs.under(SUMMARY_TIMEZONE="Asia/Tokyo", ALERT_ROLLING_WINDOW="7", ACCOUNT=ACCOUNT)
    told = [row.strip() for row in run("doctor", under=under).out.splitlines()]
    settings = under.settings
    for name in (
        "log_dir",
        "output_dir",
        "alert_log",
        "targets_file",
        "timezone",
        "rolling_window",
        "market_calendar",
        "refresh_seconds",
        "execution_mode",
        "start_date",
    ):
        assert f"{name}: {getattr(settings, name)}" in told
    assert "lookback_days: none" in told
    assert not any(ACCOUNT in row for row in told)


def test_doctor_names_what_is_not_read_or_not_counted(run: Run, logs: Place) -> None:
    for name in ("2025-02-30", "2099-01-01", "2025-06-01", "2025-06-10-copy"):
        (logs.log_dir / f"{name}.jsonl").write_bytes(b"")
    told = [row.strip() for row in run("doctor").out.splitlines()]
    assert "2025-02-30.jsonl: the name is no date; it is not read" in told
    assert "2099-01-01.jsonl: dated in the future; it is not read" in told
    assert [row for row in told if row.startswith("2025-06-01.jsonl: older than the first")]
    assert not [row for row in told if "copy" in row]


def test_doctor_names_a_log_with_its_archive_beside_it(run: Run, logs: Place) -> None:
    logs.archive(DAY)
    logs.write(DAY, win("1"))
    told = [row.strip() for row in run("doctor").out.splitlines()]
    assert f"{DAY}.jsonl: exists both plain and as .gz; the plain one counts" in told


def test_doctor_names_a_log_that_cannot_be_read_after_looking_at_the_others(
    run: Run, logs: Place
) -> None:
    logs.path(DAY).unlink()
    logs.path(DAY).mkdir()
    ran = run("doctor")
    assert ran.complaint == f"1 logs cannot be read: {DAY}.jsonl"
    assert f"  {logs.path(DAY)}: cannot be read (Is a directory)" in ran.out.splitlines()
    assert "Rejected lines: 3" in ran.out.splitlines()


def test_doctor_writes_nothing(run: Run, tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    assert run("doctor").status == 0
    assert everything_in(tmp_path) == before


# --- sample logs ------------------------------------------------------------------------------


def test_sample_logs_writes_a_log_for_every_weekday_up_to_today(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "samples"
    before = datetime.now(UTC).date()
    options = ("--days", "14", "--trades-per-day", "3", "--seed", "11")
    ran = run("sample-logs", "--out", str(folder), *options)
    assert (ran.status, ran.out, ran.err) == (0, f"10 logs in {folder}\n", "")
    days = [date.fromisoformat(path.stem) for path in sorted(folder.iterdir())]
    assert len(days) == 10
    assert all(day.weekday() < 5 for day in days)
    assert before - timedelta(days=13) <= days[0]
    assert days[-1] <= datetime.now(UTC).date()


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_sample_logs_overwrites_nothing(run: Run, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    today = datetime.now(UTC).date()
    taken = [folder / f"{today - timedelta(days=ago)}{suffix}" for ago in range(7)]
    for path in taken:
        path.write_bytes(b"mine")
    before = everything_in(tmp_path)
    complaint = run("sample-logs", "--out", str(folder), "--days", "5").complaint
    assert str(folder) in complaint
    assert "exists already; sample logs overwrite nothing" in complaint
    assert everything_in(tmp_path) == before


# --- alerts explain ----------------------------------------------------------------------------

EXPLAINED: Final = "weekly-2025-06-09-avg_daily_pnl-1"


@pytest.mark.parametrize("columns", ["40", "200"])
def test_explain_goes_from_an_alert_to_its_log_lines(
    run: Run, logs: Place, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.settings.alert_log.write_text(alert_line(EXPLAINED, "raised"))
    monkeypatch.setattr("performance_pipeline.commands.screen.PIPED_WIDTH", int(columns))
    ran = run("alerts", "explain", EXPLAINED)
    assert (ran.status, ran.err) == (0, "")
    told = " ".join(ran.out.split())
    assert "Asked: P&L a day of the week of 2025-06-09 at least -6." in told
    assert "P&L a day 0.58, 6.58 against the target: 6 closed trades on 3 days" in told
    assert "It was -7.00 when the alert was raised." in told
    assert "The logs of that time have changed since" in told
    for place_of_a_trade in ("2025-06-10.jsonl:2", "2025-06-11.jsonl:2", "2025-06-12.jsonl:1"):
        assert place_of_a_trade in told


def test_explain_prints_the_document_and_nothing_else(run: Run, logs: Place) -> None:
    logs.settings.alert_log.write_text(alert_line(EXPLAINED, "raised"))
    ran = run("alerts", "explain", EXPLAINED, "--json")
    assert (ran.status, ran.err) == (0, "")
    document = json.loads(ran.out)
    validator("explanation").validate(document)
    assert document["found"]["realized_pnl"] == "1.75"
    assert [trade["line"] for trade in document["trades"]] == [1, 2, 3, 2, 1, 2]


def test_explain_names_the_nearest_id_of_one_that_is_unknown(run: Run, logs: Place) -> None:
    logs.settings.alert_log.write_text(alert_line(EXPLAINED, "raised"))
    ran = run("alerts", "explain", "weekly-2025-06-09-avg_daily_pl-1")
    assert ran.complaint == (
        f"'weekly-2025-06-09-avg_daily_pl-1' is no alert in the log; the nearest is {EXPLAINED}"
    )


# --- targets replay ----------------------------------------------------------------------------


def test_replay_shows_both_files_side_by_side_and_what_only_one_raises(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "given.yaml").write_text("daily_pl_target: 5\n")
    asked = ("targets", "replay", "--targets", str(tmp_path / "given.yaml"))
    ran = run(*asked, *days_from(DAY, LAST_DAY))
    assert ran.status == 0
    told = ran.out.splitlines()
    assert told[0] == "Alerts from 2025-06-10 to 2025-06-12"
    assert any(row.split() == ["daily", "P&L", "0", "2", "+2"] for row in told)
    assert "Only by the targets in force: 0" in told
    assert any(
        row.split() == ["daily-2025-06-11-realized_pnl-1", "WARN", "-7.00", "5.00"] for row in told
    )
    document = json.loads(run(*asked, *days_from(DAY, LAST_DAY), "--json").out)
    assert document["only_given"] == [alert["id"] for alert in document["given"]]


def test_replay_of_targets_that_judge_nothing_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "given.yaml").write_text("win_rate_target: sixty\n")
    ran = run("targets", "replay", "--targets", str(tmp_path / "given.yaml"))
    assert "given.yaml:1: win_rate_target" in ran.complaint
    ran = run("targets", "replay", "--targets", "not-there.yaml")
    assert ran.complaint == "not-there.yaml: there is no such file; accepted is a targets file"


# --- account ids ------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["", ACCOUNT], ids=["all accounts", "one account"])
def test_no_command_that_reads_names_an_account(
    run: Run, logs: Place, tmp_path: Path, account: str
) -> None:
    export = tmp_path / "export"
    commands = [
        *(
            ("summary", *asked, form, "--export", str(export))
            for asked in ASKED.values()
            for form in ("--json", "--markdown")
        ),
        ("verify", *days_from(DAY, NEXT_DAY)),
        ("doctor",),
        ("alerts", "list", "--all", "--json"),
        ("alerts", "explain", EXPLAINED),
        ("alerts", "explain", EXPLAINED, "--json"),
    ]
    logs.settings.alert_log.write_text(alert_line(EXPLAINED, "raised"))
    said = [run(*command, under=logs.under(ACCOUNT=account)) for command in commands]
    assert {ran.status for ran in said} == {0}
    assert_no_account_in(said, set(export.iterdir()))
    [week] = [json.loads(path.read_bytes()) for path in export.glob("weekly-*.json")]
    assert week["total_trades"] == (5 if account else 6)


# --- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(run: Run, shell: str) -> None:
    ran = run("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    assert f"_PERFORMANCE_PIPELINE_COMPLETE={shell}_complete" in ran.out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("summary --window ''", "daily weekly monthly rolling range"),
        ("summary --window m", "monthly"),
        ("alerts l", "list"),
        ("alerts ack ''", "daily-2025-06-11-max_drawdown-1 weekly-2025-06-09-win_rate-1"),
        ("alerts ack w", "weekly-2025-06-09-win_rate-1"),
        ("alerts explain daily-2025-06-10", "daily-2025-06-10-win_rate-1"),
    ],
)
def test_bash_completes_words_with_the_script_that_is_printed(
    logs: Place, typed: str, offered: str
) -> None:
    told = [
        ("daily-2025-06-11-max_drawdown-1", "raised"),
        ("daily-2025-06-10-win_rate-1", "resolved"),
        ("weekly-2025-06-09-win_rate-1", "acknowledged"),
    ]
    logs.settings.alert_log.write_text("".join(alert_line(*one) for one in told))
    program = Path(sys.executable).with_name("performance-pipeline")
    script = f"""
PATH={program.parent}:$PATH
eval "$(performance-pipeline completion bash)"
COMP_WORDS=(performance-pipeline {typed})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_performance_pipeline_completion performance-pipeline
echo "${{COMPREPLY[@]}}"
"""
    assert run_process(logs, "-c", script, program=("bash", "--norc")) == Ran(0, f"{offered}\n", "")


def test_completion_of_alert_ids_keeps_quiet_about_a_log_that_cannot_be_read(
    run: Run, logs: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.settings.alert_log.write_text("by hand\n")
    monkeypatch.setenv("_PERFORMANCE_PIPELINE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "performance-pipeline alerts ack ")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert run() == Ran(0, "\n", "")


def alert_line(key: str, status: str) -> str:
    window, *day, metric, _ = key.split("-")
    first = "-".join(day)
    return (
        json.dumps(
            {
                "event": "performance.alert",
                "id": key,
                "status": status,
                "window": window,
                "period": first,
                "start_date": first,
                "end_date": first,
                "metric": metric,
                "actual": "-7",
                "target": "-6",
                "severity": "WARN",
                "message": f"{metric} below its target",
                "late": False,
                "raised_at": f"{first}T18:00:00Z",
                "acknowledged_at": None,
                "resolved_at": None,
                "asset_key": f"{window}_summary",
                "run_id": "run",
            }
        )
        + "\n"
    )


# --- processes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    [
        (sys.executable, "-m", "performance_pipeline"),
        (str(Path(sys.executable).with_name("performance-pipeline")),),
    ],
    ids=["module", "script"],
)
def test_the_command_line_starts_as_a_module_and_as_a_script(
    logs: Place, program: tuple[str, ...]
) -> None:
    ran = run_process(logs, *A_DAY.split(), "--json", program=program)
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["realized_pnl"] == "5.75"


def test_help_is_no_error_and_names_every_command(run: Run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        ran = run(*arguments)
        assert (ran.status, ran.err) == (0, "")
        for command in (
            "summary",
            "backfill",
            "alerts",
            "targets",
            "verify",
            "doctor",
            "sample-logs",
            "demo",
            "dev",
            "completion",
        ):
            assert f"\n  {command} " in ran.out


def test_lists_of_commands_say_what_each_does_in_a_whole_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for group in ((), ("alerts",), ("targets",)):
        listed = run(*group, "--help").out.partition("Commands:\n")[2].splitlines()
        assert listed
        assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def test_every_option_of_every_command_says_what_it_is() -> None:
    leaves = [*cli.cli.commands.values(), *alerts.commands.values(), *targets.commands.values()]
    silent = [
        f"{leaf.name} {option.opts[0]}"
        for leaf in leaves
        for option in leaf.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_the_help_of_import_names_every_format(run: Run) -> None:
    told = " ".join(run("import", "--help").out.split())
    *first, last = FORMATS
    assert f"FORMAT is {', '.join(first)} or {last};" in told


def test_every_command_has_an_example_in_its_help_that_its_parser_takes(run: Run) -> None:
    groups = {"alerts": alerts.commands, "targets": targets.commands}
    commands = [
        (*path, name)
        for path, group in (((), cli.cli.commands), *(((key,), of) for key, of in groups.items()))
        for name in group
        if name not in groups
    ]
    assert len(commands) >= 9
    for path in commands:
        told = run(*path, "--help").out
        example = told.partition("Example:\n")[2].strip().splitlines()[0]
        words = shlex.split(example.removeprefix('eval "$(').removesuffix(')"'))
        assert tuple(words[: len(path) + 1]) == ("performance-pipeline", *path)
        leaf = groups.get(path[0], cli.cli.commands)[path[-1]]
        leaf.make_context(path[-1], words[len(path) + 1 :])


def test_a_process_ends_with_status_1_and_one_line(logs: Place) -> None:
    ran = run_process(logs, "summary", "--window", "hourly")
    assert ran.out == ""
    assert ran.complaint.startswith("Invalid value for '--window'")


@pytest.mark.parametrize(
    "command",
    [A_DAY, f"{A_DAY} --json", "doctor", "--help"],
    ids=["text", "json", "doctor", "help"],
)
def test_a_reader_that_has_gone_is_no_reason_to_complain(logs: Place, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = run_process(logs, *command.split(), stdout=writing)
    finally:
        os.close(writing)
    assert ran.err == ""


def test_a_pipe_into_head_shows_the_first_line_and_nothing_else(logs: Place) -> None:
    pipeline = f'"{sys.executable}" -m performance_pipeline {A_DAY} | head -1'
    ran = run_process(logs, "-c", pipeline, program=("bash",))
    assert ran == Ran(0, "Daily performance: 2025-06-10\n", "")


def test_a_full_disk_is_one_line(logs: Place) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run_process(logs, *A_DAY.split(), stdout=full.fileno())
    assert "No space left on device" in ran.complaint
