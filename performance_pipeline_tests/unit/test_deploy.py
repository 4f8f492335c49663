"""The files of a deployment: they know every setting, and let nobody but this machine in."""

import re
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from performance_pipeline import cli
from performance_pipeline.settings import setting_names

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text("utf-8")
UNIT: Final = (ROOT / "deploy" / "performance-pipeline.service").read_text("utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_reaches_a_container_or_is_a_place_within_it(service: str) -> None:
    fixed = set(re.findall(r"(PERFORMANCE_\w+)=/", DOCKERFILE))
    mounted = {"PERFORMANCE_TARGETS_FILE", "PERFORMANCE_SOURCES"}

    assert fixed == {"PERFORMANCE_LOG_DIR", "PERFORMANCE_OUTPUT_DIR", "PERFORMANCE_ALERT_LOG"}
    assert {*SERVICES[service]["environment"], *fixed, *mounted} == set(setting_names())


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_writes_to_its_volume_alone_and_is_not_root(service: str) -> None:
    mounts = [mount.rsplit(":", 2)[-2:] for mount in SERVICES[service]["volumes"]]

    assert mounts == [["/logs", "ro"], ["/app/config", "ro"], ["output", "/output"]]
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["pipeline"]


def test_the_ui_is_published_on_this_machine_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert published == ["127.0.0.1:${PORT:-3000}:3000"]


def test_the_image_is_built_from_files_that_the_ignore_file_lets_in() -> None:
    let_in = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    sources = [
        source.split("/")[0]
        for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]

    assert set(sources) == set(let_in)
    assert [name for name in let_in if not (ROOT / name).exists()] == []


def test_the_unit_starts_a_command_that_the_command_line_takes() -> None:
    # The same key more than once is usual in a unit, and the last one is enough here.
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read_string(UNIT)
    program, command, *arguments = shlex.split(unit["Service"]["ExecStart"])

    assert Path(program).name == cli.PROGRAM
    cli.cli.commands[command].make_context(command, arguments)
    assert set(re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE)) < set(setting_names())


# --- several machines -------------------------------------------------------------------------

CLUSTER: Final = ROOT / "deploy" / "cluster"
SEVERAL: Final[dict[str, Any]] = yaml.safe_load((CLUSTER / "compose.yaml").read_text("utf-8"))


def test_every_setting_reaches_every_container_of_a_cluster() -> None:
    # Sources are imported from files of one machine.
    expected = {*setting_names(), "PERFORMANCE_BOTS"} - {"PERFORMANCE_SOURCES"}

    for part in ("code", "web", "daemon", "worker"):
        given = {*SEVERAL["services"][part]["environment"]}
        assert {name for name in given if name.startswith("PERFORMANCE_")} == expected, part


def test_what_the_configuration_of_a_cluster_reads_from_the_environment_is_given_to_it() -> None:
    asked = {
        name
        for file in ("dagster.yaml", "workspace.yaml")
        for name in re.findall(r"^ +env: (\w+)$", (CLUSTER / file).read_text("utf-8"), re.MULTILINE)
    }

    assert "CLUSTER_POSTGRES_URL" in asked
    assert asked <= {*SEVERAL["services"]["worker"]["environment"]}


def test_on_kubernetes_dagster_is_told_what_it_is_told_by_compose() -> None:
    given = SEVERAL["services"]["daemon"]["environment"]
    told = {name: value for name, value in given.items() if name.startswith("DAGSTER_")}
    values = yaml.safe_load((CLUSTER / "values.yaml").read_text("utf-8"))
    code, daemon = values["dagster-user-deployments"]["deployments"][0], values["dagsterDaemon"]
    variables = {one["name"]: one["value"] for one in (*code["env"], *daemon["env"])}

    assert len(told) == 2
    assert told.items() <= variables.items()


def test_every_image_of_a_cluster_names_its_version() -> None:
    images = {part["image"] for part in SEVERAL["services"].values() if "build" not in part}

    assert len(images) == 4
    assert [image for image in images if ":" not in image or image.endswith(":latest")] == []


def test_a_cluster_is_published_on_this_machine_only() -> None:
    published = [port for part in SEVERAL["services"].values() for port in part.get("ports", ())]

    assert published == ["127.0.0.1:${PORT:-3000}:3000"]
