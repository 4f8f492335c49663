"""How each of several bots stands now; trouble with one is told in its row, and stops no other."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import UnsetType

from performance_pipeline.domain.overview import (
    BotRow,
    BotState,
    DayResult,
    Overview,
    Result,
    Results,
)
from performance_pipeline.domain.summary import Room
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.places import Place
from performance_pipeline.reports.page.overview_html import overview_html
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.plain_json import plain_document
from performance_pipeline.storage.stores import store_at

DAYS_SHOWN: Final = 30


def overview(bots: Sequence[Settings], clock: Callable[[], datetime] = utc_now) -> Overview:
    """A row for each of `bots`, from its aggregates and alert log; nothing is written."""
    return Overview.of([_row(settings, clock) for settings in bots], clock())


def overview_document(found: Overview) -> dict[str, Any]:
    """`found` for programs: each bot with its figures beside its name, null where it has none."""
    document: dict[str, Any] = plain_document(found)
    nothing = dict.fromkeys(BotState.__struct_fields__)
    rows = []
    for row in document["bots"]:
        state = row["state"] or nothing
        results = state["results"] or dict.fromkeys(Results.__struct_fields__)
        figures = {name: value for name, value in state.items() if name != "results"}
        rows.append({"bot": row["bot"], "error": row["error"], **results, **figures})
    alerts = {name: document[name] for name in ("active_alerts", "critical_alerts")}
    return {
        "generated_at": document["generated_at"],
        "bots": rows,
        "total": {**document["total"], **alerts},
    }


def write_overview(path: Place, found: Overview) -> int:
    """Write the page of `found` to `path`, and return its size in bytes."""
    content = overview_html(found).encode()
    store_at(path.parent).write(path.name, content)
    return len(content)


def _row(settings: Settings, clock: Callable[[], datetime]) -> BotRow:
    try:
        tracker = PerformanceTracker(settings, clock)
        state = _state(tracker)
    except PipelineError as error:
        return BotRow(settings.bot, None, str(error))
    except OSError as error:
        return BotRow(settings.bot, None, f"{error.filename or settings.log_dir}: {error.strerror}")
    return BotRow(settings.bot, state, "; ".join(tracker.targets.errors) or None)


def _state(tracker: PerformanceTracker) -> BotState:
    today, week, month, rolling = (
        tracker.get_summary(window)
        for window in (Window.DAILY, Window.WEEKLY, Window.MONTHLY, Window.ROLLING)
    )
    alerts = AlertLog(tracker.settings.alert_log).alerts().values()
    active = [alert for alert in alerts if alert.active and not alert.late]
    room = today.room
    return BotState(
        results=Results(Result.of(today), Result.of(week), Result.of(month), Result.of(rolling)),
        active_alerts=len(active),
        critical_alerts=sum(alert.severity == "CRITICAL" for alert in active),
        room=Room(None, None) if isinstance(room, UnsetType) else room,
        data_quality=month.data_quality,
        days=tuple(
            DayResult(result.date, result.drawdown.total)
            for day in tracker.counted_days(_last_days(tracker))
            for result in tracker.day(day).aggregate.days
        ),
    )


def _last_days(tracker: PerformanceTracker) -> Period:
    return Period.spanning(tracker.first_of(DAYS_SHOWN), tracker.today)
