"""Credentials of the usual AWS profile, which the client of object stores does not read itself."""

import os
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Final

from performance_pipeline.errors import PipelineError

_TAKEN: Final = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}
_OWN_VARIABLES: Final = {
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint_url": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
}


def profile_config() -> dict[str, str]:
    """What the profile of AWS_PROFILE, else `default`, says; what the environment says wins.

    Raises PipelineError for a file that cannot be read, and a profile that is in none.
    """
    asked = os.environ.get("AWS_PROFILE")
    name = asked or "default"
    own_keys = bool(os.environ.get("AWS_ACCESS_KEY_ID"))
    sections = [
        _section("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        _section("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ]
    if asked and not own_keys and sections == [None, None]:
        raise PipelineError(
            f"AWS_PROFILE={asked!r}: no such profile; accepted is one of those in"
            " ~/.aws/credentials or ~/.aws/config"
        )
    found = {key: text for section in sections for key, text in (section or {}).items()}
    if own_keys:
        # Keys go together: one of each origin would be refused.
        found = {key: text for key, text in found.items() if not key.startswith("aws_")}
    for key, variables in _OWN_VARIABLES.items():
        if any(os.environ.get(variable) for variable in variables):
            found.pop(key, None)
    return {_TAKEN[key]: text for key, text in found.items() if key in _TAKEN}


def _section(variable: str, file: str, name: str) -> dict[str, str] | None:
    path = Path(os.environ.get(variable) or Path("~/.aws", file)).expanduser()
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (Error, UnicodeDecodeError):
        # Without its words, which quote a line, perhaps one with a key.
        raise PipelineError(
            f"{path}: cannot be read; accepted is a file of [profiles] with KEY = VALUE lines"
        ) from None
    return dict(parser[name]) if parser.has_section(name) else None
