"""An operator's targets: parsing their YAML, and holding a summary against them.

What belongs here is what a target means: which metric it judges, in which window, and when. Reading
the file, logging its faults and turning verdicts into alerts happen elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from itertools import product
from typing import Final, NamedTuple, TypeAlias

import msgspec
import yaml

from performance_pipeline.domain import numbers
from performance_pipeline.domain.metrics import PerformanceSummary, TargetResult
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window


class _Number(NamedTuple):
    """What may be written for a key, and what a target judges: daily, over days, rolling."""

    accepted: str
    metrics: tuple[str | None, ...] = ()
    accepts: Callable[[Decimal], bool] = lambda _: True


_Path: TypeAlias = tuple[str, ...]
_Known: TypeAlias = "_Number | _Schema"
_Schema: TypeAlias = Mapping[str, _Known]

# In the order in which verdicts are published.
_LINES: Final[Mapping[str, _Number]] = {
    "win_rate_target": _Number("0 to 100, in percent", ("win_rate",) * 3, lambda n: 0 <= n <= 100),
    "avg_risk_reward_target": _Number("a number like 2", ("avg_risk_reward_ratio",) * 3),
    "daily_pl_target": _Number("a number like 100", ("realized_pnl", "avg_daily_pnl", None)),
    "trades_per_day_target": _Number("a number like 20", ("total_trades", "trades_per_day", None)),
    "max_drawdown_target": _Number("0 or less, as -1500", ("max_drawdown",) * 3, lambda n: n <= 0),
}
_MORE: Final[_Schema] = {
    "critical": _LINES,
    "min_trades": _Number("a whole number from 1", accepts=lambda n: n >= 1 and n == int(n)),
}
_WINDOWS: Final[_Schema] = {window.value: {**_LINES, **_MORE} for window in PARTITIONED_WINDOWS}
_FILE: Final[_Schema] = {**_LINES, "alerts": {**_MORE, "windows": _WINDOWS}}
_PLACES: Final = {
    **dict.fromkeys(_WINDOWS, "under alerts.windows"),
    **dict.fromkeys((*_MORE, "windows"), "under alerts"),
    **dict.fromkeys(_FILE, "at the top level"),
}
_NULL: Final = "tag:yaml.org,2002:null"
_NO_NUMBERS: Final = {"bool": "true or false", "timestamp": "a date", "seq": "a list"}


class TargetLine(NamedTuple):
    """One target in force, in the metric's own unit: a win rate of 60 percent is 0.6."""

    metric: str
    target: Decimal
    critical: Decimal | None
    min_trades: int


@dataclass(frozen=True)
class Targets:
    """The targets of one valid file: what is written (None: turned off), by its path of keys."""

    written: Mapping[_Path, Decimal | None]

    def for_window(self, window: Window) -> tuple[TargetLine, ...]:
        """The lines in force in `window`; a range of days is judged like a week."""
        window = Window.WEEKLY if window is Window.RANGE else window
        column = {Window.DAILY: 0, Window.ROLLING: 2}.get(window, 1)
        min_trades = int(self.written.get(self.source(window, "min_trades")) or 1)
        lines = []
        for key, known in _LINES.items():
            metric, target = known.metrics[column], self.written.get(self.source(window, key))
            if metric is not None and target is not None:
                critical = self.written.get(self.source(window, key, critical=True))
                lines.append(TargetLine(metric, target, critical, min_trades))
        return tuple(lines)

    def source(self, window: Window | None, key: str, *, critical: bool = False) -> _Path:
        """The path of what is in force in `window` (None: outside windows), () for nothing."""
        own: _Path = ("alerts", "windows", str(window))
        paths = [(*own, key), (key,) if key in _LINES else ("alerts", key)]
        if critical:  # a whole `critical` is written only where it is null
            own = (*own, "critical")
            paths = [(*own, key), own, ("alerts", "critical", key)]
        if window is None:
            paths = paths[-1:]
        elif key == "max_drawdown_target" and window is not Window.DAILY:
            paths.pop()  # what a day may lose says nothing about a longer window
        return next((path for path in paths if path in self.written), ())


@dataclass(frozen=True)
class TargetsFile:
    """What a targets file says; it has targets exactly when it has no errors."""

    targets: Targets | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judged(
    summary: PerformanceSummary, file: TargetsFile | None, *, now: datetime, rolling_window: int
) -> PerformanceSummary:
    """`summary` with its verdicts, given what the targets file says (None: there is no file).

    A valid file without a target for this window judges nothing and is OK, not NO_TARGETS: the
    alert of a target taken out may then be resolved, which a missing file must never do.
    """
    if file is None or file.targets is None:
        status = "NO_TARGETS" if file is None else "INVALID_TARGETS"
        return msgspec.structs.replace(summary, targets=(), alert_status=status)
    results = judge(summary, file.targets, now=now, rolling_window=rolling_window)
    severities = {result.severity for result in results}
    worst = next((severity for severity in ("CRITICAL", "WARN") if severity in severities), "OK")
    status = worst if summary.total_trades else "NO_TRADES"
    return msgspec.structs.replace(summary, targets=results, alert_status=status)


