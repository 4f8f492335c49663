"""What every test of reports is given."""

from collections.abc import Iterator
from unittest import mock

import pytest

from performance_pipeline.reports.page import drawing


@pytest.fixture(autouse=True)
def without_the_large_script() -> Iterator[None]:
    """Bundling takes seconds, and only a browser needs it."""
    with mock.patch.object(drawing, "runtime", return_value="window.vegaEmbed = () => {};"):
        yield
