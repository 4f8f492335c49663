"""What Dagster loads: assets, partitions and checks, and how little loading them may touch."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from performance_pipeline.definitions import defs as load_definitions
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.setting_values import SettingsError
from performance_pipeline.settings import Settings
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.sessions import keep_sessions
from performance_pipeline_tests.support.lines import DAY, Place, place, session

NEW_YORK: Final = "America/New_York"
START: Final = date(2025, 6, 11)  # a Wednesday
SUMMARIES: Final = ("daily_summary", "weekly_summary", "monthly_summary", "rolling_summary")
PARTITIONED: Final = ("daily_aggregate", *SUMMARIES)
MATERIALIZED: Final = (*PARTITIONED, "performance_report")


class Asset(NamedTuple):
    """One asset as the graph should hold it; `partitions` by the length of one."""

    partitions: str | None
    deps: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


SUMMARY_DEPS: Final = ("daily_aggregate", "performance_targets")
ASSETS: Final = {
    "trade_log": Asset("daily"),
    "performance_targets": Asset(None),
    "daily_aggregate": Asset("daily", ("trade_log",), ("log_is_clean",)),
    "daily_summary": Asset("daily", SUMMARY_DEPS, ("meets_targets",)),
    "weekly_summary": Asset("weekly", SUMMARY_DEPS, ("meets_targets",)),
    "monthly_summary": Asset("monthly", SUMMARY_DEPS, ("meets_targets",)),
    "rolling_summary": Asset("daily", SUMMARY_DEPS, ("meets_targets",)),
    "performance_alerts": Asset(None, SUMMARIES),
    "performance_report": Asset(
        None, ("daily_aggregate", "weekly_summary", "monthly_summary", "performance_alerts")
    ),
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    environment = {
        "PERFORMANCE_LOG_DIR": "/nowhere",
        "PERFORMANCE_SUMMARY_TIMEZONE": NEW_YORK,
        "PERFORMANCE_START_DATE": str(START),
    }
    return build_definitions(Runtime(Settings.from_env(environment)))


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> AssetGraph:
    return definitions.resolve_asset_graph()


def partitions(graph: AssetGraph, asset: str) -> dg.TimeWindowPartitionsDefinition:
    found = graph.get(dg.AssetKey(asset)).partitions_def
    assert isinstance(found, dg.TimeWindowPartitionsDefinition)
    return found


def keys(graph: AssetGraph, asset: str, now: str) -> Sequence[str]:
    """The partition keys that `asset` has at the instant `now`."""
    return partitions(graph, asset).get_partition_keys(current_time=datetime.fromisoformat(now))


def days(first: date, last: date) -> list[str]:
    return [str(first + timedelta(days=count)) for count in range((last - first).days + 1)]


# --- what is defined --------------------------------------------------------------------------


def test_the_graph_holds_these_assets_and_no_other_in_one_group(graph: AssetGraph) -> None:
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == set(ASSETS)
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == {"performance"}


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_has_its_deps_and_checks_and_says_what_it_is(graph: AssetGraph, name: str) -> None:
    node = graph.get(dg.AssetKey(name))
    assert {key.to_user_string() for key in node.parent_keys} == set(ASSETS[name].deps)
    assert {key.name for key in node.check_keys} == set(ASSETS[name].checks)
    assert node.description
    assert node.owners


@pytest.mark.parametrize("name", ASSETS)
def test_what_the_pipeline_does_not_make_is_external(graph: AssetGraph, name: str) -> None:
    assert graph.get(dg.AssetKey(name)).is_external == (name not in MATERIALIZED)


@pytest.mark.parametrize("name", PARTITIONED)
def test_a_range_of_partitions_is_one_run(graph: AssetGraph, name: str) -> None:
    assert graph.get(dg.AssetKey(name)).backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.parametrize("name", PARTITIONED)
def test_no_check_blocks_what_comes_after_it(graph: AssetGraph, name: str) -> None:
    check_keys = graph.get(dg.AssetKey(name)).check_keys
    assert [graph.get_check_spec(key).blocking for key in check_keys] == [False]


def test_steps_run_inside_the_run_process(definitions: dg.Definitions) -> None:
    assert definitions.executor is dg.in_process_executor


# --- partitions -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ASSETS if ASSETS[name].partitions])
def test_a_partition_is_a_stretch_of_local_time_named_by_its_first_day(
    graph: AssetGraph, name: str
) -> None:
    key, end = {
        "daily": ("2025-11-02", "2025-11-03T05:00:00Z"),  # 25 hours: the clocks go back
        "weekly": ("2025-10-27", "2025-11-03T05:00:00Z"),
        "monthly": ("2025-11-01", "2025-12-01T05:00:00Z"),
    }[ASSETS[name].partitions or ""]
    found = partitions(graph, name)
    window = found.time_window_for_partition_key(key)
    assert (found.timezone, found.fmt) == (NEW_YORK, "%Y-%m-%d")
    assert window.start.astimezone(UTC) == datetime.fromisoformat(f"{key}T04:00:00Z")
    assert window.end.astimezone(UTC) == datetime.fromisoformat(end)


@pytest.mark.parametrize("name", [name for name in ASSETS if ASSETS[name].partitions is None])
def test_what_is_no_matter_of_days_has_no_partitions(graph: AssetGraph, name: str) -> None:
    assert graph.get(dg.AssetKey(name)).partitions_def is None


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("trade_log", "2025-06-11"),
        ("daily_aggregate", "2025-06-11"),
        ("daily_summary", "2025-06-11"),
        ("weekly_summary", "2025-06-09"),
        ("monthly_summary", "2025-06-01"),
        ("rolling_summary", "2025-06-11"),
    ],
)
def test_the_first_partition_is_the_start_date_or_the_week_or_month_that_holds_it(
    graph: AssetGraph, name: str, first: str
) -> None:
    assert keys(graph, name, "2025-12-31T12:00:00Z")[0] == first


@pytest.mark.parametrize(
    ("name", "before_midnight", "at_midnight"),
    [
        ("trade_log", ("2025-06-29", "2025-06-30"), ("2025-06-30", "2025-07-01")),
        ("daily_aggregate", ("2025-06-29", "2025-06-30"), ("2025-06-30", "2025-07-01")),
        ("daily_summary", ("2025-06-29", "2025-06-30"), ("2025-06-30", "2025-07-01")),
        ("weekly_summary", ("2025-06-23", "2025-06-30"), ("2025-06-23", "2025-06-30")),
        ("monthly_summary", ("2025-06-01",), ("2025-06-01", "2025-07-01")),
        ("rolling_summary", ("2025-06-29", "2025-06-30"), ("2025-06-30", "2025-07-01")),
    ],
)
def test_the_running_period_is_a_partition_from_its_first_local_instant_on(
    graph: AssetGraph, name: str, before_midnight: tuple[str, ...], at_midnight: tuple[str, ...]
) -> None:
    assert tuple(keys(graph, name, "2025-07-01T03:59:59Z")[-2:]) == before_midnight
    assert tuple(keys(graph, name, "2025-07-01T04:00:00Z")[-2:]) == at_midnight


def test_a_week_starts_on_monday_at_local_midnight(graph: AssetGraph) -> None:
    assert keys(graph, "weekly_summary", "2025-06-16T03:59:59Z") == ["2025-06-09"]
    assert keys(graph, "weekly_summary", "2025-06-16T04:00:00Z") == ["2025-06-09", "2025-06-16"]


# --- which days feed which windows ------------------------------------------------------------

DAYS_OF_WINDOW: Final = [
    pytest.param("daily_summary", "2025-07-09", days(date(2025, 7, 9), date(2025, 7, 9)), id="day"),
    pytest.param(
        "weekly_summary", "2025-07-07", days(date(2025, 7, 7), date(2025, 7, 13)), id="week"
    ),
    pytest.param("weekly_summary", "2025-06-09", days(START, date(2025, 6, 15)), id="first week"),
    pytest.param(
        "monthly_summary", "2025-07-01", days(date(2025, 7, 1), date(2025, 7, 31)), id="month"
    ),
    pytest.param("monthly_summary", "2025-06-01", days(START, date(2025, 6, 30)), id="first month"),
    pytest.param(
        "rolling_summary",
        "2025-12-09",
        days(date(2025, 9, 9), date(2025, 12, 9)),
        id="rolling: 92 days",
    ),
    pytest.param("rolling_summary", "2025-06-12", days(START, date(2025, 6, 12)), id="first days"),
]


@pytest.mark.parametrize(("name", "key", "expected"), DAYS_OF_WINDOW)
def test_a_window_is_made_of_its_days_that_are_partitions(
    graph: AssetGraph, name: str, key: str, expected: list[str]
) -> None:
    downstream, upstream = partitions(graph, name), partitions(graph, "daily_aggregate")
    mapping = graph.get_partition_mapping(dg.AssetKey(name), dg.AssetKey("daily_aggregate"))
    mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
        downstream.subset_with_partition_keys([key]),
        downstream,
        upstream,
        current_time=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )
    assert list(mapped.partitions_subset.get_partition_keys()) == expected
    assert mapped.required_but_nonexistent_subset.is_empty


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("daily_summary", ["2025-07-09"]),
        ("weekly_summary", ["2025-07-07"]),
        ("monthly_summary", ["2025-07-01"]),
        ("rolling_summary", days(date(2025, 7, 9), date(2025, 10, 8))),
    ],
)
def test_a_day_that_changes_touches_the_windows_that_hold_it(
    graph: AssetGraph, name: str, expected: list[str]
) -> None:
    downstream, upstream = partitions(graph, name), partitions(graph, "daily_aggregate")
    mapping = graph.get_partition_mapping(dg.AssetKey(name), dg.AssetKey("daily_aggregate"))
    touched = mapping.get_downstream_partitions_for_partitions(
        upstream.subset_with_partition_keys(["2025-07-09"]),
        upstream,
        downstream,
        current_time=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )
    assert list(touched.get_partition_keys()) == expected


# --- what loading touches, and what it says ---------------------------------------------------


def run_python(
    script: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `script` in a Python of its own, which has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, **(environment or {})},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )


def test_loading_touches_no_log_writes_nothing_and_imports_no_calendar(tmp_path: Path) -> None:
    loading = """
