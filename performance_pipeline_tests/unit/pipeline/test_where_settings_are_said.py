"""What is wrong with a bot's setting while it runs names the file and line that say the setting."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.bots import listed_bots
from performance_pipeline.pipeline.delivery import Route, deliver
from performance_pipeline.pipeline.examination import examine_logs, proposals
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.delivery_state import DeliveryState, save_state
from performance_pipeline.storage.import_state import keep_imports
from performance_pipeline.storage.log_changes import Watch, look
from performance_pipeline.storage.object_store import told
from performance_pipeline.storage.watches import keep_watch
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.lines import DAY, LATER, log, session
from performance_pipeline_tests.support.local import on_this_machine

Happens = Callable[[Settings], None]

BOT: Final = "bots:\n  - bot: alpha\n    log_dir: logs\n"


def looked(bot: Settings) -> None:
    look(bot, Watch(), LATER)


def tracked(bot: Settings) -> None:
    PerformanceTracker(bot, lambda: LATER)


def emptied(bot: Settings) -> None:
    _, watch = look(bot, Watch(), LATER)
    (on_this_machine(bot.log_dir) / f"{DAY}.jsonl").unlink()
    look(bot, watch, LATER)


def watched(bot: Settings) -> None:
    keep_watch(bot.output_dir, Watch(), Watch(), bot.origins)


def imported(bot: Settings) -> None:
    keep_imports(bot.output_dir, {}, bot.origins)


def remembered(bot: Settings) -> None:
    save_state(bot.output_dir, DeliveryState(), bot.origins)


@pytest.mark.parametrize(
    ("more", "environment", "happens", "said"),
    [
        ("", {}, emptied, "{file}:3: bots[1].log_dir: '{folder}/logs': holds no log, where 1 were"),
        (
            "    output_dir: logs/{day}.jsonl\n",
            {},
            watched,
            "{file}:4: bots[1].output_dir: '{folder}/logs/{day}.jsonl': cannot be written to (",
        ),
        ("    output_dir: logs/{day}.jsonl\n", {}, imported, "{file}:4: bots[1].output_dir: '"),
        ("    output_dir: logs/{day}.jsonl\n", {}, remembered, "{file}:4: bots[1].output_dir: '"),
        (
            "    market_calendar: MARS\n",
            {},
            tracked,
            "{file}:4: bots[1].market_calendar: 'MARS' cannot be used: accepted is an exchange",
        ),
        (
            "",
            {"PERFORMANCE_MARKET_CALENDAR": "MARS"},
            tracked,
            "PERFORMANCE_MARKET_CALENDAR='MARS' cannot be used: accepted is an exchange",
        ),
        (
            "    market_calendar: VENUS\n",
            {"PERFORMANCE_MARKET_CALENDAR": "MARS"},
            tracked,
            "{file}:4: bots[1].market_calendar: 'VENUS' cannot be used",
        ),
    ],
)
def test_an_error_begins_with_the_line_that_says_the_setting_or_with_its_variable(
    tmp_path: Path, more: str, environment: dict[str, str], happens: Happens, said: str
) -> None:
    bot = listed(tmp_path, more.format(day=DAY), environment)
    with pytest.raises(PipelineError) as raised:
        happens(bot)
    assert str(raised.value).startswith(
        said.format(file=tmp_path / "bots.yaml", folder=tmp_path, day=DAY)
    )


@pytest.mark.parametrize("happens", [looked, tracked])
def test_a_folder_that_is_gone_is_one_line(tmp_path: Path, happens: Happens) -> None:
    bot = listed(tmp_path)
    on_this_machine(bot.log_dir).rename(tmp_path / "away")
    with pytest.raises(PipelineError) as raised:
        happens(bot)
    assert str(raised.value) == (
        f"{tmp_path / 'bots.yaml'}:3: bots[1].log_dir: '{tmp_path / 'logs'}': cannot be read (No"
        " such file or directory); accepted is an existing folder of trade logs"
    )


def test_what_nobody_said_names_the_bot_that_it_would_be_said_of(tmp_path: Path) -> None:
    bot = listed(tmp_path)
    (tmp_path / "logs" / "performance").touch()
    with pytest.raises(PipelineError) as raised:
        watched(bot)
    assert str(raised.value).startswith(
        f"{tmp_path / 'bots.yaml'}:2: bots[1].output_dir: '{tmp_path / 'logs' / 'performance'}':"
    )


def test_an_object_store_that_refuses_names_the_line_of_its_url(tmp_path: Path) -> None:
    bot = listed(tmp_path, "    alert_log: s3://bucket/alerts.jsonl\n")
    assert not isinstance(bot.alert_log, Path)
    error = told(Exception("404 Not Found: <Error><Code>NoSuchBucket</Code>"), bot.alert_log)
    assert str(error).startswith(
        f"{tmp_path / 'bots.yaml'}:4: bots[1].alert_log: s3://bucket/alerts.jsonl: there is no"
    )


@pytest.mark.parametrize(
    ("more", "environment", "named"),
    [
        ("    notify: json://one.example\n", {}, "{file}:4: bots[1].notify"),
        ("", {"PERFORMANCE_NOTIFY": "json://one.example"}, "PERFORMANCE_NOTIFY"),
    ],
)
def test_an_alert_that_cannot_be_delivered_names_whose_url_it_is(
    tmp_path: Path, more: str, environment: dict[str, str], named: str
) -> None:
    bot = listed(tmp_path, more, environment)
    route = Route(bot.alert_log, bot.output_dir, bot.notify, bot.origins)
    deliver(route, lambda *_: None, lambda: LATER)
    AlertLog(bot.alert_log).update(lambda _: [alert()])
    state = deliver(route, lambda *_: "the server said no", lambda: LATER)
    assert state is not None
    place = named.format(file=tmp_path / "bots.yaml")
    assert f"could not be delivered to {place} 1 (json): the server said no" in state.said[-1]
    others = replace(bot.notify[0], secret="json://other.example", position=2)
    state = deliver(
        replace(route, urls=(others,)), lambda *_: None, lambda: LATER + timedelta(hours=1)
    )
    assert state is not None
    assert f"1 messages for URLs that {place} names no more are dropped" in state.said


@pytest.mark.parametrize(
    ("more", "environment", "said"),
    [
        ("    start_date: 2026-01-01\n", {}, "{file}:4: bots[1].start_date: {day} counts the logs"),
        ("", {"PERFORMANCE_START_DATE": "2026-01-01"}, "PERFORMANCE_START_DATE={day} counts the"),
        ("    execution_mode: PAPER\n", {}, "{file}:4: bots[1].execution_mode: PAPER leaves out 2"),
        ("    account: U1\n", {}, "{file}:4: bots[1].account leaves out 2 records"),
    ],
)
def test_what_would_help_names_the_line_to_change(
    tmp_path: Path, more: str, environment: dict[str, str], said: str
) -> None:
    tracker = PerformanceTracker(listed(tmp_path, more, environment), lambda: LATER)
    begins = said.format(file=tmp_path / "bots.yaml", day=DAY)
    helpful = list(proposals(tracker, examine_logs(tracker)))
    assert [one for one in helpful if one.startswith(begins)], helpful


def test_settings_are_the_same_wherever_they_are_said(tmp_path: Path) -> None:
    bot = listed(tmp_path)
    moved = replace(bot, origins=Settings.from_env({}).origins)
    assert moved == bot
    assert hash(moved) == hash(bot)


def listed(folder: Path, more: str = "", environment: dict[str, str] | None = None) -> Settings:
    """The one bot that a file in `folder` lists, with a log of two trades."""
    (folder / "bots.yaml").write_text(BOT + more, encoding="utf-8")
    (folder / "logs").mkdir()
    (folder / "logs" / f"{DAY}.jsonl").write_bytes(log(*session("1", "-2")))
    [bot] = listed_bots(folder / "bots.yaml", environment or {})
    return bot
