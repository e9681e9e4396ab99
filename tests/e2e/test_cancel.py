"""Ctrl-C in each stage: within a second, no container, nothing registered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowtui.errors import ExitCode
from tests.e2e.conftest import Project, Ran, store_in_docker
from tests.parts.engine import RunningEngine
from tests.parts.holding_proxy import holding_proxy
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_FLOW = "from prefect import Flow\nflow = Flow('plain')\n"
_SLOW_TO_UNPICKLE = """
from prefect import Flow, task
class Slow:
    def __reduce__(self):
        import time
        return (time.sleep, (600,))
slow = Slow()
@task
def use():
    return slow
with Flow("plain") as flow:
    use()
"""


@pytest.fixture
def docker(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> Project:
    store_in_docker(project, docker_engine, plain_registry, python_141, namespace="c")
    project.write("flow.py", _FLOW)
    return project


def _log_with(words: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "log" and words in event["text"]


def _started(stage: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "stage_started" and event["stage"] == stage


def _no_container_is_left(engine: RunningEngine, mark: str) -> None:
    """The engine removes the container of a build step once it sees the client gone."""
    deadline = time.monotonic() + 60
    while engine.containers(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine.containers(mark) == []


def _check(ran: Ran, project: Project, stage: str) -> None:
    assert ran.code == ExitCode.CANCELLED, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert (ran.result["outcome"], ran.stages[stage]) == ("cancelled", "cancelled")
    assert project.versions("plain") == []
    last = project.run("history", "--json").events
    assert last[0][0]["outcome"] == "cancelled"  # type: ignore[index]


def test_while_the_flow_is_loaded(docker: Project) -> None:
    docker.write("flow.py", f"import time\nprint('loading', flush=True)\ntime.sleep(600)\n{_FLOW}")
    _check(docker.interrupt_when(_log_with("loading"), "flow.py"), docker, "serialize")


def test_while_the_image_is_built(docker: Project, docker_engine: RunningEngine) -> None:
    ran = docker.interrupt_when(
        _log_with("Running in"),
        "flow.py",
        "--extra-dockerfile-command",
        "RUN sleep 61234",
        "--python-dependency",
        "prefect",
    )
    _check(ran, docker, "build")
    _no_container_is_left(docker_engine, "sleep 61234")


def test_while_the_flow_is_checked(docker: Project, docker_engine: RunningEngine) -> None:
    docker.write("flow.py", _SLOW_TO_UNPICKLE)
    ran = docker.interrupt_when(_started("health check"), "flow.py")
    _check(ran, docker, "health check")
    _no_container_is_left(docker_engine, ran.result["deploy"])


def test_while_the_image_is_pushed(
    docker: Project, docker_engine: RunningEngine, plain_registry: RunningRegistry
) -> None:
    port = int(plain_registry.host.rpartition(":")[2])
    with holding_proxy(port, b"/blobs/uploads/") as proxy:
        ran = docker.interrupt_when(
            _started("push"), "flow.py", "--registry-url", f"127.0.0.1:{proxy.port}/held"
        )
    _check(ran, docker, "push")
    _no_container_is_left(docker_engine, ran.result["deploy"])


def test_while_the_version_is_registered(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", _FLOW)
    address = project.api_url
    with holding_proxy(int(address.rpartition(":")[2]), b"serialized_flow") as proxy:
        project.api_url = f"http://127.0.0.1:{proxy.port}"
        ran = project.interrupt_when(_started("register"), "flow.py")
    project.api_url = address
    _check(ran, project, "register")
