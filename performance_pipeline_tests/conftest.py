"""What holds for every test: none of them sees a caller's settings, or leaves its own behind."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_caller() -> Iterator[None]:
    """Also before the fixtures of a whole module."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PERFORMANCE_", "DAGSTER_"))
    }
    with mock.patch.dict(os.environ, kept, clear=True):
        yield


@pytest.fixture(autouse=True)
def environment_put_back() -> Iterator[None]:
    """The pipeline itself sets `DAGSTER_HOME` once it has chosen one."""
    with mock.patch.dict(os.environ):
        yield
