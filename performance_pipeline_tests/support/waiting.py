"""Waiting for what should happen, as long as it may take on a machine that is busy."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 300
"""How long before a test gives up: what takes 30 alone takes several times that in company."""


def wait_until(what: str, happened: Callable[[], bool], every_seconds: float = 0.5) -> None:
    """Ask `happened` again and again; fails by the name of `what` when patience is at an end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(every_seconds)
