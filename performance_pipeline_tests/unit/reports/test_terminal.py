"""`summary` as people see it: in a pipe, on a real terminal, without colour, over nasty logs."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports import number_format
from performance_pipeline.reports.fitted_table import safe
from performance_pipeline.reports.sparkline import bars
from performance_pipeline.reports.terminal import summary_view
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.command_line import shown_on
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    opened,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.local import LocalAlertLog

TARGETS: Final = """
win_rate_target: 50
daily_pl_target: 100
trades_per_day_target: 1
max_drawdown_target: -1000
alerts:
  min_trades: 100
"""
SIGNED_STATUS: Final = {
    "win rate": "? insufficient data",
    "avg daily pnl": "✗ breached WARN",
    "trades per day": "✓ met",
}
NASTY: Final = [
    "[red]x[/red]",
    "[/]",
    "\x1b[2J\x1b[31mred",
    "a|b`c`*d*",
    "two\nlines\r\tand a tab",
    "\u202egnp.exe",
    "日本株",
    ":smile:",
]


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    """Three days of a week, under targets of which some are met and some are not."""
    (tmp_path / "targets.yaml").write_text(TARGETS)
    here = place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))
    here.write(DAY, *session("10.25", "-5", "0.5"), opened(None, f"{DAY}T20:00:00Z", order_id="A"))
    here.write(NEXT_DAY, b"not json", *session("-7.125", day=NEXT_DAY))
    here.write(DAY + 2 * ONE_DAY, *session("4", "0", day=DAY + 2 * ONE_DAY))
    return here


def seen(summary: PerformanceSummary, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(summary_view(summary, width))
    return captured.get()


def words(text: str) -> list[str]:
    return [" ".join(row.split()) for row in text.splitlines()]


def test_every_metric_of_the_summary_is_on_the_screen(logs: Place) -> None:
    summary = logs.summary(Window.WEEKLY)
    rows = " ".join(words(seen(summary)))
    for label, shown in {
        "closed trades": "6",
        "wins": "3",
        "still open": "1",
        "trading days": "3",
        "realized P&L": "2.62",
        "gross profit": "14.75",
        "gross loss": "-12.12",
        "unrealized P&L": "n/a",
        "max drawdown": "-11.62",
        "win rate": "50.0 %",
        "win rate, 95 % from": "18.8 %",
        "win rate, 95 % to": "81.2 %",
        "profit factor": "1.22",
        "planned reward/risk": "n/a",
        "average hold": "n/a",
    }.items():
        assert f"{label} {shown}" in rows
    numbers = [
        value
        for name in summary.__struct_fields__
        if isinstance(value := getattr(summary, name), Decimal)
        # Rates are in percent, and a sum of squares is for programs.
        and not name.startswith("win_rate")
        and name != "squared_pnl_sum"
    ]
    assert [value for value in numbers if f" {number_format.number(value)}" not in rows] == []


def test_targets_are_told_apart_by_sign_and_word(logs: Place) -> None:
    rows = words(seen(logs.summary(Window.WEEKLY)))
    for metric, status in SIGNED_STATUS.items():
        sign, _, word = status.partition(" ")
        [row] = [row for row in rows if row.startswith(f"{sign} {metric} ")]
        assert row.endswith(word)
    assert any(row.startswith("✗ WARN 6 closed trades, realized P&L 2.62,") for row in rows)


def test_a_running_target_is_pending_and_says_so(logs: Place) -> None:
    tracker = logs.tracker(logs.summary().ends_at)
    rows = words(seen(tracker.get_summary(Window.WEEKLY, DAY)))
    assert rows[0] == "Weekly performance: 2025-06-09 to 2025-06-15, still running"
    assert [row for row in rows if row.startswith("… win rate ") and row.endswith("pending")]


def test_gains_and_losses_of_the_days_stand_in_rows_of_their_own(logs: Place) -> None:
    rows = seen(logs.summary(Window.WEEKLY)).splitlines()
    assert "2025-06-10  gains   ▆   ▄" in [row.rstrip() for row in rows]
    assert "2025-06-12  losses    █" in [row.rstrip() for row in rows]


def test_a_long_range_of_days_goes_on_below_and_loses_none(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    days = [DAY + number * ONE_DAY for number in range(40)]
    for number, day in enumerate(days):
        here.write(day, *session("1" if number % 2 else "-1", day=day))
    summary = here.tracker().get_range(days[0], days[-1])
    rows = seen(summary, width=40).splitlines()
    drawn = "".join(row.rpartition("  ")[2].replace(" ", "") for row in rows if "█" in row)
    assert drawn.count("█") == len(days)
    assert any(row.startswith("The last 31 of 40 days;") for row in rows)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=2), min_size=1))
def test_each_value_has_one_bar_in_the_row_of_its_sign(values: list[Decimal]) -> None:
    drawn = bars(values, max(map(abs, values)))
    assert len(drawn.gains) == len(drawn.losses) == len(values)
    for value, gain, loss in zip(values, drawn.gains, drawn.losses, strict=True):
        assert (gain not in " ·", loss != " ", gain == "·") == (value > 0, value < 0, value == 0)


@pytest.mark.parametrize("text", NASTY)
def test_text_from_a_log_is_text(tmp_path: Path, text: str) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, line(symbol=text, strategy_name=text))
    shown = seen(here.summary())
    assert shown.count(safe(text)) == 2
    assert {unicodedata.category(character) for character in shown if character != "\n"}.isdisjoint(
        {"Cc", "Cf", "Zl", "Zp"}
    )
    assert "\\x1b[2J" in shown or "\x1b" not in text


def test_a_very_long_name_is_shown_whole_and_keeps_the_numbers_beside_it(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, line(symbol="LONG" * 2500), win("1234567.891"))
    rows = seen(here.summary()).splitlines()
    assert max(map(len, rows)) <= 200
    assert "".join(rows).count("LONG") > 2400
    assert any(row.endswith(" 1234567.89") for row in rows)


def test_names_with_nothing_in_them_are_named(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, line(strategy_name=None))
    assert any(row.startswith("(none) 1 1 0 100.0 % 10.00") for row in words(seen(here.summary())))


def test_data_quality_names_what_was_left_out(logs: Place) -> None:
    rows = seen(logs.summary(Window.DAILY, NEXT_DAY)).splitlines()
    [partial] = [row for row in rows if row.startswith("! partial")]
    assert "accepted 1, duplicates 0, rejected 1" in partial
    assert f"  {NEXT_DAY}.jsonl:1: line: not valid JSON" in [row.rstrip() for row in rows]


def test_a_window_without_trades_says_so_and_what_is_still_open(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, opened("5", order_id="A"))
    shown = seen(here.summary())
    assert "No trades in window. 1 still open, unrealized P&L 5.00." in shown
    assert "Metrics" not in shown


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_number_is_broken_over_lines_on_a_narrow_terminal(logs: Place, width: int) -> None:
    logs.write(DAY, *session("12345.678", "-6543.21", "0.5"))
    summary = logs.summary(Window.WEEKLY)
    told = seen(summary, 200).split()
    numbers = [word for word in told if re.fullmatch(r"-?\d+\.\d\d[.,]?", word)]
    assert len(numbers) > 20
    shown = seen(summary, width).split()
    assert [number for number in numbers if number not in shown] == []


def test_a_row_that_is_too_wide_for_the_terminal_is_a_list_of_its_values(logs: Place) -> None:
    rows = seen(logs.summary(Window.WEEKLY), 40).splitlines()
    start = rows.index("✗ avg daily pnl")
    assert [row.rstrip() for row in rows[start + 1 : start + 6]] == [
        "  Actual    0.88",
        "  Target    100.00",
        "  Variance  -99.12",
        "  Status    breached",
        "  Severity  WARN",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_narrow_terminal_folds_and_cuts_nothing(logs: Place, width: int) -> None:
    shown = seen(logs.summary(Window.WEEKLY), width)
    assert max(len(row) for row in shown.splitlines()) <= width
    assert "…" not in shown
    # Folded or not, the characters are the same ones in some order.
    assert shown.count("6") == seen(logs.summary(Window.WEEKLY), 200).count("6")


# --- the process ------------------------------------------------------------------------------

WEEK: Final = ("summary", "--window", "weekly", "--date", str(DAY))


def on_terminal(
    logs: Place, width: int, command: tuple[str, ...] = WEEK, **environment: str
) -> str:
    """What the command writes to a terminal of `width` columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in SIZES}
    with subprocess.Popen(
        [sys.executable, "-m", "performance_pipeline", *command],
        env={**kept, **logs.environment, "TERM": "xterm-256color", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ):
        os.close(theirs)
        return shown_on(ours).replace("\r\n", "\n")


SIZES: Final = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def piped(logs: Place, environment: Mapping[str, str], command: tuple[str, ...] = WEEK) -> bytes:
    return subprocess.run(
        [sys.executable, "-m", "performance_pipeline", *command],
        env={**os.environ, **logs.environment, **environment},
        stdout=subprocess.PIPE,
        check=False,
    ).stdout


def test_a_terminal_has_colour_no_color_has_none_and_both_say_the_same(logs: Place) -> None:
    coloured = on_terminal(logs, 100)
    plainly = on_terminal(logs, 100, NO_COLOR="1")
    assert "\x1b[" in coloured
    assert "\x1b" not in plainly
    uncoloured = [row.rstrip() for row in COLOUR.sub("", coloured).splitlines()]
    assert uncoloured == plainly.splitlines()


def test_a_pipe_has_no_control_codes_and_is_not_cut_by_a_narrow_width(logs: Place) -> None:
    narrow = piped(logs, {"COLUMNS": "20", "TERM": "xterm-256color", "FORCE_COLOR": ""})
    wide = piped(logs, {"COLUMNS": "300"})
    assert narrow == wide
    assert b"\x1b" not in narrow
    assert " 6 realized P&L 2.62 win rate 50.0 %" in " ".join(narrow.decode().split())


def test_an_encoding_without_the_signs_is_no_error(logs: Place) -> None:
    shown = piped(logs, {"PYTHONIOENCODING": "ascii"}).decode("ascii")
    assert "? WARN  6 closed trades" in shown


ALERTS: Final = (
    alert(actual=Decimal("0.5499"), target=Decimal("0.55")),
    alert(
        id="monthly-2025-06-01-avg_risk_reward_ratio-1",
        window=Window.MONTHLY,
        period=DAY.replace(day=1),
        metric="avg_risk_reward_ratio",
        status="acknowledged",
        acknowledged_at=LATER,
        actual=None,
        severity="CRITICAL",
    ),
    alert(
        id="rolling-2025-06-10-max_drawdown-1",
        window=Window.ROLLING,
        metric="max_drawdown",
        actual=Decimal("-12345.678"),
        target=Decimal(-6000),
    ),
)


def alerts_on_terminal(logs: Place, width: int, **environment: str) -> str:
    LocalAlertLog(logs.settings.alert_log).update(lambda known: [] if known else list(ALERTS))
    return on_terminal(logs, width, ("alerts", "list"), **environment)


def test_alerts_on_a_terminal_have_a_colour_and_the_same_words_without_one(logs: Place) -> None:
    coloured = alerts_on_terminal(logs, 200)
    plainly = alerts_on_terminal(logs, 200, NO_COLOR="1")
    assert "\x1b[31m" in coloured
    uncoloured = [row.rstrip() for row in COLOUR.sub("", coloured).splitlines()]
    assert uncoloured == plainly.splitlines()


def test_alerts_in_a_pipe_are_a_table_with_a_line_each(logs: Place) -> None:
    alerts_on_terminal(logs, 80)
    written = piped(logs, {"COLUMNS": "40"}, ("alerts", "list")).decode()
    title, _, *rows = words(written)
    assert title == "Alert Status Severity Actual Target Raised, UTC"
    raised = f"{LATER:%Y-%m-%d %H:%M}"
    assert rows == [
        f"daily-2025-06-10-win_rate-1 raised WARN 54.99 % 55.00 % {raised}",
        f"monthly-2025-06-01-avg_risk_reward_ratio-1 acknowledged CRITICAL n/a 0.50 {raised}",
        f"rolling-2025-06-10-max_drawdown-1 raised WARN -12345.68 -6000.00 {raised}",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_no_word_of_an_alert_is_broken_on_a_narrow_terminal(logs: Place, width: int) -> None:
    shown = alerts_on_terminal(logs, width, NO_COLOR="1")
    assert max(map(len, shown.splitlines())) <= width
    told = shown.split()
    for word in (
        "daily-2025-06-10-",
        "win_rate-1",
        "monthly-2025-06-01-",
        "avg_risk_reward_ratio-1",
        "acknowledged",
        "CRITICAL",
        "-12345.68",
        "-6000.00",
        str(LATER.date()),
    ):
        assert word in told
    assert any("Alert" in row and "Target" in row for row in shown.splitlines()) is (width == 80)


def test_alerts_as_json_do_without_the_drawing_of_tables(logs: Place) -> None:
    alerts_on_terminal(logs, 80)
    program = (
        "import sys; from performance_pipeline.cli import main;"
        " sys.argv = ['performance-pipeline', 'alerts', 'list', '--json']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'rich'], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **logs.environment},
        capture_output=True,
        check=True,
    )
    assert len(json.loads(ran.stdout)) == len(ALERTS)
    assert ran.stderr.decode().splitlines()[-1] == "[]"
