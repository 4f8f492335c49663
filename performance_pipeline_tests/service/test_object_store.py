"""The pipeline over a real object store, one that is slow, away for a while, or loses answers."""

import os
import random
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unittest import mock

import msgspec
import pytest

from performance_pipeline.domain.reconciling import reconcile
from performance_pipeline.domain.windows import Window
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import Place as AnyPlace
from performance_pipeline.places import StoreUrl, place_at
from performance_pipeline.storage import bucket, object_store
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.bucket import PROBE_NAME, Bucket
from performance_pipeline.storage.index import INDEX_NAME
from performance_pipeline_tests.support.alerts import WARN, evaluation
from performance_pipeline_tests.support.buckets import put_file
from performance_pipeline_tests.support.command_line import run_process
from performance_pipeline_tests.support.effort import only_when_proving
from performance_pipeline_tests.support.faulty_proxy import Faults, faulty_proxy
from performance_pipeline_tests.support.lines import DAY, ONE_DAY, Place
from performance_pipeline_tests.support.object_server import BUCKET, credentials, object_server
from performance_pipeline_tests.support.processes import start

pytestmark = only_when_proving

DAYS: Final = 60
KILLS: Final = 25
RAISED: Final = 120
LOST: Final = 0.15
SLOW_SECONDS: Final = 0.02

_MADE_AT: Final = re.compile(rb'"generated_at": "[^"]+"|Generated \| [^|]+')


@contextmanager
def connected(url: str) -> Iterator[None]:
    """The server at `url` is the object store of this process and of those it starts."""
    with mock.patch.dict(os.environ, credentials(url)):
        forget()
        yield
    forget()


def forget() -> None:
    object_store._client.cache_clear()
    bucket._honours_conditions.cache_clear()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_server() as url:
        yield url


