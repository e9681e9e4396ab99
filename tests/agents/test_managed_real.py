"""Prefect 0.6.1 has no agent: one in an environment of flowtui's own runs its flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.base_images import prefect_image
from tests.parts.cache import cache_root
from tests.parts.engine import RunningEngine
from tests.parts.need import missing
from tests.parts.own_agents import own_agent, own_server
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_LOCAL = """
import os, sys
from prefect import Flow, task

@task
def add(x, y):
    return x + y

@task
def tell(number):
    for _ in range(2000):  # more than a pipe holds that nobody reads
        print("by", sys.version_info[:2], os.environ["WHO"] * 50)
    with open(os.environ["WITNESS"], "w") as file:
        file.write("%s %s %s" % (number, sys.executable, os.getcwd()))

with Flow("old sums") as flow:
    tell(add(1, 2))
"""
_DOCKER = """
from prefect import Flow, task

@task
def add(x, y):
    return x + y

with Flow("old sums") as flow:
    add(1, 2)
"""


@pytest.fixture(autouse=True)
def environments_are_made_once(own_home: Path) -> None:
    kept = cache_root() / "managed"
    kept.mkdir(exist_ok=True)
    cache = own_home / "flowtui" / "cache"
    cache.mkdir(parents=True)
    (cache / "agents").symlink_to(kept)


def made(folder: Path, url: str, source: str, storage: str) -> Project:
    root = folder / "project"
    root.mkdir()
    project = Project(root, url)
    project.configure(prefect_python("0.6.1"), storage)
    project.write("sums.py", source)
    deployed = project.deploy("sums.py", "--create-project")
    assert deployed.code == 0, deployed.stdout + deployed.stderr
    return project


def test_a_flow_of_061_in_local_storage(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with own_server(tmp_path, "--no-containers") as server:
        project = made(tmp_path, server["url"], _LOCAL, 'type = "local"')
        options = ("--env", f"WITNESS={told}", "--env", "WHO=me")
        with own_agent(project.root, server["url"], *options) as agent:
            (started,) = [each for each in agent.told if each["event"] == "agent_started"]
            assert started["prefect"] == "0.9.8"
            witness = Witness(server["url"])
            run = witness.start(witness.flow_id("old sums", "0.6.1"), {})
            assert witness.wait(run)["state"] == "Success", witness.logs(run)
            assert any("Beginning Flow run" in message for message in witness.logs(run))
    assert told.read_text() == f"3 {prefect_python('0.6.1')} {project.root}"


def test_a_flow_of_061_in_an_image(
    docker_engine: RunningEngine, plain_registry: RunningRegistry, tmp_path: Path
) -> None:
    if docker_engine.network != "bridge":
        missing("Docker bridge", "the engine of this machine runs without its bridge")
    base = prefect_image(docker_engine, "0.6.1")
    storage = f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/managed"'
    with own_server(tmp_path) as server:
        project = made(tmp_path, server["url"], _DOCKER, storage)
        with own_agent(project.root, server["url"], "--name", "for 0.6.1") as agent:
            (started,) = [each for each in agent.told if each["event"] == "agent_started"]
            assert started["prefect"] == "1.4.1"
            witness = Witness(server["url"])
            run = witness.start(witness.flow_id("old sums", "0.6.1"), {})
            assert witness.wait(run)["state"] == "Success", witness.logs(run)
