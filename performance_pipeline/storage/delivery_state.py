"""`alert-delivery.json`: which lines of the alert log are taken note of, and what waits to be sent.

A line is known by what it says, not by where it stands: a log that is mended, sorted, cut or put
back from a copy sends nothing twice and loses nothing. What waits is kept here whole, so it is
sent even when its line has gone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from performance_pipeline.errors import PipelineError
from performance_pipeline.storage.files import unwritable_error
from performance_pipeline.storage.locks import lock_if_free

STATE_NAME: Final = "alert-delivery.json"


class Letter(msgspec.Struct, frozen=True):
    """One line of the alert log, on its way to one URL."""

    key: str
    title: str
    body: str
    noted_at: datetime
    tries: int = 0


class Channel(msgspec.Struct, frozen=True):
    """One URL: what waits for it, oldest first, and since when it fails."""

    position: int
    digest: str
    waiting: tuple[Letter, ...] = ()
    failures: int = 0
    """How often sending has failed, one time after the other."""
    not_before: datetime | None = None


class DeliveryState(msgspec.Struct, frozen=True):
    """All that delivery remembers."""

    known: tuple[str, ...] = ()
    """Digests of the keys of all lines that were taken note of."""
    log_stamp: tuple[int, ...] = ()
    """Size, time and inode of the alert log when it was last read."""
    channels: tuple[Channel, ...] = ()
    said: tuple[str, ...] = ()
    """The last sentences for the log of the sensor."""
    said_count: int = 0
    """How many there ever were; the sensor remembers which it has told."""


def load_state(output_dir: Path) -> DeliveryState | None:
    """What was remembered; None when there is no such file.

    Raises PipelineError when it cannot be read: guessed at, it would send all again, or nothing.
    """
    path = output_dir / STATE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=DeliveryState)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise PipelineError(
            f"{path}: cannot be read, so nothing is sent; without the file, delivery begins again"
            " with the lines that the alert log gains from then on"
        ) from None


def save_state(output_dir: Path, state: DeliveryState) -> None:
    """Keep `state` through a crash and a power cut, readable by its owner alone.

    Raises PipelineError when the output folder cannot be written to.
    """
    path = output_dir / STATE_NAME
    partial = path.with_name(f".{path.name}.partial")
    try:
        # One writer at a time holds the lock, so the name needs no token.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise unwritable_error(output_dir, error) from error


def forget(output_dir: Path) -> None:
    """Forget all of it: when something is sent again, it begins with what is new then."""
    (output_dir / STATE_NAME).unlink(missing_ok=True)


@contextmanager
def delivering(output_dir: Path) -> Iterator[bool]:
    """Hold the right to deliver while it lasts; False where another process has it."""
    output_dir.mkdir(parents=True, exist_ok=True)
    with lock_if_free(output_dir / ".alert-delivery.lock") as ours:
        yield ours


def stamp(alert_log: Path) -> tuple[int, ...]:
    """Size, time and inode of the log; it has not changed while they stay. Empty without one."""
    try:
        found = alert_log.stat()
    except FileNotFoundError:
        return ()
    return (found.st_size, found.st_mtime_ns, found.st_ino)
