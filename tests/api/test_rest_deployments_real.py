"""Deployments, projects and work pools on real servers of Prefect 3 and 2."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from flowtui.api.rest import RestControlPlane
from flowtui.errors import ControlPlaneError
from flowtui.models import FlowVersion, JsonObject, Project, Schedule
from flowtui.run_models import RunRequest
from tests.parts.faulty_proxy import faulty_proxy
from tests.parts.prefect_server import PrefectServer

pytestmark = pytest.mark.real

LIMIT = 60.0
NOWHERE = Project("", "")
PROJECT = Project("Busy", "Busy")
SCHEMA: JsonObject = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "day": {"type": "string", "title": "day", "position": 1, "default": "monday"},
        "count": {"type": "integer", "title": "count", "position": 0},
    },
    "required": ["count"],
    "definitions": {"Unused": {"type": "string"}},
}


@pytest.fixture(params=["prefect3_server", "prefect2_server"])
def server(request: pytest.FixtureRequest) -> PrefectServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def witness(server: PrefectServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
async def plane(server: PrefectServer) -> AsyncIterator[RestControlPlane]:
    made = RestControlPlane(server.api_url, None, timeout=LIMIT)
    yield made
    await made.close()


@pytest.fixture
async def pool(plane: RestControlPlane) -> str:
    return (await plane.create_work_pool(named("pool"), "process")).name


def named(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def is_3(server: PrefectServer) -> bool:
    return server.version.startswith("3")


def payload(pool: str, **changed: Any) -> dict[str, Any]:
    return {
        "flow_name": named("flow"),
        "name": "nightly",
        "entrypoint": "flows/etl.py:etl",
        "path": "/srv/project",
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        "work_pool_name": pool,
        "job_variables": {"env": {"MODE": "fast"}},
        "parameters": {"count": 3},
        "parameter_openapi_schema": SCHEMA,
        "enforce_parameter_schema": True,
        "description": "Loads the sales.",
        "tags": ["prod"],
        "version": "4f2a9c1+ab12cd3",
        "version_info": {"type": "vcs:git", "version": "ab12cd3"},
        "schedules": [
            {"slug": "a", "active": True, "schedule": {"cron": "0 2 * * *", "timezone": "UTC"}},
            {"slug": "b", "active": False, "schedule": {"interval": 3600, "timezone": "UTC"}},
        ],
        "paused": False,
        **changed,
    }


def row(witness: httpx.Client, version: FlowVersion) -> dict[str, Any]:
    """The deployment as the server tells it, without our code between."""
    answer = witness.get(f"/deployments/{version.id}")
    answer.raise_for_status()
    return answer.json()


def by_hand(witness: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    """As somebody else changes it; what the server answers."""
    answer = witness.request(method, path, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def schedules(told: dict[str, Any]) -> dict[str, bool]:
    """Whether each is active, by what it says."""
    return {
        str(each["schedule"].get("cron") or each["schedule"].get("interval")): each["active"]
        for each in told["schedules"]
    }


# --------------------------------------------------------------------------- creating and reading


async def test_a_deployment_is_told_as_it_was_registered(
    plane: RestControlPlane, server: PrefectServer, witness: httpx.Client, pool: str
) -> None:
    wanted = payload(pool, labels={"team": "sales"})
    made = await plane.register(Project("Team", "Team"), wanted)
    assert made.flow_name == f"{wanted['flow_name']}/nightly"
    assert (made.project, made.tags, made.label) == ("Team", ("prod",), "4f2a9c1+ab12cd3")
    assert (made.work_pool, made.work_queue) == (pool, "default")
    assert (made.version, made.archived, made.paused) == (0, False, False)
    assert made.schedule is Schedule.ACTIVE
    assert made.storage == {"type": "Local", "path": "/srv/project"}
    assert made.created is not None and made.updated is not None
    assert set(row(witness, made)["tags"]) == {"prod", "project:Team"}
    told = await plane.serialized_flow(made.id)
    assert told is not None
    forgotten = {"version_info", "schedules"} | (set() if is_3(server) else {"labels"})
    assert {key: told[key] for key in wanted if key not in forgotten} == {
        key: wanted[key] for key in wanted if key not in forgotten
    }
    slugs = ["a", "b"] if is_3(server) else [None, None]
    assert [each["slug"] for each in told["schedules"]] == slugs  # type: ignore[index,union-attr]
    assert schedules(dict(told)) == {"0 2 * * *": True, "3600.0": False}
    if is_3(server):
        assert "prefect.flow.id" in row(witness, made)["labels"]


async def test_parameters_come_in_the_flows_order_with_the_deployments_own_values(
    plane: RestControlPlane, pool: str
) -> None:
    made = await plane.register(NOWHERE, payload(pool, parameters={"day": "friday", "extra": 1}))
    count, day, extra = await plane.flow_parameters(made.id)
    assert (count.name, count.required, count.default) == ("count", True, None)
    assert (day.name, day.required, day.default) == ("day", False, "friday")
    assert (extra.name, extra.schema, extra.default) == ("extra", None, 1)
    assert count.schema is not None and count.schema["type"] == "integer"
    assert count.schema["definitions"] == SCHEMA["definitions"]


async def test_an_image_is_docker_storage(plane: RestControlPlane) -> None:
    pool = (await plane.create_work_pool(named("images"), "docker")).name
    image = "registry.example.com/etl@sha256:0a1b"
    made = await plane.register(NOWHERE, payload(pool, job_variables={"image": image}))
    assert made.image == image


async def test_registering_again_makes_no_second_one_and_sends_nothing(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    wanted = payload(pool)
    made = await plane.register(Project("Team", "Team"), wanted)
    del wanted["schedules"]
    again = await plane.register(Project("Team", "Team"), wanted)
    assert again == made
    assert await plane.amend(made.id, lambda _: {}) == made
    assert await plane.amend(made.id, lambda _: {"description": "Loads the sales."}) == made
    (only,) = await plane.flow_versions(name=str(wanted["flow_name"]))
    assert only == made
    assert len(schedules(row(witness, made))) == 2


async def test_registering_what_is_there_changes_it_and_keeps_what_is_not_named(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    wanted = payload(pool)
    made = await plane.register(Project("Team", "Team"), wanted)
    names = {key: wanted[key] for key in ("flow_name", "name")}
    changed = await plane.register(Project("Other", "Other"), {**names, "description": "New."})
    assert changed.id == made.id
    assert (changed.project, changed.tags, changed.description) == ("Other", ("prod",), "New.")
    told = row(witness, made)
    assert schedules(told) == {"0 2 * * *": True, "3600.0": False}
    assert told["parameters"] == {"count": 3}


async def test_a_pool_that_is_not_there_is_named_with_those_like_it(
    plane: RestControlPlane, pool: str
) -> None:
    with pytest.raises(ControlPlaneError, match=f"no work pool named “{pool}x”") as caught:
        await plane.register(NOWHERE, payload(f"{pool}x"))
    assert f"“{pool}”" in caught.value.problem.fix
    made = await plane.register(NOWHERE, payload(pool))
    with pytest.raises(ControlPlaneError, match=f"no work pool named “{pool}y”"):
        await plane.amend(made.id, lambda _: {"work_pool_name": f"{pool}y"})


async def test_a_server_that_is_often_busy_has_each_once(
    server: PrefectServer, plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    """Connections that break and answers of 503, as a server on SQLite gives them at times."""
    wanted = payload(pool)
    with faulty_proxy(server.port, unavailable=0.2, dropped=0.1, seed=11) as proxy:
        shaky = RestControlPlane(proxy.api_url, None, timeout=LIMIT)
        for number in range(4):
            made = await shaky.register(PROJECT, {**wanted, "name": f"d{number}"})
            await shaky.amend(made.id, lambda _: {"description": "New."})
            request = RunRequest(made.id, {"count": 1}, idempotency_key=f"{made.id}-{number}")
            first, again = await shaky.start_run(request), await shaky.start_run(request)
            assert first.id == again.id
        await shaky.close()
    found = await plane.flow_versions(name=str(wanted["flow_name"]))
    assert [each.deployment for each in found] == ["d3", "d2", "d1", "d0"]
    assert {each.description for each in found} == {"New."}
    assert all(len(row(witness, each)["schedules"]) == 2 for each in found)
    for each in found:
        runs = await plane.flow_runs(version_id=each.id)
        assert len([run for run in runs if not run.auto_scheduled]) == 1


# ----------------------------------------------------------------------------------------- changing


async def test_what_was_edited_elsewhere_stays(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    """The upsert of Prefect's own client deletes schedules, and resets parameters."""
    made = await plane.register(Project("Team", "Team"), payload(pool))
    edited = {
        "paused": True,
        "tags": ["prod", "project:Team", "by-hand"],
        "parameters": {"count": 9},
    }
    by_hand(witness, "PATCH", f"/deployments/{made.id}", edited)
    first, *_ = row(witness, made)["schedules"]
    path = f"/deployments/{made.id}/schedules/{first['id']}"
    by_hand(witness, "PATCH", path, {"active": not first["active"]})
    before = row(witness, made)
    changed = await plane.amend(
        made.id, lambda _: {"description": "New.", "entrypoint": "flows/new.py:etl"}
    )
    after = row(witness, made)
    assert (changed.description, changed.entrypoint) == ("New.", "flows/new.py:etl")
    differing = {key for key in before if before[key] != after[key]}
    assert differing == {"description", "entrypoint", "updated"}


