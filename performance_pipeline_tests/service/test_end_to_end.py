"""The real thing: `dagster dev` with its daemon, files dropped into a folder, results read back."""

import gzip
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.pipeline.sample_logs import SampleOptions, write_sample_logs
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.service import Service
from performance_pipeline_tests.support.waiting import wait_until

FAILED: Final = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def log(service: Service, day: date) -> Path:
    return service.logs / f"{day}.jsonl"


def loss(amount: str, day: date) -> bytes:
    return (
        f'{{"timestamp":"{day}T00:00:01Z","symbol":"LATE","action":"BUY","quantity":"1",'
        f'"price":"10","outcome":"loss","net_profit_loss":"{amount}"}}\n'
    ).encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.stop()


def test_dropped_grown_and_edited_logs_become_fresh_summaries_and_alerts_without_a_click(
    service: Service, tmp_path: Path
) -> None:
    today = service.today
    yesterday = today - timedelta(days=1)
    month = today.replace(day=1)

    # Made elsewhere and moved: a look should meet all of them, or none.
    made = write_sample_logs(tmp_path / "made", SampleOptions(end=yesterday, days=40))
    dropped = [path.rename(log(service, date.fromisoformat(path.stem))) for path in made]
    oldest = date.fromisoformat(dropped[0].stem)
    wait_until(
        "every day, week and month of the dropped logs",
        lambda: (
            service.summary("daily", oldest).get("total_trades") == 40
            and service.summary("rolling", today) != {}
            and service.summary("weekly", today - timedelta(days=today.weekday())) != {}
            and service.summary("monthly", month) != {}
        ),
    )
    for asset in ("daily_aggregate", "daily_summary", "weekly_summary", "monthly_summary"):
        # One when the targets were first seen, one for the logs, and never one a day. On a busy
        # machine the daemon may ask for runs before it has stored all that one look reported.
        assert sum(asset in assets for assets, _ in service.runs()) <= 4

    log(service, today).write_bytes(loss("-2500", today))
    wait_until(
        "today's loss in its day and month",
        lambda: (
            service.pnl("daily", today) == "-2500"
            and "LATE" in service.summary("monthly", month).get("by_symbol", {})
        ),
    )
    wait_until(
        "the alert on today's drawdown",
        lambda: (
            [(a["status"], a["actual"]) for a in service.alerts() if a["period"] == str(today)]
            == [("raised", "-2500")]
        ),
    )

    log(service, today).write_bytes(loss("-25", today))
    wait_until(
        "the alert to be over once the log is corrected",
        lambda: (
            [a["status"] for a in service.alerts() if a["period"] == str(today)]
            == ["raised", "resolved"]
        ),
    )

    before = service.pnl("daily", oldest)
    dropped[0].write_bytes(b"")
    wait_until(
        "an edit of weeks ago",
        lambda: service.pnl("daily", oldest) == "0" != before,
    )
    # The weeks and months of the edit may still be on their way.
    assert dg.DagsterRunStatus.SUCCESS in {status for _, status in service.runs()}
    assert not FAILED & {status for _, status in service.runs()}
    # Dagster keeps what a tick has logged as a file for good: of most there is nothing to keep.
    logged = list(tmp_path.glob("home/storage/__repository__/*/*"))
    assert [path for path in logged if not path.stat().st_size] == []