import json, sys
from performance_pipeline.definitions import defs
found = [key.to_user_string() for key in defs().resolve_asset_graph().get_all_asset_keys()]
print(json.dumps([found, sorted({"exchange_calendars", "pandas"} & sys.modules.keys())]))
"""
    absent = {"PERFORMANCE_LOG_DIR": str(tmp_path / "absent")}
    loaded = run_python(loading, environment=absent, folder=tmp_path)
    found, imported = json.loads(loaded.stdout)
    assert set(found) == set(ASSETS)
    assert imported == []
    assert list(tmp_path.iterdir()) == []


def test_everything_but_defs_commands_and_cluster_works_without_dagster() -> None:
    importing = """
import importlib, pkgutil, sys
import performance_pipeline as package
names = [module.name for module in pkgutil.walk_packages(package.__path__, "performance_pipeline.")]
shells = ("defs", "commands", "definitions", "cluster", "__main__")
pure = [name for name in names if name.split(".")[1] not in shells]
for name in pure:
    importlib.import_module(name)
print("dagster" in sys.modules, *pure)
"""
    imported, *pure = run_python(importing).stdout.split()
    packages = {name.removeprefix("performance_pipeline.") for name in pure}
    expected = {
        "domain.trades",
        "storage.aggregates",
        "reports.markdown",
        "pipeline.tracker",
        "settings",
    }
    assert expected <= packages
    assert imported == "False"


@pytest.fixture
def folder_of_logs(tmp_path: Path) -> Place:
    """Logs under the default calendar, whose sessions an earlier run has kept."""
    logs = place(tmp_path / "logs", MARKET_CALENDAR="XNYS", START_DATE="2025-06-01")
    logs.write(DAY, *session("10", "-5"))
    keep_sessions(logs.settings, datetime.now(UTC).date(), Folder(logs.output))
    return logs


@pytest.mark.parametrize(
    "command",
    [
        f"summary --window weekly --date {DAY}",
        f"summary --start {DAY} --end {DAY} --json",
        f"verify --start {DAY} --end {DAY}",
        "doctor",
        "alerts list",
        "second-opinion {folder}/trades.json",
    ],
)
def test_a_quick_command_imports_nothing_slow_nor_what_sends_alerts_or_speaks_to_object_stores(
    folder_of_logs: Place, command: str
) -> None:
    running = """
