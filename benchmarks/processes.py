"""What the processes of a service hold, by what they are: read from /proc."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.tables import Table

_TICK_SECONDS = 5  # how often the daemon goes round

# By a part of the command line; the first that fits.
_ROLES = {
    "dagster_webserver": "web server",
    "dagster._daemon": "daemon",
    "code-server start": "in front of the code server",
    "dagster api grpc": "code server",
    "api execute_": "a run",
    "resource_tracker": "resource tracker",
    "dagster dev": "`dagster dev`, which starts the others",
}


@dataclass(frozen=True)
class Footprint:
    """Of one process: bytes of memory, those of them that it shares with nobody, counts."""

    resident: int
    own: int
    threads: int
    files: int


@dataclass(frozen=True)
class Processes:
    """What those of a service held after some minutes and at the end, by role."""

    settled: Mapping[str, Footprint]
    ended: Mapping[str, Footprint]
    log_ticks: Sequence[datetime]
    """Of the log sensor, those that are left: all of the last hour."""

    @property
    def missed(self) -> int:
        """How many ticks were left out between these, each due after the one before."""
        gaps = [(later - tick).total_seconds() for tick, later in pairwise(self.log_ticks)]
        return sum(max(0, round(gap / _TICK_SECONDS) - 1) for gap in gaps)


def process_table(early: float, minutes: float, measured: Mapping[str, Processes]) -> Table:
    def cells(one: Footprint | None) -> list[str]:
        if one is None:
            return ["-"] * 3
        memory = f"{one.resident / 1e6:.0f} MB, {one.own / 1e6:.0f} MB"
        return [memory, str(one.threads), str(one.files)]

    return Table(
        f"The processes of that service after {early:g} minutes and after {minutes:g}",
        ("process", *("memory, of it its own", "threads", "open files") * 2),
        [
            [f"{role} ({name})", *cells(one.settled.get(role)), *cells(one.ended.get(role))]
            for name, one in measured.items()
            for role in one.ended
        ],
        [
            f"The log sensor ({name}) looked {len(one.log_ticks)} times within the last hour, and"
            f" missed {one.missed}."
            for name, one in measured.items()
        ],
    )


def footprints(session: int) -> dict[str, Footprint]:
    """Those of the processes of a session that go on, by role."""
    found = {}
    for process in of_session(session):
        try:
            role = _role((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            found[role] = _footprint(process)
        except (FileNotFoundError, ProcessLookupError):
            continue  # It is over.
    return found


def of_session(session: int) -> Iterator[Path]:
    """The folders in /proc of its processes."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if int(stat(path)[3]) == session:
                yield path
        except (FileNotFoundError, ProcessLookupError):
            continue


def stat(process: Path) -> list[str]:
    """The fields of its `stat` from the third on, the state."""
    return (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _footprint(process: Path) -> Footprint:
    lines = (process / "smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    kilobytes = {
        name: int(value.split()[0]) for name, _, value in (one.partition(":") for one in lines)
    }
    return Footprint(
        kilobytes["Rss"] * 1024,
        kilobytes["Anonymous"] * 1024,
        int(stat(process)[17]),
        len(list((process / "fd").iterdir())),
    )


def _role(command: str) -> str:
    return next((role for part, role in _ROLES.items() if part in command), command[:40])
