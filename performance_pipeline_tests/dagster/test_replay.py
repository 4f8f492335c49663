"""Replayed targets raise what the service did: over the same logs, the alert log a run wrote."""

from datetime import date, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Final

from performance_pipeline.domain.replay import ReplayedAlert
from performance_pipeline.domain.windows import (
    ONE_DAY,
    PARTITIONED_WINDOWS,
    Period,
    Window,
    days_between,
    end_of_day,
)
from performance_pipeline.pipeline.replaying import replay_targets
from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.alert_service import service_in
from performance_pipeline_tests.support.command_line import QUICK_PROGRAM, run_process
from performance_pipeline_tests.support.effort import often, only_when_proving
from performance_pipeline_tests.support.lines import Place, place
from performance_pipeline_tests.support.local import LocalAlertLog

# So strict that sample logs miss many of them, in every window.
STRICT: Final = """
win_rate_target: 55
avg_risk_reward_target: 1.5
daily_pl_target: 100
trades_per_day_target: 20
max_drawdown_target: -1500
alerts:
  min_trades: 5
  critical: {win_rate_target: 40, daily_pl_target: -500, max_drawdown_target: -3000}
  windows:
    weekly: {max_drawdown_target: -3000, critical: {daily_pl_target: -300}}
    monthly: {max_drawdown_target: -6000}
    rolling: {win_rate_target: 50, critical: {win_rate_target: 35}}
"""
LAST: Final = date(2025, 6, 20)
DAYS: Final = often(50, usual=25)
FIRST: Final = LAST - (DAYS - 1) * ONE_DAY


def sampled(folder: Path) -> Place:
    folder.mkdir(exist_ok=True)
    targets = folder / "targets.yaml"
    targets.write_text(STRICT)
    here = place(folder / "logs", TARGETS_FILE=str(targets), START_DATE=str(FIRST))
    write_sample_logs(here.log_dir, SampleOptions(days=DAYS, trades_per_day=12, seed=3, end=LAST))
    return here


def raised_in(log: LocalAlertLog) -> set[tuple[str, str, str]]:
    """Of each alert its id, its metric and the worst severity that any line gives it."""
    worst: dict[str, tuple[str, str]] = {}
    for event in log.events():
        _, before = worst.get(event.id, ("", ""))
        severity = "CRITICAL" if "CRITICAL" in (before, event.severity) else "WARN"
        worst[event.id] = (event.metric, severity)
    return {(key, *of) for key, of in worst.items()}


def told(alerts: tuple[ReplayedAlert, ...]) -> set[tuple[str, str, str]]:
    return {(alert.id, alert.metric, alert.severity) for alert in alerts}


def test_a_replay_equals_the_alert_log_of_a_backfill_with_the_same_targets(
    tmp_path: Path,
) -> None:
    here = sampled(tmp_path)
    assert (
        run_process(
            here, "backfill", "--start", str(FIRST), "--end", str(LAST), program=QUICK_PROGRAM
        ).status
        == 0
    )
    log = LocalAlertLog(here.settings.alert_log)
    found = replay_targets(here.tracker(), Period.spanning(FIRST, LAST), None).in_force
    written = {one for one in raised_in(log) if not one[0].startswith("rolling")}
    assert {alert.late for alert in log.events()} == {True}
    assert len(written) > 10
    assert written == told(tuple(one for one in found if one.window is not Window.ROLLING))
    # Of the rolling stream a backfill judges the newest day alone: what is still breached on it.
    still = {
        (one.metric, one.severity)
        for one in found
        if one.window is Window.ROLLING and one.resolved_at is None
    }
    assert still == {
        (event.metric, event.severity) for event in log.events() if event.window is Window.ROLLING
    }


@only_when_proving
def test_a_replay_equals_the_alert_log_of_a_service_that_was_there_day_by_day(
    tmp_path: Path,
) -> None:
    here = sampled(tmp_path / "sampled")
    first = LAST - 20 * ONE_DAY
    with service_in(tmp_path, START_DATE=str(first)) as service:
        service.here.settings.targets_file.write_text(STRICT)
        for path in here.log_dir.glob("*.jsonl"):
            if path.stem >= str(first):
                copyfile(path, service.here.log_dir / path.name)
        for day in days_between(first, LAST):
            service.now = end_of_day(day, service.here.settings.timezone) + timedelta(minutes=1)
            service.materialize(*PARTITIONED_WINDOWS, first=day, last=day)
            service.tick()
        tracker = service.here.tracker(service.now)
        found = replay_targets(tracker, Period.spanning(first, LAST), None).in_force
        assert told(found) == raised_in(service.log)
        assert {alert.late for alert in service.log.events()} == {False}
        rolling = [one for one in found if one.window is Window.ROLLING]
        assert any(one.resolved_at is not None for one in rolling)
