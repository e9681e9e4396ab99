"""A hot flow in the real binary: saves become versions, a broken one does not. Local storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal, terminal
from tests.tui.test_terminal import (  # noqa: F401  (fixtures of these tests)
    APP,
    free_port,
    project,
    short,
    start_embedded_server,
)

pytestmark = pytest.mark.real


def flowtui(project: Path, address: str, *arguments: str) -> str:  # noqa: F811
    done = subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        cwd=project,
        env={**os.environ, "FLOWTUI_API_URL": address},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def create_project(screen: Terminal) -> None:
    screen.keys("1", "n")
    screen.wait("New project")
    screen.type("My Project")
    screen.keys("Enter")
    screen.wait("My Project 0")
    screen.keys("2")


def test_saves_of_a_hot_flow_become_versions_and_a_broken_one_does_not(
    project: Path,  # noqa: F811
    short: Path,  # noqa: F811
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    helper = project / "helper.py"
    good = helper.read_text()
    with terminal(
        APP, folder=short, cwd=project, environment={"FLOWTUI_API_URL": address}
    ) as screen:
        start_embedded_server(screen)
        create_project(screen)
        screen.wait("hello.py:11")
        screen.keys("D")
        screen.wait("version 1 is registered")
        screen.keys("Escape")
        screen.wait("✓ up to date", "v1")

        screen.keys("h")
        screen.wait("hello ↯", "every save of it is deployed")
        helper.write_text(good.replace("hello", "good day"))
        screen.wait("helper.py", "✓ version 2 in", "v2")

        helper.write_text("def greeting(name\n")
        screen.wait("version 2 stays: helper.py:1 does not parse")

        helper.write_text(good.replace("hello", "good night"))
        screen.wait("✓ version 3 in", "v3")

        screen.keys("4")
        screen.wait("↯ hello", "v3", "v2")
        screen.keys("Escape")
        listed = json.loads(flowtui(project, address, "versions", "list", "hello", "--json"))
        assert [version["version"] for version in listed] == [3]
        (stored,) = listed
        folder = Path(stored["storage"]["flows"]["hello"]).parent
        assert "good night" in (folder / "src" / "helper.py").read_text()

        screen.keys("h")
        screen.wait_gone("↯")
        helper.write_text(good)
        screen.wait("◆ changed")
        screen.keys("q")
        screen.wait("EXIT CODE 0")
    outcomes = [
        line["outcome"] for line in json.loads(flowtui(project, address, "history", "--json"))
    ]
    assert outcomes == ["done", "done", "done"]
