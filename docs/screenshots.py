"""Makes the README's pictures from sample logs, with the Chromium of the operating system.

`make screenshots`, or `python docs/screenshots.py`.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent
PROGRAM = (sys.executable, "-m", "performance_pipeline")
DAYS = "60"


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("error: no chromium on the PATH")
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        logs = Path(temporary) / "logs"
        for name in [name for name in os.environ if name.startswith(("PERFORMANCE_", "DAGSTER_"))]:
            del os.environ[name]
        os.environ["PERFORMANCE_LOG_DIR"] = str(logs)
        os.environ["PERFORMANCE_TARGETS_FILE"] = str(
            FOLDER.parent.absolute() / "config" / "dashboard-targets.yaml"
        )
        subprocess.run([*PROGRAM, "sample-logs", "--out", logs, "--days", DAYS], check=True)
        os.environ["PERFORMANCE_START_DATE"] = min(path.stem for path in logs.iterdir())
        subprocess.run([*PROGRAM, "backfill", "--days", DAYS], check=True)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        dagster_pages(browser, logs)
        report_page(browser, Path(temporary))
        browser.close()


def dagster_pages(browser: Browser, logs: Path) -> None:
    """The week before this one, in Dagster: its metadata, and the summary behind it."""
    week = _today() - timedelta(days=_today().weekday() + 7)
    with _webserver(logs) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 1030})
        page.goto(f"{url}/assets/weekly_summary?view=partitions&partition={week}")
        page.get_by_text("realized_pnl", exact=True).first.wait_for(timeout=60_000)
        page.screenshot(path=FOLDER / "dagster-week.png")
        page.get_by_text("[Show Markdown]").first.click()
        page.get_by_role("img", name="Equity curve").wait_for()
        page.screenshot(path=FOLDER / "dagster-summary.png")
        page.close()


def report_page(browser: Browser, folder: Path) -> None:
    """The HTML report."""
    written = folder / "report.html"
    subprocess.run([*PROGRAM, "report", "--out", written], check=True)
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    page.goto(written.as_uri())
    page.wait_for_timeout(2_000)  # The plots answer to a pointer once their scripts have run.
    page.screenshot(path=FOLDER / "report.png")
    page.close()


@contextlib.contextmanager
def _webserver(logs: Path) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    os.environ["DAGSTER_HOME"] = str((logs / "performance" / "dagster").absolute())
    module = ("-m", "performance_pipeline.definitions")
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *module]
    )
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    main()
