"""Bots that a file lists: what is said of each, what the environment adds, and what is refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.bots import (
    all_bots,
    attribute_names,
    bot_settings,
    chosen_bot,
    listed_bots,
)
from performance_pipeline.places import Place as LogPlace
from performance_pipeline.places import StoreUrl
from performance_pipeline.setting_values import SettingsError
from performance_pipeline.settings import Settings, setting_names

Listed = Callable[[str], Path]

TWO: Final = """
bots:
  - bot: alpha
    log_dir: ../logs/alpha
  - bot: beta-2
    log_dir: ../logs/beta
"""


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    def write(text: str) -> Path:
        path = tmp_path / "config" / "bots.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_paths_are_below_the_folder_of_the_file_and_the_rest_has_its_default(
    listed: Listed, tmp_path: Path
) -> None:
    alpha, beta = listed_bots(listed(TWO), {})
    assert (alpha.bot, beta.bot) == ("alpha", "beta-2")
    assert alpha.log_dir == tmp_path / "logs" / "alpha"
    assert alpha.output_dir == tmp_path / "logs" / "alpha" / "performance"
    assert alpha.alert_log == tmp_path / "logs" / "alpha" / "performance-alerts.jsonl"
    assert alpha.targets_file == tmp_path / "config" / "dashboard-targets.yaml"
    assert alpha.timezone.key == "UTC"


def test_each_bot_imports_its_own_sources_and_never_those_of_the_only_one(listed: Listed) -> None:
    path = listed(TWO + "    sources: beta-sources.yaml\n")
    alpha, beta = listed_bots(path, {"PERFORMANCE_SOURCES": "/sources.yaml"})
    assert not alpha.imports_sources
    assert beta.imports_sources
    assert beta.sources_file == path.parent / "beta-sources.yaml"


def test_every_setting_can_be_said_of_a_bot_as_it_is_written(listed: Listed) -> None:
    path = listed("""
