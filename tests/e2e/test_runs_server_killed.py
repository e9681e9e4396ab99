"""A server that is killed in the middle of a run comes back, and the run finishes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployed import deploy_flow
from tests.e2e.runs import Witness
from tests.parts.agents import complaints, local_agent
from tests.parts.control_plane import RunningServer, start_server, stop_server
from tests.parts.prefects import prefect_python
from tests.parts.waiting import until

pytestmark = pytest.mark.real

_STEPS = 40
_KILLED_AFTER = (5, 15, 25)
"""Finished steps."""
_CONNECTION = ("ConnectionError", "Connection aborted", "Connection refused", "RetryError")


class KilledServer:
    """A server on one port and one database, that can be killed and started again."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.running = start_server(database)

    def kill_and_start_again(self) -> None:
        port = self.running.port
        self.running.kill()
        self.stop()
        self.running = start_server(self._database, port=port)

    def stop(self) -> None:
        said = self.running.log.read_text()
        stop_server(self.running)
        assert said == ""


def _told(witness: Witness) -> dict[str, int]:
    """Everything that the server has answered for: id of each row to its version or 0."""
    query = """{ flow_run {id version} task_run {id version} flow_run_state {id}
        task_run_state {id} log {id} }"""
    rows: dict[str, list[dict[str, Any]]] = witness.ask(query)
    return {row["id"]: row.get("version", 0) for table in rows.values() for row in table}


@pytest.fixture
def killed_server(tmp_path: Path) -> Any:
    server = KilledServer(tmp_path / "server.db")
    yield server
    server.stop()


def test_a_run_of_141_goes_on_where_it_was(tmp_path: Path, killed_server: KilledServer) -> None:
    """Its agent and its flow process try again until the server is back."""
    first: RunningServer = killed_server.running
    deployed = deploy_flow(
        tmp_path / "shop",
        first,
        "1.4.1",
        prefect_python("1.4.1"),
        source="shop_1x.py",
        storage='type = "local"',
    )
    witness = deployed.witness
    parameters = {"mode": "steps", "count": _STEPS}
    run_id = witness.start(deployed.flow_id, parameters)
    late: list[str] = []
    with local_agent("1.4.1", first.url) as agent:
        for wanted in _KILLED_AFTER:
            until(lambda wanted=wanted: _finished(witness, run_id) >= wanted, f"{wanted} steps")
            late.append(
                witness.start(deployed.flow_id, {**parameters, "count": 1}, labels=["nobody"])
            )
            answered = _told(witness)
            killed_server.kill_and_start_again()
            assert killed_server.running.url == first.url
            found = _told(witness)
            assert [row for row in answered if found.get(row, -1) < answered[row]] == []
        witness.wait(run_id, "Success")
        for each in late:
            witness.act("set_flow_run_labels", flow_run_id=each, labels=[socket.gethostname()])
        agent.wake()
        for each in late:
            witness.wait(each, "Success")
        assert complaints(agent.said(), expected=_CONNECTION) == []
    steps = [run for run in witness.task_runs(run_id) if run.task == "step" and run.map_index >= 0]
    assert [step.map_index for step in steps] == list(range(_STEPS))
    assert {step.state for step in steps} == {"Success"}
    assert witness.history(run_id) == ["Scheduled", "Submitted", "Running", "Success"]


def _finished(witness: Witness, run_id: str) -> int:
    query = """query($id: uuid!) {task_run(where: {flow_run_id: {_eq: $id}, map_index: {_gte: 0},
        state: {_eq: "Success"}}) {id}}"""
    return len(witness.ask(query, id=run_id)["task_run"])
