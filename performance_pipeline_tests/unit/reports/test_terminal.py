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

from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.sparkline import bars
from performance_pipeline.reports.terminal import safe, summary_view
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    opened,
    place,
    session,
    win,
)

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
        "realized P&L": "2.625",
        "gross profit": "14.75",
        "gross loss": "-12.125",
        "unrealized P&L": "n/a",
        "max drawdown": "-11.625",
        "win rate": "50 %",
        "profit factor": "1.216495",
        "planned reward/risk": "n/a",
        "average hold (s)": "n/a",
    }.items():
        assert f"{label} {shown}" in rows
    numbers = [
        value
        for name in summary.__struct_fields__
        if isinstance(value := getattr(summary, name), Decimal) and name != "win_rate"
    ]
    assert [value for value in numbers if f" {plain(value)}" not in rows] == []


def test_targets_are_told_apart_by_sign_and_word(logs: Place) -> None:
    rows = words(seen(logs.summary(Window.WEEKLY)))
    for metric, status in SIGNED_STATUS.items():
        sign, _, word = status.partition(" ")
        [row] = [row for row in rows if row.startswith(f"{sign} {metric} ")]
        assert row.endswith(word)
    assert any(row.startswith("✗ WARN 6 closed trades, realized P&L 2.625") for row in rows)


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
    assert any(row.endswith(" 1234567.891") for row in rows)


def test_names_with_nothing_in_them_are_named(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, line(strategy_name=None))
    assert any(row.startswith("(none) 1 1 0 100 % 10") for row in words(seen(here.summary())))


def test_data_quality_names_what_was_left_out(logs: Place) -> None:
    rows = seen(logs.summary(Window.DAILY, NEXT_DAY)).splitlines()
    [partial] = [row for row in rows if row.startswith("! partial")]
    assert "accepted 1, duplicates 0, rejected 1" in partial
    assert f"  {NEXT_DAY}.jsonl:1: line: not valid JSON" in [row.rstrip() for row in rows]


def test_a_window_without_trades_says_so_and_what_is_still_open(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, opened("5", order_id="A"))
    shown = seen(here.summary())
    assert "No trades in window. 1 still open, unrealized P&L 5." in shown
    assert "Metrics" not in shown


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
        written = b""
        while chunk := _read(ours):
            written += chunk
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # How Linux says that the other end is closed.
        return b""


SIZES: Final = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def piped(logs: Place, environment: Mapping[str, str]) -> bytes:
    return subprocess.run(
        [sys.executable, "-m", "performance_pipeline", *WEEK],
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
    assert " 6 realized P&L 2.625 win rate 50 %" in " ".join(narrow.decode().split())


def test_an_encoding_without_the_signs_is_no_error(logs: Place) -> None:
    shown = piped(logs, {"PYTHONIOENCODING": "ascii"}).decode("ascii")
    assert "? WARN  6 closed trades" in shown


def test_alerts_on_a_terminal_have_a_colour_and_the_same_words_without_one(logs: Place) -> None:
    alert = {
        "event": "performance.alert",
        "id": "daily-2025-06-11-max_drawdown-1",
        "status": "raised",
        "window": "daily",
        "period": "2025-06-11",
        "start_date": "2025-06-11",
        "end_date": "2025-06-11",
        "metric": "max_drawdown",
        "actual": "-7",
        "target": "-6",
        "severity": "CRITICAL",
        "message": "max_drawdown below its target",
        "late": False,
        "raised_at": "2025-06-11T18:00:00Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "asset_key": "daily_summary",
        "run_id": "run",
    }
    logs.settings.alert_log.write_text(json.dumps(alert) + "\n")
    coloured = on_terminal(logs, 200, ("alerts", "list"))
    plainly = on_terminal(logs, 200, ("alerts", "list"), NO_COLOR="1")
    assert "\x1b[31m" in coloured
    assert COLOUR.sub("", coloured) == plainly
    assert " raised        CRITICAL  max_drawdown -7, target -6, " in plainly
