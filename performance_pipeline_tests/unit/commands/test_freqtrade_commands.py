"""What a user of freqtrade sees of the commands that read its files."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from performance_pipeline_tests.support.command_line import Run, everything_in
from performance_pipeline_tests.support.freqtrade_backtest import (
    START,
    Backtested,
    result,
    strategy_result,
    write_result,
)
from performance_pipeline_tests.support.freqtrade_database import BotDatabase, BotTrade
from performance_pipeline_tests.support.imports import source_of
from performance_pipeline_tests.support.schemas import validator


@pytest.fixture
def database(tmp_path: Path) -> BotDatabase:
    found = BotDatabase(tmp_path / "tradesv3.sqlite")
    found.write(BotTrade(1), BotTrade(2, closed=None))
    return found


def test_open_trades_are_not_taken_for_fills(
    tmp_path: Path, database: BotDatabase, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("import", "freqtrade", str(database.path), "--out")
    alone = run(*arguments, str(tmp_path / "alone"))
    assert (alone.status, alone.err) == (0, "")
    assert alone.out == "read 2, added 2, already there 0, changed 0, left out 0, rejected 0\n"
    monkeypatch.setenv("PERFORMANCE_PAIRING", "fifo")
    paired = run(*arguments, str(tmp_path / "paired"))
    assert paired.err == (
        "warning: 1 open trade added, which PERFORMANCE_PAIRING=fifo takes for fills; set it to"
        " none\n"
    )


# --- second-opinion ---------------------------------------------------------------------------


def backtest(folder: Path, **wrong: float) -> Path:
    trades = [Backtested(profit, START) for profit in (50.0, -30.0, 0.0, -40.0)]
    document = result(SampleStrategy=strategy_result(trades) | wrong)
    return write_result(folder / "result.zip", document)


def test_a_second_opinion_shows_the_report_and_both_sides_of_every_figure(
    tmp_path: Path, run: Run
) -> None:
    ran = run("second-opinion", str(backtest(tmp_path)))
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "SampleStrategy, the result of a backtest of freqtrade"
    assert "Range performance: 2024-02-26" in lines
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line}
    assert rows["total_trades"] == "4 4 equal"
    assert rows["winrate"] == "25.0 % 25.0 % equal"
    assert rows["max_consecutive_losses"] == (
        "3 1 freqtrade counts a breakeven as a loss in a losing streak"
    )
    assert rows["26/02/2024"] == (
        "profit_abs -20.00 0.00 freqtrade's weeks run from Tuesday to Monday"
    )
    assert "By day: 7 of 7 figures agree, to 6 decimals or more" in lines
    assert lines[-1] == "47 of 54 figures agree, 7 differ for a known reason, 0 without one."


def test_a_figure_that_differs_without_a_reason_is_shown_and_ends_with_status_2(
    tmp_path: Path, run: Run
) -> None:
    ran = run("second-opinion", str(backtest(tmp_path, profit_total_abs=-20.004)))
    assert ran.status == 2
    (row,) = (line for line in ran.out.splitlines() if line.startswith("profit_total_abs"))
    assert row.split() == ["profit_total_abs", "-20.004", "-20.000", "DIFFERENT"]
    assert ran.out.splitlines()[-1].endswith("1 without one.")


@pytest.mark.parametrize("wrong", [{}, {"wins": 3.0}])
def test_the_document_of_a_second_opinion_is_what_its_schema_says(
    tmp_path: Path, run: Run, wrong: dict[str, float]
) -> None:
    ran = run("second-opinion", "--json", str(backtest(tmp_path, **wrong)))
    assert ran.status == (2 if wrong else 0)
    document = json.loads(ran.out)
    validator("second-opinion").validate(document)
    (opinion,) = document["opinions"]
    validator("summary").validate(opinion["summary"])
    assert document["different"] == len(wrong)
    assert (document["source"], opinion["summary"]["realized_pnl"]) == ("result.zip", "-20")


def test_a_second_opinion_on_a_database_counts_every_profit_again(
    database: BotDatabase, run: Run
) -> None:
    before = everything_in(database.path.parent)
    ran = run("second-opinion", str(database.path))
    assert (ran.status, ran.err) == (0, "")
    assert "By trade: 1 of 1 figures agree" in ran.out.splitlines()
    assert everything_in(database.path.parent) == before


def test_a_source_without_figures_of_its_own_says_so(tmp_path: Path, run: Run) -> None:
    ran = run("second-opinion", str(source_of(tmp_path, "trades.json", "[]")))
    assert ran.status == 0
    assert ran.out.splitlines()[-1] == (
        "The source states no figure that could be held against ours."
    )


def test_a_second_opinion_on_nothing_is_one_line(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "none.zip"
    complaint = run("second-opinion", str(path)).complaint
    assert complaint == f"{path}: cannot be read: No such file or directory"


def test_a_long_list_of_differences_names_how_many_more_there_are(tmp_path: Path, run: Run) -> None:
    trades = [Backtested(1.0, START + timedelta(days=number)) for number in range(40)]
    strategy = strategy_result(trades)
    for row in strategy["periodic_breakdown"]["day"]:
        row["profit_abs"] += 1
    path = write_result(tmp_path / "result.json", result(SampleStrategy=strategy))
    lines = run("second-opinion", str(path)).out.splitlines()
    assert sum("DIFFERENT" in line for line in lines) == 20
    assert "and 60 more that differ; --json holds all" in lines
