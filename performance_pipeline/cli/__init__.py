"""The command line: `main`, and the program whose commands the other modules here define.

They parse arguments, make one call into `commands/`, and choose the exit status. `summary`,
`alerts`, `verify` and `doctor` import neither dagster nor pandas, which take most of a second:
what a command needs is imported when it is called.
"""

import os
import sys
from collections.abc import Sequence

import click

from performance_pipeline import __version__
from performance_pipeline.cli.alert_commands import alerts
from performance_pipeline.cli.exits import EXIT_ERROR
from performance_pipeline.cli.figure_commands import bots, doctor, report, summary, verify
from performance_pipeline.cli.instance_commands import backfill, demo, dev, prune
from performance_pipeline.cli.options import examples
from performance_pipeline.cli.source_commands import import_command, sample_logs, second_opinion
from performance_pipeline.cli.target_commands import targets
from performance_pipeline.commands.choosing import bot_option
from performance_pipeline.errors import PipelineError

PROGRAM = "performance-pipeline"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@bot_option
def cli() -> None:
    """Exact trade performance from a bot's logs: summaries, targets, alerts.

    Settings come from PERFORMANCE_* environment variables; `doctor` shows them.
    """


for command in (
    summary,
    report,
    bots,
    verify,
    doctor,
    alerts,
    targets,
    import_command,
    second_opinion,
    sample_logs,
    backfill,
    prune,
    demo,
    dev,
):
    cli.add_command(command)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@examples('eval "$(performance-pipeline completion bash)"')
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands.

    And options, formats, bots and the ids of alerts.
    """
    from performance_pipeline.commands.completion import completion_script

    click.echo(completion_script(shell, cli, PROGRAM))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error is one line on stderr and exit status 1."""
    try:
        cli.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
    except click.ClickException as error:
        _fail(error.format_message())
    except PipelineError as error:
        _fail(str(error))
    except BrokenPipeError:
        # The reader has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_ERROR)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted")


def _fail(message: str) -> None:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(EXIT_ERROR)
