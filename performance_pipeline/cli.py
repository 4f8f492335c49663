"""The command line: parses arguments, calls the pipeline, prints. What commands do lives elsewhere.

`summary`, `verify` and `doctor` import neither dagster nor pandas, which take most of a second.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from performance_pipeline import __version__
from performance_pipeline.commands.choosing import (
    bot_option,
    chosen_bots,
    chosen_name,
    chosen_settings,
)
from performance_pipeline.commands.periods import asked_period, both_days, clipped, last_days
from performance_pipeline.domain.alerts import STATES
from performance_pipeline.domain.numbers import EXACT, parse_number
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import A_PATH, ACCEPTED, Place, path_at, place_at
from performance_pipeline.settings import parse_date, time_zone

PROGRAM = "performance-pipeline"
EXIT_ERROR = 1
EXIT_DIFFERENT = 2

_Command = Callable[..., None]


def _day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date; accepted is YYYY-MM-DD") from None


def _place(text: str) -> Place:
    try:
        return place_at(text, "")
    except ValueError:
        raise click.BadParameter(f"{text!r} cannot be used; accepted is {ACCEPTED}") from None


def _folder(text: str) -> Path:
    try:
        return path_at(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} cannot be used; accepted is {A_PATH}") from None


def day_option(name: str, *variables: str, help: str) -> Callable[[_Command], _Command]:
    """An option that takes a date."""
    return click.option(name, *variables, type=_day, metavar="YYYY-MM-DD", help=help)


def _active_alert_ids(context: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.commands.completion import active_alert_ids

    return active_alert_ids(context, beginning)


def _alert_ids(context: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.commands.completion import alert_ids

    return alert_ids(context, beginning)


def _formats(_: click.Context, __: click.Parameter, beginning: str) -> list[str]:
    from performance_pipeline.sources.formats import FORMATS

    return [name for name in FORMATS if name.startswith(beginning)]


def _zone(text: str) -> ZoneInfo:
    try:
        return time_zone(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no IANA time zone such as UTC") from None


def _rate(text: str) -> Decimal:
    """A rate in percent, as the fraction that it is."""
    with suppress(ValueError):
        if 0 < (rate := parse_number(text)) < 100:
            return EXACT.scaleb(rate, -2)
    raise click.BadParameter(f"{text!r} is no rate; accepted is above 0 and below 100, in percent")


def _positive(text: str) -> Decimal:
    with suppress(ValueError):
        if (number := parse_number(text)) > 0:
            return number
    raise click.BadParameter(f"{text!r} is no number above 0")


def examples(text: str) -> Callable[[_Command], _Command]:
    """Append an example, kept line by line, to the help of a command."""

    def decorate(command: _Command) -> _Command:
        command.__doc__ = f"{inspect.getdoc(command)}\n\n\b\nExample:\n  {text}"
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@bot_option
def cli() -> None:
    """Exact trade performance from a bot's logs: summaries, targets, alerts.

    Settings come from PERFORMANCE_* environment variables; `doctor` shows them.
    """


@cli.command()
@click.option(
    "--window",
    type=click.Choice([window.value for window in Window]),
    help="Which window; default daily.",
)
@day_option("--date", "day", help="A day of the window; default today.")
@day_option("--start", help="First day of any range, with --end.")
@day_option("--end", help="Last day of the range, inclusive.")
@click.option("--json", "form", flag_value="json", help="The summary document on stdout.")
@click.option("--markdown", "form", flag_value="markdown", help="The Markdown on stdout.")
@click.option("--export", type=_place, metavar="PATH", help="Also write both into a folder.")
@bot_option
@examples("performance-pipeline summary --window weekly --date 2025-10-10")
def summary(
    window: str | None,
    day: date | None,
    start: date | None,
    end: date | None,
    form: str | None,
    export: Place | None,
) -> None:
    """Show one window, computed now from the aggregates; writes nothing but --export."""
    from performance_pipeline.commands.summary import show_summary

    tracker = PerformanceTracker(chosen_settings())
    period = asked_period(tracker, window, day, start, end)
    if not show_summary(tracker, period, form or "text", export):
        sys.exit(EXIT_DIFFERENT)


@cli.command()
@day_option("--start", help="First day, with --end.")
@day_option("--end", help="Last day, inclusive.")
@click.option("--days", type=click.IntRange(min=1), help="That many days, ending today.")
@click.option("--window", type=click.Choice(["daily", "weekly", "monthly"]))
@day_option("--date", "day", help="A day of the window; default today.")
@click.option(
    "--out",
    type=_place,
    metavar="FILE",
    default="performance-report.html",
    show_default=True,
    help="The file to write.",
)
@bot_option
@examples("performance-pipeline report --days 90 --out quarter.html")
def report(
    start: date | None,
    end: date | None,
    days: int | None,
    window: str | None,
    day: date | None,
    out: Place,
) -> None:
    """Draw a range of days as one HTML page that opens offline; by default the last 365,
    without today, which is not over.

    Writes nothing but that page.
    """
    from performance_pipeline.commands.report import make_report
    from performance_pipeline.pipeline.report import default_period

    tracker = PerformanceTracker(chosen_settings())
    if sum((bool(start or end), days is not None, window is not None)) > 1:
        raise click.UsageError("give one of --start and --end, --days, --window")
    if day is not None and window is None:
        raise click.UsageError("give --date with --window")
    if days is not None:
        period = Period.spanning(*clipped(tracker, tracker.first_of(days), tracker.today))
    elif start or end or window:
        period = asked_period(tracker, window, day, start, end)
    else:
        period = default_period(tracker)
    make_report(tracker, period, out)


@cli.command("bots")
@click.option("--json", "as_json", is_flag=True, help="The exact figures on stdout.")
@click.option(
    "--out",
    type=_place,
    metavar="FILE",
    help="Write them as an HTML page, bots.html for example.",
)
@bot_option
@examples("performance-pipeline bots --out bots.html")
def bots_command(as_json: bool, out: Place | None) -> None:
    """Show how each bot of config/bots.yaml stands now: results, alerts, data and room, with sums.

    What is wrong with one bot stands in its row. Writes nothing but --out.
    """
    from performance_pipeline.commands.bots import show_bots

    if not show_bots(chosen_bots(), out, as_json=as_json):
        sys.exit(EXIT_ERROR)


@cli.command()
@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="That many days, ending today, but none before the oldest log.",
)
@day_option("--start", help="First day, with --end.")
@day_option("--end", help="Last day, inclusive.")
@bot_option
@examples("performance-pipeline backfill --days 30")
def backfill(days: int | None, start: date | None, end: date | None) -> None:
    """Materialize days, and the weeks and months they touch, through Dagster."""
    from performance_pipeline.commands.backfill import materialize_range

    settings = chosen_settings()
    tracker = PerformanceTracker(settings)
    if days is not None:
        if start or end:
            raise click.UsageError("give --days, or --start and --end, not both")
        asked = last_days(tracker, days)
    else:
        asked = clipped(tracker, *both_days(start, end))
    materialize_range(settings, *asked)


@cli.command()
@day_option("--start", help="First day; default the oldest log's.")
@day_option("--end", help="Last day, inclusive; default today.")
@bot_option
@examples("performance-pipeline verify --start 2025-09-01 --end 2025-09-30")
def verify(start: date | None, end: date | None) -> None:
    """Compare every summary with one recomputed from all raw lines of its days.

    Recomputed with arithmetic of its own, in fractions: it shares only what a valid field looks
    like, which logs and lines there are, and the market calendar. Of verdicts it compares the
    actual and its variance; which targets apply, and how severe a miss is, it takes as given.
    """
    from performance_pipeline.commands.verify import verify_range

    tracker = PerformanceTracker(chosen_settings())
    last = end or max(tracker.today, start or tracker.today)
    oldest = max(tracker.store.oldest_log or tracker.today, tracker.settings.start_date)
    if not verify_range(tracker, *clipped(tracker, start or min(oldest, last), last)):
        sys.exit(EXIT_DIFFERENT)


@cli.command()
@click.option(
    "--keep-days",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the history of that many days; default PERFORMANCE_KEEP_RUNS_DAYS.",
)
@bot_option
@examples("performance-pipeline prune --keep-days 7")
def prune(keep_days: int | None) -> None:
    """Remove old history that nothing relies on from the Dagster instance, and give the disk back.

    The service does so by itself, little by little, and may go on meanwhile. What was
    materialized, its newest figures and check results, and the alert log stay as they are.
    """
    from performance_pipeline.commands.prune import prune_now

    prune_now(chosen_bots(), keep_days)


@cli.command()
@click.option("--all", "every_line", is_flag=True, help="Name every rejected line by itself.")
@bot_option
@examples("performance-pipeline doctor")
def doctor(every_line: bool) -> None:
    """Show the settings in force, which log lines would not count, and what would help."""
    from performance_pipeline.commands.doctor import examine

    examine(PerformanceTracker(chosen_settings()), every_line=every_line)


@cli.group()
def alerts() -> None:
    """Show, explain and acknowledge target breaches."""


@alerts.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only alerts in this state.")
@click.option("--all", "late_too", is_flag=True, help="Also those raised long after the fact.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array on stdout.")
@bot_option
@examples("performance-pipeline alerts list --status raised")
def list_alerts(status: str | None, late_too: bool, as_json: bool) -> None:
    """Show the state of every alert, oldest first."""
    from performance_pipeline.commands.alerts import show_alerts

    show_alerts(chosen_settings(), status=status, late_too=late_too, as_json=as_json)


@alerts.command("explain")
@click.argument("alert_id", metavar="ID", shell_complete=_alert_ids)
@click.option("--json", "as_json", is_flag=True, help="The explanation document on stdout.")
@bot_option
@examples("performance-pipeline alerts explain weekly-2025-10-06-win_rate-1")
def explain(alert_id: str, as_json: bool) -> None:
    """Show why an alert was raised: its target, what cost most, and the trades by log line."""
    from performance_pipeline.commands.alerts import explain_alert

    explain_alert(chosen_settings(), alert_id, as_json=as_json)


@alerts.command("ack")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=_active_alert_ids)
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
    """Acknowledge active alerts, by their ids, all, or those of a window, metric and strategy.

    The alert log records when.
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


