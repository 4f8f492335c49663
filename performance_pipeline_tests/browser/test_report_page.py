"""The report in a browser: offline, exact, without scripts, in both colour schemes, on a phone.

It needs the operating system's Chromium; where there is none these tests are skipped.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.report import load_report, write_report
from performance_pipeline.storage.summaries import summary_document
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.browser import CHROMIUM, needs_chromium
from performance_pipeline_tests.support.lines import (
    DAY,
    ONE_DAY,
    SCRIPT,
    Place,
    at,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = needs_chromium

DAYS: Final = 60
PERIOD: Final = Period.spanning(DAY, DAY + (DAYS - 1) * ONE_DAY)
HOSTILE: Final = f"{SCRIPT} `|` " + "x" * 10_000


@dataclass(frozen=True)
class Written:
    """A page on disk, and the summary that it shows."""

    path: Path
    document: dict[str, Any]


def written(logs: Place, period: Period, path: Path) -> Written:
    report = load_report(logs.tracker(), period)
    write_report(path, report)
    return Written(path, summary_document(report.summary))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Sixty days of trades, some hostile, with targets, alerts, a bad line and a lost day."""
    folder = tmp_path_factory.mktemp("page")
    targets = folder / "targets.yaml"
    targets.write_text(
        "win_rate_target: 60\ndaily_pl_target: 1500\nmax_drawdown_target: -50\n", encoding="utf-8"
    )
    logs = place(folder / "logs", TARGETS_FILE=str(targets), MARKET_CALENDAR="24/7")
    for offset in range(DAYS):
        day = DAY + offset * ONE_DAY
        pnls = [f"{offset * 37 % 101 - 40}.25", "-12.75", f"{offset * 91 % 1999}"]
        if offset != 30:
            logs.write(day, *session(*pnls, day=day, hour=9 + offset % 8))
    logs.write(DAY, win("0.5", at("12:00"), strategy_name=HOSTILE, symbol="A|B`"), b"{")
    breaches = [alert(), alert(id="second", severity="CRITICAL", message=HOSTILE)]
    LocalAlertLog(logs.settings.alert_log).update(lambda _: breaches)
    return written(logs, PERIOD, folder / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, as which tests in a container run.
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Opened:
    """The page in a browser without a network; whatever goes wrong in it is kept."""

    def __init__(
        self,
        browser: Browser,
        path: Path,
        *,
        width: int = 1440,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> None:
        self.faults: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        self.context.set_offline(True)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._asked)
        self.page.goto(path.as_uri())
        if scripts:
            self.page.wait_for_selector("html[data-drawn=all]", timeout=PATIENCE_SECONDS * 1000)

    def hint(self, point: Callable[[], None]) -> str:
        """What the hint says that `point` brings up; scrolling that goes on takes it away again."""
        found = self.page.locator(".hint")
        texts: list[str] = []

        def shows() -> bool:
            self.page.mouse.move(0, 0)
            point()
            if found.is_visible():
                texts.append(found.inner_text())
            return bool(texts and texts[-1])

        wait_until("a hint", shows)
        return texts[-1]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _failed(self, error: Error) -> None:
        self.faults.append(str(error))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.faults.append(request.url)


@pytest.fixture(scope="module")
def opened(browser: Browser, report: Written) -> Iterator[Opened]:
    found = Opened(browser, report.path)
    yield found
    found.context.close()


@pytest.fixture(scope="module")
def at_width(browser: Browser, report: Written) -> Iterator[Callable[[int, bool], Page]]:
    """The page at a width, with scripts or without: opened once, for tests that only look at it."""
    kept: dict[tuple[int, bool], Opened] = {}

    def page(width: int, scripts: bool) -> Page:
        if (width, scripts) not in kept:
            kept[width, scripts] = Opened(browser, report.path, width=width, scripts=scripts)
        return kept[width, scripts].page

    yield page
    for found in kept.values():
        found.context.close()


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "").removesuffix(" %"))


def test_it_opens_offline_asks_for_nothing_and_nothing_fails(opened: Opened) -> None:
    assert opened.faults == []
    assert (
        opened.page.locator(".answering .live svg").count() == opened.page.locator(".plot").count()
    )


def test_every_number_shown_is_the_one_beneath_rounded_to_the_digits_shown(
    opened: Opened,
) -> None:
    shown = opened.page.locator("data").evaluate_all(
        "found => found.map(one => [one.value, one.textContent])"
    )
    assert len(shown) > 300
    for value, text in shown:
        scale = 100 if text.endswith(("%", "points")) else 1
        read = Decimal(re.sub(r"[,%a-z ]", "", text))
        exponent = read.as_tuple().exponent
        assert isinstance(exponent, int)
        assert abs(read - Decimal(value) * scale) <= Decimal("0.5").scaleb(exponent)
        assert (read == 0) == (Decimal(value) == 0)


