"""The process that delivers alerts, and how it is started: no server holds up who starts it.

It gets the URLs through a pipe, since arguments are seen by all users of a machine, and says
nothing on its own: whatever a library prints there may hold a URL.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.delivery import Route, deliver
from performance_pipeline.places import place_at
from performance_pipeline.setting_values import ENVIRONMENT, NotifyUrl, Origins

# A round takes less than a minute, whatever the servers do.
_STUCK_SECONDS: Final = 120
# After a process that failed, for want of disk say: not another one every few seconds.
_REST_SECONDS: Final = 60


class _Errand(msgspec.Struct, frozen=True):
    """A route as it goes through the pipe."""

    alert_log: str
    output_dir: str
    urls: tuple[NotifyUrl, ...]
    origins: Origins = ENVIRONMENT


@dataclass
class Courier:
    """Starts the process that delivers, one at a time."""

    _process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _rest_until: float = 0.0

    def start(self, route: Route) -> None:
        """Begin a round; `busy_with` says until when it lasts."""
        errand = _Errand(str(route.alert_log), str(route.output_dir), route.urls, route.origins)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "performance_pipeline.pipeline.courier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._started = time.monotonic()
        assert self._process.stdin is not None
        try:
            with self._process.stdin as pipe:
                pipe.write(msgspec.json.encode(errand))
        except BrokenPipeError:
            pass  # It is gone already, and its status says so.

    def busy_with(self) -> str | None:
        """What keeps it from starting a round: one that goes on, or rest after one that failed."""
        process = self._process
        if process is None:
            resting = time.monotonic() < self._rest_until
            return "Waiting for a minute after a failure." if resting else None
        if process.poll() is None and time.monotonic() - self._started > _STUCK_SECONDS:
            process.kill()
            process.wait()
        return "Messages are being sent." if process.poll() is None else None

    def trouble(self) -> str | None:
        """What went wrong with the round that is over, said once; None when nothing did."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        self._process = None
        assert process.stdout is not None
        with process.stdout as pipe:
            said = pipe.read().decode(errors="replace").strip()
        if process.returncode == 0:
            return None
        self._rest_until = time.monotonic() + _REST_SECONDS
        return said or f"the process that delivers alerts ended with status {process.returncode}"


def main() -> int:
    """Deliver once what is asked for on stdin; on stdout, what went wrong, if anything did."""
    # The service that started it may be ended from the keyboard, which is no news of this process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    errand = msgspec.json.decode(sys.stdin.buffer.read(), type=_Errand)
    origins = errand.origins
    route = Route(
        place_at(errand.alert_log, origins.named("PERFORMANCE_ALERT_LOG")),
        place_at(errand.output_dir, origins.named("PERFORMANCE_OUTPUT_DIR")),
        errand.urls,
        origins,
    )
    try:
        deliver(route)
    except PipelineError as error:
        print(error)
    except OSError as error:
        print(f"alerts are not delivered: {error.filename}: {error.strerror}")
    except Exception as error:  # noqa: BLE001
        # The words of an unexpected error are whoever's; they may hold a URL.
        print(f"alerts are not delivered: {type(error).__name__}")
    else:
        return 0
    return 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # At once: a server that never answers would keep the thread that asked it, and the process.
    os._exit(status)
