"""An HTTP proxy before an object store that does to requests what networks and servers do."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

_CONDITIONS: Final = ("if-match", "if-none-match")
_HOP_BY_HOP: Final = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass
class Faults:
    """What goes wrong; may be changed while requests go through."""

    lost_answers: float = 0.0
    """The share of requests that are done and whose answer never arrives."""
    delay_seconds: float = 0.0
    unavailable_until: float = 0.0
    """By the monotonic clock; answered with 503 until then."""
    ignore_conditions: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    requests: int = 0
    lost: int = 0
    refused: int = 0


@contextmanager
def faulty_proxy(upstream: str, faults: Faults) -> Iterator[str]:
    """The URL of a proxy before the server at the URL `upstream`."""
    host = urlsplit(upstream).netloc
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"to": host, "faults": faults}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    to: str
    faults: Faults

    def do_GET(self) -> None:
        faults = self.faults
        faults.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(faults.delay_seconds)
        if time.monotonic() < faults.unavailable_until:
            faults.refused += 1
            self._answer(503, [], b"")
            return
        status, headers, content = self._passed_on(body)
        if faults.chance.random() < faults.lost_answers:
            faults.lost += 1
            self.close_connection = True
            return
        self._answer(status, headers, content)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        left_out = _CONDITIONS if self.faults.ignore_conditions else ()
        headers = {
            name: text for name, text in self.headers.items() if name.lower() not in left_out
        }
        upstream = HTTPConnection(self.to, timeout=60)
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        length = str(len(content))
        for name, text in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = text
            if name.lower() not in (*_HOP_BY_HOP, "date", "server"):
                self.send_header(name, text)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: requests are counted."""
