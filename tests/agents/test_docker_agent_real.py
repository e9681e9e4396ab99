"""Containers reach the embedded server, and a Docker agent of ours runs flows in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.runs import Witness
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.need import missing
from tests.parts.own_agents import own_agent, own_server
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_SECONDS = 240
_HELLO = """
import json, sys, urllib.request
headers = {"Content-Type": "application/json"}
if len(sys.argv) > 2:
    headers["Authorization"] = "Bearer " + sys.argv[2]
body = json.dumps({"query": "{ project { name } }"}).encode()
print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, headers)).read().decode())
"""
_FLOW = """
from prefect import Flow, task

@task
def add(x, y):
    return x + y

with Flow("sums") as flow:
    add(1, 2)
"""


def flowtui(folder: Path, api_url: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        cwd=folder,
        env={**os.environ, "FLOWTUI_API_URL": api_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr


def needs_a_bridge(engine: RunningEngine) -> None:
    if engine.network != "bridge":
        missing("Docker bridge", "the engine of this machine runs without its bridge")


def test_a_container_on_the_bridge_reaches_the_server_with_the_token_only(
    docker_engine: RunningEngine, tmp_path: Path, own_home: Path
) -> None:
    needs_a_bridge(docker_engine)
    image = prefect_image(docker_engine, "1.4.1")
    run = ("run", "--rm", image, "python3", "-c", _HELLO)
    with own_server(tmp_path, "--containers") as server:
        token = (own_home / "flowtui/data/server-token").read_text().strip()
        told = httpx.get(server["url"]).json()
        assert told["containers"] == server["containers"]
        assert Witness(server["url"]).ask("{project {name}}") == {"project": []}  # as it was
        refused = docker_engine.docker(*run, server["containers"])
        assert "needs a token" in refused
        assert docker_engine.docker(*run, server["containers"], token).startswith('{"data":')


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
def test_a_docker_agent_of_ours_runs_a_flow_in_an_image(
    version: str, docker_engine: RunningEngine, plain_registry: RunningRegistry, tmp_path: Path
) -> None:
    needs_a_bridge(docker_engine)
    base = prefect_image(docker_engine, version)
    (tmp_path / "flowtui.toml").write_text(
        f'project = "P"\npython = "{prefect_python(version)}"\n'
        f'[storage]\nbase_image = "{base}"\nregistry_url = "{plain_registry.host}/own-agent"\n'
    )
    (tmp_path / "sums.py").write_text(_FLOW)
    with own_server(tmp_path) as server:
        url = server["url"]
        flowtui(tmp_path, url, "projects", "create", "P")
        flowtui(tmp_path, url, "deploy", "sums.py")
        with own_agent(tmp_path, url, "--name", "ours") as agent:
            (started,) = [each for each in agent.told if each["event"] == "agent_started"]
            assert (started["prefect"], started["api_url"]) == (version, server["containers"])
            witness = Witness(url)
            run = witness.start(witness.flow_id("sums", version), {})
            assert witness.wait(run)["state"] == "Success", witness.logs(run)
            assert agent.stop() == 0
