"""The targets file, wherever it lies."""

from performance_pipeline.domain.targets import TargetsFile
from performance_pipeline.domain.targets_yaml import parse_targets
from performance_pipeline.places import Place
from performance_pipeline.storage.stores import read


def load_targets(path: Place) -> TargetsFile:
    """The targets at `path`. Trouble with them is told, never raised: numbers go on without."""
    try:
        content = read(path)
    except FileNotFoundError:
        return TargetsFile(warnings=(f"{path}: no targets file; nothing is judged",))
    except OSError as error:
        return TargetsFile(errors=(f"{path}: cannot be read ({error.strerror})",))
    try:
        return parse_targets(content.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        return TargetsFile(errors=(f"{path}: not valid UTF-8",))
