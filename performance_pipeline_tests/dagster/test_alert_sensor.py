"""The alert sensor on a real instance: what it writes, when it is silent, and what may go wrong.

The instance is the default one, on SQLite; an ephemeral one reads its events in other ways.
"""

import logging
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import dagster as dg
import msgspec
import pytest

from performance_pipeline.commands.home import use_home
from performance_pipeline.defs import check_history
from performance_pipeline.defs.alert_sensor import AlertCursor, update_alert_log
from performance_pipeline.defs.backfill import Progress, run_backfill
from performance_pipeline.defs.metadata import VERDICTS
from performance_pipeline.domain.alerts import acknowledge
from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline_tests.support.alert_service import (
    AGREES,
    BREACH,
    CORRECT,
    NOTHING_NEW,
    STEMS,
    AlertService,
    Tick,
    service_in,
)
from performance_pipeline_tests.support.alerts import (
    CRITICAL,
    MET,
    WARN,
    documents,
    evaluation,
    verdict,
)
from performance_pipeline_tests.support.instances import new_home
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    place,
    session,
)
from performance_pipeline_tests.support.reported_runs import (
    checked,
    evaluate,
    finish,
    plan,
    start_run,
)
from performance_pipeline_tests.support.runs import materializations, shown

AT_ONCE: Final = LATER - 39 * ONE_DAY  # half a day after DAY was over


@pytest.fixture
def service(tmp_path: Path, empty_home: Path) -> Iterator[AlertService]:
    new_home(empty_home, tmp_path / "home")
    with service_in(tmp_path) as found:
        yield found


# --- episodes ---------------------------------------------------------------------------------


def test_breach_correct_breach_is_raised_resolved_raised_for_every_window(
    service: AlertService,
) -> None:
    ticks = []
    for pnls in (BREACH, CORRECT, BREACH):
        service.here.write(DAY, *session(*pnls))
        service.materialize(*PARTITIONED_WINDOWS)
        ticks.append(service.tick().lines)
        assert service.tick().lines == []
    assert ticks == [
        [(f"{stem}-1", "raised") for stem in STEMS],
        [(f"{stem}-1", "resolved") for stem in STEMS],
        [(f"{stem}-2", "raised") for stem in STEMS],
    ]


def test_an_alert_says_what_its_check_saw_and_which_run_that_was(service: AlertService) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.materialize(Window.WEEKLY)
    service.tick()
    (run,) = service.instance.get_run_records()
    assert documents(service.log.path) == [
        {
            "event": "performance.alert",
            "id": "weekly-2025-06-09-win_rate-1",
            "status": "raised",
            "window": "weekly",
            "period": "2025-06-09",
            "start_date": "2025-06-09",
            "end_date": "2025-06-15",
            "metric": "win_rate",
            "strategy": "",
            "actual": "0.55",
            "target": "0.6",
            "severity": "WARN",
            "message": "weekly 2025-06-09: win_rate 0.55 below its target 0.6 (WARN)",
            "late": True,
            "raised_at": "2025-07-20T12:00:00Z",
            "acknowledged_at": None,
            "resolved_at": None,
            "asset_key": "weekly_summary",
            "run_id": run.dagster_run.run_id,
        }
    ]


def test_a_rolling_win_rate_that_falls_from_60_to_55_percent_raises_one_alert(
    service: AlertService,
) -> None:
    service.here.write(DAY, *session(*CORRECT))
    service.here.write(NEXT_DAY, *session("-1", day=NEXT_DAY))
    service.materialize(Window.ROLLING)
    assert service.tick() == Tick(skipped=AGREES)
    service.materialize(Window.ROLLING, last=NEXT_DAY)
    assert service.tick().lines == [("rolling-2025-06-11-win_rate-1", "raised")]
    service.materialize(Window.ROLLING, last=NEXT_DAY)
    assert service.tick() == Tick(skipped=AGREES)


def test_running_partitions_again_ten_times_adds_nothing(service: AlertService) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.materialize(*PARTITIONED_WINDOWS)
    service.tick()
    content = service.log.path.read_bytes()
    for count in range(10):
        service.materialize(PARTITIONED_WINDOWS[count % 4])
        assert service.tick() == Tick(skipped=AGREES)
    assert service.log.path.read_bytes() == content


