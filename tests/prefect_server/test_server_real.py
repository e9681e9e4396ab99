"""`flowtui server --prefect3` as a person starts it, with a real Prefect 3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flowtui.config import load_user
from tests.parts.own_agents import Command, flowtui_command
from tests.parts.prefects import prefect_python
from tests.parts.processes import of_session, wait_until_ended

pytestmark = pytest.mark.real
_ARGUMENTS = ("server", "--prefect3", "--port", "0")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "flowtui.toml").write_text(f'python = "{prefect_python("3.9.1")}"\n')
    return tmp_path


def pid_of(command: Command) -> int:
    return next(each["pid"] for each in reversed(command.told) if each["event"] == "server_started")


def test_it_serves_is_started_again_when_it_dies_and_leaves_nothing(project: Path) -> None:
    with flowtui_command(*_ARGUMENTS, folder=project) as command:
        ready = command.until("ready")
        assert httpx.get(f"{ready['url']}/admin/version").json() == "3.9.1"
        user = load_user()
        assert user.active == "prefect3"
        assert user.profiles["prefect3"].api_url == ready["url"]
        assert (Path(ready["folder"]) / "prefect.db").exists()

        again = subprocess.run(
            [sys.executable, "-m", "flowtui", *_ARGUMENTS, "--json"],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert again.returncode == 1
        assert "running already" in json.loads(again.stdout)["what"]

        first = of_session(pid_of(command))
        os.kill(pid_of(command), signal.SIGKILL)
        assert "SIGKILL" in command.until("server_died")["reason"]
        assert command.until("ready")["url"] == ready["url"]
        second = of_session(pid_of(command))
        assert second and not set(first) & set(second)
        assert command.stop() == 0
        assert "ready" not in command.said_at_the_end()
    for pid in (*first, *second):
        wait_until_ended(pid)


def test_it_ends_when_flowtui_is_killed(project: Path) -> None:
    with flowtui_command(*_ARGUMENTS, folder=project) as command:
        command.until("ready")
        left = of_session(pid_of(command))
        assert left
        command.process.kill()
        for pid in left:
            wait_until_ended(pid)


def test_prefect_1_has_no_such_server(project: Path) -> None:
    (project / "flowtui.toml").write_text(f'python = "{prefect_python("1.4.1")}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "flowtui", *_ARGUMENTS],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "1.4.1, which has no server" in done.stderr and "without --prefect3" in done.stderr
