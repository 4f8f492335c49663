"""Somebody else's Dagster project, fresh, with the wheel beside it: two bots by `dg` alone."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.lines import DAY, log, session

_PYPROJECT: Final = """
[project]
name = "desk"
version = "0.1"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "desk"
"""
_DEFINITIONS: Final = """
from pathlib import Path

from dagster import definitions, load_from_defs_folder


@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


class Project:
    """A `dg` project as its own tool makes it, and `dg` in the environment of the wheel."""

    def __init__(self, folder: Path, adopter: Path) -> None:
        self.folder, self.adopter = folder, adopter
        self.defs = folder / "desk" / "defs"
        self.defs.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(_PYPROJECT)
        (folder / "desk" / "__init__.py").touch()
        (folder / "desk" / "definitions.py").write_text(_DEFINITIONS)
        (folder / "home").mkdir()
        (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")

    def dg(self, *arguments: str, status: int = 0) -> str:
        ran = subprocess.run(
            [
                self.adopter / "python",
                *("-W", "ignore", "-c", "from dagster_dg_cli.cli import main; main()"),
                *arguments,
            ],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.adopter}:{os.environ['PATH']}",
                "VIRTUAL_ENV": str(self.adopter.parent),
                "PYTHONPATH": str(self.folder),
                "DAGSTER_HOME": str(self.folder / "home"),
                "COLUMNS": "300",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == status, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr


@pytest.fixture
def project(tmp_path: Path, adopter: Path) -> Project:
    return Project(tmp_path / "project", adopter)


@only_when_proving
def test_two_bots_are_scaffolded_checked_and_materialized_by_dg_alone(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / f"{DAY}.jsonl").write_bytes(log(*session("1", "-2")))
    assert "Exact trade performance of one trading bot" in project.dg("list", "components")

    component = ("scaffold", "defs", "performance_pipeline.BotPerformance")
    project.dg(*component, "alpha")
    project.dg(*component, "second", "--bot", "beta-2", "--log-dir", str(tmp_path / "logs"))
    project.dg("check", "yaml")
    project.dg("check", "defs")

    (project.defs / "alpha" / "logs").mkdir()
    (project.defs / "alpha" / "logs" / f"{DAY}.jsonl").write_bytes(log(*session("5")))
    for name in ("alpha", "beta-2"):
        project.dg("launch", "--assets", f'key:"{name}/daily_summary"', "--partition", str(DAY))
    earned = {}
    for path in tmp_path.rglob(f"daily-summary-{DAY}.json"):
        earned[path.parents[1]] = json.loads(path.read_bytes())["realized_pnl"]
    assert earned == {project.defs / "alpha" / "logs": "5", tmp_path / "logs": "-1"}

    file = project.defs / "alpha" / "defs.yaml"
    file.write_text(file.read_text() + "  time_zone: UTC\n")
    # Without a path, `dg check yaml` of Dagster 1.13 looks at one file of each type of component.
    assert f"{file}:6" in project.dg("check", "yaml", "desk/defs/alpha", status=1)
    file.write_text(file.read_text().replace("time_zone: UTC", "timezone: Mars"))
    assert f"{file}:6: timezone: 'Mars' cannot be used" in project.dg("check", "defs", status=1)