def test_headline_figures_are_those_of_the_summary(opened: Opened, report: Written) -> None:
    figures = opened.page.locator(".figure").evaluate_all(
        "found => found.map(one => [one.querySelector('h2').textContent,"
        " one.querySelector('.value data')?.value])"
    )
    names = {
        "Realized P&L": "realized_pnl",
        "Win rate": "win_rate",
        "Maximum drawdown": "max_drawdown",
        "Closed trades": "total_trades",
        "Profit factor": "profit_factor",
        "Expectancy": "expectancy",
        "Payoff ratio": "payoff_ratio",
    }
    shown = dict(figures)
    assert {name: shown[name] for name in names} == {
        name: str(report.document[metric]) for name, metric in names.items()
    }


def test_the_targets_are_those_of_the_summary(opened: Opened, report: Written) -> None:
    rows = opened.page.locator("section:has(> h2:text-is('Targets')) tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('data')].map(one => one.value))"
    )
    assert rows == [
        [
            target["actual"],
            target["target"],
            target["variance"],
            *([] if target["p_value"] is None else [target["p_value"]]),
        ]
        for target in report.document["targets"]
    ]


def test_breakdowns_are_those_of_the_summary(opened: Opened, report: Written) -> None:
    for title, key in (("By symbol", "by_symbol"), ("By strategy", "by_strategy")):
        rows = opened.page.locator(f"section:has(> h2:text-is('{title}')) tbody tr").evaluate_all(
            "rows => rows.map(row => [row.querySelector('.name').textContent,"
            " [...row.querySelectorAll('data')].map(one => one.value)])"
        )
        assert dict(rows) == {
            name: [str(row["total_trades"]), row["win_rate"], row["realized_pnl"]]
            for name, row in report.document[key].items()
        }


@pytest.mark.parametrize("drawing", [".still", ".live"])
def test_the_cells_of_the_calendar_sum_to_the_profit(
    opened: Opened, report: Written, drawing: str
) -> None:
    labels = opened.page.locator(f"[data-plot^=calendar] {drawing} path[aria-label]").evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    )
    amounts = [found for label in labels if (found := re.search(r"\n(\S+), [\d,]+ trades?", label))]
    assert sum(amount(found[1]) for found in amounts) == amount(report.document["realized_pnl"])
    assert sum("no log" in label for label in labels) == 1


def test_pointing_at_a_day_shows_its_numbers(opened: Opened) -> None:
    cell = opened.page.locator("[data-plot=calendar-0] .live path[aria-label]").first
    cell.scroll_into_view_if_needed()
    assert opened.hint(cell.hover) == cell.get_attribute("aria-label")


def test_pointing_anywhere_at_the_curve_shows_the_nearest_day(opened: Opened) -> None:
    plot = opened.page.locator("[data-plot=equity] .live")
    plot.scroll_into_view_if_needed()

    def point() -> None:
        box = plot.bounding_box()
        assert box is not None
        opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 120)

    said = opened.hint(point)
    assert re.search(r"\d{4}-\d\d-\d\d\ntotal \S+\nday \S+, 3 trades", said)


def test_dragging_over_the_strip_zooms_the_curve(browser: Browser, report: Written) -> None:
    opened = Opened(browser, report.path)
    plot = opened.page.locator("[data-plot=equity] .live")

    def line() -> str | None:
        return plot.locator(".mark-line path").first.get_attribute("d")

    before = line()
    strip = plot.locator("svg").bounding_box()
    assert strip is not None
    y = strip["y"] + strip["height"] - 20
    opened.page.mouse.move(strip["x"] + strip["width"] * 0.4, y)
    opened.page.mouse.down()
    opened.page.mouse.move(strip["x"] + strip["width"] * 0.6, y, steps=5)
    opened.page.mouse.up()
    wait_until("the zoomed curve", lambda: line() != before)
    opened.page.mouse.dblclick(strip["x"] + strip["width"] * 0.5, y)
    wait_until("the whole curve again", lambda: line() == before)
    assert opened.faults == []
    opened.context.close()