@pytest.fixture(scope="module")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Sample logs of 60 days in a folder, and what a backfill makes of them."""
    folder = tmp_path_factory.mktemp("here") / "logs"
    here = in_folder(folder)
    assert run_process(here, "sample-logs", "--out", str(folder), "--days", str(DAYS)).status == 0
    assert run_process(here, "backfill", "--days", str(DAYS)).status == 0
    return here


def in_folder(folder: Path) -> Place:
    first = datetime.now(UTC).date() - timedelta(days=DAYS + 31)
    return Place(
        folder,
        {
            "PERFORMANCE_LOG_DIR": str(folder),
            "PERFORMANCE_START_DATE": str(first),
            "PERFORMANCE_MARKET_CALENDAR": "none",
            "DAGSTER_HOME": "",
        },
    )


def in_bucket(made_here: Place, prefix: str, home: Path) -> Place:
    """The same logs in a bucket, with an instance in `home`."""
    url = StoreUrl("s3", BUCKET, prefix)
    for path in made_here.log_dir.glob("????-??-??.jsonl"):
        put_file(url, path)
    home.mkdir()
    environment = {**made_here.environment, "PERFORMANCE_LOG_DIR": str(url)}
    return Place(made_here.log_dir, {**environment, "DAGSTER_HOME": str(home)})


def results(place: AnyPlace) -> Mapping[str, bytes]:
    """Every result below `place` but when it was made; index entries without times of files."""
    found: dict[str, bytes] = {}
    if isinstance(place, StoreUrl):
        with Bucket(place).writing() as output:
            names = [name for name in output._versions or () if name != PROBE_NAME]
            output.expect(names)
            found = {name: output.read(name) for name in names}
    else:
        for path in place.rglob("*"):
            name = path.relative_to(place).as_posix()
            if path.is_file() and path.suffix != ".lock" and not name.startswith("dagster/"):
                found[name] = path.read_bytes()
    index = msgspec.json.decode(found.pop(INDEX_NAME))
    for entry in index["logs"].values():
        del entry["modified_ns"]
    found[INDEX_NAME] = msgspec.json.encode(index)
    return {name: _MADE_AT.sub(b"", content) for name, content in found.items()}


FAULTS: Final = {
    "none": Faults(),
    "slow": Faults(delay_seconds=SLOW_SECONDS),
    "lost answers": Faults(lost_answers=LOST),
    "away for five seconds": Faults(),
}


@pytest.mark.parametrize("trouble", FAULTS)
def test_results_in_a_bucket_are_those_of_a_folder_byte_for_byte(
    server: str, made_here: Place, tmp_path: Path, trouble: str
) -> None:
    faults, prefix = FAULTS[trouble], f"bots/{trouble.replace(' ', '-')}"
    with faulty_proxy(server, faults) as proxy, connected(proxy):
        there = in_bucket(made_here, prefix, tmp_path / "home")
        if trouble.startswith("away"):
            faults.unavailable_until = time.monotonic() + 5
        ran = run_process(there, "backfill", "--days", str(DAYS))
        assert ran.status == 0, ran.err
        faults.lost_answers = faults.delay_seconds = 0
        assert results(there.anywhere.output_dir) == results(made_here.output)
        verified = run_process(there, "verify")
        assert (verified.status, verified.out.splitlines()[-1][-14:]) == (0, " 0 differences")
    print(f"{trouble}: {faults.requests} requests, {faults.lost} lost, {faults.refused} refused")
    assert (faults.lost > 0) == (trouble == "lost answers")
    assert (faults.refused > 0) == trouble.startswith("away")


def test_commands_over_a_bucket_say_what_they_say_over_a_folder(
    server: str, made_here: Place, tmp_path: Path
) -> None:
    with connected(server):
        there = in_bucket(made_here, "bots/commands", tmp_path / "home")
        for command in (
            ("summary", "--window", "weekly", "--markdown"),
            ("summary", "--window", "rolling", "--json"),
            ("summary", "--window", "monthly", "--json"),
        ):
            over = [run_process(place, *command) for place in (made_here, there)]
            said = {_MADE_AT.sub(b"", ran.out.encode()) for ran in over}
            assert (len(said), over[0].status) == (1, over[1].status)
        page = tmp_path / "page.html"
        assert run_process(there, "report", "--out", str(page)).status == 0
        assert page.stat().st_size > 100_000
        doctor = run_process(there, "doctor")
        assert "honours conditional writes" in doctor.out
        assert "never-to-be-shown" not in doctor.out + doctor.err
        assert doctor.out.splitlines()[-1] == "The pipeline can run."


def test_a_weekly_summary_over_a_slow_store_takes_seconds_at_most(
    server: str, made_here: Place, tmp_path: Path
) -> None:
    faults = Faults()
    with faulty_proxy(server, faults) as proxy, connected(proxy):
        there = in_bucket(made_here, "bots/weekly", tmp_path / "home")
        for made in (False, True):
            faults.requests, faults.delay_seconds = 0, SLOW_SECONDS
            began = time.monotonic()
            PerformanceTracker(there.anywhere).get_summary(Window.WEEKLY)
            seconds = time.monotonic() - began
            faults.delay_seconds = 0
            print(f"aggregates made: {made}: {seconds:.2f} s, {faults.requests} requests")
            assert seconds < 5
            if not made:
                assert run_process(there, "backfill", "--days", str(DAYS)).status == 0


def test_a_store_that_ignores_conditions_is_refused_by_name(
    server: str, made_here: Place, tmp_path: Path
) -> None:
    with faulty_proxy(server, Faults(ignore_conditions=True)) as proxy, connected(proxy):
        there = in_bucket(made_here, "bots/careless", tmp_path / "home")
        for command in ("doctor", "backfill"):
            ran = run_process(there, command, *(("--days", "2") if command == "backfill" else ()))
            assert ran.status == 1
            assert "this object store ignores the conditions of conditional writes" in ran.err
            assert f"s3://{BUCKET}/bots/careless" in ran.err
        # Nothing was written but what tries it.
        assert {*Bucket(StoreUrl("s3", BUCKET, "bots/careless/performance")).names()} <= {
            PROBE_NAME
        }


@pytest.mark.parametrize("where", ["folder", "bucket", "bucket that loses answers"])
def test_alerts_of_three_processes_that_are_killed_are_neither_lost_nor_doubled(
    server: str, tmp_path: Path, where: str
) -> None:
    faults = Faults(lost_answers=LOST if where.endswith("answers") else 0)
    chance = random.Random(7)
    url = StoreUrl("s3", BUCKET, f"{where.replace(' ', '-')}/alerts.jsonl")
    with faulty_proxy(server, faults) as proxy, connected(proxy):
        log = str(tmp_path / "alerts.jsonl" if where == "folder" else url)
        writers = [start(keep_raising, log, proxy, seed) for seed in range(3)]
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.3, 0.8))
            victim = kill % 3
            writers[victim].kill()
            writers[victim].join()
            assert writers[victim].exitcode in (-signal.SIGKILL, 0)
            writers[victim] = start(keep_raising, log, proxy, kill + 3)
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0, 0, 0]
        said = [event.id for event in AlertLog(place_at(log, "")).events()]
    print(f"{where}: {len(said)} alerts, {faults.lost} answers lost of {faults.requests}")
    assert len(said) == RAISED
    assert sorted(said) == sorted(
        f"daily-{DAY + count * ONE_DAY}-win_rate-1" for count in range(RAISED)
    )


def keep_raising(log: str, url: str, seed: int) -> None:
    """Raise every alert, in an order of its own, with clocks and words of its own."""
    os.environ |= credentials(url)
    writer = AlertLog(place_at(log, "PERFORMANCE_ALERT_LOG"))
    order = [DAY + count * ONE_DAY for count in range(RAISED)]
    random.Random(seed).shuffle(order)
    for day in order:
        found = [evaluation(WARN, day=day)]
        writer.update(
            lambda alerts, found=found: reconcile(  # type: ignore[misc]
                alerts, found, now=datetime.now(UTC), lookback_days=None
            ),
            settle=True,
        )