async def test_what_no_patch_takes_is_changed_with_all_else_kept(
    plane: RestControlPlane, server: PrefectServer, witness: httpx.Client, pool: str
) -> None:
    """Prefect 2 takes neither schema nor pull steps in a PATCH, Prefect 3 no labels."""
    made = await plane.register(Project("Team", "Team"), payload(pool, work_queue_name="urgent"))
    by_hand(witness, "PATCH", f"/deployments/{made.id}", {"paused": True})
    before = row(witness, made)
    schema = {"type": "object", "properties": {"size": {"type": "integer", "position": 0}}}
    fields: dict[str, Any] = {
        "parameter_openapi_schema": schema,
        "parameters": {"size": 4},
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/new"}}],
    }
    if is_3(server):
        fields["labels"] = {"team": "ops"}
    await plane.amend(made.id, lambda _: fields)
    after = row(witness, made)
    for key in ("parameter_openapi_schema", "parameters", "pull_steps"):
        assert after[key] == fields[key], key
    if is_3(server):
        assert after["labels"]["team"] == "ops"
    assert schedules(after) == schedules(before)
    assert [each.get("slug") for each in after["schedules"]] == [
        each.get("slug") for each in before["schedules"]
    ]
    kept = ("id", "tags", "paused", "work_queue_name", "work_pool_name", "version", "description")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    told = await plane.serialized_flow(made.id)
    assert told is not None and told["job_variables"] == {"env": {"MODE": "fast"}}


