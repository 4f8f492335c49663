"""Targets that could not be used: once they are mended, what they left unjudged is judged."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.domain.windows import Window
from performance_pipeline_tests.support.instances import instance_in
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    NEXT_DAY,
    ONE_DAY,
    Place,
    place,
    session,
)
from performance_pipeline_tests.support.log_daemon import NOON, Daemon, Made, made_in
from performance_pipeline_tests.support.runs import materialize_all

BEFORE: Final = DAY - ONE_DAY


def logs_in(folder: Path) -> Place:
    """Two stretches of days with logs, today's, and a targets file that is broken."""
    (folder / "targets.yaml").write_text("win_rate_target: many\n")
    found = place(folder / "logs", TARGETS_FILE=str(folder / "targets.yaml"))
    for day in (BEFORE, NEXT_DAY, NOON.date()):
        found.write(day, *session("5", "-3", day=day))
    for number in (20, 21):
        found.write(DAY + number * ONE_DAY, *session("-5", day=DAY + number * ONE_DAY))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Made:
    root = tmp_path_factory.mktemp("made")
    here = logs_in(root)

    def both_stretches(instance: dg.DagsterInstance) -> None:
        materialize_all(here, instance, BEFORE, NEXT_DAY)
        materialize_all(here, instance, DAY + 20 * ONE_DAY, DAY + 21 * ONE_DAY)

    return made_in(root, empty_home, here, both_stretches, LATER)


@pytest.fixture
def here(made: Made, tmp_path: Path) -> Place:
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    return place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))


@pytest.fixture
def unjudged(made: Made, here: Place, tmp_path: Path) -> Iterator[Daemon]:
    """The daemon after both stretches were made while the targets file was broken, long ago."""
    with instance_in(tmp_path / "dagster") as instance:
        yield Daemon(here, instance, made.cursor, now=LATER)


def asked_for(requests: list[dg.RunRequest]) -> list[tuple[str, str, str]]:
    found = []
    for request in requests:
        [key] = request.asset_selection or ()
        first, last = (
            request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")
        )
        found.append((key.to_user_string(), first, last))
    return found


def status(here: Place, window: Window, key: date) -> str:
    path = here.output / f"{window}-summary-{key}.json"
    return str(json.loads(path.read_bytes())["alert_status"])


def test_when_the_targets_file_is_mended_every_period_it_left_unjudged_is_judged(
    unjudged: Daemon, here: Place
) -> None:
    assert status(here, Window.DAILY, DAY + 20 * ONE_DAY) == "INVALID_TARGETS"
    here.settings.targets_file.write_text("win_rate_target: 60\n")
    unjudged.tick()
    days = [("2025-06-09", "2025-06-11"), ("2025-06-30", "2025-07-01")]
    assert asked_for(unjudged.requests) == [
        *(("daily_summary", *one) for one in days),
        ("weekly_summary", "2025-06-09", "2025-06-09"),
        ("weekly_summary", "2025-06-30", "2025-06-30"),
        ("monthly_summary", "2025-06-01", "2025-07-01"),
        *(("rolling_summary", *one) for one in days),
    ]
    job = unjudged.definitions.resolve_implicit_global_asset_job_def()
    for request in unjudged.requests:
        assert job.execute_in_process(
            instance=unjudged.instance,
            asset_selection=request.asset_selection,
            tags=request.tags,
        ).success
    assert status(here, Window.DAILY, DAY + 20 * ONE_DAY) == "WARN"
    statuses = {json.loads(path.read_bytes())["alert_status"] for path in summaries(here)}
    assert statuses == {"OK", "WARN", "NO_TRADES"}
    here.settings.targets_file.write_text("win_rate_target: 61\n")
    unjudged.tick()
    assert unjudged.requests == []


def summaries(here: Place) -> list[Path]:
    return sorted(here.output.glob("*-summary-*.json"))


@pytest.mark.parametrize("content", [None, "win_rate_target: lots\n", "a: [\n"])
def test_while_the_targets_file_is_missing_or_still_invalid_nothing_is_asked_for(
    unjudged: Daemon, here: Place, content: str | None
) -> None:
    if content is None:
        here.settings.targets_file.unlink()
    else:
        here.settings.targets_file.write_text(content)
    assert unjudged.tick() == ["performance_targets"]
    assert unjudged.requests == []


def test_mended_broken_and_mended_to_the_same_again_is_judged_again_each_time(
    unjudged: Daemon, here: Place
) -> None:
    valid, invalid = "win_rate_target: 60\n", "win_rate_target: few\n"
    asked = []
    for content in (valid, invalid, valid):
        here.settings.targets_file.write_text(content)
        unjudged.tick()
        asked.append(len(unjudged.requests))
    assert asked == [7, 0, 7]
    assert {request.run_key for request in unjudged.requests} == {None}


def test_a_period_from_before_the_first_partition_is_left_as_it_is(
    unjudged: Daemon, here: Place
) -> None:
    here.settings.targets_file.write_text("win_rate_target: 60\n")
    moved = Daemon(
        here.under(START_DATE="2025-07-01"), unjudged.instance, unjudged.cursor, now=LATER
    )
    moved.tick()
    assert asked_for(moved.requests) == [
        ("daily_summary", "2025-07-01", "2025-07-01"),
        ("weekly_summary", "2025-06-30", "2025-06-30"),
        ("monthly_summary", "2025-07-01", "2025-07-01"),
        ("rolling_summary", "2025-07-01", "2025-07-01"),
    ]
