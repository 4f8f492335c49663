"""What the path settings accept: a home folder for `~`, and no URL."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.settings import Settings, SettingsError

PATHS: Final = {
    "PERFORMANCE_LOG_DIR": "log_dir",
    "PERFORMANCE_OUTPUT_DIR": "output_dir",
    "PERFORMANCE_ALERT_LOG": "alert_log",
    "PERFORMANCE_TARGETS_FILE": "targets_file",
}


def path_of(variable: str, environment: Mapping[str, str]) -> Path:
    found: Path = getattr(Settings.from_env(environment), PATHS[variable])
    return found


@pytest.mark.parametrize("variable", PATHS)
def test_a_tilde_is_the_home_folder(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of(variable, {variable: "~"}) == tmp_path
    assert path_of(variable, {variable: "~/a/~/b"}) == tmp_path / "a" / "~" / "b"
    assert path_of(variable, {variable: "~root/x"}) == Path("~root").expanduser() / "x"


@pytest.mark.parametrize("variable", PATHS)
@pytest.mark.parametrize("text", ["a~", "./~", "./~nobody-such/x", "/~", "s3:/bucket", "a/b://c"])
def test_any_other_path_is_taken_as_it_is(variable: str, text: str) -> None:
    assert path_of(variable, {variable: text}) == Path(text)


def test_what_is_derived_from_the_log_folder_is_below_the_folder_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    at_home = Settings.from_env({"PERFORMANCE_LOG_DIR": "~/logs"})
    assert at_home.output_dir == tmp_path / "logs" / "performance"
    assert at_home.alert_log == tmp_path / "logs" / "performance-alerts.jsonl"
    called_so = Settings.from_env({"PERFORMANCE_LOG_DIR": "./~nobody-such"})
    assert called_so.output_dir == Path("./~nobody-such/performance")


@pytest.mark.parametrize("variable", PATHS)
@pytest.mark.parametrize(
    "text", ["~nobody-such/x", "s3://bucket/x", "S3://b", "gs://b", "abfss+x://b", "file:///tmp"]
)
def test_an_unknown_user_and_a_url_are_errors_that_name_the_variable(
    variable: str, text: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: text})
    assert str(caught.value) == (
        f"{variable}={text!r} cannot be used: accepted is a path on this machine,"
        " where ~ and ~USER stand for a home folder"
    )
