"""A bot to simulate that closes trades of every kind, and targets that ask all there is to ask."""

from decimal import Decimal
from typing import Final

from performance_pipeline.domain.simulation.bot import DrawnTrade

EVERYTHING: Final = """
    win_rate_target: 60
    avg_risk_reward_target: 1.5
    daily_pl_target: 2
    trades_per_day_target: 2
    max_drawdown_target: -6
    peak_drawdown_target: -25
    alerts:
      min_trades: 2
      critical:
        win_rate_target: 34
        avg_risk_reward_target: 1.2
        daily_pl_target: -4.5
        trades_per_day_target: 1
        max_drawdown_target: -9
        peak_drawdown_target: -60
      edge: {win_rate: 70, false_alarm_trades: 20}
      strategies:
        trend: {win_rate_target: 50, daily_pl_target: 1.5, min_trades: 3}
        range:
          max_drawdown_target: -4
          trades_per_day_target: 2
          critical: {max_drawdown_target: -7}
      windows:
        weekly: {max_drawdown_target: -9, confidence: 0.8}
        monthly: {max_drawdown_target: -15, confidence: 0.9, critical: {max_drawdown_target: -40}}
        rolling: {max_drawdown_target: -10, win_rate_target: 50}
"""
TRADES: Final = tuple(
    DrawnTrade(outcome, Decimal(pnl), None if ratio is None else Decimal(ratio), strategy)
    for outcome, pnl, ratio, strategy in (
        ("win", "3", "2", "trend"),
        ("win", "5.25", "1.5", "range"),
        ("win", "2", None, ""),
        ("loss", "-3", "1", "trend"),
        ("loss", "-4.5", "1.25", "range"),
        ("breakeven", "0", "1.5", "trend"),
        ("breakeven", "-0.1", None, "range"),
    )
)
