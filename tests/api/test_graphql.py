"""The client against the stand-ins of Prefect Cloud 0.6 (camelCase) and 1.x (snake_case)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from flowtui import addresses
from flowtui.api.causes import OutcomeUnknownError
from flowtui.api.graphql import GraphQLControlPlane, registration
from flowtui.api.graphql.dialect import Naming
from flowtui.api.graphql.registration import BATCH, SPLIT_ABOVE, compress
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError, UsageError
from flowtui.models import Project
from tests.parts.recorded_cloud import TENANT, TOKEN, Fault, RecordedCloud, Request, recorded_cloud

pytestmark = pytest.mark.slow


@pytest.fixture(params=["camel", "snake"])
def cloud(request: pytest.FixtureRequest) -> Iterator[RecordedCloud]:
    with recorded_cloud(camel=request.param == "camel") as running:
        yield running


@pytest.fixture
def snake() -> Iterator[RecordedCloud]:
    with recorded_cloud() as running:
        yield running


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., GraphQLControlPlane]]:
    made: list[GraphQLControlPlane] = []

    def make(
        where: RecordedCloud | str, token: str | None = TOKEN, timeout: float = 15.0
    ) -> GraphQLControlPlane:
        url = where if isinstance(where, str) else where.url
        plane = GraphQLControlPlane(url, Secret(token) if token else None, timeout=timeout)
        made.append(plane)
        return plane

    yield make
    for plane in made:
        await plane.close()


Connect = Callable[..., GraphQLControlPlane]


def flow(name: str = "etl", tasks: int = 2, edges: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [],
        "tasks": [{"slug": f"t-{index}", "name": f"t{index}"} for index in range(tasks)],
        "edges": [{"key": None, "mapped": False, "number": index} for index in range(edges)],
        "reference_tasks": [],
        "storage": {
            "type": "Docker",
            "image_name": name,
            "image_tag": "abc",
            "registry_url": "r/x",
        },
        "__version__": "1.4.1",
        **more,
    }


def mutations(cloud: RecordedCloud, name: str) -> list[Request]:
    return [
        each for each in cloud.requests if each.query.startswith("mutation(") and name in each.query
    ]


def failing(name: str, fault: Fault, times: int = 99) -> Callable[[Request], Fault | None]:
    left = [times]

    def choose(request: Request) -> Fault | None:
        if f" {name}(input" not in request.query or left[0] == 0:
            return None
        left[0] -= 1
        return fault

    return choose


async def arrival(cloud: RecordedCloud, text: str) -> None:
    """Wait until a request with this text has reached the server."""

    def wait() -> None:
        with cloud.arrived:
            assert cloud.arrived.wait_for(
                lambda: any(text in each.query for each in cloud.requests), timeout=20
            )

    await asyncio.to_thread(wait)


# ------------------------------------------------------------------------------------- connecting


@pytest.mark.parametrize("path", ["", "/graphql/alpha", "/"])
async def test_the_camel_case_api_is_found(connect: Connect, path: str) -> None:
    with recorded_cloud(camel=True) as cloud:
        identity = await connect(cloud.url + path).identify()
        assert "camelCase" in identity.server
        assert (identity.tenant, identity.authenticated) == ("acme", True)
        assert cloud.projects == []


@pytest.mark.parametrize("paths", [("/",), ("/graphql",), ("/graphql/alpha",)])
async def test_the_snake_case_api_is_found_wherever_it_is_rooted(
    connect: Connect, paths: tuple[str, ...]
) -> None:
    with recorded_cloud(paths=paths) as cloud:
        plane = connect(cloud)
        assert Naming.SNAKE in (await plane.identify()).server
        assert await plane.projects() == ()
        assert cloud.projects == []


async def test_headers_are_those_of_the_mirrored_client(
    cloud: RecordedCloud, connect: Connect
) -> None:
    await connect(cloud).projects()
    last = cloud.requests[-1].headers
    assert last["authorization"] == f"Bearer {TOKEN}"
    expected = (None, None) if cloud.camel else ("1.4.1", TENANT)
    assert (last.get("x-prefect-core-version"), last.get("x-prefect-tenant-id")) == expected


async def test_an_api_with_both_dialects_and_introspection_is_spoken_to_in_snake_case(
    connect: Connect, snake: RecordedCloud
) -> None:
    names = ["createProject", "create_project", "create_flow_from_compressed_string"]
    schema = {"mutationType": {"fields": [{"name": name} for name in names]}}

    def introspection(request: Request) -> Fault | None:
        if "__schema" in request.query:
            return Fault(200, json.dumps({"data": {"__schema": schema}}))
        return None

    snake.fault = introspection
    plane = connect(snake)
    assert "snake_case" in (await plane.identify()).server
    assert not any("mutation {" in each.query for each in snake.requests), "no probe was needed"
    with pytest.raises(ControlPlaneError, match="no call for archiving"):
        await plane.archive("x")


async def test_a_graphql_api_of_somebody_else(connect: Connect, snake: RecordedCloud) -> None:
    schema = {"mutationType": {"fields": [{"name": "createStar"}]}}
    snake.fault = lambda request: Fault(200, json.dumps({"data": {"__schema": schema}}))
    with pytest.raises(ControlPlaneError, match="not one of Prefect"):
        await connect(snake).identify()


# --------------------------------------------------------------------------------------- projects


async def test_projects_are_created_listed_and_counted(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    second = await plane.create_project("b project")
    first = await plane.create_project('a "quoted" ünï\n', "what it is for")
    await plane.register(second, flow("one"))
    await plane.register(second, flow("one"))
    await plane.register(second, flow("two"))
    listed = await plane.projects()
    assert [(each.id, each.flow_count) for each in listed] == [(first.id, 0), (second.id, 2)]
    assert listed[0].description == ("" if cloud.camel else "what it is for")


async def test_a_name_that_is_taken(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud)
    await plane.create_project("team")
    before = len(mutations(cloud, "reate"))
    with pytest.raises(ControlPlaneError, match="'team' already exists") as caught:
        await plane.create_project("team")
    assert caught.value.problem.fix
    assert len(mutations(cloud, "reate")) == before + 1, "a refusal is not tried again"


async def test_rename_and_delete(snake: RecordedCloud, connect: Connect) -> None:
    plane = connect(snake)
    project = await plane.create_project("old")
    await plane.create_project("taken")
    renamed = await plane.rename_project(project, "new")
    assert (renamed.id, renamed.name) == (project.id, "new")
    with pytest.raises(ControlPlaneError, match="'taken' already exists"):
        await plane.rename_project(project, "taken")
    await plane.delete_project(renamed)
    assert [each.name for each in await plane.projects()] == ["taken"]


async def test_an_api_without_rename_and_delete_says_so(connect: Connect) -> None:
    with recorded_cloud(camel=True) as cloud:
        plane = connect(cloud)
        project = await plane.create_project("old")
        with pytest.raises(ControlPlaneError, match="no call for renaming") as caught:
            await plane.rename_project(project, "new")
        assert caught.value.problem.fix
        with pytest.raises(ControlPlaneError, match="no call for deleting"):
            await plane.delete_project(project)
        assert [each["name"] for each in cloud.projects] == ["old"]


# ------------------------------------------------------------------------------ flows and versions


async def test_registering_gives_the_server_exactly_the_serialization(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    project = await plane.create_project("team")
    serialized = flow(name="Ω flow", core="ü")
    first = await plane.register(project, serialized)
    second = await plane.register(project, serialized)
    assert cloud.flows[0]["serialized_flow"] == serialized
    assert (first.version, second.version) == (1, 2)
    assert (second.name, second.project, second.core_version) == ("Ω flow", "team", "1.4.1")
    assert second.created is not None
    assert second.created.tzinfo is not None
    assert second.image == "r/x/Ω flow:abc"
    assert await plane.flow_versions() == (second,)
    everything = await plane.flow_versions(project="team", name="Ω flow", archived=True)
    assert [(each.version, each.archived) for each in everything] == [(2, False), (1, True)]
    assert await plane.flow_versions(project="other") == ()
    expected = None if cloud.camel else serialized
    assert await plane.serialized_flow(first.id) == expected


async def test_more_rows_than_the_server_gives_at_once(
    cloud: RecordedCloud, connect: Connect
) -> None:
    project = cloud.add_project("team")
    for number in range(250):
        cloud.add_flow(project, flow(f"flow {number:03}", tasks=0))
    versions = await connect(cloud).flow_versions()
    assert [each.name for each in versions] == [
        f"flow {number:03}" for number in range(249, -1, -1)
    ]


async def test_archive(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud)
    version = await plane.register(await plane.create_project("team"), flow())
    await plane.archive(version.id)
    assert await plane.flow_versions() == ()


async def test_the_idempotency_key_of_the_newest_version_makes_no_new_one(
    snake: RecordedCloud, connect: Connect
) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    first = await plane.register(project, flow(), idempotency_key="k1")
    assert await plane.register(project, flow(), idempotency_key="k1") == first
    assert (await plane.register(project, flow(), idempotency_key="k2")).version == 2


async def test_an_api_without_idempotency_keys_still_registers(connect: Connect) -> None:
    with recorded_cloud(camel=True) as cloud:
        plane = connect(cloud)
        project = await plane.create_project("team")
        assert (await plane.register(project, flow(), idempotency_key="k1")).version == 1
        assert len(cloud.flows) == 1


def test_the_compressed_string_is_deterministic_and_readable() -> None:
    assert compress(flow()) == compress(flow())
    assert json.loads(gzip.decompress(base64.b64decode(compress(flow())))) == flow()


@pytest.mark.parametrize(("wanted", "active"), [(True, True), (False, False)])
@pytest.mark.parametrize("tasks", [2, SPLIT_ABOVE + 1])
async def test_the_schedule_is_switched_on_when_asked_for(
    snake: RecordedCloud, connect: Connect, wanted: bool, active: bool, tasks: int
) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    scheduled = flow(tasks=tasks, schedule={"clocks": [{"interval": 3_600_000_000}]})
    await plane.register(project, scheduled, set_schedule_active=wanted)
    assert snake.flows[0]["schedule_active"] is active


# ----------------------------------------------------------------------- all of it or nothing


async def test_a_large_flow_goes_in_batches(snake: RecordedCloud, connect: Connect) -> None:
    plane = connect(snake)
    large = flow(tasks=2 * BATCH + 1, edges=SPLIT_ABOVE)
    await plane.register(await plane.create_project("team"), large)
    assert snake.flows[0]["serialized_flow"] == large
    sizes = [len(each.input["serialized_tasks"]) for each in mutations(snake, "register_tasks")]
    assert sizes == [BATCH, BATCH, 1]
    assert len(mutations(snake, "register_edges")) == SPLIT_ABOVE // BATCH


async def test_a_large_flow_goes_whole_where_there_are_no_batches(connect: Connect) -> None:
    with recorded_cloud(camel=True) as cloud:
        plane = connect(cloud)
        large = flow(tasks=SPLIT_ABOVE + 1)
        await plane.register(await plane.create_project("team"), large)
        assert cloud.flows[0]["serialized_flow"] == large


@pytest.mark.parametrize("batch", ["register_tasks", "register_edges"])
async def test_a_failed_batch_takes_the_version_back(
    snake: RecordedCloud, connect: Connect, batch: str
) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    snake.fault = failing(batch, Fault(500, "oh"))
    with pytest.raises(ControlPlaneError, match=r"HTTP 500; the incomplete version was deleted\n"):
        await plane.register(project, flow(tasks=SPLIT_ABOVE, edges=1))
    assert snake.flows == []


async def test_what_cannot_be_taken_back_is_named(snake: RecordedCloud, connect: Connect) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    refused = {"errors": [{"message": "no\x1b]0;x\x07 rights"}], "data": None}

    def fault(request: Request) -> Fault | None:
        broken = " register_tasks(" in request.query or " delete_flow(" in request.query
        return Fault(200, json.dumps(refused)) if broken else None

    snake.fault = fault
    with pytest.raises(
        ControlPlaneError, match=r"incomplete version is left: .*no rights"
    ) as caught:
        await plane.register(project, flow(tasks=SPLIT_ABOVE + 1))
    assert snake.flows[0]["id"] in caught.value.problem.where


async def test_the_report_names_the_version_that_the_server_archived(
    snake: RecordedCloud, connect: Connect
) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    await plane.register(project, flow())
    snake.fault = failing("register_tasks", Fault(500, "oh"))
    with pytest.raises(ControlPlaneError, match="version 1 was archived by it"):
        await plane.register(project, flow(tasks=SPLIT_ABOVE + 1))
    assert [each["version"] for each in snake.flows] == [1]


async def test_a_cancelled_batch_leaves_nothing(snake: RecordedCloud, connect: Connect) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    released = threading.Event()
    snake.fault = failing("register_tasks", Fault(500, hold=released))
    registering = asyncio.create_task(plane.register(project, flow(tasks=SPLIT_ABOVE + 1)))
    await arrival(snake, " register_tasks(")
    registering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await registering
    await plane.close()
    released.set()
    assert snake.flows == []


@pytest.mark.parametrize("late", [False, True])
async def test_a_registration_cancelled_on_the_way_leaves_nothing(
    snake: RecordedCloud, connect: Connect, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if late:
        monkeypatch.setattr(registration, "_GRACE", 0.0)
    plane = connect(snake)
    project = await plane.create_project("team")
    released = threading.Event()

    def hold(request: Request) -> None:
        if " create_flow_from_compressed_string(" in request.query:
            released.wait(30)

    snake.fault = hold
    registering = asyncio.create_task(plane.register(project, flow()))
    await arrival(snake, " create_flow_from_compressed_string(")
    registering.cancel()
    if not late:
        released.set()
    with pytest.raises(asyncio.CancelledError):
        await registering
    released.set()
    await plane.close()
    assert snake.flows == []
    assert len(mutations(snake, "delete_flow")) == 1


async def test_a_whole_version_that_replaced_another_is_not_deleted_on_cancel(
    snake: RecordedCloud, connect: Connect
) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    await plane.register(project, flow())
    released = threading.Event()

    def hold(request: Request) -> None:
        released.wait(30) if " create_flow_from" in request.query else None

    snake.fault = hold
    count = len(snake.requests)
    registering = asyncio.create_task(plane.register(project, flow(core=2)))

    def arrived() -> bool:
        return any(" create_flow_from" in each.query for each in snake.requests[count:])

    def wait() -> None:
        with snake.arrived:
            assert snake.arrived.wait_for(arrived, timeout=20)

    await asyncio.to_thread(wait)
    registering.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await registering
    assert "it has replaced version 1" in caught.value.__notes__[0]
    await plane.close()
    assert [(each["version"], each["archived"]) for each in snake.flows] == [(1, True), (2, False)]


async def test_an_answer_that_was_lost_is_looked_for(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    project = await plane.create_project("team")
    await plane.register(project, flow())
    name = "createFlowFromCompressedString" if cloud.camel else "create_flow_from_compressed_string"
    cloud.fault = failing(name, Fault(after=True))
    newer = flow(storage={"type": "Docker", "image_name": "etl", "image_tag": "new"})
    version = await plane.register(project, newer)
    assert version.version == 2
    assert len(cloud.flows) == 2, "the mutation was not sent twice"


async def test_a_request_that_was_lost_is_not_sent_again(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    project = await plane.create_project("team")
    name = "createFlowFromCompressedString" if cloud.camel else "create_flow_from_compressed_string"
    cloud.fault = failing(name, Fault())
    with pytest.raises(OutcomeUnknownError, match="not known") as caught:
        await plane.register(project, flow())
    assert "before trying again" in caught.value.problem.fix
    assert len(mutations(cloud, name)) == 1
    assert cloud.flows == []


# ---------------------------------------------------------------------------------------- retries


async def test_a_query_is_tried_again_while_the_server_is_busy(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    await plane.create_project("team")
    answers = [Fault(503), Fault(429, headers={"Retry-After": "0"}), Fault(0), None]
    cloud.fault = lambda request: answers.pop(0)
    assert [each.name for each in await plane.projects()] == ["team"]
    assert answers == []


async def test_trouble_that_stays_is_reported(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud)
    await plane.identify()
    cloud.fault = lambda request: Fault(503)
    with pytest.raises(ControlPlaneError, match="HTTP 503"):
        await plane.projects()


async def test_a_mutation_is_not_tried_again(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud)
    await plane.identify()
    count = len(cloud.requests)
    cloud.fault = lambda request: Fault(503)
    with pytest.raises(ControlPlaneError, match="HTTP 503"):
        await plane.create_project("team")
    assert len(cloud.requests) == count + 1


@pytest.mark.parametrize("retry_after", ["3600", "9" * 400])
async def test_a_server_that_is_busy_for_long_is_not_asked_again(
    cloud: RecordedCloud, connect: Connect, retry_after: str
) -> None:
    plane = connect(cloud)
    await plane.identify()
    count = len(cloud.requests)
    cloud.fault = lambda request: Fault(429, headers={"Retry-After": retry_after})
    with pytest.raises(ControlPlaneError, match="HTTP 429"):
        await plane.projects()
    assert len(cloud.requests) == count + 1


async def test_a_retry_after_that_is_no_number_is_passed_over(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane = connect(cloud)
    await plane.identify()
    cloud.fault = lambda request: Fault(503, headers={"Retry-After": "\xb2"})
    with pytest.raises(ControlPlaneError, match="HTTP 503"):
        await plane.projects()


# --------------------------------------------------------------------------------- errors by cause


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "SOCKS is not supported"),
        ("HTTPS_PROXY", "foo://127.0.0.1:1", "proxy that the environment names"),
        ("SSLKEYLOGFILE", "/nowhere/keys", "TLS cannot be set up"),
    ],
)
async def test_an_environment_that_cannot_be_used_is_named(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    plane = GraphQLControlPlane("https://control.invalid", None)
    with pytest.raises(ControlPlaneError, match=said) as caught:
        await plane.identify()
    assert variable in caught.value.problem.fix
    await plane.close()


async def test_a_host_name_that_no_network_takes() -> None:
    plane = GraphQLControlPlane("http://ü..com", None)
    with pytest.raises(ControlPlaneError, match="address cannot be used"):
        await plane.identify()
    await plane.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("[1]", "there is no Prefect API"),
        ('{"project": [{"id": "1"}]}', "does not have the form"),
        ('{"project": [7]}', "does not have the form"),
    ],
)
async def test_an_answer_of_another_form_is_one_error(
    cloud: RecordedCloud, connect: Connect, data: str, said: str
) -> None:
    plane = connect(cloud)
    await plane.identify()
    cloud.fault = lambda request: Fault(200, f'{{"data": {data}}}')
    with pytest.raises(ControlPlaneError, match=said):
        await plane.projects()


async def test_nothing_listens(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ControlPlaneError, match="connection refused"):
        await connect(address).identify()
    monkeypatch.setattr(addresses, "EMBEDDED", address)
    with pytest.raises(ControlPlaneError, match="embedded server is not running") as caught:
        await connect(address).identify()
    assert "`flowtui server`" in caught.value.problem.fix


async def test_no_such_host(connect: Connect) -> None:
    with pytest.raises(ControlPlaneError, match="no host of that name"):
        await connect("https://nowhere.invalid").identify()


async def test_a_token_that_is_wrong_or_missing(cloud: RecordedCloud, connect: Connect) -> None:
    with pytest.raises(CredentialsError, match="does not accept this token"):
        await connect(cloud, token="not-the-right-one").identify()
    with pytest.raises(CredentialsError, match="asks for a token") as caught:
        await connect(cloud, token=None).identify()
    assert "flowtui login" in caught.value.problem.fix


async def test_unauthenticated_inside_a_good_answer(snake: RecordedCloud, connect: Connect) -> None:
    error = {"message": "AuthenticationError", "extensions": {"code": "UNAUTHENTICATED"}}
    snake.fault = lambda request: Fault(200, json.dumps({"data": None, "errors": [error]}))
    with pytest.raises(CredentialsError, match="does not accept this token"):
        await connect(snake).identify()


async def test_a_token_is_not_sent_in_the_clear(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CredentialsError, match="plain http") as caught:
        await connect("http://prefect.invalid:4200").identify()
    assert "FLOWTUI_ALLOW_PLAINTEXT_TOKEN" in caught.value.problem.fix
    monkeypatch.setenv("FLOWTUI_ALLOW_PLAINTEXT_TOKEN", "1")
    with pytest.raises(ControlPlaneError, match="no host of that name"):
        await connect("http://prefect.invalid:4200").identify()


@pytest.mark.parametrize("address", ["ftp://x", "x.example.com", "https://u:p@x", "https://", ""])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        GraphQLControlPlane(address, None)
    assert ":p" not in str(caught.value)


async def test_a_server_that_hangs(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud, timeout=1)
    await plane.identify()
    released = threading.Event()
    cloud.fault = lambda request: Fault(200, hold=released)
    with pytest.raises(ControlPlaneError, match="did not answer within 1 seconds"):
        await plane.projects()
    with pytest.raises(OutcomeUnknownError, match="not known"):
        await plane.create_project("team")
    released.set()


async def test_a_call_can_be_cancelled(cloud: RecordedCloud, connect: Connect) -> None:
    plane = connect(cloud)
    await plane.identify()
    released = threading.Event()
    cloud.fault = lambda request: Fault(200, hold=released)
    listing = asyncio.create_task(plane.projects())
    await arrival(cloud, "{ project(")
    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing
    released.set()


class _OtherServer(BaseHTTPRequestHandler):
    """Answers with a web page, or a redirect."""

    status = 404
    seen: list[dict[str, str]] = []  # noqa: RUF012
    location = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._reply(404, "null", "application/json")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append({key.lower(): value for key, value in self.headers.items()})
        self._reply(self.status, "<!doctype html><title>Hello</title>", "text/html")

    def _reply(self, status: int, body: str, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def other() -> Iterator[Callable[..., str]]:
    servers: list[tuple[HTTPServer, threading.Thread]] = []

    def start(**attributes: Any) -> str:
        handler = type("Handler", (_OtherServer,), attributes)
        server = HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("status", [200, 404, 405])
async def test_a_web_page(connect: Connect, other: Callable[..., str], status: int) -> None:
    with pytest.raises(ControlPlaneError, match="answers with a web page") as caught:
        await connect(other(status=status)).identify()
    assert "not the UI's" in caught.value.problem.fix


async def test_a_redirect_is_not_followed(connect: Connect, other: Callable[..., str]) -> None:
    reached: list[dict[str, str]] = []
    target = other(status=200, seen=reached)
    with pytest.raises(ControlPlaneError, match="answers with a redirect"):
        await connect(other(status=307, location=target)).identify()
    assert reached == []


async def test_what_the_server_says_is_cleaned_and_cut(
    snake: RecordedCloud, connect: Connect
) -> None:
    plane = connect(snake)
    await plane.identify()
    message = f"\x1b]52;c;aGFjaw==\x07boom {TOKEN} {'x' * 5000} end"
    snake.fault = lambda request: Fault(200, json.dumps({"errors": [{"message": message}]}))
    with pytest.raises(ControlPlaneError) as caught:
        await plane.projects()
    text = str(caught.value)
    assert "\x1b" not in text
    assert "boom" in text
    assert text.splitlines()[0].endswith(" end")
    assert TOKEN not in text
    assert len(text) < 1000


async def test_names_from_the_server_are_cleaned(snake: RecordedCloud, connect: Connect) -> None:
    project = snake.add_project("a\x1b[2Jb")
    snake.add_flow(project, flow("c\x1b]0;t\x07d"))
    plane = connect(snake)
    assert [each.name for each in await plane.projects()] == ["ab"]
    assert [(each.name, each.project) for each in await plane.flow_versions()] == [("cd", "ab")]


# ------------------------------------------------------------------------------------ no token out


async def test_the_token_is_in_no_traceback_log_or_repr(
    snake: RecordedCloud, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    plane = connect(snake)
    await plane.identify()
    seen: list[str] = [repr(plane), str(vars(plane))]
    faults = [Fault(0), Fault(500, "oh"), Fault(200, "<html>"), Fault(200, '{"errors":[{}]}')]
    with caplog.at_level(logging.DEBUG):
        for fault in faults:
            snake.fault = lambda request, fault=fault: fault
            for call in (plane.projects(), plane.register(Project("1", "x"), flow())):
                with pytest.raises(ControlPlaneError) as caught:
                    await call
                shown = traceback.TracebackException.from_exception(
                    caught.value, capture_locals=True
                )
                seen.append("".join(shown.format()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ControlPlaneError) as caught:
        await connect(address).identify()
    seen.append("".join(traceback.format_exception(caught.value)))
    seen.append(caplog.text)
    everything = "\n".join(seen)
    assert "projects" in everything, "the frames were captured"
    assert [line for line in everything.splitlines() if TOKEN in line] == []