import sys
from performance_pipeline.cli import main
main(sys.argv[1:])
slow = {"dagster", "pandas", "exchange_calendars", "apprise", "requests", "obstore"}
print(*sorted(slow & sys.modules.keys()), file=sys.stderr)
"""
    targets = {
        "PERFORMANCE_TARGETS_FILE": str(folder_of_logs.log_dir / "targets.yaml"),
        "PERFORMANCE_NOTIFY": "json://127.0.0.1:1",
    }
    (folder_of_logs.log_dir / "targets.yaml").write_text("win_rate_target: 0\n")
    (folder_of_logs.log_dir / "trades.json").write_text("[]")
    arguments = command.format(folder=folder_of_logs.log_dir).split()
    ran = run_python(running, *arguments, environment={**folder_of_logs.environment, **targets})
    assert ran.stderr.splitlines()[-1] == ""


BAD_SETTINGS: Final = [
    ("SUMMARY_TIMEZONE", "Mars/Olympus", "an IANA time zone such as UTC or America/New_York"),
    ("SUMMARY_TIMEZONE", "../zone", "an IANA time zone such as UTC or America/New_York"),
    ("ALERT_ROLLING_WINDOW", "0", "a whole number from 1"),
    ("ALERT_ROLLING_WINDOW", "twenty", "a whole number from 1"),
    ("ALERT_ROLLING_WINDOW", "2.5", "a whole number from 1"),
    ("ALERT_LOOKBACK_DAYS", "-1", "a whole number from 0, or empty for no limit"),
    ("REFRESH_SECONDS", "5m", "a whole number from 0"),
    ("EXECUTION_MODE", "live", "ALL, LIVE, PAPER"),
    ("START_DATE", "20250601", "a date, YYYY-MM-DD, from 1970-01-01 on"),
    ("START_DATE", "2025-02-30", "a date, YYYY-MM-DD, from 1970-01-01 on"),
]


@pytest.mark.parametrize(("name", "value", "accepted"), BAD_SETTINGS)
def test_a_setting_that_cannot_be_used_is_named_with_its_value_and_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, accepted: str
) -> None:
    monkeypatch.setenv(f"PERFORMANCE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_definitions()
    expected = f"PERFORMANCE_{name}='{value}' cannot be used: accepted is {accepted}"
    assert str(caught.value) == expected


def test_dagster_shows_a_bad_setting_in_one_line_of_its_load_error(tmp_path: Path) -> None:
    validate = "-m dagster definitions validate -m performance_pipeline.definitions"
    validated = subprocess.run(
        [sys.executable, *validate.split()],
        env={**os.environ, "PERFORMANCE_ALERT_ROLLING_WINDOW": "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    output = (validated.stdout + validated.stderr).splitlines()
    # Not the source that a traceback shows, which from Python 3.13 on is the whole expression.
    told = [line for line in output if "ROLLING_WINDOW=" in line]
    assert validated.returncode == 1
    assert told == [
        "performance_pipeline.setting_values.SettingsError: PERFORMANCE_ALERT_ROLLING_WINDOW='0'"
        " cannot be used: accepted is a whole number from 1"
    ]


def test_definitions_over_an_object_store_load_without_it_and_try_again_where_it_is_away(
    tmp_path: Path,
) -> None:
    bucket = {"PERFORMANCE_LOG_DIR": "s3://no-such-bucket/logs"}
    policies = {}
    for place_, environment in {"bucket": bucket, "folder": place(tmp_path).environment}.items():
        defs = build_definitions(Runtime(Settings.from_env(environment)))
        asset = defs.resolve_assets_def("daily_summary")
        policies[place_] = asset.op.retry_policy
    assert policies["folder"] is None
    assert policies["bucket"] is not None
    assert policies["bucket"].max_retries == 3
