"""`alerts` and the commands below it."""

import sys

import click

from performance_pipeline.cli.exits import EXIT_ERROR
from performance_pipeline.cli.options import complete_active_alerts, complete_alerts, examples
from performance_pipeline.commands.choosing import bot_option, chosen_settings
from performance_pipeline.domain.alerts import STATES
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window


@click.group()
def alerts() -> None:
    """Show, explain and acknowledge target breaches."""


@alerts.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only alerts in this state.")
@click.option("--all", "late_too", is_flag=True, help="Also those raised long after their window.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array on stdout.")
@bot_option
@examples("performance-pipeline alerts list --status raised")
def list_alerts(status: str | None, late_too: bool, as_json: bool) -> None:
    """Show the state of every alert, oldest first."""
    from performance_pipeline.commands.alerts import show_alerts

    show_alerts(chosen_settings(), status=status, late_too=late_too, as_json=as_json)


@alerts.command("explain")
@click.argument("alert_id", metavar="ID", shell_complete=complete_alerts)
@click.option("--json", "as_json", is_flag=True, help="The explanation document on stdout.")
@bot_option
@examples("performance-pipeline alerts explain weekly-2025-10-06-win_rate-1")
def explain(alert_id: str, as_json: bool) -> None:
    """Show why an alert was raised.

    Its target, what was found and what cost most, and the trades, each with its log and line.
    """
    from performance_pipeline.commands.alerts import explain_alert

    explain_alert(chosen_settings(), alert_id, as_json=as_json)


@alerts.command("ack")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete_active_alerts)
@click.option("--all", "every", is_flag=True, help="All active alerts.")
@click.option(
    "--window",
    type=click.Choice([window.value for window in PARTITIONED_WINDOWS]),
    help="The active alerts of a window.",
)
@click.option("--metric", metavar="METRIC", help="The active alerts of a metric.")
@click.option("--strategy", metavar="NAME", help="The active alerts of a strategy.")
@bot_option
@examples("performance-pipeline alerts ack --window daily --metric win_rate")
def acknowledge_alerts(
    ids: tuple[str, ...],
    every: bool,
    window: str | None,
    metric: str | None,
    strategy: str | None,
) -> None:
    """Acknowledge active alerts.

    Asks for their ids, for --all, or for one or more of --window, --metric and --strategy, which
    an alert must all match. The alert log records when.
    """
    from performance_pipeline.commands.alerts import acknowledge_active, acknowledge_ids

    some = any(option is not None for option in (window, metric, strategy))
    if bool(ids) == (every or some):
        raise click.UsageError("give ids, or --all, --window or --metric or --strategy")
    if every and some:
        raise click.UsageError("give --all, or --window and --metric and --strategy")
    settings = chosen_settings()
    if ids:
        acknowledge_ids(settings, ids)
    else:
        acknowledge_active(
            settings,
            window=Window(window) if window else None,
            metric=metric,
            strategy=strategy,
        )


@alerts.command("test")
@bot_option
@examples("performance-pipeline alerts test")
def test_alerts() -> None:
    """Send a test message to each URL of PERFORMANCE_NOTIFY."""
    from performance_pipeline.commands.alerts import send_test_message

    if not send_test_message(chosen_settings()):
        sys.exit(EXIT_ERROR)
