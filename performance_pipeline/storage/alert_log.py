"""The alert log: one JSON line an event, append-only, true through crashes and several writers."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import msgspec

from performance_pipeline.domain.alerts import AlertEvent, fold
from performance_pipeline.places import Place
from performance_pipeline.storage.plain_json import encode_plain
from performance_pipeline.storage.store import Versioned
from performance_pipeline.storage.stores import store_at

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

    def __init__(self, path: Place, tell: Tell = _log.warning) -> None:
        self.path = path
        self._tell = tell
        self._store = store_at(path.parent)

    def alerts(self) -> dict[str, AlertEvent]:
        """The state of every alert, by id."""
        return fold(self.events())

    def events(self) -> list[AlertEvent]:
        """Every line, oldest first; a last one that is still being written is left out."""
        content = _parsed(self._now().content)
        if strays := [stray for stray in content.strays if stray.line.endswith(b"\n")]:
            self._tell(f"{self.path}: {_named(strays)}; left out")
        return content.events

    def update(self, decide: Decide, *, settle: bool = False) -> list[AlertEvent]:
        """Append what `decide` answers to the alerts as they are, and return it.

        Of two writers who would say the same only one says it: where nobody can be kept from
        writing in between, `decide` is asked again once somebody has. With `settle` it is then also
        asked again after writing, until it has nothing to say: somebody who knew more may have
        found that there was nothing to say before this was said.
        """
        said: list[AlertEvent] = []
        with self._store.alone(self.path.name) as alone:
            while True:
                before, there = self._mended()
                events = list(decide(fold(there)))
                lines = b"".join(encode_plain(event) + b"\n" for event in events)
                if not lines:
                    return said
                if self._appended(before, lines):
                    said += events
                    if alone or not settle:
                        return said

    def mend(self) -> None:
        """Move aside what is no alert, if there is anything."""
        if _parsed(self._now().content).strays:
            self.update(lambda _: [])

    def _now(self) -> Versioned:
        return self._store.versioned(self.path.name)

    def _appended(self, before: Versioned, lines: bytes) -> bool:
        """Whether `lines` stand in the log after what it held `before`."""
        content = before.content + lines
        if self._store.swap(self.path.name, content, before.version, synced=True):
            return True
        # Somebody was quicker: perhaps this very writing, whose answer was lost, and then others.
        return self._now().content.startswith(content)

    def _mended(self) -> tuple[Versioned, list[AlertEvent]]:
        """The log, and its lines, with nothing in it but alerts: others are kept beside it first,
        then left out.

        After a crash in between a stray stands in both, and is moved once more.
        """
        while True:
            now = self._now()
            content = _parsed(now.content)
            if not content.strays:
                return now, content.events
            torn = f"{self.path.name}.torn"
            aside = self._store.versioned(torn)
            strays = b"".join(stray.line.rstrip(b"\n") + b"\n" for stray in content.strays)
            kept = self._store.swap(torn, aside.content + strays, aside.version, synced=True)
            if kept and self._store.swap(
                self.path.name, b"".join(content.lines), now.version, synced=True
            ):
                self._tell(f"{self.path}: {_named(content.strays)}; moved to {torn}")


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
