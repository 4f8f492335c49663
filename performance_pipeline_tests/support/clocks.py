"""The time of day of a whole service, for a test to set; clock.c says how."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

_SOURCE: Final = Path(__file__).with_name("clock.c")

needs_a_clock_to_set: Final = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None,
    reason="the library that sets a service's clock is for Linux, and is made by a C compiler",
)


class Clock:
    """As far ahead of the machine's as it was set to, for all who have its environment."""

    def __init__(self, folder: Path) -> None:
        self.ahead = timedelta()
        self._file = folder / "clock-ahead"
        self._file.write_bytes(struct.pack("l", 0))
        library = folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "CLOCK_AHEAD": str(self._file),
        }

    def jump(self, by: timedelta) -> None:
        self.ahead += by
        # In place: the processes hold the file in their memory.
        with self._file.open("r+b") as held:
            held.write(struct.pack("l", round(self.ahead.total_seconds())))

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead
