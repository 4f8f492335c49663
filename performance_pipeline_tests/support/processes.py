"""Processes of their own that start in milliseconds, and free ports for those that listen."""

import multiprocessing
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from typing import Final

# Processes are forked from a server that has imported everything already. There is one server for
# all test modules, and it imports this once, at its start.
PROCESSES: Final = multiprocessing.get_context("forkserver")
_IMPORTED: Final = [
    "pytest",
    "dagster._core.storage.sqlite_storage",
    "performance_pipeline_tests.support.alert_service",
    "performance_pipeline_tests.support.runs",
]


def start(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Call `target` in a process of its own."""
    PROCESSES.set_forkserver_preload(_IMPORTED)
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    return process


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
