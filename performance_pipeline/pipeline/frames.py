"""Summaries and trades as pandas DataFrames, for notebooks; the one place that uses pandas.

Money and ratios stay exact: their columns hold `Decimal` objects (dtype `object`), and None where
a value is undefined, never 0 and never NaN. pandas sums such a column exactly in Python's default
decimal context, up to 28 digits; for more, use `decimal.localcontext`.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from performance_pipeline.domain.log_reading import Record, read_records
from performance_pipeline.domain.metrics import PerformanceSummary
from performance_pipeline.domain.windows import Period, Window, log_days_of, trading_day
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.settings import parse_date
from performance_pipeline.storage.logs import LogContent, log_name

_DECIMAL: Final = "object"
_DATE: Final = "object"
_INSTANT: Final = "instant"

_SUMMARY_COLUMNS: Final[Mapping[str, str]] = {
    "period": _DATE,
    "start_date": _DATE,
    "end_date": _DATE,
    "starts_at": _INSTANT,
    "ends_at": _INSTANT,
    "total_trades": "int64",
    "total_wins": "int64",
    "total_losses": "int64",
    "total_breakevens": "int64",
    "open_trades": "int64",
    "unrealized_pnl": _DECIMAL,
    "win_rate": _DECIMAL,
    "gross_profit": _DECIMAL,
    "gross_loss": _DECIMAL,
    "realized_pnl": _DECIMAL,
    "commission": _DECIMAL,
    "slippage": _DECIMAL,
    "avg_profit_per_win": _DECIMAL,
    "avg_loss_per_loss": _DECIMAL,
    "profit_factor": _DECIMAL,
    "payoff_ratio": _DECIMAL,
    "expectancy": _DECIMAL,
    "avg_risk_reward_ratio": _DECIMAL,
    "risk_reward_trades": "int64",
    "current_streak": "int64",
    "streak_type": "string",
    "longest_win_streak": "int64",
    "longest_loss_streak": "int64",
    "max_drawdown": _DECIMAL,
    "best_trade": _DECIMAL,
    "worst_trade": _DECIMAL,
    "avg_hold_seconds": _DECIMAL,
    "trading_days": "int64",
    "avg_daily_pnl": _DECIMAL,
    "alert_status": "string",
    "running": "bool",
    "data_quality": "string",
}
_TRADE_COLUMNS: Final[Mapping[str, str]] = {
    "instant": _INSTANT,
    "trading_day": _DATE,
    "file": "string",
    "line": "int64",
    "symbol": "string",
    "strategy": "string",
    "execution_mode": "string",
    "order_id": "string",
    "outcome": "string",
    "pnl": _DECIMAL,
    "commission": _DECIMAL,
    "slippage": _DECIMAL,
    "planned_risk_reward": _DECIMAL,
    "hold_seconds": _DECIMAL,
    "still_open": "bool",
    "misdated": "bool",
}


def load_summaries(
    window: Window | str,
    start: date | str,
    end: date | str,
    tracker: PerformanceTracker | None = None,
) -> pd.DataFrame:
    """Every daily, weekly, monthly or rolling summary that the days of [start, end] touch.

    One row a window, in time order, with the names and meanings of the summary JSON; `period` is
    the window's key. Windows are whole, also the first and the last one, and are computed from
    the aggregates; days before the first partition and after today have none.

    Dtypes: money, ratios and rates are `Decimal` objects, None where undefined; counts int64;
    `starts_at` and `ends_at` datetime64[us, <summary time zone>]; dates `datetime.date` objects;
    statuses string; `running` bool. An empty range gives no rows and the same columns and dtypes.

    `tracker` says whose logs; by default those of the environment's settings. Raises ValueError
    for a window that is none of the four or a day that is no date (text is `YYYY-MM-DD`), and
    PipelineError when a setting or a log cannot be used.
    """
    window = Window(window)
    tracker = tracker or PerformanceTracker()
    days = tracker.counted_days(Period.spanning(_day(start), _day(end)))
    periods = dict.fromkeys(Period.of(window, day) for day in days if day <= tracker.today)
    rows = [_summary_row(period, tracker.summarize(period)) for period in periods]
    return _frame(_SUMMARY_COLUMNS, rows, tracker.settings.timezone.key)


def load_trades(
    start: date | str, end: date | str, tracker: PerformanceTracker | None = None
) -> pd.DataFrame:
    """Every accepted record, closed or open, that counts on the trading days [start, end].

    One row a record in the order in which they count: by `instant` (a closed record's close, an
    open one's timestamp, in the summary time zone), then file and line. `file` and `line` (from
    1) say where it stands in the logs. `pnl` is the net P&L of a closed record, so the sum over
    `outcome != "open"` is `realized_pnl`; of an open one its unrealized P&L. `still_open` is true
    for open records that no later record of the range supersedes, which are `open_trades`;
    `misdated` for those whose instant was moved into their file's day. Rejected and duplicate
    lines and those that the mode or account filter leaves out are not there, nor is any account.

    Dtypes: `pnl`, `commission`, `slippage`, `planned_risk_reward` and `hold_seconds` are `Decimal`
    objects, None where unknown; `instant` datetime64[us, <summary time zone>]; `trading_day`
    `datetime.date` objects; `line` int64; text string; flags bool. An empty range gives no rows
    and the same columns and dtypes.

    Logs are read anew and held in memory. Warns of logs that have disappeared, whose trades only
    the summaries still count. Raises like `load_summaries`.
    """
    tracker = tracker or PerformanceTracker()
    days = tracker.counted_days(Period.spanning(_day(start), _day(end)))
    zone = tracker.settings.timezone
    log_days = sorted({log_day for day in days for log_day in log_days_of(day, zone)})
    _warn_of_disappeared_logs(tracker, days)
    wanted = set(days)
    found = [
        (log_name(log_day), record, day)
        for log_day in log_days
        for record in _records(tracker, log_day)
        if (day := trading_day(record.instant, zone)) in wanted
    ]
    # Logs follow each other, and the records of each are in order.
    last = {record.trade.order_id: record for _, record, _ in found}
    rows = [
        _trade_row(file, record, day, superseded=last[record.trade.order_id] is not record)
        for file, record, day in found
    ]
    return _frame(_TRADE_COLUMNS, rows, zone.key)


def _day(value: date | str) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else parse_date(value)


def _records(tracker: PerformanceTracker, log_day: date) -> Sequence[Record]:
    log = tracker.store.listing.files.get(log_day)
    if log is None:
        return ()
    content = LogContent(log, tracker.store.is_unfinished(log))
    return read_records(content.lines(), log_day, tracker.settings.rules)


def _warn_of_disappeared_logs(tracker: PerformanceTracker, days: Iterable[date]) -> None:
    gone: dict[str, None] = {}
    for day in days:
        there = tracker.store.listing.files
        if any(log_day not in there for log_day in log_days_of(day, tracker.settings.timezone)):
            known = tracker.day(day)
            gone |= dict.fromkeys((*known.kept_logs, *known.lost_logs))
    if gone:
        warnings.warn(
            f"logs that disappeared, and whose trades are not here: {', '.join(gone)}",
            stacklevel=3,
        )


def _summary_row(period: Period, summary: PerformanceSummary) -> dict[str, Any]:
    known = {"period": period.key, "data_quality": summary.data_quality.status}
    return known | {name: getattr(summary, name) for name in _SUMMARY_COLUMNS if name not in known}


def _trade_row(file: str, record: Record, day: date, *, superseded: bool) -> dict[str, Any]:
    trade = record.trade
    return {
        "instant": record.instant,
        "trading_day": day,
        "file": file,
        "line": record.line,
        "symbol": trade.symbol,
        "strategy": trade.strategy,
        "execution_mode": trade.mode,
        "order_id": trade.order_id,
        "outcome": trade.outcome,
        "pnl": trade.pnl,
        "commission": trade.commission,
        "slippage": trade.slippage,
        "planned_risk_reward": trade.planned_ratio,
        "hold_seconds": trade.hold_seconds,
        "still_open": trade.outcome == "open" and not (trade.order_id and superseded),
        "misdated": record.instant != trade.instant,
    }


def _frame(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], zone: str
) -> pd.DataFrame:
    dtypes: dict[str, Any] = {_INSTANT: pd.DatetimeTZDtype("us", zone)}
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=dtypes.get(kind, kind))
            for name, kind in columns.items()
        }
    )
