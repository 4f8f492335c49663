"""`--bot`: which bot a command is about, where a file lists several."""

from collections.abc import Callable
from typing import Final

import click

from performance_pipeline.pipeline.bots import all_bots, chosen_bot
from performance_pipeline.settings import Settings

_CHOSEN: Final = "performance_pipeline.bot"


def bot_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option, before or after a command's name; the command asks `chosen_settings` then."""
    return click.option(
        "--bot",
        metavar="NAME",
        expose_value=False,
        callback=_remember,
        shell_complete=_names,
        help="Which bot, where config/bots.yaml lists several.",
    )(command)


def chosen_settings(context: click.Context | None = None) -> Settings:
    """The settings that the command of `context`, else the running one, is to go by.

    Raises PipelineError.
    """
    return chosen_bot(chosen_name(context))


def chosen_bots() -> list[Settings]:
    """Those of the bot that was named, else of all; raises PipelineError."""
    return all_bots() if chosen_name() is None else [chosen_settings()]


def chosen_name(context: click.Context | None = None) -> str | None:
    """The bot that was named, if any."""
    name: str | None = (context or click.get_current_context()).meta.get(_CHOSEN)
    return name


def _remember(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is not None:
        context.meta[_CHOSEN] = name


def _names(_: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.commands.completion import bot_names

    return bot_names(beginning)
