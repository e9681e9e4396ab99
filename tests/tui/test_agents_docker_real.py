"""All by keys, on one machine: server, deploy, Docker agent, and a run in a container succeeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.engine import RunningEngine
from tests.parts.fixtures import (  # noqa: F401  (fixtures of these tests)
    docker_engine,
    plain_registry,
    running_docker,
)
from tests.parts.registry import RunningRegistry, free_port
from tests.parts.waiting import until
from tests.tui.terminal import terminal
from tests.tui.test_terminal import short, start_embedded_server  # noqa: F401  (fixture)
from tests.tui.test_terminal_docker import APP, FLOW, configure

pytestmark = pytest.mark.real


def test_a_run_in_a_container_reaches_the_server_that_the_app_started(
    tmp_path: Path,
    short: Path,  # noqa: F811
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> None:
    port = free_port()
    root = tmp_path / "project"
    root.mkdir()
    project = Project(root, f"http://127.0.0.1:{port}")
    project.write("flow.py", FLOW)
    project.write("helpers/__init__.py", "")
    project.write("helpers/words.py", "def greeting():\n    return 'hello'\n")
    configure(project, docker_engine, f"{plain_registry.host}/agents")
    variables = {"FLOWTUI_API_URL": project.api_url, **project.environment}
    with terminal(APP, folder=short, cwd=root, environment=variables, size=(120, 40)) as screen:
        start_embedded_server(screen)
        screen.keys("5")
        screen.wait("reach it at", f":{port}, with", "its token")
        screen.keys("Escape")
        screen.wait_gone("Profiles")
        screen.keys("Enter")
        screen.wait("docker image", "Enter creates it and deploys")
        screen.keys("Enter")
        screen.wait("version 1 is registered in My Project")
        screen.keys("Escape")
        screen.wait("✓ up to date")
        witness = Witness(project.api_url)
        run_id = witness.start(witness.flow_id("greeter", "1.4.1"), {})

        screen.keys("8")
        screen.wait("Runs that wait (1)", "--type docker")
        screen.keys("n")
        shown = screen.wait("Prefect 1.4.1", "containers http://")
        assert f":{port}" in shown and "containers http://127." not in shown
        for _ in range(3):
            screen.keys("Enter")
        screen.wait("running, process")
        until(
            lambda: witness.run(run_id)["state"] == "Success",
            "the run's success",
            told=screen.screen,
        )
        screen.keys("q")
        screen.wait("EXIT CODE 0")
