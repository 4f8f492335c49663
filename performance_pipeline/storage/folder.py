"""A store that is a folder on this machine: plain files, and locks between processes."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from performance_pipeline.storage.files import (
    remove_leftovers,
    replace_synced,
    write_atomically,
    write_if_changed,
)
from performance_pipeline.storage.locks import lock_if_free, locked
from performance_pipeline.storage.store import Found, Versioned


class Folder:
    """The files below `place`; folders are made when there is something to write."""

    shared = False

    def __init__(self, place: Path) -> None:
        self.place = place

    def is_there(self) -> bool:
        return self.place.is_dir()

    def read(self, name: str) -> bytes:
        return (self.place / name).read_bytes()

    def expect(self, names: Iterable[str]) -> None:
        """Nothing to do: reading a file costs less than a thread."""

    def status(self, name: str) -> Found | None:
        try:
            found = (self.place / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Found(name, found.st_size, found.st_mtime_ns)

    def require_conditions(self) -> None:
        """Nothing to do: whoever writes holds a lock."""

    def stamp(self, name: str) -> tuple[int, ...]:
        try:
            found = (self.place / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return (found.st_size, found.st_mtime_ns, found.st_ino)

    def names(self, folder: str = "") -> list[str]:
        try:
            with os.scandir(self.place / folder) as entries:
                return sorted(entry.name for entry in entries if not entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def put(self, name: str, content: bytes) -> bool:
        return write_if_changed(self.place / name, content)

    def write(self, name: str, content: bytes) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def put_all(self, contents: Mapping[str, bytes]) -> None:
        for name, content in contents.items():
            self.put(name, content)

    def keep(self, name: str, content: bytes) -> None:
        path = self.place / name
        partial = path.with_name(f".{path.name}.partial")
        # One writer at a time holds the claim, so the name needs no token.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            (self.place / name).unlink()

    def tidy(self, folders: Iterable[str] = ()) -> None:
        for folder in ("", *folders):
            remove_leftovers(self.place / folder)

    @contextmanager
    def writing(self) -> Iterator["Folder"]:
        # From the look at the logs to the last file written, so that of two who make the same file
        # the one who looked later writes later.
        with self.alone("writing"):
            yield self

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        with locked(self._lock(name)):
            yield True

    def versioned(self, name: str) -> Versioned:
        try:
            content = self.read(name)
        except FileNotFoundError:
            return Versioned(b"", None)
        return Versioned(content, content)

    def swap(self, name: str, content: bytes, version: object, *, synced: bool = False) -> bool:
        path = self.place / name
        if not synced:
            # Nobody else writes while this process is alone, and nobody writes it by hand.
            self.put(name, content)
            return True
        before, now = self.versioned(name)
        if now != version:
            return False
        if content.startswith(before):
            _append(path, content[len(before) :])
        else:
            replace_synced(path, content)
        return True

    def claim(self, name: str, seconds: int) -> AbstractContextManager[bool]:  # noqa: ARG002
        return lock_if_free(self._lock(name))

    def _lock(self, name: str) -> Path:
        self.place.mkdir(parents=True, exist_ok=True)
        return self.place / f".{name}.lock"


def _append(path: Path, content: bytes) -> None:
    # One write and a sync: what was said must survive a power cut, unlike files that can be made
    # again. A cut in the middle leaves a torn line.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
