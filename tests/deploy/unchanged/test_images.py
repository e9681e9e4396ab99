"""Whether an image is where it was, and the base image is the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from flowtui.deploy.unchanged.images import Image, all_as_they_were, base_id, is_there
from tests.parts.stand_in import Reply, stand_in

_DIGEST = "sha256:" + "a" * 64


class _Engine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/images/team%2Fbase%3A1/json"
        body = b'{"Id": "sha256:b"}' if known else b"{}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "engine"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    place = str(tmp_path / "e.sock")
    with UnixStreamServer(place, _Engine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield place
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("reply", "there"),
    [(Reply(200), True), (Reply(404), False), (Reply(401), False), (Reply(hang_up=True), False)],
)
def test_a_registry_has_it_or_not(reply: Reply, there: bool) -> None:
    with stand_in(lambda _: reply) as registry:
        assert is_there(registry.url, "team/etl", _DIGEST) is there
        assert registry.asked[0].path == f"/v2/team/etl/manifests/{_DIGEST}"


def test_the_base_image_counts_by_its_id(engine: str) -> None:
    assert base_id(engine, "team/base:1") == "sha256:b"
    assert base_id(engine, "team/base:2") == ""
    assert base_id(f"{engine}.not", "team/base:1") is None
    with stand_in(lambda _: Reply(200)) as registry:
        image = Image(registry.url, "team/etl", _DIGEST, engine, "team/base:1", "sha256:b")
        assert all_as_they_were([image, image])
        assert len(registry.asked) == 1
        other = Image(registry.url, "team/etl", _DIGEST, engine, "team/base:1", "sha256:a")
        assert not all_as_they_were([other])
