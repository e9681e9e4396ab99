"""An HTTP proxy before one server: counts requests, answers 503 to some, drops connections.

WebSockets pass through unharmed. The 503s of a server that really is busy are not counted and not
passed on: it is asked again.
"""

from __future__ import annotations

import http.client
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECE = 65536
_SECONDS = 120
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BUSY_ANSWERS = 100
_BUSY_PAUSE = 0.1
_NOT_OURS_TO_SEND = ("connection", "transfer-encoding", "keep-alive")
_WRITES = ("PATCH", "PUT", "DELETE")


class FaultyProxy:
    """Forwards to a port on loopback; what it does wrong can be changed while it runs."""

    def __init__(self, target: int, *, unavailable: float, dropped: float, seed: int) -> None:
        self.unavailable = unavailable
        """The part of requests, 0 to 1, that is answered 503 without Retry-After."""
        self.dropped = dropped
        """The part whose connection is closed when the server has answered: nobody hears it."""
        self.target = target
        self.requests: Counter[str] = Counter()
        """Those that reached the server, as `PATCH /api/deployments/{id}`."""
        self.refused: Counter[str] = Counter()
        """Those that were answered 503."""
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def forget(self) -> None:
        """Count from zero."""
        with self._lock:
            self.requests.clear()
            self.refused.clear()

    def changes(self) -> dict[str, int]:
        """Requests that reached the server and were not only reading."""
        return {
            what: count
            for what, count in self.requests.items()
            if what.startswith(_WRITES) or (what.startswith("POST") and not _is_reading(what))
        }

    def fault(self, what: str) -> str | None:
        """`unavailable`, `dropped` or None, for one more request."""
        with self._lock:
            chance = self._random.random()
            if chance < self.unavailable:
                self.refused[what] += 1
                return "unavailable"
            self.requests[what] += 1
            return "dropped" if chance < self.unavailable + self.dropped else None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _is_reading(what: str) -> bool:
    return what.endswith(("/filter", "/paginate", "/count", "/history"))


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            path = _UUID.sub("{id}", self.path.partition("?")[0])
            if self.headers.get("Upgrade"):
                self._splice()
                return
            fault = proxy.fault(f"{self.command} {path}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault == "unavailable":
                self._answer(503, [("Content-Type", "text/plain")], b"Service Unavailable")
                return
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _NOT_OURS_TO_SEND
            }
            status, told, said = _asked(proxy.target, self.command, self.path, body, headers)
            if fault == "dropped":
                self.close_connection = True
                return
            self._answer(status, told, said)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in (*_NOT_OURS_TO_SEND, "content-length"):
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _splice(self) -> None:
            """Both ways, byte by byte, until either side ends."""
            self.close_connection = True
            with socket.create_connection(("127.0.0.1", proxy.target)) as server:
                head = f"{self.command} {self.path} HTTP/1.1\r\n{self.headers.as_string()}"
                server.sendall(head.encode())
                back = threading.Thread(
                    target=_forward, args=(server, self.connection), daemon=True
                )
                back.start()
                # Not the raw socket: what followed the head may be in the reader's buffer.
                with suppress(OSError):
                    while piece := self.rfile.read1(_PIECE):
                        server.sendall(piece)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: what was asked is in the counters."""

    return Handler


def _asked(
    port: int, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and content of the server's answer."""
    for _ in range(_BUSY_ANSWERS):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()
        if answer.status != 503:
            break
        time.sleep(_BUSY_PAUSE)
    return found


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_proxy(
    target: int, *, unavailable: float = 0.0, dropped: float = 0.0, seed: int = 5
) -> Iterator[FaultyProxy]:
    """A proxy before `127.0.0.1:target` until the block ends; see `FaultyProxy`."""
    proxy = FaultyProxy(target, unavailable=unavailable, dropped=dropped, seed=seed)
    try:
        yield proxy
    finally:
        proxy.close()
