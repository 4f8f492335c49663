"""What checks say, made by hand, and the lines of alert logs, read back."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.domain.reconciling import Evaluation
from performance_pipeline.domain.summary import TargetResult
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY
from performance_pipeline_tests.support.schemas import validator

NOW: Final = datetime(2025, 6, 10, 18, tzinfo=UTC)  # while every window of DAY runs
ALERT_VALIDATOR: Final = validator("alert")


def verdict(
    status: str, severity: str | None = None, metric: str = "win_rate", actual: str | None = "0.55"
) -> TargetResult:
    fields: dict[str, Any] = {
        "metric": metric,
        "actual": None if actual is None else Decimal(actual),
        "target": Decimal("0.6"),
        "severity": severity,
        "variance": None if actual is None else Decimal(actual) - Decimal("0.6"),
        "status": status,
    }
    return TargetResult(**fields)


WARN: Final = verdict("breached", "WARN")
CRITICAL: Final = verdict("breached", "CRITICAL", actual="0.3")
MET: Final = verdict("met", actual="0.65")


def evaluation(
    *verdicts: TargetResult,
    window: Window = Window.DAILY,
    day: date = DAY,
    alert_status: Any = None,
    run_id: str = "run-1",
) -> Evaluation:
    """What the check says of the window that holds `day`, in UTC."""
    period = Period.of(window, day)
    severities = {one.severity for one in verdicts}
    worst: Any = next((one for one in ("CRITICAL", "WARN") if one in severities), "OK")
    return Evaluation(
        window=window,
        period=period.key,
        start_date=period.first_day,
        end_date=period.last_day,
        ends_at=datetime.combine(period.last_day + ONE_DAY, datetime.min.time(), tzinfo=UTC),
        alert_status=alert_status or worst,
        targets=verdicts,
        asset_key=f"{window}_summary",
        run_id=run_id,
    )


def alert(**changes: object) -> AlertEvent:
    fields: dict[str, object] = {
        "id": "daily-2025-06-10-win_rate-1",
        "status": "raised",
        "window": Window.DAILY,
        "period": DAY,
        "start_date": DAY,
        "end_date": DAY,
        "metric": "win_rate",
        "actual": Decimal("0.4"),
        "target": Decimal("0.5"),
        "severity": "WARN",
        "message": "win_rate 0.4 below its target 0.5",
        "late": False,
        "raised_at": LATER,
        "asset_key": "daily_summary",
        "run_id": "run",
    }
    return AlertEvent(**{**fields, **changes})  # type: ignore[arg-type]


def documents(path: Path) -> list[dict[str, Any]]:
    """The lines at `path`, each held against the schema."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for document in found:
        ALERT_VALIDATOR.validate(document)
    return found
