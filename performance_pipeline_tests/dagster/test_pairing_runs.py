"""Runs where fills are paired: the run of an old fill materializes the days that it reaches."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline.defs.partitions import range_tags, touched_keys
from performance_pipeline.domain.windows import Window
from performance_pipeline.storage.aggregates import AggregateStore
from performance_pipeline_tests.support.instances import instance_in, new_home
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY, Place, opened, place
from performance_pipeline_tests.support.runs import (
    QUIETLY,
    evaluations,
    execute,
    implicit_job,
    materializations,
    materialize_all,
)

DAYS = [DAY + number * ONE_DAY for number in range(4)]


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    """A position that is bought on the first day and sold on the third."""
    here = place(tmp_path / "logs", PAIRING="fifo", START_DATE=str(DAY - 30 * ONE_DAY))
    here.write(DAYS[0], fill("BUY", DAYS[0], "100"))
    here.write(DAYS[2], fill("SELL", DAYS[2], "103"))
    here.write(DAYS[3], fill("BUY", DAYS[3], "50"), fill("SELL", DAYS[3], "51"))
    return here


@pytest.fixture
def instance(tmp_path: Path, empty_home: Path) -> Iterator[dg.DagsterInstance]:
    with instance_in(new_home(empty_home, tmp_path / "home")) as found:
        yield found


def fill(action: str, day: date, price: str) -> bytes:
    clock = "14:00" if action == "BUY" else "15:00"
    return opened(None, f"{day}T{clock}:00Z", action=action, quantity="1", price=price)


def run_of_the_day(logs: Place, instance: dg.DagsterInstance, day: date) -> str:
    """What automation asks for when a log changed: aggregate and summary of its day in one run."""
    result = implicit_job(logs).execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("daily_aggregate"), dg.AssetKey("daily_summary")],
        tags=range_tags(day, day),
        run_config=QUIETLY,
    )
    return result.run_id


def made_by(instance: dg.DagsterInstance, asset: str, run_id: str) -> list[str]:
    found = [one.partition for one in materializations(instance, asset) if one.run_id == run_id]
    return sorted(key for key in found if key is not None)


@pytest.mark.parametrize("asset", ["daily_aggregate", "daily_summary"])
def test_the_run_of_an_old_fill_also_materializes_the_days_it_reaches_and_checks_them(
    logs: Place, instance: dg.DagsterInstance, asset: str
) -> None:
    materialize_all(logs, instance, DAYS[0], DAYS[-1])
    logs.write(DAYS[0], fill("BUY", DAYS[0], "90"))
    run_id = run_of_the_day(logs, instance, DAYS[0])
    # The second day has no log, and still another position; the fourth is as it was.
    assert made_by(instance, asset, run_id) == [str(day) for day in DAYS[:3]]
    check = "log_is_clean" if asset == "daily_aggregate" else "meets_targets"
    judged = {
        one.partition
        for one in evaluations(instance, dg.AssetCheckKey(dg.AssetKey(asset), check))
        if one.target_materialization_data and one.target_materialization_data.run_id == run_id
    }
    assert judged == {str(day) for day in DAYS[:3]}
    summary = logs.document(Window.DAILY, DAYS[2])
    assert summary["realized_pnl"] == "13"


def test_nothing_is_reached_where_the_bot_is_flat_every_evening(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    materialize_all(logs, instance, DAYS[0], DAYS[-1])
    logs.write(DAYS[3], fill("BUY", DAYS[3], "40"), fill("SELL", DAYS[3], "51"))
    run_id = run_of_the_day(logs, instance, DAYS[3])
    assert made_by(instance, "daily_aggregate", run_id) == [str(DAYS[3])]
    assert made_by(instance, "daily_summary", run_id) == [str(DAYS[3])]


def test_what_a_killed_run_reached_is_recorded_before_it_is_written_and_again_by_the_next(
    logs: Place, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialize_all(logs, instance, DAYS[0], DAYS[-1])
    logs.write(DAYS[0], fill("BUY", DAYS[0], "90"))
    write = AggregateStore._write
    written: list[date] = []

    def killed_at_the_second(store: AggregateStore, current: object) -> None:
        written.append(current.day.date)  # type: ignore[attr-defined]
        if len(written) == 2:
            raise SystemExit("killed")
        write(store, current)  # type: ignore[arg-type]

    monkeypatch.setattr(AggregateStore, "_write", killed_at_the_second)
    killed = execute(logs, instance, "daily_aggregate", DAYS[0], DAYS[0])
    assert not killed.success
    assert made_by(instance, "daily_aggregate", killed.run_id) == [str(DAYS[1])]
    monkeypatch.setattr(AggregateStore, "_write", write)
    again = execute(logs, instance, "daily_aggregate", DAYS[0], DAYS[0])
    assert made_by(instance, "daily_aggregate", again.run_id) == [str(day) for day in DAYS[:3]]


def test_positions_and_exits_without_entry_stand_in_the_metadata(
    logs: Place, instance: dg.DagsterInstance
) -> None:
    logs.write(DAYS[3], fill("SELL", DAYS[3], "51"))
    materialize_all(logs, instance, DAYS[0], DAYS[-1])
    for asset in ("daily_aggregate", "daily_summary"):
        found = {one.partition: one.metadata for one in materializations(instance, asset)}
        assert found[str(DAYS[1])]["open_positions"].value == 1
        table = found[str(DAYS[1])]["positions"]
        assert isinstance(table, dg.TableMetadataValue)
        assert table.records[0].data == {
            "symbol": "AAPL",
            "mode": "LIVE",
            "side": "long",
            "quantity": "1",
            "avg price": "100.00",
            "opened": f"{DAYS[0]} 14:00",
        }
        assert found[str(DAYS[3])]["unmatched_exits"].value == 1
        assert found[str(DAYS[3])]["open_positions"].value == 0


def test_a_rolling_window_is_touched_by_every_day_it_looks_back_on() -> None:
    keys = touched_keys(Window.ROLLING, DAYS[:2], LATER.date())
    assert (keys[0], keys[-1]) == (DAYS[0], LATER.date())
    assert touched_keys(Window.ROLLING, DAYS[:1], DAY + 200 * ONE_DAY)[-1] == DAY + 91 * ONE_DAY
    assert touched_keys(Window.WEEKLY, DAYS, LATER.date()) == [DAY - ONE_DAY]
    assert touched_keys(Window.DAILY, [], LATER.date()) == []
