"""Runs on real servers of Prefect 3 and 2: started, found, followed, cancelled, by real workers."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from flowtui.api.log_tail import LogTail
from flowtui.api.rest import RestControlPlane
from flowtui.errors import ControlPlaneError
from flowtui.models import FlowVersion, Project
from flowtui.run_models import FlowRun, RunRequest, RunState
from tests.parts.prefect_server import PrefectServer, PrefectWorker, prefect_worker

pytestmark = pytest.mark.real

LIMIT = 60.0
PATIENCE = 180.0
"""Seconds for what a worker does on a machine that has much else to do."""
PROJECT = Project("Runs", "Runs")
FLOWS = """
import time
from prefect import flow, get_run_logger, task
from prefect.states import Completed

@task
def step(number):
    get_run_logger().info("step %s", number)
    return number

@flow
def steps(count: int = 2):
    for number in range(count):
        step(number)
    get_run_logger().warning("said last")
    return Completed(name="WeekendSkip", message="nothing to do")

@flow
def endless():
    get_run_logger().info("going")
    time.sleep(3600)
"""


@pytest.fixture(scope="module", params=["prefect3_server", "prefect2_server"])
def server(request: pytest.FixtureRequest) -> PrefectServer:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("flows")
    (made / "flows.py").write_text(FLOWS)
    return made


@pytest.fixture(scope="module")
def worker(server: PrefectServer) -> Iterator[PrefectWorker]:
    """It makes its pool itself."""
    with prefect_worker(server, named("pool"), name=named("worker")) as started:
        yield started


@pytest.fixture
async def plane(server: PrefectServer) -> AsyncIterator[RestControlPlane]:
    made = RestControlPlane(server.api_url, None, timeout=LIMIT)
    await made.identify()
    yield made
    await made.close()


@pytest.fixture
async def idle(plane: RestControlPlane) -> FlowVersion:
    """A deployment in a pool that nobody works for."""
    pool = (await plane.create_work_pool(named("idle"), "process")).name
    schema = {
        "type": "object",
        "properties": {"count": {"type": "integer", "position": 0}},
        "required": ["count"],
    }
    body: dict[str, Any] = {
        "flow_name": named("flow"),
        "name": "nightly",
        "entrypoint": "flows.py:steps",
        "work_pool_name": pool,
        "tags": ["prod"],
        "version": "v7",
        "parameter_openapi_schema": schema,
        "enforce_parameter_schema": True,
    }
    return await plane.register(PROJECT, body)


def named(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


async def until(
    look: Callable[[], Awaitable[FlowRun | None]], is_so: Callable[[FlowRun], bool]
) -> FlowRun:
    run: FlowRun | None = None
    async with asyncio.timeout(PATIENCE):
        while run is None or not is_so(run):
            await asyncio.sleep(0.3)
            run = await look()
    return run


# --------------------------------------------------------------------------- starting and finding


async def test_a_run_is_started_once_with_what_was_asked(
    plane: RestControlPlane, idle: FlowVersion
) -> None:
    key = named("key")
    wanted = RunRequest(
        idle.id,
        {"count": 3},
        name="by-hand",
        tags=("mine",),
        job_variables={"env": {"MODE": "slow"}},
        idempotency_key=key,
    )
    run = await plane.start_run(wanted)
    assert (run.name, run.flow_name, run.project) == ("by-hand", idle.flow_name, "Runs")
    assert (run.version_id, run.version_words, run.parameters) == (idle.id, "v7", {"count": 3})
    assert (run.work_pool, run.work_queue) == (idle.work_pool, "default")
    assert set(run.tags) == {"prod", "mine"}
    assert (run.state, run.kind, run.auto_scheduled) == ("Scheduled", RunState.PLANNED, False)
    assert run.scheduled is not None and run.state_start is not None and run.created is not None
    assert (await plane.start_run(wanted)).id == run.id
    other = await plane.start_run(RunRequest(idle.id, {"count": 3}))
    assert other.id != run.id
    assert {each.id for each in await plane.flow_runs(version_id=idle.id)} == {run.id, other.id}


async def test_parameters_that_do_not_fit_start_nothing(
    plane: RestControlPlane, idle: FlowVersion
) -> None:
    with pytest.raises(ControlPlaneError, match=r"not started: .*count"):
        await plane.start_run(RunRequest(idle.id, {"count": "many"}))
    with pytest.raises(ControlPlaneError, match=r"not started: .*count"):
        await plane.start_run(RunRequest(idle.id, {}))
    with pytest.raises(ControlPlaneError, match="not registered any more"):
        await plane.start_run(RunRequest(str(uuid.uuid4()), {}))
    with pytest.raises(ControlPlaneError, match="what a deployment was before"):
        await plane.start_run(RunRequest(f"{idle.id}@deploy", {"count": 1}))
    with pytest.raises(ControlPlaneError, match="do not have labels"):
        await plane.start_run(RunRequest(idle.id, {"count": 1}, labels=("gpu",)))
    assert await plane.flow_runs(version_id=idle.id) == ()


async def test_runs_are_found_by_all_that_is_asked_for(
    plane: RestControlPlane, idle: FlowVersion
) -> None:
    now, due = datetime.now(UTC), datetime.now(UTC).replace(microsecond=123456) + timedelta(days=3)
    soon = await plane.start_run(RunRequest(idle.id, {"count": 1}, name=named("soon")))
    later = await plane.start_run(RunRequest(idle.id, {"count": 1}, start=due))
    last = await plane.start_run(RunRequest(idle.id, {"count": 1}, start=due + timedelta(days=1)))
    assert later.scheduled == due and later.state_start == due

    async def found(**wanted: Any) -> list[str]:
        return [run.id for run in await plane.flow_runs(**wanted)]

    every = [last.id, later.id, soon.id]
    for wanted in (
        {"version_id": idle.id},
        {"name": idle.name},
        {"name": idle.flow_name},
        {"names": [idle.name, "nobody"]},
        {"name": idle.name, "project": "Runs"},
        {"name": idle.name, "states": ["Scheduled", "Late"]},
    ):
        assert await found(**wanted) == every, wanted
    for wanted in (
        {"name": f"{idle.name}/other"},
        {"name": idle.name, "project": "Others"},
        {"name": idle.name, "project": ""},
        {"name": idle.name, "names": ["nobody"]},
        {"name": idle.name, "states": ["Running", "Completed"]},
        {"version_id": f"{idle.id}@deploy"},
    ):
        assert await found(**wanted) == [], wanted
    of_it: dict[str, Any] = {"version_id": idle.id}
    assert await found(**of_it, offset=1, limit=1) == [later.id]
    assert await found(**of_it, planned_until=now + timedelta(hours=1)) == [soon.id]
    assert await found(**of_it, planned_until=due) == [later.id, soon.id]
    assert await found(**of_it, planned_after=now + timedelta(hours=1)) == [later.id, last.id]
    assert await found(**of_it, planned_after=due) == [last.id]
    assert [run.id for run in await plane.find_runs(soon.id)] == [soon.id]
    assert [run.id for run in await plane.find_runs(soon.id[:9].upper())] == [soon.id]
    assert [run.id for run in await plane.find_runs(soon.name)] == [soon.id]
    assert await plane.find_runs("00000000") == ()
    assert await plane.flow_run(str(uuid.uuid4())) is None
    assert await plane.flow_run("nonsense") is None


async def test_a_run_without_a_process_is_cancelled_at_once(
    plane: RestControlPlane, idle: FlowVersion
) -> None:
    run = await plane.start_run(RunRequest(idle.id, {"count": 1}))
    assert await plane.cancel_run(run.id) == "Cancelled"
    assert await plane.cancel_run(run.id) == "Cancelled"
    cancelled = await plane.flow_run(run.id)
    assert cancelled is not None and cancelled.kind is RunState.CANCELLED
    assert [each.state for each in await plane.run_states(run.id)] == ["Scheduled", "Cancelled"]
    with pytest.raises(ControlPlaneError, match="there is no such run"):
        await plane.cancel_run(str(uuid.uuid4()))


# --------------------------------------------------------------------------------- by real workers


async def test_a_run_is_followed_to_its_last_line(
    plane: RestControlPlane, worker: PrefectWorker, folder: Path
) -> None:
    body = {"work_pool_name": worker.pool, "path": str(folder), "entrypoint": "flows.py:steps"}
    made = await plane.register(PROJECT, {**body, "flow_name": "steps", "name": named("steps")})
    (pool,) = [each for each in await plane.work_pools() if each.name == worker.pool]
    assert [(each.name, each.online, each.type) for each in pool.workers] == [
        (worker.name, True, "process worker")
    ]
    (agent,) = [each for each in await plane.agents() if each.name == worker.name]
    assert agent.last_seen is not None and agent.work_pool == worker.pool
    started = await plane.start_run(RunRequest(made.id, {"count": 3}))
    tail = LogTail(plane, started.id)
    lines = [*await tail.more()]
    run = await until(lambda: plane.flow_run(started.id), lambda run: run.kind.is_over)
    assert (run.state, run.message, run.kind) == ("WeekendSkip", "nothing to do", RunState.GOOD)
    assert run.started is not None and run.ended is not None and run.ended >= run.started
    async with asyncio.timeout(PATIENCE):
        while not any(line.text.startswith("Finished in state") for line in lines):
            lines += await tail.more()
            await asyncio.sleep(0.3)
    lines += await tail.rest()
    whole = await plane.run_log(run.id)
    assert sorted(line.id for line in whole) == sorted(line.id for line in lines)
    assert list(whole) == sorted(whole, key=lambda line: line.moment)
    said = {(line.level, line.text) for line in whole}
    assert {("INFO", "step 0"), ("INFO", "step 2"), ("WARNING", "said last")} <= said
    assert whole[2:] == await plane.run_log(run.id, since=whole[2].moment)
    assert whole[:2] == await plane.run_log(run.id, limit=2)
    tasks = await plane.task_runs(run.id)
    assert [(each.state, each.attempts, each.kind) for each in tasks] == [
        ("Completed", 1, RunState.GOOD)
    ] * 3
    assert {line.task_run_id for line in whole if line.text.startswith("step")} == {
        each.id for each in tasks
    }
    states = [(each.state, each.kind) for each in await plane.run_states(run.id)]
    assert states[0] == ("Scheduled", RunState.PLANNED)
    assert states[-1] == ("WeekendSkip", RunState.GOOD)
    (last,) = [each for each in await plane.last_runs(["steps"]) if each.version_id == made.id]
    assert last.id == run.id
    assert run.id in {
        each.id for each in await plane.flow_runs(version_id=made.id, states=["WeekendSkip"])
    }
    assert await plane.flow_runs(version_id=made.id, states=["Failed", "Crashed"]) == ()


async def test_a_run_with_a_process_winds_up_when_cancelled(
    plane: RestControlPlane, worker: PrefectWorker, folder: Path
) -> None:
    body = {"work_pool_name": worker.pool, "path": str(folder), "entrypoint": "flows.py:endless"}
    made = await plane.register(PROJECT, {**body, "flow_name": "endless", "name": named("endless")})
    started = await plane.start_run(RunRequest(made.id, {}))
    await until(lambda: plane.flow_run(started.id), lambda run: run.state == "Running")
    assert await plane.cancel_run(started.id) == "Cancelling"
    assert await plane.cancel_run(started.id) in ("Cancelling", "Cancelled")
    run = await until(lambda: plane.flow_run(started.id), lambda run: run.kind.is_over)
    assert run.kind is RunState.CANCELLED


# ------------------------------------------------------------------------------------------ changes


async def test_changes_of_runs_are_told_at_once_where_there_are_events(
    plane: RestControlPlane, server: PrefectServer, idle: FlowVersion
) -> None:
    """The filter of a stream needs an end: without one it ends when it begins."""
    run = await plane.start_run(RunRequest(idle.id, {"count": 1}))
    if server.version.startswith("2"):
        with pytest.raises(ControlPlaneError, match="does not tell changes"):
            await anext(plane.run_changes(run.id))
        return
    address = f"ws{server.api_url.removeprefix('http')}/events/out"
    async with (
        aclosing(plane.run_changes(run.id)) as of_it,  # type: ignore[type-var]
        aclosing(plane.run_changes()) as of_all,  # type: ignore[type-var]
        connect(address, subprotocols=[Subprotocol("prefect")], proxy=None) as endless,
        asyncio.timeout(PATIENCE),
    ):
        await endless.send(json.dumps({"type": "auth", "token": None}))
        assert json.loads(await endless.recv())["type"] == "auth_success"
        await endless.send(json.dumps({"type": "filter", "filter": {}, "backfill": False}))
        assert await anext(of_it) == run.id  # it may have changed before
        changed = asyncio.ensure_future(anext(of_it))
        among_all = asyncio.ensure_future(anext(of_all))
        # Of all runs nothing is told until one changes: so one after another does.
        while not (changed.done() and among_all.done()):
            other = await plane.start_run(RunRequest(idle.id, {"count": 1}))
            await plane.cancel_run(other.id)
            if not changed.done():
                await plane.cancel_run(run.id)
            await asyncio.sleep(0.2)
        assert await changed == run.id
        # It may be a run of any other test: there are more than one page of them.
        assert await plane.flow_run(await among_all) is not None
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(endless.recv(), 0.5)
