"""Where credentials come from: the environment, else the usual profile, and never a mix of keys."""

from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.storage.aws_profile import profile_config

CREDENTIALS: Final = """
[default]
aws_access_key_id = AKIA1
aws_secret_access_key = pass%word
[trading]
aws_access_key_id = AKIA2
aws_secret_access_key = other
aws_session_token = token
"""
CONFIG: Final = """
[default]
region = eu-central-1
output = json
[profile trading]
region = eu-west-1
endpoint_url = https://store.example
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ACCESS_KEY_ID", "PROFILE", "REGION", "DEFAULT_REGION", "ENDPOINT_URL"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(CREDENTIALS)
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    return tmp_path


DEFAULT: Final = {
    "access_key_id": "AKIA1",
    "secret_access_key": "pass%word",
    "region": "eu-central-1",
}
TRADING: Final = {
    "access_key_id": "AKIA2",
    "secret_access_key": "other",
    "session_token": "token",
    "region": "eu-west-1",
    "endpoint": "https://store.example",
}


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, DEFAULT),
        ({"AWS_PROFILE": "trading"}, TRADING),
        ({"AWS_ACCESS_KEY_ID": "mine"}, {"region": "eu-central-1"}),
        ({"AWS_ACCESS_KEY_ID": "mine", "AWS_PROFILE": "gone"}, {}),
        ({"AWS_REGION": "here"}, DEFAULT | {"region": None}),
        ({"AWS_PROFILE": "trading", "AWS_ENDPOINT_URL": "x"}, TRADING | {"endpoint": None}),
    ],
)
def test_what_the_environment_says_wins_over_the_profile(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], found: dict[str, str | None]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert profile_config() == {name: text for name, text in found.items() if text is not None}


def test_without_any_file_there_is_no_profile(home: Path) -> None:
    for name in ("credentials", "config"):
        (home / ".aws" / name).unlink()
    assert profile_config() == {}


def test_a_file_elsewhere_is_read_where_its_variable_names_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "mine").write_text("[default]\naws_access_key_id = AKIA3\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "mine"))
    assert profile_config() == {"access_key_id": "AKIA3", "region": "eu-central-1"}


def test_a_profile_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(PipelineError, match="AWS_PROFILE='nope': no such profile; accepted is one"):
        profile_config()


def test_a_file_that_cannot_be_read_is_an_error_that_quotes_none_of_it(home: Path) -> None:
    path = home / ".aws" / "credentials"
    path.write_text("[default\naws_secret_access_key pass-word\n")
    with pytest.raises(PipelineError) as caught:
        profile_config()
    assert str(caught.value).startswith(f"{path}: cannot be read; accepted is a file of [profiles]")
    assert "pass-word" not in str(caught.value)