def judge(
    summary: PerformanceSummary, targets: Targets, *, now: datetime, rolling_window: int
) -> tuple[TargetResult, ...]:
    """A verdict on each target in force in the summary's window; none without closed trades.

    While a period runs `pending` wins over `insufficient_data`: there may yet be trades enough.
    `min_trades` counts the trades a ratio is over, for planned R:R those with both levels, or a
    mean over one trade of fifty would be judged as if it were over fifty.
    """
    if not summary.total_trades:
        return ()
    rolling, closed = summary.window is Window.ROLLING, summary.total_trades
    running = not rolling and now < summary.ends_at
    too_short = rolling and closed < rolling_window
    ratios = {"win_rate": closed, "avg_risk_reward_ratio": summary.risk_reward_trades}
    return tuple(
        _verdict(
            line,
            _actual(summary, line.metric),
            pending=running and line.metric != "max_drawdown",
            few=too_short or ratios.get(line.metric, line.min_trades) < line.min_trades,
        )
        for line in targets.for_window(summary.window)
    )


def _actual(summary: PerformanceSummary, metric: str) -> Decimal | None:
    """The number as published: a verdict never rests on digits that nobody can see."""
    if metric == "trades_per_day":
        return numbers.divide_or_none(Decimal(summary.total_trades), summary.trading_days)
    value: Decimal | int | None = getattr(summary, metric)
    return Decimal(value) if isinstance(value, int) else value


def _verdict(line: TargetLine, actual: Decimal | None, pending: bool, few: bool) -> TargetResult:
    variance = None if actual is None else numbers.EXACT.subtract(actual, line.target)
    verdict = TargetResult(line.metric, actual, line.target, None, variance, "met")
    if pending or few or actual is None:
        status = "pending" if pending else "insufficient_data"
        return msgspec.structs.replace(verdict, status=status)
    if actual >= line.target:
        return verdict
    severity = "CRITICAL" if line.critical is not None and actual < line.critical else "WARN"
    return msgspec.structs.replace(verdict, status="breached", severity=severity)


def parse_targets(text: str, name: str) -> TargetsFile:
    """What the targets file `name` says, given its text; whatever that is, nothing is raised.

    Nothing but comments is a valid file. `null` turns off the target, `min_trades` or a window's
    `critical` it is written for; elsewhere it is an empty section, its lines all commented out.
    """
    file = _File(name)
    file.read_text(text)
    targets = Targets(file.written)
    if not file.errors:
        file.compare_sides(targets)
    warnings = tuple(said for _, said in sorted(file.warnings))
    if file.errors:
        return TargetsFile(None, tuple(said for _, said in sorted(file.errors)), warnings)
    absent = ", ".join(key for key in _LINES if file.written.get((key,)) is None)
    unset = f"{name}: not set, so checked only where alerts.windows sets it: {absent}"
    return TargetsFile(targets, (), (*warnings, unset) if absent else warnings)


class _File:
    """One file while it is read: the values in it, the nodes of their keys, what is wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.written: dict[_Path, Decimal | None] = {}
        self.keys: dict[_Path, yaml.Node] = {}
        self.ignored: set[yaml.Node] = set()
        self.errors: set[tuple[int, str]] = set()
        self.warnings: set[tuple[int, str]] = set()

    def say(self, found: set[tuple[int, str]], at: yaml.Node, path: _Path, what: str) -> None:
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

    def read(self, section: yaml.Node, schema: _Schema, path: _Path) -> None:
        """Take up a mapping; in one that is ignored (no schema) only keys standing twice matter."""
        if not schema and section in self.ignored:
            return  # an alias may stand inside what it names
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

    def take(self, key: yaml.Node, node: yaml.Node, known: _Known, path: _Path) -> None:
        self.keys[path] = key
        if node.tag == _NULL:
            self.written[path] = None
        elif isinstance(known, _Number):
            try:
                self.written[path] = _value(node, known)
            except ValueError as error:
                self.say(self.errors, key, path, f"{error}; accepted is {known.accepted}")
        elif isinstance(node, yaml.MappingNode):
            self.read(node, known, path)
        else:
            what = f"not a mapping; accepted are the keys {', '.join(known)}"
            self.say(self.errors, key, path, what)

    def say_unknown(self, key: yaml.Node, path: _Path, schema: _Schema) -> None:
        nearest = get_close_matches(path[-1], {**_PLACES, **schema}, n=1, cutoff=0)[0]
        place = "" if nearest in schema else f", {_PLACES[nearest]}"
        what = f"unknown key, ignored; the nearest known key is {nearest}{place}"
        if path[-1] == "<<":
            self.say(self.errors, key, path, "a merge; accepted are the keys themselves")
        else:
            self.say(self.warnings, key, path, what)

    def compare_sides(self, targets: Targets) -> None:
        """A critical line is the harder one: below its target, not at it, in every window."""
        for window, key in product((None, *PARTITIONED_WINDOWS), _LINES):
            paths = targets.source(window, key), targets.source(window, key, critical=True)
            target, critical = (self.written.get(path) for path in paths)
            if target is not None and critical is not None and critical >= target:
                goal, line = (self.keys[path].start_mark.line + 1 for path in paths)
                what = f"critical (line {line}) is on the wrong side of its target (line {goal})"
                # Of a line from above and one of a window's own, the window's own is to be mended.
                blamed = max(paths, key=len)
                self.say(self.errors, self.keys[blamed], blamed, f"{what}; accepted is below it")


def _shown(key: yaml.Node) -> str:
    """A key as text on one line, and one that is no text by where it stands."""
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
    scale = -2 if known is _LINES["win_rate_target"] else 0
    return numbers.canonical(numbers.EXACT.scaleb(value, scale))