async def test_schedules_are_changed_added_and_removed_one_by_one(
    plane: RestControlPlane, server: PrefectServer, witness: httpx.Client, pool: str
) -> None:
    """A PATCH of Prefect 3 that names no more of a schedule with a slug leaves it there."""
    made = await plane.register(NOWHERE, payload(pool))
    told = await plane.serialized_flow(made.id)
    assert told is not None
    first, second = (dict(each) for each in told["schedules"])  # type: ignore[union-attr,arg-type]
    new = {"slug": "c", "active": True, "schedule": {"cron": "5 5 * * *", "timezone": "UTC"}}
    await plane.amend(made.id, lambda _: {"schedules": [{**first, "active": False}, new]})
    assert schedules(row(witness, made)) == {"0 2 * * *": False, "5 5 * * *": True}
    await plane.amend(made.id, lambda _: {"schedules": [second, new]})
    assert schedules(row(witness, made)) == {"3600.0": False, "5 5 * * *": True}
    changed = await plane.amend(made.id, lambda _: {"schedules": []})
    assert changed.schedule is Schedule.NONE and row(witness, made)["schedules"] == []
    if is_3(server):
        own = {**new, "parameters": {"count": 7}}
        await plane.amend(made.id, lambda _: {"schedules": [own]})
        assert row(witness, made)["schedules"][0]["parameters"] == {"count": 7}
    else:
        with pytest.raises(ControlPlaneError, match="cannot give a schedule parameters"):
            await plane.amend(
                made.id, lambda _: {"schedules": [{**new, "parameters": {"count": 7}}]}
            )


