"""Writing files so that a reader, or a crash, never meets half of one."""

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place
from performance_pipeline.setting_values import Origins

_TOKEN_BYTES: Final = 8
# Earlier versions put the number of the process where the token stands.
_PARTIAL_NAME: Final = re.compile(r"\..+\.(?:[0-9]+|[0-9a-f]{16})\.partial")
_LEFTOVER_AFTER_NS: Final = 3600 * 10**9


def unwritable_error(output_dir: Place, error: OSError, origins: Origins) -> PipelineError:
    """What to raise for an output folder in which nothing can be written."""
    if isinstance(error, PipelineError):
        return error  # Of an object store, which says it better.
    return PipelineError(
        f"{origins.valued('PERFORMANCE_OUTPUT_DIR', repr(str(output_dir)))}: cannot be written to"
        f" ({error.strerror}); accepted is a folder that the pipeline may write to"
    )


def write_if_changed(path: Path, content: bytes) -> bool:
    """Make `path` hold `content`; True when that changed it. Creates the folder.

    An equal file is left untouched, its times included.
    """
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return True


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` with `content` in one step, with the permissions that the umask gives.

    Of several writers at once, on whatever machines, the last one's content stands, whole. Not
    synced to disk: everything written this way can be made again, and a result that a power cut
    mangled does not decode, which makes it missing.
    """
    partial = _partial_of(path)
    try:
        with os.fdopen(_create(partial), "wb") as file:
            file.write(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def replace_synced(path: Path, content: bytes) -> None:
    """Replace `path` with `content` in one step that survives a power cut; keeps its permissions.

    For what cannot be made again. Where the path is a link, what it leads to is replaced.
    """
    path = path.resolve()
    partial = _partial_of(path)
    try:
        with os.fdopen(_create(partial), "wb") as file:
            with suppress(FileNotFoundError):
                shutil.copymode(path, partial)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, before anything is appended to the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bytes_below(folder: Path, since: float = 0) -> int:
    """Bytes of the files below `folder` that were written at `since`, a time stamp, or later."""
    total = 0
    folders = [os.fspath(folder)]
    while folders:
        # A file, or a whole folder, may be gone before it is looked at.
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    total += found.st_size if found.st_mtime >= since else 0
    return total


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half written in `folder` more than an hour ago.

    Whether its writer still runs cannot be asked of a file that another container or host may
    have written, so its age decides: no write takes an hour. A writer that was held up for so
    long finds its file gone, and fails with FileNotFoundError rather than write anything.
    """
    partials = [
        path for path in folder.glob(".*.partial") if _PARTIAL_NAME.fullmatch(path.name) is not None
    ]
    if not partials:
        return
    now = _file_system_time_ns(folder)
    for partial in partials:
        with suppress(FileNotFoundError):  # Finished by its writer, or removed by another run.
            if now - partial.stat().st_mtime_ns > _LEFTOVER_AFTER_NS:
                partial.unlink()


def _partial_of(path: Path) -> Path:
    """A name beside `path` that no other writer has, in whatever process, container or host."""
    return path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN_BYTES)}.partial")


def _create(path: Path) -> int:
    """The descriptor of the new file `path`; raises FileExistsError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _file_system_time_ns(folder: Path) -> int:
    """The time that the file system of `folder` gives to what is written now.

    That of a file server may differ from every clock of the hosts that write to it.
    """
    probe = _partial_of(folder / "now")
    try:
        os.close(_create(probe))
        os.utime(probe)
        return probe.stat().st_mtime_ns
    finally:
        probe.unlink(missing_ok=True)
