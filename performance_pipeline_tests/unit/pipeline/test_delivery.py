"""Alerts sent to real servers on this machine: in order, once a line, whatever the servers do."""

import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline import apprise_sending
from performance_pipeline.pipeline.apprise_sending import send
from performance_pipeline.pipeline.delivery import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    Route,
    deliver,
    with_lines_noted,
)
from performance_pipeline.reports.alert_message import Message
from performance_pipeline.setting_values import NotifyUrl
from performance_pipeline.storage.delivery_state import (
    STATE_NAME,
    DeliveryState,
    delivering,
    forget,
    load_state,
)
from performance_pipeline.storage.plain_json import encode_plain
from performance_pipeline_tests.support.alerts import alert
from performance_pipeline_tests.support.lines import LATER
from performance_pipeline_tests.support.local import LocalAlertLog
from performance_pipeline_tests.support.receivers import TOKEN, Webhook, mail_server, webhook

MINUTE: Final = timedelta(minutes=1)
HELLO: Final = Message("Title", "Body")


def raised(number: int, **changes: object) -> AlertEvent:
    return alert(id=f"daily-2025-06-{number:02}-win_rate-1", **changes)


@dataclass
class Place:
    """An alert log that grows, and the rounds of delivery over it; the clock is turned by hand."""

    folder: Path
    urls: tuple[NotifyUrl, ...]
    now: datetime = LATER
    sentences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = LocalAlertLog(self.folder / "alerts.jsonl")

    @property
    def route(self) -> Route:
        return Route(self.log.path, self.folder / "output", self.urls)

    def gain(self, *events: AlertEvent) -> None:
        self.log.update(lambda _: events)

    def round(self, after: timedelta = timedelta(0)) -> DeliveryState:
        self.now += after
        state = deliver(self.route, clock=lambda: self.now)
        assert state is not None
        assert state == load_state(self.route.output_dir)
        self.sentences = list(state.said)
        return state

    def is_due(self) -> bool:
        return self.route.is_due(load_state(self.route.output_dir), self.now)

    def waiting(self) -> list[list[str]]:
        state = load_state(self.route.output_dir)
        assert state is not None
        return [[letter.key for letter in channel.waiting] for channel in state.channels]


@pytest.fixture
def server() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


@pytest.fixture
def place(tmp_path: Path, server: Webhook) -> Place:
    """Delivery to one server that has begun, over an alert log that is still empty."""
    begun = Place(tmp_path, (server.url(),))
    begun.round()
    return begun


def keys(*numbers: int, what: str = "raised") -> list[str]:
    return [f"{raised(number).id} ({what})" for number in numbers]


# --- what is sent, and what is not --------------------------------------------------------------


def test_what_the_log_gains_is_sent_in_order_and_once(place: Place, server: Webhook) -> None:
    first = raised(1)
    place.gain(first, raised(2))
    place.round()
    place.gain(alert(id=first.id, status="updated", severity="CRITICAL"))
    place.gain(alert(id=first.id, status="resolved", severity="CRITICAL", resolved_at=LATER))
    place.round()
    place.round()

    assert server.keys == [*keys(1, 2), *keys(1, what="updated 1"), *keys(1, what="resolved")]
    assert server.taken[0] == {
        "version": "1.0",
        "title": "WARN raised: daily win rate",
        "message": (
            "win_rate 0.4 below its target 0.5\nRaised 2025-07-20 12:00 UTC\n"
            "id: daily-2025-06-01-win_rate-1 (raised)"
        ),
        "attachments": [],
        "type": "info",
    }
    assert [message["title"] for message in server.taken[2:]] == [
        "CRITICAL updated: daily win rate",
        "resolved: daily win rate",
    ]


def test_late_alerts_and_acknowledgements_are_not_sent(place: Place, server: Webhook) -> None:
    late = raised(1, late=True)
    place.gain(late, alert(id=late.id, late=True, status="resolved", resolved_at=LATER))
    place.gain(raised(2), alert(id=raised(2).id, status="acknowledged", acknowledged_at=LATER))
    place.round()

    assert server.keys == keys(2)


def test_a_severity_that_goes_and_comes_back_is_news_each_time(
    place: Place, server: Webhook
) -> None:
    worse = alert(id=raised(1).id, status="updated", severity="CRITICAL", run_id="")
    better = alert(id=raised(1).id, status="updated", severity="WARN", run_id="")
    place.gain(raised(1), worse, better)
    place.round()
    place.gain(worse)
    place.round()

    assert [key.rpartition("(")[2] for key in server.keys] == [
        "raised)",
        "updated 1)",
        "updated 2)",
        "updated 3)",
    ]


