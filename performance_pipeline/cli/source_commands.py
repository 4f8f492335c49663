"""Commands about trades from elsewhere: what other software wrote, and made-up ones."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from performance_pipeline.cli.exits import EXIT_DIFFERENT, EXIT_ERROR
from performance_pipeline.cli.options import (
    a_folder,
    a_place,
    a_zone,
    complete_formats,
    examples,
    number_option,
)
from performance_pipeline.commands.choosing import bot_option, chosen_settings
from performance_pipeline.places import Place


@click.command("import")
@click.argument("format_name", metavar="FORMAT", shell_complete=complete_formats)
@click.argument(
    "paths", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out", type=a_place, metavar="PATH", help="The folder of logs; default the log folder."
)
@click.option("--mode", type=click.Choice(["LIVE", "PAPER"]), help="execution_mode of each record.")
@click.option("--account", metavar="ID", help="account_id of each record.")
@click.option(
    "--timezone", "zone", type=a_zone, metavar="ZONE", help="Zone of times without an offset."
)
@click.option(
    "--map",
    "mapping",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Says which column of a CSV is which field, in YAML.",
)
@click.option("--replace", is_flag=True, help="Write over lines whose record has changed.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each record.")
@bot_option
@examples("performance-pipeline import csv trades.csv --map columns.yaml --mode LIVE")
def import_command(
    format_name: str,
    paths: tuple[Path, ...],
    out: Place | None,
    mode: str | None,
    account: str | None,
    zone: ZoneInfo | None,
    mapping: Path | None,
    replace: bool,
    dry_run: bool,
) -> None:
    """Make trade logs of what other software wrote.

    FORMAT is freqtrade, alpaca, ibkr-flex, ccxt or csv; SOURCE is a file of that software. Each
    record becomes one line of the log of its day, once, however often it is imported. Lines that
    are there stay as they are, unless --replace is given.
    """
    from performance_pipeline.commands.import_trades import import_trades
    from performance_pipeline.sources.records import ImportOptions

    settings = chosen_settings()
    options = ImportOptions(mode, account, zone, mapping)
    if not import_trades(
        settings, format_name, paths, options, out, replace=replace, dry_run=dry_run
    ):
        sys.exit(EXIT_ERROR)


@click.command("second-opinion")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The document on stdout.")
@examples("performance-pipeline second-opinion backtest-result.zip")
def second_opinion(source: Path, as_json: bool) -> None:
    """Hold freqtrade's own figures against ours.

    SOURCE is the result of a backtest, or a database. Needs no logs and writes nothing. Where two
    figures differ it names the reason, if that alone leads to what freqtrade states. Exit status 2:
    a difference has none.
    """
    from performance_pipeline.commands.second_opinion import show_second_opinion

    if not show_second_opinion(source, as_json=as_json):
        sys.exit(EXIT_DIFFERENT)


@click.command("sample-logs")
@click.option("--out", type=a_folder, metavar="PATH", required=True, help="Folder to write to.")
@number_option(
    "--days",
    click.IntRange(min=1),
    "That many days, ending today; weekdays have a log.",
    default=90,
)
@number_option("--trades-per-day", click.IntRange(min=0), "On average.", default=40)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    default=7,
    show_default=True,
    help="The same seed makes the same trades.",
)
@click.option("--fills", is_flag=True, help="Buys and sells alone, for PERFORMANCE_PAIRING.")
@examples("performance-pipeline sample-logs --out logs --days 30")
def sample_logs(out: Path, days: int, trades_per_day: int, seed: int, fills: bool) -> None:
    """Write realistic trade logs that end today.

    Never overwrites a log.
    """
    from performance_pipeline.commands.sample_logs import write_samples

    write_samples(out, days=days, trades_per_day=trades_per_day, seed=seed, fills=fills)
