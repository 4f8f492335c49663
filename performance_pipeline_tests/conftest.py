"""What holds for every test: none of them sees a caller's settings, or leaves its own behind."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(autouse=True)
def environment() -> Iterator[dict[str, str]]:
    """The environment without this project's and Dagster's variables; put back afterwards."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PERFORMANCE_", "DAGSTER_"))
    }
    with mock.patch.dict(os.environ, kept, clear=True):
        yield kept
