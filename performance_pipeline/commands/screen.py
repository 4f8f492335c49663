"""Putting a rich view on stdout: laid out for the terminal, plain and wide in a pipe."""

import os
import sys
from collections.abc import Callable
from typing import Final

import click
from rich.console import Console, RenderableType

PIPED_WIDTH: Final = 200


def show(view: Callable[[int], RenderableType]) -> None:
    """Print what `view` makes for the width at hand.

    Without a terminal, or with `NO_COLOR`, the same without any control code; where stdout cannot
    write a character, a question mark stands for it.
    """
    piped = not sys.stdout.isatty()
    console = Console(
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        width=PIPED_WIDTH if piped else None,
    )
    # Captured and printed by click, which tells a reader that has gone or a full disk like the
    # other commands do.
    with console.capture() as captured:
        console.print(view(console.width))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    encoding = console.encoding
    text = "\n".join([*lines, ""]).encode(encoding, "replace").decode(encoding)
    click.echo(text, nl=False, color=console.color_system is not None)
