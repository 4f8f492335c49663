"""What Dagster shows of a result: numbers it can plot over partitions, text and links.

Plotted numbers are floats of 6 decimals, good for a curve and nothing else; the exact numbers
are in the files that the metadata links to.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import dagster as dg

from performance_pipeline.domain.positions import OpenPosition
from performance_pipeline.domain.reconciling import evaluation_of
from performance_pipeline.domain.summary import PerformanceSummary, TargetResult
from performance_pipeline.domain.windows import Period, start_of_day
from performance_pipeline.pipeline.publishing import Published
from performance_pipeline.places import Place
from performance_pipeline.reports.equity_thumbnail import equity_image
from performance_pipeline.reports.markdown import headline
from performance_pipeline.reports.number_format import compared, number, price, quantity
from performance_pipeline.reports.page.data import ReportData
from performance_pipeline.reports.wording import judged_name, moment, verdict_status
from performance_pipeline.settings import Settings
from performance_pipeline.storage.aggregates import Day
from performance_pipeline.storage.plain_json import plain_document
from performance_pipeline.storage.stores import where

VERDICTS: Final = "verdicts"

_STATUSES: Final = {"insufficient_data": "too little data"}
_POSITION_COLUMNS: Final = ("symbol", "mode", "side", "quantity", "avg price", "opened")

_COSTS_SHOWN: Final = 5

Metadata = Mapping[str, dg.MetadataValue]


def summary_metadata(published: Published) -> Metadata:
    """Of one summary partition; a metric that is undefined is left out, never plotted as 0."""
    summary, path, restated = published.summary, published.path, published.restated
    quality = summary.data_quality
    plotted = {
        "win_rate": summary.win_rate,
        "realized_pnl": summary.realized_pnl,
        "max_drawdown": summary.max_drawdown,
        "profit_factor": summary.profit_factor,
        "expectancy": summary.expectancy,
    }
    return {
        "summary": dg.MetadataValue.md(_under_curve(published.markdown, summary, published.steps)),
        "total_trades": dg.MetadataValue.int(summary.total_trades),
        **{name: _plotted(value) for name, value in plotted.items() if value is not None},
        "alert_status": dg.MetadataValue.text(summary.alert_status),
        **({"restated": dg.MetadataValue.text(restated)} if restated else {}),
        "targets": _target_table(summary),
        "json": dg.MetadataValue.path(where(path)),
        "markdown": dg.MetadataValue.path(where(published.markdown_path)),
        "data_quality": dg.MetadataValue.text(quality.status),
        "missing_days": dg.MetadataValue.int(len(quality.missing_days)),
        "rejected_lines": dg.MetadataValue.int(quality.rejected),
        **_positions(summary.open_positions, quality.unmatched_exits),
    }


def _under_curve(markdown: str, summary: PerformanceSummary, steps: Sequence[Decimal]) -> str:
    alt = f"Equity curve of {len(steps)} steps from 0 to {number(summary.realized_pnl)}"
    image = equity_image(steps, alt)
    return f"{image}\n\n{markdown}" if image else markdown


def aggregate_metadata(day: Day, path: Place, settings: Settings) -> Metadata:
    """Of one daily aggregate."""
    stats, quality = day.aggregate.stats, day.aggregate.quality
    open_trades, positions = day.aggregate.opens.open_trades, None
    if settings.pairing_rules is not None:
        book = day.book.load()
        open_trades = book.lots_opened_since(start_of_day(day.date, settings.timezone))
        positions = book.published(settings.timezone)
    return {
        "total_trades": dg.MetadataValue.int(stats.total_trades),
        "open_trades": dg.MetadataValue.int(open_trades),
        "realized_pnl": _plotted(stats.realized_pnl),
        "max_drawdown": _plotted(stats.drawdown.worst),
        "aggregate": dg.MetadataValue.path(where(path)),
        **quality_metadata(day),
        "accepted_lines": dg.MetadataValue.int(quality.accepted),
        "duplicate_lines": dg.MetadataValue.int(quality.duplicates),
        **_positions(positions, quality.unmatched_exits),
    }


def _positions(positions: Sequence[OpenPosition] | None, unmatched_exits: int) -> Metadata:
    """What is held at the end, and what found nothing to close; nothing where none is paired."""
    if positions is None:
        return {}
    return {
        "open_positions": dg.MetadataValue.int(len(positions)),
        "positions": table(_POSITION_COLUMNS, map(_position_row, positions)),
        "unmatched_exits": dg.MetadataValue.int(unmatched_exits),
    }


def _position_row(position: OpenPosition) -> tuple[str, ...]:
    return (
        position.symbol,
        position.execution_mode,
        position.side,
        quantity(position.quantity),
        price(position.average_price),
        moment(position.opened_at),
    )


def report_metadata(report: ReportData, path: Place, size: int) -> Metadata:
    """Of the report: where it is, what it covers, its equity curve and its headline."""
    summary, period = report.summary, report.period
    steps = [day.realized_pnl for day in report.equity]
    return {
        "report": dg.MetadataValue.path(where(path)),
        "bytes": dg.MetadataValue.int(size),
        "first_day": dg.MetadataValue.text(period.first_day.isoformat()),
        "last_day": dg.MetadataValue.text(period.last_day.isoformat()),
        "total_trades": dg.MetadataValue.int(summary.total_trades),
        "realized_pnl": _plotted(summary.realized_pnl),
        "alert_status": dg.MetadataValue.text(summary.alert_status),
        "headline": dg.MetadataValue.md(_under_curve(headline(summary), summary, steps)),
    }


def quality_metadata(day: Day) -> Metadata:
    """What `log_is_clean` looks at of a day."""
    quality = day.aggregate.quality
    return {
        "rejected_lines": dg.MetadataValue.int(quality.rejected),
        "misdated_records": dg.MetadataValue.int(quality.misdated),
        "outcome_conflicts": dg.MetadataValue.int(quality.outcome_conflicts),
    }


def verdict_metadata(period: Period, summary: PerformanceSummary) -> Metadata:
    """What `meets_targets` publishes: a table to look at, and the exact verdicts to act on."""
    return {
        "alert_status": dg.MetadataValue.text(summary.alert_status),
        "targets": _target_table(summary),
        **_costs(summary),
        VERDICTS: dg.MetadataValue.json(plain_document(evaluation_of(period, summary))),
    }


def _costs(summary: PerformanceSummary) -> Metadata:
    """Which strategies and symbols cost most, of a breach alone; `alerts explain` names trades."""
    if all(result.status != "breached" for result in summary.targets):
        return {}
    lost = [
        (row.realized_pnl, name, row.total_trades, kind)
        for kind, rows in (("strategy", summary.by_strategy), ("symbol", summary.by_symbol))
        for name, row in rows.items()
        if row.realized_pnl < 0
    ]
    return {
        "cost_most": table(
            ("by", "name", "trades", "P&L"),
            (
                (kind, name or "(none)", str(trades), number(pnl))
                for pnl, name, trades, kind in sorted(lost)[:_COSTS_SHOWN]
            ),
        )
    }


def _target_table(summary: PerformanceSummary) -> dg.TableMetadataValue:
    return table(
        ("metric", "actual", "target", "variance", "status"),
        (
            (
                judged_name(result.metric, result.strategy),
                *compared(result.metric, result.actual, result.target),
                _said(result),
            )
            for result in summary.targets
        ),
    )


def _said(result: TargetResult) -> str:
    status = _STATUSES.get(result.status) or verdict_status(result)
    return f"{status} {result.severity or ''}".rstrip()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dg.TableMetadataValue:
    """A table of text; each row has its cells in the order of `columns`.

    On an asset's page at 1440 pixels there is room for some 45 letters beside each other, less two
    for each column; cells are broken at spaces and hyphens, and what does not fit is cut off.
    """
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]),
    )


def _plotted(value: Decimal) -> dg.FloatMetadataValue:
    return dg.MetadataValue.float(round(float(value), 6))
