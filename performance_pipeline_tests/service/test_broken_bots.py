"""Three bots in one `dagster dev`: what is wrong with one of them leaves the others alone."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest

from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.lines import log, loss
from performance_pipeline_tests.support.service import Service
from performance_pipeline_tests.support.waiting import wait_until

NAMES: Final = ("fine", "away", "untold")
FAILED: Final = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


class Bots:
    """Bots that lost 1 today, and 10 some weeks ago."""

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = root / "bots.yaml"
        lines = ["bots:"]
        for name in NAMES:
            (root / name).mkdir()
            self.targets(name, "max_drawdown_target: -1000\n")
            lines += [
                f"  - bot: {name}",
                f"    log_dir: {root / name}",
                f"    targets_file: {root / name}.yaml",
            ]
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.service = Service(root, environment={"PERFORMANCE_BOTS": str(listed)})
        self.today = self.service.today
        self.old = self.today - timedelta(days=20)
        for name in NAMES:
            self.lose(name, "-1")
            (root / name / f"{self.old}.jsonl").write_bytes(log(loss("-10", f"{self.old}T09:00Z")))

    def targets(self, name: str, text: str) -> None:
        (self.root / f"{name}.yaml").write_text(text, encoding="utf-8")

    def lose(self, name: str, amount: str, folder: Path | None = None) -> None:
        path = (folder or self.root / name) / f"{self.today}.jsonl"
        minute = len(path.read_bytes().splitlines()) if path.exists() else 0
        with path.open("ab") as file:
            file.write(log(loss(amount, f"{self.today}T00:00:{minute:02}Z")))

    def summary(self, name: str, window: str = "daily") -> dict[str, Any]:
        """The summary of today; an empty one while there is none."""
        path = self.root / name / "performance" / f"{window}-summary-{self.today}.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    def pnls(self, window: str = "daily") -> list[str | None]:
        return [self.summary(name, window).get("realized_pnl") for name in NAMES]

    def old_weeks(self) -> list[str | None]:
        monday = self.old - timedelta(days=self.old.weekday())
        paths = [
            self.root / name / "performance" / f"weekly-summary-{monday}.json" for name in NAMES
        ]
        return [
            json.loads(path.read_bytes())["realized_pnl"] if path.exists() else None
            for path in paths
        ]

    def raised(self, name: str) -> set[str]:
        """The windows of which an alert was raised."""
        path = self.root / name / "performance-alerts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return {event["window"] for event in map(json.loads, lines) if event["status"] == "raised"}


@pytest.fixture
def bots(tmp_path: Path) -> Iterator[Bots]:
    running = Bots(tmp_path)
    yield running
    running.service.stop()


@only_when_proving
def test_a_folder_that_is_away_and_targets_that_are_invalid_leave_the_others_alone_and_catch_up(
    bots: Bots, tmp_path: Path
) -> None:
    wait_until("all that the logs hold", lambda: bots.pnls("rolling") == ["-11"] * 3)

    elsewhere = tmp_path / "elsewhere"
    shutil.move(tmp_path / "away", elsewhere)
    bots.targets("untold", "max_drawdown_target: lots\n")
    wait_until(
        "the file and line that say the folder",
        lambda: (
            f"{tmp_path}/bots.yaml:6: bots[2].log_dir" in bots.service.printed.read_text("utf-8")
        ),
    )
    bots.lose("fine", "-2000")
    bots.lose("untold", "-2000")
    wait_until(
        "the other two to go on",
        lambda: (
            [bots.summary(name).get("realized_pnl") for name in ("fine", "untold")]
            == ["-2001", "-2001"]
            and bots.summary("untold")["alert_status"] == "INVALID_TARGETS"
            and "daily" in bots.raised("fine")
        ),
    )
    # An older day goes the way of automation, by a run.
    (tmp_path / "fine" / f"{bots.old}.jsonl").write_bytes(log(loss("-30", f"{bots.old}T09:00Z")))
    wait_until(
        "an edit of weeks ago", lambda: bots.summary("fine", "rolling")["realized_pnl"] == "-2031"
    )
    assert not (tmp_path / "away").exists()
    assert bots.raised("untold") == set()

    bots.lose("away", "-2000", elsewhere)
    (elsewhere / f"{bots.old}.jsonl").write_bytes(log(loss("-40", f"{bots.old}T09:00Z")))
    shutil.move(elsewhere, tmp_path / "away")
    bots.targets("untold", "max_drawdown_target: -1000\n")
    wait_until(
        "both to catch up, with what was logged and edited meanwhile",
        lambda: (
            bots.pnls("rolling") == ["-2031", "-2041", "-2011"]
            and "daily" in bots.raised("away")
            and "daily" in bots.raised("untold")
        ),
    )
    # What was on its way when the folder went has failed, and was asked for again.
    wait_until("the week of the edit", lambda: bots.old_weeks() == ["-30", "-40", "-10"])
    failed = [assets for assets, status in bots.service.runs() if status in FAILED]
    assert {asset.partition("/")[0] for assets in failed for asset in assets} <= {"away"}
