"""The folder of trade logs: which logs there are, and reading one's whole lines with its digest."""

import gzip
import hashlib
import os
import re
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place, StoreUrl
from performance_pipeline.setting_values import ENVIRONMENT, Origins, parse_date

if TYPE_CHECKING:
    from performance_pipeline.storage.bucket import Bucket

_DATED_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.jsonl(\.gz)?", re.ASCII)
_BLOCK_BYTES: Final = 1 << 20
_AHEAD_BYTES: Final = 64 << 20


class LogFolderError(PipelineError):
    """The log folder is not there, or is empty where it was not."""


class UnreadableLogError(PipelineError):
    """A log exists and cannot be read; names it and says why."""


class LogFile(NamedTuple):
    """One trade log as found: the UTC day it is named for, and the file's size and time.

    `path` is text, because a Path costs more to make than the look at the file.
    """

    day: date
    path: str
    size: int
    modified_ns: int
    bucket: "Bucket | None" = None
    """Where the log lies in an object store; None for a file."""

    @property
    def name(self) -> str:
        """The name used everywhere for this log, archived or not: `YYYY-MM-DD.jsonl`."""
        return log_name(self.day)

    @property
    def archived(self) -> bool:
        return self.path.endswith(".gz")


@dataclass(frozen=True)
class LogListing:
    """The logs of a folder by UTC day, and the names that look like logs and are not read."""

    files: dict[date, LogFile]
    archived_twins: frozenset[date]
    ignored: tuple[str, ...]


def log_name(day: date) -> str:
    return f"{day.isoformat()}.jsonl"


def log_day(name: str) -> date:
    """The UTC day that the log called `name` is for."""
    return date.fromisoformat(name.removesuffix(".jsonl"))


def list_logs(folder: Place, today: date, origins: Origins = ENVIRONMENT) -> LogListing:
    """The logs in `folder`, `today` being the current UTC day; later ones are not read.

    `origins` know where the folder is said. Raises LogFolderError when it is not there, and
    StoreError.
    """
    files: dict[date, LogFile] = {}
    twins: set[date] = set()
    ignored: list[str] = []
    entries = _objects(folder) if isinstance(folder, StoreUrl) else _entries(folder, origins)
    # Sorted, so that a plain log comes before its archive.
    for name, found in entries:
        if (match := _DATED_NAME.fullmatch(name)) is None:
            continue
        try:
            day = parse_date(match[1])
        except ValueError:
            ignored.append(f"{name}: the name is no date; it is not read")
            continue
        if day > today:
            ignored.append(f"{name}: dated in the future; it is not read")
        elif day in files:
            twins.add(day)
        elif (log := found(day)) is not None:
            files[day] = log
    return LogListing(files, frozenset(twins), tuple(ignored))


def require_folder(folder: Place, origins: Origins) -> None:
    """Raise LogFolderError where the log folder is not there; a bucket says so when it is read."""
    if isinstance(folder, Path):
        _scanned(folder, origins).close()


