"""`doctor` brings a newcomer to the first right number: one kind of newcomer after another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from performance_pipeline.domain.line_fields import NO_OFFSET
from performance_pipeline.settings import unknown_variables
from performance_pipeline_tests.support.command_line import Ran, run_here
from performance_pipeline_tests.support.freqtrade_database import BotDatabase, BotTrade
from performance_pipeline_tests.support.imports import imported
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    opened,
    place,
    session,
    win,
)

CANNOT_COUNT = f"timestamp: {NO_OFFSET}"
NAIVE = [f"{DAY}T14:{number // 60 % 60:02}:{number % 60:02}" for number in range(112)]
Doctor = Callable[..., Ran]


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    return place(tmp_path / "logs", START_DATE=str(DAY - ONE_DAY))


@pytest.fixture
def doctor(logs: Place, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run `doctor`, by default on `logs`."""

    def run(*options: str, under: Place = logs) -> Ran:
        return run_here(capsys, under, "doctor", *options)

    return run


def helpful(ran: Ran) -> list[str]:
    """What is said under "What would help"."""
    rows = ran.out.splitlines()
    if "What would help" not in rows:
        return []
    after = rows[rows.index("What would help") + 1 :]
    return [row.strip() for row in after if row.startswith("  ")]


# --- targets ----------------------------------------------------------------------------------


def test_how_sure_a_miss_must_be_is_said_of_the_targets_that_it_concerns(
    doctor: Doctor, logs: Place
) -> None:
    logs.write(DAY, *session("1"))
    targets = "win_rate_target: 60\nmax_drawdown_target: -5\nalerts: {confidence: 0.99}\n"
    (logs.log_dir / "targets.yaml").write_text(targets)
    rows = doctor(under=logs.under(TARGETS_FILE=str(logs.log_dir / "targets.yaml"))).out
    assert "  daily: win_rate at least 60 %, a miss unsure while p is above 1.0 %\n" in rows
    assert "  daily: max_drawdown at least -5\n" in rows


# --- times without an offset ------------------------------------------------------------------


@pytest.fixture
def naive(logs: Place) -> Place:
    """Two logs of 112 lines each, none of which says which instant it means."""
    for day in (DAY, NEXT_DAY):
        times = [time.replace(str(DAY), str(day)) for time in NAIVE]
        logs.write(day, *[line(timestamp=time) for time in times])
    return logs


@pytest.mark.usefixtures("naive")
def test_lines_without_an_offset_are_one_group_with_count_places_and_what_to_do(
    doctor: Doctor,
) -> None:
    ran = doctor()
    assert ran.complaint == "none of 224 log lines would count: 224 rejected"
    assert [row.strip() for row in ran.out.splitlines() if ".jsonl:" in row] == [
        f"224 lines: {CANNOT_COUNT}, first 2025-06-10.jsonl:1",
        "2025-06-10.jsonl:1-112",
        "2025-06-11.jsonl:1-112",
    ]
    assert "Rejected lines: 224" in ran.out.splitlines()
    [sentence] = helpful(ran)
    assert "with an offset (2025-11-03T09:30:00-05:00)" in sentence
    assert "PERFORMANCE_SUMMARY_TIMEZONE does not stand in for it" in sentence
    assert "The pipeline can run." not in ran.out


@pytest.mark.usefixtures("naive")
def test_all_of_many_rejected_lines_can_be_named(doctor: Doctor) -> None:
    ran = doctor("--all")
    assert ran.complaint == "none of 224 log lines would count: 224 rejected"
    assert [row.strip() for row in ran.out.splitlines() if ".jsonl:" in row] == [
        f"{day}.jsonl:{number}: {CANNOT_COUNT}"
        for day in (DAY, NEXT_DAY)
        for number in range(1, 113)
    ]


