"""The whole way of a deployment: deployed, planned, changed, rolled back, run and cancelled.

On both generations of server, each behind a proxy that answers 503 to every fifth request; and as
Prefect's own recipe for images writes it, by a docker worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.faulty_proxy import FaultyProxy, faulty_proxy
from tests.parts.own_agents import own_agent
from tests.parts.prefect_server import PrefectServer
from tests.parts.prefects import prefect_venv
from tests.parts.registry import RunningRegistry
from tests.parts.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long(4)]

_HEAD = "import pathlib, time"
_BODY = "print('day', day)\n    time.sleep(600 if day == 99 else 0)"
_QUICK = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
"""Workers poll every 10 seconds otherwise."""


@pytest.fixture(params=["prefect3_server", "prefect2_server"])
def server(request: pytest.FixtureRequest) -> PrefectServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def proxy(server: PrefectServer) -> Iterator[FaultyProxy]:
    with faulty_proxy(server.port, unavailable=0.2) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path, server: PrefectServer, proxy: FaultyProxy) -> PrefectProject:
    root = tmp_path / "project"
    root.mkdir()
    made = PrefectProject(root, proxy.api_url, server=server)
    made.make_pool()
    made.configure_pool('type = "local"')
    made.write_flow(_BODY, _HEAD)
    return made


def test_all_of_it_although_the_server_is_often_busy(
    project: PrefectProject, proxy: FaultyProxy
) -> None:
    _deployed_and_rolled_back(project)
    with own_agent(project.root, project.api_url, "--pool", project.pool, environment=_QUICK):
        run_id = _started(project)
        _ends(project, run_id, "Completed")
        asleep = _started(project, "-p", "day=99")
        _ends(project, asleep, "Running")
        cancelled = project.run("runs", "cancel", asleep, "--yes")
        assert cancelled.code == 0, cancelled.stderr
        _ends(project, asleep, "Cancelled")
    assert sum(proxy.refused.values()) > 10


def _deployed_and_rolled_back(project: PrefectProject) -> None:
    first = project.deploy("flows/etl.py")
    assert first.code == 0, first.stderr
    made = project.deployment
    plan = project.run("plan", "flows/etl.py", "--json")
    assert plan.code == 0, plan.stdout
    assert project.deploy("flows/etl.py").result["outcome"] == "unchanged"
    assert project.deployment["updated"] == made["updated"]

    project.write_flow(_BODY, _HEAD, day=2)
    plan = project.run("plan", "flows/etl.py", "--json")
    assert plan.code == 10, plan.stdout
    changed = project.deploy("flows/etl.py")
    assert changed.result["outcome"] == "done", changed.stderr
    now = project.deployment
    assert now["id"] == made["id"] and now["version"] != made["version"]
    assert now["parameter_openapi_schema"]["properties"]["day"]["default"] == 2

    back = project.run("versions", "roll-back", first.result["deploy"], "--yes", "--json")
    assert back.code == 0, back.stdout + back.stderr
    again = project.deployment
    assert again["id"] == made["id"] and again["version"] == made["version"]
    assert again["parameter_openapi_schema"] == made["parameter_openapi_schema"]
    assert again["pull_steps"] == made["pull_steps"]


def _started(project: PrefectProject, *options: str, deployment: str = "default") -> str:
    ran = project.run("run", f"{project.name}/{deployment}", *options, "--json")
    assert ran.code == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[0])["id"]


def _ends(project: PrefectProject, run_id: str, state: str) -> None:
    def told() -> str:
        logs = project.ask("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}})
        return "\n".join([_state(project, run_id), *(each["message"] for each in logs)])

    until(lambda: _state(project, run_id) == state, f"the run is {state}", told=told)


def _state(project: PrefectProject, run_id: str) -> str:
    return project.ask("GET", f"/flow_runs/{run_id}")["state_name"]


_DOCKER_RECIPE = """
name: project
build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build_image
    requires: prefect-docker>=0.3.1
    image_name: "{image}"
    tag: latest
    dockerfile: Dockerfile
push:
- prefect_docker.deployments.steps.push_docker_image:
    requires: prefect-docker>=0.3.1
    image_name: "{{{{ build_image.image_name }}}}"
    tag: "{{{{ build_image.tag }}}}"
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/prefect/project
deployments:
"""
_ONE_OF_FIVE = """
- name: d{number}
  entrypoint: flows/etl.py:etl
  parameters: {{day: {number}}}
  work_pool:
    name: {pool}
    job_variables:
      image: "{{{{ build_image.image }}}}"
"""


def test_the_docker_recipe_of_prefect_init_needs_nothing_else_and_runs_by_a_docker_worker(
    tmp_path: Path,
    prefect3_server: PrefectServer,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    project = PrefectProject(root, prefect3_server.api_url, server=prefect3_server)
    project.make_pool("docker")
    (root / ".venv").symlink_to(prefect_venv(prefect3_server.version))
    base = prefect_image(docker_engine, prefect3_server.version)
    project.write("Dockerfile", f"FROM {base}\n")
    image = f"{plain_registry.host}/{project.name}"
    five = (_ONE_OF_FIVE.format(number=n, pool=project.pool) for n in range(1, 6))
    project.write("prefect.yaml", _DOCKER_RECIPE.format(image=image) + "".join(five))
    project.write("flows/helper.py", "WORD = 'from the image'\n")
    project.write_flow("print(helper.WORD, day)\n    return day", "import helper")
    deployed = project.deploy("--all")
    assert deployed.code == 0, deployed.stdout + deployed.stderr
    made = {each["name"]: each for each in project.deployments}
    assert set(made) == {f"d{number}" for number in range(1, 6)}
    (taken,) = {each["job_variables"]["image"] for each in made.values()}
    assert taken.startswith(f"{image}@sha256:")
    assert made["d3"]["parameters"] == {"day": 3}
    options = ("--pool", project.pool, "--type", "docker")
    with own_agent(project.root, project.api_url, *options, environment=_QUICK):
        _ends(project, _started(project, deployment="d3"), "Completed")
