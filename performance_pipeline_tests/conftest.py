"""What holds for every test: none of them sees a caller's settings, or leaves its own behind."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import is_hypothesis_test
from xdist.scheduler import LoadScopeScheduling

import performance_pipeline_tests.support.quick_databases  # noqa: F401
from performance_pipeline_tests.support.command_line import Run, run_on, three_days
from performance_pipeline_tests.support.effort import PROVING, set_up_hypothesis
from performance_pipeline_tests.support.lines import Place

set_up_hypothesis()

UNIT = Path(__file__).parent / "unit"

# The ones that mostly wait for a daemon or a browser, for others to run beside.
SLOW_STARTERS = ("test_end_to_end", "test_ui_page")


# Those that share an instance with a history, which takes seconds to make.
ONE_HISTORY = ("test_retention", "test_prune_command", "test_retention_crashes")

# Those that make something in seconds, for all their tests: one process runs all of a module. And
# one whose tests would leave nothing of the machine to others, if they ran beside each other.
MADE_ONCE = (
    *ONE_HISTORY,
    "test_alert_crashes",
    "test_alert_sensor_postgres",
    "test_backfill_and_demo",
    "test_kills",
    "test_mended_targets",
    "test_report_page",
    "test_running_days",
    "test_wheel",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that no process ends alone with one of them.

    Unless proving, only those of `unit` are measured, without its properties: in the others most
    of what Python would count is Dagster, and in a property the same lines again and again. To
    count costs as much time as to run.
    """
    order = {stem: place for place, stem in enumerate((*SLOW_STARTERS, *MADE_ONCE))}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
    if not PROVING:
        for item in items:
            is_property = is_hypothesis_test(getattr(item, "obj", None))
            if UNIT not in item.path.parents or is_property:
                item.add_marker(pytest.mark.no_cover)


class OneByOneOrWhole(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives the processes a test at a time, or all of a module that makes something once.

    `--dist loadgroup` would be for this, but does not group under pytest 9.2 (pytest-xdist's issue
    1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        stem = Path(module).stem
        if stem in ONE_HISTORY:
            return ONE_HISTORY[0]
        return module if stem in MADE_ONCE else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order is the one above
    return OneByOneOrWhole(config, log)


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


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a Dagster instance in which nothing has happened, for tests to copy."""
    # Imported late: it takes more than a second, and most unit tests never ask for it.
    from performance_pipeline_tests.support.instances import instance_in

    home = tmp_path_factory.mktemp("home")
    instance_in(home).dispose()
    return home


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The three days; the current folder is an empty one beside them."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return three_days(tmp_path)


@pytest.fixture
def run(logs: Place, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command line over these days, in this process."""
    return run_on(logs, capsys)


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Path:
    """A folder with logs, an alert log, and the home of an instance with a history, to copy."""
    from performance_pipeline_tests.support.histories import lived_in_folder

    return lived_in_folder(empty_home, tmp_path_factory.mktemp("lived"))