def test_the_check_executed_alone_says_the_same_again_and_adds_nothing(
    service: AlertService,
) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.materialize(Window.DAILY)
    service.tick()
    service.here.write(DAY, *session(*CORRECT))
    service.check_alone(Window.DAILY)
    assert service.tick() == Tick(skipped=AGREES)
    key = dg.AssetCheckKey(dg.AssetKey("daily_summary"), "meets_targets")
    history = service.instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    found = [record.evaluation for record in history]
    assert [(one.passed, one.partition) for one in found if one] == [(False, "2025-06-10")] * 2
    said_again = [one.metadata[VERDICTS] for one in found if one]
    assert said_again[0] == said_again[1]


def test_a_running_day_raises_for_drawdown_and_rolling_and_the_rest_once_it_is_over(
    service: AlertService,
) -> None:
    service.targets(
        "win_rate_target: 60\ndaily_pl_target: 100\ntrades_per_day_target: 50\n"
        "max_drawdown_target: -5\n"
    )
    service.here.write(DAY, *session(*BREACH))
    service.now = datetime(2025, 6, 10, 18, tzinfo=UTC)
    service.materialize(Window.DAILY, Window.ROLLING)
    assert service.tick().lines == [
        ("daily-2025-06-10-max_drawdown-1", "raised"),
        ("rolling-2025-06-10-win_rate-1", "raised"),
    ]
    service.now = datetime(2025, 6, 11, tzinfo=UTC)
    service.materialize(Window.DAILY, Window.ROLLING)
    assert service.tick().lines == [
        ("daily-2025-06-10-win_rate-1", "raised"),
        ("daily-2025-06-10-realized_pnl-1", "raised"),
        ("daily-2025-06-10-total_trades-1", "raised"),
    ]


def test_the_rolling_window_is_judged_on_its_newest_evaluated_day_alone(
    service: AlertService,
) -> None:
    def rolling(day: date, judged: Any = WARN) -> Evaluation:
        return evaluation(judged, window=Window.ROLLING, day=day)

    days = [DAY + count * ONE_DAY for count in range(4)]
    looks = [
        [rolling(days[0]), rolling(days[2], MET), rolling(days[1])],  # the newest is met
        [rolling(days[0]), rolling(days[1], CRITICAL)],  # an older one is breached again
        [rolling(days[3])],  # a new day is breached
        [rolling(days[0], MET), rolling(days[2], MET)],  # older ones are met
        [rolling(days[3], CRITICAL)],
        [rolling(days[3], MET), rolling(days[0], CRITICAL)],
    ]
    ticks = []
    for look in looks:
        checked(service.instance, *look)
        ticks.append(service.tick().lines)
    assert ticks == [
        [],
        [],
        [("rolling-2025-06-13-win_rate-1", "raised")],
        [],
        [("rolling-2025-06-13-win_rate-1", "updated")],
        [("rolling-2025-06-13-win_rate-1", "resolved")],
    ]


def test_checks_of_older_rolling_days_show_and_do_not_alert(service: AlertService) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.here.write(NEXT_DAY, *session(*["1"] * 20, day=NEXT_DAY))
    service.materialize(Window.ROLLING, last=NEXT_DAY)
    assert service.tick() == Tick(skipped=AGREES)
    service.materialize(Window.ROLLING)
    assert service.tick() == Tick(skipped=AGREES)
    key = dg.AssetCheckKey(dg.AssetKey("rolling_summary"), "meets_targets")
    (record,) = service.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.evaluation is not None
    assert (record.evaluation.partition, record.evaluation.passed) == ("2025-06-10", False)


# --- when there is nothing to say -------------------------------------------------------------


def test_nothing_new_is_skipped_without_touching_anything(service: AlertService) -> None:
    assert service.tick() == Tick(skipped=AGREES)
    checked(service.instance, evaluation(WARN))
    service.tick()
    cursor, content = service.cursor, service.log.path.read_bytes()
    modified = service.log.path.stat().st_mtime_ns
    for _ in range(3):
        assert service.tick() == Tick(skipped=NOTHING_NEW)
    assert (service.cursor, service.log.path.read_bytes()) == (cursor, content)
    assert service.log.path.stat().st_mtime_ns == modified