async def test_a_schedule_without_a_slug_among_others_with_one_is_kept(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    """As the web page makes them."""
    made = await plane.register(NOWHERE, payload(pool))
    unnamed = [{"active": True, "schedule": {"cron": "7 7 * * *", "timezone": "UTC"}}]
    by_hand(witness, "POST", f"/deployments/{made.id}/schedules", unnamed)
    told = await plane.serialized_flow(made.id)
    assert told is not None
    kept = [each for each in told["schedules"] if each["active"]]  # type: ignore[index,union-attr]
    await plane.amend(made.id, lambda _: {"schedules": kept})
    assert schedules(row(witness, made)) == {"0 2 * * *": True, "7 7 * * *": True}


async def test_a_queue_alone_stays_in_its_pool(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    """The API puts it in the pool `default-agent-pool`."""
    made = await plane.register(NOWHERE, payload(pool))
    changed = await plane.amend(made.id, lambda _: {"work_queue_name": "urgent"})
    assert (changed.work_pool, changed.work_queue) == (pool, "urgent")
    other = (await plane.create_work_pool(named("other"), "process")).name
    changed = await plane.amend(made.id, lambda _: {"work_pool_name": other})
    assert (changed.work_pool, changed.work_queue) == (other, "default")


async def test_what_the_control_plane_refuses_is_said_by_field(
    plane: RestControlPlane, pool: str
) -> None:
    made = await plane.register(NOWHERE, payload(pool))
    with pytest.raises(ControlPlaneError, match="'count'"):
        await plane.amend(made.id, lambda _: {"parameters": {"count": "many"}})
    with pytest.raises(ControlPlaneError, match="nonsense"):
        await plane.amend(made.id, lambda _: {"nonsense": 1})
    with pytest.raises(ControlPlaneError, match="keep their names"):
        await plane.amend(made.id, lambda _: {"name": "other"})
    with pytest.raises(ControlPlaneError, match="'count'"):
        await plane.register(NOWHERE, payload(pool, parameters={"count": "many"}))
    assert await plane.amend(made.id, lambda _: {}) == made


async def test_job_variables_and_the_limit_of_runs(
    plane: RestControlPlane, server: PrefectServer, pool: str
) -> None:
    made = await plane.register(NOWHERE, payload(pool))
    if not is_3(server):
        with pytest.raises(ControlPlaneError, match="the last job variable"):
            await plane.amend(made.id, lambda _: {"job_variables": {}})
        with pytest.raises(ControlPlaneError, match="cannot limit the runs"):
            await plane.amend(made.id, lambda _: {"concurrency_limit": 2})
        return
    await plane.amend(made.id, lambda _: {"job_variables": {}, "concurrency_limit": 2})
    told = await plane.serialized_flow(made.id)
    assert told is not None
    assert (told["job_variables"], told["concurrency_limit"]) == ({}, 2)
    await plane.amend(made.id, lambda _: {"concurrency_limit": None})
    told = await plane.serialized_flow(made.id)
    assert told is not None and told["concurrency_limit"] is None


async def test_schedules_go_on_as_they_were(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    made = await plane.register(NOWHERE, payload(pool))
    await plane.set_schedule_active(made.id, False)
    paused = await plane.amend(made.id, lambda _: {})
    assert (paused.schedule, paused.paused) == (Schedule.PAUSED, True)
    before = row(witness, made)["updated"]
    await plane.set_schedule_active(made.id, False)
    assert row(witness, made)["updated"] == before
    await plane.set_schedule_active(made.id, True)
    assert (await plane.amend(made.id, lambda _: {})).schedule is Schedule.ACTIVE
    assert schedules(row(witness, made)) == {"0 2 * * *": True, "3600.0": False}
    for each in row(witness, made)["schedules"]:
        path = f"/deployments/{made.id}/schedules/{each['id']}"
        by_hand(witness, "PATCH", path, {"active": False})
    assert (await plane.amend(made.id, lambda _: {})).schedule is Schedule.PAUSED
    await plane.set_schedule_active(made.id, True)
    assert set(schedules(row(witness, made)).values()) == {True}


async def test_what_is_deleted_is_gone(plane: RestControlPlane, pool: str) -> None:
    made = await plane.register(NOWHERE, payload(pool))
    with pytest.raises(ControlPlaneError, match="only flowtui's history knows"):
        await plane.delete_version(f"{made.id}@deploy")
    await plane.delete_version(made.id)
    assert await plane.serialized_flow(made.id) is None
    assert await plane.flow_versions(name=made.name) == ()
    with pytest.raises(ControlPlaneError, match="not registered any more"):
        await plane.amend(made.id, lambda _: {"description": "x"})
    with pytest.raises(ControlPlaneError, match="not registered any more"):
        await plane.delete_version(made.id)


# ----------------------------------------------------------------------------------------- projects


async def test_projects_are_tags_of_deployments(plane: RestControlPlane, pool: str) -> None:
    one, two = (Project(name, name) for name in (named("one"), named("two")))
    first = payload(pool)
    flow = str(first["flow_name"])
    await plane.register(one, first)
    await plane.register(one, {**first, "name": "hourly"})
    await plane.register(NOWHERE, {**first, "name": "loose"})
    found = {each.name: each for each in await plane.projects()}
    assert found[one.name].flow_count == 1 and found[""].flow_count >= 1
    assert list(found)[-1] == ""
    assert [v.deployment for v in await plane.flow_versions(project=one.name)] == [
        "hourly",
        "nightly",
    ]
    assert [v.deployment for v in await plane.flow_versions(project="", name=flow)] == ["loose"]
    assert [v.flow_name for v in await plane.flow_versions(name=f"{flow}/hourly")] == [
        f"{flow}/hourly"
    ]
    await plane.move_flow(f"{flow}/hourly", one, two)
    assert [v.deployment for v in await plane.flow_versions(project=two.name)] == ["hourly"]
    with pytest.raises(ControlPlaneError, match="already exists"):
        await plane.rename_project(two, one.name)
    renamed = await plane.rename_project(two, named("three"))
    assert two.name not in {each.name for each in await plane.projects()}
    await plane.move_flow(flow, renamed, NOWHERE)
    assert len(await plane.flow_versions(project="", name=flow)) == 2
    with pytest.raises(ControlPlaneError, match="there is no"):
        await plane.move_flow(flow, renamed, one)
    await plane.delete_project(one)
    assert {v.deployment for v in await plane.flow_versions(name=flow)} == {"hourly", "loose"}


# --------------------------------------------------------------------------------------- work pools


async def test_a_pool_is_created_from_the_servers_own_template(
    plane: RestControlPlane, witness: httpx.Client
) -> None:
    """Without a template it would be created all the same, and take any job variable."""
    types = await plane.work_pool_types()
    assert {"process", "docker", "kubernetes"} <= set(types)
    name = named("pool")
    made = await plane.create_work_pool(name, "docker")
    told = by_hand(witness, "GET", f"/work_pools/{name}")
    assert told["base_job_template"]["variables"]["properties"]["image"]
    assert made.base_job_template == told["base_job_template"]
    with pytest.raises(ControlPlaneError, match="already exists"):
        await plane.create_work_pool(name, "docker")
    with pytest.raises(ControlPlaneError, match="no template") as caught:
        await plane.create_work_pool(named("pool"), "doker")
    assert "“docker”" in caught.value.problem.fix


async def test_pools_are_told_with_their_queues(
    plane: RestControlPlane, witness: httpx.Client, pool: str
) -> None:
    queue = {"name": "urgent", "priority": 1, "concurrency_limit": 4}
    by_hand(witness, "POST", f"/work_pools/{pool}/queues", queue)
    (found,) = [each for each in await plane.work_pools() if each.name == pool]
    assert (found.type, found.status, found.paused, found.workers) == (
        "process",
        "NOT_READY",
        False,
        (),
    )
    assert [(each.name, each.concurrency_limit) for each in found.queues] == [
        ("urgent", 4),
        ("default", None),
    ]
    assert found.default_queue_id == found.queues[1].id
    await plane.pause_work_pool(pool, True)
    (found,) = [each for each in await plane.work_pools() if each.name == pool]
    assert (found.status, found.paused) == ("PAUSED", True)
    await plane.pause_work_pool(pool, False)
    with pytest.raises(ControlPlaneError, match="no work pool named"):
        await plane.pause_work_pool(f"{pool}x", True)