@cli.group()
def targets() -> None:
    """Try targets on what was traded."""


@targets.command("replay")
@click.option(
    "--targets",
    "given",
    type=_place,
    metavar="FILE",
    help="The targets to hold against those in force.",
)
@day_option("--start", help="First day, with --end; default as for report.")
@day_option("--end", help="Last day, inclusive.")
@click.option("--json", "as_json", is_flag=True, help="The replay document on stdout.")
@bot_option
@examples("performance-pipeline targets replay --targets new-targets.yaml")
def replay(given: Place | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Show which alerts targets would have raised over the past; writes nothing.

    Every day, week, month and rolling window of the range is judged as if it were just over, by
    the targets in force and by those of a file: side by side, and what only one of them raises.
    """
    from performance_pipeline.commands.targets import show_replay
    from performance_pipeline.pipeline.report import default_period

    tracker = PerformanceTracker(chosen_settings())
    if start or end:
        period = Period.spanning(*clipped(tracker, *both_days(start, end)))
    else:
        period = default_period(tracker)
    show_replay(tracker, period, given, as_json=as_json)


@targets.command("simulate")
@click.option(
    "--targets",
    "given",
    type=_place,
    metavar="FILE",
    help="The targets to simulate; default those in force.",
)
@click.option("--win-rate", type=_rate, metavar="PERCENT", help="How many trades truly win.")
@click.option(
    "--fallen", type=_rate, metavar="PERCENT", help="What it falls to; default 10 points lower."
)
@click.option(
    "--trades-per-day", type=_positive, metavar="N", help="Closed trades a day, on average."
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The simulation document on stdout.")
@bot_option
@examples("performance-pipeline targets simulate --targets new-targets.yaml --win-rate 55")
def simulate(
    given: Place | None,
    win_rate: Decimal | None,
    fallen: Decimal | None,
    trades_per_day: Decimal | None,
    seed: int,
    as_json: bool,
) -> None:
    """Show how often targets alert by luck alone, and how soon they tell of a real fall.

    Draws many years of trading from the bot's own closed trades of the last 365 days. Without any,
    and with --win-rate and --trades-per-day, from those of a bot made up from what the targets ask.
    Writes nothing.
    """
    from performance_pipeline.commands.simulate import show_simulation
    from performance_pipeline.pipeline.simulating import SimulationOptions

    options = SimulationOptions(
        win_rate=win_rate, fallen=fallen, trades_per_day=trades_per_day, seed=seed
    )
    show_simulation(chosen_settings(), given, options, as_json=as_json)


@cli.command("import")
@click.argument("format_name", metavar="FORMAT", shell_complete=_formats)
@click.argument(
    "paths", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out", type=_place, metavar="PATH", help="The folder of logs; default the log folder."
)
@click.option("--mode", type=click.Choice(["LIVE", "PAPER"]), help="execution_mode of each record.")
@click.option("--account", metavar="ID", help="account_id of each record.")
@click.option("--timezone", "zone", type=_zone, metavar="ZONE", help="Of times without an offset.")
@click.option("--map", "mapping", type=click.Path(path_type=Path), help="What the columns are.")
@click.option("--replace", is_flag=True, help="Write over records that have changed.")
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
    """Make trade logs of what other software wrote; each record once, however often it is called.

    Lines that are there are never touched, but with --replace those whose record has changed.
    """
    from performance_pipeline.commands.import_trades import import_trades
    from performance_pipeline.sources.records import ImportOptions

    settings = chosen_settings()
    options = ImportOptions(mode, account, zone, mapping)
    if not import_trades(
        settings, format_name, paths, options, out, replace=replace, dry_run=dry_run
    ):
        sys.exit(EXIT_ERROR)


@cli.command("second-opinion")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The document on stdout.")
@examples("performance-pipeline second-opinion user_data/backtest_results/backtest-result.zip")
def second_opinion(source: Path, as_json: bool) -> None:
    """Hold freqtrade's own figures against ours: of a backtest's result, or of a database.

    Needs no logs and writes nothing. Where two figures differ the reason is given, if it is known
    and leads to what freqtrade states; exit status 2 tells that a difference has none.
    """
    from performance_pipeline.commands.second_opinion import show_second_opinion

    if not show_second_opinion(source, as_json=as_json):
        sys.exit(EXIT_DIFFERENT)


@cli.command("sample-logs")
@click.option("--out", type=_folder, metavar="PATH", required=True, help="Folder to write to.")
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True)
@click.option("--trades-per-day", type=click.IntRange(min=0), default=40, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--fills", is_flag=True, help="Buys and sells alone, for PERFORMANCE_PAIRING.")
@examples("performance-pipeline sample-logs --out logs --days 30")
def sample_logs(out: Path, days: int, trades_per_day: int, seed: int, fills: bool) -> None:
    """Write realistic, seeded trade logs that end today; never overwrites one."""
    from performance_pipeline.commands.sample_logs import write_samples

    write_samples(out, days=days, trades_per_day=trades_per_day, seed=seed, fills=fills)


@cli.command()
@examples("performance-pipeline demo")
def demo() -> None:
    """From sample logs to summaries, in ./demo, whatever the settings are."""
    from performance_pipeline.commands.demo import DEMO_FOLDER, run_demo

    run_demo(Path(DEMO_FOLDER))


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@bot_option
@examples("performance-pipeline dev --port 3001")
def dev(port: int) -> None:
    """Start Dagster's UI and daemon, on this machine only, over the logs and their instance.

    Over all bots where config/bots.yaml lists several, whichever --bot is shown first. Until
    PERFORMANCE_LOG_DIR is set, or bots are listed, over the logs of the demo in ./demo.
    """
    from performance_pipeline.commands.dev import serve

    serve(port, chosen_name())


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@examples('eval "$(performance-pipeline completion bash)"')
def completion(shell: str) -> None:
    """Print the script that makes a shell complete commands, options and alert ids."""
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
