"""The lock is what adopters install: whole, hashed, with every extra that packages ask for."""

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = (
    "requirements.lock",
    "benchmarks/requirements.lock",
    "deploy/cluster/requirements.lock",
)


def entries(lock: str) -> list[str]:
    """Each pinned package with its hashes, as one line."""
    lines = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_one_version_of_one_package_with_hashes_and_nothing_else(
    lock: str,
) -> None:
    pinned = re.compile(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[^ ]+( +--hash=sha256:[0-9a-f]{64})+")
    unlike = [entry for entry in entries(lock) if pinned.fullmatch(entry) is None]

    assert entries(lock)
    assert unlike == []


def test_the_lock_names_every_extra_that_its_packages_ask_of_each_other() -> None:
    locked = {
        canonicalize_name(requirement.name): requirement.extras
        for requirement in (Requirement(entry.split(" ")[0]) for entry in entries(LOCKS[0]))
    }
    asked = {
        (canonicalize_name(wanted.name), extra)
        for name, extras in locked.items()
        for wanted in map(Requirement, distribution(name).requires or ())
        if wanted.marker is None
        or any(wanted.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
        for extra in wanted.extras
    }

    assert ("gql", "requests") in asked
    assert {(name, extra) for name, extra in asked if extra not in locked[name]} == set()
