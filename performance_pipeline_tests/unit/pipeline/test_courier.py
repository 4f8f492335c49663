"""The process that delivers alerts: what it says when it fails, and what its starter does then."""

import errno
import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import pytest

from performance_pipeline.pipeline import courier
from performance_pipeline.pipeline.courier import Courier
from performance_pipeline.setting_values import Origins

FAILED: Final = "alerts are not delivered: "


def errand(
    monkeypatch: pytest.MonkeyPatch, alert_log: Path | str, output_dir: Path, **more: object
) -> int:
    """What `main` returns when that is asked for on stdin."""
    asked = {"alert_log": str(alert_log), "output_dir": str(output_dir), "urls": [], **more}
    pipe = io.TextIOWrapper(io.BytesIO(msgspec.json.encode(asked)))
    monkeypatch.setattr(sys, "stdin", pipe)
    # Only what the process does with signals is left out: here it is the tests'.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return courier.main()


def test_a_round_that_went_well_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errand(monkeypatch, tmp_path / "alerts.jsonl", tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_a_round_that_failed_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    (tmp_path / "a-folder").mkdir()
    for alert_log, output_dir, said in (
        (tmp_path / "alerts.jsonl", tmp_path / "a-file", "a-file"),
        (tmp_path / "a-folder", tmp_path, "a-folder"),
        (f"{tmp_path}/\0https://user:password@host", tmp_path, f"{FAILED}ValueError"),
    ):
        assert errand(monkeypatch, alert_log, output_dir) == 1
        told = capsys.readouterr().out
        assert said in told
        assert told.count("\n") == 1
        assert "password" not in told


def test_a_round_for_one_of_several_bots_names_the_line_that_says_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    origins = Origins({"PERFORMANCE_OUTPUT_DIR": "bots.yaml:4: bots[1].output_dir"})
    assert errand(monkeypatch, tmp_path / "alerts.jsonl", tmp_path, origins=origins) == 1
    assert capsys.readouterr().out.startswith(
        f"bots.yaml:4: bots[1].output_dir: '{tmp_path}': cannot be written to (No space left"
    )


def process(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)


def test_while_a_process_runs_nothing_else_is_started_and_nothing_is_wrong() -> None:
    running = process("exec sleep 60")
    one = Courier(running, time.monotonic())
    try:
        assert one.busy_with() == "Messages are being sent."
        assert one.trouble() is None
    finally:
        running.kill()
        running.communicate()


def test_a_process_that_is_stuck_is_ended_and_the_next_one_waits_for_a_minute() -> None:
    stuck = process("exec sleep 60")
    one = Courier(stuck, time.monotonic() - 121)
    assert one.busy_with() is None
    assert one.trouble() == "the process that delivers alerts ended with status -9"
    assert one.busy_with() == "Waiting for a minute after a failure."


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("exit 0", None),
        ("echo noise", None),
        ("echo what went wrong; exit 1", "what went wrong"),
        ("exit 3", "the process that delivers alerts ended with status 3"),
    ],
)
def test_trouble_is_what_the_process_said_and_only_when_it_failed(
    script: str, trouble: str | None
) -> None:
    over = process(script)
    over.wait()
    one = Courier(over, time.monotonic())
    assert one.busy_with() is None
    assert one.trouble() == trouble
    assert one.trouble() is None
    assert one.busy_with() == ("Waiting for a minute after a failure." if trouble else None)