def test_text_from_logs_runs_nowhere(opened: Opened) -> None:
    assert opened.page.locator("b").count() == 0
    names = opened.page.locator("section:has(> h2:text-is('By strategy')) .name")
    assert HOSTILE in names.all_text_contents()


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scripts", [True, False])
def test_nothing_is_wider_than_the_screen(
    at_width: Callable[[int, bool], Page], width: int, scripts: bool
) -> None:
    assert at_width(width, scripts).evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_cards_keep_their_distance(at_width: Callable[[int, bool], Page], width: int) -> None:
    boxes = (
        at_width(width, True)
        .locator(".card")
        .evaluate_all("cards => cards.map(card => card.getBoundingClientRect().toJSON())")
    )
    assert len(boxes) >= 10
    for upper in boxes:
        for lower in boxes:
            beside = lower["left"] >= upper["right"] or lower["right"] <= upper["left"]
            if lower["top"] > upper["top"] and not beside:
                assert lower["top"] - upper["bottom"] >= 12


@pytest.mark.parametrize("scripts", [True, False])
def test_the_newest_week_of_the_calendar_is_seen_on_a_phone(
    at_width: Callable[[int, bool], Page], scripts: bool
) -> None:
    page = at_width(390, scripts)
    drawing = page.locator(f"[data-plot=calendar-0] {'.live' if scripts else '.still'}")
    cells = drawing.locator("path[aria-label]").evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().right)"
    )
    room = drawing.evaluate("drawing => drawing.getBoundingClientRect().right")
    assert max(cells) <= room
    if scripts:
        assert drawing.evaluate("drawing => drawing.scrollWidth <= drawing.clientWidth")


def test_the_status_of_a_verdict_is_seen_on_a_phone(
    at_width: Callable[[int, bool], Page], report: Written
) -> None:
    section = at_width(390, True).locator("section:has(> h2:text-is('Targets'))")
    seen = section.locator("td .verdict").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect().right)"
    )
    assert len(seen) == len(report.document["targets"])
    edge = section.locator(".scroll").evaluate("found => found.getBoundingClientRect().right")
    assert max(seen) <= edge


def test_it_reads_without_scripts(browser: Browser, report: Written) -> None:
    opened = Opened(browser, report.path, scripts=False)
    drawings = opened.page.locator(".still svg")
    assert drawings.count() == opened.page.locator(".plot").count()
    assert all(drawings.nth(index).is_visible() for index in range(drawings.count()))
    opened.page.locator("summary:text-is('Days as a table')").click()
    assert opened.page.locator("#days tbody tr").count() == len(report.document["daily"])
    assert opened.faults == []
    opened.context.close()


def test_light_and_dark_differ_in_page_and_drawings(browser: Browser, report: Written) -> None:
    seen = []
    for scheme in ("light", "dark"):
        opened = Opened(browser, report.path, scheme="dark" if scheme == "dark" else "light")
        seen.append(
            opened.page.evaluate(
                "[getComputedStyle(document.body).backgroundColor,"
                " getComputedStyle(document.querySelector('.live .mark-line path')).stroke]"
            )
        )
        opened.context.close()
    (light_page, light_line), (dark_page, dark_line) = seen
    assert light_page != dark_page
    assert light_line != dark_line


def test_what_is_printed_are_the_still_drawings(browser: Browser, report: Written) -> None:
    opened = Opened(browser, report.path)
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".still svg").first.is_visible()
    assert not opened.page.locator(".live").first.is_visible()
    opened.context.close()


def test_headings_form_an_outline_and_regions_have_names(opened: Opened) -> None:
    levels = opened.page.locator("h1, h2, h3").evaluate_all(
        "found => found.map(one => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(later - before <= 1 for before, later in pairwise(levels))
    for region in opened.page.locator("[role=region]").all():
        assert region.get_attribute("aria-label")
        assert region.get_attribute("tabindex") == "0"


@pytest.mark.parametrize(("pnls", "plots"), [((), 0), (("12.5",), 2), (("5", "-80", "30"), 2)])
def test_no_trade_one_trade_and_one_day_are_pages_without_faults(
    browser: Browser, tmp_path: Path, pnls: tuple[str, ...], plots: int
) -> None:
    logs = place(tmp_path / "logs")
    logs.write(DAY, *session(*pnls))
    page = written(logs, Period.spanning(DAY, DAY), tmp_path / "page.html")
    opened = Opened(browser, page.path, scripts=bool(pnls))
    assert opened.faults == []
    assert opened.page.locator(".plot").count() == plots
    if not pnls:
        assert opened.page.locator("h2:text-is('No trades in window')").is_visible()
    opened.context.close()
