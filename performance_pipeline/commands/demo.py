"""`demo`: sample logs, and the whole pipeline over them, in a folder of its own."""

import time
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Final

import click

from performance_pipeline.commands.summary import show_view
from performance_pipeline.domain.windows import Period, Window, days_between
from performance_pipeline.pipeline.report import REPORT_NAME
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline.pipeline.tracker import PerformanceTracker, utc_now
from performance_pipeline.reports.markdown import headline
from performance_pipeline.reports.number_format import quantity
from performance_pipeline.settings import Settings
from performance_pipeline.storage.logs import list_logs, log_name
from performance_pipeline.storage.stores import is_there

DEMO_DAYS: Final = 90
FILL_DAYS: Final = 10
WEEK: Final = timedelta(days=7)
DEMO_FOLDER: Final = "demo"


def demo_environment(folder: Path) -> dict[str, str]:
    """Every setting of a demo in `folder` that is no default, whatever the environment says."""
    logs = folder / "logs"
    environment = {"PERFORMANCE_LOG_DIR": str(logs)}
    if (first := _first_log(logs)) is not None:
        # Dagster plots over all partitions: those before would be empty ground.
        environment["PERFORMANCE_START_DATE"] = str(first)
    if not is_there(Settings.from_env({}).targets_file):
        # Installed, and not started from a clone: the targets that the package ships.
        shipped = resources.files("performance_pipeline") / "dashboard-targets.yaml"
        environment["PERFORMANCE_TARGETS_FILE"] = str(shipped)
    return environment


def run_demo(folder: Path) -> None:
    """Sample logs to summaries in `folder`, and the last full week on the terminal."""
    from performance_pipeline.commands.backfill import materialize_range

    started = time.monotonic()
    today = utc_now().date()
    _add_missing_logs(folder / "logs", today)
    settings = Settings.from_env(demo_environment(folder))
    materialize_range(settings, settings.start_date, today, with_report=True)
    tracker = PerformanceTracker(settings)
    page = settings.output_dir / REPORT_NAME
    show_view(tracker.get_summary(Window.WEEKLY, today - WEEK))
    _show_fills(folder / "fills", today)
    click.echo(
        f"\nDone in {time.monotonic() - started:.0f} s. The report is {page}: open it in a browser."
        f" The summaries are in {settings.output_dir}; `performance-pipeline dev` (in a clone,"
        " `make dev`) opens them in Dagster."
    )


def _add_missing_logs(folder: Path, today: date) -> None:
    """Sample logs of the demo's days, and since those of an earlier demo, which are kept."""
    first = today - timedelta(days=DEMO_DAYS - 1)
    for day in days_between(min(first, _first_log(folder) or first), today):
        if not (folder / log_name(day)).exists():
            write_sample_logs(folder, SampleOptions(end=day, days=1))


def _show_fills(folder: Path, today: date) -> None:
    """What becomes of the logs of a bot that writes fills alone; computed in memory."""
    if _first_log(folder) is None:
        write_sample_logs(folder, SampleOptions(end=today, days=FILL_DAYS, fills=True))
    pairing = {"PERFORMANCE_LOG_DIR": str(folder), "PERFORMANCE_PAIRING": "fifo"}
    tracker = PerformanceTracker(Settings.from_env(pairing))
    days = tracker.store.listing.files
    first, last = min(days), max(days)
    summary = tracker.summarize(Period.spanning(first, last))
    held = ", ".join(
        f"{quantity(one.quantity)} {one.symbol}" for one in summary.open_positions or ()
    )
    settings = " ".join(f"{name}={value}" for name, value in pairing.items())
    click.echo(
        f"\nA bot that logs fills alone, in {folder}: {summary.data_quality.accepted} fills of"
        f" {first} to {last}, and no line says what was earned. With PERFORMANCE_PAIRING=fifo:\n"
        f"  {headline(summary)}\n  Held at the end: {held or 'nothing'}.\n"
        f"  {settings} performance-pipeline summary --start {first} --end {last}"
    )


def _first_log(folder: Path) -> date | None:
    if not folder.is_dir():
        return None
    return min(list_logs(folder, utc_now().date()).files, default=None)
