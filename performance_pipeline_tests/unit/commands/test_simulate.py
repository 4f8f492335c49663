"""`targets simulate` as its caller meets it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from performance_pipeline.domain.simulation import chances
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline_tests.support.command_line import Ran, Run
from performance_pipeline_tests.support.lines import Place, place
from performance_pipeline_tests.support.schemas import schema, validator

TARGETS = """
win_rate_target: 50
alerts:
  edge: {win_rate: 50, false_alarm_trades: 500}
  critical: {win_rate_target: 40}
  strategies: {momentum: {max_drawdown_target: -100}}
"""
MADE_UP = ("--win-rate", "55", "--trades-per-day", "4")


@pytest.fixture(autouse=True)
def few_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chances, "_MOST_LIVES", 40)
    monkeypatch.setattr(chances, "_FEWEST_LIVES", 40)


@pytest.fixture
def simulate(run: Run, tmp_path: Path) -> Run:
    """The command with targets of its own, over logs that are more than a year old."""
    given = tmp_path / "given.yaml"
    given.write_text(TARGETS)

    def simulated(*arguments: str, **changes: Any) -> Ran:
        return run("targets", "simulate", "--targets", str(given), *arguments, **changes)

    return simulated


@pytest.fixture
def recent(tmp_path: Path) -> Place:
    """Logs of three weeks up to yesterday."""
    last = utc_now().date() - timedelta(days=1)
    folder = tmp_path / "recent"
    write_sample_logs(folder, SampleOptions(end=last, days=21, trades_per_day=6))
    return place(folder, START_DATE="2020-01-01")


def test_without_a_history_a_newcomer_is_told_what_to_give_and_then_gets_a_bot_made_up(
    simulate: Run, tmp_path: Path
) -> None:
    assert "give --win-rate and --trades-per-day" in simulate("--win-rate", "55").complaint
    ran = simulate(*MADE_UP)
    assert (ran.status, ran.err) == (0, "")
    told = " ".join(ran.out.split())
    assert "A bot made up from what these targets ask: 55.0 % win, 4.0" in told
    assert "40 lives of a year, seed 7; a chance is right to some 7.9 points" in told
    for row in ("daily win rate 50 %", "daily win rate critical 40 %", "rolling edge 500", "all"):
        assert row in told
    assert "daily drawdown of momentum -100" in told
    nowhere = Place(tmp_path / "none", {"PERFORMANCE_LOG_DIR": str(tmp_path / "none")})
    ran = simulate(*MADE_UP, under=nowhere)
    assert ran.status == 0
    assert ran.err == f"warning: {tmp_path / 'none'}: no such folder of trade logs\n"


def test_the_trades_of_the_last_year_are_drawn_from(simulate: Run, recent: Place) -> None:
    ran = simulate("--json", under=recent)
    assert (ran.status, ran.err) == (0, "")
    bot = json.loads(ran.out)["bot"]
    assert bot["source"] == "logs"
    assert 60 < bot["trades"] < 100
    assert bot["end_date"] == str(utc_now().date() - timedelta(days=1))
    assert bot["win_rate"] == bot["own_win_rate"]
    assert float(bot["win_rate"]) - float(bot["fallen_win_rate"]) == pytest.approx(0.1)
    told = simulate(under=recent).out
    assert f"{bot['trades']} closed trades of {bot['start_date']} to {bot['end_date']}:" in told
    other = json.loads(simulate("--win-rate", "60", "--fallen", "30", "--json", under=recent).out)
    assert (other["bot"]["win_rate"], other["bot"]["fallen_win_rate"]) == ("0.6", "0.3")
    assert "of them wins): 60.0 % win" in simulate("--win-rate", "60", under=recent).out


def test_the_document_is_as_its_schema_says_in_the_same_order(simulate: Run) -> None:
    document = json.loads(simulate(*MADE_UP, "--json").out)
    validator("simulation").validate(document)
    described = schema("simulation")
    assert list(described["properties"]) == list(document)
    assert list(described["properties"]["bot"]["properties"]) == list(document["bot"])
    row = described["properties"]["targets"]["items"]["properties"]
    assert list(row) == list(document["targets"][0])
    for name in ("unchanged", "fallen"):
        assert list(described["$defs"][name]["properties"]) == list(document[name])
    assert list(described["$defs"]["chances"]["properties"]) == list(
        document["unchanged"]["chances"]
    )


def test_a_seed_is_a_result_and_nothing_is_written(simulate: Run, recent: Place) -> None:
    asked = ("--seed", "3", "--json")
    before = sorted(recent.log_dir.rglob("*"))
    assert simulate(*asked, under=recent).out == simulate(*asked, under=recent).out
    assert simulate(*asked, under=recent).out != simulate("--json", under=recent).out
    assert sorted(recent.log_dir.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--win-rate", "100"), "'100' is no rate; accepted is above 0 and below 100"),
        (("--win-rate", "half"), "'half' is no rate"),
        (("--fallen", "0"), "'0' is no rate"),
        (("--trades-per-day", "0"), "'0' is no number above 0"),
        ((*MADE_UP, "--fallen", "55"), "--fallen 55 is no fall; accepted is below the win rate"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    simulate: Run, arguments: tuple[str, ...], complaint: str
) -> None:
    assert complaint in simulate(*arguments).complaint


def test_targets_that_judge_nothing_are_one_line(run: Run) -> None:
    ran = run("targets", "simulate", *MADE_UP, "--targets", "not-there.yaml")
    assert ran.complaint == "not-there.yaml: there is no such file; accepted is a targets file"
