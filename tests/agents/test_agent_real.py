"""`flowtui agent start` with real agents: started, stopped, killed; nothing stays behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.test_managed_real import environments_are_made_once  # noqa: F401  (a fixture)
from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.own_agents import Command, flowtui_command, own_agent
from tests.parts.prefects import prefect_python
from tests.parts.processes import wait_until_ended

pytestmark = pytest.mark.real

TOKEN = "the-token-of-this-server"

_FLOW = """
import os, time
from prefect import Flow, task

@task
def wait():
    print("the flow runs", flush=True)
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.05)
        print("it waits", flush=True)

with Flow("patient") as flow:
    wait()
"""


@pytest.fixture(scope="module")
def closed() -> Iterator[RunningServer]:
    with embedded_server(token=TOKEN) as server:
        yield server


def project_of(version: str, folder: Path, url: str) -> Project:
    root = folder / "project"
    root.mkdir()
    project = Project(root, url)
    project.configure(prefect_python(version), 'type = "local"')
    return project


def started(agent: Command) -> dict[str, Any]:
    return next(event for event in agent.told if event["event"] == "agent_started")


@pytest.mark.parametrize("version", ["0.6.1", "0.15.13", "1.4.1"])
def test_an_agent_of_a_server_with_a_token(
    version: str, closed: RunningServer, tmp_path: Path, own_home: Path
) -> None:
    """0.6.1: one of 0.9.8, which asks first whether its token may run flows."""
    project = project_of(version, tmp_path, closed.url)
    with own_agent(
        project.root,
        closed.url,
        *("--type", "local", "--name", "ours", "--log-level", "DEBUG"),
        environment={"FLOWTUI_API_KEY": TOKEN},
    ) as agent:
        pid = started(agent)["pid"]
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert TOKEN.encode() not in words
        assert agent.stop() == 0
    wait_until_ended(pid)
    assert [event["event"] for event in agent.told].count("agent_started") == 1
    (log,) = (own_home / "flowtui" / "data" / "logs" / "agents").glob("*.log")
    assert "Waiting for flow runs" in log.read_text()
    assert TOKEN not in log.read_text() + str(agent.told)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_manager_and_a_closed_terminal_stop_it(
    number: signal.Signals, closed: RunningServer, tmp_path: Path
) -> None:
    project = project_of("1.4.1", tmp_path, closed.url)
    environment = {"FLOWTUI_API_KEY": TOKEN}
    with own_agent(project.root, closed.url, "--type", "local", environment=environment) as agent:
        pid = started(agent)["pid"]
        assert agent.stop(number) == 0
    wait_until_ended(pid)


def test_flow_runs_go_on_when_flowtui_is_killed_and_the_agent_does_not(tmp_path: Path) -> None:
    """Even what they write still has a place to go to."""
    gate = tmp_path / "gate"
    with embedded_server(tmp_path / "server.db") as server:
        project = project_of("1.4.1", tmp_path, server.url)
        project.write("patient.py", _FLOW)
        assert project.deploy("patient.py", "--create-project").code == 0
        witness = Witness(server.url)
        options = ("--type", "local", "--show-flow-logs", "--env", f"GATE={gate}")
        with own_agent(project.root, server.url, *options) as agent:
            run = witness.start(witness.flow_id("patient", "1.4.1"), {})
            witness.wait_for_task(run, "wait", "Running")
            pid = started(agent)["pid"]
            agent.process.kill()
            agent.process.wait()
            wait_until_ended(pid)
        gate.touch()
        assert witness.wait(run)["state"] == "Success", witness.logs(run)


def test_flow_runs_go_on_when_the_agent_is_stopped(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with embedded_server(tmp_path / "server.db") as server:
        project = project_of("0.15.13", tmp_path, server.url)
        project.write("patient.py", _FLOW)
        assert project.deploy("patient.py", "--create-project").code == 0
        witness = Witness(server.url)
        options = ("--type", "local", "--show-flow-logs", "--env", f"GATE={gate}")
        with own_agent(project.root, server.url, *options) as agent:
            run = witness.start(witness.flow_id("patient", "0.15.13"), {})
            witness.wait_for_task(run, "wait", "Running")
            agent.process.send_signal(signal.SIGINT)
            assert agent.until("agent_stopped")["flow_runs_left"] == 1
            assert agent.process.wait(60) == 0
        gate.touch()
        assert witness.wait(run)["state"] == "Success", witness.logs(run)


def test_two_flowtuis_have_an_agent_each(closed: RunningServer, tmp_path: Path) -> None:
    project = project_of("1.4.1", tmp_path, closed.url)
    environment = {"FLOWTUI_API_KEY": TOKEN}
    first = own_agent(
        project.root, closed.url, "--type", "local", "--name", "1", environment=environment
    )
    second = own_agent(
        project.root, closed.url, "--type", "local", "--name", "2", environment=environment
    )
    with first as one, second as two:
        assert one.stop() == 0
        os.kill(started(two)["pid"], 0)
        assert two.stop() == 0


def test_a_control_plane_that_is_not_there(tmp_path: Path) -> None:
    project = project_of("1.4.1", tmp_path, "http://127.0.0.1:1")
    arguments = ("agent", "start", "--type", "local", "--api-url", "http://127.0.0.1:1")
    with flowtui_command(*arguments, folder=project.root) as agent:
        assert agent.process.wait(120) == 4