@pytest.mark.parametrize("field", ["timestamp", "exit_timestamp"])
@pytest.mark.parametrize("time", ["T14:30", "T14:30:00", "T14:30:00.123456789"])
def test_a_time_without_an_offset_is_told_apart_from_no_time(
    logs: Place, doctor: Doctor, field: str, time: str
) -> None:
    logs.write(DAY, win("1"), line(**{field: f"{DAY}{time}"}), line(**{field: f"{DAY} 14:30:00"}))
    rows = [row.strip() for row in doctor().out.splitlines()]
    assert f"{DAY}.jsonl:2: {field}: {NO_OFFSET}" in rows
    assert f"{DAY}.jsonl:3: {field}: not a time such as" in " ".join(rows)


def test_reasons_are_grouped_the_most_frequent_first_and_scattered_lines_stay_reachable(
    logs: Place, doctor: Doctor
) -> None:
    good_and_bad = [(win("1", f"{DAY}T10:00:{n:02}Z"), line(quantity=0)) for n in range(30)]
    logs.write(DAY, *(one for pair in good_and_bad for one in pair), *[b"{"] * 50, win("2"))
    ran = doctor()
    assert ran.status == 0
    rows = [row.strip() for row in ran.out.splitlines() if ".jsonl:" in row]
    assert rows[:3] == [
        f"50 lines: line: not valid JSON, first {DAY}.jsonl:61",
        f"{DAY}.jsonl:61-110",
        f"30 lines: quantity: not above 0, first {DAY}.jsonl:2",
    ]
    assert rows[3:] == [f"{DAY}.jsonl:{number}" for number in range(2, 22, 2)]
    assert "    and in 20 more places; `doctor --all` names every line" in ran.out.splitlines()
    every = [row for row in doctor("--all").out.splitlines() if f"  {DAY}.jsonl:" in row]
    assert len(every) == 80
    assert "Log lines: 111 (31 count, 80 rejected)" in ran.out.splitlines()


# --- fills only -------------------------------------------------------------------------------


def test_fills_alone_are_no_success_and_the_setting_that_pairs_them_is_named(
    logs: Place, doctor: Doctor
) -> None:
    logs.write(DAY, *[opened(None, f"{DAY}T10:00:{n:02}Z") for n in range(12)])
    ran = doctor()
    assert ran.complaint == "none of 12 log lines would count: 12 open records"
    [sentence] = helpful(ran)
    assert sentence.startswith("12 open records and no closed one")
    assert "PERFORMANCE_PAIRING=fifo" in sentence


def test_fills_that_are_paired_count(logs: Place, doctor: Doctor) -> None:
    logs.write(DAY, *[opened(None, f"{DAY}T10:00:{n:02}Z") for n in range(12)])
    ran = doctor(under=logs.under(PAIRING="fifo"))
    assert (ran.status, ran.err, helpful(ran)) == (0, "", [])
    assert "Log lines: 12 (12 count)" in ran.out.splitlines()
    assert "no such setting" not in ran.out


def test_open_records_beside_closed_ones_need_no_help(logs: Place, doctor: Doctor) -> None:
    logs.write(DAY, opened(None), win("1"))
    ran = doctor()
    assert (ran.status, ran.err, helpful(ran)) == (0, "", [])
    assert ran.out.splitlines()[-1] == "The pipeline can run."


# --- open trades that were imported ------------------------------------------------------------


