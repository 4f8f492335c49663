"""The published JSON schemas, and what holds a document against one."""

import json
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator


def schema(name: str) -> dict[str, Any]:
    """The schema of `name`: a summary, or a line of the alert log."""
    path = resources.files("performance_pipeline") / "schemas" / f"{name}.schema.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def validator(name: str) -> Draft202012Validator:
    """Holds documents against the schema of `name`, the formats of dates and times included."""
    return Draft202012Validator(schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)
