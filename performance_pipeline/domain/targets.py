"""An operator's targets: which metric each one asks about in which window, and what is in force.

Reading their YAML is the business of `targets_yaml.py`, holding a summary against them that of
`verdicts.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from performance_pipeline.domain.windows import Window

KeyPath: TypeAlias = tuple[str, ...]
"""Where a value stands in the file: the keys that lead to it, its own last."""

_RATIOS: Final = {
    "win_rate_target": "win_rate",
    "avg_risk_reward_target": "avg_risk_reward_ratio",
}
_OF_ONE_DAY: Final = {"daily_pl_target": "realized_pnl", "trades_per_day_target": "total_trades"}
_OF_THE_AVERAGE_DAY: Final = {
    "daily_pl_target": "avg_daily_pnl",
    "trades_per_day_target": "trades_per_day",
}
_DRAWDOWN: Final = {"max_drawdown_target": "max_drawdown"}
_ROOM: Final = {"peak_drawdown_target": "peak_drawdown"}

METRICS: Final[Mapping[Window, Mapping[str, str]]] = {
    Window.DAILY: {**_RATIOS, **_OF_ONE_DAY, **_DRAWDOWN},
    Window.WEEKLY: {**_RATIOS, **_OF_THE_AVERAGE_DAY, **_DRAWDOWN},
    Window.MONTHLY: {**_RATIOS, **_OF_THE_AVERAGE_DAY, **_DRAWDOWN},
    Window.ROLLING: {**_RATIOS, **_DRAWDOWN, **_ROOM},
}
"""For each window, the metric that each key of the file judges, in the order of verdicts."""

EDGE: Final = "edge"
"""The metric of `alerts.edge`, judged in the rolling window: it must stay below its target."""

TARGET_METRICS: Final = frozenset({EDGE}.union(*(names.values() for names in METRICS.values())))
"""Every metric that a target can ask for, in any window."""

TARGET_KEYS: Final = tuple(METRICS[Window.DAILY])
"""The five keys that the file shares with the bot's own dashboard."""

_ASKED_FIRST: Final = ("min_trades", "confidence")

TESTED_METRICS: Final = ("win_rate", "realized_pnl", "avg_daily_pnl")
"""Those of which it can be said how likely a miss is by luck alone."""


class TargetLine(NamedTuple):
    """One target in force, in the metric's own unit: a win rate of 60 percent is 0.6."""

    metric: str
    target: Decimal
    critical: Decimal | None
    """The second, harder line, below the target; None without one."""
    min_trades: int
    """A ratio over fewer trades is not judged."""
    confidence: Decimal | None
    """How sure it must be that a miss is not luck, above 0 and below 1; None when luck is not asked
    about, as it never is of a metric that is not tested."""
    strategy: str = ""
    """Whose trades alone are judged; "" for all."""


class RoomTargets(NamedTuple):
    """The lowest that P&L may fall to; None without that target."""

    peak_drawdown: Decimal | None
    """Below its highest point of all."""
    max_drawdown: Decimal | None
    """Below its highest point of one day."""


class EdgeWatch(NamedTuple):
    """What `alerts.edge` asks for: see `domain/edge.py`."""

    win_rate: Decimal
    """What the win rate should be, above 0 and below 1."""
    alarm_at: Decimal
    """The statistic at which it has really fallen: `false_alarm_trades`."""


