"""What a folder and a bucket both promise, and what each does where others write meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import obstore
import pytest
from obstore.store import MemoryStore

from performance_pipeline.domain.alerts import AlertEvent, acknowledge
from performance_pipeline.domain.reconciling import reconcile
from performance_pipeline.errors import PipelineError
from performance_pipeline.places import StoreUrl
from performance_pipeline.storage import object_store
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.bucket import Bucket
from performance_pipeline.storage.delivery_state import (
    DeliveryState,
    delivering,
    forget,
    load_state,
    save_state,
    stamp,
)
from performance_pipeline.storage.folder import Folder
from performance_pipeline.storage.index import IndexEntry, load_index, update_index
from performance_pipeline.storage.logs import LogContent, list_logs
from performance_pipeline.storage.store import OverwrittenError, Store, StoreError
from performance_pipeline.storage.stores import is_there, read, store_at, where
from performance_pipeline_tests.support.alerts import MET, NOW, WARN, evaluation
from performance_pipeline_tests.support.buckets import (
    BUCKET_URL,
    buckets_in_memory,
    ignore_conditions,
    like_google,
    lose_answers,
)
from performance_pipeline_tests.support.lines import DAY, ONE_DAY


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    buckets_in_memory(monkeypatch)
    return Bucket(BUCKET_URL)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> Store:
    return Folder(tmp_path / "some" / "where") if request.param == "folder" else bucket


# --- what both promise ------------------------------------------------------------------------


def test_a_file_that_is_not_there(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("x")
    assert (store.status("x"), store.stamp("x"), store.names()) == (None, (), [])
    assert (store.versioned("x").content, store.names("not/there")) == (b"", [])
    store.remove("x")
    store.tidy(("not there",))


@pytest.mark.parametrize("name", ["x.json", "folder/x.json"])
def test_what_is_put_is_read_and_an_equal_content_changes_nothing(store: Store, name: str) -> None:
    assert store.put(name, b"1") is True
    stamp = store.stamp(name)
    assert store.put(name, b"1") is False
    assert (store.read(name), store.stamp(name)) == (b"1", stamp)
    assert store.put(name, b"2") is True
    assert store.read(name) == b"2"
    assert store.stamp(name) != stamp
    found = store.status(name)
    assert found is not None
    assert (found.name, found.size) == (name, 1)


def test_contents_of_one_length_in_one_second_are_told_apart(bucket: Bucket) -> None:
    stamps = set()
    for content in (b"1", b"2", b"3"):
        bucket.write("x", content)
        stamps.add(bucket.stamp("x"))
    assert len(stamps) == 3


def test_names_are_those_directly_in_a_folder_sorted(store: Store) -> None:
    store.put_all(dict.fromkeys(("b", "a", "deep/er/c", "deep/a"), b"1"))
    assert store.names() == ["a", "b"]
    assert store.names("deep") == ["a"]
    with store.writing() as output:
        seen = [name for name in output.names() if not name.startswith(".")]
        assert (seen, output.names("deep")) == (["a", "b"], ["a"])


def test_what_is_kept_and_what_is_removed(store: Store) -> None:
    store.put("other", b"")
    store.keep("x", b"1")
    assert is_there(store.place / "x")
    assert read(store.place / "x") == b"1"
    store.remove("x")
    assert not is_there(store.place / "x")


@pytest.mark.parametrize("contents", [(b"", b"1"), (b"1\n", b"1\n2\n"), (b"1\n2\n", b"2\n")])
def test_a_swap_is_done_once_and_only_for_what_was_read(
    store: Store, contents: tuple[bytes, bytes]
) -> None:
    before, after = contents
    if before:
        store.put("x", before)
    with store.alone("x"):
        read_at_first = store.versioned("x")
        assert read_at_first.content == before
        assert store.swap("x", after, read_at_first.version, synced=True)
        assert store.read("x") == after
        assert not store.swap("x", b"9", read_at_first.version, synced=True)
        assert store.read("x") == after


def test_what_one_process_has_claimed_no_other_gets_until_it_is_done(store: Store) -> None:
    other = store_at(store.place)
    with store.claim("delivery", 60) as ours, other.claim("delivery", 60) as theirs:
        assert (ours, theirs) == (True, False)
    with other.claim("delivery", 60) as theirs:
        assert theirs


def test_the_claim_of_a_killed_process_ends_by_itself(bucket: Bucket) -> None:
    # As a process that is killed leaves it.
    abandoned = bucket.claim("delivery", -1)
    assert abandoned.__enter__()
    with Bucket(BUCKET_URL).claim("delivery", 60) as ours:
        assert ours
        abandoned.__exit__(None, None, None)
        with Bucket(BUCKET_URL).claim("delivery", 60) as third:
            assert not third


def test_a_place_is_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert where(Path("x")) == str(tmp_path / "x")
    assert where(BUCKET_URL / "x.json") == "s3://bucket/some/where/x.json"


# --- results, where others write too ----------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("theirs", [b"newer", b""])
def test_nobody_writes_over_what_was_written_since_the_look(
    bucket: Bucket, before: bytes | None, theirs: bytes
) -> None:
    if before is not None:
        bucket.put("x", before)
    with bucket.writing() as output:
        Bucket(BUCKET_URL).write("x", theirs)
        with pytest.raises(OverwrittenError, match="s3://bucket/some/where/x: another process"):
            output.put("x", b"older")
    assert bucket.read("x") == theirs
    with bucket.writing() as output:
        assert output.put("x", b"newest")
        assert output.put("x", b"newest of all")
        assert not output.put("x", b"newest of all")
    assert Bucket(BUCKET_URL).read("x") == b"newest of all"


@pytest.mark.usefixtures("bucket")
def test_what_google_lists_without_its_generation_is_written_over_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    like_google(monkeypatch)
    google = Bucket(StoreUrl("gs", "bucket", "some/where"))
    for name in ("x", "y", "z"):
        google.write(name, b"old")
    with google.writing() as output:
        assert output.put("x", b"new")
        assert output.put("x", b"newer"), "what it has written itself since"
        google.write("y", b"of another")
        google.remove("z")
        for name in ("y", "z"):
            with pytest.raises(OverwrittenError):
                output.put(name, b"new")
    assert (google.read("x"), google.read("y")) == (b"newer", b"of another")


def test_azure_lists_entity_tags_without_their_quotes(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.write("x", b"1")
    asked = obstore.list_with_delimiter

    def listed(client: MemoryStore, prefix: str | None) -> dict[str, object]:
        objects = asked(client, prefix)["objects"]
        return {"objects": [{**one, "e_tag": (one["e_tag"] or "").strip('"')} for one in objects]}

    monkeypatch.setattr(obstore, "list_with_delimiter", listed)
    assert bucket.listed() == [bucket.status("x")]


def test_two_who_write_the_same_both_go_on(bucket: Bucket) -> None:
    with bucket.writing() as one, Bucket(BUCKET_URL).writing() as other:
        assert one.put("x", b"same")
        other.put("x", b"same")
    assert bucket.read("x") == b"same"


@pytest.mark.parametrize("prefetch", [False, True])
def test_what_is_read_while_writing_is_what_is_compared(bucket: Bucket, prefetch: bool) -> None:
    bucket.put_all({str(number): b"%d" % number for number in range(40)})
    with bucket.writing() as output:
        if prefetch:
            output.expect(map(str, range(50)))
        assert [output.put(str(number), b"7") for number in range(9)] == [True] * 7 + [False, True]
        with pytest.raises(FileNotFoundError):
            output.read("49")


def test_lost_answers_to_writes_are_no_writes_of_others(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = lose_answers(monkeypatch, 0.5)
    with bucket.writing() as output:
        for number in range(50):
            assert output.put("x", b"%d" % number)
    assert counts["lost"] > 10


def test_an_index_keeps_what_all_have_learnt(store: Store) -> None:
    def learn(number: int) -> None:
        entry = IndexEntry(number, 0, "digest", number)
        update_index(store_at(store.place), {f"{DAY + number * ONE_DAY}.jsonl": entry}, {}, {})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(learn, range(24)))
    assert sorted(entry.size for entry in load_index(store).logs.values()) == list(range(24))


# --- alerts, where others write too -----------------------------------------------------------

LOG: Final = BUCKET_URL.parent / "alerts.jsonl"
DAYS: Final = [DAY + count * ONE_DAY for count in range(20)]


def breached(day: date, now: datetime = NOW) -> Callable[[dict[str, AlertEvent]], list[AlertEvent]]:
    found = [evaluation(WARN, day=day)]
    return lambda alerts: reconcile(alerts, found, now=now, lookback_days=None)


def met(alerts: dict[str, AlertEvent]) -> list[AlertEvent]:
    found = [evaluation(MET, day=day) for day in DAYS]
    return reconcile(alerts, found, now=NOW, lookback_days=None)


def said() -> list[tuple[str, str]]:
    return [(event.id, event.status) for event in AlertLog(LOG).events()]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_threads_that_say_the_same_at_once_say_it_once(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    if share:
        lose_answers(monkeypatch, share)
    barrier = threading.Barrier(6)
    heard: list[AlertEvent] = []

    def update(first: int) -> None:
        barrier.wait()
        # No two writers look at their clocks in the same microsecond.
        now = NOW + timedelta(microseconds=first)
        for day in DAYS[first : first + 10]:
            heard.extend(AlertLog(LOG).update(breached(day, now), settle=True))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(update, range(0, 12, 2)))
    assert sorted(said()) == sorted((f"daily-{day}-win_rate-1", "raised") for day in DAYS)
    assert len(heard) == len(said())


@pytest.mark.usefixtures("bucket")
def test_who_knew_less_is_asked_again_after_saying_what_is_no_longer_so() -> None:
    """Another writer knows more, and finds that there is nothing to say yet."""
    answers = [breached(DAY), met]

    def decide(alerts: dict[str, AlertEvent]) -> list[AlertEvent]:
        return (answers.pop(0) if answers else met)(alerts)

    events = AlertLog(LOG).update(decide, settle=True)
    assert [event.status for event in events] == ["raised", "resolved"]
    assert [status for _, status in said()] == ["raised", "resolved"]


@pytest.mark.usefixtures("bucket")
def test_an_alert_is_acknowledged_though_another_resolves_it_right_after() -> None:
    log = AlertLog(LOG)
    log.update(breached(DAY))
    assert len(log.update(lambda alerts: acknowledge(alerts, list(alerts), now=NOW))) == 1
    log.update(met)
    assert [status for _, status in said()] == ["raised", "acknowledged", "resolved"]


@pytest.mark.usefixtures("bucket")
def test_what_is_no_alert_is_moved_aside_in_a_bucket_too() -> None:
    told: list[str] = []
    log = AlertLog(LOG, told.append)
    log.update(breached(DAY))
    whole = read(LOG)
    store_at(LOG.parent).write(LOG.name, b"by hand\n" + whole + b"cut o")
    assert len(log.alerts()) == 1
    log.mend()
    assert read(LOG) == whole
    assert read(LOG.parent / "alerts.jsonl.torn") == b"by hand\ncut o\n"
    assert told[-1] == (
        "s3://bucket/some/alerts.jsonl: no alert in line 1 (not JSON), line 3 (cut off);"
        " moved to alerts.jsonl.torn"
    )


# --- stores that do not do what is asked ------------------------------------------------------


def test_a_store_that_ignores_conditions_is_refused_by_name(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.require_conditions()
    ignore_conditions(monkeypatch)
    with pytest.raises(
        StoreError, match=r"s3://bucket/some: this object store ignores the conditions"
    ):
        AlertLog(LOG).update(breached(DAY))
    with pytest.raises(StoreError, match=r"^PERFORMANCE_OUTPUT_DIR: s3://bucket/some/where: this"):
        update_index(bucket, {"x": IndexEntry(1, 1, "", 1)}, {}, {})
    with bucket.writing() as output, pytest.raises(StoreError):
        output.put("x", b"1")
    assert [name for name in bucket.names() if not name.startswith(".")] == []
    assert AlertLog(LOG).events() == []


ANSWERS: Final = {
    "404 Not Found: <Error><Code>NoSuchBucket</Code>": "there is no bucket 'bucket'; accepted is",
    "status code: 403 Forbidden: <Code>AccessDenied</Code>": "the credentials are refused",
    "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIA": "refused;",
    "status code: 401 Unauthorized": "the credentials are refused; accepted is credentials that",
    "performing PUT http://169.254.169.254/latest/api/token": "no credentials were found",
    "Account must be specified MissingAccount": "no credentials were found",
    "builder error BadScheme": "accepted is https, or http where AWS_ALLOW_HTTP=true says so",
    "status code: 503 Service Unavailable: slow down": "the object store answers 503 Service Una",
    "error sending request: pass-word": "the object store cannot be reached",
}


@pytest.mark.parametrize(("answer", "said"), ANSWERS.items())
@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_an_error_names_the_setting_and_what_is_accepted_and_quotes_nothing(
    answer: str, said: str, scheme: str
) -> None:
    url = StoreUrl(scheme, "bucket", "x", "PERFORMANCE_LOG_DIR")
    error = object_store.told(Exception(answer), url)
    text = str(error)
    assert isinstance(error, PipelineError)
    assert text.startswith(f"PERFORMANCE_LOG_DIR: {scheme}://bucket/x: ")
    assert said in text
    assert "; accepted is " in text
    assert not any(secret in text for secret in ("AKIA", "pass-word", "\n"))


@pytest.mark.usefixtures("bucket")
def test_delivery_is_remembered_in_a_bucket() -> None:
    state = DeliveryState(known=("x",), log_stamp=(1, 2))
    assert load_state(BUCKET_URL) is None
    with delivering(BUCKET_URL) as ours:
        assert ours
        save_state(BUCKET_URL, state)
    assert load_state(BUCKET_URL) == state
    log = BUCKET_URL / "alerts.jsonl"
    assert stamp(log) == ()
    AlertLog(log).update(breached(DAY))
    before = stamp(log)
    AlertLog(log).update(met)
    assert stamp(log) != before
    forget(BUCKET_URL)
    assert load_state(BUCKET_URL) is None


# --- logs -------------------------------------------------------------------------------------


def test_logs_in_a_bucket_are_listed_and_read_as_in_a_folder(bucket: Bucket) -> None:
    for name, content in {
        f"{DAY}.jsonl": b"1\n2\n3",
        f"{DAY}.jsonl.gz": b"",
        f"{DAY - ONE_DAY}.jsonl.gz": b"",
        f"{DAY + ONE_DAY}.jsonl": b"",
        "2025-02-30.jsonl": b"",
        "notes.txt": b"",
        f"below/{DAY}.jsonl": b"",
    }.items():
        bucket.write(name, content)
    listing = list_logs(BUCKET_URL, DAY)
    assert sorted(listing.files) == [DAY - ONE_DAY, DAY]
    assert listing.archived_twins == {DAY}
    assert listing.ignored == (
        "2025-02-30.jsonl: the name is no date; it is not read",
        f"{DAY + ONE_DAY}.jsonl: dated in the future; it is not read",
    )
    found = LogContent(listing.files[DAY], unfinished_tail=True)
    assert list(found.lines()) == [b"1\n", b"2\n"]
    bucket.write(f"{DAY}.jsonl", b"replaced meanwhile\n")
    assert list(found.lines_after(2, sha256(b"1\n").hexdigest()) or ()) == [b"2\n"]
