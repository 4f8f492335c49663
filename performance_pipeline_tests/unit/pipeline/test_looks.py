"""Results in a bucket: those of a folder byte for byte, and those of the latest look."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec
import pytest

from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.examination import examine_logs, proposals
from performance_pipeline.pipeline.looks import Looks
from performance_pipeline.pipeline.publishing import expect_periods, publish_period
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline.places import StoreUrl
from performance_pipeline.settings import Settings
from performance_pipeline.storage.bucket import PROBE_NAME, Bucket
from performance_pipeline.storage.index import INDEX_NAME
from performance_pipeline.storage.logs import LogFolderError
from performance_pipeline.storage.store import OverwrittenError
from performance_pipeline.storage.stores import store_at
from performance_pipeline.storage.summaries import load_summary
from performance_pipeline_tests.support.buckets import buckets_in_memory, lose_answers, put_file
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
    ONE_DAY,
    Place,
    at,
    line,
    log,
    place,
    session,
)

DAYS: Final = [DAY + count * ONE_DAY for count in range(4)]
NOW: Final = LATER + 5 * ONE_DAY
LOGS: Final = StoreUrl("s3", "bucket", "bots/alpha")
THE_DAY: Final = Period.of(Window.DAILY, DAY)


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets_in_memory(monkeypatch)


def in_bucket(here: Place) -> Settings:
    """The settings of `here` for its logs put into a bucket."""
    for path in here.log_dir.iterdir():
        if path.is_file():
            put_file(LOGS, path)
    kept = {name: text for name, text in here.environment.items() if name.endswith("TARGETS_FILE")}
    others = {name: text for name, text in here.environment.items() if "_DIR" not in name}
    others.pop("PERFORMANCE_ALERT_LOG", None)
    return Settings.from_env({**others, **kept, "PERFORMANCE_LOG_DIR": str(LOGS)})


def made(settings: Settings, days: list[date], now: datetime = NOW) -> None:
    """Make all of `days` and their periods, as runs do."""
    with Looks(settings, lambda: now) as looks:
        looks.tracker.store.expect(days)
        for day in days:
            looks.made(lambda tracker, day=day: tracker.store.refresh(day))  # type: ignore[misc]
        assert list(looks.tracker.store.refresh_reached()) == []
        looks.tracker.store.look_back()
        looks.tracker.store.save_index()
    periods = {Period.of(window, day): None for window in PARTITIONED_WINDOWS for day in days}
    with Looks(settings, lambda: now) as looks:
        expect_periods(looks.tracker, periods)
        for period in periods:
            looks.made(lambda tracker, period=period: publish_period(tracker, period))  # type: ignore[misc]


def contents(place: StoreUrl) -> dict[str, bytes]:
    def below(folder: str) -> Iterator[tuple[str, bytes]]:
        for name in Bucket(place).names(folder):
            whole = f"{folder}/{name}" if folder else name
            yield whole, Bucket(place).read(whole)

    found = {**dict(below("")), **dict(below("aggregates")), **dict(below("fills"))}
    found.pop(PROBE_NAME, None)
    return found


@pytest.mark.parametrize("pairing", ["none", "fifo"])
@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_what_is_written_to_a_bucket_is_what_is_written_to_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairing: str, lost: float
) -> None:
    here = place(tmp_path / "logs").under(PAIRING=pairing, SUMMARY_TIMEZONE="America/New_York")
    for number, day in enumerate(DAYS):
        opened = line(outcome="open", order_id=f"o{number}", timestamp=at("15:00", day))
        here.write(day, *session("5", "-3", str(number), day=day), opened, b"no line")
    here.archive(DAYS[1])
    if lost:
        lose_answers(monkeypatch, lost)
    settings = in_bucket(here)
    for _ in range(2):
        made(here.settings, DAYS)
        made(settings, DAYS)
    there, local = contents(settings.output_dir), here.written()  # type: ignore[arg-type]
    # Sizes, digests and offsets are the same; an object store has times of its own.
    indexes = [msgspec.json.decode(files.pop(INDEX_NAME)) for files in (there, local)]
    for index in indexes:
        for entry in index["logs"].values():
            entry.pop("modified_ns")
    assert there == local
    assert indexes[0] == indexes[1]
    assert len(local) > 20


@pytest.fixture
def bot(tmp_path: Path) -> Settings:
    here = place(tmp_path / "logs")
    for day in DAYS:
        here.write(day, *session("5", "-3", day=day))
    return in_bucket(here)


def gain(*pnls: str, day: date = DAY) -> None:
    """The bot replaces its log."""
    Bucket(LOGS).write(f"{day}.jsonl", log(*session(*pnls, day=day)))


def trades(settings: Settings, period: Period = THE_DAY) -> int:
    summary = load_summary(store_at(settings.output_dir), period)
    assert summary is not None
    return summary.total_trades


def test_a_slow_run_does_not_write_over_what_was_made_of_a_later_look(bot: Settings) -> None:
    made(bot, DAYS)
    gain("1", "2", "3")
    with Looks(bot, lambda: NOW) as slow:
        stale = slow.tracker
        assert stale.summarize(THE_DAY).total_trades == 3
        gain("1", "2", "3", "4")
        made(bot, DAYS)
        with pytest.raises(OverwrittenError):
            stale.store.refresh(DAY)
        with pytest.raises(OverwrittenError):
            publish_period(stale, THE_DAY)
        slow.made(lambda tracker: publish_period(tracker, THE_DAY))
        assert slow.tracker is not stale
    assert trades(bot) == 4


def test_who_keeps_being_overtaken_gives_up_with_an_error(bot: Settings) -> None:
    with Looks(bot, lambda: NOW) as looks:

        def overtaken(_: PerformanceTracker) -> None:
            raise OverwrittenError("x: another process has written it")

        with pytest.raises(PipelineError, match="another process"):
            looks.made(overtaken)


def test_a_log_that_changed_and_changed_back_leaves_no_results_of_what_was_in_between(
    bot: Settings,
) -> None:
    """The other run looks later, finds its results there already, and writes nothing."""
    made(bot, DAYS)
    gain("1", "2", "3")
    with Looks(bot, lambda: NOW) as slow:
        assert slow.tracker.summarize(THE_DAY).total_trades == 3
        gain("5", "-3")
        made(bot, DAYS)
        publish_period(slow.tracker, THE_DAY)
        assert trades(bot) == 3
        assert slow.outdated_keys(Window.DAILY, [DAY]) == [DAY]
        slow.made(lambda tracker: publish_period(tracker, THE_DAY))
        assert slow.outdated_keys(Window.DAILY, [DAY]) == []
    assert trades(bot) == 2


def test_only_periods_that_rest_on_what_changed_are_outdated_and_not_for_ever(
    bot: Settings,
) -> None:
    periods = [Period.of(Window.DAILY, day) for day in DAYS]
    with Looks(bot, lambda: NOW) as looks:
        assert looks.outdated(periods) == []
    with Looks(bot, lambda: NOW) as looks:
        for count in range(3):
            gain(*["1"] * (count + 3), day=DAYS[2])
            assert looks.outdated(periods) == periods[2:]
        gain("1", day=DAYS[2])
        assert looks.outdated(periods) == []


def test_in_a_folder_one_look_is_enough(tmp_path: Path) -> None:
    here = place(tmp_path / "logs")
    here.write(DAY, *session("5"))
    with Looks(here.settings, lambda: NOW) as looks:
        here.write(DAY, *session("5", "6"))
        assert looks.outdated([THE_DAY]) == []


READ: Final[list[Callable[[PerformanceTracker], object]]] = [
    lambda tracker: tracker.get_summary(Window.WEEKLY, DAY).total_trades,
    lambda tracker: proposals(tracker, examine_logs(tracker)),
]


@pytest.mark.parametrize("ask", READ)
def test_reading_a_bucket_writes_nothing(
    bot: Settings, ask: Callable[[PerformanceTracker], object]
) -> None:
    before = contents(LOGS)
    ask(PerformanceTracker(bot, lambda: NOW))
    assert contents(LOGS) == before
    assert contents(LOGS / "performance") == {}


def test_a_bucket_that_lost_all_its_logs_is_an_error_and_nothing_is_overwritten(
    bot: Settings,
) -> None:
    made(bot, DAYS)
    for day in DAYS:
        Bucket(LOGS).remove(f"{day}.jsonl")
    with pytest.raises(LogFolderError, match=r"'s3://bucket/bots/alpha': holds no log, where 4"):
        made(bot, DAYS)
    assert trades(bot) == 2


def test_a_log_that_disappeared_from_a_bucket_still_counts_and_is_named(bot: Settings) -> None:
    made(bot, DAYS)
    Bucket(LOGS).remove(f"{DAY}.jsonl")
    summary = PerformanceTracker(bot, lambda: NOW).get_summary(Window.DAILY, DAY)
    assert summary.total_trades == 2
    assert any(f"{DAY}.jsonl" in warning for warning in summary.data_quality.warnings)


def test_an_empty_place_in_a_bucket_waits_for_its_first_log() -> None:
    nothing = Settings.from_env({"PERFORMANCE_LOG_DIR": "s3://bucket/nothing"})
    tracker = PerformanceTracker(nothing, lambda: NOW)
    assert "There is no log yet" in proposals(tracker, examine_logs(tracker))[0]
