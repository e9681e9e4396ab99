"""A real agent started in the real binary: it takes a run, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.runs import Witness
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.processes import wait_until_ended, with_variable
from tests.parts.waiting import until
from tests.tui.terminal import Terminal, terminal
from tests.tui.test_terminal import (  # noqa: F401  (fixtures of these tests)
    APP,
    project,
    short,
    start_embedded_server,
)

pytestmark = pytest.mark.real

_MARK = "FLOWTUI_TEST_OF_AGENTS"
"""A variable that the app hands on to all that it starts."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with embedded_server(tmp_path / "server.sqlite") as running:
        yield running


def environment(project: Path, server: RunningServer) -> dict[str, str]:  # noqa: F811
    return {"FLOWTUI_API_URL": server.url, _MARK: str(project)}


def flowtui(project: Path, server: RunningServer, *arguments: str) -> None:  # noqa: F811
    subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        cwd=project,
        env={**os.environ, "FLOWTUI_API_URL": server.url},
        check=True,
        timeout=300,
    )


def deploy(project: Path, server: RunningServer) -> None:  # noqa: F811
    flowtui(project, server, "projects", "create", "My Project")
    flowtui(project, server, "deploy", "hello.py")


def agents_of(project: Path) -> list[int]:  # noqa: F811
    """Processes of agents that the app started."""
    return [pid for pid in with_variable(_MARK, str(project)) if b"agent" in words_of(pid)]


def start_agent(screen: Terminal, *keys: str) -> None:
    screen.keys("n", *keys)
    screen.wait("Start an agent", "Prefect 1.4.1")
    for key in ("Enter", "Enter", "Enter"):
        screen.keys(key)
    screen.wait_gone("Start an agent")
    screen.wait("running, process", "ends with flowtui")


def test_an_agent_takes_the_run_that_waits_and_is_not_left_behind(
    project: Path,  # noqa: F811
    short: Path,  # noqa: F811
    server: RunningServer,
) -> None:
    deploy(project, server)
    witness = Witness(server.url)
    run_id = witness.start(witness.flow_id("hello", "1.4.1"), {})
    with terminal(
        APP, folder=short, cwd=project, environment=environment(project, server), size=(120, 36)
    ) as screen:
        screen.wait("● connected", "hello.py:11")
        screen.keys("8")
        screen.wait("No agent: 1 run waits", "Runs that wait (1)")
        start_agent(screen)
        screen.wait("Started here", "s ago")
        until(lambda: witness.run(run_id)["state"] == "Success", "the run's success")
        screen.wait_gone("Runs that wait")

        screen.keys("Enter")
        screen.wait("Log: agent", "Deploying flow run")
        screen.keys("Escape")
        screen.wait("Started here")
        (first,) = agents_of(project)
        screen.keys("C-x")
        screen.wait("– ", "stopped")
        wait_until_ended(first)

        screen.keys("R")
        screen.wait("running, process", "ends with flowtui")
        (second,) = agents_of(project)
        screen.keys("q")
        screen.wait("EXIT CODE 0")
        wait_until_ended(second)
        assert pythons_of(project) == []


def test_killed_with_the_app_and_ended_with_its_terminal(
    project: Path,  # noqa: F811
    short: Path,  # noqa: F811
    server: RunningServer,
) -> None:
    deploy(project, server)
    with terminal(
        APP, folder=short, cwd=project, environment=environment(project, server), size=(120, 36)
    ) as screen:
        screen.wait("● connected", "hello.py:11")
        screen.keys("8")
        screen.wait("No agent: runs that are started wait")
        start_agent(screen)
        (agent,) = agents_of(project)
        (app,) = (pid for pid in with_variable(_MARK, str(project)) if is_app(pid))
        os.kill(app, signal.SIGKILL)
        screen.wait("EXIT CODE 137")
        wait_until_ended(agent)


def test_ends_when_the_terminal_is_gone(
    project: Path,  # noqa: F811
    short: Path,  # noqa: F811
    server: RunningServer,
) -> None:
    deploy(project, server)
    with terminal(
        APP, folder=short, cwd=project, environment=environment(project, server), size=(120, 36)
    ) as screen:
        screen.wait("● connected", "hello.py:11")
        screen.keys("8")
        screen.wait("No agent: runs that are started wait")
        start_agent(screen)
        (agent,) = agents_of(project)
    wait_until_ended(agent)


def words_of(pid: int) -> list[bytes]:
    """Of its command line; none of a process that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


def pythons_of(project: Path) -> list[int]:  # noqa: F811
    """The app and all that it started; the shell that it runs in is none of them."""
    started = with_variable(_MARK, str(project))
    return [pid for pid in started if b"python" in words_of(pid)[0]]


def is_app(pid: int) -> bool:
    """Whether this is the app itself."""
    return words_of(pid)[1:4] == [b"-m", b"flowtui", b"."]
