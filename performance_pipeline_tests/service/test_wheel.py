"""What an adopter has: the built wheel, in an environment of its own, and no clone around it."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest

from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.processes import free_port
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS, wait_until

# Enough to see that a demo is judged, with a session among them also after a long weekend; ninety
# days take most of a minute.
SHORT_DEMO: Final = (
    "from performance_pipeline import cli; from performance_pipeline.commands import demo;"
    " demo.DEMO_DAYS = 5; cli.main(['demo'])"
)


@pytest.fixture(scope="module")
def folder(adopter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo, and nothing else, has been run."""
    folder = tmp_path_factory.mktemp("elsewhere")
    ran = run(folder, adopter / "python", "-c", SHORT_DEMO)
    assert ran.returncode == 0, ran.stderr
    return folder


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **settings}


def run(folder: Path, *command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
    )


def test_what_is_installed_is_the_wheel_and_not_the_clone(adopter: Path, tmp_path: Path) -> None:
    where = "import performance_pipeline; print(performance_pipeline.__file__)"

    assert run(tmp_path, adopter / "python", "-c", where).stdout.startswith(str(adopter.parent))


def test_the_demo_has_targets_where_there_is_no_config_folder(folder: Path) -> None:
    assert [path.name for path in folder.iterdir()] == ["demo"]
    summaries: list[dict[str, Any]] = [
        json.loads(path.read_bytes()) for path in folder.rglob("daily-summary-*.json")
    ]

    judged = [summary for summary in summaries if summary["alert_status"] != "NO_TRADES"]
    logged = {path.stem for path in (folder / "demo" / "logs").glob("20*.jsonl")}
    assert logged
    assert {summary["start_date"] for summary in judged} == logged
    for summary in judged:
        assert summary["alert_status"] in {"OK", "WARN", "CRITICAL"}
        assert "max_drawdown" in {verdict["metric"] for verdict in summary["targets"]}


def test_the_demo_heeds_the_targets_file_of_the_folder_it_is_run_in(
    adopter: Path, tmp_path: Path
) -> None:
    own = tmp_path / "config" / "dashboard-targets.yaml"
    own.parent.mkdir()
    own.write_text("trades_per_day_target: 1\n", encoding="utf-8")

    asked = (
        "from pathlib import Path; from performance_pipeline.commands.demo import demo_environment;"
        " print(demo_environment(Path('demo')))"
    )
    assert "TARGETS" not in run(tmp_path, adopter / "python", "-c", asked).stdout


def test_commands_read_the_demo_from_an_installed_package(adopter: Path, folder: Path) -> None:
    ran = run(
        folder,
        adopter / "performance-pipeline",
        "summary",
        "--window",
        "rolling",
        "--json",
        PERFORMANCE_LOG_DIR="demo/logs",
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["total_trades"] > 0


def test_dev_without_logs_or_with_a_taken_port_is_one_line(adopter: Path, folder: Path) -> None:
    dev = (adopter / "performance-pipeline", "dev", "--port")
    nothing = run(folder.parent, *dev, str(free_port()))
    assert nothing.returncode == 1
    assert nothing.stderr == (
        "error: demo/logs: no such folder; run `performance-pipeline demo` first,"
        " or set PERFORMANCE_LOG_DIR to your own logs\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = run(folder, *dev, str(other.getsockname()[1]))
    assert taken.returncode == 1
    assert taken.stderr.startswith("error: port ")
    assert taken.stderr.endswith("(Address already in use); choose one with --port\n")


class Dev:
    """A running `performance-pipeline dev`, started as a shell starts a background job."""

    def __init__(self, adopter: Path, folder: Path) -> None:
        self.home = folder / "demo" / "logs" / "performance" / "dagster"
        self.printed = folder / "printed.log"
        port = free_port()
        self._url = f"http://127.0.0.1:{port}/server_info"
        self._started = time.time()
        # Deaf to interrupts, as a job is that a script puts into the background.
        with self.printed.open("wb") as printed:
            self.process = subprocess.Popen(
                ["sh", "-c", f"trap '' INT; exec {adopter}/performance-pipeline dev --port {port}"],
                cwd=folder,
                # Of the caller, who has not said where the logs are: the demo's settings win.
                env=environment(PERFORMANCE_OUTPUT_DIR="/nowhere"),
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ui_answers(self) -> bool:
        assert self.process.poll() is None, self.printed.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(self._url):
                return True
        except OSError:
            return False

    def daemon_beats(self) -> bool:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            beats = instance.get_daemon_heartbeats().values()
            return any(beat.timestamp >= self._started for beat in beats)

    def processes(self) -> list[str]:
        """The command lines of every process it has started, itself included, that still runs."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(process.name)) == self.process.pid:
                    found.append((process / "cmdline").read_text(encoding="utf-8"))
            except OSError:
                continue
        # One without a command line is over, and nobody has asked yet how it ended.
        return [command.replace("\0", " ") for command in found if command]


@pytest.fixture
def dev(adopter: Path, folder: Path) -> Iterator[Dev]:
    started = Dev(adopter, folder)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=only_when_proving)]
)
def test_dev_opens_the_demo_with_ui_and_daemon_and_one_signal_ends_every_process(
    dev: Dev, number: signal.Signals
) -> None:
    wait_until("the UI", dev.ui_answers)
    wait_until("its daemon, in the demo's own instance", dev.daemon_beats)
    assert len(dev.processes()) > 2

    dev.process.send_signal(number)

    assert dev.process.wait(timeout=PATIENCE_SECONDS) == 0
    wait_until("every process to be gone", lambda: dev.processes() == [])
