"""`alerts list`, `explain`, `ack` and `test`: the alert log, folded to one state an alert."""

from collections.abc import Sequence
from functools import partial

import click
import msgspec

from performance_pipeline.domain.alerts import AlertEvent, acknowledge, to_acknowledge
from performance_pipeline.domain.targets import TARGET_METRICS
from performance_pipeline.domain.windows import Window
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.logs import list_logs
from performance_pipeline.storage.plain_json import encode_plain, plain_document
from performance_pipeline.storage.stores import is_there


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
        ("1 alert" if len(shown) == 1 else f"{len(shown)} alerts")
        + (f", {hidden} late hidden (--all)" if hidden else ""),
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


def acknowledge_ids(settings: Settings, ids: Sequence[str]) -> None:
    """Acknowledge `ids`, all or, when one is unknown or resolved, none; raises LogFolderError."""
    now = utc_now()
    lines = _alert_log(settings).update(lambda alerts: acknowledge(alerts, ids, now=now))
    click.echo(f"{len(lines)} acknowledged", err=True)


def acknowledge_active(
    settings: Settings, *, window: Window | None, metric: str | None, strategy: str | None
) -> None:
    """Acknowledge the active alerts of a window, of a metric and of a strategy, or all.

    Raises LogFolderError, and PipelineError for a metric that no target has or a strategy that no
    alert is about.
    """
    log, now = _alert_log(settings), utc_now()
    if metric is not None:
        _check_metric(metric, log)
    if strategy is not None:
        _check_strategy(strategy, log)

    def decide(alerts: dict[str, AlertEvent]) -> list[AlertEvent]:
        return acknowledge(alerts, to_acknowledge(alerts, window, metric, strategy), now=now)

    lines = log.update(decide)
    click.echo(f"{len(lines)} acknowledged" if lines else "nothing to acknowledge", err=True)


def send_test_message(settings: Settings) -> bool:
    """Send a message to each URL, and say of each whether it arrived; whether all did.

    Raises PipelineError when there is no URL.
    """
    # Imported here because it loads the library that sends.
    from performance_pipeline.pipeline.apprise_sending import send
    from performance_pipeline.reports.alert_message import test_message

    if not settings.notify:
        named = settings.origins.named("PERFORMANCE_NOTIFY")
        raise PipelineError(f"{named} is empty: there is nobody to send a message to")
    arrived = True
    for url in settings.notify:
        trouble = send(url, test_message())
        arrived = arrived and trouble is None
        click.echo(f"{url}: {'arrived' if trouble is None else f'did not arrive: {trouble}'}")
    return arrived


def _check_metric(metric: str, log: AlertLog) -> None:
    """A metric that is mistyped must not read like one without alerts."""
    known = TARGET_METRICS | {alert.metric for alert in log.alerts().values()}
    if metric not in known:
        raise PipelineError(
            f"--metric {metric!r} has no target; accepted are {', '.join(sorted(known))}"
        )


def _check_strategy(strategy: str, log: AlertLog) -> None:
    known = sorted({alert.strategy for alert in log.alerts().values() if alert.strategy})
    if strategy not in known:
        raise PipelineError(
            f"--strategy {strategy!r}: no alert is about it; accepted are"
            f" {', '.join(known) or 'none yet'}"
        )


def _alert_log(settings: Settings) -> AlertLog:
    if not is_there(settings.alert_log):
        # No alerts is good news, and must not be what a mistyped folder says.
        list_logs(settings.log_dir, utc_now().date(), settings.origins)
    return AlertLog(
        settings.alert_log, tell=lambda sentence: click.echo(f"warning: {sentence}", err=True)
    )


def _show_table(alerts: Sequence[AlertEvent]) -> None:
    # Imported here because rich takes 50 ms, which nobody who asks for JSON should wait for.
    from performance_pipeline.commands.screen import show
    from performance_pipeline.reports.alert_table import alert_table

    show(partial(alert_table, alerts))
