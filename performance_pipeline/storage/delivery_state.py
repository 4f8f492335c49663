"""`alert-delivery.json`: which lines of the alert log are taken note of, and what waits to be sent.

A line is known by what it says, not by where it stands: a log that is mended, sorted, cut or put
back from a copy sends nothing twice and loses nothing. What waits is kept here whole, so it is
sent even when its line has gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place
from performance_pipeline.setting_values import ENVIRONMENT, Origins
from performance_pipeline.storage.files import unwritable_error
from performance_pipeline.storage.stores import store_at

STATE_NAME: Final = "alert-delivery.json"
# No round lasts as long.
_ROUND_SECONDS: Final = 120


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


def load_state(output_dir: Place) -> DeliveryState | None:
    """What was remembered; None when there is no such file.

    Raises PipelineError when it cannot be read: guessed at, it would send all again, or nothing.
    """
    try:
        return msgspec.json.decode(store_at(output_dir).read(STATE_NAME), type=DeliveryState)
    except FileNotFoundError:
        return None
    except PipelineError:
        raise
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise PipelineError(
            f"{output_dir / STATE_NAME}: cannot be read, so nothing is sent; without the file,"
            " delivery begins again with the lines that the alert log gains from then on"
        ) from None


def save_state(output_dir: Place, state: DeliveryState, origins: Origins = ENVIRONMENT) -> None:
    """Keep `state` through a crash and a power cut, readable by its owner alone.

    Raises PipelineError when the output folder cannot be written to.
    """
    try:
        store_at(output_dir).keep(STATE_NAME, msgspec.json.encode(state))
    except OSError as error:
        raise unwritable_error(output_dir, error, origins) from error


def forget(output_dir: Place) -> None:
    """Forget all of it: when something is sent again, it begins with what is new then."""
    store_at(output_dir).remove(STATE_NAME)


@contextmanager
def delivering(output_dir: Place) -> Iterator[bool]:
    """Hold the right to deliver while it lasts; False where another process has it."""
    with store_at(output_dir).claim("alert-delivery", _ROUND_SECONDS) as ours:
        yield ours


def stamp(alert_log: Place) -> tuple[int, ...]:
    """What the log has not changed while it stays: size, time, and the inode of a file.

    Empty without one.
    """
    return store_at(alert_log.parent).stamp(alert_log.name)
