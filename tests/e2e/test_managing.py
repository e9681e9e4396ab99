"""Projects, versions, schedules and runs by the real binary against the real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Project, Ran
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_FLOW = """
from datetime import timedelta
from prefect import Flow, task
from prefect.schedules import IntervalSchedule

@task
def work():
    return {answer}

with Flow("etl", schedule=IntervalSchedule(interval=timedelta(hours=1))) as flow:
    work()
"""


def listed(project: Project, *arguments: str) -> list[dict[str, Any]]:
    ran = project.run(*arguments, "--json")
    assert ran.code == 0, ran.stderr
    return json.loads(ran.stdout)


def deploy_twice(project: Project) -> list[dict[str, Any]]:
    """Versions 1 and 2, from different sources; what the server holds of them."""
    for answer in (1, 2):
        project.write("flow.py", _FLOW.format(answer=answer))
        ran = project.deploy("flow.py")
        assert ran.code == 0, ran.stdout + ran.stderr
    return project.versions("etl")


def roll_back(project: Project, version_id: str) -> Ran:
    return project.run("versions", "roll-back", version_id, "--yes", "--json")


def test_a_roll_back_registers_what_was_registered_and_is_undone_by_another(
    project: Project, python_141: Path
) -> None:
    project.configure(python_141, 'type = "local"')
    first, second = deploy_twice(project)
    refused = project.run("versions", "roll-back", first["id"])
    assert (refused.code, "--yes" in refused.stderr) == (2, True)

    look = project.run("versions", "roll-back", first["id"], "--dry-run", "--json")
    (way,) = look.of("roll_back")
    assert (look.code, way["version"], way["in_use"]) == (10, 1, 2), look.stderr
    assert [each["name"] for each in way["changes"] if each["aspect"] == "sources"] == ["flow.py"]
    assert way["unknown"] == []
    assert len(project.versions("etl")) == 2

    ran = roll_back(project, first["id"][:8])
    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.stages == {
        "serialize": "done",
        "build": "skipped",
        "health check": "skipped",
        "push": "skipped",
        "register": "done",
    }
    *_, third = project.versions("etl")
    assert third["serialized_flow"] == first["serialized_flow"]
    assert (third["version"], third["archived"]) == (3, False)
    assert listed(project, "flows")[0]["state"] == "changed"
    newest = listed(project, "history")[0]
    assert (newest["version"], newest["reason"]) == (3, "rolled back to version 1")
    assert newest["target"] == "flow.py:etl"
    assert project.run("history", newest["id"][:8]).code == 0

    assert roll_back(project, second["id"]).code == 0
    assert project.versions("etl")[-1]["serialized_flow"] == second["serialized_flow"]
    assert listed(project, "flows")[0]["state"] == "up to date"


def test_a_roll_back_is_refused_with_the_reason(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    first, second = deploy_twice(project)
    current = roll_back(project, second["id"])
    assert (current.code, current.result["reason"]) == (2, "version 2 of “etl” is the one in use")
    Path(first["storage"]["flows"]["etl"]).unlink()
    gone = roll_back(project, first["id"])
    assert (gone.code, gone.result["reason"]) == (2, "its stored file is gone")
    assert len(project.versions("etl")) == 2


def test_an_image_that_is_gone_or_another_cannot_be_rolled_back_to(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    base = prefect_image(docker_engine, "1.4.1")
    where = f"{plain_registry.host}/back"
    project.configure(python_141, f'base_image = "{base}"\nregistry_url = "{where}"')
    first, _ = deploy_twice(project)
    ran = roll_back(project, first["id"])
    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.stages["push"] == "done"
    assert ran.result["digest"] == listed(project, "history")[2]["digest"]
    assert ran.result["image"] == listed(project, "versions", "list")[0]["image"]

    second = project.versions("etl")[1]
    tag = second["storage"]["image_tag"]
    docker_engine.docker("tag", base, f"{where}/etl:{tag}")
    docker_engine.docker("push", f"{where}/etl:{tag}")
    another = roll_back(project, second["id"])
    assert another.code == 5
    assert another.result["reason"].startswith("the registry holds another image under its tag")

    manifests = f"http://{plain_registry.host}/v2/back/etl/manifests"
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    digest = httpx.get(f"{manifests}/{tag}", headers=accept).headers["Docker-Content-Digest"]
    assert httpx.delete(f"{manifests}/{digest}").status_code == 202
    gone = roll_back(project, second["id"])
    assert (gone.code, gone.result["reason"]) == (5, "its image is gone from the registry")
    assert len(project.versions("etl")) == 3


def test_schedules_moves_descriptions_and_runs(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    _, current = deploy_twice(project)
    assert [row["schedule"] for row in listed(project, "schedules", "list")] == ["active"]
    assert project.run("schedules", "off", "etl").code == 0
    assert [row["schedule"] for row in listed(project, "schedules", "list")] == ["paused"]

    assert project.run("projects", "create", "Other").code == 0
    assert project.run("projects", "describe", "Other", "for the others").code == 0
    described = {row["name"]: row["description"] for row in listed(project, "projects", "list")}
    assert described["Other"] == "for the others"
    moved = project.run("projects", "move", "etl", "Other")
    assert moved.code == 0, moved.stderr
    assert {version["project"]["name"] for version in project.versions("etl")} == {"Other"}
    assert listed(project, "versions", "list")[0]["id"] == current["id"]
    unknown = project.run("projects", "move", "etl", "Othr")
    assert (unknown.code, "did you mean “Other”" in unknown.stderr) == (2, True)

    assert listed(project, "runs") == []
    mutation = (
        'mutation($id: UUID!) { create_flow_run(input: {flow_id: $id, flow_run_name: "one"}) '
        "{ id } }"
    )
    body = {"query": mutation.replace("UUID", "uuid"), "variables": {"id": current["id"]}}
    assert "errors" not in httpx.post(project.api_url, json=body).json()
    (run,) = listed(project, "runs", "etl", "--limit", "5")
    assert (run["name"], run["state"], run["kind"]) == ("one", "Scheduled", "planned")
    assert listed(project, "runs", "another") == []
    assert "one" in project.run("runs").stdout

    assert project.run("schedules", "on", "etl", "--project", "Other").code == 0
    assert [row["schedule"] for row in listed(project, "schedules", "list")] == ["active"]
