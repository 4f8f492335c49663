"""Backtest results as freqtrade writes them, its figures counted by its own rules, on doubles.

Written from what its reports and metrics do, version by version, so that every known reason for a
difference can occur. `pandas` sorts and groups where freqtrade lets it.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd

START: Final = datetime(2024, 2, 26, 10, tzinfo=UTC)  # a Monday
MONDAY_WEEKS: Final = "1W-MON"
CALENDAR_WEEKS: Final = "1W"


@dataclass
class Backtested:
    """One trade of a backtest, by its net profit; everything else follows."""

    profit: float
    closed: datetime = START
    pair: str = "ETH/USDT"
    ratio: float | None = None
    hours: float = 2
    fields: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Of 2026.9; in the order in which it writes the keys."""
        opened = self.closed - timedelta(hours=self.hours)
        amount, open_rate, fee = 0.5, 2400.0, 0.001
        value = amount * open_rate * (1 + fee) + self.profit
        return {
            "pair": self.pair,
            "stake_amount": amount * open_rate,
            "max_stake_amount": amount * open_rate,
            "amount": amount,
            "open_date": f"{opened:%Y-%m-%d %H:%M:%S}+00:00",
            "close_date": f"{self.closed:%Y-%m-%d %H:%M:%S}+00:00",
            "open_rate": open_rate,
            "close_rate": value / (amount * (1 - fee)),
            "fee_open": fee,
            "fee_close": fee,
            "trade_duration": int(self.hours * 60),
            "profit_ratio": round(self.profit / 1201.2, 8) if self.ratio is None else self.ratio,
            "profit_abs": self.profit,
            "exit_reason": "roi",
            "initial_stop_loss_abs": open_rate * 0.9,
            "is_open": False,
            "enter_tag": "golden_cross",
            "leverage": 1.0,
            "is_short": False,
            "open_timestamp": int(opened.timestamp() * 1000),
            "close_timestamp": int(self.closed.timestamp() * 1000),
            "orders": [
                {
                    "amount": amount,
                    "safe_price": open_rate,
                    "ft_order_side": "buy",
                    "order_filled_timestamp": int(opened.timestamp() * 1000),
                    "ft_is_entry": True,
                    "cost": amount * open_rate * (1 + fee),
                },
                {
                    "amount": amount,
                    "safe_price": value / (amount * (1 - fee)),
                    "ft_order_side": "sell",
                    "order_filled_timestamp": int(self.closed.timestamp() * 1000),
                    "ft_is_entry": False,
                    "cost": value,
                },
            ],
            "funding_fees": 0.0,
            **self.fields,
        }


def strategy_result(
    trades: Sequence[Backtested],
    *,
    weeks: str = MONDAY_WEEKS,
    peak_from_zero: bool = True,
    per_risk: bool = False,
    sort: Callable[[list[Backtested]], list[Backtested]] | None = None,
) -> dict[str, Any]:
    """What freqtrade writes of one strategy.

    `sort` is how it puts the trades in order for the drawdown, which leaves equal close times as
    it pleases; by default as they come. `peak_from_zero` and `per_risk` tell versions apart.
    """
    ordered = (sort or (lambda found: sorted(found, key=lambda trade: trade.closed)))([*trades])
    profits = [trade.profit for trade in trades]
    ratios = [trade.as_json()["profit_ratio"] for trade in trades]
    wins, losses = [one for one in profits if one > 0], [one for one in profits if one < 0]
    count = len(trades) or 1
    average_win = sum(wins) / len(wins) if wins else 0
    average_loss = abs(sum(losses)) / len(losses) if losses else 0
    expectancy = len(wins) / count * average_win - len(losses) / count * average_loss
    of_risk = (1 + average_win / average_loss) * len(wins) / count - 1 if average_loss else 1
    streaks = _streaks(ratios)
    pairs = sorted({trade.pair for trade in trades})
    return {
        "trades": [trade.as_json() for trade in trades],
        "locks": [],
        "results_per_pair": [
            *(_line(pair, [one.profit for one in trades if one.pair == pair]) for pair in pairs),
            _line("TOTAL", profits),
        ],
        "total_trades": len(trades),
        "profit_mean": sum(ratios) / len(ratios) if ratios else 0,
        "profit_total_abs": sum(profits),
        **(
            {"expectancy": of_risk if wins else 0}
            if per_risk
            else {"expectancy": expectancy, "expectancy_ratio": of_risk}
        ),
        "sortino": float("nan"),
        "profit_factor": sum(wins) / abs(sum(losses)) if losses else 0.0,
        "stake_currency": "USDT",
        "strategy_name": "SampleStrategy",
        "wins": sum(ratio > 0 for ratio in ratios),
        "losses": sum(ratio < 0 for ratio in ratios),
        "draws": sum(ratio == 0 for ratio in ratios),
        "winrate": sum(ratio > 0 for ratio in ratios) / count,
        "max_consecutive_wins": streaks["win"],
        "max_consecutive_losses": streaks["loss"],
        "daily_profit": [
            [f"{label:%Y-%m-%d}", round(sum(group), 10)]
            for label, group in _resampled(trades, "1D")
        ],
        "periodic_breakdown": {
            "day": _periods(trades, "1D"),
            "week": _periods(trades, weeks),
            "month": _periods(trades, "1ME"),
            "year": _periods(trades, "1YE"),
            "weekday": [
                {"date": f"{day:%A}", "date_ts": day.weekday(), **_period(group)}
                for day in (START + timedelta(days=number) for number in range(7))
                if (
                    group := [
                        trade.profit for trade in trades if trade.closed.weekday() == day.weekday()
                    ]
                )
            ],
        },
        "max_drawdown_abs": _drawdown(
            [trade.profit for trade in ordered], from_zero=peak_from_zero
        ),
    }


