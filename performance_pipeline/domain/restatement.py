"""Restatements: what changed in the published numbers of a period that was already over."""

from decimal import Decimal
from typing import Final

from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.summary import PerformanceSummary

_RESTATED: Final = ("total_trades", "realized_pnl", "win_rate")


def restatement(before: PerformanceSummary | None, after: PerformanceSummary) -> str | None:
    """How `after` differs from `before`, the stored summary of its period; None if it does not.

    Only trades, P&L and win rate are compared. Without a stored summary, or when the period was
    still running when that was made, nothing is restated.
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