@only_when_proving
def test_replaced_archived_deleted_new_and_half_written_logs_and_a_folder_that_is_unmounted(
    service: Service, tmp_path: Path
) -> None:
    today = service.today
    replaced, archived, deleted, new = (today - timedelta(days=ago) for ago in (40, 30, 20, 10))
    for day in (replaced, archived, deleted):
        log(service, day).write_bytes(loss("-10", day))
    log(service, today).write_bytes(loss("-1", today))
    wait_until(
        "every day of the first logs",
        lambda: (
            [service.pnl("daily", day) for day in (replaced, archived, deleted, new, today)]
            == ["-10", "-10", "-10", "0", "-1"]
            and service.pnl("rolling", today) == "-31"
        ),
    )

    another = tmp_path / "another"
    another.write_bytes(loss("-70", replaced))
    another.replace(log(service, replaced))
    plain = log(service, archived)
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    log(service, deleted).unlink()
    log(service, new).write_bytes(loss("-30", new))
    half = loss("-2", today)
    with log(service, today).open("ab") as growing:
        growing.write(loss("-1", today) + half[:50])
    wait_until(
        "the replaced, the deleted and the new log, and the whole line of today's",
        lambda: (
            service.pnl("daily", replaced) == "-70"
            and service.pnl("daily", new) == "-30"
            and service.summary("daily", deleted)["data_quality"]["warnings"] != []
            and service.summary("daily", today)["data_quality"]["duplicates"] == 1
            and service.pnl("rolling", today) == "-121"
        ),
    )
    assert service.pnl("daily", deleted) == "-10"
    assert service.computed(archived) == 1

    before = service.outputs()
    unmounted = tmp_path / "unmounted"
    unmounted.mkdir()
    for path in sorted(service.logs.glob("20*.jsonl*")):
        shutil.move(path, unmounted)
    wait_until("an error", lambda: b"is the folder mounted?" in service.printed.read_bytes())
    assert service.outputs() == before
    for path in unmounted.iterdir():
        shutil.move(path, service.logs)
    with log(service, today).open("ab") as growing:
        growing.write(half[50:])
    wait_until(
        "the logs to be back, and the half-written line to be completed",
        lambda: service.pnl("daily", today) == "-3" and service.pnl("rolling", today) == "-123",
    )
    assert service.computed(archived) == 1


@only_when_proving
def test_mended_targets_judge_what_was_left_unjudged_and_a_mended_archive_is_taken_up(
    service: Service,
) -> None:
    today = service.today
    oldest, archived, recent = (today - timedelta(days=ago) for ago in (40, 20, 5))
    service.targets_file.write_text("max_drawdown_target: lots\n", encoding="utf-8")
    whole = gzip.compress(loss("-20", archived))
    archive = log(service, archived).with_suffix(".jsonl.gz")
    archive.write_bytes(flipped(whole))
    seen = archive.stat()
    for day in (oldest, recent):
        log(service, day).write_bytes(loss("-10", day))
    wait_until(
        "the numbers of the logs that can be read, without verdicts, and the archive named",
        lambda: (
            [service.summary("daily", day).get("alert_status") for day in (oldest, recent)]
            == ["INVALID_TARGETS", "INVALID_TARGETS"]
            and f"{archive}: cannot be read".encode() in service.printed.read_bytes()
        ),
    )
    assert service.alerts() == []

    service.targets_file.write_text("max_drawdown_target: -5\n", encoding="utf-8")
    wait_until(
        "every day that was left unjudged to be judged, and its alert",
        lambda: {str(oldest), str(recent)} <= {alert["period"] for alert in service.alerts()},
    )
    for day in (oldest, recent):
        assert service.summary("daily", day)["alert_status"] == "WARN"
    assert service.summary("daily", archived) == {}

    # As after a change of permissions: neither its size nor its time says that it is another.
    archive.write_bytes(whole)
    os.utime(archive, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    wait_until(
        "the archive, now that it can be read, and the alert on its day",
        lambda: (
            service.pnl("daily", archived) == "-20"
            and service.pnl("rolling", today) == "-40"
            and str(archived) in {alert["period"] for alert in service.alerts()}
        ),
    )


def flipped(archive: bytes) -> bytes:
    """An archive whose checksum is another, so that it cannot be read; of the same size."""
    return archive[:-8] + bytes([archive[-8] ^ 1]) + archive[-7:]


@only_when_proving
def test_a_service_killed_in_the_middle_of_a_run_goes_on_where_it_was(service: Service) -> None:
    today = service.today
    written = write_sample_logs(service.logs, SampleOptions(end=today - timedelta(days=1), days=40))
    started = [dg.DagsterRunStatus.STARTED]
    wait_until(
        "a run over the logs",
        lambda: bool(service.instance.get_runs(dg.RunsFilter(statuses=started))),
    )
    service.kill()
    service.start()
    oldest = date.fromisoformat(written[0].stem)
    wait_until(
        "every layer",
        lambda: (
            service.summary("daily", oldest).get("total_trades") == 40
            and service.summary("weekly", oldest - timedelta(days=oldest.weekday())) != {}
            and service.summary("monthly", oldest.replace(day=1)) != {}
            and service.summary("rolling", today).get("total_trades") == 20
        ),
    )
    wait_until(
        "the killed run to be told from a running one",
        lambda: not service.instance.get_runs(dg.RunsFilter(statuses=started)),
    )