def test_a_first_look_at_a_log_begins_at_its_end_and_says_so(
    tmp_path: Path, server: Webhook
) -> None:
    place = Place(tmp_path, (server.url(),))
    place.gain(raised(1), raised(2))
    place.round()
    place.gain(raised(3))
    place.round()

    assert server.keys == keys(3)
    assert place.sentences == [
        "2 lines that the alert log holds already are not sent; those that it gains from now on are"
    ]


def test_without_the_file_delivery_begins_again_at_the_end(place: Place, server: Webhook) -> None:
    place.gain(raised(1))
    forget(place.route.output_dir)
    place.round()

    assert server.keys == []


def test_nothing_is_due_until_the_log_changes(place: Place) -> None:
    assert not place.is_due()
    place.gain(raised(1))
    assert place.is_due()
    place.round()
    assert not place.is_due()


# --- a log that is mended, torn or replaced -----------------------------------------------------


def lines(*events: AlertEvent) -> bytes:
    return b"".join(encode_plain(event) + b"\n" for event in events)


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        pytest.param(lines(raised(1), raised(2), raised(3)), [3], id="grown"),
        pytest.param(b"", [], id="emptied"),
        pytest.param(lines(raised(3)), [3], id="cut and begun anew"),
        pytest.param(lines(raised(2), raised(3), raised(1)), [3], id="sorted"),
        pytest.param(lines(raised(3), raised(1), raised(2)), [3], id="a line put before others"),
        pytest.param(b"junk\n\n" + lines(raised(1), raised(2), raised(3)), [3], id="strays"),
        pytest.param(lines(raised(1), raised(2)) + b'{"torn', [], id="a torn line"),
        pytest.param(lines(raised(1), raised(2), raised(1), raised(2)), [], id="doubled"),
        pytest.param(lines(raised(1), raised(2)).replace(b":", b": "), [], id="spaced"),
        pytest.param(
            lines(raised(1, raised_at=LATER + MINUTE)), [1], id="a new log, the same id again"
        ),
    ],
)
def test_a_log_that_was_changed_by_hand_sends_what_is_new_in_it_alone(
    place: Place, server: Webhook, content: bytes, sent: Sequence[int]
) -> None:
    place.gain(raised(1), raised(2))
    place.round()
    server.taken.clear()
    place.log.path.write_bytes(content)
    place.round()
    place.log.mend()
    place.round()

    assert server.keys == keys(*sent)


def test_a_log_that_goes_and_comes_back_sends_nothing_again(place: Place, server: Webhook) -> None:
    place.gain(raised(1))
    place.round()
    content = place.log.path.read_bytes()
    place.log.path.unlink()
    place.round()
    place.log.path.write_bytes(content + lines(raised(2)))
    place.round()

    assert server.keys == keys(1, 2)


def test_what_waits_is_sent_also_when_its_line_has_gone(place: Place, server: Webhook) -> None:
    server.vanish()
    place.gain(raised(1))
    place.round()
    place.log.path.unlink()
    server.appear()
    place.round(MINUTE)

    assert server.keys == keys(1)


# --- servers in trouble -------------------------------------------------------------------------


def test_a_server_that_answers_500_gets_each_line_again_in_order(
    place: Place, server: Webhook
) -> None:
    server.status = 500
    place.gain(raised(1), raised(2))
    place.round()
    assert len(server.got) == 1
    assert place.waiting() == [keys(1, 2)]
    assert place.sentences == [
        f"alert {keys(1)[0]} could not be delivered to PERFORMANCE_NOTIFY 1 (json): the server"
        " answered 500; tried again for a day, with growing pauses"
    ]

    server.status = 200
    place.round(MINUTE)
    assert server.keys == keys(1, 2)
    assert place.waiting() == [[]]
    assert place.sentences[1:] == ["PERFORMANCE_NOTIFY 1 (json) takes messages again"]


def test_a_server_that_vanished_gets_everything_once_it_is_back(
    place: Place, server: Webhook
) -> None:
    place.gain(raised(1))
    place.round()
    server.vanish()
    place.gain(raised(2))
    place.round()
    place.gain(raised(3))
    place.round(MINUTE)
    server.appear()
    place.round(MINUTE)

    assert server.keys == keys(1, 2, 3)


