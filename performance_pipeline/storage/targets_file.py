"""The targets file: read once a tracker, with what an operator should hear about it."""

from dataclasses import dataclass
from pathlib import Path

from performance_pipeline.domain.targets import TargetsFile, parse_targets


@dataclass(frozen=True)
class LoadedTargets:
    """What the file says, None when there is none; and what is wrong, in sentences."""

    file: TargetsFile | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def load_targets(path: Path) -> LoadedTargets:
    """The targets at `path`. Trouble with them is told, never raised: numbers go on without."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return LoadedTargets(None, warnings=(f"{path}: no targets file; nothing is judged",))
    except OSError as error:
        return _unusable(f"{path}: cannot be read ({error.strerror})")
    try:
        file = parse_targets(content.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        return _unusable(f"{path}: not valid UTF-8")
    return LoadedTargets(file, file.errors, file.warnings)


def _unusable(error: str) -> LoadedTargets:
    return LoadedTargets(TargetsFile(None, errors=(error,)), errors=(error,))