@pytest.mark.parametrize(
    ("trades", "others", "pairing", "said"),
    [
        ([2], 0, "none", ["The open records are trades that were still open when they were"]),
        ([2], 3, "none", ["3 open records and no closed one: none says what was earned. If"]),
        ([1, 2], 0, "none", []),
        ([1], 3, "fifo", []),
        (
            [2],
            0,
            "fifo",
            ["PERFORMANCE_PAIRING=fifo takes 1 imported record for fills that are none"],
        ),
        ([1, 2, 3], 3, "lifo", ["PERFORMANCE_PAIRING=lifo takes 2 imported records for fills"]),
    ],
)
def test_open_trades_that_were_imported_are_not_proposed_to_be_paired(
    logs: Place, doctor: Doctor, trades: list[int], others: int, pairing: str, said: list[str]
) -> None:
    """Trades 2 and 3 are open; `others` are the fills of another bot."""
    database = BotDatabase(logs.log_dir.parent / "tradesv3.sqlite")
    database.write(*[BotTrade(1) if id == 1 else BotTrade(id, closed=None) for id in trades])
    imported("freqtrade", database.path, logs.log_dir)
    logs.write(DAY, *[opened(None, f"{DAY}T10:00:{n:02}Z") for n in range(others)])
    found = helpful(doctor(under=logs.under(PAIRING=pairing, START_DATE=str(DAY))))
    about_open = [sentence for sentence in found if "open" in sentence]
    assert [
        sentence[: len(begin)] for sentence, begin in zip(about_open, said, strict=True)
    ] == said


# --- nothing yet ------------------------------------------------------------------------------


def test_an_empty_folder_is_fine_and_says_what_it_waits_for(doctor: Doctor) -> None:
    ran = doctor()
    assert (ran.status, ran.err) == (0, "")
    assert helpful(ran) == [
        "There is no log yet; the bot writes one a UTC day, called YYYY-MM-DD.jsonl."
        " To see one first: `performance-pipeline demo`."
    ]
    assert ran.out.splitlines()[-1] == "The pipeline can run."


def test_logs_of_other_names_are_named_where_no_log_is_found(logs: Place, doctor: Doctor) -> None:
    for name in ("trades.jsonl", "2025_06_10.csv", "notes.txt", "performance-alerts.jsonl"):
        (logs.log_dir / name).write_text("{}\n")
    [sentence] = helpful(doctor())
    assert sentence.endswith("and nothing else is read: not 2025_06_10.csv, trades.jsonl.")


def test_a_log_without_a_line_is_fine(logs: Place, doctor: Doctor) -> None:
    logs.write(DAY, b"", b" ")
    ran = doctor()
    assert (ran.status, ran.err) == (0, "")
    assert helpful(ran) == ["The logs hold no line yet; the pipeline waits for the bot's first."]


# --- logs older than the first partition ------------------------------------------------------


def test_logs_that_are_all_too_old_are_no_success_and_the_date_that_counts_them_is_named(
    logs: Place, doctor: Doctor
) -> None:
    days = [DAY + count * ONE_DAY for count in range(30)]
    for day in days:
        logs.write(day, *session("1", "-2", day=day))
    late = logs.under(START_DATE="2026-01-01")
    ran = doctor(under=late)
    assert ran.complaint == ("none of 60 log lines would count: 60 older than the first partition")
    older = "older than the first partition, 2026-01-01 (PERFORMANCE_START_DATE); not counted"
    assert f"  30 logs, 2025-06-10.jsonl to 2025-07-09.jsonl: {older}" in ran.out.splitlines()
    assert helpful(ran) == ["PERFORMANCE_START_DATE=2025-06-10 counts the logs before 2026-01-01."]
    named = [row.strip() for row in doctor("--all", under=late).out.splitlines()]
    assert [row for row in named if row.endswith(older)] == [
        f"{day}.jsonl: {older}" for day in days
    ]
    followed = doctor(under=logs.under(START_DATE="2025-06-10"))
    assert (followed.status, helpful(followed)) == (0, [])
    assert "Log lines: 60 (60 count)" in followed.out.splitlines()


def test_the_date_that_is_proposed_is_the_first_trading_day_of_the_oldest_log(
    logs: Place, doctor: Doctor
) -> None:
    logs.write(DAY, win("1", f"{DAY}T02:00:00Z"))
    late = logs.under(START_DATE="2026-01-01", SUMMARY_TIMEZONE="America/New_York")
    assert helpful(doctor(under=late)) == [
        "PERFORMANCE_START_DATE=2025-06-09 counts the logs before 2026-01-01."
    ]


