"""Publishing a summary: what is written, what stays, and what is said of what was there before."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.publishing import publish
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.store import Found
from performance_pipeline.storage.stores import read
from performance_pipeline.storage.summaries import encode_summary, load_summary
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    ONE_DAY,
    Place,
    place,
    session,
    set_modified,
)
from performance_pipeline_tests.support.local import on_this_machine

THE_DAY = Period.of(Window.DAILY, DAY)


@dataclass
class Causes:
    """Stands for the tracker's answer, and remembers what it was asked."""

    logs: list[str]
    asked: list[tuple[Period, str]] = field(default_factory=list)

    def __call__(self, period: Period, found: Found) -> list[str]:
        self.asked.append((period, found.name))
        return self.logs


@pytest.fixture
def here(tmp_path: Path) -> Place:
    found = place(tmp_path / "logs")
    found.write(DAY, *session("5", "-3"))
    return found


def test_both_files_hold_what_was_published(here: Place, tmp_path: Path) -> None:
    summary = here.summary()
    published = publish(Folder(tmp_path / "new folder"), THE_DAY, summary, Causes([]))
    assert published.path == tmp_path / "new folder" / f"daily-summary-{DAY}.json"
    assert published.summary == summary
    assert published.markdown == summary_markdown(summary)
    assert published.restated is None
    assert read(published.path) == encode_summary(summary)
    assert read(published.markdown_path).decode() == published.markdown
    assert load_summary(Folder(tmp_path / "new folder"), THE_DAY) == summary


def test_a_summary_that_is_only_newer_stays_as_it_was(here: Place, tmp_path: Path) -> None:
    first = publish(Folder(tmp_path), THE_DAY, here.summary(), Causes([]))
    files = [on_this_machine(path) for path in (first.path, first.markdown_path)]
    for path in files:
        set_modified(path, 1_700_000_000_000_000_000)
    again = publish(Folder(tmp_path), THE_DAY, here.summary(now=LATER + ONE_DAY), Causes([]))
    assert again == first
    assert {path.stat().st_mtime_ns for path in files} == {1_700_000_000_000_000_000}


def test_markdown_that_was_lost_or_edited_is_written_again_and_the_json_stays(
    here: Place, tmp_path: Path
) -> None:
    first = publish(Folder(tmp_path), THE_DAY, here.summary(), Causes([]))
    before = read(first.path)
    for spoil in (Path.unlink, lambda path: path.write_text("edited")):
        spoil(on_this_machine(first.markdown_path))
        publish(Folder(tmp_path), THE_DAY, here.summary(now=LATER + ONE_DAY), Causes([]))
        assert read(first.markdown_path).decode() == first.markdown
        assert read(first.path) == before


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"schema_version": 1'])
def test_a_stored_file_that_is_no_summary_is_replaced_and_restates_nothing(
    here: Place, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / f"daily-summary-{DAY}.json"
    path.write_bytes(content)
    published = publish(Folder(tmp_path), THE_DAY, here.summary(), Causes(["x"]))
    assert (published.restated, path.read_bytes()) == (None, encode_summary(here.summary()))


@pytest.mark.parametrize(
    ("logs", "said"), [([f"{DAY}.jsonl", "2025-06-11.jsonl"], None), ([], "settings")]
)
def test_a_restatement_says_before_and_after_and_which_logs_changed_since(
    here: Place, tmp_path: Path, logs: list[str], said: str | None
) -> None:
    first = publish(Folder(tmp_path), THE_DAY, here.summary(), Causes([]))
    here.write(DAY, *session("5", "-3", "-3"))
    causes = Causes(logs)
    published = publish(Folder(tmp_path), THE_DAY, here.summary(), causes)
    assert causes.asked == [(THE_DAY, first.path.name)]
    assert published.restated == (
        "total_trades 2 -> 3, realized_pnl 2 -> -1, win_rate 0.5 -> 0.333333"
        f" (changed since: {said or ', '.join(logs)})"
    )
    assert json.loads(read(first.path))["realized_pnl"] == "-1"


def test_nobody_is_asked_for_a_cause_when_nothing_is_restated(here: Place, tmp_path: Path) -> None:
    running = msgspec.structs.replace(here.summary(), running=True)
    causes = Causes(["x"])
    publish(Folder(tmp_path), THE_DAY, running, causes)
    here.write(DAY, *session("7"))
    assert publish(Folder(tmp_path), THE_DAY, here.summary(), causes).restated is None
    assert publish(Folder(tmp_path), THE_DAY, here.summary(), causes).restated is None
    assert causes.asked == []
