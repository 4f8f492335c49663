"""Targets replayed over past days, by hand: what each file raises, and what only one does."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from performance_pipeline.domain.replay import ChangedSeverity, Replay, ReplayedAlert
from performance_pipeline.domain.windows import Period, Window
from performance_pipeline.pipeline.replaying import UnusableTargetsError, replay_targets
from performance_pipeline_tests.support.lines import DAY, LATER, ONE_DAY, Place, place, session

IN_FORCE = "win_rate_target: 50\ndaily_pl_target: 5\n"


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    """Tuesday: 1 of 3 won, P&L -1. Wednesday: 2 of 3, 1. Thursday: 0 of 3, -3."""
    (tmp_path / "targets.yaml").write_text(IN_FORCE)
    here = place(
        tmp_path / "logs",
        TARGETS_FILE=str(tmp_path / "targets.yaml"),
        ALERT_ROLLING_WINDOW="3",
    )
    for offset, pnls in enumerate((("1", "-1", "-1"), ("1", "1", "-1"), ("-1", "-1", "-1"))):
        day = DAY + offset * ONE_DAY
        here.write(day, *session(*pnls, day=day))
    return here


def replay(
    logs: Place,
    given: str | None = None,
    *,
    last: date = DAY + 2 * ONE_DAY,
    now: datetime = LATER,
) -> Replay:
    path = None
    if given is not None:
        path = logs.log_dir.parent / "given.yaml"
        path.write_text(given)
    return replay_targets(logs.tracker(now), Period.spanning(DAY, last), path)


def ids(alerts: Sequence[ReplayedAlert]) -> list[str]:
    return [alert.id for alert in alerts]


def test_every_period_is_judged_in_the_order_in_which_they_end(logs: Place) -> None:
    found = replay(logs)
    assert ids(found.in_force) == [
        "daily-2025-06-10-win_rate-1",
        "daily-2025-06-10-realized_pnl-1",
        "rolling-2025-06-10-win_rate-1",
        "daily-2025-06-11-realized_pnl-1",
        "daily-2025-06-12-win_rate-1",
        "daily-2025-06-12-realized_pnl-1",
        "rolling-2025-06-12-win_rate-1",
        "weekly-2025-06-09-win_rate-1",
        "weekly-2025-06-09-avg_daily_pnl-1",
        "monthly-2025-06-01-win_rate-1",
        "monthly-2025-06-01-avg_daily_pnl-1",
    ]
    # 3 days, a week, a month and 3 rolling days.
    assert found.periods == 8


def test_the_rolling_window_is_one_stream_that_raises_and_resolves(logs: Place) -> None:
    rolling = [one for one in replay(logs).in_force if one.window is Window.ROLLING]
    assert [one.resolved_at for one in rolling] == [
        datetime(2025, 6, 12, tzinfo=UTC),  # The end of Wednesday.
        None,
    ]


def test_what_a_period_is_judged_at_is_its_end_so_nothing_is_pending(logs: Place) -> None:
    midnight = datetime(2025, 6, 11, tzinfo=UTC)
    assert {one.raised_at for one in replay(logs).in_force if one.period == DAY} == {midnight}


def test_a_period_that_still_runs_is_judged_as_far_as_it_can_be(logs: Place) -> None:
    running = datetime(2025, 6, 12, 18, tzinfo=UTC)
    found = replay(logs, now=running)
    assert [one.id for one in found.in_force if one.period > DAY + ONE_DAY] == [
        "rolling-2025-06-12-win_rate-1"
    ]
    assert not [one for one in found.in_force if one.window in (Window.WEEKLY, Window.MONTHLY)]


def test_two_files_stand_side_by_side_and_what_only_one_raises_is_named(logs: Place) -> None:
    given = (
        "win_rate_target: 34\nmax_drawdown_target: -2\nalerts: {critical: {win_rate_target: 10}}"
    )
    found = replay(logs, given)
    counts = {(one.window, one.metric): (one.in_force, one.given) for one in found.counts}
    assert counts == {
        (Window.DAILY, "max_drawdown"): (0, 1),
        (Window.DAILY, "realized_pnl"): (3, 0),
        (Window.DAILY, "win_rate"): (2, 2),
        (Window.WEEKLY, "avg_daily_pnl"): (1, 0),
        (Window.WEEKLY, "win_rate"): (1, 1),
        (Window.MONTHLY, "avg_daily_pnl"): (1, 0),
        (Window.MONTHLY, "win_rate"): (1, 1),
        (Window.ROLLING, "win_rate"): (2, 2),
    }
    assert found.only_given == ("daily-2025-06-12-max_drawdown-1",)
    assert len(found.only_in_force) == 5
    assert found.severity_differs == (
        ChangedSeverity(id="daily-2025-06-12-win_rate-1", in_force="WARN", given="CRITICAL"),
        ChangedSeverity(id="rolling-2025-06-12-win_rate-1", in_force="WARN", given="CRITICAL"),
    )


def test_a_file_that_equals_the_one_in_force_differs_in_nothing(logs: Place) -> None:
    found = replay(logs, IN_FORCE)
    assert found.given == found.in_force
    assert (found.only_given, found.only_in_force, found.severity_differs) == ((), (), ())


def test_an_alert_has_the_worst_severity_that_it_came_to(logs: Place) -> None:
    (logs.log_dir.parent / "targets.yaml").write_text(
        "alerts: {windows: {rolling: {win_rate_target: 70, critical: {win_rate_target: 10}}}}"
    )
    [stream] = replay(logs).in_force
    assert (stream.id, stream.severity) == ("rolling-2025-06-10-win_rate-1", "CRITICAL")
    assert stream.resolved_at is None


def test_days_without_a_trade_raise_nothing(logs: Place) -> None:
    days = replay(logs, last=DAY + timedelta(days=10))
    assert days.in_force == replay(logs).in_force


def test_nothing_is_written(logs: Place) -> None:
    replay(logs, IN_FORCE)
    assert not logs.settings.alert_log.exists()
    assert not logs.output.exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("win_rate_target: sixty", "win_rate_target"), ("- 1", "given.yaml")],
)
def test_a_file_that_judges_nothing_is_an_error_that_says_where(
    logs: Place, text: str, complaint: str
) -> None:
    with pytest.raises(UnusableTargetsError, match=complaint):
        replay(logs, text)


def test_without_targets_in_force_the_given_ones_are_replayed_alone(logs: Place) -> None:
    bare = logs.under(TARGETS_FILE=str(logs.log_dir / "none.yaml"))
    found = replay(bare, IN_FORCE)
    assert found.in_force == ()
    assert found.given == replay(logs).in_force
