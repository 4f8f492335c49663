"""What a user of freqtrade sees of the commands that read its files."""

from pathlib import Path

import pytest

from performance_pipeline_tests.support.command_line import Run
from performance_pipeline_tests.support.freqtrade_database import BotDatabase, BotTrade


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
        "warning: 1 record added are trades that are still open, which PERFORMANCE_PAIRING=fifo"
        " takes for fills\n"
    )
