"""Sending one message to one URL with the apprise library, whose words are kept from everybody.

URLs hold passwords and tokens, and the library's log, its exceptions and those of what it rests on
name URLs, hosts and paths. Only what is put in other words here leaves this module.
"""

import logging
import re
import warnings
from typing import Any, Final

from performance_pipeline.reports.alert_message import Message
from performance_pipeline.setting_values import NotifyUrl

SEND_SECONDS: Final = 30.0
"""No server may take longer over a message."""

_TALKATIVE: Final = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
_HTTP_STATUS: Final = re.compile(r"\berror=(\d{3})\b")


def silence() -> None:
    """Keep what the library and what it rests on have to say out of every log."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        if not logger.handlers:
            # Without a handler, Python prints warnings on stderr.
            logger.addHandler(logging.NullHandler())


def send(url: NotifyUrl, message: Message, seconds: float = SEND_SECONDS) -> str | None:
    """Send `message`; None once the server has taken it, else what went wrong, in few words."""
    silence()
    try:
        return _send(url, message, seconds)
    except Exception as error:  # noqa: BLE001
        # Whatever it is, its words may hold the URL, and so may those of its causes.
        return f"it failed with {type(error).__name__}"


def _send(url: NotifyUrl, message: Message, seconds: float) -> str | None:
    with warnings.catch_warnings():
        # Of what the library imports, and of certificates that the URL says not to check.
        warnings.simplefilter("ignore")
        # Imported here because it takes half a second, and few commands send anything.
        import apprise

        asset = apprise.AppriseAsset(
            app_id="performance-pipeline", app_desc="Trade performance alerts", app_url=""
        )
        # Not `add`, which would take the URL for a list.
        service = apprise.Apprise.instantiate(url.secret, asset=asset)
        if service is None:
            return "Apprise knows no such URL"
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        result = sender.notify(
            body=message.body,
            title=message.title,
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
            timeout=seconds,
        )
    return None if result else _reason(result, apprise)


def _reason(result: Any, apprise: Any) -> str:
    """Why it was not sent: one of a few sentences, whatever the library says."""
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        return "the server took too long"
    said = " ".join(str(entry.message) for entry in result.logs())
    if status := _HTTP_STATUS.search(said):
        return f"the server answered {status[1]}"
    return "the server could not be reached, or refused it"
