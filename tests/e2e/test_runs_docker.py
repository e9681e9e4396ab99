"""Flows in Docker storage, deployed by flowtui, run in containers that real agents start.

The server listens where containers reach it. Runs are shared out by labels: the agent of 0.6.2
knows none and gets the runs without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.deployed import Deployed, deploy_flow
from tests.e2e.runs import Witness
from tests.parts.agents import RunningAgent, complaints, docker_agent
from tests.parts.base_images import prefect_image
from tests.parts.control_plane import embedded_server
from tests.parts.engine import RunningEngine
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry
from tests.parts.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_TOKEN = "the-token-of-these-containers"
_MEANT = ("not at the first attempt", "come back later", "the price is negative")
"""Errors that the flows raise themselves."""
_SOURCES = {"0.6.1": "shop_061.py", "0.15.13": "shop_1x.py", "1.4.1": "shop_1x.py"}
_AGENTS = ("0.6.2", "0.15.13", "1.4.1")
_RUNS = (
    ("0.6.1", "0.6.2", "well"),
    ("0.6.1", "0.6.2", "fail"),
    ("0.6.1", "0.6.2", "patient"),
    ("0.6.1", "1.4.1", "well"),
    ("0.15.13", "0.15.13", "well"),
    ("1.4.1", "1.4.1", "well"),
    ("1.4.1", "1.4.1", "sleep"),
)
"""Prefect of the flow, Prefect of the agent, what the run shall do."""


@dataclass(frozen=True)
class Yard:
    """All flows and agents; the runs go on side by side."""

    engine: RunningEngine
    deployed: Mapping[str, Deployed]
    """By Prefect version."""
    agents: Mapping[str, RunningAgent]
    """By Prefect version."""
    runs: Mapping[tuple[str, str, str], str]
    """Ids, in the words of `_RUNS`."""
    witness: Witness

    def in_container(self, run_id: str) -> bool:
        """Whether a container of the run is at work."""
        return self.engine.with_variable(run_id, running=True) != []


@pytest.fixture(scope="module")
def yard(
    running_docker: RunningEngine,
    plain_registry: RunningRegistry,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("yard")
    with ExitStack() as stack:
        server = stack.enter_context(
            embedded_server(folder / "server.db", _TOKEN, host=running_docker.gateway())
        )
        # The agent of 0.6.2 leaves its containers behind; they know the server's address.
        stack.callback(running_docker.remove_with_variable, server.url)
        deployed = {
            version: deploy_flow(
                folder / version,
                server,
                version,
                prefect_python(version),
                source=source,
                storage=f'base_image = "{prefect_image(running_docker, version)}"\n'
                f'registry_url = "{plain_registry.host}/runs-{version}"',
                token=_TOKEN,
                environment={
                    "DOCKER_HOST": running_docker.url,
                    "FLOWTUI_ALLOW_PLAINTEXT_TOKEN": "1",
                },
            )
            for version, source in _SOURCES.items()
        }
        witness = Witness(server.url, _TOKEN)
        witness.act("set_secret", "success", name="SHOP_KEY", value="hush")
        runs = {
            (flow, agent, mode): witness.start(
                deployed[flow].flow_id, {"mode": mode}, labels=_labels(agent)
            )
            for flow, agent, mode in _RUNS
        }
        agents = {
            version: stack.enter_context(
                docker_agent(
                    version,
                    server.url,
                    running_docker,
                    token=_TOKEN,
                    labels=_labels(version),
                    flow_environment=_quick(version),
                )
            )
            for version in _AGENTS
        }
        yield Yard(running_docker, deployed, agents, runs, witness)
        for agent in agents.values():
            assert complaints(agent.said(), expected=_MEANT) == []
        assert server.log.read_text() == ""


def _labels(agent: str) -> list[str]:
    return [] if agent == "0.6.2" else [f"runs-{agent}"]


def _quick(agent: str) -> tuple[str, ...]:
    return () if agent == "0.6.2" else ("PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL=1",)


@pytest.mark.parametrize(
    ("flow", "agent"),
    [("0.6.1", "0.6.2"), ("0.6.1", "1.4.1"), ("0.15.13", "0.15.13"), ("1.4.1", "1.4.1")],
)
def test_a_flow_runs_to_success_under_an_agent(yard: Yard, flow: str, agent: str) -> None:
    run_id = yard.runs[flow, agent, "well"]
    yard.witness.wait(run_id, "Success")
    assert yard.witness.history(run_id) == ["Scheduled", "Submitted", "Running", "Success"]
    children = [run for run in yard.witness.task_runs(run_id) if run.task == "double"]
    assert [(run.map_index, run.state) for run in children] == [
        (-1, "Mapped"),
        *((index, "Success") for index in range(3)),
    ]
    shaky = yard.witness.task_run(run_id, "shaky")
    assert shaky.history == ["Running", "Failed", "Retrying", "Running", "Success"]
    assert yard.witness.task_run(run_id, "costly").state == "Cached"
    logs = yard.witness.logs(run_id)
    lines = [line for line in logs if line.endswith("of the numbers")]
    assert lines == [f"line {number:02} of the numbers" for number in range(40)]
    assert "total 6, a key of 4 letters" in logs


def test_a_failing_task_of_061(yard: Yard) -> None:
    run_id = yard.runs["0.6.1", "0.6.2", "fail"]
    run = yard.witness.wait(run_id, "Failed")
    assert run["state_message"] == "Some reference tasks failed."
    price = yard.witness.task_run(run_id, "price")
    assert price.state == "Failed"
    assert "the price is negative" in (price.message or "")
    assert yard.witness.task_run(run_id, "bill").state == "TriggerFailed"


def test_a_retry_of_061_that_outlives_its_container(yard: Yard) -> None:
    """Due in 15 minutes, the container ends. The due time is moved to now."""
    run_id = yard.runs["0.6.1", "0.6.2", "patient"]
    waiting = yard.witness.wait_for_task(run_id, "patient", "Retrying")
    until(lambda: not yard.in_container(run_id), "the container ended")
    assert yard.witness.run(run_id)["state"] == "Running"

    due = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    state = {**waiting.serialized_state, "start_time": due}
    yard.witness.act(
        "set_task_run_states", "states { id }", states=[{"task_run_id": waiting.id, "state": state}]
    )

    yard.witness.wait(run_id, "Success")
    assert yard.witness.task_run(run_id, "patient").history == [
        *("Running", "Failed", "Retrying", "Retrying"),
        *("Submitted", "Running", "Success"),
    ]


def test_a_cached_state_of_061_is_used_by_the_next_run(yard: Yard) -> None:
    """The two before ran side by side: one of them may have used the other's."""
    before = [yard.runs["0.6.1", agent, "well"] for agent in ("0.6.2", "1.4.1")]
    for run_id in before:
        yard.witness.wait(run_id, "Success")
    flow_id = yard.deployed["0.6.1"].flow_id
    second = yard.witness.start(flow_id, {"mode": "well"}, labels=_labels("1.4.1"))
    yard.agents["1.4.1"].wake()
    yard.witness.wait(second, "Success")
    assert any("really computed" in yard.witness.logs(run_id) for run_id in before)
    assert "really computed" not in yard.witness.logs(second)


