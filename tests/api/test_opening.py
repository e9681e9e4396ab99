"""Which API answers at an address, with as few requests as can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from flowtui.api import opening
from flowtui.api.opening import connect, token_kind
from flowtui.api.probe import probe
from flowtui.api.rest import RestControlPlane
from flowtui.api.rest.cloud import NoWorkspaceError, named, workspaces
from flowtui.credentials import Secret, TokenKind
from flowtui.errors import ControlPlaneError, CredentialsError, UsageError
from flowtui.models import Identity
from tests.parts.documented_cloud import (
    ACME,
    FOREIGN,
    OTHERS,
    PRODUCTION,
    SERVICE_KEY,
    SIDE,
    USER_KEY,
    DocumentedCloud,
    documented_cloud,
)
from tests.parts.recorded_cloud import TOKEN, recorded_cloud
from tests.parts.registry import free_port
from tests.parts.stand_in import Asked, Reply, StandIn, stand_in

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    opening._known.clear()
    yield
    opening._known.clear()


def prefect_server(asked: Asked) -> Reply:
    """What a `prefect server` without a guard says to whoever looks for it."""
    answers = {"/api/health": Reply(200, True), "/api/admin/version": Reply(200, "3.9.1")}
    page = Reply(200, "<!doctype html>")
    unknown = Reply(404, {"detail": "Not Found"}) if asked.path.startswith("/api") else page
    return answers.get(asked.path, unknown)


def guarded(asked: Asked) -> Reply:
    open_ = asked.path == "/api/health" or "authorization" in asked.headers
    return prefect_server(asked) if open_ else Reply(401, {"exception_message": "Unauthorized"})


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(prefect_server) as running:
        yield running


async def test_a_server_that_is_busy_for_a_moment_is_waited_for() -> None:
    asked: list[str] = []

    def busy(request: Asked) -> Reply:
        asked.append(request.path)
        if request.path == "/api/health" and asked.count("/api/health") < 6:
            return Reply(503, {})
        return prefect_server(request)

    with stand_in(busy) as running:
        plane, identity = await connect(f"{running.url}/api", None)
        await plane.close()
    assert identity.server == "Prefect 3.9.1"


async def test_one_that_stays_busy_is_not_taken_for_another_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(request: Asked) -> Reply:
        return Reply(503, {}) if request.path.startswith("/api") else prefect_server(request)

    monkeypatch.setattr(opening, "PATIENCE", replace(opening.PATIENCE, pauses=(0.01,)))
    with (
        stand_in(busy) as running,
        pytest.raises(ControlPlaneError, match="HTTP 503") as raised,
    ):
        await connect(running.url, None)
    assert "try again" in raised.value.problem.fix


@pytest.fixture
def cloud() -> Iterator[DocumentedCloud]:
    with documented_cloud() as running:
        yield running


async def identified(address: str, token: str | None = None) -> Identity:
    plane, identity = await connect(address, Secret(token) if token else None)
    await plane.close()
    return identity


# -------------------------------------------------------------------------------------- a server


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/", "/dashboard", "/runs/flow-run/1"])
async def test_nobody_has_to_type_the_api(server: StandIn, path: str) -> None:
    identity = await identified(server.url + path)
    assert (identity.api_url, identity.server) == (f"{server.url}/api", "Prefect 3.9.1")
    assert not identity.authenticated and not identity.tenant
    assert token_kind(server.url + path) is TokenKind.PASSWORD


async def test_an_address_is_looked_into_once(server: StandIn) -> None:
    await identified(server.url)
    assert sorted(server.paths()) == ["GET /api/admin/version", "GET /api/health", "GET /health"]
    await identified(server.url)
    assert server.paths()[3:] == ["GET /api/admin/version"]


async def test_a_guarded_server_is_known_for_what_it_wants(server: StandIn) -> None:
    server.answer = guarded
    assert token_kind(server.url) is TokenKind.TOKEN
    with pytest.raises(CredentialsError, match="asks for a user and password"):
        await identified(server.url)
    assert token_kind(server.url) is TokenKind.PASSWORD
    assert (await identified(server.url, "ada:correct-horse")).authenticated
    answer = await probe(server.url)
    assert answer.wants_token and answer.words == "answers, and wants a user and password"


async def test_a_proxy_that_guards_even_the_health(server: StandIn) -> None:
    server.answer = lambda asked: (
        prefect_server(asked) if "authorization" in asked.headers else Reply(401, "who?")
    )
    assert (await identified(server.url, "ada:correct-horse")).server == "Prefect 3.9.1"
    unauthorized = [asked for asked in server.asked if "authorization" not in asked.headers]
    assert {asked.path for asked in unauthorized} == {"/health", "/api/health"}


async def test_something_else_runs_there_now(server: StandIn) -> None:
    """A development machine: one port, today this, tomorrow that."""
    await identified(server.url)
    with recorded_cloud() as graphql:
        opening._known[graphql.url] = replace(opening._known[server.url], rest=graphql.url)
        assert "GraphQL" in (await identified(graphql.url, TOKEN)).server


@pytest.mark.parametrize("path", ["", "/graphql"])
async def test_a_graphql_api(path: str) -> None:
    with recorded_cloud(paths=(path or "/",)) as graphql:
        assert "snake_case" in (await identified(graphql.url + path, TOKEN)).server
        assert token_kind(graphql.url + path) is TokenKind.TOKEN


async def test_a_page_is_neither(server: StandIn) -> None:
    server.answer = lambda _: Reply(200, "<!doctype html>")
    with pytest.raises(ControlPlaneError, match="answers with a web page"):
        await identified(server.url)
    assert opening._known == {}


async def test_nobody_there() -> None:
    with pytest.raises(ControlPlaneError, match="connection refused"):
        await identified(f"http://127.0.0.1:{free_port()}")


# -------------------------------------------------------------------------------- Prefect Cloud


@pytest.mark.parametrize("key", [USER_KEY, SERVICE_KEY])
async def test_a_workspace_of_a_cloud(cloud: DocumentedCloud, key: str) -> None:
    address = cloud.address(ACME, PRODUCTION)
    plane, identity = await connect(address, Secret(key))
    assert (identity.server, identity.tenant) == ("Prefect Cloud", "acme/production")
    assert identity.api_url == address and identity.authenticated
    assert cloud.server.paths() == ["GET /api/me/workspaces"]
    assert isinstance(plane, RestControlPlane)
    assert await plane.connection.rows("/flows/filter", {}) == []
    below = f"/api/accounts/{ACME}/workspaces/{PRODUCTION}"
    assert cloud.server.paths()[1:] == [f"POST {below}/flows/filter"]
    await plane.close()


@pytest.mark.parametrize(("key", "place"), [(USER_KEY, FOREIGN), (SERVICE_KEY, SIDE)])
async def test_a_workspace_whose_member_one_is_not(
    cloud: DocumentedCloud, key: str, place: str
) -> None:
    with pytest.raises(ControlPlaneError, match="may not see this workspace") as caught:
        await identified(cloud.address(OTHERS, place), key)
    assert "acme/production" in caught.value.problem.fix


@pytest.mark.parametrize("key", [None, "pnu_revoked_9876543210", "ada:correct-horse"])
async def test_a_key_that_is_none(cloud: DocumentedCloud, key: str | None) -> None:
    with pytest.raises(CredentialsError, match=r"Prefect Cloud .* API key"):
        await identified(cloud.address(ACME, PRODUCTION), key)
    assert token_kind(cloud.address(ACME, PRODUCTION)) is TokenKind.API_KEY


async def test_a_cloud_without_a_workspace_says_which_there_are(cloud: DocumentedCloud) -> None:
    with pytest.raises(NoWorkspaceError, match="one of its workspaces") as caught:
        await identified(cloud.url, USER_KEY)
    assert "acme/production, acme/staging, others/side" in caught.value.problem.fix
    cloud.members[USER_KEY] = ()
    with pytest.raises(NoWorkspaceError) as caught:
        await identified(cloud.url, USER_KEY)
    assert "may see none yet" in caught.value.problem.fix


async def test_the_workspaces_of_a_key(cloud: DocumentedCloud, server: StandIn) -> None:
    found = await workspaces(cloud.url, Secret(USER_KEY))
    assert [each.handle for each in found] == ["acme/production", "acme/staging", "others/side"]
    assert [each.handle for each in await workspaces(cloud.url, Secret(SERVICE_KEY))] == [
        "acme/production"
    ]
    assert found[0].api_url(cloud.url) == cloud.address(ACME, PRODUCTION)
    assert named(found, "others/side", cloud=cloud.url) is found[2]
    assert named(found, "side", cloud=cloud.url) is found[2]
    assert named(found, PRODUCTION, cloud=cloud.url) is found[0]
    twice = (*found, replace(found[0], account="others"))
    for handle in ("nowhere", "acme", ""):
        with pytest.raises(UsageError, match="no workspace named"):
            named(found, handle, cloud=cloud.url)
    with pytest.raises(UsageError, match="several workspaces are named"):
        named(twice, "production", cloud=cloud.url)
    with pytest.raises(CredentialsError):
        await workspaces(cloud.url, Secret("pnu_revoked_9876543210"))
    with pytest.raises(ControlPlaneError, match="no Prefect Cloud"):
        await workspaces(f"{server.url}/api", Secret(USER_KEY))


async def test_ids_that_are_none_never_become_an_address(cloud: DocumentedCloud) -> None:
    row = cloud.members[USER_KEY][0]
    cloud.members[USER_KEY] = ({**row, "workspace_id": "../../elsewhere"},)
    with pytest.raises(ControlPlaneError, match="does not have the form"):
        await workspaces(cloud.url, Secret(USER_KEY))
