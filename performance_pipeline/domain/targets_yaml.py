"""Reading an operator's YAML: text becomes targets, or errors with file, line and key."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from itertools import product
from typing import Final, NamedTuple, TypeAlias

import yaml

from performance_pipeline.domain import numbers
from performance_pipeline.domain.targets import TARGET_KEYS, KeyPath, Targets, TargetsFile
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS


class _Number(NamedTuple):
    """A key whose value is a number: what may be written, and what that is in its metric's unit."""

    accepted: str
    accepts: Callable[[Decimal], bool] = lambda _: True
    exponent: int = 0
    """The power of ten that leads from the unit in the file to the metric's."""


class _Named(NamedTuple):
    """A section whose keys are names of the operator's; under each stands the same."""

    each: "_Schema"


_Known: TypeAlias = "_Number | _Named | _Schema"
_Schema: TypeAlias = Mapping[str, _Known]
"""The known keys of one section, and what may stand under each."""

_TARGETS: Final[Mapping[str, _Number]] = {
    "win_rate_target": _Number("0 to 100, in percent", lambda n: 0 <= n <= 100, exponent=-2),
    "avg_risk_reward_target": _Number("a number like 2"),
    "daily_pl_target": _Number("a number like 100"),
    "trades_per_day_target": _Number("a number like 20"),
    "max_drawdown_target": _Number("0 or less, as -1500", lambda n: n <= 0),
}
_ROOM: Final[Mapping[str, _Number]] = {
    "peak_drawdown_target": _Number("below 0, as -5000", lambda n: n < 0),
}
_MORE: Final[_Schema] = {
    "critical": _TARGETS,
    "min_trades": _Number("a whole number from 1", lambda n: n >= 1 and n == int(n)),
    "confidence": _Number("above 0 and below 1, as 0.95", lambda n: 0 < n < 1),
}
_EDGE: Final[_Schema] = {
    "win_rate": _Number("above 0 and below 100, in percent", lambda n: 0 < n < 100, exponent=-2),
    "false_alarm_trades": _Number(
        "a whole number from 1, as 2000", lambda n: n >= 1 and n == int(n)
    ),
}
_WINDOWS: Final[_Schema] = {window.value: {**_TARGETS, **_MORE} for window in PARTITIONED_WINDOWS}
_ALERTS: Final[_Schema] = {
    **_MORE,
    "critical": {**_TARGETS, **_ROOM},
    "windows": _WINDOWS,
    "edge": _EDGE,
    "strategies": _Named({**_TARGETS, **_MORE}),
}
_FILE: Final[_Schema] = {**_TARGETS, "alerts": _ALERTS, **_ROOM}
_PLACES: Final = {
    **dict.fromkeys(_EDGE, "under alerts.edge"),
    **dict.fromkeys(_WINDOWS, "under alerts.windows"),
    **dict.fromkeys(_ALERTS, "under alerts"),
    **dict.fromkeys(_FILE, "at the top level"),
}
"""Where each known key belongs, for whoever wrote it elsewhere."""

_MERGE: Final = "<<"
_NO_MERGE: Final = "a merge; accepted are the keys themselves"
_NULL: Final = "tag:yaml.org,2002:null"
_NO_NUMBERS: Final = {"bool": "true or false", "timestamp": "a date", "seq": "a list"}


def parse_targets(text: str, name: str) -> TargetsFile:
    """What the targets file `name` says, given its text; whatever that is, nothing is raised.

    Nothing but comments is a valid file. `null` turns off the target, `min_trades`, `confidence`
    or a window's `critical` it is written for; elsewhere it is an empty section, its lines all
    commented out.
    """
    file = _File(name)
    file.read_text(text)
    targets = Targets(file.written)
    if not file.errors:
        file.compare_sides(targets)
        file.look_for_half_an_edge()
    errors, warnings = (
        tuple(said for _, said in sorted(found)) for found in (file.errors, file.warnings)
    )
    if errors:
        return TargetsFile(errors=errors, warnings=warnings)
    absent = ", ".join(key for key in TARGET_KEYS if file.written.get((key,)) is None)
    unset = f"{name}: not set, so checked only where alerts.windows sets it: {absent}"
    places = {name: file.place(("alerts", "strategies", name)) for name in targets.strategies}
    return TargetsFile(targets, warnings=(*warnings, unset) if absent else warnings, places=places)


