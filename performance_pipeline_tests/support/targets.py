"""Targets files as tests write them, and the many that hypothesis draws."""

import textwrap
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from performance_pipeline.domain.targets import Targets, TargetsFile
from performance_pipeline.domain.targets_yaml import parse_targets
from performance_pipeline.domain.windows import Window

FLAT = """\
win_rate_target: 60
avg_risk_reward_target: 1.5
daily_pl_target: 100
trades_per_day_target: 20
max_drawdown_target: -1500
"""

KEYS = [
    "win_rate_target",
    "avg_risk_reward_target",
    "daily_pl_target",
    "trades_per_day_target",
    "max_drawdown_target",
]


@cache
def parsed(text: str) -> TargetsFile:
    return parse_targets(textwrap.dedent(text), "t.yaml")


def targets(text: str) -> Targets:
    file = parsed(text)
    assert file.errors == ()
    assert file.targets is not None
    return file.targets


def lines(text: str, window: Window) -> dict[str, tuple[Decimal, Decimal | None]]:
    return {line.metric: (line.target, line.critical) for line in targets(text).for_window(window)}


NUMBERS = st.decimals(min_value=-9999, max_value=9999, places=8) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-5, max_value=5
)


@st.composite
def target_files(draw: st.DrawFn) -> tuple[str, str]:
    """One file twice: with critical lines, and without."""
    written, critical = [], []
    for key in KEYS:
        low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
        if key == "max_drawdown_target":
            low, high = -abs(low) - abs(high) - 1, -abs(high)
        if key == "win_rate_target":
            low, high = Decimal(10), 10 + abs(high) % 90
        if low < high and draw(st.booleans()):
            critical.append(f"{key}: {low}")
        written.append(f"{key}: {high}")
    flat = "\n".join(written)
    rest = f"min_trades: {draw(st.integers(1, 50))}"
    return (
        f"{flat}\nalerts: {{{rest}, critical: {{{', '.join(critical)}}}}}",
        f"{flat}\nalerts: {{{rest}}}",
    )
