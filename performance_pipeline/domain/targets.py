"""An operator's targets: which metric each one asks about in which window, and what is in force.

Reading their YAML is the business of `targets_yaml.py`, holding a summary against them that of
`verdicts.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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

METRICS: Final[Mapping[Window, Mapping[str, str]]] = {
    Window.DAILY: {**_RATIOS, **_OF_ONE_DAY, **_DRAWDOWN},
    Window.WEEKLY: {**_RATIOS, **_OF_THE_AVERAGE_DAY, **_DRAWDOWN},
    Window.MONTHLY: {**_RATIOS, **_OF_THE_AVERAGE_DAY, **_DRAWDOWN},
    Window.ROLLING: {**_RATIOS, **_DRAWDOWN},
}
"""For each window, the metric that each key of the file judges, in the order of verdicts."""

TARGET_KEYS: Final = tuple(METRICS[Window.DAILY])
"""The five keys that the file shares with the bot's own dashboard."""

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


@dataclass(frozen=True)
class Targets:
    """The targets of one valid file: each value written (None: turned off), by its path of keys."""

    written: Mapping[KeyPath, Decimal | None]

    def for_window(self, window: Window) -> tuple[TargetLine, ...]:
        """The lines in force in `window`, in the order of verdicts.

        A range has none of its own: `verdicts.judged_like` says which window to ask for instead.
        """
        min_trades = int(self.written.get(self.source(window, "min_trades")) or 1)
        confidence = self.written.get(self.source(window, "confidence"))
        lines = []
        for key, metric in METRICS[window].items():
            target = self.written.get(self.source(window, key))
            if target is not None:
                critical = self.written.get(self.source(window, key, critical=True))
                asked = confidence if metric in TESTED_METRICS else None
                lines.append(TargetLine(metric, target, critical, min_trades, asked))
        return tuple(lines)

    def source(self, window: Window | None, key: str, *, critical: bool = False) -> KeyPath:
        """The path of what is in force for `key` in `window`; () when nothing is.

        Without a window: of what holds where no window says otherwise.
        """
        own: KeyPath = ("alerts", "windows", str(window))
        paths = [(*own, key), (key,) if key in TARGET_KEYS else ("alerts", key)]
        if critical:
            own = (*own, "critical")
            # `written` holds a whole section only where it is null: then all in it is turned off.
            paths = [(*own, key), own, ("alerts", "critical", key)]
        if window is None:
            paths = paths[-1:]
        elif key == "max_drawdown_target" and window is not Window.DAILY:
            paths.pop()  # What a day may lose says nothing about a longer window.
        return next((path for path in paths if path in self.written), ())


@dataclass(frozen=True)
class TargetsFile:
    """What is known of a targets file, in one of three states.

    Valid: it has `targets`. Invalid: it has `errors`. Neither: there is no such file. Warnings,
    like errors, are sentences for the operator.
    """

    targets: Targets | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
