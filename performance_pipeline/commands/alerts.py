"""`alerts list`, `explain` and `ack`: the alert log, folded to one state an alert."""

from collections.abc import Sequence
from functools import partial

import click
import msgspec

from performance_pipeline.domain.alerts import AlertEvent, acknowledge
from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.logs import list_logs
from performance_pipeline.storage.plain_json import encode_plain, plain_document


def show_alerts(settings: Settings, *, status: str | None, late_too: bool, as_json: bool) -> None:
    """Print the alerts, those that were late only when asked for.

    Raises LogFolderError when there is neither an alert log nor a log folder.
    """
    alerts = _alert_log(settings).alerts().values()
    asked = [alert for alert in alerts if status in (None, alert.status)]
    shown = [alert for alert in asked if late_too or not alert.late]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(plain_document(shown)), indent=2))
        return
    if shown:
        _show_table(shown)
    hidden = len(asked) - len(shown)
    click.echo(
        f"{len(shown)} alerts" + (f", {hidden} late ones hidden (--all)" if hidden else ""),
        err=True,
    )


def explain_alert(settings: Settings, alert_id: str, *, as_json: bool) -> None:
    """Print why an alert was raised, down to log lines.

    Raises UnknownAlertError and LogFolderError.
    """
    from performance_pipeline.pipeline.explaining import Explainer, history_of

    history = history_of(_alert_log(settings).events(), alert_id)
    explanation = Explainer(PerformanceTracker(settings)).explain(history)
    if as_json:
        click.echo(msgspec.json.format(encode_plain(explanation), indent=2))
        return
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.explanation_view import explanation_view

    show(partial(explanation_view, explanation))


def acknowledge_all(settings: Settings, ids: Sequence[str]) -> None:
    """Acknowledge `ids`, all or, when one is unknown or resolved, none; raises LogFolderError."""
    now = utc_now()
    lines = _alert_log(settings).update(lambda alerts: acknowledge(alerts, ids, now=now))
    click.echo(f"{len(lines)} acknowledged", err=True)


def _alert_log(settings: Settings) -> AlertLog:
    if not settings.alert_log.exists():
        # No alerts is good news, and must not be what a mistyped folder says.
        list_logs(settings.log_dir, utc_now().date())
    return AlertLog(
        settings.alert_log, tell=lambda sentence: click.echo(f"warning: {sentence}", err=True)
    )


def _show_table(alerts: Sequence[AlertEvent]) -> None:
    # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.alert_table import alert_table

    show(partial(alert_table, alerts))