def holds_a_log(folder: Place) -> bool:
    """Whether any log lies in `folder`; False where it cannot be looked into. Raises StoreError."""
    if not isinstance(folder, Path):
        return any(_DATED_NAME.fullmatch(name) for name, _ in _objects(folder))
    try:
        with os.scandir(folder) as entries:
            return any(_DATED_NAME.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False


def _scanned(folder: Path, origins: Origins) -> "os._ScandirIterator[str]":
    try:
        return os.scandir(folder)
    except OSError as error:
        raise LogFolderError(
            f"{_named(folder, origins)}: cannot be read ({error.strerror});"
            " accepted is an existing folder of trade logs"
        ) from None


def _entries(
    folder: Path, origins: Origins
) -> Iterator[tuple[str, Callable[[date], LogFile | None]]]:
    """What lies in a folder, by name, each with how it is looked at as the log of a day."""
    with _scanned(folder, origins) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        yield entry.name, partial(_found, entry)


def _objects(place: StoreUrl) -> Iterator[tuple[str, Callable[[date], LogFile | None]]]:
    """The same of what lies in a bucket."""
    from performance_pipeline.storage.bucket import Bucket

    bucket = Bucket(place)
    for name, size, modified_ns in bucket.listed():
        path = str(place / name)
        yield name, partial(LogFile, path=path, size=size, modified_ns=modified_ns, bucket=bucket)


def _found(entry: os.DirEntry[str], day: date) -> LogFile | None:
    try:
        status = entry.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not entry.is_symlink():
            # Archived, or deleted, since the folder was listed.
            return None
        # There is a log, but not to be looked at, such as a link to an unmounted disk. Listed all
        # the same, it fails its own day's run by name.
        return LogFile(day, entry.path, size=0, modified_ns=0)
    return LogFile(day, entry.path, status.st_size, status.st_mtime_ns)


def expect_logs(logs: Sequence[LogFile]) -> None:
    """Be ready to read `logs`, or the first of them: a bucket fetches them at once."""
    ahead = 0
    names = []
    for log in logs:
        ahead += log.size
        if log.bucket is not None and ahead <= _AHEAD_BYTES:
            names.append(_object_name(log))
    if names:
        assert logs[0].bucket is not None
        logs[0].bucket.expect(names)


def _object_name(log: LogFile) -> str:
    return log.path.rpartition("/")[2]


def emptied_folder_error(folder: Place, known: Iterable[str], origins: Origins) -> LogFolderError:
    """What to raise for a folder without any log where the `known` ones have been read."""
    names = sorted(known)
    return lost_logs_error(
        folder, f"{len(names)} were read before (the newest {names[-1]})", origins
    )


def lost_logs_error(folder: Place, known: str, origins: Origins) -> LogFolderError:
    """What to raise for a folder without any log where there were some; `known` says which."""
    return LogFolderError(
        f"{_named(folder, origins)}: holds no log, where {known}; is the folder mounted?"
        " Nothing was overwritten"
    )


def _named(folder: Place, origins: Origins) -> str:
    return origins.valued("PERFORMANCE_LOG_DIR", repr(str(folder)))


@dataclass
class LogContent:
    """The whole lines of one log; its digest and length grow as they are taken.

    While `unfinished_tail` (the log of the current UTC day), a last line without its line end is
    still being written: it is neither given out nor counted. The digest is over what was given
    out, decompressed, so that archiving a log changes nothing.
    """

    log: LogFile
    unfinished_tail: bool
    length: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _fetched: BinaryIO | None = None

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def lines(self) -> Iterator[bytes]:
        """Every line from the first on; raises UnreadableLogError."""
        self.length, self._digest = 0, hashlib.sha256()
        with self._reading() as stream:
            yield from self._lines(stream)

    def lines_after(self, length: int, digest: str) -> Iterator[bytes] | None:
        """The lines after the first `length` bytes.

        None when those bytes no longer have `digest`, or did not end with a whole line.
        """
        return self._rest(length) if self.begins_with(length, digest) else None

    def begins_with(self, length: int, digest: str) -> bool:
        """Whether the first `length` bytes are whole lines with a digest that begins so."""
        self.length, self._digest = 0, hashlib.sha256()
        block = b""
        with self._reading() as stream:
            while self.length < length:
                block = stream.read(min(_BLOCK_BYTES, length - self.length))
                if not block:
                    return False
                self._take(block)
        return self.digest.startswith(digest) and block.endswith(b"\n")

    def consume(self) -> int:
        """Read every line, only to know its length and digest; returns how many there are."""
        return sum(1 for _ in self.lines())

    def _rest(self, length: int) -> Iterator[bytes]:
        with self._reading() as stream:
            stream.seek(length)
            yield from self._lines(stream)

    def _lines(self, stream: gzip.GzipFile | BinaryIO) -> Iterator[bytes]:
        unfinished = False
        while not unfinished and (lines := stream.readlines(_BLOCK_BYTES)):
            # Reading ends here: the rest of that line may have been written meanwhile.
            unfinished = self.unfinished_tail and not lines[-1].endswith(b"\n")
            if unfinished:
                lines.pop()
            self._take(b"".join(lines))
            yield from lines

    def _take(self, block: bytes) -> None:
        self.length += len(block)
        self._digest.update(block)

    @contextmanager
    def _reading(self) -> Iterator[gzip.GzipFile | BinaryIO]:
        try:
            with self._open() as stream:
                yield stream
        except (OSError, EOFError, zlib.error) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            raise UnreadableLogError(f"{self.log.path}: cannot be read ({reason})") from error

    @contextmanager
    def _open(self) -> Iterator[gzip.GzipFile | BinaryIO]:
        if self.log.archived and not self.log.size:
            # Cut off: even an archive of nothing has a header. gzip would read it as no lines,
            # hence as a day without trades.
            raise EOFError("the archive is cut to nothing")
        if self.log.bucket is None:
            with self._open_file() as stream:
                yield stream
        else:
            fetched = self._fetch(self.log.bucket)
            yield gzip.GzipFile(fileobj=fetched, mode="rb") if self.log.archived else fetched

    def _open_file(self) -> gzip.GzipFile | BinaryIO:
        if self.log.archived:
            return gzip.open(self.log.path, "rb")
        return Path(self.log.path).open("rb", buffering=_BLOCK_BYTES)

    def _fetch(self, bucket: "Bucket") -> BinaryIO:
        # Once, whatever is read of it: an object may be replaced between two requests.
        if self._fetched is None:
            self._fetched = bucket.stream(_object_name(self.log))
            weakref.finalize(self, self._fetched.close)
        self._fetched.seek(0)
        return self._fetched
