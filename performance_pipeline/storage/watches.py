"""`trade-log-watch.json`: the log folder's watch, kept between looks for a cursor to name.

A sensor's cursor is stored again with every look, so it holds only the digest of its watch. The
file holds two watches, the newest and the one that was looked from: when a crash comes between
writing the file and storing the cursor, the cursor still names one of them.
"""

from typing import Final

import msgspec

from performance_pipeline.places import Place
from performance_pipeline.setting_values import ENVIRONMENT, Origins
from performance_pipeline.storage.files import unwritable_error
from performance_pipeline.storage.log_changes import Watch
from performance_pipeline.storage.stores import store_at

WATCH_NAME: Final = "trade-log-watch.json"


class _Kept(msgspec.Struct, frozen=True):
    newest: Watch
    previous: Watch


def has_watch(output_dir: Place) -> bool:
    """Whether somebody has kept a watch: the sensor does so with its first look."""
    return store_at(output_dir).status(WATCH_NAME) is not None


def newest_watch(output_dir: Place) -> Watch:
    """The watch that was kept last; an empty one where there is none that can be read."""
    kept = _kept(output_dir)
    return Watch() if kept is None else kept.newest


def load_watch(output_dir: Place, digest: str) -> Watch | None:
    """The watch of this digest; None where the file is gone, unreadable, mangled, or has others."""
    kept = _kept(output_dir)
    watches = () if kept is None else (kept.newest, kept.previous)
    return next((one for one in watches if one.digest == digest), None)


def keep_watch(
    output_dir: Place, newest: Watch, previous: Watch, origins: Origins = ENVIRONMENT
) -> None:
    """Keep `newest`, and `previous`, which the stored cursor still names.

    Raises PipelineError when the output folder cannot be written to.
    """
    try:
        store_at(output_dir).put(WATCH_NAME, msgspec.json.encode(_Kept(newest, previous)))
    except OSError as error:
        raise unwritable_error(output_dir, error, origins) from error


def _kept(output_dir: Place) -> _Kept | None:
    try:
        return msgspec.json.decode(store_at(output_dir).read(WATCH_NAME), type=_Kept)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