def _line(key: str, profits: Sequence[float]) -> dict[str, Any]:
    return {
        "key": key,
        "trades": len(profits),
        "profit_total_abs": sum(profits),
        "wins": sum(profit > 0 for profit in profits),
        "draws": sum(profit == 0 for profit in profits),
        "losses": sum(profit < 0 for profit in profits),
        "winrate": sum(profit > 0 for profit in profits) / len(profits) if profits else 0.0,
    }


def _streaks(ratios: Iterable[float]) -> dict[str, int]:
    """The longest runs in the order of the list; what is no win is a loss."""
    longest, run, last = {"win": 0, "loss": 0}, 0, ""
    for ratio in ratios:
        kind = "win" if ratio > 0 else "loss"
        run, last = run + 1 if kind == last else 1, kind
        longest[kind] = max(longest[kind], run)
    return longest


def _drawdown(profits: Sequence[float], *, from_zero: bool) -> float:
    total, deepest = 0.0, 0.0
    peak = 0.0 if from_zero else (profits[0] if profits else 0.0)
    for profit in profits:
        total += profit
        peak = max(peak, total)
        deepest = min(deepest, total - peak)
    return abs(deepest)


def _resampled(trades: Sequence[Backtested], rule: str) -> list[tuple[Any, list[float]]]:
    if not trades:
        return []
    frame = pd.DataFrame(
        {
            "closed": pd.to_datetime([trade.closed for trade in trades], utc=True),
            "profit": [trade.profit for trade in trades],
        }
    )
    return [(label, group["profit"].tolist()) for label, group in frame.resample(rule, on="closed")]


def _periods(trades: Sequence[Backtested], rule: str) -> list[dict[str, Any]]:
    return [
        {
            "date": f"{label:%d/%m/%Y}",
            "date_ts": int(label.timestamp() * 1000),
            **_period(group),
        }
        for label, group in _resampled(trades, rule)
    ]


def _period(profits: Sequence[float]) -> dict[str, Any]:
    lost = abs(sum(profit for profit in profits if profit < 0))
    won = sum(profit for profit in profits if profit > 0)
    return {
        "profit_abs": round(sum(profits), 10),
        "wins": sum(profit > 0 for profit in profits),
        "draws": sum(profit == 0 for profit in profits),
        "losses": sum(profit < 0 for profit in profits),
        "trades": len(profits),
        "profit_factor": round(won / lost if lost else 0.0, 8),
    }


def result(**strategies: dict[str, Any]) -> dict[str, Any]:
    """A whole result, of one strategy or several."""
    return {
        "strategy": strategies,
        "strategy_comparison": [
            {**strategy["results_per_pair"][-1], "key": name}
            for name, strategy in strategies.items()
        ],
    }


def write_result(path: Path, document: dict[str, Any]) -> Path:
    """As JSON, or as the zip that newer versions make of it, by the name of `path`."""
    if path.suffix != ".zip":
        path.write_text(json.dumps(document), encoding="utf-8")
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.json", json.dumps(document))
        archive.writestr(f"{path.stem}_config.json", json.dumps({"dry_run": True}))
        archive.writestr(f"{path.stem}_SampleStrategy.py", "class SampleStrategy: ...")
        archive.writestr(f"{path.stem}_SampleStrategy.json", json.dumps({"strategy_name": "S"}))
        archive.writestr(f"{path.stem}_market_change.feather", b"ARROW1\0\0")
    return path