def test_runs_of_something_else_add_nothing(service: AlertService) -> None:
    checked(service.instance, evaluation(WARN))
    service.tick()
    finish(service.instance, start_run(service.instance))
    finish(service.instance, start_run(service.instance), dg.DagsterEventType.RUN_FAILURE)
    assert service.tick() == Tick(skipped=AGREES)


def test_an_empty_day_evaluated_three_times_writes_nothing(service: AlertService) -> None:
    service.here.write(DAY)
    for _ in range(3):
        service.materialize(Window.DAILY, Window.ROLLING)
        assert service.tick() == Tick(skipped=AGREES)
    assert not service.log.path.exists()


def test_a_day_whose_trades_went_missing_keeps_its_alerts(service: AlertService) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.materialize(Window.DAILY, Window.ROLLING)
    assert len(service.tick().lines) == 2
    service.here.write(DAY)
    service.materialize(Window.DAILY, Window.ROLLING)
    assert service.tick() == Tick(skipped=AGREES)


def test_a_missing_or_broken_targets_file_changes_nothing_and_an_emptied_one_resolves(
    service: AlertService,
) -> None:
    service.here.write(DAY, *session(*BREACH))
    states = [
        ("win_rate_target: 60\n", [("daily-2025-06-10-win_rate-1", "raised")]),
        ("win_rate_target: [60]\n", []),
        (None, []),
        ("# none\n", [("daily-2025-06-10-win_rate-1", "resolved")]),
        ("win_rate_target: 60\n", [("daily-2025-06-10-win_rate-2", "raised")]),
    ]
    for text, lines in states:
        if text is None:
            service.here.settings.targets_file.unlink()
        else:
            service.targets(text)
        service.materialize(Window.DAILY)
        tick = service.tick()
        assert (tick.lines, tick.skipped) == (lines, None if lines else AGREES)
    assert [one["message"] for one in documents(service.log.path)][1:2] == [
        "daily 2025-06-10: win_rate is no longer checked"
    ]


# --- runs that are not over -------------------------------------------------------------------

ENDINGS: Final = [
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
]


@pytest.mark.parametrize("looked_before", [True, False], ids=["a later look", "the first look"])
@pytest.mark.parametrize("how", ENDINGS, ids=lambda how: str(how.name))
def test_what_a_run_has_evaluated_counts_once_it_is_over_however_it_ends(
    service: AlertService, how: dg.DagsterEventType, looked_before: bool
) -> None:
    if looked_before:
        assert service.tick().lines == []
    run_id = start_run(service.instance)
    evaluate(service.instance, run_id, evaluation(WARN), evaluation(WARN, window=Window.ROLLING))
    assert service.tick().lines == []
    assert service.tick().lines == []
    finish(service.instance, run_id, how)
    assert service.tick().lines == [
        ("daily-2025-06-10-win_rate-1", "raised"),
        ("rolling-2025-06-10-win_rate-1", "raised"),
    ]


def test_what_a_run_that_is_over_said_counts_while_a_later_one_goes_on(
    service: AlertService,
) -> None:
    checked(service.instance, evaluation(WARN))
    unfinished = [start_run(service.instance) for _ in range(7)]
    for run_id in unfinished:
        evaluate(service.instance, run_id, evaluation(MET), evaluation(CRITICAL, day=NEXT_DAY))
    assert service.tick().lines == [("daily-2025-06-10-win_rate-1", "raised")]
    service.cursor = None
    assert service.tick().lines == []
    finish(service.instance, unfinished[3])
    assert service.tick().lines == [
        ("daily-2025-06-10-win_rate-1", "resolved"),
        ("daily-2025-06-11-win_rate-1", "raised"),
    ]


def test_an_older_rolling_day_speaks_until_the_run_of_the_newest_is_over(
    service: AlertService,
) -> None:
    checked(service.instance, evaluation(WARN, window=Window.ROLLING))
    run_id = start_run(service.instance)
    evaluate(service.instance, run_id, evaluation(MET, window=Window.ROLLING, day=NEXT_DAY))
    assert service.tick().lines == [("rolling-2025-06-10-win_rate-1", "raised")]
    finish(service.instance, run_id)
    assert service.tick().lines == [("rolling-2025-06-10-win_rate-1", "resolved")]


