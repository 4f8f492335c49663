"""What the definitions of commands share: what options take, what a shell completes, examples."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from performance_pipeline.domain.numbers import EXACT, parse_number
from performance_pipeline.places import A_PATH, ACCEPTED, Place, path_at, place_at
from performance_pipeline.setting_values import parse_date, time_zone

_Command = Callable[..., None]


def examples(text: str) -> Callable[[_Command], _Command]:
    """Append an example, kept line by line, to the help of a command."""

    def decorate(command: _Command) -> _Command:
        command.__doc__ = f"{inspect.getdoc(command)}\n\n\b\nExample:\n  {text}"
        return command

    return decorate


def day_option(name: str, *variables: str, help: str) -> Callable[[_Command], _Command]:
    """An option that takes a date."""
    return click.option(name, *variables, type=a_day, metavar="YYYY-MM-DD", help=help)


def number_option(
    name: str, accepted: click.IntRange, help: str, *, default: int | None = None
) -> Callable[[_Command], _Command]:
    """An option that takes a whole number."""
    return click.option(
        name,
        type=accepted,
        metavar="N",
        default=default,
        show_default=default is not None,
        help=help,
    )


def targets_option(help: str) -> Callable[[_Command], _Command]:
    """An option that takes a file of targets, to be tried beside or instead of those in force."""
    return click.option("--targets", "given", type=a_place, metavar="FILE", help=help)


def a_day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date; accepted is YYYY-MM-DD") from None


def a_place(text: str) -> Place:
    try:
        return place_at(text, "")
    except ValueError:
        raise click.BadParameter(f"{text!r} cannot be used; accepted is {ACCEPTED}") from None


def a_folder(text: str) -> Path:
    try:
        return path_at(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} cannot be used; accepted is {A_PATH}") from None


def a_zone(text: str) -> ZoneInfo:
    try:
        return time_zone(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no IANA time zone such as UTC") from None


def a_rate(text: str) -> Decimal:
    """A rate in percent, as the fraction that it is."""
    with suppress(ValueError):
        if 0 < (rate := parse_number(text)) < 100:
            return EXACT.scaleb(rate, -2)
    raise click.BadParameter(f"{text!r} is no rate; accepted is above 0 and below 100, in percent")


def above_zero(text: str) -> Decimal:
    with suppress(ValueError):
        if (number := parse_number(text)) > 0:
            return number
    raise click.BadParameter(f"{text!r} is no number above 0")


def complete_alerts(context: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.commands.completion import alert_ids

    return alert_ids(context, beginning)


def complete_active_alerts(
    context: click.Context, __: click.Parameter, beginning: str
) -> list[str]:
    from performance_pipeline.commands.completion import active_alert_ids

    return active_alert_ids(context, beginning)


def complete_formats(_: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.sources.formats import FORMATS

    return [name for name in FORMATS if name.startswith(beginning)]
