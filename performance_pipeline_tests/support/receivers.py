"""Servers on this machine that alerts are sent to: one for webhooks and one for mail."""

import json
import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final, cast

from performance_pipeline.setting_values import NotifyUrl
from performance_pipeline_tests.support.processes import free_port

# What must never be seen: part of every URL here.
TOKEN: Final = "tok3n-SECRET"


@dataclass
class Webhook:
    """A web server for `json://` URLs; what it is asked to do can change while it runs."""

    port: int = field(default_factory=free_port)
    status: int = 200
    wait_seconds: float = 0.0
    got: list[dict[str, Any]] = field(default_factory=list)
    """Every message that came, also those that were refused."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    """Those that were answered with 200."""
    on_message: Callable[[], None] = lambda: None
    """Called when a message is about to be answered."""

    def __post_init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None

    def url(self, position: int = 1, token: str = TOKEN) -> NotifyUrl:
        return NotifyUrl(position, "json", f"json://{token}:pw-{token}@127.0.0.1:{self.port}/")

    @property
    def keys(self) -> list[str]:
        """The key of each message that was taken, in order."""
        return [key_of(message["message"]) for message in self.taken]

    def appear(self) -> None:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = json.loads(body)
                webhook.got.append(message)
                time.sleep(webhook.wait_seconds)
                webhook.on_message()
                if webhook.status == 200:
                    webhook.taken.append(message)
                try:
                    self.send_response(webhook.status)
                    self.end_headers()
                except OSError:
                    pass  # Whoever sent it is gone.

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 50

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def vanish(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def webhook() -> Iterator[Webhook]:
    receiver = Webhook()
    receiver.appear()
    yield receiver
    receiver.vanish()


def key_of(body: str) -> str:
    """The key that a message names, for those who drop doubles."""
    return body.rpartition("\nid: ")[2]


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """The port of a server that speaks SMTP, and the mails that it has taken."""
    mails: list[str] = []
    with _MailServer(("127.0.0.1", 0), _Mail) as server:
        server.mails = mails
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    mails: list[str]
    server_address: tuple[str, int]


class _Mail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            command = line.split()[0].upper()
            if command == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                cast(_MailServer, self.server).mails.append(b"".join(lines).decode())
            self._say("221 bye" if command == b"QUIT" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