@pytest.mark.parametrize("last", [WARN, MET], ids=["breached last", "met last"])
def test_of_runs_side_by_side_the_last_evaluation_counts_and_not_the_last_one_planned(
    service: AlertService, last: Any
) -> None:
    early, late = start_run(service.instance), start_run(service.instance)
    for run_id in (early, late):
        plan(service.instance, run_id, DAY)
    evaluate(service.instance, late, evaluation(MET if last is WARN else WARN))
    evaluate(service.instance, early, evaluation(last))
    for run_id in (early, late):
        finish(service.instance, run_id)
    expected = [("daily-2025-06-10-win_rate-1", "raised")] if last is WARN else []
    assert service.tick().lines == expected


# --- looking again from the start -------------------------------------------------------------


@pytest.fixture(scope="module")
def after_some_looks(
    tmp_path_factory: pytest.TempPathFactory, empty_home: Path
) -> tuple[Path, str | None]:
    """The folder of a service and its cursor, when it has been at work."""
    folder = tmp_path_factory.mktemp("busy")
    new_home(empty_home, folder / "home")
    with service_in(folder) as service:
        every = [evaluation(WARN, window=window) for window in PARTITIONED_WINDOWS]
        checked(service.instance, *every, evaluation(WARN, day=NEXT_DAY))
        service.tick()
        checked(service.instance, evaluation(MET, day=NEXT_DAY), evaluation(CRITICAL))
        service.tick()
        service.log.update(lambda alerts: acknowledge(alerts, [f"{STEMS[1]}-1"], now=LATER))
        assert len(service.said()) == 8
        return folder, service.cursor


@pytest.fixture
def busy(tmp_path: Path, after_some_looks: tuple[Path, str | None]) -> Iterator[AlertService]:
    """After a few looks: an active alert of each window, some resolved, one acknowledged."""
    folder, cursor = after_some_looks
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with service_in(tmp_path) as found:
        found.cursor = cursor
        yield found


@pytest.mark.parametrize("cursor", [None, "", "from another version", '{"finished_until":3}'])
def test_a_lost_cursor_gives_the_same_log(busy: AlertService, cursor: str | None) -> None:
    content = busy.log.path.read_bytes()
    busy.cursor = cursor
    assert busy.tick() == Tick(skipped=AGREES)
    assert busy.log.path.read_bytes() == content
    assert busy.tick().skipped in (AGREES, NOTHING_NEW)
    assert busy.tick() == Tick(skipped=NOTHING_NEW)


def test_a_deleted_log_is_rebuilt_with_what_the_checks_say_now(busy: AlertService) -> None:
    busy.log.path.unlink()
    assert busy.tick().lines == [(f"{stem}-1", "raised") for stem in STEMS]
    assert [one["severity"] for one in documents(busy.log.path)] == ["CRITICAL"] + ["WARN"] * 3
    assert busy.tick().lines == []


def test_an_emptied_log_is_rebuilt_too(busy: AlertService) -> None:
    busy.log.path.write_bytes(b"")
    assert busy.tick().lines == [(f"{stem}-1", "raised") for stem in STEMS]


def test_a_log_deleted_and_begun_anew_by_a_backfill_lacks_nothing_after_the_next_tick(
    service: AlertService,
) -> None:
    checked(service.instance, evaluation(WARN))
    service.tick()
    others = [evaluation(WARN, day=DAY + count * ONE_DAY) for count in range(1, 5)]
    checked(service.instance, *others)
    service.log.path.unlink()  # most file systems give its number to the next new file
    update_alert_log(
        service.runtime,
        service.instance,
        {(one.window, one.period.isoformat()) for one in others},
        pytest.fail,
    )
    service.tick()
    assert sorted(service.said()) == [
        (f"daily-{DAY + count * ONE_DAY}-win_rate-1", "raised") for count in range(5)
    ]


