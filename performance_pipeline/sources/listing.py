"""`config/sources.yaml`: which sources are imported by themselves, and how."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.sources.formats import format_called
from performance_pipeline.sources.records import Format, ImportOptions
from performance_pipeline.sources.yaml_file import Value, read_yaml

_KEYS: Final = ("format", "path", "mode", "account", "timezone", "map", "replace")
_MODES: Final = ("LIVE", "PAPER")
# What SQLite writes first, and into the database only later.
_WRITTEN_FIRST: Final = "-wal"


@dataclass(frozen=True)
class ListedSource:
    """One entry of the list."""

    kind: Format
    pattern: str
    """A path, or a pattern of paths with `*`, from which those that exist are taken."""
    options: ImportOptions
    replace: bool

    @property
    def name(self) -> str:
        """What it is called in messages, and known by from one look to the next."""
        return f"{self.kind.name} {self.pattern}"

    def files(self) -> list[Path]:
        """What is to be imported, in the order of names; a plain path even where nothing is."""
        path = Path(self.pattern)
        if not has_magic(self.pattern):
            return [path]
        root = Path(path.anchor)
        return sorted(root.glob(str(path.relative_to(root))))

    def signature(self, files: Sequence[Path]) -> str:
        """What changes whenever one of the files does, the mapping or the options do."""
        looked_at = [*files, *(Path(f"{path}{_WRITTEN_FIRST}") for path in files)]
        if self.options.mapping is not None:
            looked_at.append(self.options.mapping)
        stamps = [(str(path), _stamp(path)) for path in looked_at]
        said = repr((stamps, self.options, self.replace))
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file; nothing where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return (-1, 0)
    return (found.st_size, found.st_mtime_ns)


def load_listing(path: Path) -> list[ListedSource]:
    """The sources that the file at `path` lists; raises PipelineError with file, line and key."""
    keys = read_yaml(path).section(("sources",))
    if "sources" not in keys:
        raise PipelineError(f"{path}:1: needed is sources: a list, each with format and path")
    listed = [_listed(entry, path.parent) for entry in keys["sources"].items]
    seen: set[str] = set()
    for one, entry in zip(listed, keys["sources"].items, strict=True):
        if one.name in seen:
            raise entry.error("the same format and path as an entry before")
        seen.add(one.name)
    return listed


def _listed(entry: Value, folder: Path) -> ListedSource:
    keys = entry.section(_KEYS)
    for needed in ("format", "path"):
        if needed not in keys:
            raise entry.error(f"needed is {needed}")
    try:
        kind = format_called(keys["format"].text)
    except PipelineError as error:
        raise keys["format"].error(str(error)) from None
    options = ImportOptions(
        mode=keys["mode"].one_of(_MODES) if "mode" in keys else None,
        account=keys["account"].text if "account" in keys else None,
        zone=keys["timezone"].zone if "timezone" in keys else None,
        mapping=_path(keys["map"], folder) if "map" in keys else None,
    )
    replace = "replace" in keys and keys["replace"].one_of(("yes", "no")) == "yes"
    return ListedSource(kind, str(_path(keys["path"], folder)), options, replace)


def _path(value: Value, folder: Path) -> Path:
    """A path from where the list is."""
    try:
        return folder / Path(value.text).expanduser()
    except RuntimeError:
        raise value.error("~USER names no user") from None
