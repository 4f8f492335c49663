"""One wording in every output: rates in percent, and what a range is judged like."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.report import load_report
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.reports.page.html import report_html
from performance_pipeline.reports.terminal import summary_view
from performance_pipeline_tests.support.lines import DAY, ONE_DAY, Place, place, session

# Over four days of a week 99 wins of 200, a win rate of 0.495.
WINS: Final = (24, 25, 25, 25)


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    (tmp_path / "targets.yaml").write_text("win_rate_target: 60\n")
    here = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    for offset, wins in enumerate(WINS):
        day = DAY + offset * ONE_DAY
        here.write(day, *session(*["1"] * wins, *["-1"] * (50 - wins), day=day))
    return here


def outputs(logs: Place, period: Period) -> Mapping[str, str]:
    """The summary of `period` in each form that people read, as text in single spaces."""
    tracker = logs.tracker()
    summary = tracker.summarize(period)
    console = Console(file=io.StringIO(), width=120, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(summary_view(summary, 120))
    page = re.sub(
        r"<style>.*?</style>|<script.*?</script>",
        "",
        report_html(load_report(tracker, period)),
        flags=re.DOTALL,
    )
    texts = {
        "markdown": summary_markdown(summary),
        "terminal": captured.get(),
        "report": re.sub(r"<[^>]*>", "", page),
    }
    return {name: " ".join(text.split()) for name, text in texts.items()}


def test_a_win_rate_of_0_495_is_49_5_percent_everywhere(logs: Place) -> None:
    for name, text in outputs(logs, Period.of(Window.WEEKLY, DAY)).items():
        assert "49.5 %" in text, name
        assert "-10.5 points" in text, name
        assert re.search(r"\d%|0\.495|0\.105|\b0\.6\b", text) is None, name


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (1, "Judged like a day (1 day)."),
        (2, "Judged like a day (2 days)."),
        (3, "Judged like a week (3 days)."),
        (10, "Judged like a week (10 days)."),
        (11, "Judged like a month (11 days)."),
        (90, "Judged like a month (90 days)."),
    ],
)
def test_a_range_says_what_it_is_judged_like(logs: Place, days: int, sentence: str) -> None:
    period = Period.spanning(DAY, DAY + (days - 1) * ONE_DAY)
    for name, text in outputs(logs, period).items():
        assert text.count(sentence) == text.count("Judged like") == 1, name


@pytest.mark.parametrize("window", [Window.DAILY, Window.WEEKLY, Window.MONTHLY])
def test_no_other_window_says_what_it_is_judged_like(logs: Place, window: Window) -> None:
    for name, text in outputs(logs, Period.of(window, DAY)).items():
        assert "Judged like" not in text, name


def test_a_range_that_was_not_judged_does_not_say_by_what(logs: Place) -> None:
    for name, text in outputs(
        logs.under(TARGETS_FILE="nowhere"), Period.spanning(DAY, DAY)
    ).items():
        assert "Judged like" not in text, name
