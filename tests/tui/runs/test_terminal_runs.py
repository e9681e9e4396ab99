"""A deployed flow is run and watched in the real binary: real server, real agent, mapped tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.agents import local_agent
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.prefects import prefect_python
from tests.tui.terminal import short_folder, terminal

pytestmark = pytest.mark.real

FLOW = """\
import prefect
from prefect import Flow, Parameter, task


@task
def numbers(count):
    prefect.context.get("logger").info("counting to %d", count)
    return list(range(count))


@task
def double(number):
    if number == 13:
        raise ValueError("thirteen is bad luck")
    prefect.context.get("logger").info("doubling %d", number)
    return number * 2


@task
def total(found):
    prefect.context.get("logger").warning("the total is %d", sum(found))


with Flow("adding up") as flow:
    total(double.map(numbers(Parameter("count"))))
"""
APP = (sys.executable, "-m", "flowtui", ".")


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with embedded_server() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, server: RunningServer) -> Path:
    """A flow that is deployed to Local storage."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "adding.py").write_text(FLOW)
    (folder / "flowtui.toml").write_text(
        f'project = "My Project"\npython = "{prefect_python("1.4.1")}"\n[storage]\ntype = "local"\n'
    )
    subprocess.run(
        [sys.executable, "-m", "flowtui", "deploy", "adding.py", "--create-project"],
        cwd=folder,
        env={**os.environ, "FLOWTUI_API_URL": server.url},
        capture_output=True,
        check=True,
        timeout=120,
    )
    return folder


def test_a_run_is_started_watched_to_its_end_and_started_again(
    project: Path, server: RunningServer
) -> None:
    environment = {"FLOWTUI_API_URL": server.url}
    with (
        local_agent("1.4.1", server.url),
        short_folder() as short,
        terminal(APP, folder=short, cwd=project, environment=environment) as screen,
    ):
        screen.wait("✓ up to date", "adding up", "v1")
        screen.keys("x")
        screen.wait("Run adding up v1", "count *", "required: text or JSON")
        screen.keys("Enter")
        screen.wait("it has no default: type a value")
        screen.type("12")
        screen.wait("text or JSON: number")
        screen.keys("Enter")
        screen.wait("adding up v1", "count=12", "Task runs")
        shown = screen.wait("✓ Success after", "12/12")
        order = [shown.index(f" {name} ") for name in ("count", "numbers", "double", "total")]
        assert order == sorted(order)

        screen.keys("]")
        screen.wait("doubling 11", "! total", "the total is 132", "flow run")
        screen.keys("g")
        screen.wait("numbers", "counting to 12")
        screen.keys("]")
        screen.wait("(✓ count)", "[✓ numbers]", "✓ double 12/12", "[✓ total]")
        screen.keys("]")
        screen.wait("12/12")
        screen.keys("j", "j", "Enter")
        screen.wait("double[0]", "double[3]")

        screen.keys("R")
        screen.wait("Run adding up v1 again", "12")
        screen.keys("BSpace")
        screen.type("4")
        screen.keys("Enter")
        screen.wait("count=14", "✗ Failed", "Task double[13]", "ValueError('thirteen", "1 failed")
        screen.keys("E")
        screen.wait("▸ double[13]", "Traceback (most recent call last)")
        screen.keys("Escape")
        screen.wait("Task double[13]")
        screen.keys("Escape")
        screen.wait("2 Flows", "✓ up to date")
        screen.keys("7")
        screen.wait("Runs (2)", "✗ Failed", "✓ Success")