def test_a_server_that_answers_late_is_waited_for(place: Place, server: Webhook) -> None:
    server.wait_seconds = 1
    place.gain(raised(1))
    place.round()

    assert server.keys == keys(1)


def test_a_server_that_never_answers_holds_nobody_up_for_longer_than_a_message_may_take(
    server: Webhook,
) -> None:
    server.wait_seconds = 60
    began = time.monotonic()
    trouble = send(server.url(), HELLO, seconds=0.5)

    assert time.monotonic() - began < 30
    assert trouble == "the server took too long"


def test_pauses_grow_from_seconds_to_minutes_and_are_kept(place: Place, server: Webhook) -> None:
    server.status = 503
    place.gain(raised(1))
    pauses = []
    for _ in range(9):
        state = place.round()
        [channel] = state.channels
        assert channel.not_before is not None
        pauses.append((channel.not_before - place.now).total_seconds())
        place.now += timedelta(seconds=pauses[-1]) - timedelta(microseconds=1)
        assert not place.is_due()
        place.now += timedelta(microseconds=1)
        assert place.is_due()

    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert len(server.got) == len(pauses)


def test_a_pause_that_a_clock_set_back_makes_longer_than_any_is_over(place: Place) -> None:
    place.urls = (Webhook().url(),)
    place.gain(raised(1))
    place.round()
    place.now -= 2 * LONGEST_PAUSE

    assert place.is_due()


def test_after_a_day_a_line_is_given_up_and_the_next_one_follows(
    place: Place, server: Webhook
) -> None:
    server.status = 400
    place.gain(raised(1))
    place.round()
    place.gain(raised(2))
    place.round(GIVE_UP_AFTER)
    assert place.waiting() == [keys(1, 2)]
    place.round(LONGEST_PAUSE)
    assert place.waiting() == [keys(2)]
    assert place.sentences[-1] == (
        f"alert {keys(1)[0]} was not delivered to PERFORMANCE_NOTIFY 1 (json) within a day: the"
        " server answered 400; given up, it is in the alert log alone"
    )
    server.status = 200
    place.round(LONGEST_PAUSE)
    assert server.keys == keys(2)


def test_a_line_that_waited_behind_others_for_more_than_a_day_is_tried_before_it_is_given_up(
    place: Place, server: Webhook
) -> None:
    server.vanish()
    place.gain(raised(1), raised(2))
    place.round()
    place.round(GIVE_UP_AFTER + MINUTE)
    assert place.waiting() == [keys(2)]
    server.appear()
    place.round(LONGEST_PAUSE)

    assert server.keys == keys(2)


# --- several URLs -------------------------------------------------------------------------------


def test_one_server_that_fails_gives_the_others_no_doubles(place: Place, server: Webhook) -> None:
    with webhook() as other:
        place.urls = (server.url(1), other.url(2))
        place.round()
        other.status = 500
        place.gain(raised(1), raised(2))
        place.round()
        place.round(MINUTE)
        assert (server.keys, other.keys) == (keys(1, 2), [])
        other.status = 200
        place.round(MINUTE)
        assert (server.keys, other.keys) == (keys(1, 2), keys(1, 2))


def test_a_slow_server_does_not_hold_up_another(place: Place, server: Webhook) -> None:
    with webhook() as other:
        place.urls = (server.url(1), other.url(2))
        place.round()
        taken_by_then: list[int] = []
        server.wait_seconds = 1
        server.on_message = lambda: taken_by_then.append(len(other.taken))
        place.gain(raised(1))
        place.round()

    assert taken_by_then == [1]
    assert server.keys == other.keys == keys(1)


def test_a_url_that_is_added_begins_with_what_is_new_from_then_on(
    place: Place, server: Webhook
) -> None:
    place.gain(raised(1))
    place.round()
    with webhook() as other:
        place.urls = (other.url(1), server.url(2))
        assert place.is_due()
        place.round()
        place.gain(raised(2))
        place.round()

        assert other.keys == keys(2)
    assert server.keys == keys(1, 2)


def test_a_url_that_is_mended_gets_what_waited_for_it(place: Place, server: Webhook) -> None:
    place.urls = (Webhook().url(),)
    place.round()
    place.gain(raised(1))
    place.round()
    place.urls = (server.url(),)
    place.round()

    assert server.keys == keys(1)


