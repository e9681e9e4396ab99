"""The first start of the real binary in a real terminal: three keys to a project."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from flowtui.addresses import EMBEDDED
from tests.parts.need import missing
from tests.parts.prefects import prefect_python
from tests.tui.terminal import short_folder, terminal

pytestmark = pytest.mark.real


def test_three_keys_lead_from_nothing_to_a_project(tmp_path: Path) -> None:
    host, _, port = EMBEDDED.partition("://")[2].partition(":")
    with socket.socket() as probe:
        if probe.connect_ex((host, int(port))) == 0:
            missing("free port", f"something listens at {EMBEDDED}")
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "a.py").write_text('from prefect import Flow\n\nwith Flow("a") as flow:\n    pass\n')
    (folder / "flowtui.toml").write_text(
        f'python = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    command = (sys.executable, "-m", "flowtui", ".")
    with short_folder() as short, terminal(command, folder=short, cwd=folder) as screen:
        screen.wait("Welcome to flowtui", "1 flow found in this folder")
        screen.keys("Enter")
        screen.wait("The first project?", "pipelines")
        screen.keys("Enter")
        screen.wait("pipelines 0", "not deployed", "connected")
        screen.keys("Enter")
        screen.wait("nothing is done until you press Enter", "pipelines")
        screen.keys("Enter")
        screen.wait("version 1 is registered")
        screen.keys("Escape")
        screen.wait("up to date")
        screen.keys("q")
        screen.wait("EXIT CODE 0")
    with short_folder() as short, terminal(command, folder=short, cwd=folder) as screen:
        assert "Welcome" not in screen.wait("not connected", "unknown")
        screen.keys("q")
        screen.wait("EXIT CODE 0")
