"""The seam to where files lie: what a folder on this machine and a bucket both promise.

Names are relative to the store's place, with slashes between folders. `docs/stores.md` says how
each keeps what is promised here.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place, StoreUrl


class OverwrittenError(PipelineError):
    """Somebody else has written a file since it was looked at; nothing was written over it."""


class StoreError(PipelineError, OSError):
    """An object store that does not do what it is asked: names the setting, and says why."""

    def __init__(self, url: StoreUrl, reason: str, accepted: str) -> None:
        OSError.__init__(self, 0, reason, str(url))
        named = f"{url.variable}: {url}" if url.variable else str(url)
        self._said = f"{named}: {reason}; accepted is {accepted}"

    def __str__(self) -> str:
        return self._said


class Found(NamedTuple):
    """A file as a store knows it: its size, and what tells its contents apart from earlier ones."""

    name: str
    size: int
    modified_ns: int
    """When it was written; in a bucket see `Bucket`."""


class Versioned(NamedTuple):
    """A file's content, empty where there is no file, and the version to swap it by."""

    content: bytes
    version: object


class Store(Protocol):
    """Files below one place. Every write is whole or not at all, whenever a process is killed."""

    @property
    def place(self) -> Place: ...

    @property
    def shared(self) -> bool:
        """Whether others may write while `writing` lasts."""

    def is_there(self) -> bool:
        """Whether there is a folder, or a bucket, to read from."""

    def read(self, name: str) -> bytes:
        """The content of a file; raises FileNotFoundError, and OSError."""

    def expect(self, names: Iterable[str]) -> None:
        """Be ready to be asked for `names`: a bucket fetches them at once, on several threads."""

    def require_conditions(self) -> None:
        """Raise StoreError where writes would go over what was written since it was read."""

    def status(self, name: str) -> Found | None:
        """What is known of a file without reading it; None when there is none."""

    def stamp(self, name: str) -> tuple[int, ...]:
        """What stays as long as the file does: empty where there is none."""

    def names(self, folder: str = "") -> list[str]:
        """The names of the files directly in `folder`, sorted; none where there is no folder."""

    def put(self, name: str, content: bytes) -> bool:
        """Make a file hold `content`; True when that changed it. An equal file is left untouched.

        Raises OverwrittenError in a store that `writing` has given.
        """

    def write(self, name: str, content: bytes) -> None:
        """Make a file hold `content`, whatever it held before."""

    def put_all(self, contents: Mapping[str, bytes]) -> None:
        """`put` each of `contents`, in their order or at once."""

    def keep(self, name: str, content: bytes) -> None:
        """Make a file hold `content`, through a power cut, readable by its owner alone."""

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""

    def tidy(self, folders: Iterable[str] = ()) -> None:
        """Delete what killed processes left half written long ago, here and in `folders`."""

    def writing(self) -> AbstractContextManager["Store"]:
        """The store to write results to, none of which goes over the result of a later look.

        What the results rest on must be looked at within. In a folder nobody else writes meanwhile;
        in a bucket others may, and then `put` raises OverwrittenError: look again, in another
        `writing`.
        """

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Wait for, then hold, the right to `swap` the file; False where it cannot be held.

        Then others may swap it meanwhile, which `swap` tells.
        """

    def versioned(self, name: str) -> Versioned:
        """The content of a file, and its version."""

    def swap(self, name: str, content: bytes, version: object, *, synced: bool = False) -> bool:
        """Make a file hold `content` if it still is of `version`; False when it is not.

        Within `alone`. `synced`: it survives a power cut, and content that only grew is appended.
        """

    def claim(self, name: str, seconds: int) -> AbstractContextManager[bool]:
        """Hold the right that `name` stands for, or do not: whether it is held.

        The right of a process that was killed is free at once in a folder, and after `seconds` in
        a bucket, so that it must not be used for longer.
        """
