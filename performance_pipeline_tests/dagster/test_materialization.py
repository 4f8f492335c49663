"""Assets run by Dagster on real logs and a real instance: events, checks, files, and crashes."""

import contextlib
import json
import logging
import re
import shutil
import signal
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import dagster as dg
import pytest
from dagster._core.storage.tags import (
    PARTITION_NAME_TAG,
)

from performance_pipeline.defs.check_results import evaluate_targets
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.domain.line_fields import NO_OFFSET
from performance_pipeline.domain.windows import Period, Window, days_between
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.summaries import decode_summary
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.instances import instance_in, new_home
from performance_pipeline_tests.support.lines import (
    DAY,
    EASY_TARGETS,
    LATER,
    ONE_DAY,
    Place,
    at,
    line,
    log,
    loss,
    opened,
    place,
    session,
    set_modified,
    win,
)
from performance_pipeline_tests.support.processes import PROCESSES, start
from performance_pipeline_tests.support.runs import (
    KEYS,
    LOG_IS_CLEAN,
    MONDAY,
    QUIETLY,
    evaluations,
    execute,
    failure,
    implicit_job,
    materializations,
    materialize_all,
    messages,
    monday_of,
    recorded,
)
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS

LAYERS: Final = (
    "daily_aggregate",
    "daily_summary",
    "weekly_summary",
    "monthly_summary",
    "rolling_summary",
)


def day(number: int) -> date:
    """The day `number` days after `DAY`."""
    return DAY + number * ONE_DAY


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    (tmp_path / "targets.yaml").write_text(EASY_TARGETS)
    return place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))


def document(logs: Place, window: Window, key: date) -> dict[str, Any]:
    path = logs.output / f"{window}-summary-{key}.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def files(logs: Place) -> list[str]:
    """The results below the output folder, but for the index and what serves it."""
    return [name for name in logs.written() if "performance-index.json" not in name]


# --- one run a range, metadata a partition ----------------------------------------------------


def two_days_of_trades(logs: Place) -> None:
    logs.write(day(0), *session("10", "-5", "3", day=day(0)))
    logs.write(day(2), *session("-7", day=day(2)))


def integer(value: int) -> dg.MetadataValue:
    return dg.MetadataValue.int(value)


def plotted(value: float) -> dg.MetadataValue:
    return dg.MetadataValue.float(value)


FIRST_DAY: Final = {
    "total_trades": integer(3),
    "win_rate": plotted(0.666667),
    "realized_pnl": plotted(8.0),
    "max_drawdown": plotted(-5.0),
}
NO_TRADES: Final = {
    "total_trades": integer(0),
    "win_rate": None,
    "realized_pnl": plotted(0.0),
    "max_drawdown": plotted(0.0),
}
LAST_DAY: Final = {
    "total_trades": integer(1),
    "win_rate": plotted(0.0),
    "realized_pnl": plotted(-7.0),
    "max_drawdown": plotted(-7.0),
}
THREE_DAYS: Final = {
    "total_trades": integer(4),
    "win_rate": plotted(0.5),
    "realized_pnl": plotted(1.0),
    "max_drawdown": plotted(-9.0),
}


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        (
            "daily_summary",
            {"2025-06-10": FIRST_DAY, "2025-06-11": NO_TRADES, "2025-06-12": LAST_DAY},
        ),
        (
            "weekly_summary",
            {"2025-06-02": NO_TRADES, "2025-06-09": THREE_DAYS, "2025-06-16": NO_TRADES},
        ),
        (
            "monthly_summary",
            {"2025-05-01": NO_TRADES, "2025-06-01": THREE_DAYS, "2025-07-01": NO_TRADES},
        ),
        (
            "rolling_summary",
            {"2025-06-10": FIRST_DAY, "2025-06-11": FIRST_DAY, "2025-06-12": THREE_DAYS},
        ),
    ],
)
def test_a_range_of_summaries_is_one_run_and_each_partition_shows_its_own_numbers(
    logs: Place,
    instance: dg.DagsterInstance,
    asset: str,
    expected: dict[str, dict[str, dg.MetadataValue | None]],
) -> None:
    two_days_of_trades(logs)
    first, *_, last = [date.fromisoformat(key) for key in expected]
    result = execute(logs, instance, asset, first, last)
    found = materializations(instance, asset)
    assert result.success
    assert [run.run_id for run in instance.get_runs()] == [result.run_id]
    assert {one.run_id for one in found} == {result.run_id}
    assert [
        (one.partition, {name: one.metadata.get(name) for name in FIRST_DAY}) for one in found
    ] == list(expected.items())


