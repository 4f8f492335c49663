"""One instance for all ticks of a process, and never another one's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline.defs.shared_instance import SharedInstance, instance_of
from performance_pipeline_tests.support.instances import instance_in, new_home


@contextmanager
def tick(instance: dg.DagsterInstance) -> Iterator[dg.SensorEvaluationContext]:
    """As a daemon has it: it says which instance, and hands none over."""
    with dg.build_sensor_context(instance_ref=instance.get_ref()) as context:
        yield context


@pytest.fixture
def other(tmp_path: Path, empty_home: Path) -> Iterator[dg.DagsterInstance]:
    with instance_in(new_home(empty_home, tmp_path / "other")) as found:
        yield found


def test_ticks_of_one_instance_share_it_and_read_what_was_stored_since(
    instance: dg.DagsterInstance,
) -> None:
    with tick(instance) as first:
        shared = instance_of(first)
        assert shared.get_runs() == []
    instance.report_runless_asset_event(dg.AssetMaterialization("made"))
    with tick(instance) as second:
        assert instance_of(second) is shared
        assert shared.get_latest_materialization_event(dg.AssetKey("made")) is not None


def test_a_tick_of_another_instance_gets_that_one(
    instance: dg.DagsterInstance, other: dg.DagsterInstance
) -> None:
    shared = SharedInstance()
    for wanted in (instance, other, instance):
        with tick(wanted) as context:
            assert shared.of(context).root_directory == wanted.root_directory


def test_an_instance_that_is_handed_over_open_is_taken(instance: dg.DagsterInstance) -> None:
    with dg.build_sensor_context(instance=instance) as context:
        assert instance_of(context) is instance


def test_ticks_at_the_same_time_open_it_once(instance: dg.DagsterInstance) -> None:
    shared = SharedInstance()

    def one(_: int) -> dg.DagsterInstance:
        with tick(instance) as context:
            return shared.of(context)

    with ThreadPoolExecutor(8) as threads:
        assert len({id(found) for found in threads.map(one, range(32))}) == 1
