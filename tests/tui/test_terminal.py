"""The real binary in a real terminal at 80x24, the real embedded server, real deploys."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.prefects import prefect_python
from tests.tui.terminal import Terminal, short_folder, terminal

pytestmark = pytest.mark.real

FLOW = """\
from prefect import Flow, Parameter, task

from helper import greeting


@task
def greet(name):
    print(greeting(name))


with Flow("hello") as flow:
    greet(Parameter("name", default="world"))
"""
APP = (sys.executable, "-m", "flowtui", ".")


@pytest.fixture
def short() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one good and one broken flow, deployed to Local storage."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hello.py").write_text(FLOW)
    (folder / "helper.py").write_text('def greeting(name):\n    return f"hello {name}"\n')
    (folder / "typo.py").write_text('from prefect import Flow\n\nwith Flow("typo" as flow:\n')
    (folder / "flowtui.toml").write_text(
        f'project = "My Project"\npython = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_embedded_server(screen: Terminal) -> None:
    screen.wait("not connected", "unknown")
    screen.keys("s")
    screen.wait("connected", "not deployed", "No projects yet")


def test_from_no_server_at_all_to_a_deployed_flow(project: Path, short: Path) -> None:
    port = free_port()
    environment = {"FLOWTUI_API_URL": f"http://127.0.0.1:{port}"}
    with terminal(APP, folder=short, cwd=project, environment=environment) as screen:
        start_embedded_server(screen)
        shown = screen.wait("hello.py:11", "broken", "typo.py:3")
        assert "○ not deployed  hello" in shown

        screen.keys("1", "n")
        screen.wait("New project")
        screen.type("My Project")
        screen.keys("Enter")
        screen.wait("My Project 0")

        screen.keys("2", "Enter")
        screen.wait("local storage", "nothing is done until you press Enter", "My Project")
        screen.keys("Enter")
        screen.wait("version 1 is registered", "5 register")
        screen.keys("1")
        screen.wait("Log: serialize")
        screen.keys("Escape")
        screen.wait("✓ up to date", "My Project 1", "v1")

        screen.keys("Enter")
        screen.wait("nothing to do")
        screen.keys("Escape")
        helper = project / "helper.py"
        helper.write_text(helper.read_text().replace("hello", "good day"))
        screen.wait("◆ changed")
        screen.keys("Enter")
        screen.wait("nothing is done until you press Enter", "local storage")
        screen.keys("Enter")
        screen.wait("version 2 is registered")
        screen.keys("Escape")
        screen.wait("✓ up to date", "v2")

        assert answers(port)
        screen.keys("q")
        screen.wait("EXIT CODE 0")
        assert not answers(port)


def test_a_flow_that_fails_says_why_and_what_to_do(project: Path, short: Path) -> None:
    (project / "hello.py").write_text(FLOW.replace("from helper", "import nowhere\nfrom helper"))
    environment = {"FLOWTUI_API_URL": f"http://127.0.0.1:{free_port()}"}
    with terminal(APP, folder=short, cwd=project, environment=environment) as screen:
        start_embedded_server(screen)
        screen.keys("Enter")
        screen.wait("no plan could be made", "nowhere", "next")
        screen.keys("Escape")
        screen.wait("[Info]")
        (project / "hello.py").write_text(FLOW)
        screen.keys("Enter")
        screen.wait("nothing is done until you press Enter")
        screen.keys("q")
        screen.wait("EXIT CODE 0")


def test_the_server_ends_with_the_app_also_when_it_is_killed(project: Path, short: Path) -> None:
    port = free_port()
    environment = {"FLOWTUI_API_URL": f"http://127.0.0.1:{port}"}
    with terminal(APP, folder=short, cwd=project, environment=environment) as screen:
        start_embedded_server(screen)
        shell = int(screen.tmux("display-message", "-p", "-t", "app", "#{pane_pid}"))
        app = int(
            Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii").split()[0]
        )
        server = next(
            int(child)
            for task in Path(f"/proc/{app}/task").iterdir()
            for child in (task / "children").read_text(encoding="ascii").split()
            if b"server" in Path(f"/proc/{child}/cmdline").read_bytes()
        )
        os.kill(app, signal.SIGKILL)
        screen.wait("EXIT CODE 137")
        wait_until_gone(server)
        assert not answers(port)


def wait_until_gone(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ready, _, _ = select.select([descriptor], [], [], 30)
        assert ready, f"process {pid} is still there"
    finally:
        os.close(descriptor)


def test_hostile_names_reach_neither_clipboard_nor_title(project: Path, short: Path) -> None:
    attack = "\\x1b]52;c;aGVsbG8=\\x1b\\\\\\x1b]0;owned\\x07"
    (project / "hello.py").write_text(f'from prefect import Flow\n\nflow = Flow("pwn{attack}ed")\n')
    environment = {"FLOWTUI_API_URL": f"http://127.0.0.1:{free_port()}"}
    with terminal(APP, folder=short, cwd=project, environment=environment) as screen:
        screen.tmux("set", "-g", "set-clipboard", "on")
        screen.wait("not connected", "pwned")
        screen.keys("Down", "Up", "3", "2")
        screen.wait("hello.py:3")
        assert screen.tmux("list-buffers") == ""
        assert "owned" not in screen.tmux("display-message", "-p", "#{pane_title}")
        screen.keys("q")
        screen.wait("EXIT CODE 0")
