"""What the path settings accept: a home folder for `~`, and URLs of object stores alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.places import Place, StoreUrl
from performance_pipeline.setting_values import SettingsError
from performance_pipeline.settings import Settings

PATHS: Final = {
    "PERFORMANCE_LOG_DIR": "log_dir",
    "PERFORMANCE_OUTPUT_DIR": "output_dir",
    "PERFORMANCE_ALERT_LOG": "alert_log",
    "PERFORMANCE_TARGETS_FILE": "targets_file",
}


def path_of(variable: str, environment: Mapping[str, str]) -> Place:
    found: Place = getattr(Settings.from_env(environment), PATHS[variable])
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


UNUSABLE: Final = (
    "~nobody-such/x",
    "ftp://bucket/x",
    "https://host/bucket",
    "abfss+x://b",
    "file:///tmp",
    "s3://",
    "s3:///key",
    "s3://bucket//x",
    "s3://bucket/a/../b",
    "s3://bucket/x?region=here",
    "s3://bucket/x#y",
)


@pytest.mark.parametrize("variable", PATHS)
@pytest.mark.parametrize("text", UNUSABLE)
def test_an_unknown_user_and_a_url_of_no_object_store_are_errors_that_name_the_variable(
    variable: str, text: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: text})
    assert str(caught.value) == (
        f"{variable}={text!r} cannot be used: accepted is a path on this machine, where ~ and ~USER"
        " stand for a home folder, or a URL in an object store without any password in it:"
        " s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://BUCKET/PREFIX"
    )


@pytest.mark.parametrize("variable", PATHS)
@pytest.mark.parametrize("text", ["s3://key:pass-word@bucket/x", "s3://pass-word@bucket"])
def test_a_url_with_a_password_is_refused_and_never_shown(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} cannot be used") as caught:
        Settings.from_env({variable: text})
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s3://bucket/bots/alpha", StoreUrl("s3", "bucket", "bots/alpha")),
        ("S3://bucket/bots/", StoreUrl("s3", "bucket", "bots")),
        ("gs://a-bucket.of-ours/x y", StoreUrl("gs", "a-bucket.of-ours", "x y")),
        ("az://container/x", StoreUrl("az", "container", "x")),
    ],
)
@pytest.mark.parametrize("variable", PATHS)
def test_a_url_of_an_object_store_is_a_place(variable: str, text: str, meant: StoreUrl) -> None:
    assert path_of(variable, {variable: text}) == meant


def test_what_is_derived_from_a_log_folder_in_a_bucket_is_below_it() -> None:
    here = Settings.from_env({"PERFORMANCE_LOG_DIR": "s3://bucket"})
    assert str(here.output_dir) == "s3://bucket/performance"
    assert str(here.alert_log) == "s3://bucket/performance-alerts.jsonl"
    assert str(here.alert_log.parent) == "s3://bucket/"
    assert here.targets_file == Path("config/dashboard-targets.yaml")
    assert here.default_home == Path("dagster-home/s3-bucket+performance")


@pytest.mark.parametrize("variable", ["PERFORMANCE_ALERT_LOG", "PERFORMANCE_TARGETS_FILE"])
def test_a_whole_bucket_is_no_file(variable: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}='s3://bucket/' cannot be used"):
        Settings.from_env({variable: "s3://bucket"})
