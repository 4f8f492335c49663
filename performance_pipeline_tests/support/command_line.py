"""Running a command of the command line in this process, and what its caller meets."""

import os
from dataclasses import dataclass
from unittest import mock

import pytest

from performance_pipeline import cli
from performance_pipeline_tests.support.lines import Place


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