class _File:
    """One file while it is read: the values in it, the nodes of their keys, what is wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.written: dict[KeyPath, Decimal | None] = {}
        self.keys: dict[KeyPath, yaml.Node] = {}
        self.ignored: set[yaml.Node] = set()
        self.errors: set[tuple[int, str]] = set()
        self.warnings: set[tuple[int, str]] = set()

    def place(self, path: KeyPath) -> str:
        return f"{self.name}:{self.keys[path].start_mark.line + 1}"

    def say(self, found: set[tuple[int, str]], at: yaml.Node, path: KeyPath, what: str) -> None:
        line = at.start_mark.line + 1
        found.add((line, f"{self.name}:{line}: {'.'.join(path) or 'the file'}: {what}"))

    def read_text(self, text: str) -> None:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        # Beyond its own errors, PyYAML lets out those of numbers in escapes and directives.
        except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line if mark else text.count("\n", 0, getattr(error, "position", 0))
            said = (getattr(error, "context", None), getattr(error, "problem", None))
            why = ", ".join(filter(None, said)) or "nested too deeply, or a forbidden character"
            self.errors.add((line + 1, f"{self.name}:{line + 1}: not YAML: {why}"))
            return
        if root is not None:
            self.take(root, root, _FILE, ())

    def read(self, section: yaml.Node, schema: _Schema, path: KeyPath) -> None:
        """Take up a mapping; of one that is ignored (no schema) only that no key stands twice."""
        if not schema and section in self.ignored:
            return  # An alias may stand inside the very section it names: do not go round.
        self.ignored.add(section)
        for item in section.value if isinstance(section, yaml.SequenceNode) else ():
            self.read(item, {}, path)
        lines: dict[str, int] = {}
        for key, node in section.value if isinstance(section, yaml.MappingNode) else ():
            name, here = _shown(key), (*path, _shown(key))
            if name in lines:
                twice = f"a key twice, first on line {lines[name]}; accepted is once"
                self.say(self.errors, key, here, twice)
            lines.setdefault(name, key.start_mark.line + 1)
            if name in schema:
                self.take(key, node, schema[name], here)
                continue
            if schema:
                self.say_unknown(key, here, schema)
            self.read(node, {}, here)

    def take(self, key: yaml.Node, node: yaml.Node, known: _Known, path: KeyPath) -> None:
        self.keys[path] = key
        if node.tag == _NULL:
            self.written[path] = None
        elif isinstance(known, _Number):
            try:
                self.written[path] = _value(node, known)
            except ValueError as error:
                self.say(self.errors, key, path, f"{error}; accepted is {known.accepted}")
        elif isinstance(node, yaml.MappingNode):
            if isinstance(known, _Named):
                known = self.under_names(node, known, path)
            self.read(node, known, path)
        else:
            keys = "names" if isinstance(known, _Named) else f"the keys {', '.join(known)}"
            self.say(self.errors, key, path, f"not a mapping; accepted are {keys}")

    def under_names(self, section: yaml.MappingNode, known: _Named, path: KeyPath) -> _Schema:
        """What may stand in a section of names: the same under each that is there."""
        schema: dict[str, _Known] = {}
        for key, _ in section.value:
            name = _shown(key)
            if name == _MERGE:
                self.say(self.errors, key, (*path, name), _NO_MERGE)
            elif not name:
                self.say(self.errors, key, path, "a key without a name; accepted is a name")
            else:
                schema[name] = known.each
        return schema

    def say_unknown(self, key: yaml.Node, path: KeyPath, schema: _Schema) -> None:
        nearest = get_close_matches(path[-1], {**_PLACES, **schema}, n=1, cutoff=0)[0]
        place = "" if nearest in schema else f", {_PLACES[nearest]}"
        what = f"unknown key, ignored; the nearest known key is {nearest}{place}"
        if path[-1] == _MERGE:
            self.say(self.errors, key, path, _NO_MERGE)
        else:
            self.say(self.warnings, key, path, what)

    def compare_sides(self, targets: Targets) -> None:
        """A critical line is the harder one: below its target, not at it, in every window."""
        strategies, keys = ("", *targets.strategies), (*TARGET_KEYS, *_ROOM)
        for strategy, window, key in product(strategies, (None, *PARTITIONED_WINDOWS), keys):
            paths = (
                targets.source(window, key, strategy),
                targets.source(window, key, strategy, critical=True),
            )
            target, critical = (self.written.get(path) for path in paths)
            if target is not None and critical is not None and critical >= target:
                goal, line = (self.keys[path].start_mark.line + 1 for path in paths)
                what = f"critical (line {line}) is on the wrong side of its target (line {goal})"
                # Where one of the two is the window's own, it is the one to be mended.
                blamed = max(paths, key=len)
                self.say(self.errors, self.keys[blamed], blamed, f"{what}; accepted is below it")

    def look_for_half_an_edge(self) -> None:
        """An edge is watched by two numbers: one alone is a mistake, not a wish to watch none."""
        paths = [("alerts", "edge", key) for key in _EDGE]
        there = [path for path in paths if path in self.written]
        if len(there) == 1 and self.written[there[0]] is not None:
            (missing,) = (path[-1] for path in paths if path not in there)
            what = f"stands alone; accepted is with {missing} beside it"
            self.say(self.errors, self.keys[there[0]], there[0], what)


def _shown(key: yaml.Node) -> str:
    """A key as text on one line; one that is no text is named by its place in the file."""
    if isinstance(key, yaml.ScalarNode):
        return str(key.value) if key.value.isprintable() else ascii(key.value)
    return f"(line {key.start_mark.line + 1}, column {key.start_mark.column + 1})"


def _value(node: yaml.Node, known: _Number) -> Decimal:
    """The number that `node` writes, in its metric's unit; ValueError says what it is instead."""
    kind = node.tag.rpartition(":")[2]
    if not isinstance(node, yaml.ScalarNode) or kind not in ("int", "float", "str"):
        raise ValueError(_NO_NUMBERS.get(kind, "not a number"))
    if node.style:
        raise ValueError("text in quotes, not a number")
    if numbers.NUMBER_PATTERN.fullmatch(node.value) is None:
        raise ValueError("not a number in plain digits")
    value = numbers.parse_number(node.value)
    if not known.accepts(value):
        raise ValueError(f"{numbers.plain(value)} is out of range")
    return numbers.canonical(numbers.EXACT.scaleb(value, known.exponent))
