"""The stream of changes of runs, against a websocket that behaves as the test says."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from websockets import Request, Response, Subprotocol
from websockets.asyncio.server import ServerConnection, serve

from flowtui.api.rest import RestControlPlane, run_changes
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, FlowtuiError

RUN, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
WHEN = "2026-11-23T09:30:00Z"
PASSWORD = "ada:correct-horse"

Behaviour = Callable[[ServerConnection], Awaitable[None]]


@dataclass
class Served:
    """A server of events: what it was told, and how it behaves, one connection after another."""

    address: str = ""
    filters: list[dict[str, Any]] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    token: str | None = None
    refusal: int = 0
    """A status in place of a websocket."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_changes, "_PAUSES", (0.001,) * 4)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    async with serving(made):
        yield made


@asynccontextmanager
async def serving(made: Served) -> AsyncIterator[None]:
    async def handle(socket: ServerConnection) -> None:
        greeting = json.loads(await socket.recv())
        if greeting != {"type": "auth", "token": made.token}:
            await socket.close(1008, "Invalid token")
            return
        await socket.send(json.dumps({"type": "auth_success"}))
        made.filters.append(json.loads(await socket.recv()))
        if made.behaviours:
            await made.behaviours.pop(0)(socket)

    def plain(socket: ServerConnection, request: Request) -> Response | None:
        if request.path == "/api/health":
            return socket.respond(http.HTTPStatus.OK, "true")
        if request.path == "/api/admin/version":
            return socket.respond(http.HTTPStatus.OK, '"3.9.1"')
        assert request.path == "/api/events/out"
        return socket.respond(http.HTTPStatus(made.refusal), "no") if made.refusal else None

    async with serve(
        handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("prefect")],
        process_request=plain,
        close_timeout=1,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        made.address = f"http://127.0.0.1:{port}/api"
        yield


def telling(*events: tuple[str, str], then: int | None = None) -> Behaviour:
    """These events (a run and a name), then a close with this code, or silence."""

    async def behave(socket: ServerConnection) -> None:
        for run, name in events:
            resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
            event = {"event": name, "occurred": WHEN, "resource": resource}
            await socket.send(json.dumps({"type": "event", "event": event}))
        if then is None:
            await socket.wait_closed()
        else:
            await socket.close(then)

    return behave


@asynccontextmanager
async def changes(
    served: Served, run_id: str | None = None, password: str | None = None
) -> AsyncIterator[AsyncIterator[str]]:
    plane = RestControlPlane(served.address, Secret(password) if password else None, timeout=60)
    try:
        async with asyncio.timeout(60), aclosing(plane.run_changes(run_id)) as stream:  # type: ignore[type-var]
            yield stream
    finally:
        await plane.close()


async def test_changes_are_told_and_heartbeats_are_not(served: Served) -> None:
    served.behaviours = [
        telling(
            (RUN, "prefect.flow-run.Pending"),
            (RUN, "prefect.flow-run.heartbeat"),
            (OTHER, "prefect.flow-run.Running"),
        )
    ]
    async with changes(served) as stream:
        assert [await anext(stream), await anext(stream)] == [RUN, OTHER]


async def test_the_filter_has_an_end_that_does_not_come(served: Served) -> None:
    served.behaviours = [telling((RUN, "prefect.flow-run.Running"))]
    async with changes(served, RUN) as stream:
        assert [await anext(stream), await anext(stream)] == [RUN, RUN]
    (sent,) = served.filters
    occurred = sent["filter"]["occurred"]
    since, until = (datetime.fromisoformat(occurred[key]) for key in ("since", "until"))
    assert until - since > timedelta(days=1000)
    assert sent["filter"]["resource"] == {"id": [f"prefect.flow-run.{RUN}"]}
    assert sent["backfill"] is False


async def test_a_stream_that_breaks_is_taken_up_with_what_was_missed(served: Served) -> None:
    served.behaviours = [
        telling((RUN, "prefect.flow-run.Pending"), then=1001),
        telling((OTHER, "prefect.flow-run.Running"), then=1000),
        telling((RUN, "prefect.flow-run.Completed")),
    ]
    async with changes(served) as stream:
        assert [await anext(stream) for _ in range(3)] == [RUN, OTHER, RUN]
    assert [sent["backfill"] for sent in served.filters] == [False, True, True]
    since = datetime.fromisoformat(served.filters[1]["filter"]["occurred"]["since"])
    assert since < datetime.fromisoformat(WHEN)


async def test_a_stream_that_cannot_be_taken_up_says_so(served: Served) -> None:
    """A server that goes away again and again without telling anything."""
    served.behaviours = [telling(then=1001)] * 9
    async with changes(served) as stream:
        with pytest.raises(ControlPlaneError, match="not told at once any more"):
            await anext(stream)
    assert len(served.filters) == 5


async def test_a_server_that_is_gone_is_named() -> None:
    gone = Served()
    async with serving(gone):
        pass
    async with changes(gone) as stream:
        with pytest.raises(ControlPlaneError, match="nothing listens"):
            await anext(stream)


async def test_the_credential_goes_along(served: Served) -> None:
    served.token = PASSWORD
    served.behaviours = [telling((RUN, "prefect.flow-run.Pending"))]
    async with changes(served, password=PASSWORD) as stream:
        assert await anext(stream) == RUN


@pytest.mark.parametrize("password", [None, "ada:wrong-horse"])
async def test_a_wrong_credential_is_not_tried_again(served: Served, password: str | None) -> None:
    served.token = PASSWORD
    async with changes(served, password=password) as stream:
        with pytest.raises(FlowtuiError, match="does not tell changes") as caught:
            await anext(stream)
    assert "horse" not in str(caught.value)
    assert served.filters == []


@pytest.mark.parametrize("status", [403, 404])
async def test_a_server_without_events_is_not_tried_again(served: Served, status: int) -> None:
    served.refusal = status
    async with changes(served) as stream:
        with pytest.raises(ControlPlaneError, match=f"does not tell changes .*{status}"):
            await anext(stream)
