"""Instances for the tests of assets, checks and sensors."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline_tests.support.instances import instance_in, new_home


@pytest.fixture
def instance(tmp_path: Path, empty_home: Path) -> Iterator[dg.DagsterInstance]:
    """One on SQLite in which nothing has happened."""
    with instance_in(new_home(empty_home, tmp_path / "dagster")) as found:
        yield found
