"""Abilities, schedules, moving and runs against the stand-ins of Prefect Cloud 0.6 and 1.x."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.api.graphql.dialect import LEAST_PAGE
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError
from flowtui.models import Ability, Schedule
from flowtui.run_models import RunState
from tests.api.test_graphql import flow
from tests.parts.recorded_cloud import TOKEN, RecordedCloud, recorded_cloud

pytestmark = pytest.mark.slow


@pytest.fixture(params=["camel", "snake"])
def cloud(request: pytest.FixtureRequest) -> Iterator[RecordedCloud]:
    with recorded_cloud(camel=request.param == "camel") as running:
        yield running


@pytest.fixture
def camel() -> Iterator[RecordedCloud]:
    with recorded_cloud(camel=True) as running:
        yield running


@pytest.fixture
def snake() -> Iterator[RecordedCloud]:
    with recorded_cloud() as running:
        yield running


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[RecordedCloud], GraphQLControlPlane]]:
    made: list[GraphQLControlPlane] = []

    def make(cloud: RecordedCloud) -> GraphQLControlPlane:
        made.append(GraphQLControlPlane(cloud.url, Secret(TOKEN)))
        return made[-1]

    yield make
    for plane in made:
        await plane.close()


Connect = Callable[[RecordedCloud], GraphQLControlPlane]

MINUTES = [f"2026-11-20T12:{minute:02}:00+00:00" for minute in range(60)]


async def test_what_each_cloud_can_do_is_told_though_introspection_is_off(
    connect: Connect, camel: RecordedCloud, snake: RecordedCloud
) -> None:
    old = (await connect(camel).identify()).abilities
    assert old == {
        Ability.CREATE_PROJECTS,
        Ability.ARCHIVE_VERSIONS,
        Ability.SWITCH_SCHEDULES,
        Ability.TELL_RUNS,
        Ability.START_RUNS,
        Ability.REGISTER_FLOW_OBJECTS,
    }
    new = (await connect(snake).identify()).abilities
    assert new == {
        Ability.CREATE_PROJECTS,
        Ability.RENAME_PROJECTS,
        Ability.DELETE_PROJECTS,
        Ability.ARCHIVE_VERSIONS,
        Ability.MOVE_FLOWS,
        Ability.RETURN_FLOWS,
        Ability.TELL_RUNS,
        Ability.TELL_PARAMETERS,
        Ability.START_RUNS,
        Ability.REGISTER_FLOW_OBJECTS,
    }
    assert camel.projects == camel.flows == camel.runs == []


async def test_a_missing_call_is_refused_in_words(connect: Connect, snake: RecordedCloud) -> None:
    plane = connect(snake)
    project = await plane.create_project("team")
    with pytest.raises(ControlPlaneError, match="no call for describing a project"):
        await plane.describe_project(project, "x")
    with pytest.raises(ControlPlaneError, match="no call for switching a schedule off"):
        await plane.set_schedule_active("x", False)


async def test_the_schedule_of_a_version_is_switched_on_the_old_cloud(
    connect: Connect, camel: RecordedCloud
) -> None:
    plane = connect(camel)
    row = camel.add_flow(camel.add_project("team"), flow())
    for active in (True, False):
        await plane.set_schedule_active(row["id"], active)
        assert row["schedule_active"] is active
    (version,) = await plane.flow_versions()
    assert version.schedule is Schedule.UNKNOWN, "it has no column that tells"


# ---------------------------------------------------------------------------------------- moving


async def test_without_a_call_of_its_own_a_flow_is_registered_anew_and_archived(
    connect: Connect, snake: RecordedCloud
) -> None:
    plane = connect(snake)
    source, target = await plane.create_project("a"), await plane.create_project("b")
    await plane.register(source, flow())
    newest = await plane.register(source, flow(tasks=3))
    await plane.move_flow("etl", source, target)
    (moved,) = await plane.flow_versions()
    assert (moved.project, moved.version) == ("b", 1)
    assert await plane.serialized_flow(moved.id) == await plane.serialized_flow(newest.id)
    assert await plane.flow_versions(project="a") == ()
    assert len(await plane.flow_versions(project="a", archived=True)) == 2


async def test_a_flow_of_that_name_in_the_target_stops_the_move(
    connect: Connect, snake: RecordedCloud
) -> None:
    plane = connect(snake)
    source, target = await plane.create_project("a"), await plane.create_project("b")
    await plane.register(source, flow())
    before = await plane.flow_versions()
    await plane.register(target, flow(), idempotency_key="another")
    with pytest.raises(ControlPlaneError, match="holds a flow named “etl” already"):
        await plane.move_flow("etl", source, target)
    assert before[0] in await plane.flow_versions()


async def test_an_api_that_does_not_return_flows_cannot_move_them(
    connect: Connect, camel: RecordedCloud
) -> None:
    plane = connect(camel)
    source, target = await plane.create_project("a"), await plane.create_project("b")
    await plane.register(source, flow())
    with pytest.raises(ControlPlaneError, match="neither move a flow nor return"):
        await plane.move_flow("etl", source, target)
    (left,) = await plane.flow_versions()
    assert left.project == "a"


async def test_a_flow_that_is_gone_is_not_moved(connect: Connect, snake: RecordedCloud) -> None:
    plane = connect(snake)
    source, target = await plane.create_project("a"), await plane.create_project("b")
    with pytest.raises(ControlPlaneError, match="there is no flow “etl” in “a”"):
        await plane.move_flow("etl", source, target)


# ------------------------------------------------------------------------------------------ runs


async def test_runs_are_read_newest_first(cloud: RecordedCloud, connect: Connect) -> None:
    team = cloud.add_project("team")
    etl, other = cloud.add_flow(team, flow()), cloud.add_flow(team, flow("other"))
    cloud.add_run(
        etl,
        name="first",
        planned=MINUTES[0],
        state="Success",
        start_time=MINUTES[1],
        end_time=MINUTES[3],
        parameters={"x": 5},
    )
    cloud.add_run(etl, name="second", planned=MINUTES[5])
    cloud.add_run(other, name="third", planned=MINUTES[4], state="TimedOut", start_time=MINUTES[4])
    plane = connect(cloud)
    everything = await plane.flow_runs()
    assert [run.name for run in everything] == ["second", "third", "first"]
    mine = await plane.flow_runs(project="team", name="etl")
    assert [run.name for run in mine] == ["second", "first"]
    assert [run.name for run in await plane.flow_runs(version_id=etl["id"], limit=1)] == ["second"]
    first = mine[1]
    assert (first.flow, first.project, first.version, first.version_id) == (
        ("etl", "team", 1, etl["id"])
    )  # fmt: skip
    assert (first.state, first.kind, first.parameters) == ("Success", RunState.GOOD, {"x": 5})
    assert first.seconds(datetime.fromisoformat(MINUTES[9])) == 120
    assert everything[1].kind is RunState.BAD
    assert mine[0].kind is RunState.PLANNED
    assert mine[0].seconds(datetime.fromisoformat(MINUTES[9])) is None


async def test_the_last_run_of_each_flow_takes_one_request(
    cloud: RecordedCloud, connect: Connect
) -> None:
    team = cloud.add_project("team")
    old = cloud.add_flow(team, flow())
    cloud.add_run(old, name="of an earlier version", start_time=MINUTES[7], state="Success")
    new = cloud.add_flow(team, flow())
    cloud.add_run(new, name="planned", planned=MINUTES[59])
    other = cloud.add_flow(team, flow("other"))
    cloud.add_run(other, name="before", start_time=MINUTES[1], state="Failed")
    cloud.add_run(other, name="last", start_time=MINUTES[2], state="Running")
    cloud.add_run(cloud.add_flow(team, flow("of others")), start_time=MINUTES[8])
    plane = connect(cloud)
    await plane.last_runs(["etl"])
    count = len(cloud.requests)
    found = await plane.last_runs(["etl", "other", "never ran"])
    assert {run.flow: run.name for run in found} == {
        "etl": "of an earlier version",
        "other": "last",
    }
    assert len(cloud.requests) == count + 1
    assert await plane.last_runs([]) == ()


async def test_a_busy_flow_does_not_hide_the_last_run_of_a_quiet_one(
    cloud: RecordedCloud, connect: Connect
) -> None:
    team = cloud.add_project("team")
    quiet, busy = cloud.add_flow(team, flow("quiet")), cloud.add_flow(team, flow("busy"))
    cloud.add_run(quiet, name="long ago", start_time="2026-01-01T00:00:00+00:00")
    for _ in range(LEAST_PAGE + 5):
        cloud.add_run(busy, start_time=MINUTES[3])
    found = await connect(cloud).last_runs(["busy", "quiet"])
    assert {run.flow for run in found} == {"busy", "quiet"}