def test_a_cancelled_run_ends_its_container(yard: Yard) -> None:
    run_id = yard.runs["1.4.1", "1.4.1", "sleep"]
    yard.witness.wait_for_task(run_id, "sleep", "Running")
    assert yard.in_container(run_id)
    yard.witness.act("cancel_flow_run", "state", flow_run_id=run_id)
    yard.witness.wait(run_id, "Cancelled")
    until(lambda: not yard.in_container(run_id), "the container ended")


def test_a_cancelled_run_of_061_ends_with_the_task_at_work(yard: Yard) -> None:
    """Its process knows nothing of cancelling: it is refused its next task."""
    flow_id = yard.deployed["0.6.1"].flow_id
    run_id = yard.witness.start(flow_id, {"mode": "steps"}, labels=_labels("1.4.1"))
    yard.agents["1.4.1"].wake()

    def steps() -> Counter[str]:
        return Counter(run.state for run in yard.witness.task_runs(run_id) if run.task == "step")

    until(lambda: steps()["Success"] >= 1, "a step", told=lambda: str(steps()))
    answer = yard.witness.act("cancel_flow_run", "state", flow_run_id=run_id)
    assert answer == {"state": "Cancelled"}
    until(lambda: not yard.in_container(run_id), "the container ended")
    assert yard.witness.history(run_id)[-2:] == ["Running", "Cancelled"]
    assert steps().keys() <= {"Success", "Cancelled"}
    assert steps()["Cancelled"] >= 1
