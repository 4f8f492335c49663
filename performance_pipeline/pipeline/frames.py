"""Summaries and trades as pandas DataFrames, for notebooks; the one place that uses pandas.

Money and ratios stay exact: their columns hold `Decimal` objects (dtype `object`), and None where
a value is undefined, never 0 and never NaN. pandas sums such a column exactly in Python's default
decimal context, up to 28 digits; for more, use `decimal.localcontext`.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Any, Final

import msgspec
import pandas as pd

from performance_pipeline.domain.log_reading import Record
from performance_pipeline.domain.numbers import ZERO
from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period, Window, log_days_of, trading_day
from performance_pipeline.pipeline.closed_trades import records_of
from performance_pipeline.pipeline.paired_rows import PairedRows, Row, trade_columns
from performance_pipeline.pipeline.tracker import PerformanceTracker, day_named, window_named
from performance_pipeline.storage.logs import log_name

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
    "win_rate_low": _DECIMAL,
    "win_rate_high": _DECIMAL,
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
    "peak_drawdown": _DECIMAL,
    "best_trade": _DECIMAL,
    "worst_trade": _DECIMAL,
    "squared_pnl_sum": _DECIMAL,
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
    "side": "string",
    "quantity": _DECIMAL,
    "price": _DECIMAL,
    "strategy": "string",
    "execution_mode": "string",
    "order_id": "string",
    "outcome": "string",
    "position": "string",
    "entered_at": _INSTANT,
    "exited_at": _INSTANT,
    "entry_file": "string",
    "entry_line": "int64",
    "pnl": _DECIMAL,
    "unrealized_pnl": _DECIMAL,
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

    `tracker` says whose logs; by default those of the environment's settings. Raises ValueError,
    naming the argument, for a window that is none of the four or a day that is no date (text is
    `YYYY-MM-DD`), and PipelineError when a setting or a log cannot be used.
    """
    window = window_named(window)
    asked = _asked(start, end)
    tracker = tracker or PerformanceTracker()
    days = tracker.counted_days(asked)
    periods = dict.fromkeys(Period.of(window, day) for day in days if day <= tracker.today)
    rows = [_summary_row(period, tracker.summarize(period)) for period in periods]
    return _frame(_SUMMARY_COLUMNS, rows, tracker.settings.timezone.key)


def load_trades(
    start: date | str, end: date | str, tracker: PerformanceTracker | None = None
) -> pd.DataFrame:
    """Every accepted record, closed or open, that counts on the trading days [start, end].

    One row a record in the order in which they count: by `instant` (a closed record's close, an
    open one's timestamp, in the summary time zone), then file and line. `file` and `line` (from
    1) say where it stands in the logs; `side` (BUY or SELL), `quantity` and `price` are what it
    says there. `pnl` is the net P&L of a closed record and 0 of an open one, so its sum, also by
    group or cumulated, is `realized_pnl`; `unrealized_pnl` is that of an open record, 0 of a
    closed one and None where it is unknown. `entered_at` and `exited_at` are as the record tells
    them, NaT where it does not. `still_open` is true for open records that no later record of the
    range supersedes, which are `open_trades`; `misdated` for those whose instant was moved into
    their file's day. Rejected and duplicate lines and those that the mode or account filter
    leaves out are not there, nor is any account.

    Where fills are paired, one row a closed trade, and one a lot that was opened in the range and
    is still open at its end, with what is left of it. `position` is then long or short (else ""),
    `file` and `line` are those of the fill that closed the trade, `entry_file` and `entry_line`
    (else "" and 0) those of the fill that opened the first lot it closes.

    Dtypes: `quantity`, `price`, `pnl`, `commission` and `slippage` are `Decimal` objects
    throughout; `unrealized_pnl`, `planned_risk_reward` and `hold_seconds` too, None where unknown;
    instants datetime64[us, <summary time zone>]; `trading_day` `datetime.date` objects; lines
    int64; text string; flags bool. An empty range gives no rows and the same columns and dtypes.

    Logs are read anew and held in memory. Warns of logs that have disappeared, whose trades only
    the summaries still count; where fills are paired they are here too. Raises like
    `load_summaries`.
    """
    asked = _asked(start, end)
    tracker = tracker or PerformanceTracker()
    days = tracker.counted_days(asked)
    if tracker.settings.pairing_rules is not None:
        rows = PairedRows(tracker, days).rows()
    else:
        rows = _record_rows(tracker, days)
    return _frame(_TRADE_COLUMNS, rows, tracker.settings.timezone.key)


def _record_rows(tracker: PerformanceTracker, days: Sequence[date]) -> list[Row]:
    zone = tracker.settings.timezone
    log_days = sorted({log_day for day in days for log_day in log_days_of(day, zone)})
    _warn_of_disappeared_logs(tracker, days)
    wanted = set(days)
    found = [
        (log_name(log_day), record, day)
        for log_day in log_days
        for record in records_of(tracker, log_day)
        if (day := trading_day(record.instant, zone)) in wanted
    ]
    # Logs follow each other, and the records of each are in order.
    last = {record.trade.order_id: record for _, record, _ in found}
    return [
        _record_row(file, record, day, superseded=last[record.trade.order_id] is not record)
        for file, record, day in found
    ]


def _asked(start: date | str, end: date | str) -> Period:
    return Period.spanning(day_named("start", start), day_named("end", end))


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
            stacklevel=4,
        )


def _summary_row(period: Period, summary: PerformanceSummary) -> dict[str, Any]:
    known = {"period": period.key, "data_quality": summary.data_quality.status}
    told = {name: getattr(summary, name) for name in _SUMMARY_COLUMNS if name not in known}
    if told["peak_drawdown"] is msgspec.UNSET:
        told["peak_drawdown"] = None
    return known | told


def _record_row(file: str, record: Record, day: date, *, superseded: bool) -> Row:
    trade, execution = record.trade, record.execution
    is_open = trade.outcome == "open"
    return trade_columns(trade) | {
        "trading_day": day,
        "file": file,
        "line": record.line,
        "side": execution.action,
        "quantity": execution.quantity,
        "price": execution.price,
        "entered_at": _representable(execution.entered_at),
        "exited_at": _representable(execution.exited_at),
        "entry_file": "",
        "entry_line": 0,
        "instant": record.instant,
        "pnl": ZERO if is_open else trade.pnl,
        "unrealized_pnl": trade.pnl if is_open else ZERO,
        "still_open": is_open and not (trade.order_id and superseded),
        "misdated": record.instant != trade.instant,
    }


def _representable(instant: datetime | None) -> datetime | None:
    """None for what some time zone would move out of the calendar; such a record is misdated."""
    if instant is None or not MINYEAR < instant.year < MAXYEAR:
        return None
    return instant


def _frame(columns: Mapping[str, str], rows: Sequence[Row], zone: str) -> pd.DataFrame:
    dtypes: dict[str, Any] = {_INSTANT: pd.DatetimeTZDtype("us", zone)}
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=dtypes.get(kind, kind))
            for name, kind in columns.items()
        }
    )
