"""A period that was over and is told differently now: what changed, before and after."""

from decimal import Decimal
from typing import Final

from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.numbers import plain

_RESTATED: Final = ("total_trades", "realized_pnl", "win_rate")


def restatement(before: PerformanceSummary | None, after: PerformanceSummary) -> str | None:
    """What `after` changed of the closed period that `before` told; None when nothing that counts.

    The first telling of a period, and any while it still runs, restates nothing.
    """
    if before is None or before.running:
        return None
    changes = [
        f"{name} {_shown(getattr(before, name))} -> {_shown(getattr(after, name))}"
        for name in _RESTATED
        if getattr(before, name) != getattr(after, name)
    ]
    return ", ".join(changes) or None


def _shown(value: Decimal | int | None) -> str:
    if value is None:
        return "n/a"
    return plain(value) if isinstance(value, Decimal) else str(value)
