"""Runs from the inside, against `flowtui server` on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.api.log_tail import LogTail
from flowtui.errors import ControlPlaneError
from flowtui.run_models import Parameter, RunRequest, RunState
from tests.api.test_graphql import flow
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.postgres import postgres_server

pytestmark = pytest.mark.real

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PARAMETERS = [
    {"name": "day", "required": True, "default": None, "slug": "day"},
    {"name": "size", "required": False, "default": {"a": 1}, "slug": "size"},
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    if request.param == "sqlite":
        with embedded_server() as running:
            yield running
        return
    with postgres_server() as postgres, embedded_server(postgres.new_database()) as running:
        yield running


@pytest.fixture
async def plane(server: RunningServer) -> AsyncIterator[GraphQLControlPlane]:
    plane = GraphQLControlPlane(server.url, None)
    yield plane
    for project in await plane.projects():
        await plane.delete_project(project)
    await plane.close()


async def registered(plane: GraphQLControlPlane, **more: Any) -> str:
    project = await plane.create_project("team")
    return (await plane.register(project, flow(edges=0, **more))).id


async def set_state(plane: GraphQLControlPlane, run_id: str, **state: Any) -> None:
    values = {"states": [{"flow_run_id": run_id, "state": {"__version__": "1.4.1", **state}}]}
    await plane.connection.mutate("set_flow_run_states", values, "states { status }")


async def write(plane: GraphQLControlPlane, *lines: Mapping[str, Any]) -> None:
    for start in range(0, len(lines), 500):
        batch = list(lines[start : start + 500])
        await plane.connection.mutate("write_run_logs", {"logs": batch}, "success")


def line(run_id: str, text: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    moment = (START + timedelta(seconds=seconds)).isoformat()
    return {"flow_run_id": run_id, "message": text, "timestamp": moment, "level": "INFO", **more}


async def test_a_run_tells_all_that_says_why_it_waits(plane: GraphQLControlPlane) -> None:
    version_id = await registered(plane, parameters=PARAMETERS)
    assert await plane.flow_parameters(version_id) == (
        Parameter("day", True),
        Parameter("size", False, {"a": 1}),
    )
    later = START + timedelta(days=30)
    config = {"type": "LocalRun", "env": {"snake_case": "1"}, "labels": []}
    run = await plane.start_run(
        RunRequest(
            version_id,
            {"day": "2026-11-20"},
            name="nightly",
            start=later,
            labels=("b", "a"),
            run_config=config,
            context={"why": "test"},
        )
    )
    assert (run.name, run.state, run.scheduled, run.state_start) == (
        ("nightly", "Scheduled", later, later)
    )  # fmt: skip
    assert run.parameters == {"day": "2026-11-20", "size": {"a": 1}}
    assert (set(run.labels), run.run_config) == ({"a", "b"}, config)
    assert (run.core_version, run.version_archived, run.auto_scheduled) == ("1.4.1", False, False)
    assert run.storage is not None
    assert run.storage["type"] == "Docker"
    assert run.created is not None
    assert await plane.flow_run(run.id) == run
    assert await plane.find_runs(run.id[:8]) == await plane.find_runs("nightly") == (run,)
    assert await plane.flow_runs(states=["Scheduled"]) == (run,)
    assert await plane.flow_runs(states=["Running"]) == ()


async def test_a_default_of_the_flow_group_goes_before_the_flows(
    plane: GraphQLControlPlane,
) -> None:
    version_id = await registered(plane, parameters=PARAMETERS)
    (row,) = await plane.connection.rows(
        "flow", {"id": {"_eq": version_id}}, "", {"flow_group_id": "flow_group_id"}
    )
    await plane.connection.mutate(
        "set_flow_group_default_parameters",
        {"flow_group_id": row["flow_group_id"], "parameters": {"day": "today"}},
        "success",
    )
    assert await plane.flow_parameters(version_id) == (
        Parameter("day", False, "today"),
        Parameter("size", False, {"a": 1}),
    )
    assert (await plane.start_run(RunRequest(version_id, {}))).parameters["day"] == "today"


async def test_missing_parameters_and_archived_versions_are_refused_in_words(
    plane: GraphQLControlPlane,
) -> None:
    version_id = await registered(plane, parameters=PARAMETERS)
    with pytest.raises(ControlPlaneError, match=r"not started.*day") as caught:
        await plane.start_run(RunRequest(version_id, {}))
    assert "-p NAME=VALUE" in caught.value.problem.fix
    await plane.archive(version_id)
    with pytest.raises(ControlPlaneError, match=r"not started.*archived"):
        await plane.start_run(RunRequest(version_id, {"day": 1}))
    assert await plane.flow_runs() == ()


async def test_states_task_runs_and_cancelling(plane: GraphQLControlPlane) -> None:
    version_id = await registered(plane)
    run = await plane.start_run(RunRequest(version_id, {}))
    await set_state(plane, run.id, type="Running", message="Running flow.")
    assert await plane.cancel_run(run.id) == "Cancelling"
    await set_state(plane, run.id, type="Cancelled", message="Flow run is cancelled")
    assert await plane.cancel_run(run.id) == "Cancelled"
    changes = await plane.run_states(run.id)
    assert [change.state for change in changes] == [
        "Scheduled", "Running", "Cancelling", "Cancelled",
    ]  # fmt: skip
    assert changes[1].message == "Running flow."
    assert changes[0].moment <= changes[1].moment <= changes[2].moment
    tasks = await plane.task_runs(run.id)
    assert sorted(task.task for task in tasks) == ["t0", "t1"]
    assert {(task.map_index, task.kind) for task in tasks} == {(-1, RunState.CANCELLED)}
    waiting = await plane.start_run(RunRequest(version_id, {}))
    assert await plane.cancel_run(waiting.id) == "Cancelled"


async def test_every_child_of_a_mapped_task_is_told(plane: GraphQLControlPlane) -> None:
    version_id = await registered(plane)
    run = await plane.start_run(RunRequest(version_id, {}))
    rows = await plane.connection.rows(
        "task_run", {"flow_run_id": {"_eq": run.id}}, "", {"task_id": "task_id"}, limit=1
    )
    for index in range(130):
        values = {"flow_run_id": run.id, "task_id": rows[0]["task_id"], "map_index": index}
        await plane.connection.mutate("get_or_create_task_run", values, "id")
    found = await plane.task_runs(run.id)
    assert len({task.id for task in found}) == len(found) == 132
    assert sorted(task.map_index for task in found) == [-1, -1, *range(130)]


async def test_a_long_log_is_read_whole_in_order(plane: GraphQLControlPlane) -> None:
    run = await plane.start_run(RunRequest(await registered(plane), {}))
    # Several lines have one moment, more of them than a page has.
    written = [line(run.id, f"line {n}", n // 1500) for n in range(10_000)]
    await write(plane, *written)
    found = await plane.run_log(run.id)
    assert len(found) == 10_000
    assert {each.text for each in found} == {f"line {n}" for n in range(10_000)}
    assert [each.moment for each in found] == sorted(each.moment for each in found)
    since = START + timedelta(seconds=5)
    assert len(await plane.run_log(run.id, since=since)) == 10_000 - 5 * 1500
    assert len(await plane.run_log(run.id, limit=1234)) == 1234


async def test_a_log_is_followed_and_cleaned(plane: GraphQLControlPlane) -> None:
    run = await plane.start_run(RunRequest(await registered(plane), {}))
    task_id = (await plane.task_runs(run.id))[0].id
    tail = LogTail(plane, run.id)
    assert await tail.more() == ()
    hostile = "\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9b2J\n\x1b[2Jsecond"
    await write(
        plane,
        line(run.id, hostile, 10, name="prefect.x", level="ERROR", task_run_id=task_id),
        line(run.id, "same", 10),
    )
    first = await tail.more()
    assert {each.text for each in first} == {"\x1b[31mred\x1b[0m \nsecond", "same"}
    (error,) = [each for each in first if each.level == "ERROR"]
    assert (error.logger, error.task_run_id) == ("prefect.x", task_id)
    await write(plane, line(run.id, "late", 3), line(run.id, "new", 11))
    assert [each.text for each in await tail.more()] == ["late", "new"]
    assert await tail.rest() == ()


async def test_agents_are_told(plane: GraphQLControlPlane) -> None:
    values = {"type": "DockerAgent", "name": "one", "labels": ["b", "a"]}
    before = {agent.id for agent in await plane.agents()}
    await plane.connection.mutate("register_agent", values, "id", core_version="1.4.1")
    (agent,) = [agent for agent in await plane.agents() if agent.id not in before]
    assert (agent.name, agent.type, set(agent.labels)) == ("one", "DockerAgent", {"a", "b"})
    assert agent.core_version == "1.4.1"
    assert agent.last_seen is not None