def test_the_metadata_of_a_summary_links_to_its_files_and_shows_its_markdown(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    execute(logs, instance, "weekly_summary", MONDAY, MONDAY)
    [week] = materializations(instance, "weekly_summary")
    path = logs.output.absolute() / "weekly-summary-2025-06-09"
    assert week.metadata["json"] == dg.MetadataValue.path(f"{path}.json")
    assert week.metadata["markdown"] == dg.MetadataValue.path(f"{path}.md")
    curve, _, text = str(week.metadata["summary"].value).partition("\n\n")
    assert curve.startswith("![Equity curve of 2 steps from 0 to 1.00](data:image/svg+xml;base64,")
    assert text == path.with_suffix(".md").read_text()
    assert json.loads(path.with_suffix(".json").read_bytes())["total_trades"] == 4


def test_a_range_of_aggregates_is_one_run_and_each_partition_shows_its_own_numbers(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    logs.write(day(1), opened(None, at("10:00", day(1))), b"{", b"}")
    result = execute(logs, instance, "daily_aggregate", day(0), day(2))
    found = materializations(instance, "daily_aggregate")
    assert result.success
    assert [run.run_id for run in instance.get_runs()] == [result.run_id]
    names = ("total_trades", "open_trades", "accepted_lines", "rejected_lines")
    assert [(one.partition, [one.metadata[name] for name in names]) for one in found] == [
        ("2025-06-10", [integer(3), integer(0), integer(3), integer(0)]),
        ("2025-06-11", [integer(0), integer(1), integer(1), integer(2)]),
        ("2025-06-12", [integer(1), integer(0), integer(1), integer(0)]),
    ]
    assert [one.metadata["aggregate"] for one in found] == [
        dg.MetadataValue.path(str(logs.aggregate_path(day(number)).absolute()))
        for number in range(3)
    ]


def test_a_single_partition_runs_like_a_range_of_one(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    result = implicit_job(logs).execute_in_process(
        instance=instance,
        asset_selection=[KEYS.daily_aggregate],
        tags={PARTITION_NAME_TAG: str(DAY)},
    )
    assert result.success
    assert recorded(instance, "daily_aggregate") == [str(DAY)]
    assert [one.partition for one in evaluations(instance)] == [str(DAY)]
    assert files(logs) == [f"aggregates/{DAY}.json"]


# --- log_is_clean -----------------------------------------------------------------------------


def counts(rejected: int = 0, misdated: int = 0, conflicts: int = 0) -> dict[str, dg.MetadataValue]:
    return {
        "rejected_lines": integer(rejected),
        "misdated_records": integer(misdated),
        "outcome_conflicts": integer(conflicts),
    }


class Log(NamedTuple):
    """The lines of a day's log, None for no log, and what its check should count."""

    lines: list[bytes] | None
    counts: dict[str, dg.MetadataValue]


def logs_of_every_kind() -> dict[date, Log]:
    twice = win("1", at("15:00", day(7)))
    kinds = [
        Log(session("10", "-5", "0", day=day(0)), counts()),
        Log([b"not json", line(price="12,50", timestamp=at("10:00", day(1)))], counts(rejected=2)),
        Log([win("1", at("10:00", day(0))), win("2", at("10:00", day(9)))], counts(misdated=2)),
        Log([win("-1", at("10:00", day(3))), loss("1", at("11:00", day(3)))], counts(conflicts=2)),
        Log(None, counts()),
        Log([], counts()),
        Log([opened("3", at("10:00", day(6)))], counts()),
        Log([twice, twice], counts()),
        Log([b"[]", win("-1", at("10:00", day(0)))], counts(1, 1, 1)),
    ]
    return {day(number): kind for number, kind in enumerate(kinds)}


@pytest.fixture
def kinds(logs: Place) -> dict[date, Log]:
    found = logs_of_every_kind()
    for log_day, kind in found.items():
        if kind.lines is not None:
            logs.write(log_day, *kind.lines)
    return found


def test_the_check_warns_of_each_day_with_a_line_rejected_misdated_or_mislabelled(
    logs: Place, instance: dg.DagsterInstance, kinds: dict[date, Log]
) -> None:
    result = execute(logs, instance, "daily_aggregate", day(0), day(8))
    found = evaluations(instance)
    assert result.success
    assert [(one.partition, one.metadata) for one in found] == [
        (str(log_day), kind.counts) for log_day, kind in kinds.items()
    ]
    failed = [one.partition for one in found if not one.passed]
    assert failed == [str(day(number)) for number in (1, 2, 3, 8)]
    assert {one.severity for one in found} == {dg.AssetCheckSeverity.WARN}


def test_each_evaluation_is_tied_to_the_materialization_it_judges(
    logs: Place, instance: dg.DagsterInstance, kinds: dict[date, Log]
) -> None:
    for _ in range(2):
        execute(logs, instance, "daily_aggregate", day(0), day(8))
    made = materializations(instance, "daily_aggregate")
    judged = [
        (one.partition, data.storage_id, data.run_id, data.timestamp)
        for one in evaluations(instance)
        if (data := one.target_materialization_data) is not None
    ]
    assert len(made) == 2 * len(kinds)
    assert judged == [(one.partition, one.storage_id, one.run_id, one.timestamp) for one in made]


def test_the_check_alone_says_of_existing_partitions_what_it_said_with_its_asset(
    logs: Place, instance: dg.DagsterInstance, kinds: dict[date, Log]
) -> None:
    execute(logs, instance, "daily_aggregate", day(0), day(8))
    before = evaluations(instance)
    made = materializations(instance, "daily_aggregate")
    alone = implicit_job(logs).get_subset(
        asset_selection=set(), asset_check_selection={LOG_IS_CLEAN}
    )
    result = alone.execute_in_process(instance=instance, tags=range_tags(day(0), day(8)))
    assert result.success
    assert materializations(instance, "daily_aggregate") == made
    again = evaluations(instance)
    assert len(before) == len(kinds)
    assert again[::2] == before
    assert again[1::2] == before


def test_without_a_partition_as_the_ui_executes_them_checks_evaluate_all_that_was_made(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    materialize_all(logs, instance, day(0), day(0))
    materialize_all(logs, instance, day(2), day(7))
    checks = {
        LOG_IS_CLEAN: [str(day(number)) for number in (0, *range(2, 8))],
        **{
            dg.AssetCheckKey(dg.AssetKey(f"{window}_summary"), "meets_targets"): keys
            for window, keys in {
                "daily": [str(day(number)) for number in (0, *range(2, 8))],
                "weekly": [str(MONDAY), str(MONDAY + 7 * ONE_DAY)],
                "monthly": ["2025-06-01"],
                "rolling": [str(day(number)) for number in (0, *range(2, 8))],
            }.items()
        },
    }
    before = {
        check: {one.partition: one for one in evaluations(instance, check)} for check in checks
    }
    counts = {check: len(evaluations(instance, check)) for check in checks}
    job = implicit_job(logs).get_subset(asset_selection=set(), asset_check_selection=set(checks))
    assert job.execute_in_process(instance=instance, run_config=QUIETLY).success
    for check, keys in checks.items():
        assert len(evaluations(instance, check)) == counts[check] + len(keys)
        again = {one.partition: one for one in evaluations(instance, check)}
        assert list(again) == keys
        assert again == before[check]


def test_without_a_partition_what_was_made_before_the_first_partition_is_left_alone(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    execute(logs, instance, "daily_aggregate", day(0), day(2))
    moved = logs.under(START_DATE=str(day(2)))
    alone = implicit_job(moved).get_subset(
        asset_selection=set(), asset_check_selection={LOG_IS_CLEAN}
    )
    assert alone.execute_in_process(instance=instance, run_config=QUIETLY).success
    assert [one.partition for one in evaluations(instance)] == [
        str(day(number)) for number in (0, 1, 2, 2)
    ]


def test_without_a_partition_and_with_nothing_made_there_is_nothing_to_evaluate(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    alone = implicit_job(logs).get_subset(
        asset_selection=set(), asset_check_selection={LOG_IS_CLEAN}
    )
    assert alone.execute_in_process(instance=instance, run_config=QUIETLY).success
    assert evaluations(instance) == []


# --- what a run says, and what fails it -------------------------------------------------------


def test_rejected_lines_are_one_warning_a_day_with_file_line_and_reason_and_fail_nothing(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    logs.write(day(0), *session("1"), line(price="12,50"), b"", b"\xff")
    logs.write(day(1), *session("1", day=day(1)))
    logs.write(day(2), *[line(quantity=f"secret-{number}") for number in range(25)])
    result = execute(logs, instance, "daily_aggregate", day(0), day(2))
    assert result.success
    first, second = messages(instance, result.run_id, logging.WARNING)
    assert first.splitlines() == [
        "2025-06-10: 2 rejected lines",
        "2025-06-10.jsonl:2: price: not a number",
        "2025-06-10.jsonl:4: line: not valid UTF-8",
    ]
    assert second.splitlines() == [
        "2025-06-12: 25 rejected lines",
        *[f"2025-06-12.jsonl:{number}: quantity: not a number" for number in range(1, 21)],
        "and 5 more",
    ]
    said = "".join(str(entry) for entry in instance.all_logs(result.run_id))
    assert "12,50" not in said
    assert "secret" not in said


def test_many_rejected_lines_are_one_warning_of_the_run_that_groups_them_by_reason(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    naive = [f"{day(0)}T14:30:{second:02}" for second in range(30)]
    for count in range(3):
        bad = [line(timestamp=time) for time in naive]
        logs.write(day(count), *bad, *([line(price="12,50")] if count == 0 else []))
    logs.write(day(3), *session("1", day=day(3)), line(price="12,50"))
    result = execute(logs, instance, "daily_aggregate", day(0), day(3))
    assert result.success
    [warning] = messages(instance, result.run_id, logging.WARNING)
    assert warning.splitlines() == [
        "92 rejected lines on 4 days, for these reasons; `doctor` names every one",
        f"  timestamp: {NO_OFFSET} (3 logs, first 2025-06-10.jsonl:1)",
        "  price: not a number (1 log, first 2025-06-13.jsonl:2)",
    ]


def make_unreadable(path: Path) -> None:
    """For root no permission forbids reading, so a folder stands where the log should be."""
    path.mkdir()


@pytest.mark.parametrize(
    ("asset", "first", "last", "failed", "others", "written"),
    [
        pytest.param(
            "daily_aggregate",
            day(0),
            day(3),
            [day(2)],
            [day(0), day(1), day(3)],
            "aggregates/{}.json",
            id="daily_aggregate",
        ),
        pytest.param(
            "daily_summary",
            day(0),
            day(3),
            [day(2)],
            [day(0), day(1), day(3)],
            "daily-summary-{}.json",
            id="daily_summary",
        ),
        pytest.param(
            "weekly_summary",
            day(-8),
            day(6),
            [MONDAY],
            [day(-8), day(6)],
            "weekly-summary-{}.json",
            id="weekly_summary",
        ),
        pytest.param(
            "monthly_summary",
            date(2025, 5, 1),
            date(2025, 7, 1),
            [date(2025, 6, 1)],
            [date(2025, 5, 1), date(2025, 7, 1)],
            "monthly-summary-{}.json",
            id="monthly_summary",
        ),
        pytest.param(
            "rolling_summary",
            day(0),
            day(3),
            [day(2), day(3)],
            [day(0), day(1)],
            "rolling-summary-{}.json",
            id="rolling_summary",
        ),
    ],
)
def test_an_unreadable_log_fails_what_needs_it_by_name_and_nothing_else(
    logs: Place,
    instance: dg.DagsterInstance,
    asset: str,
    first: date,
    last: date,
    failed: list[date],
    others: list[date],
    written: str,
) -> None:
    for number in (0, 1, 3):
        logs.write(day(number), *session("1", "-2", day=day(number)))
    make_unreadable(logs.path(day(2)))
    result = execute(logs, instance, asset, first, last)
    assert not result.success
    said = failure(result)
    for key in failed:
        assert f"{key}: {logs.path(day(2))}: cannot be read (Is a directory)" in said
    assert [key for key in others if f"{key}:" in said] == []
    assert recorded(instance, asset) == [str(key) for key in others]
    names = [name for name in files(logs) if name.endswith(".json")]
    assert names == [written.format(key) for key in others]


def test_the_numbers_of_readable_days_are_right_beside_an_unreadable_log(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    logs.write(day(0), *session("1", "-2", day=day(0)))
    make_unreadable(logs.path(day(1)))
    execute(logs, instance, "daily_aggregate", day(0), day(1))
    [first_day] = materializations(instance, "daily_aggregate")
    assert first_day.partition == str(day(0))
    assert first_day.metadata["total_trades"] == integer(2)
    assert first_day.metadata["realized_pnl"] == plotted(-1.0)


@pytest.mark.parametrize(
    ("asset", "check", "second"),
    [("daily_aggregate", "log_is_clean", False), ("daily_summary", "meets_targets", True)],
)
def test_readable_days_are_checked_although_their_run_fails_over_another(
    logs: Place, instance: dg.DagsterInstance, asset: str, check: str, second: bool
) -> None:
    """Or a breach on a day beside an unreadable log would never be alerted."""
    logs.write(day(0), *session("1", day=day(0)))
    make_unreadable(logs.path(day(1)))
    logs.write(day(2), b"not json")
    result = execute(logs, instance, asset, day(0), day(2))
    found = evaluations(instance, dg.AssetCheckKey(dg.AssetKey(asset), check))
    assert not result.success
    assert [(one.partition, one.passed) for one in found] == [
        (str(day(0)), True),
        (str(day(2)), second),
    ]


def test_an_archive_cut_short_fails_its_day_by_name(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    logs.write(day(0), *session("1", "-2", day=day(0)))
    archived = logs.archive(day(0))
    archived.write_bytes(archived.read_bytes()[:-9])
    result = execute(logs, instance, "daily_aggregate", day(0), day(0))
    assert not result.success
    assert f"{day(0)}: {archived}: cannot be read" in failure(result)
    assert files(logs) == []


def test_a_log_that_can_be_read_again_is_taken_up_by_the_next_run(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    make_unreadable(logs.path(day(0)))
    assert not execute(logs, instance, "daily_summary", day(0), day(0)).success
    logs.path(day(0)).rmdir()
    logs.write(day(0), *session("4", day=day(0)))
    assert execute(logs, instance, "daily_summary", day(0), day(0)).success
    assert document(logs, Window.DAILY, day(0))["realized_pnl"] == "4"


# --- right whatever was materialized before, and stable ---------------------------------------


def test_a_week_is_right_when_no_aggregate_was_ever_made(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    assert execute(logs, instance, "weekly_summary", MONDAY, MONDAY).success
    week = document(logs, Window.WEEKLY, MONDAY)
    assert {name: week[name] for name in ("total_trades", "win_rate", "realized_pnl")} == {
        "total_trades": 4,
        "win_rate": "0.5",
        "realized_pnl": "1",
    }
    assert [week["max_drawdown"], week["current_streak"], week["streak_type"]] == ["-9", 1, "loss"]
    assert week["daily"] == [
        {"date": "2025-06-10", "total_trades": 3, "realized_pnl": "8", "max_drawdown": "-5"},
        {"date": "2025-06-12", "total_trades": 1, "realized_pnl": "-7", "max_drawdown": "-7"},
    ]
    assert not (logs.output / "aggregates").exists()


def test_a_week_is_right_when_an_aggregate_is_stale(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    two_days_of_trades(logs)
    logs.materialize(day(0), day(1), day(2))
    stale = logs.aggregate_path(day(2)).read_bytes()
    logs.write(day(2), *session("-7", "100", day=day(2)))
    assert execute(logs, instance, "weekly_summary", MONDAY, MONDAY).success
    week = document(logs, Window.WEEKLY, MONDAY)
    assert [week["total_trades"], week["realized_pnl"]] == [5, "101"]
    assert logs.aggregate_path(day(2)).read_bytes() == stale


def test_a_second_run_over_the_same_logs_leaves_every_file_as_it_was(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    for number in range(3):
        pnls = [str(number * 10 - 7), "3.25", "-1e-3"]
        logs.write(day(number), *session(*pnls, day=day(number)), b"not json")
    materialize_all(logs, instance, day(0), day(2))
    before, times = logs.written(), logs.times()
    materialize_all(logs, instance, day(0), day(2), now=LATER + timedelta(hours=5))
    assert logs.written() == before
    assert logs.times() == times
    assert len(instance.get_runs()) == 2 * len(LAYERS)


# --- crashes, and two at once -----------------------------------------------------------------

DAYS: Final = 40
KILLS: Final = often(24, usual=4)
HOUR_NS: Final = 3600 * 10**9
KILLED_LAYERS: Final = ("daily_aggregate", "weekly_summary")


def materialize_in_process(
    logs: Place, home: Path, assets: Sequence[str], first: date, last: date, all_ready: Barrier
) -> None:
    """What runs in a process of its own; its exit status tells whether all went well."""
    with instance_in(home) as instance:
        all_ready.wait(PATIENCE_SECONDS)
        for asset in assets:
            weekly = asset == "weekly_summary"
            start, end = (monday_of(first), monday_of(last)) if weekly else (first, last)
            if not execute(logs, instance, asset, start, end).success:
                raise SystemExit(1)


def started(*arguments: tuple[Place, Path, Sequence[str], date, date]) -> list[ForkServerProcess]:
    """A process for each of `arguments`; all begin to materialize now, at the same moment."""
    all_ready = PROCESSES.Barrier(len(arguments) + 1)
    processes = [start(materialize_in_process, *each, all_ready) for each in arguments]
    all_ready.wait(PATIENCE_SECONDS)
    return processes


def copied(logs: Place, folder: Path) -> Place:
    """The same logs, times included, in another place that holds no result yet."""
    folder.mkdir()
    for path in logs.log_dir.glob("*.jsonl"):
        shutil.copy2(path, folder / path.name)
    return Place(folder, {**logs.environment, "PERFORMANCE_LOG_DIR": str(folder)})


def wait_for_files(process: ForkServerProcess, folder: Path, count: int, since: int) -> None:
    """Wait until `process` has written so many files below `folder`, or has ended."""
    written = 0
    while written < count and process.is_alive():
        with contextlib.suppress(FileNotFoundError):  # one that was renamed as we looked
            written = sum(path.stat().st_mtime_ns > since for path in folder.rglob("*.json"))


def assert_every_document_is_whole(folder: Path) -> None:
    for path in folder.rglob("*.json"):
        content = path.read_bytes()
        assert content.endswith(b"}\n"), path
        if "-summary-" in path.name:
            assert str(decode_summary(content).window) == path.name.partition("-")[0]
        else:
            assert isinstance(json.loads(content), dict)
    for path in folder.rglob("*.md"):
        assert re.match(r"# \w+ performance: ", path.read_text()), path
        assert "## Data quality" in path.read_text(), path


def test_a_kill_at_any_moment_leaves_whole_files_and_the_next_run_completes_them(
    logs: Place, tmp_path: Path, empty_home: Path
) -> None:
    """Before each kill the bot appends to every log, so that there is always all to write."""
    all_days = list(days_between(day(0), day(DAYS - 1)))
    dice = Random(20250610)
    home = new_home(empty_home, tmp_path / "dagster")
    other_home = new_home(empty_home, tmp_path / "other dagster")
    for attempt in range(KILLS):
        for log_day in all_days:
            with logs.path(log_day).open("ab") as file:
                file.write(log(*session(f"{attempt - 5}.5", day=log_day, hour=attempt + 8)))
        asset = KILLED_LAYERS[attempt % len(KILLED_LAYERS)]
        begun = time.time_ns()
        [process] = started((logs, home, [asset], all_days[0], all_days[-1]))
        if attempt % 4 < 2:
            time.sleep(dice.uniform(0, 1.5))
        else:
            count = dice.randint(1, 6 if asset == "weekly_summary" else DAYS)
            wait_for_files(process, logs.output, count, begun)
        process.kill()
        process.join()
        assert process.exitcode in (-signal.SIGKILL, 0)
        assert_every_document_is_whole(logs.output)
        untouched = logs.under(OUTPUT_DIR=str(tmp_path / "nothing"))
        assert logs.document(Window.MONTHLY) == untouched.document(Window.MONTHLY)

    # What the kills left half written goes once it is an hour old.
    for partial in logs.output.rglob("*.partial"):
        set_modified(partial, partial.stat().st_mtime_ns - 2 * HOUR_NS)
    other = copied(logs, tmp_path / "undisturbed")
    last_runs = started(
        (logs, home, KILLED_LAYERS, all_days[0], all_days[-1]),
        (other, other_home, KILLED_LAYERS, all_days[0], all_days[-1]),
    )
    for process in last_runs:
        process.join()
    assert [process.exitcode for process in last_runs] == [0, 0]
    assert logs.written() == other.written()
    assert len(list((logs.output / "aggregates").iterdir())) == DAYS


def test_two_processes_over_the_same_days_at_once_leave_the_right_files(
    logs: Place, tmp_path: Path, empty_home: Path
) -> None:
    for number in range(10):
        logs.write(day(number), *session(str(number - 4.5), "2", day=day(number)))
    other = copied(logs, tmp_path / "one after the other")
    home = new_home(empty_home, tmp_path / "dagster")
    both = started(
        (logs, home, KILLED_LAYERS, day(0), day(7)),
        (logs, home, KILLED_LAYERS, day(2), day(9)),
    )
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    other.materialize(*days_between(day(0), day(9)))
    expected = {
        name: content
        for name, content in other.written().items()
        if not name.startswith(("daily-", "monthly-", "rolling-"))
    }
    assert logs.written() == expected


def test_a_check_counts_what_is_met_and_what_waits_for_the_end_of_the_day(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("win_rate_target: 60\nmax_drawdown_target: -5\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(targets))
    here.write(DAY, *session("1", "2"))
    here.materialize(DAY, now=datetime(2025, 6, 10, 23, tzinfo=UTC))
    found = evaluate_targets(Folder(here.output), Period.of(Window.DAILY, DAY))
    assert (found.passed, found.description) == (True, "None breached: 1 pending, 1 met.")


def test_a_breached_check_shows_what_cost_most_and_one_that_is_met_does_not(
    tmp_path: Path,
) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("max_drawdown_target: -5\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(targets))
    here.write(
        DAY,
        *session("1", "-4", symbol="AAPL"),
        *(
            loss(f"-{number}", at(f"15:0{number}"), symbol=f"S{number}", strategy_name="reversal")
            for number in range(1, 7)
        ),
    )
    here.write(DAY + ONE_DAY, *session("-1", day=DAY + ONE_DAY))
    here.materialize(DAY, DAY + ONE_DAY)
    breached = evaluate_targets(Folder(here.output), Period.of(Window.DAILY, DAY))
    table = breached.metadata["cost_most"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [tuple(record.data.values()) for record in table.records] == [
        ("strategy", "reversal", "6", "-21.00"),
        ("symbol", "S6", "1", "-6.00"),
        ("symbol", "S5", "1", "-5.00"),
        ("symbol", "S4", "1", "-4.00"),
        ("symbol", "AAPL", "2", "-3.00"),
    ]
    met = evaluate_targets(Folder(here.output), Period.of(Window.DAILY, DAY + ONE_DAY))
    assert met.passed
    assert "cost_most" not in met.metadata


def test_a_check_passes_and_says_so_where_a_miss_may_be_luck(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("win_rate_target: 60\nalerts: {confidence: 0.95}\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(targets))
    here.write(DAY, *session("1", "-1"))
    here.materialize(DAY)
    found = evaluate_targets(Folder(here.output), Period.of(Window.DAILY, DAY))
    assert (found.passed, found.description) == (True, "None breached: 1 unsure.")
    shown = found.metadata["targets"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert [row.data["status"] for row in shown.records] == ["unsure: could be luck, p 64.0 %"]
