"""Dagster's own commands without a home: what they say, and what the shipped `.env` line mends."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.commands.home import use_home
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.lines import DAY, place, session
from performance_pipeline_tests.support.local import LocalSettings

CLONE: Final = Path(__file__).parents[2]
WARNING: Final = "DAGSTER_HOME is not set"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one day's log in `logs`, and what Dagster's commands need to find it."""
    place(tmp_path / "logs").write(DAY, *session("10"))
    shutil.copy(CLONE / "pyproject.toml", tmp_path)
    return tmp_path


def dg_command(folder: Path, *arguments: str) -> str:
    """What `dg` says, started in `folder`."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("dg"), *arguments],
        check=True,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(CLONE),
            "PWD": str(folder),
            "VIRTUAL_ENV": sys.prefix,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ran.stdout


def launch(folder: Path) -> str:
    return dg_command(folder, "launch", "--assets", "daily_aggregate", "--partition", str(DAY))


def home_of(folder: Path) -> Path:
    return folder / "logs" / "performance" / "dagster"


def test_a_launch_into_a_throwaway_home_is_one_warning_with_the_variable_that_mends_it(
    folder: Path,
) -> None:
    said = launch(folder)

    assert said.count(WARNING) == 1
    assert f"DAGSTER_HOME={home_of(folder)}, " in said
    assert not home_of(folder).exists()


@only_when_proving
def test_with_the_shipped_env_file_a_launch_is_kept_in_the_instance_of_the_logs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    use_home(LocalSettings.from_env({}))
    monkeypatch.delenv("DAGSTER_HOME")
    shutil.copy(CLONE / ".env.example", folder / ".env")

    said = launch(folder)

    assert WARNING not in said
    with dg.DagsterInstance.from_config(str(home_of(folder))) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("daily_aggregate")) == {str(DAY)}


@only_when_proving
def test_a_check_of_the_definitions_warns_of_nothing_because_nothing_runs() -> None:
    said = dg_command(CLONE, "check", "defs")

    assert "All definitions loaded successfully." in said
    assert WARNING not in said
