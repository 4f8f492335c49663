"""`--bot`: commands over one of several bots."""

import json
from pathlib import Path

import pytest

from performance_pipeline_tests.support.command_line import Ran, Run
from performance_pipeline_tests.support.lines import DAY, Place, log, session


@pytest.fixture
def bots(logs: Place, tmp_path: Path) -> Place:
    """Two bots, listed; `alpha` has lost 3 and `beta` has won 5 on one day."""
    for name, pnls in (("alpha", ("-1", "-2")), ("beta", ("5",))):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{DAY}.jsonl").write_bytes(log(*session(*pnls)))
    listed = tmp_path / "bots.yaml"
    listed.write_text("bots:\n- bot: alpha\n  log_dir: alpha\n- bot: beta\n  log_dir: beta\n")
    return logs.under(BOTS=str(listed))


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_bot_is_named_before_or_after_the_command(bots: Place, run: Run, name: str) -> None:
    asked = ("summary", "--date", str(DAY), "--json")
    before = run("--bot", name, *asked, under=bots)
    after = run(*asked, "--bot", name, under=bots)
    found = json.loads(after.out)
    assert found["realized_pnl"] == {"alpha": "-3", "beta": "5"}[name]
    assert json.loads(before.out) | {"generated_at": ""} == found | {"generated_at": ""}


def test_the_one_after_the_command_counts(bots: Place, run: Run) -> None:
    asked = ("summary", "--date", str(DAY), "--json", "--bot", "beta")
    assert json.loads(run("--bot", "alpha", *asked, under=bots).out)["realized_pnl"] == "5"


@pytest.mark.parametrize(
    "command",
    [
        ("summary",),
        ("report",),
        ("backfill", "--days", "1"),
        ("verify",),
        ("doctor",),
        ("alerts", "list"),
        ("alerts", "explain", "x"),
        ("alerts", "ack", "x"),
        ("alerts", "test"),
        ("targets", "replay"),
        ("targets", "simulate"),
        ("import", "ccxt", "x.json"),
    ],
)
def test_where_several_are_listed_a_command_needs_one(
    bots: Place, run: Run, command: tuple[str, ...]
) -> None:
    said = run(*command, under=bots).complaint
    assert said.startswith("--bot NAME is needed: ")
    assert said.endswith("bots.yaml lists alpha, beta")
    assert "lists no such bot; the nearest is beta" in run(*command, "--bot", "bet", under=bots).err


def test_doctor_says_whose_settings_it_shows(bots: Place, run: Run, logs: Place) -> None:
    said = run("doctor", "--bot", "beta", under=bots).out
    assert "  bot: beta\n" in said
    assert "PERFORMANCE_BOTS" not in said
    assert "bot:" not in run("doctor", under=logs).out


def test_without_a_list_no_bot_can_be_named(run: Run) -> None:
    assert run("summary", "--bot", "alpha").complaint.startswith(
        "--bot alpha: no bots are listed; config/bots.yaml, or what PERFORMANCE_BOTS names"
    )


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("summary --bot ", "alpha\nbeta"),
        ("--bot b", "beta"),
        ("alerts list --bot a", "alpha"),
    ],
)
def test_completion_knows_the_bots(
    bots: Place, run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, offered: str
) -> None:
    monkeypatch.setenv("_PERFORMANCE_PIPELINE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"performance-pipeline {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" "))))
    said = run(under=bots)
    assert [word.partition(",")[2] for word in said.out.split()] == offered.split()


def test_completion_of_alert_ids_is_that_of_the_bot_that_was_named(
    bots: Place, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {
        "event": "performance.alert",
        "id": "daily-2025-06-10-win_rate-1",
        "status": "raised",
        "window": "daily",
        "period": str(DAY),
        "start_date": str(DAY),
        "end_date": str(DAY),
        "metric": "win_rate",
        "actual": "0",
        "target": "0.6",
        "severity": "WARN",
        "message": "win_rate below its target",
        "late": False,
        "raised_at": f"{DAY}T15:00:00Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "asset_key": "alpha/daily_summary",
        "run_id": "",
    }
    (tmp_path / "alpha" / "performance-alerts.jsonl").write_text(json.dumps(line) + "\n")
    monkeypatch.setenv("_PERFORMANCE_PIPELINE_COMPLETE", "bash_complete")
    offered = {}
    for name in ("alpha", "beta"):
        monkeypatch.setenv("COMP_WORDS", f"performance-pipeline --bot {name} alerts ack ")
        monkeypatch.setenv("COMP_CWORD", "5")
        offered[name] = run(under=bots)
    assert offered["alpha"] == Ran(0, "plain,daily-2025-06-10-win_rate-1\n", "")
    assert offered["beta"] == Ran(0, "\n", "")
