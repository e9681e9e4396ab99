"""The client against `flowtui server`, started as the process a user would start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.api.registration import SPLIT_ABOVE
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError
from tests.api.test_graphql import flow
from tests.parts.control_plane import RunningServer, embedded_server

pytestmark = pytest.mark.real

TOKEN = "token-of-the-embedded-server"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with embedded_server(token=TOKEN) as running:
        yield running


@pytest.fixture
async def plane(server: RunningServer) -> AsyncIterator[GraphQLControlPlane]:
    plane = GraphQLControlPlane(server.url, Secret(TOKEN))
    yield plane
    for project in await plane.projects():
        await plane.delete_project(project)
    await plane.close()


async def test_it_says_what_it_is(plane: GraphQLControlPlane) -> None:
    identity = await plane.identify()
    assert identity.server.startswith("flowtui server ")
    assert identity.authenticated


@pytest.mark.parametrize("token", [None, "some-other-token"])
async def test_a_wrong_token_is_refused(server: RunningServer, token: str | None) -> None:
    plane = GraphQLControlPlane(server.url, Secret(token) if token else None)
    with pytest.raises(CredentialsError):
        await plane.identify()
    await plane.close()


async def test_projects(plane: GraphQLControlPlane) -> None:
    first = await plane.create_project("b", "what it is for")
    await plane.create_project('a "quoted" ünï')
    with pytest.raises(ControlPlaneError, match="'b' already exists"):
        await plane.create_project("b")
    renamed = await plane.rename_project(first, "c")
    assert renamed.id == first.id
    listed = await plane.projects()
    assert [each.name for each in listed] == ['a "quoted" ünï', "c"]
    assert listed[1].description == "what it is for"


@pytest.mark.parametrize("tasks", [2, SPLIT_ABOVE])
async def test_versions(plane: GraphQLControlPlane, tasks: int) -> None:
    project = await plane.create_project("team")
    serialized = flow(tasks=tasks, edges=0)
    serialized["edges"] = [
        {
            "upstream_task": {"slug": f"t-{index}"},
            "downstream_task": {"slug": f"t-{index + 1}"},
            "mapped": False,
            "key": None,
        }
        for index in range(tasks - 1)
    ]
    first = await plane.register(project, serialized)
    assert await plane.serialized_flow(first.id) == serialized
    second = await plane.register(project, serialized, idempotency_key="k")
    assert await plane.register(project, serialized, idempotency_key="k") == second
    assert (first.version, second.version) == (1, 2)
    assert second.image == "r/x/etl:abc"
    assert await plane.flow_versions(project="team") == (second,)
    everything = await plane.flow_versions(name="etl", archived=True)
    assert [(each.version, each.archived) for each in everything] == [(2, False), (1, True)]
    assert [each.flow_count for each in await plane.projects()] == [1]
    await plane.archive(second.id)
    assert await plane.flow_versions() == ()


async def test_more_flows_than_one_page(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    names = [f"flow {number:03}" for number in range(120)]
    for name in names:
        await plane.register(project, flow(name, tasks=1, edges=0))
    versions = await plane.flow_versions(project="team")
    assert [each.name for each in versions] == names[::-1]
