"""Commands that show what was traded, and tell whether it was counted right."""

import sys
from datetime import date

import click

from performance_pipeline.cli.exits import EXIT_DIFFERENT, EXIT_ERROR
from performance_pipeline.cli.options import a_place, day_option, examples, number_option
from performance_pipeline.commands.choosing import bot_option, chosen_bots, chosen_settings
from performance_pipeline.commands.periods import asked_period, clipped
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place


@click.command()
@click.option(
    "--window",
    type=click.Choice([window.value for window in Window]),
    help="Which window; default daily, or range with --start.",
)
@day_option("--date", "day", help="A day of the window; default today.")
@day_option("--start", help="First day of any range, with --end.")
@day_option("--end", help="Last day of the range, inclusive.")
@click.option("--json", "form", flag_value="json", help="The summary document on stdout.")
@click.option("--markdown", "form", flag_value="markdown", help="The Markdown on stdout.")
@click.option(
    "--export", type=a_place, metavar="PATH", help="Also write JSON and Markdown to a folder."
)
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
    """Show the figures of a day, week, month or any range.

    They are made of the stored aggregates, and of the logs that have changed since. Writes nothing
    but --export. Exit status 2: a target is breached.
    """
    from performance_pipeline.commands.summary import show_summary

    tracker = PerformanceTracker(chosen_settings())
    period = asked_period(tracker, window, day, start, end)
    if not show_summary(tracker, period, form or "text", export):
        sys.exit(EXIT_DIFFERENT)


@click.command()
@day_option("--start", help="First day, with --end.")
@day_option("--end", help="Last day, inclusive.")
@number_option("--days", click.IntRange(min=1), "That many days, ending today.")
@click.option(
    "--window",
    type=click.Choice(["daily", "weekly", "monthly"]),
    help="A day, week or month, with --date.",
)
@day_option("--date", "day", help="A day of the window; default today.")
@click.option(
    "--out",
    type=a_place,
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
    """Draw a range of days as one HTML page that opens offline.

    By default the last 365 days, without today, which is not over. Writes nothing but that page.
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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The exact figures on stdout, as JSON.")
@click.option(
    "--out",
    type=a_place,
    metavar="FILE",
    help="Write them as an HTML page, bots.html for example.",
)
@bot_option
@examples("performance-pipeline bots --out bots.html")
def bots(as_json: bool, out: Place | None) -> None:
    """Show how each bot of config/bots.yaml stands now.

    Results, alerts, data quality and room before the drawdown targets, with sums. What is wrong
    with one bot stands in its row. Writes nothing but --out.
    """
    from performance_pipeline.commands.bots import show_bots

    if not show_bots(chosen_bots(), out, as_json=as_json):
        sys.exit(EXIT_ERROR)


@click.command()
@day_option("--start", help="First day; default the oldest log's.")
@day_option("--end", help="Last day, inclusive; default today.")
@bot_option
@examples("performance-pipeline verify --start 2025-09-01 --end 2025-09-30")
def verify(start: date | None, end: date | None) -> None:
    """Compare every summary with one made from raw log lines.

    That one is recomputed with arithmetic of its own, in fractions: it shares only what a valid
    field looks like, which logs and lines there are, and the market calendar. Of verdicts it
    compares the actual and its variance; which targets apply, and how severe a miss is, it takes as
    given. Exit status 2: a difference was found.
    """
    from performance_pipeline.commands.verify import verify_range

    tracker = PerformanceTracker(chosen_settings())
    last = end or max(tracker.today, start or tracker.today)
    oldest = max(tracker.store.oldest_log or tracker.today, tracker.settings.start_date)
    if not verify_range(tracker, *clipped(tracker, start or min(oldest, last), last)):
        sys.exit(EXIT_DIFFERENT)


@click.command()
@click.option("--all", "every_line", is_flag=True, help="Name every rejected line by itself.")
@bot_option
@examples("performance-pipeline doctor")
def doctor(every_line: bool) -> None:
    """Show settings, which lines do not count, and what helps.

    Exit status 1: the pipeline cannot run, or no line would count.
    """
    from performance_pipeline.commands.doctor import examine

    examine(PerformanceTracker(chosen_settings()), every_line=every_line)
