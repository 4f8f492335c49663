"""`dev`: the Dagster UI with daemon, schedules and sensors, on this machine only.

Until `PERFORMANCE_LOG_DIR` is set, or bots are listed, it opens the demo's logs and instance.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
from dotenv import dotenv_values

from performance_pipeline.commands.demo import DEMO_FOLDER, demo_environment
from performance_pipeline.commands.home import use_home
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.bots import all_bots, bots_file, chosen_bot, dagster_name
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline.reports.number_format import counted
from performance_pipeline.settings import Settings
from performance_pipeline.storage.logs import list_logs

HOST: Final = "127.0.0.1"
_LINEAGE: Final = "/locations/performance_pipeline/asset-groups/{}"

# Dagster recommends a command that only a clone can run.
_SUPERSEDED: Final = "ignore:Function `dev_command` is superseded"


def serve(port: int, shown: str | None) -> None:
    """Run `dagster dev` on `port` until told to end, over the logs and instance of the settings.

    Where several bots are listed it holds all of them, and the link leads to the one called
    `shown`. Raises PipelineError when there is no log folder, `port` is taken, or Dagster gives up.
    """
    take_environment()
    bots = all_bots()
    _check_logs(bots)
    _check_free(port)
    home = use_home(bots[0])
    logs = f"logs {bots[0].log_dir}" if len(bots) == 1 else counted(len(bots), "bot")
    page = "" if shown is None else _LINEAGE.format(dagster_name(chosen_bot(shown).bot))
    click.echo(f"Dagster UI: http://{HOST}:{port}{page}  ({logs}, instance {home})")
    # Not `--module-name`: the location's name is part of what a sensor remembers itself by.
    workspace = resources.files("performance_pipeline") / "workspace.yaml"
    dagster = [sys.executable, "-W", _SUPERSEDED, "-m", "dagster"]
    if not _ended_as_told([*dagster, "dev", "-h", HOST, "-p", str(port), "-w", str(workspace)]):
        raise PipelineError("Dagster ended by itself; what it said last says why")


def take_environment() -> None:
    """The environment Dagster's processes will see, the demo's where no log folder is named."""
    # Dagster lets this file override the environment, so what is said here must do so too.
    told = dotenv_values(".env")
    os.environ.update({name: value for name, value in told.items() if value is not None})
    if bots_file() is not None:
        return
    demo = demo_environment(Path(DEMO_FOLDER))
    logs = os.environ.get("PERFORMANCE_LOG_DIR")
    if logs and Path(logs) != Path(demo["PERFORMANCE_LOG_DIR"]):
        return
    if not logs:
        for name in [name for name in os.environ if name.startswith("PERFORMANCE_")]:
            del os.environ[name]
    # Where the caller has named the demo's logs, what else the caller says about them holds.
    for name, value in demo.items():
        os.environ.setdefault(name, value)


def _check_logs(bots: Sequence[Settings]) -> None:
    missing = {bot.bot: why for bot in bots if (why := _why_missing(bot)) is not None}
    for name, why in missing.items() if len(bots) > 1 else ():
        click.echo(f"warning: {name}: {why}", err=True)
    if len(missing) == len(bots):
        raise PipelineError(
            f"{missing[bots[0].bot]}; run `performance-pipeline demo` first,"
            " or set PERFORMANCE_LOG_DIR to your own logs"
        )


def _why_missing(bot: Settings) -> str | None:
    if isinstance(bot.log_dir, Path):
        return None if bot.log_dir.is_dir() else f"{bot.log_dir}: no such folder"
    try:
        list_logs(bot.log_dir, utc_now().date(), bot.origins)
    except PipelineError as error:
        return str(error)
    return None


def _check_free(port: int) -> None:
    with socket.socket() as listener:
        # As the web server itself does: a port is free that only past connections still hold.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise PipelineError(
                f"port {port} cannot be listened on ({error.strerror}); choose one with --port"
            ) from None


def _ended_as_told(command: Sequence[str]) -> bool:
    """Run `command` until it ends, and then end every process it has started.

    True when it was told to end: an interrupt, a termination and a hang-up of ours tell it.
    """
    service: subprocess.Popen[bytes] | None = None
    told = False

    def tell(*_: object) -> None:
        nonlocal told
        told = True
        if service is not None:
            service.send_signal(signal.SIGINT)

    # Before the start, because a shell makes its background jobs, and theirs, deaf to interrupts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell)
    with TemporaryDirectory(ignore_cleanup_errors=True) as left_behind:
        environment = {**os.environ, "TMPDIR": left_behind}
        service = subprocess.Popen(command, process_group=0, env=environment)
        if told:
            tell()
        service.wait()
        # Dagster's code server goes on for half a minute, and as long as a run takes. A run that
        # is killed is made again at the next start; one that is interrupted is not.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGKILL)
    return told
