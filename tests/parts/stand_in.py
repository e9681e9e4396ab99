"""A small real HTTP server that answers what a test says, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any = None
    """The JSON document, None for none."""


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None
    """Sent as JSON; a web page, which begins with `<`, as it stands."""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection without an answer."""


@dataclass
class StandIn:
    url: str
    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]


@contextmanager
def stand_in(answer: Callable[[Asked], Reply]) -> Iterator[StandIn]:
    """A server on loopback; its `answer` may be replaced at any time."""
    running = StandIn("", answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # head and body in one piece: two would wait for each other's receipt

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                self.command,
                self.path,
                {key.lower(): value for key, value in self.headers.items()},
                json.loads(content) if content else None,
            )
            running.asked.append(asked)
            reply = running.answer(asked)
            if reply.hang_up:
                self.close_connection = True
                return
            is_page = isinstance(reply.body, str) and reply.body.startswith("<")
            text = reply.body if is_page else json.dumps(reply.body)
            body = b"" if reply.status == 204 else text.encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/html" if is_page else "application/json")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