def test_messages_for_a_url_that_is_taken_out_are_dropped_and_counted(
    place: Place, server: Webhook
) -> None:
    place.urls = (server.url(1), Webhook().url(2))
    place.round()
    place.gain(raised(1), raised(2))
    place.round()
    place.urls = (server.url(),)
    place.round()

    assert place.waiting() == [[]]
    assert place.sentences[-1] == (
        "2 messages for URLs that PERFORMANCE_NOTIFY names no more are dropped"
    )


def test_only_one_process_delivers_at_a_time(place: Place, server: Webhook) -> None:
    place.gain(raised(1))
    with delivering(place.route.output_dir) as ours:
        assert ours
        assert deliver(place.route) is None
    assert server.keys == []


# --- what is remembered -------------------------------------------------------------------------


def test_what_is_remembered_is_its_owners_alone_and_holds_no_url(place: Place) -> None:
    place.urls = (*place.urls, Webhook().url(2))
    place.gain(raised(1))
    place.round()
    path = place.folder / "output" / STATE_NAME

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TOKEN not in path.read_text()
    assert list(path.parent.glob("*partial*")) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"known": 1}', b"\xff"])
def test_a_file_that_cannot_be_read_is_an_error_and_sends_nothing(
    place: Place, server: Webhook, content: bytes
) -> None:
    path = place.folder / "output" / STATE_NAME
    path.write_bytes(content)
    place.gain(raised(1))

    with pytest.raises(PipelineError, match=f"{STATE_NAME}: cannot be read, so nothing is sent"):
        place.round()
    assert server.keys == []
    assert path.read_bytes() == content


def test_lines_are_noted_once_whoever_looks_how_often() -> None:
    urls = (NotifyUrl(1, "json", "json://x"),)
    state = with_lines_noted(None, [], urls, LATER)
    once = with_lines_noted(state, [raised(1)], urls, LATER)

    assert with_lines_noted(once, [raised(1)], urls, LATER) == once
    assert [letter.key for letter in once.channels[0].waiting] == keys(1)


# --- mail ---------------------------------------------------------------------------------------


def test_a_mail_server_gets_a_mail_of_plain_text(place: Place) -> None:
    with mail_server() as (port, mails):
        secret = f"mailto://127.0.0.1:{port}?from=bot@example.com&to=me@example.com&mode=insecure"
        place.urls = (NotifyUrl(1, "mailto", secret),)
        place.round()
        place.gain(raised(1))
        place.round()

    [mail] = [message_from_string(text, policy=default) for text in mails]
    assert mail["subject"] == "WARN raised: daily win rate"
    assert mail["to"] == "me@example.com"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == [
        "win_rate 0.4 below its target 0.5",
        "Raised 2025-07-20 12:00 UTC",
        "id: daily-2025-06-01-win_rate-1 (raised)",
    ]


# --- secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "trouble"),
    [
        (f"json://u:{TOKEN}@127.0.0.1:1/{TOKEN}", "the server could not be reached, or refused it"),
        (f"foo://{TOKEN}", "Apprise knows no such URL"),
        (f"tgram://{TOKEN}", "Apprise knows no such URL"),
        (f"mailto://u:{TOKEN}@", "Apprise knows no such URL"),
        (
            f"mailto://u:{TOKEN}@127.0.0.1:1?from=a@b.de&to={TOKEN}@b.de",
            "the server could not be reached, or refused it",
        ),
    ],
)
def test_nothing_of_a_url_is_said_by_anybody(
    secret: str,
    trouble: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    assert send(NotifyUrl(1, secret.partition(":")[0], secret), HELLO) == trouble

    assert TOKEN not in caplog.text
    assert capfd.readouterr() == ("", "")


def test_an_exception_is_named_by_its_kind_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(url: NotifyUrl, *_: object) -> None:
        raise RuntimeError(url.secret)

    monkeypatch.setattr(apprise_sending, "_send", fails)
    trouble = send(NotifyUrl(1, "json", TOKEN), HELLO)

    assert trouble == "it failed with RuntimeError"
    assert capfd.readouterr() == ("", "")


def test_a_url_shows_as_its_position_and_scheme() -> None:
    url = NotifyUrl(2, "mailto", f"mailto://u:{TOKEN}@example.com")

    assert str(url) == "2 (mailto)"
    assert TOKEN not in repr(url)
    assert TOKEN not in repr(Route(Path(), Path(), (url,)))
