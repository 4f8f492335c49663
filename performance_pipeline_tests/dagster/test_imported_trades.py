"""The sources that are imported by themselves: the sensor's ticks, the asset, and their absence."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from performance_pipeline.defs import imported_trades as module
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.keys import Keys
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.settings import DEFAULT_SOURCES
from performance_pipeline_tests.support.imports import NOW, ccxt_trade, records_in
from performance_pipeline_tests.support.lines import Place, place

KEY: Final = dg.AssetKey("imported_trades")
LIST: Final = "sources:\n  - format: ccxt\n    path: trades.jsonl\n"


@dataclass
class Sensor:
    """The sensor ticked as by the daemon."""

    root: Path
    instance: dg.DagsterInstance
    cursor: str | None = None
    now: datetime = NOW

    def __post_init__(self) -> None:
        (self.root / "sources.yaml").write_text(LIST)
        self.here: Place = place(
            self.root / "logs",
            SOURCES=str(self.root / "sources.yaml"),
            START_DATE="2025-11-01",
        )
        self.definitions = build_definitions(Runtime(self.here.settings, lambda: self.now))

    def tick(self) -> SensorExecutionData:
        sensor = self.definitions.resolve_sensor_def("imported_trades_sensor")
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=self.definitions
        ) as context:
            result = sensor.evaluate_tick(context)
        for event in result.asset_events or ():
            assert isinstance(event, dg.AssetMaterialization)
            self.instance.report_runless_asset_event(event)
        self.cursor = result.cursor or self.cursor
        assert len(self.cursor or "") < 1000
        return result

    def write(self, *numbers: int, **changes: object) -> None:
        lines = (json.dumps(ccxt_trade(number, **changes)) + "\n" for number in numbers)
        (self.root / "trades.jsonl").write_text("".join(lines))

    def reported(self) -> list[dict[str, Any]]:
        """The metadata of what Dagster has heard, oldest first."""
        records = self.instance.fetch_materializations(KEY, limit=100).records
        found = [one.asset_materialization for one in records]
        return [{k: v.value for k, v in one.metadata.items()} for one in reversed(found) if one]


@pytest.fixture
def sensor(tmp_path: Path, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(tmp_path, instance)


def test_a_changed_source_is_imported_within_the_tick_that_sees_it(sensor: Sensor) -> None:
    sensor.write(1, 2)
    assert sensor.tick().run_requests == []
    assert len(records_in(sensor.here.log_dir)) == 2
    assert sensor.tick().skip_message == "No source has changed."
    sensor.write(1, 2, 3)
    sensor.tick()
    assert len(records_in(sensor.here.log_dir)) == 3
    assert [one["added"] for one in sensor.reported()] == [2, 1]


def test_a_source_that_is_written_anew_with_the_same_records_is_no_news(sensor: Sensor) -> None:
    sensor.write(1, 2)
    sensor.tick()
    sensor.write(2, 1)
    assert sensor.tick().skip_message == "The sources say what they said before."
    assert len(sensor.reported()) == 1


def test_a_first_look_reports_what_was_imported_before(sensor: Sensor) -> None:
    sensor.write(1)
    sensor.tick()
    sensor.cursor = None
    sensor.tick()
    assert [one["added"] for one in sensor.reported()] == [1, 0]


def test_what_cannot_be_read_is_said_once_and_tried_again(sensor: Sensor) -> None:
    for expected in (1, 1):
        sensor.tick()
        assert len(sensor.reported()) == expected
        sensor.now += timedelta(seconds=61)
    assert "No such file" in sensor.reported()[0]["trouble"]
    sensor.write(1)
    sensor.tick()
    assert len(records_in(sensor.here.log_dir)) == 1
    assert "trouble" not in sensor.reported()[-1]


def test_an_error_in_the_list_is_said_and_nothing_is_imported(sensor: Sensor) -> None:
    sensor.write(1)
    (sensor.root / "sources.yaml").write_text("sources: 1")
    assert "sources.yaml:1: sources: needed is a list" in (sensor.tick().skip_message or "")
    assert records_in(sensor.here.log_dir) == []
    (sensor.root / "sources.yaml").write_text(LIST)
    sensor.tick()
    assert len(records_in(sensor.here.log_dir)) == 1


def test_a_source_that_takes_long_is_left_to_a_run_and_not_asked_for_over_and_over(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BYTES_IN_A_TICK", 10)
    sensor.write(1)
    (first,) = sensor.tick().run_requests or ()
    (second,) = sensor.tick().run_requests or ()
    assert first.run_key == second.run_key
    assert records_in(sensor.here.log_dir) == []
    result = dg.materialize([sensor.definitions.resolve_assets_def(KEY)], instance=sensor.instance)
    assert result.success
    assert len(records_in(sensor.here.log_dir)) == 1
    assert sensor.tick().skip_message == "No source has changed."


def test_a_run_names_the_source_that_cannot_be_read_and_imports_the_others(sensor: Sensor) -> None:
    (sensor.root / "sources.yaml").write_text(LIST + "  - {format: ccxt, path: none.json}\n")
    sensor.write(1)
    result = dg.materialize(
        [sensor.definitions.resolve_assets_def(KEY)],
        instance=sensor.instance,
        raise_on_error=False,
    )
    assert not result.success
    assert len(records_in(sensor.here.log_dir)) == 1


def test_imported_trades_are_upstream_of_the_logs_where_sources_are_listed(sensor: Sensor) -> None:
    graph = sensor.definitions.resolve_asset_graph()
    assert graph.get(Keys().trade_log).parent_keys == {KEY}


def test_without_a_list_nothing_is_defined_for_it(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    assert here.settings.sources_file == DEFAULT_SOURCES
    definitions = build_definitions(Runtime(here.settings))
    graph = definitions.resolve_asset_graph()
    assert KEY not in graph.get_all_asset_keys()
    assert graph.get(Keys().trade_log).parent_keys == set()
    assert "imported_trades_sensor" not in {one.name for one in definitions.sensors or ()}
