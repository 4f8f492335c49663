"""Dagster's own pages over a running service, as an operator's browser shows them."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from dagster._core.execution.backfill import BulkActionStatus

from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.browser import CHROMIUM, needs_chromium
from performance_pipeline_tests.support.lines import win
from performance_pipeline_tests.support.service import Service
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS, wait_until

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright, a development dependency, is not installed"
)
pytestmark = needs_chromium

NARROWEST: Final = """tables => tables.map(table => {
    table.style.width = "min-content";
    return table.offsetWidth;
})"""
VALUE_COLUMN: Final = 400
"""Pixels that the values of metadata have beside their names, in a window of 1440."""
ADDRESSES: Final = ("https://evil.example/x", "www.evil.example", "somebody@evil.example")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path, "win_rate_target: 99\n", "manual_definitions")
    yield running
    running.stop()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_lineage_a_backfill_and_the_plot_of_a_week_show_in_the_ui(service: Service) -> None:
    # A whole week, over and so judged, and with a log each weekday.
    week = service.today - timedelta(days=service.today.weekday() + 7)
    write_sample_logs(
        service.logs,
        SampleOptions(end=week + timedelta(days=4), days=5, trades_per_day=30),
    )
    # Names that would be links, were they not shown as what they are.
    noon = f"{week}T12:00:00Z"
    with (service.logs / f"{week}.jsonl").open("ab") as log:
        for name in ADDRESSES:
            log.write(win("0", noon, symbol=name, strategy_name=name) + b"\n")
    wait_until("the web server", lambda: answers(service.url))
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)

        page.goto(f"{service.url}/asset-groups")
        for name in ("daily_aggregate", "weekly_summary", "performance_alerts"):
            page.get_by_text(name, exact=True).first.wait_for()

        page.goto(f"{service.url}/assets/weekly_summary?view=partitions")
        page.get_by_text(str(week), exact=True).first.wait_for()
        page.get_by_role("button", name=re.compile("Materialize")).first.click()
        launch = page.get_by_role("button", name="Launch backfill")
        # No day has been materialized, and Dagster asks whether that is meant.
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("button", name="All", exact=True).last.click()
        launch.click()
        wait_until(
            "the backfill that was launched in the UI",
            lambda: any(
                backfill.status is BulkActionStatus.COMPLETED_SUCCESS
                for backfill in service.instance.get_backfills()
                if "dagster/from_ui" in backfill.tags
            ),
        )

        page.goto(f"{service.url}/assets/weekly_summary?view=partitions&partition={week}")
        page.get_by_text("win_rate", exact=True).first.wait_for()
        assert page.get_by_text("breached WARN", exact=True).count() == 1
        page.get_by_text("[Show Markdown]").first.click()
        plot = page.get_by_role("img", name=re.compile("^Equity curve of 5 steps from 0 to "))
        plot.wait_for()
        assert plot.evaluate("image => image.complete && image.naturalWidth") == 480
        summary = service.summary("weekly", week)
        assert plot.get_attribute("alt").endswith(f" {summary['realized_pnl']}")
        assert page.get_by_role("cell", name=summary["gross_profit"], exact=True).count() == 1
        for name in ADDRESSES:
            assert page.get_by_role("cell", name=name, exact=True).count() == 2
        assert page.locator("a[href*='evil']").count() == 0

        # On the asset's own page there is least room; what needs more has columns out of sight.
        page.goto(f"{service.url}/assets/weekly_summary")
        page.get_by_text("Show schema").first.wait_for()
        [width] = page.locator("table table").evaluate_all(NARROWEST)
        assert width <= VALUE_COLUMN
        browser.close()
