"""Pruning takes away what nothing relies on, and nothing else: real instances, before and after."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.remote_origin import RemoteJobOrigin
from dagster._core.storage.compute_log_manager import ComputeIOType

from performance_pipeline.defs import retention_sensor, sqlite_storage
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.check_history import FINISHED, latest_evaluations
from performance_pipeline.defs.dagster_internals import (
    IMPLICIT_ASSET_JOB_NAME,
    AssetDaemonAssetEvaluationsTable,
    BulkActionStatus,
    InstigatorType,
    LocalComputeLogManager,
    SqlScheduleStorage,
    TickStatus,
)
from performance_pipeline.defs.metadata import VERDICTS
from performance_pipeline.defs.retention import Limits, Pruned, prune
from performance_pipeline.defs.runless_evaluations import report_evaluations
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline.storage.plain_json import plain_document
from performance_pipeline_tests.support.alert_service import (
    AGREES,
    CORRECT,
    AlertService,
)
from performance_pipeline_tests.support.histories import (
    ALL,
    KEEP,
    LAST,
    copy_of,
    long_after,
    pruned,
    report_log,
)
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY, session
from performance_pipeline_tests.support.remembered import remembered
from performance_pipeline_tests.support.runs import KEYS, QUIETLY
from performance_pipeline_tests.support.ticks import REPOSITORY, record_tick


@pytest.fixture
def service(lived_in: Path, tmp_path: Path) -> Iterator[AlertService]:
    """A copy of it; its alert sensor has lost its cursor."""
    with copy_of(lived_in, tmp_path / "copy") as found:
        yield found


def shards(service: AlertService) -> set[str]:
    runs = service.here.path().parents[1] / "home" / "history" / "runs"
    return {path.stem for path in runs.glob("*-*.db")}


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return {*instance.get_run_ids()}


# --- what stays -------------------------------------------------------------------------------


def test_every_partition_check_version_and_freshness_reads_as_before(service: AlertService) -> None:
    definitions = service.definitions
    before = remembered(service.instance, definitions)
    # Of the four times that DAY was made the newest stays, and of the others what else they made.
    found = pruned(service.instance)
    assert found.runs > 5
    assert found.events > 20
    assert remembered(service.instance, definitions) == before
    assert before["daily_summary"]["partitions"] == [str(DAY), str(DAY + ONE_DAY), str(LAST)]
    assert before["trade_log"]["versions"][str(DAY)] == {"dagster/data_version": "third"}
    assert [*before["daily_aggregate"]["attempts"]] == [str(LAST + ONE_DAY)]


def test_a_second_look_finds_nothing_more(service: AlertService) -> None:
    assert pruned(service.instance).runs
    assert pruned(service.instance) == Pruned()


def test_automation_asks_for_nothing_because_of_it_and_still_sees_what_changes(
    lived_in: Path, tmp_path: Path
) -> None:
    """On an instance that is pruned and on one that is not, with the cursor from before."""

    def asked(service: AlertService, cursor: Any = None) -> dg.EvaluateAutomationConditionsResult:
        return dg.evaluate_automation_conditions(
            service.definitions,
            service.instance,
            asset_selection=dg.AssetSelection.assets(KEYS.daily_aggregate, *KEYS.summaries),
            evaluation_time=LATER,
            cursor=cursor,
        )

    requests = []
    for name in ("kept", "pruned"):
        with copy_of(lived_in, tmp_path / name) as service:
            first = asked(service)
            if name == "pruned":
                assert pruned(service.instance).runs
            second = asked(service, first.cursor)
            report_log(service.instance, service.here, "fourth")
            third = asked(service, second.cursor)
            requests.append(
                [
                    {str(one.key): one.true_subset.size for one in result.results}
                    for result in (first, second, third)
                ]
            )
            assert second.total_requested == 0
            assert third.total_requested > 0
    assert requests[0] == requests[1]


@pytest.mark.parametrize("cursor", ["kept", "lost"])
def test_the_alert_sensor_says_nothing_because_of_it(service: AlertService, cursor: str) -> None:
    service.tick()
    said = service.said()
    assert said
    assert pruned(service.instance).runs
    if cursor == "lost":
        service.cursor = None
    tick = service.tick()
    assert tick.lines == []
    assert service.said() == said
    # All runs are minutes old here, and such are asked for again; their checks say nothing new.
    assert tick.skipped == AGREES


def test_what_changes_after_pruning_is_alerted_as_ever(service: AlertService) -> None:
    service.tick()
    pruned(service.instance)
    service.here.write(LAST, *session(*CORRECT, day=LAST))
    service.materialize(Window.DAILY, first=LAST)
    assert service.tick().lines == [(f"daily-{LAST}-win_rate-1", "resolved")]


def test_what_happened_since_the_cutoff_stays_whole(service: AlertService) -> None:
    instance = service.instance
    runs, logs = run_ids(instance), shards(service)
    cutoff = datetime.now(UTC)
    service.materialize(*PARTITIONED_WINDOWS)
    service.materialize(*PARTITIONED_WINDOWS)
    since = run_ids(instance) - runs
    pruned(instance, cutoff + timedelta(days=KEEP))
    assert since <= run_ids(instance)
    assert since <= shards(service)
    assert logs
    # As it stood at the cutoff: what was newest then is there although it is no more.
    at_cutoff = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("daily_summary"), asset_partitions=[str(DAY)]), limit=100
    ).records
    assert [record.run_id in since for record in at_cutoff] == [True, True, False]


def test_nothing_is_old_enough_before_its_time(service: AlertService) -> None:
    before = run_ids(service.instance), shards(service)
    assert pruned(service.instance, datetime.now(UTC) + timedelta(days=KEEP - 1)) == Pruned()
    assert (run_ids(service.instance), shards(service)) == before


def test_0_days_keep_everything(service: AlertService) -> None:
    before = run_ids(service.instance), shards(service)
    assert prune(service.instance, KEYS, 0, long_after(), ALL) == Pruned()
    assert (run_ids(service.instance), shards(service)) == before


def test_of_checks_outside_runs_the_newest_stays_and_the_events_of_the_others_go(
    service: AlertService,
) -> None:
    instance = service.instance
    [newest] = latest_evaluations(instance, KEYS, {(Window.DAILY, str(DAY))})
    for passed in (True, False, True):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("daily_summary"),
            check_name="meets_targets",
            passed=passed,
            partition=str(DAY),
            metadata={VERDICTS: dg.MetadataValue.json(plain_document(newest))},
        )
        report_evaluations(instance, [evaluation])
    before = remembered(instance, service.definitions)
    assert evaluations_outside_runs(service) == 3
    pruned(instance)
    assert remembered(instance, service.definitions) == before
    assert evaluations_outside_runs(service) == 1


def evaluations_outside_runs(service: AlertService) -> int:
    index = service.here.path().parents[1] / "home" / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(index)) as connection:
        query = (
            "SELECT count(*) FROM event_logs"
            " WHERE run_id = '' AND dagster_event_type = 'ASSET_CHECK_EVALUATION'"
        )
        return int(connection.execute(query).fetchone()[0])


# --- runs and their logs ----------------------------------------------------------------------


def test_a_superseded_run_goes_and_of_one_whose_results_count_the_log_is_emptied(
    service: AlertService,
) -> None:
    instance = service.instance
    runs = run_ids(instance)
    found = pruned(instance)
    left = run_ids(instance)
    assert len(runs - left) == found.runs
    made_something = {
        run_id
        for asset in ("daily_aggregate", "daily_summary", "weekly_summary", "rolling_summary")
        for run_id, _ in remembered(instance, service.definitions)[asset]["metadata"].values()
    }
    assert made_something <= left
    # What something refers to keeps its log too: each asset's last run, and the newest of all.
    last = {
        record.asset_entry.last_run_id
        for record in instance.get_asset_records([KEYS.daily_aggregate, *KEYS.summaries])
    }
    assert shards(service) == left
    with_events = {run_id for run_id in left if instance.all_logs(run_id)}
    assert with_events == {one for one in last if one}
    assert found.logs == len(left - with_events)
    assert found.logs


def test_an_emptied_log_is_small_and_still_one_to_dagster(service: AlertService) -> None:
    instance = service.instance
    pruned(instance)
    folder = service.here.path().parents[1] / "home" / "history" / "runs"
    emptied = [run_id for run_id in run_ids(instance) if not instance.all_logs(run_id)]
    assert emptied
    assert max((folder / f"{run_id}.db").stat().st_size for run_id in emptied) < 32_000
    run = instance.get_run_by_id(emptied[0])
    assert run is not None
    instance.report_engine_event("said later", run)
    assert [entry.message for entry in instance.all_logs(run.run_id)] == ["said later"]
    # Opened again as by another process, which looks at its version.
    with instance_in(folder.parents[1]) as again:
        assert len(again.all_logs(run.run_id)) == 1


def test_a_log_that_somebody_reads_is_left_for_later(service: AlertService) -> None:
    instance = service.instance
    folder = service.here.path().parents[1] / "home" / "history" / "runs"
    with ExitStack() as reading:
        for path in folder.glob("*-*.db"):
            reader = reading.enter_context(closing(sqlite3.connect(path)))
            reader.execute("SELECT count(*) FROM event_logs").fetchone()
        assert pruned(instance).logs == 0
    assert pruned(instance).logs > 0
    assert pruned(instance) == Pruned()


def test_what_steps_have_printed_goes_with_the_log(service: AlertService) -> None:
    instance = service.instance
    printed = []

    class Manager(type(instance.compute_log_manager)):  # type: ignore[misc]
        def delete_logs(self, log_key: Any = None, prefix: Any = None) -> None:
            assert log_key is None
            printed.append(prefix)

    instance._compute_log_manager = Manager()
    before = run_ids(instance)
    found = pruned(instance)
    assert len(printed) == found.runs + found.logs
    assert {run_id for [run_id] in printed} > before - run_ids(instance)


@pytest.mark.parametrize(
    "status", [status for status in dg.DagsterRunStatus if status not in FINISHED]
)
def test_a_run_that_is_not_over_is_never_touched_nor_what_it_retries(
    service: AlertService, status: dg.DagsterRunStatus
) -> None:
    instance = service.instance
    waiting = instance.add_run(
        dg.DagsterRun(
            IMPLICIT_ASSET_JOB_NAME,
            status=status,
            remote_job_origin=RemoteJobOrigin(REPOSITORY, IMPLICIT_ASSET_JOB_NAME),
            root_run_id=min(run_ids(instance)),
            parent_run_id=max(run_ids(instance)),
        )
    )
    needed = {waiting.run_id, waiting.root_run_id, waiting.parent_run_id}
    instance.report_engine_event("waiting", waiting)
    pruned(instance)
    assert needed <= run_ids(instance)
    assert needed <= shards(service)


def test_a_run_of_a_backfill_that_goes_on_is_kept_until_it_is_over(service: AlertService) -> None:
    instance = service.instance
    backfill = PartitionBackfill(
        "going-on", BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=0.0
    )
    instance.add_backfill(backfill)
    oldest = min(instance.get_run_records(), key=lambda record: record.storage_id)
    run_id = oldest.dagster_run.run_id
    instance.add_run_tags(run_id, {"dagster/backfill": "going-on"})
    service.materialize(Window.DAILY)  # a run to be the newest
    pruned(instance)
    assert run_id in run_ids(instance)
    over = backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS)  # type: ignore[no-untyped-call]
    instance.update_backfill(over)
    assert pruned(instance).runs == 1
    assert run_id not in run_ids(instance)


def test_the_log_of_a_run_that_was_deleted_in_the_ui_goes_too(service: AlertService) -> None:
    instance = service.instance
    [last] = instance.get_run_ids(limit=1)
    instance.delete_run(last)
    assert last in shards(service)
    pruned(instance)
    assert last not in shards(service)


def test_assets_and_runs_of_other_pipelines_on_the_instance_are_not_touched(
    service: AlertService,
) -> None:
    @dg.asset
    def theirs(context: dg.AssetExecutionContext) -> None:
        context.log.info("made")

    @dg.op
    def work() -> None:
        return None

    @dg.job
    def their_job() -> None:
        work()

    instance = service.instance
    job = dg.Definitions(assets=[theirs]).resolve_implicit_global_asset_job_def()
    before = run_ids(instance)
    for _ in range(3):
        assert job.execute_in_process(instance=instance, run_config=QUIETLY).success
        assert their_job.execute_in_process(instance=instance, run_config=QUIETLY).success
    instance.report_runless_asset_event(dg.AssetMaterialization("theirs"))
    instance.report_runless_asset_event(dg.AssetMaterialization("theirs"))
    others = run_ids(instance) - before
    assert pruned(instance).runs
    assert others <= run_ids(instance)
    assert others <= shards(service)
    assert len(instance.fetch_materializations(dg.AssetKey("theirs"), limit=10).records) == 5
    assert [len(instance.all_logs(run_id)) > 5 for run_id in others] == [True] * 6


# --- a bounded number at a time ---------------------------------------------------------------


def test_many_small_looks_take_away_what_one_takes(lived_in: Path, tmp_path: Path) -> None:
    left = []
    for name, limits in (("one", ALL), ("many", Limits(runs=2, events=5))):
        with copy_of(lived_in, tmp_path / name) as service:
            found, looks = Pruned(more=True), 0
            while found.more:
                one = pruned(service.instance, limits=limits)
                assert max(one.runs, one.logs) <= limits.runs
                assert one.events <= 2 * limits.events
                found, looks = found + one, looks + 1
            left.append((run_ids(service.instance), shards(service), found.runs, found.events))
            assert (looks > 5) == (name == "many")
    assert left[0] == left[1]


# --- ticks ------------------------------------------------------------------------------------


def test_ticks_that_came_to_nothing_go_but_for_the_last_and_others_stay_as_long_as_runs(
    service: AlertService,
) -> None:
    instance, now = service.instance, datetime.now(UTC)
    for name in ("trade_log_sensor", "somebody_elses_sensor"):
        for hours, status in (
            (400, TickStatus.SUCCESS),
            (399, TickStatus.FAILURE),
            (30, TickStatus.SKIPPED),
            (20, TickStatus.FAILURE),
            (10, TickStatus.SUCCESS),
            (5, TickStatus.SKIPPED),
            (4, TickStatus.SKIPPED),
        ):
            record_tick(instance, name, now - timedelta(hours=hours), status)
    record_tick(instance, "alert_delivery_sensor", now - 20 * ONE_DAY, TickStatus.FAILURE)
    for minutes in (180, 50, 0):
        ago = timedelta(minutes=minutes)
        record_tick(instance, "performance_alert_sensor", now - ago, TickStatus.SKIPPED)
    pruned(instance, now)
    assert ticks(instance, now) == {
        "trade_log_sensor": [4, 10, 20],
        "somebody_elses_sensor": [4, 5, 10, 20, 30, 399, 400],
        "performance_alert_sensor": [0, 1],
        # The last one stays, however old.
        "alert_delivery_sensor": [480],
    }


def test_what_ticks_have_logged_goes_with_them(service: AlertService, tmp_path: Path) -> None:
    instance, now = service.instance, datetime.now(UTC)
    instance._compute_log_manager = LocalComputeLogManager(str(tmp_path / "storage"))
    for name in ("trade_log_sensor", "somebody_elses_sensor"):
        for hours, status in (
            (30, TickStatus.FAILURE),
            (20, TickStatus.SKIPPED),
            (3, TickStatus.SKIPPED),
            (0.5, TickStatus.SKIPPED),
            (0.4, TickStatus.SKIPPED),
        ):
            at = now - timedelta(hours=hours)
            log_of_tick(instance, name, record_tick(instance, name, at, status), at)
    # Of a tick that Dagster itself has purged, as it does after days.
    log_of_tick(instance, "trade_log_sensor", 777, now - timedelta(days=40))
    pruned(instance, now)
    left = {
        folder.name: sorted(int(path.stem) for path in folder.iterdir())
        for folder in (tmp_path / "storage" / "__repository__").iterdir()
    }
    assert left == {"trade_log_sensor": [1, 4, 5], "somebody_elses_sensor": [6, 7, 8, 9, 10]}


def log_of_tick(instance: dg.DagsterInstance, name: str, tick_id: int, at: datetime) -> None:
    manager, key = instance.compute_log_manager, ["__repository__", name, str(tick_id)]
    with manager.open_log_stream(key, ComputeIOType.STDERR):
        pass
    path = manager.get_log_metadata(key).stderr_location
    assert path is not None
    os.utime(path, (at.timestamp(), at.timestamp()))


def ticks(instance: dg.DagsterInstance, now: datetime) -> dict[str, list[int]]:
    """By sensor, how many hours ago its ticks were."""
    return {
        state.instigator_name: [
            round((now.timestamp() - tick.timestamp) / 3600)
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        ]
        for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    }


def test_evaluations_that_asked_for_nothing_go_but_for_the_newest_and_others_stay(
    service: AlertService,
) -> None:
    instance, now = service.instance, datetime.now(UTC)
    check = dg.AssetCheckKey(dg.AssetKey("daily_summary"), "meets_targets")
    kept: list[int] = []
    gone: list[int] = []
    for key in (dg.AssetKey("daily_summary"), check, dg.AssetKey("theirs")):
        for hours, requested, stays in (
            (15 * 24, 7, False),
            (13 * 24, 1, True),
            (13 * 24, 0, False),
            (3, 0, False),
            (2, 0, True),  # the newest
        ):
            evaluated = record_evaluation(instance, key, now - timedelta(hours=hours), requested)
            (kept if stays or key == dg.AssetKey("theirs") else gone).append(evaluated)
    assert {*evaluation_ids(instance)} == {*kept, *gone}
    pruned(instance, now)
    assert evaluation_ids(instance) == sorted(kept)


def record_evaluation(
    instance: dg.DagsterInstance,
    key: dg.AssetKey | dg.AssetCheckKey,
    at: datetime,
    requested: int,
) -> int:
    storage = instance.schedule_storage
    assert isinstance(storage, SqlScheduleStorage)
    with storage.connect() as connection:
        connection.execute(
            AssetDaemonAssetEvaluationsTable.insert().values(
                evaluation_id=len(evaluation_ids(instance)) + 1,
                asset_key=key.to_db_string(),
                asset_evaluation_body="{}",
                num_requested=requested,
                create_timestamp=at.replace(tzinfo=None),
            )
        )
    return evaluation_ids(instance)[-1]


def evaluation_ids(instance: dg.DagsterInstance) -> list[int]:
    storage = instance.schedule_storage
    assert isinstance(storage, SqlScheduleStorage)
    with storage.connect() as connection:
        return list(
            connection.scalars(
                sqlalchemy.select(AssetDaemonAssetEvaluationsTable.c.id).order_by("id")
            )
        )


def test_the_sensors_whose_ticks_go_are_those_of_the_definitions(service: AlertService) -> None:
    # One of them is there only where sources are listed.
    definitions = build_definitions(Runtime(service.here.under(SOURCES="sources.yaml").settings))
    assert {one.name for one in definitions.sensors or ()} == {*KEYS.sensors}


# --- the sensor -------------------------------------------------------------------------------


def look(service: AlertService, **settings: str) -> str:
    """What a tick of the retention sensor says, once everything is old enough."""
    definitions = build_definitions(
        Runtime(service.here.under(**settings).settings, clock=long_after)
    )
    with dg.build_sensor_context(instance=service.instance) as context:
        result = definitions.resolve_sensor_def("retention_sensor")(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def test_the_sensor_says_what_it_removed_and_then_that_there_is_nothing(
    service: AlertService,
) -> None:
    said = look(service)
    assert re.fullmatch(r"Removed \d+ runs, \d+ logs of other runs, \d+ events\.", said)
    assert not said.startswith("Removed 0")
    assert look(service) == "Nothing superseded is older than 14 days."


def test_the_sensor_removes_nothing_where_everything_is_to_be_kept(service: AlertService) -> None:
    before = run_ids(service.instance)
    said = look(service, KEEP_RUNS_DAYS="0")
    assert said == "PERFORMANCE_KEEP_RUNS_DAYS is 0: everything is kept."
    assert run_ids(service.instance) == before


def test_the_sensor_leaves_a_locked_database_for_the_next_tick(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_storage, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.1)
    with copy_of(lived_in, tmp_path / "copy") as service:
        before = remembered(service.instance, service.definitions)
        index = tmp_path / "copy" / "home" / "history" / "runs" / "index.db"
        with closing(sqlite3.connect(index, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            assert "database is locked" in look(service)
            writer.execute("ROLLBACK")
        assert remembered(service.instance, service.definitions) == before
        assert look(service).startswith("Removed")


def test_the_sensor_gives_back_the_space_of_what_is_gone_once_that_is_worth_it(
    service: AlertService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def size() -> int:
        """Once all that was written stands in the file itself."""
        service.instance.dispose()
        return index.stat().st_size

    index = service.here.path().parents[1] / "home" / "history" / "runs" / "index.db"
    for _ in range(30):
        service.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                KEYS.trade_log, partition=str(DAY), metadata={"x": "y" * 100_000}
            )
        )
    before = remembered(service.instance, service.definitions)
    large = size()
    assert "given back" not in look(service)
    assert size() == large
    monkeypatch.setattr(retention_sensor, "_WORTH_BYTES", 1_000_000)
    assert "MB given back" in look(service)
    assert size() < large / 3
    assert remembered(service.instance, service.definitions) == before
