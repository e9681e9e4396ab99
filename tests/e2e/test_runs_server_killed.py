"""A server that is killed in the middle of a run comes back, and the run finishes."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployed import deploy_flow
from tests.e2e.runs import Witness
from tests.parts.agents import complaints, docker_agent, local_agent
from tests.parts.base_images import prefect_image
from tests.parts.control_plane import RunningServer, start_server, stop_server
from tests.parts.engine import RunningEngine
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry
from tests.parts.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long(3)]

_TOKEN = "the-token-of-these-containers"
_STEPS = 30
_NOTES = ("No heartbeat detected", "Rescheduled by a Lazarus process")
"""What the server says in the log of a run whose process is gone."""
_KILLED_AFTER = (4, 10, 18)
"""Finished steps."""
_CONNECTION = ("ConnectionError", "Connection aborted", "Connection refused", "RetryError")


class KilledServer:
    """A server on one port and one database, that can be killed and started again."""

    def __init__(self, database: Path, **settings: Any) -> None:
        self._database = database
        self._settings = settings
        self.running = start_server(database, **settings)

    def kill(self) -> None:
        self.running.kill()

    def start_again(self) -> None:
        port = self.running.port
        self.stop()
        self.running = start_server(self._database, port=port, **self._settings)

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
            until(
                lambda wanted=wanted: _steps(witness, run_id)["Success"] >= wanted,
                f"{wanted} steps",
            )
            late.append(
                witness.start(deployed.flow_id, {**parameters, "count": 1}, labels=["nobody"])
            )
            answered = _told(witness)
            killed_server.kill()
            killed_server.start_again()
            assert killed_server.running.url == first.url
            found = _told(witness)
            assert [row for row in answered if found.get(row, -1) < answered[row]] == []
        witness.wait(run_id, "Success")
        for each in late:
            witness.act(
                "set_flow_run_labels",
                "success",
                flow_run_id=each,
                labels=[socket.gethostname()],
            )
        agent.wake()
        for each in late:
            witness.wait(each, "Success")
        assert complaints(agent.said(), expected=_CONNECTION) == []
    steps = [run for run in witness.task_runs(run_id) if run.task == "step" and run.map_index >= 0]
    assert [step.map_index for step in steps] == list(range(_STEPS))
    assert {step.state for step in steps} == {"Success"}
    assert witness.history(run_id) == ["Scheduled", "Submitted", "Running", "Success"]


def _steps(witness: Witness, run_id: str) -> Counter[str]:
    """How many steps are in which state."""
    return Counter(run.state for run in witness.task_runs(run_id) if run.task == "step")


def test_runs_of_older_prefects_are_handed_out_again(
    tmp_path: Path, docker_engine: RunningEngine, plain_registry: RunningRegistry
) -> None:
    """Up to 0.15 a process gives up at the first answer that does not come. Its run is known to be
    silent after a while (10 minutes, if not in a test) and goes on in another process."""
    server = KilledServer(
        tmp_path / "server.db", token=_TOKEN, host=docker_engine.gateway(), silent_after=20
    )
    with ExitStack() as stack:
        stack.callback(server.stop)
        url = server.running.url
        stack.callback(docker_engine.remove_with_variable, url)
        environment = {"DOCKER_HOST": docker_engine.url, "FLOWTUI_ALLOW_PLAINTEXT_TOKEN": "1"}
        old, new = (
            deploy_flow(
                tmp_path / version,
                server.running,
                version,
                prefect_python(version),
                source=source,
                storage=storage,
                token=_TOKEN,
                environment=environment,
            )
            for version, source, storage in (
                ("0.6.1", "shop_061.py", _docker_storage(docker_engine, plain_registry)),
                ("0.15.13", "shop_1x.py", 'type = "local"'),
            )
        )
        witness = old.witness
        witness.act("set_secret", "success", name="SHOP_KEY", value="hush")
        agent = stack.enter_context(local_agent("0.15.13", url, token=_TOKEN, labels=["new"]))

        in_process = witness.start(new.flow_id, {"mode": "steps", "count": 20}, labels=["new"])
        agent.wake()
        until(lambda: _steps(witness, in_process)["Success"] >= 3, "3 steps")
        server.kill()
        agent.wait_until_it_said("Connection refused")
        server.start_again()
        assert witness.run(in_process)["state"] == "Running"

        in_container = witness.start(old.flow_id, {"mode": "steps"})
        stack.enter_context(docker_agent("0.6.2", url, docker_engine, token=_TOKEN))
        until(lambda: _steps(witness, in_container)["Success"] >= 2, "2 steps")
        server.kill()
        until(lambda: not docker_engine.with_variable(in_container, running=True), "its end")
        server.start_again()
        assert witness.run(in_container)["state"] == "Running"

        for run_id, steps in ((in_process, 20), (in_container, 10)):
            witness.wait(run_id, "Success")
            assert _steps(witness, run_id)["Success"] == steps
            assert any(line.startswith(_NOTES) for line in witness.logs(run_id))


def _docker_storage(engine: RunningEngine, registry: RunningRegistry) -> str:
    base = prefect_image(engine, "0.6.1")
    return f'base_image = "{base}"\nregistry_url = "{registry.host}/killed"'
