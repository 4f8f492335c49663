"""Commands run in this process or in one of their own, and the three days of logs they run on."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from unittest import mock

import pytest

from performance_pipeline import cli
from performance_pipeline_tests.support.lines import (
    DAY,
    EASY_TARGETS,
    NEXT_DAY,
    ONE_DAY,
    Place,
    line,
    place,
    session,
)

FIRST_PARTITION: Final = date(2025, 6, 4)
LAST_DAY: Final = DAY + 2 * ONE_DAY
ACCOUNT: Final = "ACC-4711-SECRET"
SECRET: Final = "12,5-SECRET"
# The command line in a process that waits for no disk: only what runs Dagster is quicker so.
QUICK_PROGRAM: Final = (
    sys.executable,
    "-c",
    "import performance_pipeline_tests.support.quick_databases;"
    " from performance_pipeline.cli import main; main()",
)


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of an error; fails when there is more, or less, than that."""
        assert self.status == 1
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("error: "), self.err
        return self.err.removeprefix("error: ").rstrip("\n")


Run = Callable[..., Ran]


def run_here(capsys: pytest.CaptureFixture[str], under: Place, *arguments: str) -> Ran:
    """Run a command in this process with the settings of a place."""
    capsys.readouterr()
    status: object = 0
    with mock.patch.dict(os.environ, under.environment):
        try:
            cli.main(arguments)
        except SystemExit as exit:
            status = exit.code
    assert isinstance(status, int)
    return Ran(status, *capsys.readouterr())


def run_on(logs: Place, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands in this process, by default on `logs`."""

    def run(*arguments: str, under: Place = logs) -> Ran:
        return run_here(capsys, under, *arguments)

    return run


def run_process(
    logs: Place,
    *arguments: str,
    program: tuple[str, ...] = (sys.executable, "-m", "performance_pipeline"),
    stdout: int = subprocess.PIPE,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command as a process of its own."""
    ended = subprocess.run(
        [*program, *arguments],
        env={**os.environ, **logs.environment, **(environment or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout or "", ended.stderr)


def shown_on(terminal: int) -> str:
    """All that is written to a pseudoterminal until its other end is closed; closes this one.

    One read gives at most the 4 KB that the system keeps of what was not read yet.
    """
    written = b""
    while chunk := _read(terminal):
        written += chunk
    os.close(terminal)
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # How Linux says that the other end is closed.
        return b""


def three_days(folder: Path) -> Place:
    """Logs of three days below `folder`: trades of two accounts, and lines that are rejected."""
    (folder / "targets.yaml").write_text(EASY_TARGETS)
    logs = place(
        folder / "logs",
        START_DATE=str(FIRST_PARTITION),
        TARGETS_FILE=str(folder / "targets.yaml"),
    )
    logs.write(DAY, *session("10.25", "-5", "0.5", account_id=ACCOUNT))
    logs.write(
        NEXT_DAY,
        line(price=SECRET, account_id=ACCOUNT),
        *session("-7", day=NEXT_DAY, account_id="other"),
        b"not json " + ACCOUNT.encode(),
        line(account_id=4711),
    )
    logs.write(LAST_DAY, *session("1", "2", day=LAST_DAY, account_id=ACCOUNT))
    return logs


def everything_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below `folder`, with its time and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def days_from(first: date, last: date) -> tuple[str, ...]:
    return ("--start", str(first), "--end", str(last))


def assert_no_account_in(said: list[Ran], written: set[Path]) -> None:
    assert [ran for ran in said if ACCOUNT in ran.out + ran.err] == []
    assert written
    assert [path for path in written if ACCOUNT.encode() in path.read_bytes()] == []
