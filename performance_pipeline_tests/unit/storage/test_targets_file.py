"""The targets file as it may lie there: trouble with it is told, and numbers go on without."""

from pathlib import Path

import pytest

from performance_pipeline.domain.targets import TargetsFile
from performance_pipeline.storage.targets_file import load_targets
from performance_pipeline_tests.support.targets import FLAT


def test_a_file_of_targets_is_read(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(FLAT, encoding="utf-8")
    found = load_targets(path)
    assert found.targets is not None
    assert (found.errors, found.warnings) == ((), ())


def test_no_file_is_a_warning_and_no_targets(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    assert load_targets(path) == TargetsFile(
        warnings=(f"{path}: no targets file; nothing is judged",)
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "cannot be read (Is a directory)"),
        (b"win_rate_target: 60 # caf\xe9\n", "not valid UTF-8"),
    ],
    ids=["a folder", "another encoding"],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file(
    tmp_path: Path, content: bytes | None, error: str
) -> None:
    path = tmp_path / "targets.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert load_targets(path) == TargetsFile(errors=(f"{path}: {error}",))
