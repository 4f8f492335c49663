"""An alert event as a message for people: plain text in which no name can act as markup."""

import re
import unicodedata
from typing import Final, NamedTuple

from performance_pipeline.domain.alerts import AlertEvent
from performance_pipeline.reports.wording import judged_name, moment

_LONGEST: Final = 800

# Chats give these a meaning of their own, each chat to others: bold, links, mentions, commands.
# There is no way of escaping them that all chats know, so each becomes its full-width twin.
_MARKUP: Final = re.compile(r"[*`\[\]<>@#|~\\^!${}]")
# Harmless within a word or a number, and not beside a space: win_rate, 1/2, but _this_ and /this.
_AT_AN_EDGE: Final = re.compile(r"__+|(?<!\w)[_/]|[_/](?!\w)")
# An emoji by its name.
_EMOJI: Final = re.compile(r":(?=\w+:)")
_FULL_WIDTH: Final = 0xFEE0


class Message(NamedTuple):
    title: str
    body: str


def alert_message(event: AlertEvent, key: str) -> Message:
    """What is sent of `event`; who is sent the same `key` twice may drop the second."""
    state = f"{event.severity} " if event.status != "resolved" else ""
    bot = f"{event.bot}: " if event.bot else ""
    judged = judged_name(event.metric, event.strategy)
    title = f"{bot}{state}{event.status}: {event.window} {judged}"
    raised = f"Raised {moment(event.raised_at)} {event.raised_at.tzname()}"
    return Message(
        plain_words(title),
        f"{plain_words(event.message)[:_LONGEST]}\n{raised}\nid: {plain_words(key)[:_LONGEST]}",
    )


def test_message() -> Message:
    return Message("Test message", "Alerts of performance-pipeline will arrive here.")


def plain_words(text: str) -> str:
    """`text` on one line, without anything that a chat, a mail or a page takes for markup.

    Control characters and those that are not seen, which turn text around, become a space.
    """
    seen = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") else character
        for character in text
    )
    for pattern in (_MARKUP, _AT_AN_EDGE, _EMOJI):
        seen = pattern.sub(lambda found: "".join(map(_full_width, found[0])), seen)
    return " ".join(seen.split())


def _full_width(character: str) -> str:
    return chr(ord(character) + _FULL_WIDTH)