@pytest.mark.parametrize(("start", "days"), [("2024-01-01", 526), ("2025-05-10", None)])
def test_a_first_partition_long_before_the_oldest_log_is_brought_to_it(
    logs: Place, doctor: Doctor, start: str, days: int | None
) -> None:
    logs.write(DAY, win("1"))
    ran = doctor(under=logs.under(START_DATE=start))
    assert ran.status == 0
    assert helpful(ran) == (
        [
            "PERFORMANCE_START_DATE=2025-06-10, the day of the oldest log, spares Dagster's pages"
            f" {days} days without any, from {start} on."
        ]
        if days
        else []
    )


# --- filters, zones and names -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "complaint", "help"),
    [
        (
            {"EXECUTION_MODE": "PAPER"},
            "of another execution mode",
            "PERFORMANCE_EXECUTION_MODE=PAPER leaves out 2 records; ALL counts every one.",
        ),
        (
            {"ACCOUNT": "ACC-SECRET"},
            "of another account",
            "PERFORMANCE_ACCOUNT leaves out 2 records: is it spelled as the logs spell it?",
        ),
    ],
)
def test_a_filter_that_leaves_out_everything_is_named(
    logs: Place, doctor: Doctor, setting: dict[str, str], complaint: str, help: str
) -> None:
    logs.write(DAY, *session("1", "-2", account_id="other"))
    ran = doctor(under=logs.under(**setting))
    assert ran.complaint == f"none of 2 log lines would count: 2 {complaint}"
    assert helpful(ran) == [help]
    assert "ACC-SECRET" not in ran.out + ran.err
    assert "other" not in ran.out.replace("another", "")


@pytest.mark.parametrize(
    ("offset", "zone", "proposed"),
    [
        ("-04:00", "UTC", True),
        ("-04:00", "America/New_York", False),
        ("+00:00", "UTC", False),
        ("Z", "UTC", False),
    ],
)
def test_the_zone_is_proposed_where_times_are_written_with_another_offset(
    logs: Place, doctor: Doctor, offset: str, zone: str, proposed: bool
) -> None:
    logs.write(DAY, win("1", f"{DAY}T10:00:00{offset}"))
    ran = doctor(under=logs.under(SUMMARY_TIMEZONE=zone))
    assert ran.status == 0
    assert ["PERFORMANCE_SUMMARY_TIMEZONE" in one for one in helpful(ran)] == [True] * proposed


def test_records_outside_the_day_of_their_log_are_counted_and_explained(
    logs: Place, doctor: Doctor
) -> None:
    logs.write(DAY, win("1"), win("2", f"{NEXT_DAY}T01:00:00Z"))
    ran = doctor()
    assert ran.status == 0
    [sentence] = helpful(ran)
    assert sentence.startswith("1 records lie outside the UTC day")


def test_an_unreadable_log_fails_by_name_although_no_line_counts(
    logs: Place, doctor: Doctor
) -> None:
    logs.path(DAY).mkdir()
    logs.write(NEXT_DAY, line(timestamp=NAIVE[0]))
    assert doctor().complaint == f"1 logs cannot be read: {DAY}.jsonl"


def test_a_variable_that_is_no_setting_is_named_with_the_nearest_that_is(
    logs: Place, doctor: Doctor
) -> None:
    logs.write(DAY, win("1"))
    ran = doctor(under=logs.under(LOGDIR="x", SUMMARY_TIMEZOEN="Asia/Tokyo"))
    assert ran.status == 0
    rows = [row.strip() for row in ran.out.splitlines() if "no such setting" in row]
    assert rows == [
        "PERFORMANCE_LOGDIR: no such setting, ignored; the nearest is PERFORMANCE_LOG_DIR",
        "PERFORMANCE_SUMMARY_TIMEZOEN: no such setting, ignored;"
        " the nearest is PERFORMANCE_SUMMARY_TIMEZONE",
    ]


def test_every_setting_is_known_by_its_name(logs: Place) -> None:
    assert unknown_variables(logs.environment) == []
    assert len(unknown_variables({"performance_account": "x", "PATH": "y"})) == 1
