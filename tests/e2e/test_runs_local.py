"""Flows in Local storage, deployed by flowtui, run by real local agents on the embedded server."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.deployed import Deployed, deploy_flow
from tests.e2e.runs import Witness
from tests.parts.agents import RunningAgent, complaints, local_agent
from tests.parts.control_plane import embedded_server
from tests.parts.prefects import prefect_python
from tests.parts.processes import wait_until_ended
from tests.parts.waiting import until

pytestmark = pytest.mark.real

_MEANT = (
    "not at the first attempt",
    "come back later",
    "the price is negative",
    "NO_SUCH_KEY",
    'Parameter "mode" was required but not provided.',
)
"""Errors that the flow raises itself."""


@dataclass(frozen=True)
class Shop:
    """The flow, its agent, and a run for each thing that can happen: they run side by side."""

    deployed: Deployed
    agent: RunningAgent
    runs: dict[str, str]
    """Id of the run by the `mode` it was given."""

    @property
    def witness(self) -> Witness:
        return self.deployed.witness

    def start(self, **parameters: object) -> str:
        run_id = self.witness.start(self.deployed.flow_id, parameters)
        self.agent.wake()
        return run_id


@pytest.fixture(scope="module", params=["0.15.13", "1.4.1"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    version: str = request.param
    folder = tmp_path_factory.mktemp("shop")
    database = folder / "server.db"
    with embedded_server(database) as server:
        deployed = deploy_flow(
            folder,
            server,
            version,
            prefect_python(version),
            source="shop_1x.py",
            storage='type = "local"',
        )
        witness = deployed.witness
        witness.act("set_secret", "success", name="SHOP_KEY", value="hush")
        modes = ("well", "fail", "patient", "sleep", "keyless", "nothing")
        runs = {mode: witness.start(deployed.flow_id, {"mode": mode}) for mode in modes}
        _take_parameters_away(database, runs["nothing"])
        quick = ("PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL=1",)
        with local_agent(version, server.url, flow_environment=quick) as agent:
            yield Shop(deployed, agent, runs)
            assert complaints(agent.said(), expected=_MEANT) == []
        assert server.log.read_text() == ""


def _take_parameters_away(database: object, run_id: str) -> None:
    """What the API refuses: a run without its required parameter."""
    with sqlite3.connect(str(database)) as connection:
        changed = connection.execute(
            "UPDATE flow_run SET parameters = '{}' WHERE id = ?", (run_id.replace("-", ""),)
        )
        assert changed.rowcount == 1
    connection.close()


def _pids(shop: Shop, run_id: str) -> list[int]:
    """The processes of the run, as its agent told them in its log."""
    until(lambda: any("PID: " in line for line in shop.witness.logs(run_id)), "a process")
    return [int(pid) for pid in re.findall(r"PID: (\d+)", "\n".join(shop.witness.logs(run_id)))]


def test_a_run_goes_through_its_states_to_success(shop: Shop) -> None:
    run = shop.witness.wait(shop.runs["well"], "Success")
    assert run["state_message"] == "All reference tasks succeeded."
    assert [state["state"] for state in run["states"]] == [
        "Scheduled",
        "Submitted",
        "Running",
        "Success",
    ]
    (agent,) = shop.witness.ask("{agent {id name type core_version labels}}")["agent"]
    assert run["agent_id"] == agent["id"]
    assert (agent["type"], agent["core_version"]) == ("LocalAgent", shop.deployed.version)


def test_mapped_task_runs_are_there_with_their_names(shop: Shop) -> None:
    run_id = shop.runs["well"]
    shop.witness.wait(run_id, "Success")
    children = [run for run in shop.witness.task_runs(run_id) if run.task == "double"]
    assert [(run.map_index, run.state, run.name) for run in children] == [
        (-1, "Mapped", None),
        (0, "Success", "double of 0"),
        (1, "Success", "double of 1"),
        (2, "Success", "double of 2"),
    ]


def test_a_secret_of_the_server_reaches_a_task(shop: Shop) -> None:
    run_id = shop.runs["well"]
    shop.witness.wait(run_id, "Success")
    assert shop.witness.task_run(run_id, "SHOP_KEY").state == "Success"
    assert "total 6, a key of 4 letters" in shop.witness.logs(run_id)
    assert "hush" not in shop.agent.said()


def test_a_secret_that_is_not_there_fails_its_task_by_name(shop: Shop) -> None:
    run_id = shop.runs["keyless"]
    shop.witness.wait(run_id, "Failed")
    message = shop.witness.task_run(run_id, "NO_SUCH_KEY").message or ""
    assert "The secret NO_SUCH_KEY was not found" in message


def test_an_artifact_is_kept_with_its_task_run(shop: Shop) -> None:
    run_id = shop.runs["well"]
    shop.witness.wait(run_id, "Success")
    (artifact,) = shop.witness.ask("{task_run_artifact {kind data task_run_id}}")[
        "task_run_artifact"
    ]
    assert (artifact["kind"], artifact["data"]) == ("markdown", {"markdown": "# Total"})
    assert artifact["task_run_id"] == shop.witness.task_run(run_id, "total").id


def test_a_retry_in_the_same_process(shop: Shop) -> None:
    run_id = shop.runs["well"]
    shop.witness.wait(run_id, "Success")
    shaky = shop.witness.task_run(run_id, "shaky")
    assert shaky.history == ["Running", "Failed", "Retrying", "Running", "Success"]


def test_logs_are_complete_and_in_order(shop: Shop) -> None:
    run_id = shop.runs["well"]
    shop.witness.wait(run_id, "Success")
    logs = shop.witness.logs(run_id)
    assert len(_pids(shop, run_id)) == 1
    logs = [line for line in logs if "PID: " not in line]  # the agent's own, at its own time
    assert logs[0] == "Beginning Flow run for 'shop'"
    assert logs[-1] == "Flow run SUCCESS: all reference tasks succeeded"
    lines = [line for line in logs if line.endswith("of the numbers")]
    assert lines == [f"line {number:02} of the numbers" for number in range(40)]


def test_a_failing_task_fails_the_run_and_what_comes_after_it(shop: Shop) -> None:
    run_id = shop.runs["fail"]
    run = shop.witness.wait(run_id, "Failed")
    assert run["state_message"] == "Some reference tasks failed."
    price = shop.witness.task_run(run_id, "price")
    assert price.state == "Failed"
    assert "ValueError('the price is negative')" in (price.message or "")
    bill = shop.witness.task_run(run_id, "bill")
    assert (bill.state, bill.history) == ("TriggerFailed", ["TriggerFailed"])
    assert any("ValueError: the price is negative" in line for line in shop.witness.logs(run_id))


def test_a_missing_parameter_is_refused_by_its_name(shop: Shop) -> None:
    query = "mutation($input: create_flow_run_input!) {create_flow_run(input: $input) {id}}"
    given = {"flow_id": shop.deployed.flow_id, "parameters": {"count": 1}}
    (error,) = shop.witness.answer(query, input=given)["errors"]
    assert "mode" in error["message"]


def test_a_run_without_its_parameter_fails(shop: Shop) -> None:
    run_id = shop.runs["nothing"]
    shop.witness.wait(run_id, "Failed")
    assert '"mode" was required' in (shop.witness.task_run(run_id, "mode").message or "")


def test_a_cancelled_run_stops_its_process(shop: Shop) -> None:
    run_id = shop.runs["sleep"]
    shop.witness.wait_for_task(run_id, "sleep", "Running")
    answer = shop.witness.act("cancel_flow_run", "state", flow_run_id=run_id)
    assert answer == {"state": "Cancelling"}
    shop.witness.wait(run_id, "Cancelled")
    assert shop.witness.history(run_id)[-3:] == ["Running", "Cancelling", "Cancelled"]
    assert shop.witness.task_run(run_id, "sleep").state == "Cancelled"
    (pid,) = _pids(shop, run_id)
    wait_until_ended(pid)


def test_a_retry_that_outlives_its_process_goes_on_in_another(shop: Shop) -> None:
    """Due in 15 minutes, the process does not wait for it. The due time is moved to now."""
    run_id = shop.runs["patient"]
    waiting = shop.witness.wait_for_task(run_id, "patient", "Retrying")
    (first,) = _pids(shop, run_id)
    wait_until_ended(first)
    assert shop.witness.run(run_id)["state"] == "Running"

    due = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    state = {**waiting.serialized_state, "start_time": due}
    shop.witness.act(
        "set_task_run_states", "states { id }", states=[{"task_run_id": waiting.id, "state": state}]
    )
    shop.agent.wake()

    shop.witness.wait(run_id, "Success")
    assert len(set(_pids(shop, run_id))) == 2
    done = shop.witness.task_run(run_id, "patient")
    assert done.history == [
        *("Running", "Failed", "Retrying", "Retrying"),
        *("Submitted", "Running", "Success"),
    ]


def test_a_cached_state_is_used_by_the_next_run(shop: Shop) -> None:
    shop.witness.wait(shop.runs["well"], "Success")
    second = shop.start(mode="well", count=0)
    shop.witness.wait(second, "Success")
    assert "really computed" in shop.witness.logs(shop.runs["well"])
    assert "really computed" not in shop.witness.logs(second)
    assert shop.witness.task_run(second, "costly").state == "Cached"
