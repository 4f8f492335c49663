"""The report: its data against the summary and brute force, its text, its file, its asset."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Final
from unittest import mock

import dagster as dg
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.cli import cli
from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.numbers import exact_arithmetic
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.report import (
    REPORT_NAME,
    default_period,
    load_report,
    write_report,
)
from performance_pipeline.reports.number_format import compact
from performance_pipeline.reports.page import drawing
from performance_pipeline.reports.page.data import ReportData
from performance_pipeline.reports.page.html import report_html
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    ONE_DAY,
    SCRIPT,
    Place,
    at,
    opened,
    place,
    session,
    win,
)
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.reference import Rules, reference_summary
from performance_pipeline_tests.support.strategies import LogFolder, folders

WEEK: Final = Period.spanning(DAY, DAY + 6 * ONE_DAY)


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    return place(tmp_path / "logs")


def report_of(logs: Place, period: Period = WEEK) -> ReportData:
    return load_report(logs.tracker(), period)


def text_of(page: str) -> str:
    """What a reader sees, without styles, scripts and drawings."""
    without = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())


# --- data -------------------------------------------------------------------------------------


@examples(40)
@given(folder=folders(), zone=st.sampled_from(("UTC", "America/New_York", "Asia/Tokyo")))
def test_the_curve_hours_weekdays_and_sizes_agree_with_reading_all_raw_lines(
    tmp_path_factory: pytest.TempPathFactory, folder: LogFolder, zone: str
) -> None:
    logs = place(tmp_path_factory.mktemp("logs"), SUMMARY_TIMEZONE=zone, START_DATE="2024-01-01")
    for day, content in folder.logs.items():
        logs.write_bytes(day, content)
    now = datetime.combine(folder.days[-1], datetime.min.time(), tzinfo=UTC) + 40 * ONE_DAY
    period = Period.spanning(folder.days[0] - ONE_DAY, folder.days[-1] + ONE_DAY)
    report = load_report(logs.tracker(now), period)
    rules = Rules(zone=zone, start_date=date(2024, 1, 1))
    expected = reference_summary(
        folder.logs, "range", period.first_day, rules, now, period.last_day
    )

    assert report.summary.realized_pnl == expected["realized_pnl"]
    daily = expected["daily"]
    assert isinstance(daily, list)
    assert [str(day.date) for day in report.equity] == [row["date"] for row in daily]
    assert [day.equity for day in report.equity] == list(
        accumulate(row["realized_pnl"] for row in daily)
    )
    assert min((day.underwater for day in report.equity), default=0) == expected["max_drawdown"]
    with exact_arithmetic():
        for breakdown in (report.by_hour, report.by_weekday):
            rows = breakdown.values()
            assert sum(row.realized_pnl for row in rows) == expected["realized_pnl"]
            assert sum(row.total_trades for row in rows) == expected["total_trades"]
            assert sum(row.total_wins for row in rows) == expected["total_wins"]
            assert sum(row.total_losses for row in rows) == expected["total_losses"]
    assert sum(bin.count for bin in report.sizes) == expected["total_trades"]


def test_weeks_and_months_are_the_summaries_of_whole_weeks_and_months(logs: Place) -> None:
    for offset in range(40):
        logs.write(DAY + offset * ONE_DAY, *session("10", "-4", day=DAY + offset * ONE_DAY))
    period = Period.spanning(DAY + 2 * ONE_DAY, DAY + 30 * ONE_DAY)
    report = report_of(logs, period)
    for rows, window in ((report.weeks, Window.WEEKLY), (report.months, Window.MONTHLY)):
        summaries = [logs.summary(window, row.first_day) for row in rows]
        assert [row.realized_pnl for row in rows] == [one.realized_pnl for one in summaries]
        assert rows[0].first_day <= period.first_day
        assert rows[-1].last_day >= period.last_day


def test_the_target_of_a_week_is_the_daily_one_times_the_days_traded(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("daily_pl_target: 12.5\nwin_rate_target: 60\n")
    logs = place(tmp_path / "logs", TARGETS_FILE=str(targets))
    logs.write(DAY, *session("10", "-4", day=DAY))
    logs.write(DAY + ONE_DAY, *session("40", day=DAY + ONE_DAY))
    (week,) = report_of(logs, Period.spanning(DAY, DAY)).weeks
    assert week.pnl_target == Decimal(25)
    assert week.pnl is not None
    assert week.pnl.status == "met"
    assert week.rate is not None
    assert (week.rate.target, week.rate.status) == (Decimal("0.6"), "met")


def test_underwater_takes_the_lowest_point_within_a_day(logs: Place) -> None:
    logs.write(DAY, *session("100", "-30", "10", day=DAY))
    logs.write(DAY + ONE_DAY, *session("-60", "90", day=DAY + ONE_DAY))
    report = report_of(logs)
    assert [day.equity for day in report.equity] == [Decimal(80), Decimal(110)]
    assert [day.underwater for day in report.equity] == [Decimal(-30), Decimal(-80)]
    assert report.summary.max_drawdown == Decimal(-80)


def test_the_smallest_trades_are_one_bin_and_outliers_do_not_stretch_the_others(
    logs: Place,
) -> None:
    logs.write(DAY, *session(*["15"] * 29, *["-30"] * 28, "0.001", "-0.2", "0"))
    bins = report_of(logs).sizes
    assert [(bin.low, bin.high, bin.count) for bin in bins] == [
        (Decimal(-50), Decimal(-20), 28),
        (Decimal(-20), Decimal(-10), 0),
        (Decimal(-10), Decimal(10), 3),
        (Decimal(10), Decimal(20), 29),
    ]
    logs.write(DAY, *session(*["15"] * 30, "1e99"))
    bins = report_of(logs).sizes
    assert len(bins) <= 16
    assert sum(bin.count for bin in bins) == 31
    assert bins[-1].high == Decimal("2e99")


def test_trades_of_exactly_nothing_are_one_bin(logs: Place) -> None:
    logs.write(DAY, *session("0", "0"))
    assert [(bin.low, bin.high, bin.count) for bin in report_of(logs).sizes] == [
        (Decimal(0), Decimal(0), 2)
    ]
    assert "NaN" not in report_html(report_of(logs))


def test_alerts_are_those_whose_period_touches_the_range(logs: Place) -> None:
    logs.write(DAY, *session("10"))
    inside = alert(id="inside")
    reaching_in = alert(
        id="reaching-in", start_date=DAY - 6 * ONE_DAY, end_date=DAY, window=Window.WEEKLY
    )
    outside = alert(id="outside", period=DAY - ONE_DAY, start_date=None, end_date=None)
    LocalAlertLog(logs.settings.alert_log).update(lambda _: [inside, reaching_in, outside])
    assert [found.id for found in report_of(logs).alerts] == ["inside", "reaching-in"]


def test_each_alert_opens_to_its_trades_that_cost_most(logs: Place) -> None:
    logs.write(DAY, *session(*["-1"] * 15, "-40", "3", symbol="A|B"))
    pnl = alert(id="pnl", metric="realized_pnl", actual=Decimal(-52), target=Decimal(0))
    LocalAlertLog(logs.settings.alert_log).update(lambda _: [pnl])
    report = report_of(logs)
    [explained] = report.explanations
    assert (explained.id, explained.found.actual) == ("pnl", Decimal(-52))
    page = report_html(report)
    [told] = re.findall(r'<details class="why">(.*?)</details>', page, re.DOTALL)
    assert "daily 2025-06-10" in told
    assert "By symbol</dt><dd>A|B -52.00 (17 trades)" in told
    assert told.count("2025-06-10.jsonl:") == 10
    assert "2025-06-10.jsonl:16</th>" in told
    assert "7</data> more; <code>performance-pipeline alerts explain pnl" in told


def test_no_more_alerts_are_explained_than_there_is_room_for(
    logs: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.write(DAY, *session("-1"))
    alerts = [alert(id=f"{number:02}") for number in range(25)]
    LocalAlertLog(logs.settings.alert_log).update(lambda _: alerts)
    assert [one.id for one in report_of(logs).explanations] == [
        f"{number:02}" for number in range(24, 4, -1)
    ]
    # Nor are logs read that would take long.
    monkeypatch.setattr("performance_pipeline.pipeline.report._READ_AT_MOST", 1)
    assert report_of(logs).explanations == ()
    assert 'class="why"' not in report_html(report_of(logs))


def test_a_report_without_a_range_goes_back_a_year_or_to_the_oldest_log(logs: Place) -> None:
    logs.write(DAY, *session("10"))
    yesterday = LATER.date() - ONE_DAY
    assert default_period(logs.tracker()) == Period.spanning(DAY, yesterday)
    logs.write(DAY - 900 * ONE_DAY)
    assert default_period(logs.tracker()) == Period.spanning(yesterday - 364 * ONE_DAY, yesterday)
    later = logs.under(START_DATE=str(DAY + ONE_DAY))
    assert default_period(later.tracker()) == Period.spanning(DAY + ONE_DAY, yesterday)


def test_a_report_without_a_range_has_verdicts_because_its_last_day_is_over(logs: Place) -> None:
    (logs.log_dir / "targets.yaml").write_text("win_rate_target: 60\ndaily_pl_target: 5\n")
    judged = logs.under(TARGETS_FILE=str(logs.log_dir / "targets.yaml"))
    judged.write(DAY, *session("10", "-4"))
    judged.write(LATER.date(), *session("7", day=LATER.date(), hour=9))
    tracker = judged.tracker()
    report = load_report(tracker, default_period(tracker))
    assert {result.status for result in report.summary.targets} == {"met", "breached"}
    # Today is in the week that is running.
    assert report.summary.total_trades == 2
    assert report.weeks[-1].last_day >= LATER.date()
    assert report.weeks[-1].total_trades == 1


def test_a_report_without_a_range_is_today_while_there_is_no_day_before_it(logs: Place) -> None:
    only_today = Period.spanning(LATER.date(), LATER.date())
    assert default_period(logs.tracker()) == only_today
    logs.write(LATER.date(), *session("7", day=LATER.date(), hour=9))
    assert default_period(logs.tracker()) == only_today


def test_a_third_of_the_days_each_is_small_middling_and_large(logs: Place) -> None:
    for offset, pnl in enumerate(("1", "-2", "3", "-4", "5", "6")):
        logs.write(DAY + offset * ONE_DAY, *session(pnl, day=DAY + offset * ONE_DAY))
    assert drawing.calendar_steps(report_of(logs).equity) == (Decimal(3), Decimal(5))


# --- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("-500", "-500"), ("2E+4", "20k"), ("-1E+6", "-1M"), ("0.05", "0.05")],
)
def test_an_axis_says_large_amounts_in_few_characters(value: str, text: str) -> None:
    assert compact(Decimal(value)) == text


def test_text_from_logs_is_only_ever_text(logs: Place) -> None:
    longest = "x" * 10_000
    logs.write(
        DAY,
        win("10", at("14:30"), strategy_name=SCRIPT, symbol="A|B`<i>"),
        win("20", at("14:31"), strategy_name=longest, symbol='"><img src=x onerror=alert(1)>'),
    )
    hostile = alert(metric="</script><b>", message=f"{SCRIPT} {longest} ]]>&")
    LocalAlertLog(logs.settings.alert_log).update(lambda _: [hostile])
    page = report_html(report_of(logs))
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<img" not in page
    assert "<i>" not in page.replace('<i class="', "")
    assert "<b>" not in page
    assert page.count("</script>") == page.count("<script")
    assert longest in page


def test_a_reason_of_any_length_is_shown_in_full(logs: Place) -> None:
    report = report_of_one_rejected_line(logs, "r" * 10_000 + "<b>")
    assert "r" * 10_000 + "&lt;b&gt;" in report_html(report)


def report_of_one_rejected_line(logs: Place, reason: str) -> ReportData:
    logs.write(DAY, *session("10"), b"{")
    parse = "performance_pipeline.domain.trade_lines.RejectedLineError.__str__"
    with mock.patch(parse, return_value=reason):
        return report_of(logs)


def test_a_range_without_trades_says_so_and_draws_nothing(logs: Place) -> None:
    logs.write(DAY, opened("5"))
    page = report_html(report_of(logs))
    assert "No trades in window" in page
    assert "Still open: 1" in text_of(page)
    assert "<svg" not in page
    assert "window.vegaEmbed =" not in page


def test_a_range_without_trades_shows_the_alerts_that_reach_into_it(logs: Place) -> None:
    """As a weekend does, of a week that missed its targets."""
    reaching_in = alert(start_date=DAY - 5 * ONE_DAY, end_date=DAY + ONE_DAY)
    LocalAlertLog(logs.settings.alert_log).update(lambda _: [reaching_in])
    page = report_html(report_of(logs))
    assert "No trades in window" in page
    assert page.count("<svg") == 1
    assert "window.vegaEmbed =" in page


def test_a_range_without_any_log_is_a_page_too(logs: Place) -> None:
    assert "No trades in window" in report_html(report_of(logs))


@pytest.mark.parametrize("pnls", [("12.5",), ("-7", "-8.25"), ("0",), ("5", "-5")])
def test_one_day_is_a_sensible_page(logs: Place, pnls: tuple[str, ...]) -> None:
    logs.write(DAY, *session(*pnls))
    page = report_html(report_of(logs, Period.spanning(DAY, DAY)))
    assert page.count("<svg") == 2
    assert "NaN" not in page
    assert "Infinity" not in page


def test_a_losing_year_is_told_as_one(logs: Place) -> None:
    for offset in range(0, 364, 7):
        day = DAY - offset * ONE_DAY
        logs.write(day, *session("-100", "20", "-30.5", day=day))
    report = report_of(logs, Period.spanning(DAY - 363 * ONE_DAY, DAY))
    text = text_of(report_html(report))
    assert "Realized P&amp;L -5,746.00" in text
    # From the last day's win on it goes down for good, and up by 20 a day in between.
    assert report.summary.max_drawdown == Decimal("-5746")
    assert report.equity[-1].underwater == report.summary.max_drawdown
    assert len(report.months) == 13


def test_nothing_in_the_page_is_fetched(logs: Place) -> None:
    logs.write(DAY, *session("10", "-4"))
    page = report_html(report_of(logs))
    addresses = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)


def test_ids_in_the_page_are_unique(logs: Place) -> None:
    logs.write(DAY, *session("10", "-4"))
    ids = re.findall(r'\bid="([^"]+)"', report_html(report_of(logs)))
    assert len(ids) == len(set(ids))


# --- file, command, asset ---------------------------------------------------------------------


def test_the_page_replaces_an_older_one_and_leaves_nothing_else(
    logs: Place, tmp_path: Path
) -> None:
    logs.write(DAY, *session("10"))
    path = tmp_path / "new" / "page.html"
    for _ in range(2):
        size = write_report(path, report_of(logs))
        assert path.stat().st_size == size
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


@pytest.fixture
def command(logs: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    logs.write(DAY, *session("10", "-4"))
    monkeypatch.chdir(tmp_path)
    return CliRunner(env=dict(logs.environment))


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (f"--start {DAY} --end {DAY}", f"{DAY}"),
        (f"--window weekly --date {DAY}", "2025-06-09 to 2025-06-15"),
        (f"--window monthly --date {DAY}", "2025-06-01 to 2025-06-30"),
        (f"--window daily --date {DAY} --out report.html", f"{DAY}"),
    ],
)
def test_the_command_writes_one_page_and_nothing_else(
    command: CliRunner, logs: Place, tmp_path: Path, arguments: str, title: str
) -> None:
    ran = command.invoke(cli, ["report", *arguments.split()])
    assert ran.exit_code == 0, ran.output
    (path,) = [path for path in tmp_path.iterdir() if path != logs.log_dir]
    assert path.name in ("performance-report.html", "report.html")
    assert f"<title>Performance {title}</title>" in path.read_text(encoding="utf-8")
    assert re.search(rf"{path.name}: \d+ kB in [0-9.]+ s", ran.stderr)
    assert ran.stdout == ""
    assert [file.name for file in logs.log_dir.iterdir()] == [f"{DAY}.jsonl"]


@pytest.mark.parametrize(("arguments", "days", "over"), [("", 365, 1), ("--days 3", 3, 0)])
def test_a_number_of_days_ends_today_and_a_range_that_is_not_named_yesterday(
    command: CliRunner, tmp_path: Path, arguments: str, days: int, over: int
) -> None:
    ran = command.invoke(cli, ["report", *arguments.split()])
    assert ran.exit_code == 0, ran.output
    last = datetime.now(UTC).date() - over * ONE_DAY
    title = f"{last - (days - 1) * ONE_DAY} to {last}"
    page = (tmp_path / "performance-report.html").read_text(encoding="utf-8")
    assert f"<title>Performance {title}</title>" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"--start {DAY}", "give both --start and --end"),
        ("--days 3 --window weekly", "give one of"),
        ("--window rolling", "'rolling' is not one of"),
        (f"--days 3 --date {DAY}", "give --date with --window"),
        ("--window weekly --date 2999-01-01", "in the future"),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_writes_nothing(
    command: CliRunner, logs: Place, tmp_path: Path, arguments: str, said: str
) -> None:
    ran = command.invoke(cli, ["report", *arguments.split()])
    assert ran.exit_code != 0
    assert said in f"{ran.output} {ran.exception}"
    assert list(tmp_path.iterdir()) == [logs.log_dir]


def test_the_asset_writes_the_page_and_says_where_it_is(logs: Place) -> None:
    logs.write(DAY, *session("10", "-4"))
    definitions = build_definitions(Runtime(logs.settings, clock=lambda: LATER))
    with dg.DagsterInstance.ephemeral() as instance:
        ran = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("performance_report")]
        )
        (made,) = ran.asset_materializations_for_node("performance_report")
    path = logs.output / REPORT_NAME
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert made.metadata["report"].value == str(path)
    assert made.metadata["bytes"].value == path.stat().st_size
    assert "2 closed trades" in str(made.metadata["headline"].value)


def test_the_report_is_asked_for_once_a_day_and_not_by_a_trade(logs: Place) -> None:
    definitions = build_definitions(Runtime(logs.settings, clock=lambda: LATER))
    report, aggregate = dg.AssetKey("performance_report"), dg.AssetKey("daily_aggregate")
    cursor = None
    asked = []
    with dg.DagsterInstance.ephemeral() as instance:
        for moment in ("19T23:50", "20T00:21", "20T00:22", "20T12:00", "20T23:59", "21T00:21"):
            if moment == "20T12:00":
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(aggregate, partition="2025-07-20")
                )
            result = dg.evaluate_automation_conditions(
                definitions,
                instance,
                asset_selection=dg.AssetSelection.assets(report),
                evaluation_time=datetime.fromisoformat(f"2025-07-{moment}:00+00:00"),
                cursor=cursor,
            )
            cursor = result.cursor
            if result.total_requested:
                asked.append(moment)
    assert asked == ["20T00:21", "21T00:21"]
