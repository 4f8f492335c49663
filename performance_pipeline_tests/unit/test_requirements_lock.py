"""The lock is what adopters install: whole, hashed, with every extra that packages ask for."""

import re
from collections.abc import Iterable, Iterator
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


def test_what_two_locks_name_is_the_same_files_in_both() -> None:
    by_name: dict[str, set[str]] = {}
    for lock in LOCKS:
        for entry in entries(lock):
            by_name.setdefault(re.split("[=[]", entry)[0], set()).add(entry)

    assert [named for named, kinds in by_name.items() if len(kinds) > 1] == []


def asked_by(names: Iterable[str]) -> Iterator[str]:
    """What installed packages ask for by themselves, also under the oldest Python of ours."""
    for wanted in (
        Requirement(line) for name in names for line in distribution(name).requires or ()
    ):
        oldest = {"extra": "", "python_version": "3.11", "python_full_version": "3.11.0"}
        if wanted.marker is None or wanted.marker.evaluate(oldest):
            yield canonicalize_name(wanted.name)


def test_the_lock_of_a_cluster_adds_all_that_the_image_of_one_machine_does_not_bring() -> None:
    """That image holds what the project runs with, and nothing that only its tests need."""
    pytest.importorskip("dagster_celery", reason="the extra `cluster` is not installed")
    waiting, brought = {*asked_by(["performance-pipeline"])}, set[str]()
    while waiting:
        brought |= waiting
        waiting = {*asked_by(waiting)} - brought
    added = {canonicalize_name(re.split("[=[]", entry)[0]) for entry in entries(LOCKS[2])}

    # Redis asks for it under the oldest Pythons alone; it asks for nothing.
    assert {*asked_by(added - {"async-timeout"})} - brought - added == set()
