"""Room, strategies and the edge as people read them, in every output."""

from decimal import Decimal
from pathlib import Path

import pytest

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.reports.markdown import headline, summary_markdown
from performance_pipeline.reports.number_format import compared, metric_value
from performance_pipeline.reports.wording import room_sentence
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, Place, place, session
from performance_pipeline_tests.support.outputs import outputs

TARGETS = """\
win_rate_target: 10
max_drawdown_target: -10
peak_drawdown_target: -20.5
alerts:
  edge: {win_rate: 60, false_alarm_trades: 2}
  strategies:
    "<b>fast</b> | *x*": {win_rate_target: 60}
"""


@pytest.fixture
def here(tmp_path: Path) -> Place:
    (tmp_path / "targets.yaml").write_text(TARGETS)
    made = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    made.write(DAY, *session("30", "-4", strategy_name="<b>fast</b> | *x*"))
    return made


def told(here: Place, *pnls: str, window: Window = Window.DAILY) -> str:
    here.write(NEXT_DAY, *session(*pnls, day=NEXT_DAY))
    return room_sentence(here.summary(window, NEXT_DAY))


@pytest.mark.parametrize("window", [Window.DAILY, Window.ROLLING])
@pytest.mark.parametrize(
    ("pnls", "sentence"),
    [
        ([], "16.50 before the peak drawdown target, 10.00 before the day's drawdown target."),
        (["-3"], "13.50 before the peak drawdown target, 7.00 before the day's drawdown target."),
        # What was won back may be lost again.
        (
            ["-9", "8"],
            "15.50 before the peak drawdown target, 9.00 before the day's drawdown target.",
        ),
        # Once it is missed the day has none left, whatever is won back.
        (
            ["-11", "9"],
            "14.50 before the peak drawdown target, none before the day's drawdown target.",
        ),
        (
            ["-8", "-9"],
            "none before the peak drawdown target, none before the day's drawdown target.",
        ),
    ],
)
def test_the_headline_says_how_much_room_is_left_before_each_target(
    here: Place, pnls: list[str], sentence: str, window: Window
) -> None:
    assert told(here, *pnls, window=window) == f"Room: {sentence}"
    assert headline(here.summary(window, NEXT_DAY)).endswith(f" Room: {sentence}")


def test_without_a_target_nothing_is_said_of_room(here: Place) -> None:
    here.settings.targets_file.write_text("win_rate_target: 10\n")
    assert told(here, "5") == ""
    assert "Room" not in headline(here.summary(Window.WEEKLY))


def test_room_and_strategy_stand_in_every_output(here: Place) -> None:
    shown = outputs(here, Period.of(Window.DAILY, DAY))
    for form in ("markdown", "terminal"):
        assert "Room: 16.50 before the peak drawdown target, 6.00 before" in shown[form]
    assert "win rate of <b>fast</b> | *x*" in shown["terminal"]
    assert "`win_rate` of &lt;b&gt;fast&lt;/b&gt; \\| \\*x\\*" in shown["markdown"]
    assert "win rate of &lt;b&gt;fast&lt;/b&gt; | *x*" in shown["report"]


def test_the_rolling_window_shows_edge_and_peak_drawdown(here: Place) -> None:
    shown = summary_markdown(here.summary(Window.ROLLING, DAY))
    assert "| `edge` | 2.44 | 2.00 | 0.44 | breached | WARN |" in shown
    assert "| `peak_drawdown` | -4.00 | -20.50 | 16.50 | met |" in shown
    assert "| `peak_drawdown` | -4.00 |" in shown
    assert "peak_drawdown" not in summary_markdown(here.summary(Window.WEEKLY, DAY))


def test_an_edge_beyond_all_measure_is_a_few_words() -> None:
    far = Decimal(10) ** 100
    assert compared("edge", far, Decimal(2000)) == ("over a billion", "2000.00", "over a billion")
    assert metric_value("edge", far) == "over a billion"
    assert compared("edge", Decimal("19.574"), Decimal(2000)).actual == "19.57"
