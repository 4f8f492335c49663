"""Over random histories: what pruning deletes is what a plain recount calls superseded."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import sqlalchemy as db
from dagster._core.events import AssetMaterializationPlannedData, StepMaterializationData

from performance_pipeline.defs.dagster_internals import (
    IMPLICIT_ASSET_JOB_NAME,
    AssetCheckExecutionsTable,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
)
from performance_pipeline.defs.retention import Pruned
from performance_pipeline.defs.superseded import last_before
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.histories import KEEP, pruned
from performance_pipeline_tests.support.instances import instance_in, new_home

HISTORIES: Final = often(60, usual=6)
STEPS: Final = 60
ASSETS: Final = ("daily_summary", "trade_log", "somebody_elses")
DAYS: Final = ("2025-06-09", "2025-06-10", None)
PLANNED: Final = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
MADE: Final = dg.DagsterEventType.ASSET_MATERIALIZATION
SEEN: Final = dg.DagsterEventType.ASSET_OBSERVATION
CHECKED: Final = dg.DagsterEventType.ASSET_CHECK_EVALUATION
FINISHES: Final = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE)


@dataclass
class History:
    """Stores events as runs and sensors would, several runs at a time."""

    instance: dg.DagsterInstance
    chance: random.Random
    going_on: list[str]

    def step(self) -> None:
        key, day = dg.AssetKey(self.chance.choice(ASSETS)), self.chance.choice(DAYS)
        what = self.chance.randrange(7)
        if what == 0 or not self.going_on:
            run = dg.DagsterRun(IMPLICIT_ASSET_JOB_NAME, status=dg.DagsterRunStatus.STARTED)
            self.going_on.append(self.instance.add_run(run).run_id)
        elif what == 1:
            run_id = self.going_on.pop(self.chance.randrange(len(self.going_on)))
            self._report(run_id, self.chance.choice(FINISHES), None)
        elif what == 2:
            tags = {"dagster/data_version": str(self.chance.random())}
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(key, partition=day, tags=tags)
                if self.chance.random() < 0.5
                else dg.AssetObservation(key, partition=day, tags=tags)
            )
        elif what == 3:
            planned = AssetMaterializationPlannedData(key, partition=day)
            self._report(self.chance.choice(self.going_on), PLANNED, planned)
        elif what == 4:
            evaluation = dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("daily_summary"),
                check_name=self.chance.choice(["meets_targets", "somebody_elses"]),
                passed=self.chance.random() < 0.5,
                partition=day,
            )
            self._report(self.chance.choice(self.going_on), CHECKED, evaluation)
        else:
            made = StepMaterializationData(dg.AssetMaterialization(key, partition=day))
            self._report(self.chance.choice(self.going_on), MADE, made)

    def _report(self, run_id: str, kind: dg.DagsterEventType, data: object) -> None:
        event = dg.DagsterEvent(kind.value, "job", event_specific_data=data)  # type: ignore[arg-type]
        self.instance.report_dagster_event(event, run_id)


def test_rows_of_a_clock_that_was_ahead_hold_up_no_others(instance: dg.DagsterInstance) -> None:
    now = datetime(2025, 6, 20, tzinfo=UTC)
    storage, count = instance.event_log_storage, 40
    assert isinstance(storage, SqlEventLogStorage)
    for seed in range(30):
        chance = random.Random(seed)
        ahead = {number for number in range(1, count) if chance.random() < chance.random()}
        cutoff = now - timedelta(hours=chance.randrange(count + 2))
        moments = {
            number: now + timedelta(days=365 if number in ahead else 0, hours=number - count)
            for number in range(1, count)
        }
        before = [n for n, moment in moments.items() if n not in ahead and moment < cutoff]
        with storage.index_connection() as connection:
            connection.execute(db.delete(SqlEventLogStorageTable))
            connection.execute(
                db.insert(SqlEventLogStorageTable),
                [
                    {"id": 10 * number, "event": "{}", "timestamp": moment.replace(tzinfo=None)}
                    for number, moment in moments.items()
                ],
            )
            last = last_before(connection, SqlEventLogStorageTable, "timestamp", cutoff, now)
        assert last == 10 * max(before, default=0)


@contextmanager
def lived(home: Path, seed: int) -> Iterator[tuple[History, datetime]]:
    """A history and a moment in it, which is to be the cutoff."""
    with instance_in(home) as instance:
        history = History(instance, random.Random(seed), [])
        halfway = history.chance.randrange(STEPS // 3, STEPS)
        for number in range(STEPS):
            if number == halfway:
                time.sleep(0.002)
                cutoff = datetime.now(UTC)
                time.sleep(0.002)
            history.step()
        yield history, cutoff


def stored(instance: dg.DagsterInstance, table: db.Table) -> list[db.RowMapping]:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        return list(connection.execute(db.select(table).order_by(table.c.id)).mappings())


def superseded_events(rows: list[db.RowMapping], cutoff: datetime, going_on: set[str]) -> set[int]:
    """Event by event: is there a later one, still before the cutoff, that takes its place?"""
    takes_place = {MADE.value: {MADE.value}, SEEN.value: {SEEN.value}}
    takes_place[PLANNED.value] = {PLANNED.value, MADE.value}
    old = [row for row in rows if row["timestamp"] < cutoff.replace(tzinfo=None)]
    return {
        row["id"]
        for row in old
        if row["asset_key"] in ('["daily_summary"]', '["trade_log"]')
        and row["run_id"] not in going_on
        and any(
            later["id"] > row["id"]
            and later["asset_key"] == row["asset_key"]
            and later["partition"] == row["partition"]
            and later["dagster_event_type"] in takes_place[row["dagster_event_type"]]
            for later in old
        )
    }


def superseded_checks(rows: list[db.RowMapping], cutoff: datetime, going_on: set[str]) -> set[int]:
    old = [
        row
        for row in rows
        if row["evaluation_event_timestamp"] < cutoff.replace(tzinfo=None)
        and row["check_name"] == "meets_targets"
        and row["run_id"] not in going_on
    ]
    newest = {row["partition"]: row for row in old}
    return {
        row["id"]
        for row in old
        if row["id"] < newest[row["partition"]]["id"]
        and row["evaluation_event_timestamp"]
        <= newest[row["partition"]]["evaluation_event_timestamp"]
    }


def test_what_goes_is_what_a_recount_calls_superseded_and_runs_of_which_nothing_is_left(
    tmp_path: Path, empty_home: Path
) -> None:
    found = [
        pruned_as_recounted(new_home(empty_home, tmp_path / str(seed)), seed)
        for seed in range(HISTORIES)
    ]
    # Or it would be shown of histories in which nothing is superseded.
    assert sum(one.runs for one in found) > HISTORIES / 2
    assert sum(one.events for one in found) > 2 * HISTORIES


def pruned_as_recounted(home: Path, seed: int) -> Pruned:
    """Prune a history; what goes is what the recount calls superseded."""
    with lived(home, seed) as (history, cutoff):
        instance, going_on = history.instance, {*history.going_on}
        events = stored(instance, SqlEventLogStorageTable)
        checks = stored(instance, AssetCheckExecutionsTable)
        runs = {record.dagster_run.run_id: record for record in instance.get_run_records()}
        gone = superseded_events(
            [row for row in events if row["asset_key"] is not None], cutoff, going_on
        )
        gone_checks = superseded_checks(checks, cutoff, going_on)

        went = pruned(instance, cutoff + timedelta(days=KEEP))

        left = stored(instance, SqlEventLogStorageTable)
        assert {row["id"] for row in events if row["asset_key"] is not None} - gone == {
            row["id"] for row in left if row["asset_key"] is not None
        }
        left_checks = stored(instance, AssetCheckExecutionsTable)
        assert {row["id"] for row in checks} - gone_checks == {row["id"] for row in left_checks}
        # A run goes when it was over before the cutoff and nothing of it is left.
        with_something = {row["run_id"] for row in left if row["asset_key"] is not None}
        with_something |= {row["run_id"] for row in left_checks}
        for run_id in {*runs} - {*instance.get_run_ids()}:
            assert run_id not in with_something | going_on
            assert runs[run_id].update_timestamp < cutoff
        assert {row["run_id"] for row in left} - {""} <= {*instance.get_run_ids()}
    return went
