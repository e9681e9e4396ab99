"""Each reason that is shown is the truth: the run is not picked up, and is when the fix is applied.

A run that fits is started last. Agents are given what is due in the order of its time, so when that
one is over, the agent has been asked about all the others and did not get them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowtui.agents.waiting import WaitingKind, why_waiting
from flowtui.api.graphql import GraphQLControlPlane
from flowtui.run_models import FlowRun, RunRequest
from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.agents import local_agent
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.prefects import prefect_python

pytestmark = pytest.mark.real

_FLOW = """
from prefect import Flow, task

@task
def hello():
    print("hello")

with Flow("hello") as flow:
    hello()
"""
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_IMAGE = {
    "type": "Docker",
    "registry_url": "registry.invalid",
    "image_name": "hello",
    "image_tag": "1",
    "flows": {"in an image": "/opt/prefect/flows/hello.prefect"},
    "__version__": "1.4.1",
}


class Yard:
    """A server with two flows, and questions about their runs."""

    def __init__(self, server: RunningServer, plane: GraphQLControlPlane) -> None:
        self.url = server.url
        self.plane = plane
        self.witness = Witness(server.url)
        self.stored = self.witness.flow_id("hello", "1.4.1")
        self.in_image = ""

    async def run(
        self, *labels: str, flow: str = "", start: datetime | None = _LONG_AGO
    ) -> FlowRun:
        return await self.plane.start_run(
            RunRequest(flow or self.stored, {}, labels=labels, start=start)
        )

    async def why(self, run: FlowRun, later: timedelta = timedelta()) -> list[WaitingKind]:
        now = await self.plane.flow_run(run.id)
        assert now is not None
        agents = await self.plane.agents()
        return [each.kind for each in why_waiting(now, agents, datetime.now(UTC) + later)]

    def state(self, run: FlowRun) -> str:
        return self.witness.run(run.id)["state"]


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    root = tmp_path / "project"
    root.mkdir()
    with embedded_server(tmp_path / "server.db") as server:
        project = Project(root, server.url)
        project.configure(prefect_python("1.4.1"), 'type = "local"')
        project.write("hello.py", _FLOW)
        deployed = project.deploy("hello.py", "--create-project")
        assert deployed.code == 0, deployed.stdout + deployed.stderr
        plane = GraphQLControlPlane(server.url, None)
        await plane.identify()
        made = Yard(server, plane)
        serialized: dict[str, Any] = dict(await plane.serialized_flow(made.stored) or {})
        serialized |= {"name": "in an image", "storage": _IMAGE}
        (place,) = await plane.projects()
        made.in_image = (await plane.register(place, serialized)).id
        try:
            yield made
        finally:
            await plane.close()


async def test_every_reason_is_the_truth(yard: Yard) -> None:
    labelled = await yard.run("x")
    assert await yard.why(labelled) == [WaitingKind.NO_AGENT]
    other = await yard.run("x", "y")
    unlabelled = await yard.run()
    imaged = await yard.run("z", flow=yard.in_image)
    failing = await yard.run("x", flow=yard.in_image)
    future = await yard.run("x", start=datetime.now(UTC) + timedelta(hours=1))

    with local_agent("1.4.1", yard.url, labels=("x",), name="first") as agent:
        agent.wake()
        yard.witness.wait(labelled.id, "Success")
        assert await yard.why(labelled) == []
        assert await yard.why(other) == [WaitingKind.LABELS]
        assert await yard.why(unlabelled) == [WaitingKind.UNLABELLED_RUN]
        assert await yard.why(imaged) == [WaitingKind.NO_AGENT_OF_KIND]
        assert await yard.why(future) == [WaitingKind.NOT_DUE]
        yard.witness.wait(failing.id, "Failed")  # "would take it and fail it"
        last = await yard.run("x", start=None)
        agent.wake()
        yard.witness.wait(last.id, "Success")
        waiting = (other, unlabelled, imaged, future)
        assert {yard.state(run) for run in waiting} == {"Scheduled"}

    assert await yard.why(await yard.run("x"), timedelta(minutes=2)) == [WaitingKind.AGENT_SILENT]

    with local_agent("1.4.1", yard.url, labels=("x", "y"), name="second") as agent:
        agent.wake()
        yard.witness.wait(other.id, "Success")
    with local_agent("1.4.1", yard.url, hostname_label=False, name="third") as agent:
        agent.wake()
        yard.witness.wait(unlabelled.id, "Success")


async def test_a_run_of_an_archived_version_is_given_to_nobody(yard: Yard) -> None:
    run = await yard.run("x")
    await yard.plane.archive(yard.stored)
    outcome = (yard.state(run), await yard.why(run))
    # The embedded server cancels it at once; one that does not, leaves it waiting for ever.
    assert outcome in (("Cancelled", []), ("Scheduled", [WaitingKind.ARCHIVED]))
    with local_agent("1.4.1", yard.url, labels=("x",)) as agent:
        last = await yard.run("x", flow=yard.in_image)
        agent.wake()
        yard.witness.wait(last.id, "Failed")
        assert yard.state(run) == outcome[0]


async def test_a_run_that_fits_is_any_moment_picked_up(yard: Yard) -> None:
    with local_agent("1.4.1", yard.url, labels=("x",)) as agent:
        run = await yard.run("x", start=datetime.now(UTC) + timedelta(seconds=5))
        assert await yard.why(run) in ([WaitingKind.SOON], [WaitingKind.TAKEN], [])
        agent.wake()
        yard.witness.wait(run.id, "Success")
