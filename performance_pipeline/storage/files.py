"""Writing files so that a reader, or a crash, never meets half of one."""

import os
from pathlib import Path


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

    Not synced to disk: everything written this way can be made again, and a result that a power
    cut mangled does not decode, which makes it missing.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half written in `folder`."""
    for partial in folder.glob(".*.partial"):
        process = partial.suffixes[-2].removeprefix(".") if len(partial.suffixes) > 1 else ""
        if process.isdigit() and not Path("/proc", process).exists():
            partial.unlink(missing_ok=True)