def test_few_partitions_asked_one_by_one_and_many_read_in_pages_say_the_same(
    service: AlertService, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY + count * ONE_DAY for count in range(7)]
    for judged in (WARN, MET, CRITICAL):
        checked(service.instance, *(evaluation(judged, day=day) for day in days))
    checked(service.instance, *(evaluation(MET, day=day) for day in days[::2]))
    unfinished = start_run(service.instance)
    evaluate(service.instance, unfinished, *(evaluation(MET, day=day) for day in days))
    expected = [(f"daily-{day}-win_rate-1", "raised") for day in days[1::2]]
    assert service.tick().lines == expected
    for many, page in ((0, 2), (0, 1000), (1000, 1)):
        monkeypatch.setattr(check_history, "_MANY", many)
        monkeypatch.setattr(check_history, "_PAGE", page)
        monkeypatch.setattr(check_history, "_PAGE_OF_ONE", page)
        service.log.path.unlink()
        assert service.tick().lines == expected


# --- several writers, and a log in trouble ----------------------------------------------------


def test_two_sensors_in_turn_write_each_line_once(service: AlertService) -> None:
    other = AlertService(service.here, service.instance)
    for judged in (WARN, MET, WARN):
        checked(service.instance, evaluation(judged), evaluation(judged, window=Window.ROLLING))
        assert len(service.tick().lines) == 2
        assert other.tick() == Tick(skipped=AGREES)
    assert len(service.said()) == 6


