"""An operator's targets: parsing their YAML, and holding a summary against them.

What belongs here is what a target means: which metric it judges, in which window, and when. Reading
the file, logging its faults and turning verdicts into alerts happen elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import yaml
from yaml.reader import ReaderError

from performance_pipeline.domain.metrics import PerformanceSummary, TargetResult
from performance_pipeline.domain.numbers import (
    EXACT,
    NUMBER_PATTERN,
    canonical,
    divide_or_none,
    exact_arithmetic,
    parse_number,
    plain,
)
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window


class _Number(NamedTuple):
    """What may be written for one key."""

    accepted: str
    accepts: Callable[[Decimal], bool] = lambda _: True


_Path: TypeAlias = tuple[str, ...]
_Schema: TypeAlias = Mapping[str, "_Number | _Schema"]

# Per key the metric judged daily, weekly or monthly, and rolling, in the order of publication.
_METRICS: Final = {
    "win_rate_target": ("win_rate", "win_rate", "win_rate"),
    "avg_risk_reward_target": ("avg_risk_reward_ratio",) * 3,
    "daily_pl_target": ("realized_pnl", "avg_daily_pnl", None),
    "trades_per_day_target": ("total_trades", "trades_per_day", None),
    "max_drawdown_target": ("max_drawdown",) * 3,
}
_LINES: Final[_Schema] = {
    "win_rate_target": _Number("a percentage from 0 to 100, such as 60", lambda n: 0 <= n <= 100),
    "avg_risk_reward_target": _Number("a plain number such as 1.5"),
    "daily_pl_target": _Number("a plain number such as 100"),
    "trades_per_day_target": _Number("a plain number such as 20"),
    "max_drawdown_target": _Number("a plain number not above 0, such as -1500", lambda n: n <= 0),
}
_EXTRAS: Final[_Schema] = {
    "min_trades": _Number("a whole number from 1", lambda n: n >= 1 and n == round(n)),
    "critical": _LINES,
}
_WINDOWS: Final[_Schema] = {window.value: {**_LINES, **_EXTRAS} for window in PARTITIONED_WINDOWS}
_ALERTS: Final[_Schema] = {**_EXTRAS, "windows": _WINDOWS}
_FILE: Final[_Schema] = {**_LINES, "alerts": _ALERTS}


class TargetLine(NamedTuple):
    """One target in force, in the metric's own unit: a win rate of 60 percent is 0.6."""

    metric: str
    target: Decimal
    critical: Decimal | None


@dataclass(frozen=True)
class WindowTargets:
    """The targets in force in one kind of window, in the order of publication."""

    min_trades: int
    lines: tuple[TargetLine, ...]


@dataclass(frozen=True)
class Targets:
    """Every target of one file, resolved for each kind of window."""

    windows: Mapping[Window, WindowTargets]

    def for_window(self, window: Window) -> WindowTargets:
        """The lines in force in `window`; any range of days is judged like a week."""
        return self.windows[Window.WEEKLY if window is Window.RANGE else window]


@dataclass(frozen=True)
class TargetsFile:
    """What a targets file says. It is valid without errors; only then it has targets."""

    targets: Targets | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judged(
    summary: PerformanceSummary, file: TargetsFile | None, *, now: datetime, rolling_window: int
) -> PerformanceSummary:
    """`summary` with its verdicts, given what the targets file says (None: there is none).

    A valid file without a target for this window judges nothing and is OK, not NO_TARGETS: the
    alert of a target taken out may then be resolved, which a missing file must never do.
    """
    if file is None or file.targets is None:
        status = "NO_TARGETS" if file is None else "INVALID_TARGETS"
        return msgspec.structs.replace(summary, targets=(), alert_status=status)
    results = judge(summary, file.targets, now=now, rolling_window=rolling_window)
    severities = {result.severity for result in results}
    worst = next((level for level in ("CRITICAL", "WARN") if level in severities), "OK")
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
    in_force = targets.for_window(summary.window)
    rolling = summary.window is Window.ROLLING
    running = not rolling and now < summary.ends_at
    needed = {
        "win_rate": summary.total_trades < in_force.min_trades,
        "avg_risk_reward_ratio": summary.risk_reward_trades < in_force.min_trades,
    }
    too_short = rolling and summary.total_trades < rolling_window
    return tuple(
        _verdict(
            line,
            _actual(summary, line.metric),
            pending=running and line.metric != "max_drawdown",
            too_few=too_short or needed.get(line.metric, False),
        )
        for line in in_force.lines
    )


