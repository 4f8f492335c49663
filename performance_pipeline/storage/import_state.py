"""`imports.json`: what was last imported of each listed source. Deleting it costs time alone."""

from collections.abc import Mapping
from typing import Final

import msgspec

from performance_pipeline.places import Place
from performance_pipeline.setting_values import ENVIRONMENT, Origins
from performance_pipeline.storage.files import unwritable_error
from performance_pipeline.storage.stores import store_at

STATE_NAME: Final = "imports.json"


class LastImport(msgspec.Struct, frozen=True):
    """How the last import of one listed source ended."""

    signature: str
    """Of its files as they were before they were read."""
    digest: str
    """Of all that they said; "" where logs say otherwise."""
    tried_at: int
    """In seconds since 1970."""
    said: str
    """The last line of that import."""
    trouble: tuple[str, ...] = ()
    """The first few sentences about what is not in the logs as it should be."""
    unreadable: bool = False
    """Whether a source, or a log, could not be read or written; it is tried again."""


def load_imports(output_dir: Place) -> dict[str, LastImport]:
    """By the name of the source; empty where the file is gone or mangled."""
    try:
        content = store_at(output_dir).read(STATE_NAME)
        return msgspec.json.decode(content, type=dict[str, LastImport])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def keep_imports(
    output_dir: Place, imports: Mapping[str, LastImport], origins: Origins = ENVIRONMENT
) -> None:
    """Raises PipelineError when the output folder cannot be written to."""
    try:
        store_at(output_dir).put(STATE_NAME, msgspec.json.encode(imports))
    except OSError as error:
        raise unwritable_error(output_dir, error, origins) from error