def test_what_one_sensor_read_before_another_wrote_is_not_said_after_it(
    service: AlertService, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(service.instance, evaluation(WARN))
    service.tick()
    checked(service.instance, evaluation(WARN))
    other = AlertService(service.here, service.instance, cursor=service.cursor)

    def correct_and_tick() -> None:
        checked(service.instance, evaluation(MET))
        other.tick()

    meanwhile = threading.Thread(target=correct_and_tick)
    storage = type(service.instance.event_log_storage)
    read = storage.get_asset_check_execution_history

    def read_and_be_slow(*arguments: Any, **named: Any) -> Any:
        found = read(*arguments, **named)
        if threading.current_thread() is not meanwhile and meanwhile.ident is None:
            meanwhile.start()
            meanwhile.join(1.5)  # unless it has to wait for us
        return found

    monkeypatch.setattr(storage, "get_asset_check_execution_history", read_and_be_slow)
    service.tick()
    meanwhile.join()
    service.tick()
    other.tick()
    assert service.said() == [
        ("daily-2025-06-10-win_rate-1", "raised"),
        ("daily-2025-06-10-win_rate-1", "resolved"),
    ]


def test_sensors_ticking_side_by_side_write_each_line_once(service: AlertService) -> None:
    sensors = [service, *(AlertService(service.here, service.instance) for _ in range(3))]
    days = [DAY + count * ONE_DAY for count in range(5)]
    for judged in (WARN, MET):
        checked(service.instance, *(evaluation(judged, day=day) for day in days))
        threads = [threading.Thread(target=sensor.tick) for sensor in sensors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert service.said() == [
        (f"daily-{day}-win_rate-1", status) for status in ("raised", "resolved") for day in days
    ]


def test_an_acknowledgement_between_ticks_is_kept_and_looked_at_no_further(
    busy: AlertService,
) -> None:
    busy.log.update(lambda alerts: acknowledge(alerts, [f"{STEMS[2]}-1"], now=LATER))
    assert busy.tick() == Tick(skipped=NOTHING_NEW)
    checked(busy.instance, evaluation(MET, window=Window.MONTHLY))
    busy.tick()
    last = documents(busy.log.path)[-1]
    assert (last["id"], last["status"]) == (f"{STEMS[2]}-1", "resolved")
    assert last["acknowledged_at"] == "2025-07-20T12:00:00Z"


def torn(service: AlertService) -> Path:
    return service.log.path.with_name(f"{service.log.path.name}.torn")


@pytest.mark.parametrize("length", [1, 200])
def test_the_line_of_a_killed_acknowledgement_is_moved_aside_by_the_next_tick(
    busy: AlertService, length: int
) -> None:
    content = busy.log.path.read_bytes()
    busy.log.path.write_bytes(content + content[:length])
    assert busy.tick().lines == []
    assert busy.log.path.read_bytes() == content
    assert torn(busy).read_bytes() == content[:length] + b"\n"


def test_a_folder_in_the_place_of_the_log_fails_every_tick_loudly_and_then_catches_up(
    busy: AlertService,
) -> None:
    kept = busy.log.path.rename(busy.log.path.with_suffix(".kept"))
    content, cursor = kept.read_bytes(), busy.cursor
    busy.log.path.mkdir()
    checked(busy.instance, evaluation(MET), evaluation(WARN, day=NEXT_DAY))
    for _ in range(2):
        with pytest.raises(IsADirectoryError, match=busy.log.path.name):
            busy.tick()
    assert busy.cursor == cursor
    busy.log.path.rmdir()
    kept.replace(busy.log.path)
    assert busy.tick().lines == [
        ("daily-2025-06-10-win_rate-1", "resolved"),
        ("daily-2025-06-11-win_rate-2", "raised"),
    ]
    assert busy.log.path.read_bytes().startswith(content)


@pytest.mark.parametrize("stray", [b"\n", b"by hand\n", b"{}\n", b"\xff\0\n"])
@pytest.mark.parametrize("place_in_log", ["start", "middle", "end"])
def test_a_line_that_is_no_alert_is_told_once_and_alerts_go_on(
    busy: AlertService, stray: bytes, place_in_log: str
) -> None:
    content = busy.log.path.read_bytes()
    at = {"start": 0, "middle": content.index(b"\n") + 1, "end": len(content)}[place_in_log]
    busy.log.path.write_bytes(content[:at] + stray + content[at:])
    first, second = busy.tick(), busy.tick()
    [sentence] = first.warnings
    assert re.search(r"no alert in line \d+ \(.+\); moved to .+\.torn$", sentence)
    assert (second, busy.log.path.read_bytes()) == (Tick(skipped=NOTHING_NEW), content)
    assert torn(busy).read_bytes() == stray
    checked(busy.instance, evaluation(MET))
    assert busy.tick().lines == [(f"{STEMS[0]}-1", "resolved")]
    assert busy.log.path.read_bytes().startswith(content)


def test_every_line_overwritten_in_turn_is_said_again_only_where_it_was_needed(
    busy: AlertService,
) -> None:
    content, cursor = busy.log.path.read_bytes(), busy.cursor
    lines = content.splitlines(keepends=True)
    alerts = busy.log.alerts()
    for number in range(len(lines)):
        busy.cursor = cursor
        busy.log.path.write_bytes(b"".join([*lines[:number], b"#\n", *lines[number + 1 :]]))
        busy.tick()
        added = busy.log.path.read_bytes().splitlines()[len(lines) - 1 :]
        assert len(added) <= 1
        again = busy.log.alerts()
        assert {key for key, one in again.items() if one.active} == {
            key for key, one in alerts.items() if one.active
        }
        assert busy.tick().lines == []


def test_lines_put_into_another_order_resolve_nothing_twice_and_raise_nothing_anew(
    busy: AlertService,
) -> None:
    content, alerts = busy.log.path.read_bytes(), busy.log.alerts()
    lines = content.splitlines(keepends=True)
    for seed in range(5):
        shuffled = b"".join(Random(seed).sample(lines, len(lines)))
        busy.log.path.write_bytes(shuffled)
        assert busy.tick().lines == []
        assert (busy.log.path.read_bytes(), busy.log.alerts()) == (shuffled, alerts)


def test_a_log_folder_that_cannot_be_made_fails_every_tick_and_then_catches_up(
    tmp_path: Path, empty_home: Path
) -> None:
    new_home(empty_home, tmp_path / "home")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    with service_in(tmp_path, ALERT_LOG=str(blocked / "alerts.jsonl")) as service:
        checked(service.instance, evaluation(WARN))
        for _ in range(2):
            with pytest.raises(OSError, match="blocked"):
                service.tick()
        assert blocked.read_text() == "a file"
        blocked.unlink()
        assert service.tick().lines == [("daily-2025-06-10-win_rate-1", "raised")]


# --- what the log and the lineage are told ----------------------------------------------------


def test_late_alerts_of_one_tick_are_one_line_in_the_log_and_the_others_one_each(
    service: AlertService,
) -> None:
    service.now = AT_ONCE
    late = [evaluation(WARN, day=DAY - count * ONE_DAY) for count in range(1, 4)]
    checked(service.instance, *late, evaluation(WARN), evaluation(WARN, window=Window.WEEKLY))
    assert sorted(service.tick().warnings) == [
        "3 late alerts of windows that have been over for more than a day;"
        " `alerts list --all` shows them",
        "alert daily-2025-06-10-win_rate-1:"
        " daily 2025-06-10: win_rate 0.55 below its target 0.6 (WARN)",
        "alert weekly-2025-06-09-win_rate-1:"
        " weekly 2025-06-09: win_rate 0.55 below its target 0.6 (WARN)",
    ]
    checked(service.instance, evaluation(CRITICAL), evaluation(MET, window=Window.WEEKLY))
    tick = service.tick()
    assert (len(tick.lines), tick.warnings) == (2, [])


def test_every_change_of_the_log_is_a_materialization_of_performance_alerts(
    service: AlertService,
) -> None:
    checked(service.instance, evaluation(WARN), evaluation(WARN, day=NEXT_DAY))
    service.tick()
    checked(service.instance, evaluation(MET), evaluation(CRITICAL, day=NEXT_DAY))
    service.tick()
    assert service.tick() == Tick(skipped=NOTHING_NEW)
    first, second = (
        shown(one.metadata) for one in materializations(service.instance, "performance_alerts")
    )
    path = str(service.log.path.absolute())
    said = {"active": 2, "active_critical": 0, "active_late": 2, "lines": 2, "raised": 2}
    assert {name: first[name] for name in said} == said
    said = {"active": 1, "active_critical": 1, "active_late": 1, "lines": 2}
    assert {name: second[name] for name in said} == said
    assert (second["resolved"], second["updated"]) == (1, 1)
    assert first["alert_log"] == second["alert_log"] == path
    assert second["active_alerts"] == [
        {
            "period": "daily 2025-06-11",
            "breach": "win rate 30.0 % < 60.0 %",
            "severity": "CRITICAL, late",
            "since, UTC": "2025-07-20 12:00",
        }
    ]
    assert second["newest_lines"] == [
        {"status": one["status"], "message": one["message"]}
        for one in reversed(documents(service.log.path))
    ]


def test_an_alert_log_from_before_the_instance_is_reported_once(service: AlertService) -> None:
    checked(service.instance, evaluation(WARN))
    update_alert_log(service.runtime, service.instance, {(Window.DAILY, str(DAY))}, print)
    for _ in range(2):
        assert service.tick().lines == []
        [one] = materializations(service.instance, "performance_alerts")
        assert (shown(one.metadata)["active"], shown(one.metadata)["lines"]) == (1, 0)


def test_the_look_back_leaves_a_first_start_on_old_history_silent(
    tmp_path: Path, empty_home: Path
) -> None:
    new_home(empty_home, tmp_path / "home")
    with service_in(tmp_path, ALERT_LOOKBACK_DAYS="2") as service:
        days = [LATER.date() - count * ONE_DAY for count in range(6)]
        checked(service.instance, *(evaluation(WARN, day=day) for day in days))
        # Noon of the 20th: the 18th has been over for a day and a half, the 17th for longer.
        assert service.tick().lines == [
            (f"daily-2025-07-{number}-win_rate-1", "raised") for number in (18, 19, 20)
        ]


def test_the_sensor_runs_by_default(service: AlertService) -> None:
    assert service.sensor.default_status is dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize("status", ["insufficient_data", "unsure"])
def test_too_few_trades_and_a_miss_that_may_be_luck_raise_nothing_and_resolve_nothing(
    service: AlertService, status: str
) -> None:
    few = verdict(status)
    checked(service.instance, evaluation(few), evaluation(WARN, day=NEXT_DAY))
    assert service.tick().lines == [("daily-2025-06-11-win_rate-1", "raised")]
    checked(service.instance, evaluation(few), evaluation(few, day=NEXT_DAY))
    assert service.tick() == Tick(skipped=AGREES)


# --- backfill ---------------------------------------------------------------------------------


def test_a_backfill_brings_the_log_up_to_date_and_the_next_tick_adds_nothing(
    tmp_path: Path,
) -> None:
    here = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    (tmp_path / "targets.yaml").write_text("win_rate_target: 60\n")
    here.write(DAY, *session(*CORRECT))
    here.write(NEXT_DAY, *session(*BREACH, day=NEXT_DAY))
    messages: list[str] = []
    progress = Progress(
        lambda _: None,
        lambda: None,
        lambda message, level: messages.append(message) if level >= logging.WARNING else None,
    )
    use_home(here.settings)
    with dg.DagsterInstance.get() as instance:
        service = AlertService(here, instance)
        assert run_backfill(service.runtime, instance, DAY, NEXT_DAY, progress) == []
        raised = [
            (f"{window}-{Period.of(window, NEXT_DAY).key}-win_rate-1", "raised")
            for window in PARTITIONED_WINDOWS
        ]
        assert service.said() == raised
        assert [one for one in messages if "late alerts" in one] == [
            "4 late alerts of windows that have been over for more than a day;"
            " `alerts list --all` shows them"
        ]
        assert service.tick() == Tick(skipped=AGREES)
        assert service.said() == raised


def test_evaluations_come_back_from_the_instance_as_they_were_published(
    service: AlertService,
) -> None:
    exact = evaluation(verdict("breached", "WARN", "realized_pnl", "-0.00000000000000000001"))
    run_id = checked(service.instance, exact)
    assert check_history.latest_evaluations(
        service.instance, service.runtime.keys, {(Window.DAILY, "2025-06-10")}
    ) == [msgspec.structs.replace(exact, run_id=run_id, asset_key="daily_summary")]


def test_a_tick_takes_account_of_a_run_stored_with_an_earlier_time(
    service: AlertService,
) -> None:
    """A run's time is taken before it is stored, so one that is older may show up later."""
    slow = start_run(service.instance)
    evaluate(service.instance, slow, evaluation(WARN))
    checked(service.instance, evaluation(WARN, day=NEXT_DAY))
    assert len(service.tick().lines) == 1
    run = service.instance.get_run_record_by_id(slow)
    assert run is not None
    a_minute_ago = datetime.now(UTC) - timedelta(minutes=1)
    service.instance.run_storage.handle_run_event(
        slow, dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "by_hand"), a_minute_ago
    )
    assert service.tick().lines == [("daily-2025-06-10-win_rate-1", "raised")]


def test_the_cursor_stays_small_however_many_runs_finish_at_once_and_none_is_missed(
    service: AlertService,
) -> None:
    slow = start_run(service.instance)
    evaluate(service.instance, slow, evaluation(WARN))
    for number in range(1, 41):
        checked(service.instance, evaluation(WARN, day=DAY + number * ONE_DAY))
    assert len(service.tick().lines) == 40
    # That look named the last run alone; this one finds those that finished beside it.
    assert service.tick() == Tick(skipped=AGREES)
    assert len(service.cursor or "") < 1000
    for _ in range(2):
        assert service.tick() == Tick(skipped=NOTHING_NEW)
    finish(service.instance, slow)
    assert service.tick().lines == [("daily-2025-06-10-win_rate-1", "raised")]
    assert service.tick() == Tick(skipped=NOTHING_NEW)


def test_what_ends_after_the_clock_was_set_back_counts(service: AlertService) -> None:
    checked(service.instance, evaluation(WARN))
    service.tick()
    cursor = AlertCursor.decode(service.cursor)
    assert cursor is not None
    # As a sensor leaves it whose clock was an hour ahead.
    ahead = msgspec.structs.replace(
        cursor, finished_until=cursor.finished_until + timedelta(hours=1), recent_run_ids=()
    )
    service.cursor = ahead.encode()
    checked(service.instance, evaluation(WARN, day=NEXT_DAY))
    assert service.tick().lines == [("daily-2025-06-11-win_rate-1", "raised")]
    assert service.tick() == Tick(skipped=AGREES)
    assert service.tick() == Tick(skipped=NOTHING_NEW)
