"""Processes of their own that start in milliseconds, and free ports for those that listen."""

import multiprocessing
import socket
from collections.abc import Callable
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
