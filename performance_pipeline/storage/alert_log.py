"""The alert log: one JSON line an event, append-only, true through crashes and several writers."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from performance_pipeline.domain.alerts import AlertEvent, fold
from performance_pipeline.errors import PipelineError
from performance_pipeline.storage.locks import locked
from performance_pipeline.storage.plain_json import encode_plain

Decide = Callable[[dict[str, AlertEvent]], Sequence[AlertEvent]]

_decode_event = msgspec.json.Decoder(AlertEvent).decode


class AlertLogError(PipelineError):
    """A line of the alert log that is no alert; says where."""


class AlertLog:
    """The alert log at `path`; it and its folder are made when there is something to write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def alerts(self) -> dict[str, AlertEvent]:
        """The state of every alert, by id; a last line that is still being written is left out.

        Raises AlertLogError for a line that cannot be read.
        """
        whole, _ = _split(self._content())
        return self._fold(whole)

    def update(self, decide: Decide) -> list[AlertEvent]:
        """Append what `decide` answers to the alerts as they are, and return it.

        Nobody else writes between the two, so two writers who would say the same say it once.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            whole, torn = _split(self._content())
            if torn:
                self._move_aside(len(whole), torn)
            events = list(decide(self._fold(whole)))
            if events:
                self._append(b"".join(encode_plain(event) + b"\n" for event in events))
        return events

    def mend(self) -> None:
        """Move a torn last line aside, if a crash left one."""
        if _split(self._content())[1]:
            self.update(lambda _: [])

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _fold(self, whole: bytes) -> dict[str, AlertEvent]:
        events = []
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                events.append(_decode_event(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise AlertLogError(f"{self.path}:{number}: not an alert ({error})") from None
        return fold(events)

    def _move_aside(self, length: int, torn: bytes) -> None:
        with self.path.with_name(f"{self.path.name}.torn").open("ab") as file:
            file.write(torn.rstrip(b"\n") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.truncate(self.path, length)

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


def _split(content: bytes) -> tuple[bytes, bytes]:
    """The whole lines, and the torn one that a crash may have left at the end."""
    end = content.rfind(b"\n") + 1
    whole, torn = content[:end], content[end:]
    if not torn and whole:
        # A line end after half a line: the writer was cut off and something else ended the line.
        start = whole.rstrip(b"\n").rfind(b"\n") + 1
        try:
            _decode_event(whole[start:])
        except msgspec.ValidationError:
            pass  # Whole JSON that is no alert is an error to report, not a crash to mend.
        except (msgspec.DecodeError, UnicodeDecodeError):
            return whole[:start], whole[start:]
    return whole, torn
