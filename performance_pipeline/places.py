"""Where logs lie and results go: a path on this machine, or a URL in an object store."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SCHEMES: Final = ("s3", "gs", "az")
URL: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
A_PATH: Final = "a path on this machine, where ~ and ~USER stand for a home folder"
ACCEPTED: Final = (
    f"{A_PATH}, or a URL in an object store without any password in it:"
    f" {', '.join(f'{scheme}://BUCKET/PREFIX' for scheme in SCHEMES)}"
)

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class StoreUrl:
    """An object, or the beginning of the keys of several, in a bucket of an object store."""

    scheme: str
    bucket: str
    key: str
    """Without a slash at either end; empty for the whole bucket."""
    variable: str = field(default="", compare=False)
    """What the setting that named it is called, for errors."""

    def __truediv__(self, name: str) -> "StoreUrl":
        key = f"{self.key}/{name}" if self.key else name
        return StoreUrl(self.scheme, self.bucket, key, self.variable)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "StoreUrl":
        return StoreUrl(self.scheme, self.bucket, self.key.rpartition("/")[0], self.variable)

    def absolute(self) -> "StoreUrl":
        return self


Place = Path | StoreUrl


def place_at(text: str, variable: str) -> Place:
    """The place that `text`, the value of the setting called `variable`, names; else ValueError."""
    if (url := URL.match(text)) is not None:
        return _store_url(url[1].lower(), text[url.end() :], variable)
    return path_at(text)


def path_at(text: str) -> Path:
    """The path that `text` names; ValueError for a URL."""
    # Taken for a path, a URL would quietly become a folder called `s3:` below the current one.
    if URL.match(text):
        raise ValueError("a URL")
    if not text.startswith("~"):
        return Path(text)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("no such user") from error


def _store_url(scheme: str, rest: str, variable: str) -> StoreUrl:
    bucket, _, key = rest.partition("/")
    if scheme not in SCHEMES or _BUCKET.fullmatch(bucket) is None:
        raise ValueError("no URL of an object store")
    key = key.rstrip("/")
    # What follows would be taken for a part of the key; so would a password before an @.
    if set(key) & set("?#") or any(part in ("", ".", "..") for part in key.split("/") if key):
        raise ValueError("no key")
    return StoreUrl(scheme, bucket, key, variable)
