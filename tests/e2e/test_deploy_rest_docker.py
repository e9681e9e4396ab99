"""Deployments of Prefect 3 in an image: built, checked in it, pushed, registered by its digest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.prefect_server import PrefectServer
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real


@pytest.fixture
def project(
    tmp_path: Path,
    prefect3_server: PrefectServer,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
) -> PrefectProject:
    """A flow for a docker pool of its own."""
    root = tmp_path / "project"
    root.mkdir()
    made = PrefectProject(root, prefect3_server.api_url, server=prefect3_server)
    made.make_pool("docker")
    base = prefect_image(docker_engine, prefect3_server.version)
    made.configure_pool(f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/team"')
    made.write_flow(head="import helper")
    made.write("flows/helper.py", "WORD = 'hello'\n")
    return made


def test_an_image_is_registered_by_the_digest_of_what_was_checked(
    project: PrefectProject, docker_engine: RunningEngine
) -> None:
    ran = project.deploy("flows/etl.py")
    assert ran.code == 0, ran.stderr
    assert set(ran.stages.values()) == {"done"}
    made = project.deployment
    image = made["job_variables"]["image"]
    assert image.endswith(f"@{ran.result['digest']}")
    (step,) = made["pull_steps"]
    folder = step["prefect.deployments.steps.set_working_directory"]["directory"]
    assert folder == "/opt/prefect/project"
    listed = docker_engine.docker("run", "--rm", image, "ls", f"{folder}/flows")
    assert listed.split() == ["etl.py", "helper.py"]

    again = project.deploy("flows/etl.py")
    assert again.result["outcome"] == "unchanged", again.stderr
    assert project.deployment["updated"] == made["updated"]

    project.write_flow(head="import helper", day=2)
    changed = project.deploy("flows/etl.py")
    assert changed.code == 0, changed.stderr
    assert project.deployment["job_variables"]["image"] != image

    project.write_flow(head="import helper", day=1)
    back = project.deploy("flows/etl.py")
    assert back.of("planned")[0]["lane"] == "register only", back.stderr
    assert project.deployment["job_variables"]["image"] == image


def test_a_module_that_is_missing_in_the_image_stops_before_the_push(
    project: PrefectProject, plain_registry: RunningRegistry
) -> None:
    project.write_flow(
        head="import pathlib, importlib\n"
        "if not (pathlib.Path.cwd() / 'flowtui.toml').exists():\n"
        "    importlib.import_module('nowhere_to_be_found')"
    )
    ran = project.deploy("flows/etl.py")
    assert ran.code == 1
    assert ran.stages["health check"] == "failed" and "push" not in ran.stages
    assert any("nowhere_to_be_found" in each["what"] for each in ran.of("problem"))
    assert project.deployments == []


def test_without_a_push_the_image_is_taken_from_the_engine(project: PrefectProject) -> None:
    ran = project.deploy("flows/etl.py", "--no-push")
    assert ran.code == 0, ran.stderr
    variables = project.deployment["job_variables"]
    assert variables["image"] == ran.result["image"]
    assert variables["image_pull_policy"] == "IfNotPresent"
    assert ran.stages["push"] == "skipped"


def test_a_plan_names_the_image_and_its_dockerfile(project: PrefectProject) -> None:
    ran = project.run("plan", "flows/etl.py", "--json")
    assert ran.code == 10, ran.stderr
    (plan,) = ran.of("plan")
    assert "COPY" in plan["dockerfile"] and "/opt/prefect/project" in plan["dockerfile"]
    assert json.dumps(plan["settings"]["work_pool"]["value"]) == f'"{project.pool}"'
