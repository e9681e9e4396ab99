"""The second address of the server: for containers, and never without the token."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from flowtui.errors import FlowtuiError, UsageError
from flowtui.server.app import Door, build_app
from flowtui.server.database import Database, open_database
from flowtui.server.main import Containers, Ready, ServerSettings, _Address, _for_containers

TOKEN = "the-token-of-containers"
LOOPBACK = Ready("http://127.0.0.1:4200")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "server.db")
    yield opened
    opened.close()


def coming_in_at(app: ASGIApp, address: str) -> ASGIApp:
    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "server": (address, 4200)}, receive, send)

    return moved


def ask(app: ASGIApp, address: str, *, host: str = "", token: str = "") -> tuple[int, Any]:
    client = TestClient(coming_in_at(app, address), f"http://{host or address}:4200")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = client.post("/", json={"query": "{hello}"}, headers=headers)
    return answer.status_code, answer.json()


def test_loopback_stays_open_and_every_other_address_wants_the_token(database: Database) -> None:
    app = build_app(database, Door(None, True, TOKEN), "http://172.17.0.1:4200")
    good = (200, {"data": {"hello": "👋"}})
    assert ask(app, "127.0.0.1") == good
    assert ask(app, "172.17.0.1", token=TOKEN) == good
    for token in ("", "another-token-than-that"):
        _, refused = ask(app, "172.17.0.1", token=token)
        assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_connection_that_does_not_say_where_it_came_in_wants_the_token(
    database: Database,
) -> None:
    _, refused = ask(build_app(database, Door(None, True, TOKEN)), "", host="127.0.0.1")
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_web_page_still_cannot_drive_loopback(database: Database) -> None:
    app = build_app(database, Door(None, True, TOKEN))
    status, _ = ask(app, "127.0.0.1", host="rebound.example.com")
    assert status == 403


def test_where_loopback_has_a_token_it_is_asked_everywhere(database: Database) -> None:
    app = build_app(database, Door("the-token-of-loopback", False, "the-token-of-loopback"))
    for address in ("127.0.0.1", "172.17.0.1"):
        assert "errors" in ask(app, address)[1]
        assert "data" in ask(app, address, token="the-token-of-loopback")[1]


def test_the_address_for_containers_is_told_to_whoever_asks(database: Database) -> None:
    app = build_app(database, Door(None, True, TOKEN), "http://172.17.0.1:4200")
    assert TestClient(app).get("/").json()["containers"] == "http://172.17.0.1:4200"
    assert TestClient(build_app(database, Door(None, True))).get("/").json()["containers"] == ""


def _free() -> int:
    with socket.create_server(("127.0.0.3", 0)) as listener:
        return listener.getsockname()[1]


def test_a_second_listener_on_the_same_port() -> None:
    port = _free()
    ready, listeners = _for_containers(
        Containers("127.0.0.3", "127.0.0.3", TOKEN),
        _Address(socket.AF_INET, "127.0.0.1", port),
        LOOPBACK,
        port,
    )
    assert ready.containers_url == f"http://127.0.0.3:{port}"
    (listener,) = listeners
    with listener:
        assert listener.getsockname() == ("127.0.0.3", port)


@pytest.mark.parametrize("own", ["0.0.0.0", "172.17.0.1"])
def test_no_second_listener_where_the_first_is_there_already(own: str) -> None:
    ready, listeners = _for_containers(
        Containers("172.17.0.1", "172.17.0.1", TOKEN),
        _Address(socket.AF_INET, own, 4200),
        LOOPBACK,
        4200,
    )
    assert (ready.containers_url, listeners) == ("http://172.17.0.1:4200", [])


def test_docker_desktop_needs_no_second_listener() -> None:
    ready, listeners = _for_containers(
        Containers("host.docker.internal", "", TOKEN),
        _Address(socket.AF_INET, "127.0.0.1", 4200),
        LOOPBACK,
        4200,
    )
    assert (ready.containers_url, listeners) == ("http://host.docker.internal:4200", [])


def test_an_address_that_cannot_be_had() -> None:
    own = _Address(socket.AF_INET, "127.0.0.1", 0)
    wanted = Containers("203.0.113.9", "203.0.113.9", TOKEN, required=False)
    ready, listeners = _for_containers(wanted, own, LOOPBACK, 0)
    assert (ready.containers_url, listeners) == ("", [])
    assert ready.containers_problem is not None
    with pytest.raises(FlowtuiError, match="cannot listen"):
        _for_containers(Containers("203.0.113.9", "203.0.113.9", TOKEN), own, LOOPBACK, 0)


def test_settings_do_not_show_the_token() -> None:
    settings = ServerSettings(token=TOKEN, containers=Containers("h", "l", TOKEN))
    assert TOKEN not in repr(settings)


def test_beyond_loopback_there_is_no_server_without_a_token() -> None:
    from flowtui.server.main import serve

    with pytest.raises(UsageError, match="needs a token"):
        serve(ServerSettings(host="0.0.0.0"), on_ready=lambda _: None)
