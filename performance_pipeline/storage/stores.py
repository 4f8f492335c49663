"""Which store lies at a place."""

from pathlib import Path

from performance_pipeline.places import Place
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.store import Store


def store_at(place: Place) -> Store:
    """The store below `place`; nothing is looked at yet."""
    if isinstance(place, Path):
        return Folder(place)
    # Imported here because folders, which most have, need no client of object stores.
    from performance_pipeline.storage.bucket import Bucket

    return Bucket(place)


def read(place: Place) -> bytes:
    """The content of the file at `place`; raises FileNotFoundError, and OSError."""
    return store_at(place.parent).read(place.name)


def is_there(place: Place) -> bool:
    """Whether there is a file at `place`."""
    return store_at(place.parent).status(place.name) is not None


def where(place: Place) -> str:
    """`place` for people and for Dagster: a whole path, or the URL."""
    return str(place.absolute())
