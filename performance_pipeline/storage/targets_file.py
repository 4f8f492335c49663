"""The targets file on disk."""

from pathlib import Path

from performance_pipeline.domain.targets import TargetsFile
from performance_pipeline.domain.targets_yaml import parse_targets


def load_targets(path: Path) -> TargetsFile:
    """The targets at `path`. Trouble with them is told, never raised: numbers go on without."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return TargetsFile(warnings=(f"{path}: no targets file; nothing is judged",))
    except OSError as error:
        return TargetsFile(errors=(f"{path}: cannot be read ({error.strerror})",))
    try:
        return parse_targets(content.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        return TargetsFile(errors=(f"{path}: not valid UTF-8",))