@dataclass(frozen=True)
class Targets:
    """The targets of one valid file: each value written (None: turned off), by its path of keys."""

    written: Mapping[KeyPath, Decimal | None]

    def for_window(self, window: Window) -> tuple[TargetLine, ...]:
        """The lines in force in `window`, in the order of verdicts.

        Those of all trades come first, then those of one strategy after the other. A range has
        none of its own: `verdicts.judged_like` says which window to ask for instead.
        """
        lines = self._lines(window)
        if window is Window.ROLLING and (edge := self.edge) is not None:
            lines.append(TargetLine(EDGE, edge.alarm_at, None, 1, None))
        for strategy in self.strategies:
            lines += self._lines(window, strategy)
        return tuple(lines)

    @property
    def edge(self) -> EdgeWatch | None:
        """What is asked of the win rate of all trades; None when nothing is."""
        win_rate, alarm_at = (
            self.written.get(("alerts", "edge", key)) for key in ("win_rate", "false_alarm_trades")
        )
        return None if win_rate is None or alarm_at is None else EdgeWatch(win_rate, alarm_at)

    @property
    def room(self) -> RoomTargets:
        """How far P&L may fall."""
        return RoomTargets(
            self.written.get(self.source(Window.ROLLING, "peak_drawdown_target")),
            self.written.get(self.source(Window.DAILY, "max_drawdown_target")),
        )

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that have targets of their own, as the file has them."""
        section = ("alerts", "strategies")
        return tuple(
            dict.fromkeys(path[2] for path in self.written if path[:2] == section and path[2:])
        )

    def _lines(self, window: Window, strategy: str = "") -> list[TargetLine]:
        def in_force(key: str, *, critical: bool = False) -> Decimal | None:
            return self.written.get(self.source(window, key, strategy, critical=critical))

        min_trades, confidence = int(in_force("min_trades") or 1), in_force("confidence")
        lines = []
        for key, metric in METRICS[window].items():
            if (target := in_force(key)) is not None:
                critical = in_force(key, critical=True)
                asked = confidence if metric in TESTED_METRICS else None
                lines.append(TargetLine(metric, target, critical, min_trades, asked, strategy))
        return lines

    def source(
        self, window: Window | None, key: str, strategy: str = "", *, critical: bool = False
    ) -> KeyPath:
        """The path of what is in force for `key` in `window`; () when nothing is.

        Without a window: of what holds where no window says otherwise. Of a strategy, targets are
        its own alone; what is asked before any is judged, such as `min_trades`, it has from all
        trades where it says nothing else.
        """
        if strategy:
            found = self._source_of_strategy(window, key, strategy, critical)
            if found or key not in _ASKED_FIRST:
                return found
        own: KeyPath = ("alerts", "windows", str(window))
        at_the_top = key in TARGET_KEYS or key in _ROOM
        paths = [(*own, key), (key,) if at_the_top else ("alerts", key)]
        if critical:
            own = (*own, "critical")
            # `written` holds a whole section only where it is null: then all in it is turned off.
            paths = [(*own, key), own, ("alerts", "critical", key)]
        if window is None:
            paths = paths[-1:]
        elif key == "max_drawdown_target" and window is not Window.DAILY:
            paths.pop()  # What a day may lose says nothing about a longer window.
        return self._first_written(paths)

    def _source_of_strategy(
        self, window: Window | None, key: str, strategy: str, critical: bool
    ) -> KeyPath:
        own: KeyPath = ("alerts", "strategies", strategy)
        if key in _ROOM or (key in _DRAWDOWN and window not in (None, Window.DAILY)):
            return ()
        section = (*own, "critical")
        return self._first_written([(*section, key), section] if critical else [(*own, key)])

    def _first_written(self, paths: Iterable[KeyPath]) -> KeyPath:
        return next((path for path in paths if path in self.written), ())


@dataclass(frozen=True)
class TargetsFile:
    """What is known of a targets file, in one of three states.

    Valid: it has `targets`. Invalid: it has `errors`. Neither: there is no such file. Warnings,
    like errors, are sentences for the operator. `places` says where a strategy of the targets
    stands, as `FILE:LINE`.
    """

    targets: Targets | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def meets(metric: str, actual: Decimal, target: Decimal) -> bool:
    """Whether `actual` is as the target asks: not below it, and of `edge` below it."""
    return actual < target if metric == EDGE else actual >= target


def unknown_strategies(file: TargetsFile, seen: Collection[str]) -> list[str]:
    """A sentence for each strategy of the targets that no trade `seen` in the logs belongs to."""
    # Imported here because most files name no strategy.
    from difflib import get_close_matches

    found = []
    for strategy, place in file.places.items():
        if strategy not in seen:
            near = get_close_matches(strategy, sorted(name for name in seen if name), 1, cutoff=0)
            hint = f"; the nearest is {near[0]}" if near else "; they hold none with a name yet"
            what = f"no closed trade in the logs is of this strategy{hint}"
            found.append(f"{place}: alerts.strategies.{strategy}: {what}")
    return found