bots:
  - bot: eu_1
    log_dir: /logs
    output_dir: out
    alert_log: ~/alerts.jsonl
    targets_file: t.yaml
    timezone: America/New_York
    alert_rolling_window: 7
    alert_lookback_days: 3
    market_calendar: 24/7
    refresh_seconds: 1
    execution_mode: LIVE
    account: 00123
    start_date: 2025-03-01
    pairing: fifo
    trade: flat
    short_selling: yes
    keep_runs_days: 2
    notify: [json://one.example, json://two.example]
""")
    [bot] = listed_bots(path, {})
    assert bot.log_dir == Path("/logs")
    assert bot.output_dir == path.parent / "out"
    assert bot.alert_log == Path.home() / "alerts.jsonl"
    assert bot.targets_file == path.parent / "t.yaml"
    assert bot.timezone.key == "America/New_York"
    assert (bot.rolling_window, bot.lookback_days) == (7, 3)
    assert bot.account == "00123"
    assert str(bot.start_date) == "2025-03-01"
    assert bot.short_selling
    assert [url.scheme for url in bot.notify] == ["json", "json"]


def test_the_environment_has_the_defaults_but_for_the_places_of_one_bot(listed: Listed) -> None:
    environment = {
        "PERFORMANCE_LOG_DIR": "elsewhere",
        "PERFORMANCE_OUTPUT_DIR": "/of/all",
        "PERFORMANCE_ALERT_LOG": "elsewhere.jsonl",
        "PERFORMANCE_TARGETS_FILE": "/targets.yaml",
        "PERFORMANCE_ACCOUNT": "U1",
        "PERFORMANCE_PAIRING": "fifo",
    }
    path = listed(TWO.replace("beta\n", "beta\n    account:\n    pairing: lifo\n"))
    alpha, beta = listed_bots(path, environment)
    assert (alpha.account, alpha.pairing) == ("U1", "fifo")
    assert (beta.account, beta.pairing) == ("", "lifo"), "said of the bot, also when it is empty"
    assert alpha.log_dir == path.parent.parent / "logs" / "alpha"
    assert alpha.alert_log.parent == alpha.output_dir.parent == alpha.log_dir
    assert alpha.targets_file == Path("/targets.yaml")


def test_all_bots_share_one_instance(listed: Listed) -> None:
    path = listed(TWO)
    assert {bot.default_home for bot in listed_bots(path, {})} == {
        path.parent / "performance" / "dagster"
    }
    chosen = listed_bots(path, {"PERFORMANCE_OUTPUT_DIR": "/of/all"})
    assert {bot.default_home for bot in chosen} == {Path("/of/all/dagster")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("bots:\n", "1: bots: needed is a list"),
        ("bots: []\n", "1: bots: an empty list"),
        ("bot: x\n", "1: bot: unknown key; the nearest known one is bots"),
        ("bots:\n- log_dir: x\n", "2: bots[1]: a bot without a name"),
        ("bots:\n- bot: a b\n", "2: bots[1].bot: 'a b' cannot be used: accepted are letters"),
        ("bots:\n- bot: a\n", "2: bots[1].bot: a has no log_dir, the folder of its trade logs"),
        (
            "bots:\n- bot: a\n  log_dir: x\n  time_zone: UTC\n",
            "4: bots[1].time_zone: unknown key; the nearest known one is timezone",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n  timezone: Mars\n",
            "4: bots[1].timezone: 'Mars' cannot be used: accepted is an IANA time zone",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n  timezone: UTC\n  summary_timezone: UTC\n",
            "5: bots[1].summary_timezone: the same setting as timezone",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n- bot: a\n  log_dir: y\n",
            "4: bots[2].bot: a is that of another bot, on line 2",
        ),
        (
            "bots:\n- bot: a-1\n  log_dir: x\n- bot: a_1\n  log_dir: y\n",
            "4: bots[2].bot: a_1 is that of another bot, on line 2",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n- bot: b\n  log_dir: ./x\n",
            "bots[2]: {folder}/x/performance is that of another bot, on line 2",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n- bot: b\n  log_dir: y\n  output_dir: x/performance\n",
            "6: bots[2].output_dir: {folder}/x/performance is that of another bot, on line 2",
        ),
        (
            "bots:\n- bot: a\n  log_dir: x\n  alert_log: l\n"
            "- bot: b\n  log_dir: y\n  alert_log: l\n",
            "7: bots[2].alert_log: {folder}/l is that of another bot, on line 2",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_line(
    listed: Listed, text: str, said: str
) -> None:
    path = listed(text)
    with pytest.raises(PipelineError) as raised:
        listed_bots(path, {})
    assert str(raised.value).startswith(str(path))
    assert said.format(folder=path.parent) in str(raised.value)


def test_a_secret_is_not_in_what_is_told(listed: Listed) -> None:
    path = listed(TWO.replace("beta\n", "beta\n    notify: password\n"))
    with pytest.raises(PipelineError, match=r"7: bots\[2\].notify cannot be used") as raised:
        listed_bots(path, {})
    assert "password" not in str(raised.value)


def test_what_the_environment_says_and_cannot_be_used_names_its_variable(listed: Listed) -> None:
    with pytest.raises(PipelineError, match=r"^PERFORMANCE_TRADE='x' cannot be used"):
        listed_bots(listed(TWO), {"PERFORMANCE_TRADE": "x"})


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (TWO, None, "--bot NAME is needed: {path} lists alpha, beta-2"),
        (TWO, "alpa", "--bot alpa: {path} lists no such bot; the nearest is alpha"),
    ],
)
def test_where_several_are_listed_one_is_to_be_named(
    listed: Listed, text: str, name: str | None, said: str
) -> None:
    path = listed(text)
    with pytest.raises(PipelineError) as raised:
        chosen_bot(name, {"PERFORMANCE_BOTS": str(path)})
    assert str(raised.value) == said.format(path=path)


def test_the_one_that_is_named_is_chosen_and_the_only_one_without(listed: Listed) -> None:
    environment = {"PERFORMANCE_BOTS": str(listed(TWO))}
    assert chosen_bot("beta-2", environment).bot == "beta-2"
    listed("bots:\n- bot: only\n  log_dir: x\n")
    assert chosen_bot(None, environment).bot == "only"


def test_a_file_in_the_current_folder_needs_no_variable(
    listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert all_bots({}) == [Settings.from_env({})]
    with pytest.raises(PipelineError, match=r"--bot alpha: no bots are listed; config/bots.yaml"):
        chosen_bot("alpha", {})
    listed(TWO)
    assert [bot.bot for bot in all_bots({})] == ["alpha", "beta-2"]
    with pytest.raises(PipelineError, match=r"missing.yaml: cannot be read"):
        all_bots({"PERFORMANCE_BOTS": "missing.yaml"})


def test_a_place_that_says_by_itself_where_it_is_stays_as_it_is(tmp_path: Path) -> None:
    def placed(text: str) -> LogPlace:
        return bot_settings({"bot": "a", "log_dir": text}, tmp_path, {}).log_dir

    assert placed("logs") == tmp_path / "logs"
    assert placed("/logs") == Path("/logs")
    assert placed("~/logs") == Path.home() / "logs"
    assert placed("s3://bucket/alpha") == StoreUrl("s3", "bucket", "alpha")


def test_attributes_are_the_settings_and_the_name() -> None:
    assert set(attribute_names()) == {
        "bot",
        "timezone",
        *(name.removeprefix("PERFORMANCE_").lower() for name in setting_names()),
    }


def test_an_attribute_names_itself_where_no_file_does(tmp_path: Path) -> None:
    said: Mapping[str, str] = {"bot": "a", "log_dir": "x", "trade": "never"}
    with pytest.raises(
        SettingsError, match=r"^trade: 'never' cannot be used: accepted is exit or flat"
    ):
        bot_settings(said, tmp_path, {})
