"""The benchmarks compare like with like: every contender arrives at the same numbers."""

from pathlib import Path

import pytest

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.data import make_logs
from benchmarks.reading import appends

READERS = [name for name in CONTENDERS if not name.startswith("floor")]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded log in which closes, overnight entries and open orders all occur."""
    (path,) = make_logs(tmp_path_factory.mktemp("bench"), 1, 300)
    return path


@pytest.mark.parametrize("name", READERS)
def test_every_contender_arrives_at_the_same_numbers(name: str, log: Path) -> None:
    contender = CONTENDERS[name]
    if not contender.installed:
        pytest.skip(f"{contender.needs} comes with `make bench`, not with the project")
    (expected,) = CONTENDERS[OURS].load()([log])
    (figures,) = contender.load()([log])
    assert figures.same_as(expected)
    if contender.exact == "exact":
        assert figures == expected
    assert expected.lines == 300
    assert expected.open_trades > 0
    assert expected.longest_losses > 1
    assert expected.max_drawdown < 0


def test_appends_are_measured_from_a_log_that_really_grows(tmp_path: Path) -> None:
    table = appends(tmp_path, quick=True)
    assert table.rows[0][:2] == ["1,000", "SHA-256"]
    (log,) = (tmp_path / "appends-1000").glob("*.jsonl")
    assert len(log.read_bytes().splitlines()) > 1000
