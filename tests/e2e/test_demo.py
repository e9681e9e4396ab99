"""`flowtui demo` without a terminal: the whole job, with Docker and without."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parts.base_images import python_image
from tests.parts.engine import RunningEngine
from tests.parts.processes import with_variable
from tests.parts.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long(2)]


def _demo(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowtui", "demo", *environment.pop("options", "").split()],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "FLOWTUI_HOME": str(home), **environment},
        check=False,
    )


def _rows(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    names = ("broken.py", "example-storage", "nightly load", "daily report")
    return {
        name: line.removeprefix(name).strip()
        for line in ran.stdout.splitlines()
        for name in names
        if line.startswith(name)
    }


def _ran_to_success(ran: subprocess.CompletedProcess[str], home: Path) -> None:
    """A run of the sample flow is told whole, and nothing of the demo is left."""
    assert "picked up by a real agent of Prefect 1.4.1" in ran.stderr
    assert "ended as Success" in ran.stderr
    assert "5 rows are clean" in ran.stdout
    assert "5 mapped: 5 done" in ran.stdout
    (load,) = (line for line in ran.stdout.splitlines() if line.startswith("Success  load "))
    assert load.split()[-4] == "2", "the second try succeeded"
    until(lambda: not with_variable("FLOWTUI_HOME", str(home)), "the end of every process")


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for both demos: Prefect is installed once."""
    return tmp_path_factory.mktemp("demo")


def test_without_docker_local_storage_is_used_and_said_why(demo_home: Path) -> None:
    ran = _demo(demo_home, DOCKER_HOST=f"unix://{demo_home}/no.sock")
    assert ran.returncode == 0, ran.stderr
    assert "storage: Local, because Docker cannot be used here: " in ran.stderr
    assert "broken.py:5 is broken, on purpose" in ran.stderr
    rows = _rows(ran)
    assert rows["broken.py"].startswith("broken")
    for name in ("example-storage", "nightly load", "daily report"):
        assert rows[name].startswith("up to date  1"), ran.stdout
    assert "Traceback" not in ran.stderr
    _ran_to_success(ran, demo_home)

    again = _demo(demo_home, DOCKER_HOST=f"unix://{demo_home}/no.sock")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("unchanged") == 3, again.stderr
    _ran_to_success(again, demo_home)


def test_with_docker_the_flows_go_through_engine_and_registry(
    demo_home: Path, docker_engine: RunningEngine
) -> None:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    base = python_image(docker_engine, minor)
    ran = _demo(demo_home, options=f"--base-image {base} --storage docker")
    assert ran.returncode == 0, ran.stderr
    assert f"built on {base}" in ran.stderr
    assert ran.stderr.count("@sha256:") == 3, ran.stderr
    assert _rows(ran)["nightly load"].startswith("up to date"), ran.stdout
    assert "agent:   Docker, its containers reach the server at http://" in ran.stderr
    _ran_to_success(ran, demo_home)


def test_a_demo_that_is_killed_leaves_no_server_behind(demo_home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flowtui", "demo", "--storage", "local"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FLOWTUI_HOME": str(demo_home)},
    )
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("embedded server: "))
    port = int(line.rpartition(":")[2])
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while _answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _answers(port)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
