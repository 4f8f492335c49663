"""The alert log: one JSON line an event, append-only, true through crashes and several writers."""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from performance_pipeline.domain.alerts import AlertEvent, fold
from performance_pipeline.storage.files import replace_synced
from performance_pipeline.storage.locks import locked
from performance_pipeline.storage.plain_json import encode_plain

Decide = Callable[[dict[str, AlertEvent]], Sequence[AlertEvent]]
Tell = Callable[[str], object]

_decode_event = msgspec.json.Decoder(AlertEvent).decode
_log = logging.getLogger(__name__)

_LINES_NAMED: Final = 5


class AlertLog:
    """The alert log at `path`; it and its folder are made when there is something to write.

    A line of it that is no alert, whoever wrote it, stands in nobody's way: readers pass over it,
    and the next writer moves it to `<path>.torn`. `tell` hears of it in a sentence.
    """

    def __init__(self, path: Path, tell: Tell = _log.warning) -> None:
        self.path = path
        self._tell = tell

    def alerts(self) -> dict[str, AlertEvent]:
        """The state of every alert, by id."""
        return fold(self.events())

    def events(self) -> list[AlertEvent]:
        """Every line, oldest first; a last one that is still being written is left out."""
        content = _parsed(self._content())
        if strays := [stray for stray in content.strays if stray.line.endswith(b"\n")]:
            self._tell(f"{self.path}: {_named(strays)}; left out")
        return content.events

    def update(self, decide: Decide) -> list[AlertEvent]:
        """Append what `decide` answers to the alerts as they are, and return it.

        Nobody else writes between the two, so two writers who would say the same say it once.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            content = _parsed(self._content())
            if content.strays:
                self._move_aside(content)
            events = list(decide(fold(content.events)))
            if events:
                self._append(b"".join(encode_plain(event) + b"\n" for event in events))
        return events

    def mend(self) -> None:
        """Move aside what is no alert, if there is anything."""
        if _parsed(self._content()).strays:
            self.update(lambda _: [])

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _move_aside(self, content: "_Content") -> None:
        """Keep the strays beside the log, and then the log without them, each synced to disk.

        After a crash in between a stray stands in both, and is moved once more.
        """
        torn = self.path.with_name(f"{self.path.name}.torn")
        with torn.open("ab") as file:
            _write_synced(file, (stray.line.rstrip(b"\n") + b"\n" for stray in content.strays))
        replace_synced(self.path, b"".join(content.lines))
        self._tell(f"{self.path}: {_named(content.strays)}; moved to {torn.name}")

    def _append(self, lines: bytes) -> None:
        # One write and a sync: what was said must survive a power cut, unlike files that can be
        # made again. A cut in the middle leaves a torn line, which the next writer moves aside.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            while lines:
                lines = lines[os.write(descriptor, lines) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class _Stray:
    """A line that is no alert: its number from 1, what is wrong with it, and its bytes."""

    number: int
    reason: str
    line: bytes


@dataclass(frozen=True)
class _Content:
    """The lines of a log, line ends included, that hold an alert event each; and the others."""

    lines: list[bytes]
    events: list[AlertEvent]
    strays: list[_Stray]


def _parsed(content: bytes) -> _Content:
    parsed = _Content([], [], [])
    for number, line in enumerate(BytesIO(content), start=1):
        try:
            parsed.events.append(_event(line))
            parsed.lines.append(line)
        except ValueError as error:
            parsed.strays.append(_Stray(number, str(error), line))
    return parsed


def _event(line: bytes) -> AlertEvent:
    """The event of one line; raises ValueError saying why there is none."""
    if not line.endswith(b"\n"):
        raise ValueError("cut off")
    if not line.strip():
        raise ValueError("blank")
    try:
        return _decode_event(line)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("not JSON") from None


def _named(strays: Sequence[_Stray]) -> str:
    named = ", ".join(f"line {stray.number} ({stray.reason})" for stray in strays[:_LINES_NAMED])
    more = len(strays) - _LINES_NAMED
    return f"no alert in {named}" + (f" and {more} more lines" if more > 0 else "")


def _write_synced(file: BinaryIO, lines: Iterable[bytes]) -> None:
    file.writelines(lines)
    file.flush()
    os.fsync(file.fileno())
