"""Jobs on alerts: how often the edge is told by luck, how soon a fall is, and what targets raise.

They measure no time: what counts is told of lives of a bot drawn at random, from seeds.
"""

from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.tables import Table
from performance_pipeline.domain.simulation.bot import made_up_bot
from performance_pipeline.domain.simulation.chances import Counted, count_chances
from performance_pipeline.domain.simulation.limits import lowest_published_as
from performance_pipeline.domain.simulation.lives import Flags, Floats
from performance_pipeline.domain.simulation.paths import edge_statistics
from performance_pipeline.domain.targets import Targets
from performance_pipeline.domain.targets_yaml import parse_targets

SHIPPED: Final = Path(__file__).parents[1] / "config" / "dashboard-targets.yaml"
# What was shipped before targets could be simulated.
BEFORE: Final = """
win_rate_target: 55
avg_risk_reward_target: 1.5
daily_pl_target: 100
trades_per_day_target: 20
max_drawdown_target: -1500
alerts:
  min_trades: 5
  critical: {win_rate_target: 40, daily_pl_target: -500, max_drawdown_target: -3000}
  windows:
    weekly:
      min_trades: 20
      max_drawdown_target: -3000
      critical: {daily_pl_target: -300, max_drawdown_target: -6000}
    monthly: {min_trades: 50, max_drawdown_target: -6000}
    rolling:
      win_rate_target: 50
      avg_risk_reward_target: null
      critical: {win_rate_target: 35}
"""

_SEED: Final = 20_001
_TRADES: Final = 1000
_WATCHED: Final = Decimal("0.6")
_FALLEN: Final = 0.45
_ALARMS_AT: Final = (500, 2000, 5000)
_TRADING_DAYS_A_YEAR: Final = 261


def edge_alarms(_: Path, quick: bool) -> Table:
    """Lives of decided trades, watched at the rate at which they win, and after a fall."""
    lives, dice = 100 if quick else 2000, np.random.default_rng(_SEED)
    same = _statistics(dice.random((lives, _TRADES)) < float(_WATCHED))
    fresh = _statistics(dice.random((lives, _TRADES)) < _FALLEN)
    rates = np.where(np.arange(2 * _TRADES) < _TRADES, float(_WATCHED), _FALLEN)
    running = _statistics(dice.random((lives, 2 * _TRADES)) < rates)
    rows = []
    for alarm_at in _ALARMS_AT:
        limit = lowest_published_as(Decimal(alarm_at))
        alarmed = same >= limit
        started = alarmed & ~np.pad(alarmed, ((0, 0), (1, 0)))[:, :-1]
        told = alarmed.any(axis=1)
        waits = np.where(told, alarmed.argmax(axis=1) + 1, _TRADES)
        quiet = running[running[:, _TRADES - 1] < limit][:, _TRADES:]
        rows.append(
            [
                f"{alarm_at:,}",
                f"{_percent(told.mean())} (at most {_percent(min(1, _TRADES / alarm_at))})",
                f"{waits.sum() / told.sum():,.0f}",
                f"{started.sum() / lives:.2f}",
                _median(fresh >= limit),
                _median(quiet >= limit),
            ]
        )
    return Table(
        f"The edge over {lives:,} lives of {_TRADES:,} trades, watched at 60 %",
        (
            "false alarm trades",
            "lives with a false alarm",
            "trades to the first one",
            "alerts a life",
            "45 % from the start: told after",
            "45 % after 1,000 at 60 %: told after",
        ),
        rows,
        [
            "Each trade of a life wins with the rate that is watched. An alarm is a statistic at or"
            " above the number of trades. Its promise is about the first: so many trades go by on"
            " average, at least, which over N trades leaves N / false_alarm_trades lives with one,"
            " at most. The trades to the first one are those lived through before it, over those"
            " lives. Alerts count also how often one is raised anew after it was resolved, for the"
            " statistic may go back and forth. Then the median of trades until a fall is told: of"
            " streams that begin with it, and of those without an alarm in force when it comes.",
        ],
    )


def shipped_targets(_: Path, quick: bool) -> Table:
    """The targets that are shipped, and those before, held against a bot just as good as they."""
    lives = 50 if quick else 2000
    rows = []
    found = [_lived(text, lives) for text in (BEFORE, SHIPPED.read_text(encoding="utf-8"))]
    for name in sorted(set(found[0]) | set(found[1]), key=_order):
        rows.append([name, *(cell for of in found for cell in of.get(name, ("-", "-")))])
    return Table(
        f"The shipped targets over {lives:,} lives of a year",
        (
            "window and metric",
            "before: alerts a year",
            "told after",
            "now: alerts a year",
            "told after",
        ),
        rows,
        [
            "A bot just as good as the targets ask: 55 % win, 20 trades a day, 100 a day, a planned"
            " reward of 1.5; every alert is a false one. Told after: the trades from a fall to 45 %"
            " on, at the median.",
        ],
    )


def _order(name: str) -> tuple[int, str]:
    windows = ("daily", "weekly", "monthly", "rolling", "all")
    return windows.index(name.partition(" ")[0]), name


def _lived(text: str, lives: int) -> dict[str, tuple[str, str]]:
    targets = parse_targets(text, "targets").targets
    assert targets is not None
    counted = lived_as_asked(targets, lives)
    rows = {
        f"{row.window} {row.metric}": _cells(row.unchanged.alerts_a_year, row.fallen.median_trades)
        for row in counted.targets
        if row.severity == "WARN"
    }
    together = counted.unchanged.alerts_a_year
    rows["all together"] = _cells(together, counted.fallen.median_trades)
    rows["all trading days between"] = (f"{_TRADING_DAYS_A_YEAR / together:.1f}", "")
    return rows


def lived_as_asked(targets: Targets, lives: int) -> Counted:
    """What `targets` raise over lives of a bot just as good as the shipped ones ask."""
    bot = made_up_bot(targets, Decimal("0.55"), Decimal(20))
    return count_chances(targets, bot, Decimal("0.45"), rolling_window=20, seed=_SEED, lives=lives)


def _cells(alerts: Decimal, trades: int | None) -> tuple[str, str]:
    return f"{alerts:.2f}", "over a year" if trades is None else f"{trades:,}"


def _statistics(won: Flags) -> Floats:
    """The statistic after each trade of each life."""
    lives, trades = won.shape
    flat = won.ravel()
    found = edge_statistics(flat, ~flat, np.arange(0, lives * trades, trades), _WATCHED)
    return found.reshape(lives, trades)


def _median(alarmed: Flags) -> str:
    """Trades until the first alarm, at the median over lives."""
    first = np.where(alarmed.any(axis=1), alarmed.argmax(axis=1) + 1, alarmed.shape[1] + 1)
    return f"{np.median(first):.0f} trades"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
