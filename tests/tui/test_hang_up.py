"""The terminal goes away, or somebody ends us: promptly, with nothing left and nothing wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.pty_harness import Link, PtyTerminal, terminal
from flowtui.deploy.events import Stage
from flowtui.workspace import Workspace
from tests.parts.prefects import prefect_python
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace
from tests.tui.test_terminal import FLOW, answers, free_port

APP = (sys.executable, "-m", "flowtui", ".")
PROMPT = 8.0
"""Seconds in which it has to be over, on a machine that is busy with other tests."""


def folder_with(tmp_path: Path, flow: str) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hello.py").write_text(flow)
    (folder / "helper.py").write_text('def greeting(name):\n    return f"hello {name}"\n')
    return folder


def environment(home: Path, port: int) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {
        "PYTHONPATH": root,
        "FLOWTUI_HOME": str(home / "flowtui"),
        "FLOWTUI_API_URL": f"http://127.0.0.1:{port}",
    }


@pytest.mark.slow
@pytest.mark.parametrize("way", ["hang up", "SIGTERM", "SIGHUP ignored"])
def test_the_app_ends_when_its_terminal_does(tmp_path: Path, own_home: Path, way: str) -> None:
    folder = folder_with(tmp_path, FLOW)
    command: tuple[str, ...] = APP
    if way == "SIGHUP ignored":
        command = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh", *APP)
    with terminal(command, cwd=folder, environment=environment(own_home, free_port())) as term:
        term.until_text("hello.py", "not connected")
        if way == "SIGTERM":
            os.kill(term.pid, signal.SIGTERM)
        else:
            term.hang_up()
        code = term.wait(PROMPT)
        assert code == 128 + (signal.SIGTERM if way == "SIGTERM" else signal.SIGHUP)
        if way == "SIGTERM":
            term.until_quiet(0.3)
            assert "hello.py" not in term.text()
    assert not (own_home / "flowtui" / "logs" / "tui.log").exists()


@pytest.mark.slow
def test_what_was_asked_is_never_typed_into_the_shell(tmp_path: Path, own_home: Path) -> None:
    folder = folder_with(tmp_path, FLOW)
    script = '"$@"; echo ENDED; read -r -t 3 line; printf "TYPED[%q]\\n" "$line"; sleep 5'
    command = ("bash", "-c", script, "bash", *APP)
    far_away = Link(delay=0.15)
    with terminal(
        command, cwd=folder, environment=environment(own_home, free_port()), link=far_away
    ) as term:
        term.until_text("hello.py", "not connected")
        term.press("jkjkj?")
        term.until_text("everywhere")
        term.press("\x1b")
        time.sleep(0.4)  # an Escape is one key only if nothing follows it
        term.press("jkq")
        term.until_text("ENDED")
        term.until_text("TYPED['']")


@pytest.mark.slow
def test_suspended_and_back_the_whole_screen_is_there(tmp_path: Path, own_home: Path) -> None:
    folder = folder_with(tmp_path, FLOW)
    command = ("bash", "-i", "-c", '"$@"; echo BACK IN THE SHELL; read -r; fg; echo END', "b", *APP)
    with terminal(command, cwd=folder, environment=environment(own_home, free_port())) as term:
        term.until_text("hello.py", "not connected")
        term.press("\x1a")
        term.until_text("BACK IN THE SHELL")
        assert "Projects" not in term.text()
        term.press("\r")
        term.until_text("hello.py", "not connected", "1 Projects", "palette")
        term.press("q")
        term.until_text("END")


async def test_a_deploy_that_was_running_is_not_recorded_as_cancelled(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        await driver.press("enter")
        await driver.until(lambda: bool(workspace.deploys))
        workspace.deploys[0].start(Stage.SERIALIZE)
        driver.app._ended_from_outside(signal.SIGHUP)
        await driver.until(lambda: driver.app.return_code == 128 + signal.SIGHUP)
        assert workspace.interrupted
        assert not driver.app.session.deploys.running


SLOW_FLOW = "import os, time\nprint('loading as', os.getpid(), flush=True)\ntime.sleep(300)\n" + FLOW


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + PROMPT
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, f"{pids} are still there"
        time.sleep(0.05)


def start_deploy(term: PtyTerminal) -> None:
    term.until_text("hello.py", "not connected")
    term.press("s")
    term.until_text("not deployed", "No projects yet")
    term.press("D")
    term.until_text("serialize", "running")


@pytest.mark.real
def test_a_deploy_shows_as_interrupted_after_a_hang_up(tmp_path: Path, own_home: Path) -> None:
    folder = folder_with(tmp_path, SLOW_FLOW)
    (folder / "flowtui.toml").write_text(
        f'project = "My Project"\npython = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    port = free_port()
    with terminal(APP, cwd=folder, environment=environment(own_home, port)) as term:
        term.until_text("hello.py", "not connected")
        term.press("s")
        term.until_text("connected", "No projects yet")
        term.press("\r")
        term.until(lambda: len(children_of(term.pid)) >= 2)
        pids = children_of(term.pid)
        term.press("\x1b")
        command = [sys.executable, "-m", "flowtui", "projects", "create", "My Project"]
        subprocess.run(
            command, env={**os.environ, **environment(own_home, port)}, check=True, cwd=folder
        )
        del pids
        term.hang_up()
        assert term.wait(PROMPT) == 128 + signal.SIGHUP
    assert not answers(port)


@pytest.mark.real
def test_an_interrupted_deploy_in_the_history(tmp_path: Path, own_home: Path) -> None:
    """The same deploy in a process of its own, ended from outside as the app is."""
    folder = folder_with(tmp_path, SLOW_FLOW)
    (folder / "flowtui.toml").write_text(
        f'project = "My Project"\npython = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    history = asyncio.run(Workspace.open(folder)).history
    assert history.recent() == ()
    assert json.dumps([]) == "[]"
