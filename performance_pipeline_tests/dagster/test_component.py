"""`BotPerformance` in somebody else's Dagster project: what it holds, and what it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import dagster as dg
import pytest
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox

from performance_pipeline import BotPerformance
from performance_pipeline.defs.partitions import range_tags
from performance_pipeline.pipeline.bots import attribute_names
from performance_pipeline.setting_values import SettingsError
from performance_pipeline_tests.support.lines import DAY, log, session
from performance_pipeline_tests.support.runs import QUIETLY

# Of Dagster's loading of components, for whatever component it is.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
]

ALPHA: Final = {"bot": "alpha", "log_dir": "logs", "start_date": "2025-06-01"}


@pytest.fixture
def project() -> Iterator[DefsFolderSandbox]:
    with create_defs_folder_sandbox() as sandbox:
        yield sandbox


def scaffold(project: DefsFolderSandbox, folder: str, **attributes: object) -> Path:
    """Scaffold one bot as `dg scaffold defs` does, and return the folder of its file.

    In it the attributes are in the order of their names, below `attributes:` on the first line.
    """
    return project.scaffold_component(
        component_cls=BotPerformance,
        defs_path=folder,
        defs_yaml_contents={
            "type": "performance_pipeline.BotPerformance",
            "attributes": attributes,
        },
    )


@contextmanager
def refusal(project: DefsFolderSandbox) -> Iterator[list[str]]:
    """Collects what loading the project is refused for."""
    said: list[str] = []
    with pytest.raises(ComponentTreeException) as raised, project.build_all_defs():
        pass
    cause: BaseException | None = raised.value
    while cause is not None:
        said.append(str(cause))
        cause = cause.__cause__
    yield said


def test_two_bots_of_one_project_are_materialized_each_into_its_own_folder(
    project: DefsFolderSandbox, instance: dg.DagsterInstance
) -> None:
    folders = {
        "alpha": scaffold(project, "one", **ALPHA),
        "beta-2": scaffold(
            project,
            "two",
            bot="beta-2",
            log_dir="../one/logs",
            output_dir="out",
            alert_log="alerts.jsonl",
            execution_mode="PAPER",
            short_selling=True,
        ),
    }
    (folders["alpha"] / "logs").mkdir()
    (folders["alpha"] / "logs" / f"{DAY}.jsonl").write_bytes(log(*session("1", "-2")))
    (folders["alpha"] / "dashboard-targets.yaml").write_text("win_rate_target: 60\n")
    with project.build_all_defs() as definitions:
        job = definitions.resolve_implicit_global_asset_job_def()
        for bot in folders:
            assert job.execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey([bot, "daily_summary"])],
                tags=range_tags(DAY, DAY),
                run_config=QUIETLY,
            ).success
        assert definitions.executor is None, "how runs are executed is for the project to say"
    told = {
        path.parent.parent.name: path.read_text()
        for folder in folders.values()
        for path in folder.rglob(f"daily-summary-{DAY}.json")
    }
    assert '"alert_status":"WARN"' in told["logs"].replace(" ", "")
    assert '"alert_status":"NO_TARGETS"' in told["two"].replace(" ", "")
    assert '"total_trades":0' in told["two"].replace(" ", ""), "none of them was on paper"


@pytest.mark.parametrize(
    ("attributes", "line", "said"),
    [
        ({**ALPHA, "log_dri": "x"}, 4, "Extra inputs are not permitted"),
        ({"bot": "alpha"}, 1, "attributes.log_dir"),
        ({**ALPHA, "bot": "a b"}, 2, "String should match pattern"),
        ({**ALPHA, "account": 123}, 2, "Input should be a valid string"),
        ({**ALPHA, "timezone": "Mars"}, 5, "timezone: 'Mars' cannot be used: accepted is an IANA"),
        ({**ALPHA, "start_date": "June"}, 4, "start_date: 'June' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_line(
    project: DefsFolderSandbox, attributes: dict[str, object], line: int, said: str
) -> None:
    folder = scaffold(project, "one", **attributes)
    with refusal(project) as told:
        assert any(said in one and f"{folder}/defs.yaml:{line}" in one for one in told), told


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({**ALPHA, "log_dir": "other"}, "bot: alpha is that of another bot"),
        ({**ALPHA, "bot": "beta", "log_dir": "../one/logs"}, "/performance is that of another bot"),
    ],
)
def test_two_bots_of_one_name_or_folder_are_refused(
    project: DefsFolderSandbox, second: dict[str, object], said: str
) -> None:
    one = scaffold(project, "one", **ALPHA)
    two = scaffold(project, "two", **second)
    with refusal(project) as told:
        assert said in told[-1]
        assert told[-1].startswith(f"{two}/defs.yaml:")
        assert f"{one}/defs.yaml:" in told[-1]


def test_every_setting_is_an_attribute_that_is_described() -> None:
    described = {name: field.description for name, field in BotPerformance.model_fields.items()}
    assert set(described) == set(attribute_names())
    assert all(described.values())


def test_dagster_shows_what_it_is_and_what_it_makes() -> None:
    spec = BotPerformance.get_spec()
    assert set(spec.produces) == {"asset", "asset_check", "schedule", "sensor"}
    assert (BotPerformance.get_description() or "").startswith("Exact trade performance")


def test_one_made_in_python_says_what_cannot_be_used_too() -> None:
    bot = BotPerformance(bot="alpha", log_dir="logs", trade="never")
    with pytest.raises(SettingsError, match=r"^trade: 'never' cannot be used"):
        dg.component_defs(component=bot)
