"""The running day, made by the log sensor itself: files, what Dagster hears, alerts, no run."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest

from performance_pipeline.defs import log_sensor
from performance_pipeline.defs import running_days as running
from performance_pipeline.defs.dagster_internals import RUNLESS_RUN_ID, AssetCheckExecutionsTable
from performance_pipeline.defs.running_days import REPORT_SECONDS, running_days
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    at,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.log_daemon import (
    NOON,
    Daemon,
    KilledError,
    Made,
    made_in,
)
from performance_pipeline_tests.support.runs import (
    KEYS,
    evaluations,
    materializations,
    materialize_all,
    shown,
)
from performance_pipeline_tests.support.schemas import validator
from performance_pipeline_tests.support.ticks import sensor_state

TODAY: Final = NOON.date()
LAYERS: Final = ("daily_aggregate", *(f"{window}_summary" for window in PARTITIONED_WINDOWS))
QUIET: Final = "No log has changed."


def logs_in(folder: Path) -> Place:
    """Logs of three days, the last of them today, and a target that a losing day breaches."""
    (folder / "targets.yaml").write_text("max_drawdown_target: -10\n")
    found = place(folder / "logs", TARGETS_FILE=str(folder / "targets.yaml"), REFRESH_SECONDS="0")
    for day in (DAY, NEXT_DAY, TODAY):
        found.write(day, *session("5", "-3", day=day))
    return found


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return logs_in(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Made:
    root = tmp_path_factory.mktemp("made")
    here = logs_in(root)
    return made_in(
        root,
        empty_home,
        here,
        lambda instance: materialize_all(here, instance, DAY, TODAY, NOON),
    )


@pytest.fixture
def daemon(made: Made, here: Place, tmp_path: Path) -> Iterator[Daemon]:
    """One under which everything there is was made by runs."""
    shutil.copytree(made.root / "logs", here.log_dir, dirs_exist_ok=True)
    shutil.copytree(made.root / "dagster", tmp_path / "made")
    with instance_in(tmp_path / "made") as instance:
        yield Daemon(here, instance, made.cursor)


def append(here: Place, pnl: str, number: int = 0, day: date = TODAY) -> None:
    [line] = session(pnl, day=day, hour=16 + number, order_id=f"later-{number}")
    with here.path(day).open("ab") as log:
        log.write(line + b"\n")


def later(daemon: Daemon, seconds: int = 5) -> list[str]:
    """The next tick, and what the daemon was left to report."""
    daemon.now += timedelta(seconds=seconds)
    return daemon.tick()


def counted(daemon: Daemon) -> dict[str, int]:
    """How often the partition that holds today was materialized, by asset."""
    keys = {f"{window}_summary": Period.of(window, TODAY).key for window in PARTITIONED_WINDOWS}
    return {
        asset: sum(
            one.partition == str(keys.get(asset, TODAY))
            for one in materializations(daemon.instance, asset)
        )
        for asset in ("trade_log", *LAYERS)
    }


def pnl_of(here: Place, window: Window, key: date) -> str:
    path = here.output / f"{window}-summary-{key}.json"
    return str(json.loads(path.read_bytes())["realized_pnl"])


def alerts(here: Place) -> list[tuple[str, str]]:
    path = here.settings.alert_log
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(one["id"], one["status"]) for one in map(json.loads, lines)]


# --- files ------------------------------------------------------------------------------------


def test_a_line_is_in_the_files_of_every_window_after_one_tick_and_no_run(
    daemon: Daemon, here: Place
) -> None:
    before = daemon.instance.get_runs_count()
    append(here, "7")
    later(daemon)
    found = {
        window: pnl_of(here, window, Period.of(window, TODAY).key) for window in PARTITIONED_WINDOWS
    }
    assert found == dict.fromkeys(PARTITIONED_WINDOWS, "13") | {Window.DAILY: "9"}
    assert daemon.instance.get_runs_count() == before
    assert daemon.evaluate().skip_message == QUIET


def test_the_files_are_those_that_a_run_would_have_written(daemon: Daemon, here: Place) -> None:
    for number, pnl in enumerate(("7", "-20", "4")):
        append(here, pnl, number)
        later(daemon)
    live = here.written()
    materialize_all(here, daemon.instance, DAY, TODAY, daemon.now)
    assert here.written() == live


def test_a_line_that_is_still_being_written_waits(daemon: Daemon, here: Place) -> None:
    with here.path(TODAY).open("ab") as log:
        log.write(win("7", at("16:00", TODAY))[:50])
    assert later(daemon) == []
    assert pnl_of(here, Window.DAILY, TODAY) == "2"


@pytest.mark.parametrize(
    ("zone", "now", "days"),
    [
        ("UTC", "2025-06-12T12:00", [TODAY]),
        ("Asia/Tokyo", "2025-06-12T12:00", [TODAY]),
        ("Asia/Tokyo", "2025-06-12T15:00", [TODAY, TODAY + ONE_DAY]),
        ("America/New_York", "2025-06-12T12:00", [TODAY - ONE_DAY, TODAY]),
        ("America/New_York", "2025-06-12T03:59", [TODAY - ONE_DAY]),
    ],
)
def test_running_days_are_those_begun_that_the_log_of_the_utc_day_can_reach(
    here: Place, zone: str, now: str, days: list[date]
) -> None:
    settings = here.under(SUMMARY_TIMEZONE=zone).settings
    assert running_days(settings, datetime.fromisoformat(f"{now}+00:00")) == days


def test_a_log_that_reaches_two_trading_days_makes_both(
    here: Place, instance: dg.DagsterInstance
) -> None:
    west = here.under(SUMMARY_TIMEZONE="America/New_York")
    daemon = Daemon(west, instance)
    daemon.tick()
    materialize_all(west, instance, DAY, TODAY, NOON)
    with west.path(TODAY).open("ab") as log:
        for pnl, clock in (("50", "03:00"), ("70", "11:00")):
            log.write(win(pnl, at(clock, TODAY), order_id=clock) + b"\n")
    assert later(daemon) == []
    found = [pnl_of(west, Window.DAILY, day) for day in (TODAY - ONE_DAY, TODAY)]
    materialize_all(west, instance, DAY, TODAY, daemon.now)
    assert found == [pnl_of(west, Window.DAILY, day) for day in (TODAY - ONE_DAY, TODAY)]
    assert len(set(found)) == 2


def test_a_new_day_is_made_as_soon_as_it_begins(daemon: Daemon, here: Place) -> None:
    assert later(daemon, 12 * 3600) == []
    tomorrow = TODAY + ONE_DAY
    assert pnl_of(here, Window.DAILY, tomorrow) == "0"
    append(here, "1", day=tomorrow)
    assert later(daemon) == []
    assert pnl_of(here, Window.DAILY, tomorrow) == "1"


# --- what Dagster hears -----------------------------------------------------------------------


def test_what_says_nothing_new_is_reported_once_in_a_while(daemon: Daemon, here: Place) -> None:
    before = counted(daemon)
    append(here, "7", 0)
    later(daemon)
    append(here, "7", 1)
    later(daemon)
    assert counted(daemon) == before
    assert later(daemon, REPORT_SECONDS) == []
    assert counted(daemon) == {asset: count + 1 for asset, count in before.items()}
    [_, newest] = [
        one
        for one in materializations(daemon.instance, "daily_summary")
        if one.partition == str(TODAY)
    ]
    assert (newest.run_id, shown(newest.metadata)["total_trades"]) == (RUNLESS_RUN_ID, 4)
    assert later(daemon, REPORT_SECONDS) == []
    assert counted(daemon) == {asset: count + 1 for asset, count in before.items()}


def test_a_check_that_says_something_new_is_reported_at_once_and_raises_and_resolves(
    daemon: Daemon, here: Place
) -> None:
    before = counted(daemon)
    append(here, "-20", 0)
    assert later(daemon) == ["performance_alerts"]
    assert counted(daemon) == {asset: count + 1 for asset, count in before.items()}
    assert alerts(here) == [(f"daily-{TODAY}-max_drawdown-1", "raised")]
    [raised] = map(json.loads, here.settings.alert_log.read_text(encoding="utf-8").splitlines())
    validator("alert").validate(raised)
    assert (raised["asset_key"], raised["run_id"]) == ("daily_summary", "")
    append(here, "1", 1)
    assert later(daemon) == []
    here.write(TODAY, *session("5", "-3", day=TODAY))
    assert later(daemon) == ["performance_alerts"]
    assert alerts(here)[-1] == (f"daily-{TODAY}-max_drawdown-1", "resolved")


def test_while_the_alert_sensor_is_turned_off_nothing_is_raised(
    daemon: Daemon, here: Place
) -> None:
    off = sensor_state("performance_alert_sensor", running=False, cursor=None)
    daemon.instance.add_instigator_state(off)
    append(here, "-20", 0)
    assert later(daemon) == []
    assert alerts(here) == []
    daemon.instance.delete_instigator_state(off.instigator_origin_id, off.selector_id)
    append(here, "1", 1)
    assert later(daemon) == ["performance_alerts"]
    assert alerts(here) == [(f"daily-{TODAY}-max_drawdown-1", "raised")]


def test_a_bad_line_is_told_at_once_by_the_check_of_the_log(daemon: Daemon, here: Place) -> None:
    with here.path(TODAY).open("ab") as log:
        log.write(b"{}\n")
    later(daemon)
    assert [one.passed for one in evaluations(daemon.instance) if one.partition == str(TODAY)] == [
        True,
        False,
    ]


def test_every_evaluation_names_the_materialization_it_looked_at(
    daemon: Daemon, here: Place
) -> None:
    for number in range(3):
        append(here, "-20", number)
        later(daemon, REPORT_SECONDS)
    for asset in KEYS.summaries:
        check = dg.AssetCheckKey(asset, "meets_targets")
        newest = evaluations(daemon.instance, check)[-1]
        made = materializations(daemon.instance, asset.to_user_string())[-1]
        assert newest.target_materialization_data is not None
        assert newest.target_materialization_data.storage_id == made.storage_id


def test_of_evaluations_outside_runs_the_newest_of_a_partition_is_kept(
    daemon: Daemon, here: Place
) -> None:
    for number in range(3):
        append(here, "-20", number)
        later(daemon, REPORT_SECONDS)
    with daemon.instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        rows = connection.execute(AssetCheckExecutionsTable.select()).fetchall()
    keys = [(row.asset_key, row.partition) for row in rows if row.run_id == RUNLESS_RUN_ID]
    assert len(keys) == len(set(keys)) == len(LAYERS)
    assert {row.run_id for row in rows} == {
        RUNLESS_RUN_ID,
        *(run.run_id for run in daemon.instance.get_runs()),
    }


def test_conditions_ask_for_nothing_that_the_sensor_has_made(daemon: Daemon, here: Place) -> None:
    def asked(cursor: Any = None) -> Any:
        return dg.evaluate_automation_conditions(
            daemon.definitions,
            daemon.instance,
            asset_selection=dg.AssetSelection.assets(KEYS.daily_aggregate, *KEYS.summaries),
            evaluation_time=daemon.now,
            cursor=cursor,
        )

    cursor = asked().cursor
    for number in range(3):
        append(here, "-20", number)
        later(daemon, REPORT_SECONDS)
        found = asked(cursor)
        assert found.total_requested == 0
        cursor = found.cursor
    here.write(NEXT_DAY, *session("8", day=NEXT_DAY))
    assert later(daemon) == [str(NEXT_DAY)]
    assert asked(cursor).get_requested_partitions(KEYS.daily_aggregate) == {str(NEXT_DAY)}


# --- what goes another way --------------------------------------------------------------------


def test_with_an_older_day_the_running_one_goes_the_way_of_automation(
    daemon: Daemon, here: Place
) -> None:
    append(here, "7")
    here.write(DAY, *session("9"))
    assert later(daemon) == [str(DAY), str(TODAY)]


def test_a_log_that_cannot_be_read_is_reported_so_that_its_run_fails_by_name(
    daemon: Daemon, here: Place
) -> None:
    here.path(TODAY).unlink()
    here.path(TODAY).mkdir()
    assert later(daemon) == [str(TODAY)]


def test_while_a_run_may_be_writing_the_running_day_waits(daemon: Daemon, here: Place) -> None:
    run = dg.DagsterRun(
        "by_hand",
        "a-run",
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({KEYS.daily_aggregate}),
    )
    daemon.instance.add_run(run)
    append(here, "7")
    cursor = daemon.cursor
    assert "run is writing" in str(daemon.evaluate().skip_message)
    assert (later(daemon), daemon.cursor) == ([], cursor)
    assert pnl_of(here, Window.DAILY, TODAY) == "2"
    daemon.instance.report_run_canceled(run)
    later(daemon)
    assert pnl_of(here, Window.DAILY, TODAY) == "9"


def test_a_run_of_other_assets_keeps_nobody_waiting(daemon: Daemon, here: Place) -> None:
    elsewhere = frozenset({dg.AssetKey("elsewhere")})
    daemon.instance.add_run(
        dg.DagsterRun(
            "other", "a-run", status=dg.DagsterRunStatus.STARTED, asset_selection=elsewhere
        )
    )
    append(here, "7")
    later(daemon)
    assert pnl_of(here, Window.DAILY, TODAY) == "9"


def test_a_first_look_leaves_everything_to_automation(
    here: Place, instance: dg.DagsterInstance
) -> None:
    first = Daemon(here, instance)
    assert first.tick() == [str(DAY), str(NEXT_DAY), str(TODAY), "performance_targets"]
    assert not (here.output / f"daily-summary-{TODAY}.json").exists()


# --- clocks that jump -------------------------------------------------------------------------

HOUR: Final = 3600


@pytest.mark.parametrize(
    "jumps",
    [
        (HOUR, -HOUR),
        (-24 * HOUR,),
        *(
            pytest.param(jumps, marks=only_when_proving)
            for jumps in ((HOUR,), (-HOUR,), (24 * HOUR,), (24 * HOUR, -24 * HOUR))
        ),
    ],
    ids=str,
)
def test_a_clock_that_jumps_loses_nothing_and_says_nothing_twice(
    daemon: Daemon, here: Place, jumps: tuple[int, ...]
) -> None:
    append(here, "-20", 0)
    later(daemon)
    for number, seconds in enumerate(jumps, start=1):
        later(daemon, seconds)
        append(here, "-1", number)
        for _ in range(3):
            later(daemon)
    daemon.now = NOON + timedelta(days=2)
    for _ in range(3):
        later(daemon)
    materialize_all(here, daemon.instance, TODAY, TODAY, daemon.now)
    assert pnl_of(here, Window.DAILY, TODAY) == str(2 - 20 - len(jumps))
    assert [one for one in alerts(here) if "max_drawdown" in one[0]] == [
        (f"daily-{TODAY}-max_drawdown-1", "raised")
    ]


# --- crashes ----------------------------------------------------------------------------------

STEPS: Final = (
    "make_running_days",
    "says_anew",
    "report_running_days",
    "told_of_alerts",
    "keep_watch",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_around_any_step_loses_no_line_and_no_alert_and_repeats_none(
    daemon: Daemon, here: Place, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    append(here, "-20")
    module = log_sensor if step == "keep_watch" else running
    real = getattr(module, step)

    def killed(*arguments: Any, **named: Any) -> None:
        if after:
            real(*arguments, **named)
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(module, step, killed)
        with pytest.raises(KilledError):
            later(daemon)
    later(daemon)
    assert pnl_of(here, Window.DAILY, TODAY) == "-18"
    assert alerts(here) == [(f"daily-{TODAY}-max_drawdown-1", "raised")]
    assert later(daemon) == []
    assert alerts(here) == [(f"daily-{TODAY}-max_drawdown-1", "raised")]


def test_without_its_cursor_the_next_look_says_only_what_dagster_does_not_know(
    daemon: Daemon, here: Place
) -> None:
    daemon.instance.add_instigator_state(sensor_state("refresh_automation_sensor", cursor="looked"))
    append(here, "-20")
    later(daemon)
    daemon.watch_file.unlink()
    daemon.cursor = None
    assert later(daemon) == []
    assert alerts(here) == [(f"daily-{TODAY}-max_drawdown-1", "raised")]
