"""`alerts ack` by choice, and `alerts test`: what they do to the log, and what they say."""

from datetime import timedelta
from typing import Final

import pytest

from performance_pipeline.domain.windows import Window
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.command_line import Run
from performance_pipeline_tests.support.lines import LATER, Place
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.receivers import TOKEN, Webhook, webhook

ACTIVE: Final[dict[str, dict[str, object]]] = {
    "daily-win": {"window": Window.DAILY, "metric": "win_rate"},
    "daily-fall": {"window": Window.DAILY, "metric": "max_drawdown"},
    "rolling-win": {"window": Window.ROLLING, "metric": "win_rate"},
    "late-win": {"window": Window.WEEKLY, "metric": "win_rate", "late": True},
    "of-one": {"window": Window.WEEKLY, "metric": "realized_pnl", "strategy": "mean reversion"},
}


@pytest.fixture
def raised(logs: Place) -> LocalAlertLog:
    """Five active alerts, one that is acknowledged already and one that is resolved."""
    log = LocalAlertLog(logs.settings.alert_log)
    events = [alert(id=name, **fields) for name, fields in ACTIVE.items()]
    seen = alert(id="seen", status="acknowledged", acknowledged_at=LATER)
    over = alert(id="over", status="resolved", resolved_at=LATER)
    log.update(lambda _: [*events, seen, over])
    return log


def acknowledged(log: LocalAlertLog) -> set[str]:
    found = log.alerts().values()
    return {one.id for one in found if one.acknowledged_at is not None} - {"seen"}


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (["--all"], set(ACTIVE)),
        (["--window", "daily"], {"daily-win", "daily-fall"}),
        (["--window", "rolling"], {"rolling-win"}),
        (["--metric", "win_rate"], {"daily-win", "rolling-win", "late-win"}),
        (["--window", "daily", "--metric", "win_rate"], {"daily-win"}),
        (["--strategy", "mean reversion"], {"of-one"}),
        (["--window", "weekly", "--strategy", "mean reversion"], {"of-one"}),
        (["daily-fall", "late-win"], {"daily-fall", "late-win"}),
    ],
)
def test_alerts_are_acknowledged_all_by_window_by_metric_or_by_id(
    run: Run, raised: LocalAlertLog, chosen: list[str], ids: set[str]
) -> None:
    ran = run("alerts", "ack", *chosen)

    assert (ran.status, ran.out, ran.err) == (0, "", f"{len(ids)} acknowledged\n")
    assert acknowledged(raised) == ids


@pytest.mark.parametrize(
    "chosen", [["--window", "monthly"], ["--metric", "trades_per_day"], ["--window", "daily"]]
)
def test_nothing_to_acknowledge_is_no_error_and_writes_nothing(
    run: Run, raised: LocalAlertLog, chosen: list[str]
) -> None:
    run("alerts", "ack", "--window", "daily")
    content = raised.path.read_bytes()
    ran = run("alerts", "ack", *chosen)

    assert (ran.status, ran.err) == (0, "nothing to acknowledge\n")
    assert raised.path.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give ids, or --all, --window or --metric"),
        (["daily-win", "--all"], "give ids, or --all, --window or --metric"),
        (["daily-win", "--metric", "win_rate"], "give ids, or --all, --window or --metric"),
        (["--all", "--window", "daily"], "give --all, or --window and --metric"),
        (["--window", "yearly"], "Invalid value for '--window': 'yearly' is not one of"),
        (["--metric", "winrate"], "--metric 'winrate' has no target; accepted are avg_daily_pnl, "),
        (["--strategy", "x"], "--strategy 'x': no alert is about it; accepted are mean reversion"),
    ],
)
def test_a_choice_that_is_none_is_one_line(
    run: Run, raised: LocalAlertLog, arguments: list[str], complaint: str
) -> None:
    assert run("alerts", "ack", *arguments).complaint.startswith(complaint)
    assert acknowledged(raised) == set()


def test_a_metric_that_only_the_log_knows_can_be_chosen(run: Run, raised: LocalAlertLog) -> None:
    raised.update(lambda _: [alert(id="old", metric="sharpe", raised_at=LATER + timedelta(1))])
    run("alerts", "ack", "--metric", "sharpe")

    assert acknowledged(raised) == {"old"}


# --- alerts test ------------------------------------------------------------------------------


def test_a_test_message_says_of_each_url_whether_it_arrived(run: Run, logs: Place) -> None:
    with webhook() as server, webhook() as refusing:
        refusing.status = 403
        urls = (server.url(1), refusing.url(2), Webhook().url(3))
        under = logs.under(NOTIFY=" ".join((*(url.secret for url in urls), f"foo://{TOKEN}")))
        ran = run("alerts", "test", under=under)

    assert ran.status == 1
    assert ran.out.splitlines() == [
        "1 (json): arrived",
        "2 (json): did not arrive: the server answered 403",
        "3 (json): did not arrive: the server could not be reached, or refused it",
        "4 (foo): did not arrive: Apprise knows no such URL",
    ]
    assert ran.err == ""
    assert [message["title"] for message in server.taken] == ["Test message"]
    assert not logs.settings.alert_log.exists()


def test_a_test_message_that_arrives_everywhere_is_a_success(run: Run, logs: Place) -> None:
    with webhook() as server:
        ran = run("alerts", "test", under=logs.under(NOTIFY=server.url().secret))

    assert (ran.status, ran.out) == (0, "1 (json): arrived\n")


def test_without_urls_a_test_message_is_an_error(run: Run) -> None:
    assert "PERFORMANCE_NOTIFY is empty" in run("alerts", "test").complaint


@pytest.mark.parametrize("command", [["doctor"], ["alerts", "test"], ["summary"]])
def test_text_that_is_no_url_is_an_error_that_shows_nothing_of_it(
    run: Run, logs: Place, command: list[str]
) -> None:
    ran = run(*command, under=logs.under(NOTIFY=f"json://{TOKEN} {TOKEN}"))

    assert ran.complaint == (
        "PERFORMANCE_NOTIFY cannot be used: accepted is one Apprise URL or more, SCHEME://...,"
        " with spaces between them and none within; number 2 is none"
    )


def test_doctor_names_urls_by_position_and_scheme(run: Run, logs: Place) -> None:
    urls = f"json://{TOKEN} mailto://me:{TOKEN}@example.com?to=a@b.de,c@d.de"
    ran = run("doctor", under=logs.under(NOTIFY=urls))

    assert "  notify: 1 (json), 2 (mailto)\n" in ran.out
    assert TOKEN not in ran.out + ran.err
    assert "  notify: none\n" in run("doctor").out
