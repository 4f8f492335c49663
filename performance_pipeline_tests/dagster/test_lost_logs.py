"""A log folder that is away, output and alert log with it: nothing takes it for a new bot's."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.defs.lost_logs import require_logs
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.pipeline.bots import bot_settings
from performance_pipeline.pipeline.looks import Looks
from performance_pipeline.storage.logs import LogFolderError
from performance_pipeline_tests.support.alert_service import Heard
from performance_pipeline_tests.support.imports import ccxt_trade
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, ONE_DAY, Place, place, session
from performance_pipeline_tests.support.log_daemon import NOON, Daemon
from performance_pipeline_tests.support.runs import QUIETLY, execute, materializations

REFUSED: Final = "holds no log, where Dagster was told of some (the newest of 2025-06-11)"
SENSORS: Final = ("trade_log_sensor", "performance_alert_sensor", "imported_trades_sensor")


def nothing(_: Path) -> None:
    """The folder was moved, or renamed."""


def an_empty_folder(logs: Path) -> None:
    """The mount point of a disk that is not mounted."""
    logs.mkdir()


def a_folder_of_other_files(logs: Path) -> None:
    logs.mkdir()
    (logs / "lost+found").mkdir()
    (logs / "README").write_text("mount me")


def a_file(logs: Path) -> None:
    logs.write_text("no folder")


IN_ITS_PLACE: Final = (nothing, an_empty_folder, a_folder_of_other_files, a_file)


@dataclass
class Bot:
    """A bot that lost on two days, of which runs have made the first, and a source to import."""

    root: Path
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "targets.yaml").write_text("win_rate_target: 60\n")
        (self.root / "sources.yaml").write_text(
            "sources:\n  - format: ccxt\n    path: trades.jsonl\n"
        )
        self.here: Place = place(
            self.root / "logs",
            TARGETS_FILE=str(self.root / "targets.yaml"),
            SOURCES=str(self.root / "sources.yaml"),
            NOTIFY="json://127.0.0.1:9",
        )
        for day in (DAY, NEXT_DAY):
            self.here.write(day, *session("-5", "-3", "1", day=day))
        self.daemon = Daemon(self.here, self.instance)
        self.daemon.tick()
        self.cursors["trade_log_sensor"] = self.daemon.cursor

    def run(self, asset: str) -> dg.ExecuteInProcessResult:
        if asset != "performance_report":
            return execute(self.here, self.instance, asset, DAY, DAY, NOON)
        report = self.daemon.definitions.resolve_assets_def(dg.AssetKey(asset))
        return dg.materialize([report], instance=self.instance, raise_on_error=False)

    def make(self) -> None:
        for asset in ("daily_aggregate", "daily_summary"):
            assert self.run(asset).success

    def tick(self, name: str) -> str:
        """The reason that a tick gives for doing nothing, or what it reported."""
        sensor = self.daemon.definitions.resolve_sensor_def(name)
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            definitions=self.daemon.definitions,
        ) as context:
            context.log.addHandler(Heard(self.heard))
            result = sensor.evaluate_tick(context)
        self.cursors[name] = result.cursor or self.cursors.get(name)
        reported = [event.asset_key.to_user_string() for event in result.asset_events or ()]
        return ", ".join(reported) or result.skip_message or ""

    def serve(self, request: dg.RunRequest) -> None:
        """The run that a sensor asks for."""
        job = self.daemon.definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(
            instance=self.instance,
            asset_selection=list(request.asset_selection or ()),
            tags=request.tags,
            run_config=QUIETLY,
        ).success

    def total(self) -> tuple[int, str]:
        made = json.loads((self.here.output / f"daily-summary-{DAY}.json").read_bytes())
        return made["total_trades"], made["realized_pnl"]

    def move_away(self, leave: Callable[[Path], None]) -> None:
        shutil.move(self.here.log_dir, self.root / "away")
        leave(self.here.log_dir)

    def bring_back(self) -> None:
        logs = self.here.log_dir
        if logs.is_dir():
            shutil.rmtree(logs)
        logs.unlink(missing_ok=True)
        shutil.move(self.root / "away", logs)

    def left(self) -> dict[str, bytes | None] | bytes | None:
        """What is where the logs were."""
        logs = self.here.log_dir
        if not logs.is_dir():
            return logs.read_bytes() if logs.exists() else None
        found = sorted(logs.rglob("*"))
        return {str(one): one.read_bytes() if one.is_file() else None for one in found}


def error_of(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    error = event.step_failure_data.error
    return "" if error is None or error.cause is None else error.cause.message


@pytest.fixture
def bot(tmp_path: Path, instance: dg.DagsterInstance) -> Bot:
    return Bot(tmp_path, instance)


@pytest.mark.parametrize("leave", IN_ITS_PLACE)
def test_a_run_fails_and_makes_no_day_without_trades(
    bot: Bot, leave: Callable[[Path], None]
) -> None:
    bot.make()
    bot.here.write(DAY, *session("-5", "-3", "1", "-9"))
    bot.move_away(leave)
    before = bot.left()
    for asset in ("daily_aggregate", "daily_summary", "performance_report"):
        result = bot.run(asset)
        assert not result.success
        assert f"{REFUSED}; is the folder mounted? Nothing was overwritten" in error_of(result)
    assert bot.left() == before
    assert len(materializations(bot.instance, "daily_aggregate")) == 1
    bot.bring_back()
    bot.make()
    assert bot.total() == (4, "-16")


@pytest.mark.parametrize("leave", IN_ITS_PLACE)
def test_sensors_say_so_once_write_nothing_and_go_on_once_it_is_back(
    bot: Bot, leave: Callable[[Path], None]
) -> None:
    (bot.root / "trades.jsonl").write_text(json.dumps(ccxt_trade(1)) + "\n")
    # Finished, and not looked at yet: the folder is away before the alert is said.
    bot.make()
    bot.move_away(leave)
    before = bot.left()
    for name in SENSORS:
        bot.heard.clear()
        said = [bot.tick(name) for _ in range(3)]
        assert len({*said}) == 1
        assert bot.heard == [said[0].partition(". ")[2]]
        assert "PERFORMANCE_LOG_DIR" in said[0]
        assert bot.left() == before
    bot.bring_back()
    assert "trade_log" not in bot.tick("trade_log_sensor")
    assert "performance_alerts" in bot.tick("performance_alert_sensor")
    assert "imported_trades" in bot.tick("imported_trades_sensor")
    alerts = bot.here.settings.alert_log.read_text().splitlines()
    assert [json.loads(one)["id"] for one in alerts] == [f"daily-{DAY}-win_rate-1"]


@pytest.mark.parametrize("leave", IN_ITS_PLACE)
def test_the_same_trouble_is_said_again_after_it_was_over(
    bot: Bot, leave: Callable[[Path], None]
) -> None:
    for _ in range(2):
        bot.move_away(leave)
        bot.tick("trade_log_sensor")
        bot.bring_back()
        bot.tick("trade_log_sensor")
    assert len(bot.heard) == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_runs_that_failed_for_want_of_the_logs_are_asked_for_again_until_they_are_there(
    bot: Bot, restarted: bool
) -> None:
    bot.make()
    bot.here.write(DAY, *session("-5", "-3", "1", "-9"))
    bot.daemon.tick()
    bot.move_away(nothing)
    failed = [bot.run(asset) for asset in ("daily_aggregate", "daily_summary")]
    assert bot.daemon.tick() == []
    bot.bring_back()
    if restarted:
        bot.daemon.__post_init__()

    for _ in range(2):  # The daemon is killed before it stores what the first tick asks for.
        bot.daemon.tick()
        asked = bot.daemon.requests
        repeated = [one for one in asked if one.run_key is not None]
        assert [one.run_key for one in repeated] == [one.run_id for one in failed]
    for request in repeated:
        bot.serve(request)
    assert bot.total() == (4, "-16")
    bot.daemon.tick()
    assert bot.daemon.requests == []
    bot.daemon.__post_init__()
    bot.daemon.tick()
    assert bot.daemon.requests == []


def test_a_day_that_was_over_while_the_logs_were_away_is_closed_once_they_are_back(
    bot: Bot,
) -> None:
    today = NOON.date()
    bot.here.write(today, *session("-5", day=today))
    bot.daemon.tick()
    bot.move_away(nothing)
    bot.daemon.now = NOON + ONE_DAY
    bot.daemon.tick()
    bot.bring_back()
    bot.daemon.tick()
    closed = [
        (key.to_user_string(), request.tags["partitions"])
        for request in bot.daemon.requests
        for key in request.asset_selection or ()
        if isinstance(key, dg.AssetKey)
    ]
    assert ("daily_summary", str(today)) in closed
    bot.daemon.tick()
    assert bot.daemon.requests == []


@pytest.mark.parametrize("leave", [nothing, a_file])
def test_delivery_does_not_make_the_folder(bot: Bot, leave: Callable[[Path], None]) -> None:
    bot.move_away(leave)
    before = bot.left()
    said = bot.tick("alert_delivery_sensor")
    assert f"PERFORMANCE_LOG_DIR={str(bot.here.log_dir)!r}: cannot be read" in said
    assert bot.left() == before


def test_a_folder_that_never_held_a_log_is_that_of_a_new_bot(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    here = place(tmp_path / "logs")
    daemon = Daemon(here, instance)
    daemon.tick()
    require_logs(Runtime(here.settings), instance)
    assert execute(here, instance, "daily_aggregate", DAY, DAY, NOON).success


def test_the_logs_of_one_bot_are_not_missed_by_another(
    bot: Bot, instance: dg.DagsterInstance
) -> None:
    said = {"bot": "other", "log_dir": "other"}
    require_logs(Runtime(bot_settings(said, bot.root, {})), instance)


def test_without_dagster_a_look_does_not_make_the_folder_that_it_looks_into(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    shutil.rmtree(here.log_dir)
    with pytest.raises(LogFolderError, match="No such file or directory"):
        Looks(here.settings, lambda: NOON).__enter__()
    assert not here.log_dir.exists()