def _actual(summary: PerformanceSummary, metric: str) -> Decimal | None:
    """The number as published: a verdict never rests on digits that nobody can see."""
    if metric == "trades_per_day":
        return divide_or_none(Decimal(summary.total_trades), summary.trading_days)
    value: Decimal | int | None = getattr(summary, metric)
    return Decimal(value) if isinstance(value, int) else value


def _verdict(
    line: TargetLine, actual: Decimal | None, *, pending: bool, too_few: bool
) -> TargetResult:
    with exact_arithmetic():
        variance = None if actual is None else actual - line.target
    verdict = TargetResult(line.metric, actual, line.target, None, variance, "met")
    if pending:
        return msgspec.structs.replace(verdict, status="pending")
    if too_few or actual is None:
        return msgspec.structs.replace(verdict, status="insufficient_data")
    if actual >= line.target:
        return verdict
    critical = line.critical is not None and actual < line.critical
    severity = "CRITICAL" if critical else "WARN"
    return msgspec.structs.replace(verdict, status="breached", severity=severity)


def parse_targets(text: str, name: str) -> TargetsFile:
    """What the targets file `name` holds, given its text; whatever that is, nothing is raised.

    Only comments are a valid file. `null` turns off the target or `critical` it stands for; a whole
    section that is null is an empty one, as when all its lines are commented out.
    """
    file = _File(name)
    root = file.compose(text)
    if root is not None and root.tag != _NULL:
        file.find_repeated_keys(root)
        file.read_section(root, _FILE, ())
    if not file.errors:
        file.check_sides()
    if file.errors:
        return TargetsFile(None, file.lines_of(file.errors), file.lines_of(file.warnings))
    file.warn_of_unused()
    return TargetsFile(file.targets(), (), file.lines_of(file.warnings))


class _Written(NamedTuple):
    value: Decimal | None
    line: int


@dataclass
class _File:
    """One file while it is read: the numbers and nulls written in it, and what is wrong."""

    name: str
    written: dict[_Path, _Written] = field(default_factory=dict)
    errors: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)

    def compose(self, text: str) -> yaml.Node | None:
        """The YAML of `text` with positions kept; None when it holds nothing, or is none."""
        line, why = 1, "it cannot be read"
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, why = mark.line + 1 if mark else 1, error.problem or why
        except ReaderError as error:
            line, why = text.count("\n", 0, error.position) + 1, "a character not allowed there"
        except RecursionError:
            why = "it is nested too deeply"
        except (ValueError, OverflowError):  # PyYAML lets these out of escapes such as "\\UFFFFFFFF"
            pass
        self.errors.append((line, f"not YAML: {why}"))
        return None

    def find_repeated_keys(self, root: yaml.Node) -> None:
        """A key that stands twice in one mapping is an error anywhere, in ignored sections too."""
        waiting: list[tuple[_Path, yaml.Node]] = [((), root)]
        seen = set()  # an alias may stand inside what it names
        while waiting:
            path, node = waiting.pop()
            if id(node) in seen or isinstance(node, yaml.ScalarNode):
                continue
            seen.add(id(node))
            first: dict[tuple[str, str], int] = {}
            for item in node.value:
                key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
                here = path
                if key is not None:
                    here = (*path, _shown(key))
                    waiting.append((path, key))
                waiting.append((here, value))
