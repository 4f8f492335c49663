"""Buckets in memory, behind the same client as those of a server, and what goes wrong with one."""

import random
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import obstore
import pytest
from obstore.store import MemoryStore

from performance_pipeline.places import StoreUrl
from performance_pipeline.storage import bucket, object_store
from performance_pipeline.storage.bucket import Bucket

BUCKET_URL: Final = StoreUrl("s3", "bucket", "some/where", "PERFORMANCE_OUTPUT_DIR")


def buckets_in_memory(patch: pytest.MonkeyPatch) -> None:
    """From now on every bucket is one in memory, empty at first."""
    patch.setattr(object_store, "_client", cache(lambda *_: MemoryStore()))
    bucket._honours_conditions.cache_clear()


def put_file(place: StoreUrl, path: Path) -> None:
    Bucket(place).write(path.name, path.read_bytes())


def lose_answers(patch: pytest.MonkeyPatch, share: float, seed: int = 1) -> Counter[str]:
    """Lose the answers to a share of writes; the client then asks again, as a real one does.

    The second try of a conditional write meets the first one, and is refused.
    """
    chance, put = random.Random(seed), obstore.put
    counts: Counter[str] = Counter()

    def losing(client: Any, path: str, content: bytes, **options: Any) -> Any:
        answer = put(client, path, content, **options)
        counts["writes"] += 1
        if chance.random() >= share:
            return answer
        counts["lost"] += 1
        return put(client, path, content, **options)

    patch.setattr(obstore, "put", losing)
    return counts


def ignore_conditions(patch: pytest.MonkeyPatch) -> None:
    """A store that writes whatever the condition is, and says that all is well."""
    put = obstore.put

    def careless(client: Any, path: str, content: bytes, **options: Any) -> Any:
        return put(client, path, content, **{**options, "mode": "overwrite"})

    patch.setattr(obstore, "put", careless)
    bucket._honours_conditions.cache_clear()


def like_google(patch: pytest.MonkeyPatch) -> None:
    """A store whose conditions are by generation, and whose listings do not give it."""
    head, put = obstore.head, obstore.put

    def with_generation(client: Any, path: str) -> Any:
        meta = head(client, path)
        return {**meta, "version": meta["e_tag"]}

    def by_generation(client: Any, path: str, content: bytes, **options: Any) -> Any:
        if isinstance(options["mode"], dict):
            options["mode"] = {"e_tag": options["mode"]["version"]}
        return put(client, path, content, **options)

    patch.setattr(obstore, "head", with_generation)
    patch.setattr(obstore, "put", by_generation)
