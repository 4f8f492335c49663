"""A store that is a bucket of an object store: S3 and what speaks like it, Google's or Azure's.

There are no locks. A write that rests on what was read is conditional on its version, and the
answer to it may be lost: then only what the bucket holds tells whether it was done.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar, cast

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from performance_pipeline.places import StoreUrl
from performance_pipeline.storage.object_store import client_of, missing_bucket, told
from performance_pipeline.storage.store import Found, OverwrittenError, StoreError, Versioned

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, PutResult
    from obstore.store import ObjectStore

T = TypeVar("T")
R = TypeVar("R")

PROBE_NAME: Final = ".conditional-writes"

_THREADS: Final = 16
_IN_MEMORY: Final = 32 << 20
_CHUNK: Final = 8 << 20

Version = dict[str, str]
"""What an object store tells the contents of an object apart by: S3 and Azure by its entity tag,
Google by its generation."""

_NO_OBJECTS: Final[Version] = {"e_tag": '"0123456789abcdef0123456789abcdef"', "version": "1"}


class Bucket:
    """The objects below `place`.

    A modification time is that of the object store in whole seconds; below stands what tells two
    contents of one second apart. What `expect` has fetched is read as it was then.
    """

    shared = True

    def __init__(self, place: StoreUrl) -> None:
        self.place = place
        self._versions: dict[str, Version] | None = None
        """Versions of all objects, once they are written against; see `writing`."""
        self._contents: dict[str, bytes | None] = {}

    def is_there(self) -> bool:
        return True  # Else the first request says what is wrong.

    # --- reading --------------------------------------------------------------------------------

    def read(self, name: str) -> bytes:
        if name in self._contents:
            content = self._contents[name]
        else:
            content = self._fetched(name)
            if self._versions is not None:
                self._contents[name] = content
        if content is None:
            raise FileNotFoundError(2, "No such object", str(self.place / name))
        return content

    def expect(self, names: Iterable[str]) -> None:
        wanted = [name for name in names if name not in self._contents]
        self._contents |= zip(wanted, _at_once(self._fetched, wanted), strict=True)

    def status(self, name: str) -> Found | None:
        meta = self._asked(name, obstore.head)
        return None if meta is None else _found(name, meta)

    def stamp(self, name: str) -> tuple[int, ...]:
        found = self.status(name)
        return () if found is None else (found.size, found.modified_ns)

    def listed(self, folder: str = "") -> list[Found]:
        """What lies directly in `folder`, sorted by name; raises StoreError."""
        place = self.place / folder if folder else self.place
        try:
            answer = obstore.list_with_delimiter(self._client, place.key or None)
        except Exception as error:  # noqa: BLE001
            raise told(error, self.place) from None
        found = [_found(meta["path"].rpartition("/")[2], meta) for meta in answer["objects"]]
        return sorted(one for one in found if one.name)

    def names(self, folder: str = "") -> list[str]:
        if self._versions is None:
            return [one.name for one in self.listed(folder)]
        below = f"{folder}/" if folder else ""
        inside = (name[len(below) :] for name in self._versions if name.startswith(below))
        return sorted(name for name in inside if "/" not in name)

    def stream(self, name: str) -> BinaryIO:
        """The content of an object as a file to read and seek in, on disk where it is large."""
        if self._contents.get(name) is None:
            answer = self._asked(name, obstore.get)
            if answer is None:
                raise FileNotFoundError(2, "No such object", str(self.place / name))
            chunks: Iterable[bytes] = (bytes(chunk) for chunk in answer.stream(_CHUNK))
        else:
            chunks = [self.read(name)]
            del self._contents[name]
        file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        try:
            file.writelines(chunks)
        except Exception as error:  # noqa: BLE001
            raise told(error, self.place / name) from None
        file.seek(0)
        return cast(BinaryIO, file)

    def versioned(self, name: str) -> Versioned:
        def get(client: "ObjectStore", key: str) -> Versioned:
            answer = obstore.get(client, key)
            return Versioned(bytes(answer.bytes()), _version(answer.meta))

        return self._asked(name, get) or Versioned(b"", None)

    # --- writing --------------------------------------------------------------------------------

    def put(self, name: str, content: bytes) -> bool:
        try:
            if self.read(name) == content:
                return False
        except FileNotFoundError:
            pass  # To be made.
        if self._versions is None:
            self.write(name, content)
        else:
            self.require_conditions()
            if not self._swapped(name, content, self._versions.get(name)):
                raise _overwritten(self.place / name)
        return True

    def write(self, name: str, content: bytes) -> None:
        self._write(name, content, "overwrite")

    def put_all(self, contents: Mapping[str, bytes]) -> None:
        _at_once(lambda one: self.put(*one), contents.items())

    def keep(self, name: str, content: bytes) -> None:
        self.write(name, content)

    def remove(self, name: str) -> None:
        # Asked first, because who may write need not have the right to delete.
        if self.status(name) is not None:
            self._asked(name, obstore.delete)

    def tidy(self, folders: Iterable[str] = ()) -> None:
        """Nothing to do: there are no halves."""

    @contextmanager
    def writing(self) -> Iterator["Bucket"]:
        against = Bucket(self.place)
        against._versions = dict(self._all_versions())
        yield against

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:  # noqa: ARG002
        yield False

    def swap(
        self,
        name: str,
        content: bytes,
        version: object,
        *,
        synced: bool = False,  # noqa: ARG002
    ) -> bool:
        self.require_conditions()
        return self._swapped(name, content, cast("Version | None", version))

    @contextmanager
    def claim(self, name: str, seconds: int) -> Iterator[bool]:
        lease, now = f".{name}.lock", datetime.now(UTC)
        held, version = self.versioned(lease)
        if version is not None and _is_held(held, now):
            yield False
            return
        until = now + timedelta(seconds=seconds)
        claim = json.dumps({"until": until.isoformat(), "by": secrets.token_hex(8)}).encode()
        if not self.swap(lease, claim, version):
            yield False
            return
        try:
            yield True
        finally:
            # Not deleted: by now it may be another's, and only a swap can tell.
            held, version = self.versioned(lease)
            if held == claim:
                self.swap(lease, b"{}", version)

    def require_conditions(self) -> None:
        # Asked once a process. A store that ignores conditions, and there are some, says nothing.
        if not _honours_conditions(self.place):
            raise StoreError(
                self.place,
                "this object store ignores the conditions of conditional writes (If-Match,"
                " If-None-Match), so that writers would overwrite each other's alerts and results",
                "a store that honours them, or a folder on this machine",
            )

    def _swapped(self, name: str, content: bytes, version: Version | None) -> bool:
        """Whether the object now holds `content` in the place of that of `version`."""
        try:
            mode = "create" if version is None else self._condition(name, version)
            written: object = self._write(name, content, mode)
        except (OverwrittenError, StoreError) as error:
            # It may be done all the same: an answer was lost, and a second try found the first.
            now, written = self.versioned(name)
            if written is None or now != content:
                if isinstance(error, StoreError) and _tag(written) == _tag(version):
                    raise
                return False
        if self._versions is not None:
            self._versions[name] = cast("Version", written)
        return True

    def _condition(self, name: str, version: Version) -> "PutMode":
        """What a write in the place of `version` asks for; raises OverwrittenError and StoreError.

        Google's conditions are by generation, which its listings do not give.
        """
        if self.place.scheme == "gs" and "version" not in version:
            meta = self._asked(name, obstore.head)
            if meta is None or _tag(_version(meta)) != _tag(version):
                raise _overwritten(self.place / name)
            version = _version(meta)
        return cast("PutMode", version)

    # --- requests -------------------------------------------------------------------------------

    @property
    def _client(self) -> "ObjectStore":
        return client_of(self.place)

    def _fetched(self, name: str) -> bytes | None:
        """The content of an object, None where there is none."""
        if self._versions is not None and name not in self._versions:
            return None
        return self._asked(name, lambda client, key: bytes(obstore.get(client, key).bytes()))

    def _asked(self, name: str, ask: Callable[["ObjectStore", str], T]) -> T | None:
        """The answer about an object; None where there is none. Raises StoreError."""
        place = self.place / name
        try:
            return ask(self._client, place.key)
        except FileNotFoundError as error:
            if (missing := missing_bucket(error, place)) is not None:
                raise missing from None
            return None
        except Exception as error:  # noqa: BLE001
            raise told(error, place) from None

    def _write(self, name: str, content: bytes, mode: "PutMode") -> Version:
        """Write an object, and return its version; raises OverwrittenError and StoreError."""
        place = self.place / name
        try:
            answer = obstore.put(self._client, place.key, content, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            raise _overwritten(place) from None
        except Exception as error:  # noqa: BLE001
            raise told(error, place) from None
        if name in self._contents:
            self._contents[name] = content
        return _version(answer)

    def _all_versions(self) -> Iterator[tuple[str, Version]]:
        beginning = f"{self.place.key}/" if self.place.key else ""
        try:
            for some in obstore.list(self._client, self.place.key or None, chunk_size=1000):
                for meta in some:
                    yield meta["path"].removeprefix(beginning), _version(meta)
        except Exception as error:  # noqa: BLE001
            raise told(error, self.place) from None


@cache
def _honours_conditions(place: StoreUrl) -> bool:
    bucket, content = Bucket(place), b"Conditional writes are tried on this object.\n"
    # Of the first one nothing is expected: the object may be there.
    for count, mode in enumerate(("create", "create", cast("PutMode", _NO_OBJECTS))):
        try:
            bucket._write(PROBE_NAME, content, mode)
        except OverwrittenError:
            continue
        if count:
            return False
    return True


def _at_once(do: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
    """What `do` returns for each, in order."""
    waiting = list(arguments)
    if len(waiting) < 2:
        return [do(one) for one in waiting]
    with ThreadPoolExecutor(min(len(waiting), _THREADS)) as threads:
        return list(threads.map(do, waiting))


def _overwritten(place: StoreUrl) -> OverwrittenError:
    return OverwrittenError(f"{place}: another process has written it since it was looked at")


def _found(name: str, meta: "ObjectMeta") -> Found:
    seconds = int(meta["last_modified"].timestamp())
    tag = hashlib.sha256(repr(_tag(_version(meta))).encode()).digest()
    return Found(name, meta["size"], seconds * 10**9 + int.from_bytes(tag[:8]) % 10**9)


def _version(answer: "ObjectMeta | PutResult") -> Version:
    known = {"e_tag": answer["e_tag"], "version": answer["version"]}
    found = {name: text for name, text in known.items() if text is not None}
    # Azure's listings leave the quotes away, which belong to a tag in a condition.
    if "e_tag" in found and not found["e_tag"].endswith('"'):
        found["e_tag"] = f'"{found["e_tag"]}"'
    return found


def _tag(version: object) -> str | None:
    """What is known of a version whoever told it: listings leave out what others tell."""
    known = cast("Version | None", version) or {}
    return known.get("e_tag", known.get("version"))


def _is_held(lease: bytes, now: datetime) -> bool:
    try:
        until = json.loads(lease).get("until")
        return until is not None and now < datetime.fromisoformat(until)
    except (ValueError, AttributeError):
        return False  # Not written by us.
