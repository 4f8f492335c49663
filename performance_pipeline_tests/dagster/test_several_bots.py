"""Several bots in one instance: everything carries its bot's name, and none sees another's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import msgspec
import pytest

from performance_pipeline.defs.alert_sensor import AlertCursor
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.check_history import all_evaluated
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.defs.retention import Limits, prune
from performance_pipeline.defs.running_days import is_writing
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import Window
from performance_pipeline.pipeline.bots import bot_settings
from performance_pipeline.pipeline.delivery import with_lines_noted
from performance_pipeline.setting_values import NotifyUrl
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.delivery_state import DeliveryState, Letter
from performance_pipeline_tests.support.lines import DAY, LATER, log, session
from performance_pipeline_tests.support.local import on_this_machine
from performance_pipeline_tests.support.runs import QUIETLY

NAMES: Final = ("alpha", "beta-2")
EVERYTHING: Final = Limits(runs=1000, events=100_000)


@dataclass
class Bots:
    """Two bots on one instance, each with a day of losses, and their definitions together."""

    folder: Path
    instance: dg.DagsterInstance
    now: datetime = LATER
    cursors: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "targets.yaml").write_text("win_rate_target: 60\n")
        self.runtimes = {name: Runtime(self._settings(name), lambda: self.now) for name in NAMES}
        self.definitions = dg.Definitions.merge(*map(build_definitions, self.runtimes.values()))
        self.job = self.definitions.resolve_implicit_global_asset_job_def()

    def _settings(self, name: str) -> Settings:
        said = {"bot": name, "log_dir": name, "targets_file": "targets.yaml"}
        settings = bot_settings({**said, "start_date": str(DAY)}, self.folder, {})
        folder = on_this_machine(settings.log_dir)
        folder.mkdir(exist_ok=True)
        (folder / f"{DAY}.jsonl").write_bytes(log(*session("-1", "-2", "5")))
        return settings

    def materialize(self, name: str, window: Window = Window.DAILY) -> None:
        keys = self.runtimes[name].keys
        assert self.job.execute_in_process(
            instance=self.instance,
            asset_selection=[keys.daily_aggregate, keys.summary(window)],
            tags=range_tags(DAY, DAY),
            run_config=QUIETLY,
        ).success

    def tick(self, sensor: str) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor), definitions=self.definitions
        ) as context:
            result = self.definitions.resolve_sensor_def(sensor)(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if isinstance(result, dg.SensorResult):
            self.cursors[sensor] = result.cursor
        return result

    def raised(self, name: str) -> Sequence[tuple[str, str]]:
        events = AlertLog(self.runtimes[name].settings.alert_log).events()
        return [(event.id, event.asset_key) for event in events]

    def messages(self, name: str) -> Sequence[Letter]:
        """What is sent of the alert log to one URL, were it all in time."""
        events = AlertLog(self.runtimes[name].settings.alert_log).events()
        timely = [msgspec.structs.replace(event, late=False) for event in events]
        url = NotifyUrl(1, "json", "json://example")
        return (
            with_lines_noted(DeliveryState(known=()), timely, [url], self.now).channels[0].waiting
        )


@pytest.fixture
def bots(tmp_path: Path, instance: dg.DagsterInstance) -> Bots:
    return Bots(tmp_path, instance)


def test_keys_groups_sensors_and_schedules_carry_the_name_of_the_bot(bots: Bots) -> None:
    only = build_definitions(Runtime(bots.runtimes["alpha"].settings))
    alone = {key.path[-1] for key in only.resolve_asset_graph().get_all_asset_keys()}
    graph = bots.definitions.resolve_asset_graph()
    assert {tuple(key.path) for key in graph.get_all_asset_keys()} == {
        (name, asset) for name in NAMES for asset in alone
    }
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name == key.path[0].replace("-", "_")
        assert {parent.path[0] for parent in node.parent_keys} <= {key.path[0]}
    found = [one.name for one in bots.definitions.sensors or ()]
    found += [one.name for one in bots.definitions.schedules or ()]
    assert len(found) == len({*found}) == 12
    assert {name.split("_")[0] for name in found} == {"alpha", "beta"}


def test_conditions_are_evaluated_by_the_bots_own_sensor_alone(bots: Bots) -> None:
    graph = bots.definitions.resolve_asset_graph()
    for name, runtime in bots.runtimes.items():
        sensor = bots.definitions.resolve_sensor_def(runtime.keys.automation_sensor)
        assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
        assert {key.path[0] for key in sensor.asset_selection.resolve(graph)} == {name}


def test_each_alert_log_holds_the_alerts_of_its_bot_and_messages_say_whose_they_are(
    bots: Bots,
) -> None:
    for name in NAMES:
        bots.materialize(name)
    messages: list[Letter] = []
    for name in NAMES:
        bots.tick(bots.runtimes[name].keys.alert_sensor)
        assert bots.raised(name) == [("daily-2025-06-10-win_rate-1", f"{name}/daily_summary")]
        messages += bots.messages(name)
    assert [message.title for message in messages] == [
        "alpha: WARN raised: daily win rate",
        "beta-2: WARN raised: daily win rate",
    ]
    assert len({message.key for message in messages}) == 2


def test_a_run_of_another_bot_is_no_news_and_is_not_asked_for_again(
    bots: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("performance_pipeline.defs.alert_sensor._OVERLAP", timedelta(0))
    sensor = bots.runtimes["alpha"].keys.alert_sensor
    bots.tick(sensor)
    bots.materialize("beta-2")
    result = bots.tick(sensor)
    assert isinstance(result, dg.SensorResult)
    assert result.skip_reason is not None
    assert result.skip_reason.skip_message == "No run has finished since the last look."
    cursor = AlertCursor.decode(result.cursor)
    [record] = bots.instance.get_run_records()
    assert cursor is not None
    assert (cursor.finished_until, cursor.recent_run_ids) == (record.update_timestamp, ())
    bots.materialize("alpha")
    bots.tick(sensor)
    assert bots.raised("alpha") == [("daily-2025-06-10-win_rate-1", "alpha/daily_summary")]


def test_a_run_of_another_bot_holds_nothing_up(bots: Bots) -> None:
    bots.instance.create_run_for_job(
        bots.job,
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({bots.runtimes["alpha"].keys.daily_aggregate}),
    )
    assert is_writing(bots.instance, bots.runtimes["alpha"].keys)
    assert not is_writing(bots.instance, bots.runtimes["beta-2"].keys)


def test_pruning_takes_what_is_superseded_of_its_bot_alone(bots: Bots) -> None:
    for name in (*NAMES, *NAMES):
        bots.materialize(name)
    long_after = datetime.now(LATER.tzinfo) + timedelta(days=30)
    for name in NAMES:
        keys = bots.runtimes[name].keys
        assert all_evaluated(bots.instance, keys, [Window.DAILY]) == {(Window.DAILY, str(DAY))}
    before = _runs(bots)
    assert before == {"alpha": 2, "beta-2": 2}
    # The newest run of all stays in any case, as does what SQLite's next id depends on.
    assert prune(bots.instance, bots.runtimes["alpha"].keys, 14, long_after, EVERYTHING).runs == 1
    assert _runs(bots) == {"alpha": 1, "beta-2": 2}
    assert prune(bots.instance, bots.runtimes["alpha"].keys, 14, long_after, EVERYTHING).runs == 0
    assert prune(bots.instance, bots.runtimes["beta-2"].keys, 14, long_after, EVERYTHING).runs == 1
    assert _runs(bots) == {"alpha": 1, "beta-2": 1}
    for name in NAMES:
        keys = bots.runtimes[name].keys
        assert all_evaluated(bots.instance, keys, [Window.DAILY]) == {(Window.DAILY, str(DAY))}


@pytest.mark.parametrize("trouble", ["folder", "targets"])
def test_what_is_broken_of_one_bot_leaves_the_others_alone(bots: Bots, trouble: str) -> None:
    broken = bots.runtimes["alpha"].settings
    if trouble == "folder":
        on_this_machine(broken.log_dir).rename(bots.folder / "away")
    else:
        on_this_machine(broken.targets_file).write_text("win_rate_target: [\n")
    alpha = bots.tick("alpha_trade_log_sensor")
    assert isinstance(alpha, dg.SkipReason) is (trouble == "folder")
    beta = bots.tick("beta_2_trade_log_sensor")
    assert isinstance(beta, dg.SensorResult)
    assert {event.asset_key.path[0] for event in beta.asset_events} == {"beta-2"}
    bots.materialize("beta-2")


def _runs(bots: Bots) -> dict[str, int]:
    runs = bots.instance.get_runs()
    return {
        name: sum(any(key.path[0] == name for key in run.asset_selection or ()) for run in runs)
        for name in NAMES
    }
