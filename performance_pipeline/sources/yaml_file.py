"""Small YAML files that an operator writes: sections of known keys, errors with file, line and key.

Values are texts as written: what YAML would make a boolean or a date of one is nobody's business.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import yaml

from performance_pipeline.errors import PipelineError
from performance_pipeline.setting_values import time_zone

_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Value:
    """What stands under one key: a text, a list or a section, and where."""

    file: str
    key: str
    line: int
    node: yaml.Node

    @property
    def place(self) -> str:
        """File, line and key, as errors begin."""
        return f"{self.file}:{self.line}: {self.key}"

    def error(self, what: str) -> PipelineError:
        return PipelineError(f"{self.place}: {what}")

    @property
    def text(self) -> str:
        """Raises PipelineError for a list, a section and for nothing."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_empty:
            raise self.error("needed is a text")
        return str(self.node.value)

    def one_of(self, accepted: Collection[str]) -> str:
        """A text that is one of these."""
        if self.text not in accepted:
            raise self.error(f"accepted is one of {', '.join(accepted)}")
        return self.text

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of that name."""
        try:
            return time_zone(self.text)
        except ValueError:
            raise self.error("no IANA time zone such as America/New_York") from None

    @property
    def is_empty(self) -> bool:
        return self.node.tag == _NULL

    @property
    def texts(self) -> list[str]:
        """One text, or a list of them."""
        return [item.text for item in self.items] if self.is_list else [self.text]

    @property
    def items(self) -> list["Value"]:
        """The items of a list; raises PipelineError for anything else."""
        if not self.is_list:
            raise self.error("needed is a list, each item on a line that begins with -")
        return [
            Value(self.file, f"{self.key}[{number}]", node.start_mark.line + 1, node)
            for number, node in enumerate(self.node.value, start=1)
        ]

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def section(self, known: Iterable[str] | None = None) -> dict[str, "Value"]:
        """What stands under each key; raises PipelineError for a key that is not in `known`."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error("needed is a section of keys, each with a colon")
        found: dict[str, Value] = {}
        for name, value in self._pairs():
            if name in found:
                raise value.error(f"a key twice, first on line {found[name].line}")
            if known is not None and name not in known:
                nearest = get_close_matches(name, known, n=1, cutoff=0)[0]
                raise value.error(f"unknown key; the nearest known one is {nearest}")
            found[name] = value
        return found

    def _pairs(self) -> Iterator[tuple[str, "Value"]]:
        for key, node in self.node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise PipelineError(f"{self.file}:{line}: {self.key}: a key that is no text")
            name = str(key.value)
            path = name if self.key == _WHOLE else f"{self.key}.{name}"
            yield name, Value(self.file, path, line, node)


_WHOLE: Final = "the file"


def read_yaml(path: Path) -> Value:
    """The whole file; raises PipelineError when it cannot be read, is empty, or is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PipelineError(f"{path}: cannot be read: not UTF-8") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        why = getattr(error, "problem", None) or "not to be read"
        raise PipelineError(f"{path}:{line}: not YAML: {why}") from None
    if root is None:
        raise PipelineError(f"{path}: empty")
    return Value(str(path), _WHOLE, 1, root)
