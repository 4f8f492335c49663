"""Shell completion: the script that a shell loads, and what it is offered for alert ids."""

import click
from click.shell_completion import get_completion_class

from performance_pipeline.commands.choosing import chosen_settings
from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.bots import all_bots
from performance_pipeline.storage.alert_log import AlertLog


def completion_script(shell: str, program: click.Command, name: str) -> str:
    """The script that makes `shell` complete the arguments of `program`, called `name`."""
    variable = f"_{name.upper().replace('-', '_')}_COMPLETE"
    completion = get_completion_class(shell)
    assert completion is not None, f"click knows no {shell}"
    # What `source` of click's own class prints, without asking the shell for its version.
    instance = completion(program, {}, name, variable)
    return instance.source_template % instance.source_vars()


def bot_names(beginning: str) -> list[str]:
    """The bots that `--bot` accepts; none when their file cannot be used."""
    try:
        return [one.bot for one in all_bots() if one.bot and one.bot.startswith(beginning)]
    except (PipelineError, OSError):
        return []


def active_alert_ids(context: click.Context, beginning: str) -> list[str]:
    """The ids that `alerts ack` accepts; none when the alert log cannot be read."""
    return [
        key for key, alert in _alerts(context).items() if alert.active and key.startswith(beginning)
    ]


def alert_ids(context: click.Context, beginning: str) -> list[str]:
    """The ids that `alerts explain` accepts; none when the alert log cannot be read."""
    return [key for key in _alerts(context) if key.startswith(beginning)]


def _alerts(context: click.Context) -> dict[str, AlertEvent]:
    try:
        return AlertLog(chosen_settings(context).alert_log, tell=lambda _: None).alerts()
    except (PipelineError, OSError):
        return {}  # Someone is typing: the command itself will say what is wrong.
