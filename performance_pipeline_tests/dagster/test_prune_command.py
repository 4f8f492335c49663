"""The command `prune`, and what `doctor` says of the instance, over an instance with a history."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from performance_pipeline.commands import prune
from performance_pipeline.pipeline.instance_size import InstanceSize, instance_size
from performance_pipeline.storage.files import bytes_below
from performance_pipeline_tests.support.alert_service import AlertService
from performance_pipeline_tests.support.command_line import Ran, Run, run_on
from performance_pipeline_tests.support.histories import copy_of, long_after
from performance_pipeline_tests.support.remembered import remembered

LINE = re.compile(
    r"Removed (\d+) runs, (\d+) logs of other runs, (\d+) events older than (\d+) days"
    r" in \d+\.\d s: (\d+\.\d MB) -> (\d+\.\d MB) in (.+)\n"
)


@pytest.fixture
def service(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AlertService]:
    """A service over a copy of the instance, which the environment names."""
    with copy_of(lived_in, tmp_path / "copy") as found:
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "copy" / "home"))
        monkeypatch.setattr(prune, "utc_now", long_after)
        yield found


@pytest.fixture
def home(service: AlertService) -> Path:
    return service.here.path().parents[1] / "home"


@pytest.fixture
def run(service: AlertService, capsys: pytest.CaptureFixture[str]) -> Run:
    return run_on(service.here, capsys)


def removed(ran: Ran) -> tuple[str, ...]:
    assert (ran.status, ran.err) == (0, "")
    found = LINE.fullmatch(ran.out)
    assert found is not None, ran.out
    return found.groups()


def test_prune_removes_all_there_is_to_remove_and_says_how_much(
    service: AlertService, home: Path, run: Run
) -> None:
    before, size = remembered(service.instance, service.definitions), bytes_below(home)
    runs, logs, events, days, was, now_is, where = removed(run("prune"))
    assert (int(runs) > 5, int(logs) > 3, int(events) > 20) == (True, True, True)
    assert (days, where) == ("14", str(home))
    assert was == f"{size / 1e6:.1f} MB"
    assert now_is == f"{bytes_below(home) / 1e6:.1f} MB"
    assert bytes_below(home) < size / 2
    assert remembered(service.instance, service.definitions) == before
    assert removed(run("prune"))[:3] == ("0", "0", "0")


def test_prune_keeps_as_many_days_as_it_is_told_to(service: AlertService, run: Run) -> None:
    assert removed(run("prune", "--keep-days", "15"))[:4] == ("0", "0", "0", "15")
    assert removed(run("prune", "--keep-days", "13"))[3] == "13"
    assert len(service.instance.get_run_ids()) < 20


def test_prune_removes_nothing_where_everything_is_kept_unless_it_is_told_days(
    service: AlertService, run: Run
) -> None:
    keeping = service.here.under(KEEP_RUNS_DAYS="0")
    said = "Everything is kept: PERFORMANCE_KEEP_RUNS_DAYS is 0.\n"
    assert run("prune", under=keeping).out == said
    assert int(removed(run("prune", "--keep-days", "14", under=keeping))[0]) > 5


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_prune_refuses_days_that_are_none(run: Run, days: str) -> None:
    ran = run("prune", "--keep-days", days)
    assert ran.status == 1
    assert "--keep-days" in ran.complaint


def test_prune_says_in_one_line_that_a_database_is_locked(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_WAIT_SECONDS", 0.1)
    with closing(sqlite3.connect(home / "history" / "runs.db", isolation_level=None)) as writer:
        assert run("prune").status == 0
        writer.execute("BEGIN IMMEDIATE")
        ran = run("prune")
    assert ran.status == 1
    assert "database is locked; what was removed is gone, run it again" in ran.complaint


def test_prune_makes_no_instance_to_remove_nothing_from(
    service: AlertService, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    none_yet = service.here.settings.default_home.absolute()
    ran = run("prune")
    assert ran.status == 1
    assert f"{none_yet}: there is no Dagster instance yet" in ran.complaint
    assert not none_yet.exists()


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_says_how_large_the_instance_is_and_what_keeps_it_so(
    service: AlertService, home: Path, run: Run
) -> None:
    lines = run("doctor").out.splitlines()
    assert f"Dagster instance: {bytes_below(home) / 1e6:.1f} MB in {home}" in lines
    assert "  history nothing relies on goes after 14 days (PERFORMANCE_KEEP_RUNS_DAYS)" in lines
    keeping = service.here.under(KEEP_RUNS_DAYS="0")
    assert (
        "  all of its history is kept (PERFORMANCE_KEEP_RUNS_DAYS is 0)"
        in run("doctor", under=keeping).out.splitlines()
    )


def test_doctor_makes_no_instance(service: AlertService, run: Run) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("DAGSTER_HOME")
        none_yet = service.here.settings.default_home.absolute()
        assert f"Dagster instance: none yet in {none_yet}" in run("doctor").out.splitlines()
        assert not none_yet.exists()


def test_growth_is_of_a_day_since_the_first_event_and_of_a_week_at_most(home: Path) -> None:
    now = datetime.now(UTC)
    total = bytes_below(home)
    assert instance_size(home, now) == InstanceSize(total, None)
    two_days = instance_size(home, now + timedelta(days=2))
    assert two_days is not None
    assert two_days.a_day == pytest.approx(total / 2, rel=0.02)
    assert instance_size(home, now + timedelta(days=8)) == InstanceSize(total, 0)
