"""Sending what the alert log gains: each line in order to each URL, at least once.

The log is the truth and is only read. What is remembered is written after each line that a server
has taken, so a crash in between sends that line once more: its message names the alert's id and
what happened to it, which are the same then.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Final

from msgspec.structs import replace

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.pipeline.apprise_sending import send
from performance_pipeline.pipeline.tracker import utc_now
from performance_pipeline.places import Place
from performance_pipeline.reports.alert_message import Message, alert_message
from performance_pipeline.setting_values import ENVIRONMENT, NotifyUrl, Origins
from performance_pipeline.storage.alert_log import AlertLog
from performance_pipeline.storage.delivery_state import (
    Channel,
    DeliveryState,
    Letter,
    delivering,
    load_state,
    save_state,
    stamp,
)

ROUND_SECONDS: Final = 20.0
"""A round begins no further message after that."""
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)
GIVE_UP_AFTER: Final = timedelta(days=1)

_SENT: Final = ("raised", "updated", "resolved")
_SENTENCES_KEPT: Final = 50
_NOTIFY: Final = "PERFORMANCE_NOTIFY"

Send = Callable[[NotifyUrl, Message], str | None]


@dataclass(frozen=True)
class Route:
    """From which alert log to which URLs, and where what was sent is remembered."""

    alert_log: Place
    output_dir: Place
    urls: tuple[NotifyUrl, ...]
    origins: Origins = ENVIRONMENT

    def is_due(self, state: DeliveryState | None, now: datetime) -> bool:
        """Whether a round would find something to do."""
        if state is None or state.log_stamp != stamp(self.alert_log):
            return True
        if [_whose(channel) for channel in state.channels] != [_whose(url) for url in self.urls]:
            return True
        return any(channel.waiting and _may_try(channel, now) for channel in state.channels)


def deliver(
    route: Route, send: Send = send, clock: Callable[[], datetime] = utc_now
) -> DeliveryState | None:
    """Send what is due, and return what is remembered then; None while another process delivers.

    Each URL has a thread of its own, so that none waits for the server of another. Raises
    PipelineError when what is remembered cannot be read or written.
    """
    with delivering(route.output_dir) as ours:
        return _Round(route, send, clock).run() if ours else None


def with_lines_noted(
    state: DeliveryState | None,
    events: Iterable[AlertEvent],
    urls: Sequence[NotifyUrl],
    now: datetime,
    origins: Origins = ENVIRONMENT,
) -> DeliveryState:
    """`state` with what `events` hold that is new waiting for every one of `urls`.

    For a first look, nothing of it is new.
    """
    lines = list(_lines(events))
    if state is None:
        state = DeliveryState(known=tuple(line.digest for line in lines))
        if lines:
            state = _saying(
                state,
                f"{len(lines)} lines that the alert log holds already are not sent; those that it"
                " gains from now on are",
            )
    state = _with_channels(state, urls, origins.named(_NOTIFY))
    known = set(state.known)
    new = [line for line in lines if line.digest not in known]
    letters = tuple(Letter(line.key, *alert_message(line.event, line.key), now) for line in new)
    return replace(
        state,
        known=(*state.known, *(line.digest for line in new)),
        channels=tuple(
            replace(channel, waiting=channel.waiting + letters) for channel in state.channels
        ),
    )


@dataclass(frozen=True)
class _Line:
    """A line that is to be sent: what people know it by, and a digest of what makes it itself."""

    event: AlertEvent
    key: str
    digest: str


def _lines(events: Iterable[AlertEvent]) -> Iterable[_Line]:
    """Of each alert one raised, one resolved, and each update by its number."""
    updates: Counter[tuple[str, datetime]] = Counter()
    seen = set()
    for event in events:
        if event.status not in _SENT or event.late:
            continue
        what: str = event.status
        if event.status == "updated":
            updates[event.id, event.raised_at] += 1
            what = f"updated {updates[event.id, event.raised_at]}"
        digest = _digest(f"{event.id}\n{event.raised_at.timestamp()}\n{what}", 12)
        if digest not in seen:
            seen.add(digest)
            # Several bots may send to one URL, whose reader drops what comes twice.
            whose = f"{event.bot}/" if event.bot else ""
            yield _Line(event, f"{whose}{event.id} ({what})", digest)


def _with_channels(state: DeliveryState, urls: Sequence[NotifyUrl], notify: str) -> DeliveryState:
    """A channel for each URL: its own, else that of a URL that has gone from the same position.

    So a password can be mended while alerts wait.
    """
    wanted = [_whose(url) for url in urls]
    own = {_whose(channel): channel for channel in state.channels}
    by_digest = {channel.digest: channel for channel in state.channels}
    left = {
        channel.position: channel
        for channel in state.channels
        if channel.digest not in {digest for _, digest in wanted}
    }
    channels = []
    for position, digest in wanted:
        found = own.get((position, digest)) or by_digest.get(digest)
        if found is not None:
            channels.append(replace(found, position=position))
            continue
        replaced = left.pop(position, None)
        waiting = replaced.waiting if replaced else ()
        channels.append(Channel(position, digest, waiting))
    dropped = sum(len(channel.waiting) for channel in left.values())
    if dropped:
        state = _saying(
            state, f"{dropped} messages for URLs that {notify} names no more are dropped"
        )
    return replace(state, channels=tuple(channels))


@dataclass
class _Round:
    """One round of deliveries; its state is on disk whenever the lock is free."""

    route: Route
    send: Send
    clock: Callable[[], datetime]
    began: float = field(default_factory=time.monotonic)
    lock: Lock = field(default_factory=Lock)
    state: DeliveryState = field(default_factory=DeliveryState)

    def run(self) -> DeliveryState:
        self._note_lines()
        threads = [
            Thread(target=self._send_all, args=(place, url), daemon=True)
            for place, url in enumerate(self.route.urls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.state

    def _note_lines(self) -> None:
        before = load_state(self.route.output_dir)
        # Asked before the log is read: what it gains meanwhile is found in the next round.
        log_stamp = stamp(self.route.alert_log)
        events = AlertLog(self.route.alert_log, tell=lambda _: None).events()
        route = self.route
        noted = with_lines_noted(before, events, route.urls, self.clock(), route.origins)
        self.state = replace(noted, log_stamp=log_stamp)
        if self.state != before:
            self._save()

    def _send_all(self, place: int, url: NotifyUrl) -> None:
        """Send what waits for `url`, until nothing does, one fails, or the round is over."""
        while time.monotonic() - self.began < ROUND_SECONDS:
            channel = self.state.channels[place]
            if not channel.waiting or not _may_try(channel, self.clock()):
                return
            letter = channel.waiting[0]
            trouble = self.send(url, Message(letter.title, letter.body))
            whom = f"{self.route.origins.named(_NOTIFY)} {url}"
            with self.lock:
                channel, sentence = _after_trying(channel, whom, trouble, self.clock())
                channels = list(self.state.channels)
                channels[place] = channel
                state = replace(self.state, channels=tuple(channels))
                self.state = _saying(state, sentence) if sentence else state
                self._save()

    def _save(self) -> None:
        save_state(self.route.output_dir, self.state, self.route.origins)


def _after_trying(
    channel: Channel, whom: str, trouble: str | None, now: datetime
) -> tuple[Channel, str]:
    """The channel once its first letter was tried, and what there is to say of it."""
    letter, *others = channel.waiting
    if trouble is None:
        sentence = f"{whom} takes messages again" if channel.failures else ""
        return replace(channel, waiting=tuple(others), failures=0, not_before=None), sentence
    letter = replace(letter, tries=letter.tries + 1)
    pause = min(FIRST_PAUSE * 2 ** min(channel.failures, 10), LONGEST_PAUSE)
    channel = replace(channel, failures=channel.failures + 1, not_before=now + pause)
    if now - letter.noted_at > GIVE_UP_AFTER:
        sentence = (
            f"alert {letter.key} was not delivered to {whom} within a day:"
            f" {trouble}; given up, it is in the alert log alone"
        )
        return replace(channel, waiting=tuple(others)), sentence
    sentence = (
        f"alert {letter.key} could not be delivered to {whom}: {trouble};"
        " tried again for a day, with growing pauses"
    )
    return replace(channel, waiting=(letter, *others)), sentence if letter.tries == 1 else ""


def _may_try(channel: Channel, now: datetime) -> bool:
    """Whether its pause is over; one that is longer than any is of a clock that was set back."""
    until = channel.not_before
    return until is None or not now < until <= now + LONGEST_PAUSE


def _saying(state: DeliveryState, sentence: str) -> DeliveryState:
    said = (*state.said, sentence)[-_SENTENCES_KEPT:]
    return replace(state, said=said, said_count=state.said_count + 1)


def _whose(one: Channel | NotifyUrl) -> tuple[int, str]:
    """What tells that a channel is that of a URL."""
    # So short that it tells whether a URL has changed, and too little to guess a password by.
    digest = one.digest if isinstance(one, Channel) else _digest(one.secret, 4)
    return one.position, digest


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
