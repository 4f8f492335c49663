"""Sources that are listed: which are taken up at a look, and what is remembered of each."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from performance_pipeline.pipeline.listed_imports import (
    ChangedSource,
    TakenUp,
    changed_sources,
    take_up,
)
from performance_pipeline.sources.formats import FORMATS
from performance_pipeline.sources.listing import ListedSource
from performance_pipeline.storage.import_state import LastImport
from performance_pipeline_tests.support.imports import AS_IT_IS, NOW, ccxt_trade, records_in
from performance_pipeline_tests.support.lines import place


@pytest.fixture
def listed(tmp_path: Path) -> ListedSource:
    return ListedSource(FORMATS["ccxt"], str(tmp_path / "trades.jsonl"), AS_IT_IS, replace=False)


def write(listed: ListedSource, *numbers: int, **changes: object) -> None:
    lines = (json.dumps(ccxt_trade(number, **changes)) + "\n" for number in numbers)
    Path(listed.pattern).write_text("".join(lines), encoding="utf-8")


def taken(tmp_path: Path, listed: ListedSource, before: LastImport | None = None) -> TakenUp | None:
    """What a look makes of the source, given how its last import ended."""
    known = {} if before is None else {listed.name: before}
    changed = changed_sources([listed], known, NOW)
    if not changed:
        return None
    (source,) = changed
    return take_up(place(tmp_path / "logs", START_DATE="2025-11-01").settings, source, NOW)


def must(found: TakenUp | None) -> TakenUp:
    assert found is not None
    return found


def test_a_new_source_is_taken_up_and_then_left_alone_until_it_changes(
    tmp_path: Path, listed: ListedSource
) -> None:
    write(listed, 1, 2)
    first = must(taken(tmp_path, listed))
    assert (first.found.added, first.is_news, first.last.unreadable) == (2, True, False)
    assert first.last.said == first.found.summary_line
    assert taken(tmp_path, listed, first.last) is None

    write(listed, 1, 2, 3)
    grown = must(taken(tmp_path, listed, first.last))
    assert (grown.found.added, grown.found.already_there, grown.is_news) == (1, 2, True)
    assert len(records_in(tmp_path / "logs")) == 3


def test_a_source_that_says_the_same_in_a_new_file_is_no_news(
    tmp_path: Path, listed: ListedSource
) -> None:
    write(listed, 1, 2)
    first = must(taken(tmp_path, listed))
    write(listed, 2, 1)
    again = must(taken(tmp_path, listed, first.last))
    assert (again.found.added, again.is_news) == (0, False)


def test_what_changed_is_news_once_where_it_is_not_written_over(
    tmp_path: Path, listed: ListedSource
) -> None:
    write(listed, 1)
    first = must(taken(tmp_path, listed))
    write(listed, 1, price=0.07)
    changed = must(taken(tmp_path, listed, first.last))
    assert (len(changed.found.changed), changed.is_news) == (1, True)
    write(listed, 1, price=0.07, takerOrMaker="maker")
    again = must(taken(tmp_path, listed, changed.last))
    assert (len(again.found.changed), again.is_news) == (1, False)


@pytest.mark.parametrize(
    ("waited", "tried"),
    [(0, False), (59, False), (60, True), (3600, True), (-1, True)],
    ids=["at once", "within a minute", "after a minute", "long after", "the clock was set back"],
)
def test_what_could_not_be_read_is_tried_again_after_a_minute(
    tmp_path: Path, listed: ListedSource, waited: int, tried: bool
) -> None:
    failed = must(taken(tmp_path, listed))
    assert (failed.last.unreadable, failed.is_news) == (True, True)
    assert failed.last.tried_at == int(NOW.timestamp())
    assert Path(listed.pattern).name in failed.last.trouble[0]
    now = NOW + timedelta(seconds=waited)
    assert bool(changed_sources([listed], {listed.name: failed.last}, now)) is tried


def test_logs_that_cannot_be_written_are_said_and_tried_again(
    tmp_path: Path, listed: ListedSource
) -> None:
    write(listed, 1)
    settings = place(tmp_path / "logs").settings
    (source,) = changed_sources([listed], {}, NOW)
    settings.log_dir.rmdir()
    settings.log_dir.write_text("a file")
    found = take_up(settings, source, NOW)
    assert found.last.unreadable
    assert str(settings.log_dir) in found.last.trouble[0]


def test_of_much_trouble_the_first_five_sentences_are_kept(
    tmp_path: Path, listed: ListedSource
) -> None:
    write(listed, *range(1, 9), price="x")
    found = must(taken(tmp_path, listed))
    assert len(found.found.rejected) == 8
    assert list(found.last.trouble) == found.found.rejected[:5]


def test_the_size_of_a_source_is_that_of_its_files_that_are_there(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("[]")
    pattern = ListedSource(FORMATS["ccxt"], str(tmp_path / "*.json"), AS_IT_IS, replace=False)
    files = pattern.files()
    assert [path.name for path in files] == ["a.json", "b.json"]
    (tmp_path / "a.json").unlink()
    assert ChangedSource(pattern, files, "", None).bytes == 2
