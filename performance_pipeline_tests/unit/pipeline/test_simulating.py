"""Simulated lives raise what the service would: written as logs and replayed, alert by alert."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from performance_pipeline.domain.simulation.bot import Bot, DrawnTrade
from performance_pipeline.domain.simulation.judging import CRITICAL, Judge
from performance_pipeline.domain.simulation.lives import DATES, Deck, Lives, Luck
from performance_pipeline.domain.targets import TargetLine
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.replaying import replay_targets
from performance_pipeline_tests.support.effort import often
from performance_pipeline_tests.support.lines import Place, line, place
from performance_pipeline_tests.support.simulation import EVERYTHING, TRADES
from performance_pipeline_tests.support.targets import targets

DAYS: Final = 120
ROLLING: Final = 6
Told = set[tuple[str, str]]


def a_life(seed: int, most_a_day: int) -> tuple[Deck, Lives]:
    bot = Bot(TRADES, tuple(tuple(range(most_a_day + 1)) for _ in range(7)), Decimal("0.5"))
    deck = Deck(bot, 100_000)
    return deck, Luck(deck, bot, 1, np.random.default_rng(seed)).lives(0.55, 0.4)


def simulated(deck: Deck, lives: Lives) -> Told:
    """The alerts of the first days, and how hard each came to be, as a replay tells them."""
    worst: dict[str, str] = {}
    raised: list[int] = []
    for window, target, severity, alerts in Judge(
        targets(EVERYTHING), ROLLING, deck, lives
    ).alerts():
        days = alerts.day[alerts.day < DAYS].tolist()
        if severity == CRITICAL and window is Window.ROLLING:
            # The episode that comes to be critical is that which was raised last.
            days = [max(before for before in raised if before <= day) for day in days]
        raised = days
        for day in days:
            period = Period.of(window, DATES[day])
            if period.last_day < DATES[DAYS]:
                worst[stem(window, period, target)] = "CRITICAL" if severity == CRITICAL else "WARN"
    return set(worst.items())


def stem(window: Window, period: Period, target: TargetLine) -> str:
    strategy = f"-{target.strategy}" if target.strategy else ""
    return f"{window}-{period.key}-{target.metric}{strategy}"


def written(folder: Path, lives: Lives) -> Place:
    """The logs of the first days of the only life."""
    (folder / "targets.yaml").write_text(EVERYTHING)
    logs = place(
        folder / "logs",
        TARGETS_FILE=str(folder / "targets.yaml"),
        START_DATE=str(DATES[0]),
        ALERT_ROLLING_WINDOW=str(ROLLING),
    )
    by_win = sorted(TRADES, key=lambda trade: trade.outcome != "win")
    for day in range(DAYS):
        closed = lives.drawn[lives.starts[0, day] : lives.starts[0, day + 1]]
        logs.write(DATES[day], *logged(day, [by_win[trade] for trade in closed]))
    return logs


def logged(day: int, trades: list[DrawnTrade]) -> Iterator[bytes]:
    for minute, trade in enumerate(trades):
        levels = {}
        if trade.planned_ratio is not None:
            levels = {"stop_loss": "99", "target": str(100 + trade.planned_ratio)}
        yield line(
            timestamp=f"{DATES[day]}T14:{minute:02}:00Z",
            outcome=trade.outcome,
            net_profit_loss=str(trade.pnl),
            strategy_name=trade.strategy,
            **levels,
        )


def replayed(logs: Place) -> Told:
    now = datetime.combine(DATES[DAYS], time(1), UTC)
    days = Period.spanning(DATES[0], DATES[DAYS - 1])
    found = replay_targets(logs.tracker(now), days, None).in_force
    # Of what still runs only falls are told, and not as hard as they may come to be.
    over = [one for one in found if Period.of(one.window, one.period).last_day < DATES[DAYS]]
    return {(one.id.rpartition("-")[0], one.severity) for one in over}


@pytest.mark.parametrize("seed", range(often(20, usual=1)))
def test_a_life_that_is_written_as_logs_and_replayed_raises_what_was_simulated(
    tmp_path: Path, seed: int
) -> None:
    # With at most a trade a day the ends of days, at which a replay looks, are all trades.
    deck, lives = a_life(seed, most_a_day=1)
    found = simulated(deck, lives)
    assert found == replayed(written(tmp_path, lives))
    assert {one.partition("-")[0] for one, _ in found} == {"daily", "weekly", "monthly", "rolling"}


@pytest.mark.parametrize("seed", range(often(20, usual=1)))
def test_so_does_one_with_many_trades_a_day_but_for_the_rolling_window(
    tmp_path: Path, seed: int
) -> None:
    deck, lives = a_life(seed, most_a_day=7)
    found, service = (
        {one for one in told if not one[0].startswith("rolling")}
        for told in (simulated(deck, lives), replayed(written(tmp_path, lives)))
    )
    assert found == service
    assert len({one.split("-", 4)[4] for one, _ in found}) > 9
