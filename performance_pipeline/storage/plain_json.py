"""JSON as this project publishes it: decimals as strings in plain notation, keys in one order."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from performance_pipeline.domain.numbers import plain


def plain_document(value: Any) -> Any:
    """A struct as dicts, lists and strings, ready for any JSON writer."""
    return _plainly(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def encode_plain(value: Any) -> bytes:
    """A struct as one line of JSON, without its line end."""
    return msgspec.json.encode(plain_document(value))


def _plainly(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: _plainly(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plainly(item) for item in value]
    return value
