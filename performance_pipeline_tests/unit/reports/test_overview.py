"""Several bots side by side: exact sums, and trouble with one that stays in its row."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.overview import Overview, Result
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS
from performance_pipeline.pipeline.bots import bot_settings
from performance_pipeline.pipeline.overview import overview, overview_document
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.reports.overview_view import overview_view
from performance_pipeline.reports.page.overview_html import overview_html
from performance_pipeline.settings import Settings
from performance_pipeline.storage.summaries import summary_document
from performance_pipeline_tests.support.command_line import Run
from performance_pipeline_tests.support.lines import DAY, SCRIPT, Place, log, session
from performance_pipeline_tests.support.local import on_this_machine

NOW = datetime(2025, 6, 10, 20, tzinfo=UTC)


@pytest.fixture
def bots(tmp_path: Path) -> list[Settings]:
    """A bot that won, one that lost and breaks its targets, one without a folder, and one whose
    targets cannot be used."""
    pnls = {"won": ["0.1", "0.2"], "lost": ["-3", "1"], "gone": [], "mistyped": ["0.00000000001"]}
    for name, said in pnls.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{DAY}.jsonl").write_bytes(log(*session(*said)))
        (folder / "targets.yaml").write_text(
            "max_drawdown_target: -2.5\npeak_drawdown_target: -10\n"
            if name != "mistyped"
            else "max_drawdown_target: [\n"
        )
    for path in (tmp_path / "gone").iterdir():
        path.unlink()
    (tmp_path / "gone").rmdir()
    return [
        bot_settings(
            {"bot": name, "log_dir": name, "targets_file": f"{name}/targets.yaml"}, tmp_path, {}
        )
        for name in pnls
    ]


def looked(bots: Sequence[Settings]) -> Overview:
    return overview(bots, lambda: NOW)


def test_a_row_says_what_the_summaries_say(bots: list[Settings]) -> None:
    [row] = overview_document(looked(bots[:1]))["bots"]
    tracker = PerformanceTracker(bots[0], lambda: NOW)
    names = {"daily": "today", "weekly": "week", "monthly": "month", "rolling": "rolling"}
    for window in PARTITIONED_WINDOWS:
        summary = summary_document(tracker.get_summary(window))
        for metric in ("total_trades", "total_wins", "realized_pnl", "win_rate"):
            assert row[names[window]][metric] == summary[metric]
    assert row["room"] == {"peak_drawdown": "10", "max_drawdown": "2.5"}
    assert row["data_quality"]["status"] == "complete"
    assert row["days"] == [{"date": str(DAY), "realized_pnl": "0.3"}]
    assert (row["active_alerts"], row["error"]) == (0, None)


def test_sums_are_exact_and_of_those_that_can_be_read(bots: list[Settings]) -> None:
    total = overview_document(looked(bots))["total"]
    assert total["today"] == {
        "total_trades": 5,
        "total_wins": 4,
        "realized_pnl": "-1.69999999999",
        "win_rate": "0.8",
    }
    assert total["week"] == total["month"] == total["rolling"] == total["today"]


def test_trouble_with_one_bot_stays_in_its_row(bots: list[Settings]) -> None:
    rows = {row["bot"]: row for row in overview_document(looked(bots))["bots"]}
    assert "No such file or directory" in rows["gone"]["error"]
    assert (rows["gone"]["today"], rows["gone"]["room"]) == (None, None)
    assert "not YAML" in rows["mistyped"]["error"]
    assert rows["mistyped"]["today"]["realized_pnl"] == "0.00000000001"
    assert rows["won"]["error"] is rows["lost"]["error"] is None
    assert rows["lost"]["room"] == {"peak_drawdown": "8", "max_drawdown": "0"}
    assert set(rows["gone"]) == set(rows["won"])


pnl = st.decimals(places=9, min_value=-(10**12), max_value=10**12)


@given(st.lists(pnl, max_size=20))
def test_a_sum_is_that_of_its_parts_to_the_last_digit(pnls: list[Decimal]) -> None:
    total = Result.total([Result(2, 1, one, Decimal("0.5")) for one in pnls])
    assert total.realized_pnl == sum(int(one.scaleb(9)) for one in pnls) / Decimal(10**9)
    assert total.win_rate == (Decimal("0.5") if pnls else None)
    assert total.total_trades == 2 * len(pnls)


def test_the_page_shows_every_bot_and_fetches_nothing(bots: list[Settings]) -> None:
    found = looked(bots)
    page = overview_html(found)
    for row in found.bots:
        assert f'<th scope="row">{row.bot}</th>' in page
    assert "No such file or directory" in page
    assert "targets unusable" in page
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_what_a_file_says_is_text_on_the_page(bots: list[Settings]) -> None:
    on_this_machine(bots[3].targets_file).write_text(f"{SCRIPT}: [\n")
    assert SCRIPT not in overview_html(looked(bots))


@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_table_fits_its_terminal(bots: list[Settings], width: int) -> None:
    from rich.console import Console

    console = Console(width=width, record=True, color_system=None)
    with console.capture() as captured:
        console.print(overview_view(looked(bots), width))
    said = captured.get()
    assert max(map(len, said.splitlines())) <= width
    for name in ("won", "lost", "gone", "mistyped", "All"):
        assert name in said


def test_bots_prints_writes_and_says_by_its_status_whether_one_has_no_figures(
    run: Run, bots: list[Settings], tmp_path: Path, logs: Place
) -> None:
    listed = tmp_path / "bots.yaml"
    listed.write_text(
        "bots:\n" + "".join(f"- bot: {bot.bot}\n  log_dir: {bot.log_dir}\n" for bot in bots)
    )
    under = logs.under(BOTS=str(listed))
    ran = run("bots", "--json", under=under)
    assert ran.status == 1
    assert [row["bot"] for row in json.loads(ran.out)["bots"]] == [bot.bot for bot in bots]
    page = tmp_path / "out" / "bots.html"
    assert run("bots", "--out", str(page), "--bot", "won", under=under).status == 0
    assert '<th scope="row">won</th>' in page.read_text()
    assert "won" in run("bots", "--bot", "won", under=under).out


def test_without_a_list_the_only_bot_is_shown(run: Run) -> None:
    [row] = json.loads(run("bots", "--json").out)["bots"]
    assert row["bot"] == ""
