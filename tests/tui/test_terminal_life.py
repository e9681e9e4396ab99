"""The terminal goes away, or somebody ends us: promptly, with nothing left and nothing wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.pty_harness import Link, terminal
from flowtui.deploy.events import Stage
from tests.parts.prefects import prefect_python
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace
from tests.tui.test_terminal import FLOW, answers, free_port

APP = (sys.executable, "-m", "flowtui", ".")
PROMPT = 60.0
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
            assert not term.screen.cursor.hidden
            assert not any(term.has_mode(mode) for mode in (1000, 1003, 1006, 1004, 2004))
    assert not (own_home / "flowtui" / "logs" / "tui.log").exists()


@pytest.mark.slow
def test_after_a_crash_the_terminal_is_as_it_was(tmp_path: Path, own_home: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from flowtui.tui import app; "
        "app.FlowtuiApp.perform_theme = lambda self: 1 / 0; sys.exit(app.run(Path()))"
    )
    folder = folder_with(tmp_path, FLOW)
    variables = environment(own_home, free_port())
    with terminal((sys.executable, "-c", script), cwd=folder, environment=variables) as term:
        term.until_text("hello.py", "not connected")
        assert term.has_mode(1000) and term.screen.cursor.hidden
        term.press("t")
        assert term.wait(PROMPT) == 1
        term.until_quiet(0.3)
        assert "flowtui crashed: ZeroDivisionError" in term.text()
        assert "1 Projects" not in term.text()
        assert not term.screen.cursor.hidden
        assert not any(term.has_mode(mode) for mode in (1000, 1003, 1006, 1004, 2004))


@pytest.mark.slow
def test_a_storm_of_resizes_ends_in_a_whole_screen(tmp_path: Path, own_home: Path) -> None:
    folder = folder_with(tmp_path, FLOW)
    with terminal(APP, cwd=folder, environment=environment(own_home, free_port())) as term:
        term.until_text("hello.py", "not connected")
        for number in range(40):
            term.resize(60 + number * 13 % 90, 20 + number * 7 % 25)
        term.resize(100, 30)
        term.until(lambda: term.row(29).rstrip().endswith("palette"))
        term.until(lambda: term.row(1).startswith("╭─ 1 Projects"))
        assert term.row(0).startswith(" flowtui") and "hello.py" in term.text()
        assert term.row(1).rstrip().endswith("╮")
        term.press("q")
        assert term.wait(PROMPT) == 0


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
        term.until_text("─ Keys")
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


def processes_below(pid: int) -> dict[int, str]:
    """The command lines of its children, theirs too."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found[child] = Path(f"/proc/{child}/cmdline").read_bytes().decode().replace("\0", " ")
            found |= processes_below(child)
    return found


def until_gone(pids: dict[int, str]) -> None:
    deadline = time.monotonic() + PROMPT
    while left := [name for pid, name in pids.items() if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


@pytest.mark.real
def test_a_deploy_shows_as_interrupted_after_a_hang_up(tmp_path: Path, own_home: Path) -> None:
    slow = tmp_path / "slow"
    waits = f"import os, time\nif os.path.exists({str(slow)!r}):\n    time.sleep(300)\n"
    folder = folder_with(tmp_path, waits + FLOW)
    (folder / "flowtui.toml").write_text(
        f'project = "My Project"\npython = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    port = free_port()
    variables = environment(own_home, port)
    with terminal(APP, cwd=folder, environment=variables) as term:
        term.until_text("hello.py", "not connected")
        term.press("s")
        term.until_text("not deployed", "No projects yet")
        term.press("1n")
        term.until_text("New project")
        term.press("My Project\r")
        term.until_text("My Project 0")
        term.press("2\r")
        term.until_text("nothing is done until you press Enter", "local storage")
        slow.touch()
        term.press("\r")
        term.until(lambda: "worker/__main__.py" in " ".join(processes_below(term.pid).values()))
        below = processes_below(term.pid)
        assert any(" server " in command for command in below.values())
        term.hang_up()
        assert term.wait(PROMPT) == 128 + signal.SIGHUP
        until_gone(below)
    assert not answers(port)
    answer = subprocess.run(
        [sys.executable, "-m", "flowtui", "history", "--json"],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        check=True,
    )
    (deploy,) = json.loads(answer.stdout)
    assert (deploy["flow"], deploy["outcome"]) == ("hello", "interrupted")
