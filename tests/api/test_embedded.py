"""The client against `flowtui server`, started as the process a user would start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.api.graphql.registration import SPLIT_ABOVE
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError
from flowtui.models import JsonObject, Schedule
from flowtui.run_models import RunRequest, RunState
from tests.api.test_graphql import flow
from tests.parts.control_plane import RunningServer, embedded_server
from tests.tui.memory import GRAPHQL_ABILITIES

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


HOURLY = {
    "type": "Schedule",
    "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, "start_date": None}],
}


async def test_it_can_do_all_that_a_graphql_api_can(plane: GraphQLControlPlane) -> None:
    assert (await plane.identify()).abilities == GRAPHQL_ABILITIES


async def test_a_project_is_described(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    await plane.describe_project(project, "what it is “for”\nand why")
    assert [each.description for each in await plane.projects()] == ["what it is “for”\nand why"]
    await plane.describe_project(project, "")
    assert [each.description for each in await plane.projects()] == [""]


async def test_schedules(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    plain = await plane.register(project, flow("plain", edges=0))
    hourly = await plane.register(project, flow("hourly", edges=0, schedule=HOURLY))
    paused = await plane.register(
        project, flow("paused", edges=0, schedule=HOURLY), set_schedule_active=False
    )
    assert (plain.schedule, hourly.schedule) == (Schedule.NONE, Schedule.ACTIVE)
    assert paused.schedule is Schedule.PAUSED
    await plane.set_schedule_active(hourly.id, False)
    await plane.set_schedule_active(paused.id, True)
    found = {each.name: each.schedule for each in await plane.flow_versions()}
    assert (found["hourly"], found["paused"]) == (Schedule.PAUSED, Schedule.ACTIVE)


async def test_why_a_schedule_starts_nothing(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    own_filter: JsonObject = {**HOURLY, "filters": [{"fn": "mine.odd_days", "kwargs": {}}]}
    odd = await plane.register(project, flow("odd", edges=0, schedule=own_filter))
    assert odd.schedule is Schedule.ACTIVE
    (found,) = await plane.flow_versions()
    assert found.schedule_problem == "mine.odd_days is not a filter of Prefect's own"


async def test_a_flow_moves_with_its_versions_and_runs(plane: GraphQLControlPlane) -> None:
    source, target = await plane.create_project("a"), await plane.create_project("b")
    first = await plane.register(source, flow(edges=0, schedule=HOURLY))
    second = await plane.register(source, flow(edges=0, schedule=HOURLY))
    run_id = await create_run(plane, second.id)
    await plane.move_flow("etl", source, target)
    assert await plane.flow_versions(project="a", archived=True) == ()
    moved = await plane.flow_versions(project="b", archived=True)
    assert [(each.id, each.version) for each in moved] == [(second.id, 2), (first.id, 1)]
    assert moved[0].schedule is Schedule.ACTIVE
    assert run_id in [run.id for run in await plane.flow_runs(project="b", name="etl")]
    third = await plane.register(target, flow(edges=0))
    assert third.version == 3
    await plane.register(source, flow(edges=0))
    with pytest.raises(ControlPlaneError, match="holds a flow named “etl” already"):
        await plane.move_flow("etl", source, target)


async def test_runs(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    version = await plane.register(project, flow(edges=0))
    quiet = await plane.register(project, flow("quiet", edges=0))
    assert await plane.flow_runs() == ()
    assert await plane.last_runs(["etl", "quiet"]) == ()
    first = await create_run(plane, version.id)
    second = await create_run(plane, version.id)
    await set_state(plane, first, "Running", "Running flow.")
    await set_state(plane, first, "Failed", "Some reference tasks failed.")
    found = await plane.flow_runs(name="etl")
    assert [run.id for run in found] == [second, first]
    assert [run.kind for run in found] == [RunState.PLANNED, RunState.BAD]
    assert found[1].message == "Some reference tasks failed."
    assert found[1].started is not None
    assert found[1].ended is not None
    assert (found[1].version, found[1].version_id, found[1].project) == (1, version.id, "team")
    assert await plane.flow_runs(version_id=quiet.id) == ()
    last = await plane.last_runs(["etl", "quiet"])
    assert [(run.flow, run.id) for run in last] == [("etl", first)]


async def test_runs_page_by_page_due_or_planned(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    etl = await plane.register(project, flow(edges=0))
    quiet = await plane.register(project, flow("quiet", edges=0))
    now = datetime.now(UTC)
    due = [await create_run(plane, etl.id) for _ in range(3)]
    starts = [now + timedelta(hours=hours) for hours in (3, 1, 2)]
    later = [(await plane.start_run(RunRequest(quiet.id, {}, start=start))).id for start in starts]
    soon = now + timedelta(minutes=10)

    async def ids(**wanted: Any) -> list[str]:
        return [run.id for run in await plane.flow_runs(**wanted)]

    assert await ids(planned_until=soon) == due[::-1]
    assert await ids(planned_until=soon, offset=1, limit=1) == [due[1]]
    assert await ids(planned_until=soon, offset=3) == []
    assert await ids(planned_after=soon) == [later[1], later[2], later[0]]
    assert sorted(await ids(names=["quiet", "nothing"])) == sorted(later)
    assert await ids(names=[]) == []


async def create_run(plane: GraphQLControlPlane, version_id: str) -> str:
    answer = await plane.connection.mutate("create_flow_run", {"flow_id": version_id}, "id")
    return str(answer["id"])


async def set_state(plane: GraphQLControlPlane, run_id: str, kind: str, message: str) -> None:
    state = {"type": kind, "message": message, "__version__": "1.4.1"}
    values = {"states": [{"flow_run_id": run_id, "state": state}]}
    await plane.connection.mutate("set_flow_run_states", values, "states { status }")


async def test_more_flows_than_one_page(plane: GraphQLControlPlane) -> None:
    project = await plane.create_project("team")
    names = [f"flow {number:03}" for number in range(120)]
    for name in names:
        await plane.register(project, flow(name, tasks=1, edges=0))
    versions = await plane.flow_versions(project="team")
    assert [each.name for each in versions] == names[::-1]
