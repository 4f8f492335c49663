"""The alert sensor and pruning on PostgreSQL: the same as on SQLite.

Starts a server of its own from Debian's package, and is skipped where that or dagster-postgres is
not installed.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from performance_pipeline.defs import check_history
from performance_pipeline.defs.retention import Pruned
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline_tests.support.alert_service import (
    AGREES,
    BREACH,
    CORRECT,
    NOTHING_NEW,
    STEMS,
    AlertService,
    Tick,
    service_on,
)
from performance_pipeline_tests.support.alerts import CRITICAL, MET, WARN, evaluation
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.histories import live_a_little, pruned
from performance_pipeline_tests.support.lines import DAY, NEXT_DAY, ONE_DAY, session
from performance_pipeline_tests.support.postgres import postgres
from performance_pipeline_tests.support.remembered import remembered
from performance_pipeline_tests.support.reported_runs import checked, evaluate, finish, start_run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an empty database on a server of our own."""
    if importlib.util.find_spec("dagster_postgres") is None:
        pytest.skip("dagster-postgres is not installed")
    with postgres() as server:
        yield server.url


@pytest.fixture(scope="module")
def instance(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(
        f"storage:\n  postgres:\n    postgres_url: {url}\ntelemetry:\n  enabled: false\n"
    )
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


@pytest.fixture
def service(instance: dg.DagsterInstance, tmp_path: Path) -> AlertService:
    """A service on which nothing has happened yet."""
    instance.wipe()
    return service_on(instance, tmp_path)


def test_breach_correct_breach_is_raised_resolved_raised_for_every_window(
    service: AlertService,
) -> None:
    ticks = []
    for pnls in (BREACH, CORRECT, BREACH):
        service.here.write(DAY, *session(*pnls))
        service.materialize(*PARTITIONED_WINDOWS)
        ticks.append(service.tick().lines)
        assert service.tick().lines == []
    assert service.tick() == Tick(skipped=NOTHING_NEW)
    assert ticks == [
        [(f"{stem}-1", "raised") for stem in STEMS],
        [(f"{stem}-1", "resolved") for stem in STEMS],
        [(f"{stem}-2", "raised") for stem in STEMS],
    ]
    service.cursor = None
    assert service.tick() == Tick(skipped=AGREES)
    service.log.path.unlink()
    assert service.tick().lines == [(f"{stem}-1", "raised") for stem in STEMS]


def test_the_check_executed_alone_says_the_same_again_and_adds_nothing(
    service: AlertService,
) -> None:
    service.here.write(DAY, *session(*BREACH))
    service.materialize(Window.DAILY, Window.ROLLING)
    assert len(service.tick().lines) == 2
    service.check_alone(Window.DAILY)
    assert service.tick() == Tick(skipped=AGREES)


def test_what_a_run_has_evaluated_counts_once_it_is_over(service: AlertService) -> None:
    checked(service.instance, evaluation(MET), evaluation(MET, window=Window.ROLLING))
    run_id = start_run(service.instance)
    evaluate(
        service.instance,
        run_id,
        evaluation(WARN),
        evaluation(CRITICAL, window=Window.ROLLING, day=NEXT_DAY),
    )
    assert service.tick() == Tick(skipped=AGREES)
    assert service.tick() == Tick(skipped=NOTHING_NEW)
    finish(service.instance, run_id, dg.DagsterEventType.RUN_FAILURE)
    assert service.tick().lines == [
        ("daily-2025-06-10-win_rate-1", "raised"),
        ("rolling-2025-06-11-win_rate-1", "raised"),
    ]


def test_few_partitions_asked_one_by_one_and_many_read_in_pages_say_the_same(
    service: AlertService, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY + count * ONE_DAY for count in range(7)]
    for judged in (WARN, MET, CRITICAL):
        checked(service.instance, *(evaluation(judged, day=day) for day in days))
    checked(service.instance, *(evaluation(MET, day=day) for day in days[::2]))
    expected = [(f"daily-{day}-win_rate-1", "raised") for day in days[1::2]]
    assert service.tick().lines == expected
    for many, page in ((0, 2), (0, 1000), (1000, 1)):
        monkeypatch.setattr(check_history, "_MANY", many)
        monkeypatch.setattr(check_history, "_PAGE", page)
        monkeypatch.setattr(check_history, "_PAGE_OF_ONE", page)
        service.log.path.unlink()
        assert service.tick().lines == expected


# --- pruning, on the same server --------------------------------------------------------------


@only_when_proving
def test_pruning_changes_nothing_that_is_read(service: AlertService) -> None:
    live_a_little(service)
    before = remembered(service.instance, service.definitions)
    runs = {*service.instance.get_run_ids()}
    found = pruned(service.instance)
    assert len(runs - {*service.instance.get_run_ids()}) == found.runs > 5
    assert found.events > 20
    assert remembered(service.instance, service.definitions) == before
    assert pruned(service.instance) == Pruned()
    assert service.tick().lines == []
