"""Deployments of Prefect 2: the same work on its older API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.prefect_server import PrefectServer

pytestmark = pytest.mark.real


@pytest.fixture
def project(tmp_path: Path, prefect2_server: PrefectServer) -> PrefectProject:
    root = tmp_path / "project"
    root.mkdir()
    made = PrefectProject(root, prefect2_server.api_url, server=prefect2_server)
    made.make_pool()
    made.configure_pool('type = "local"', 'schedules = [{cron = "0 6 * * *"}]')
    made.write_flow(head="import helper")
    made.write("flows/helper.py", "WORD = 'hello'\n")
    return made


def test_deploy_unchanged_changed_and_a_pause_that_survives(project: PrefectProject) -> None:
    ran = project.deploy("flows/etl.py", "--project", "reports")
    assert ran.code == 0, ran.stderr
    made = project.deployment
    assert made["tags"] == ["project:reports"]
    assert made["parameter_openapi_schema"]["properties"]["day"]["default"] == 1
    assert made["schedules"][0]["schedule"]["cron"] == "0 6 * * *"

    again = project.deploy("flows/etl.py", "--project", "reports")
    assert again.result["outcome"] == "unchanged", again.stderr
    assert project.deployment["updated"] == made["updated"]

    project.edit(description="edited")
    project.ask("POST", f"/deployments/{made['id']}/pause_deployment", {})
    project.write_flow(head="import helper", day=2)
    changed = project.deploy("flows/etl.py", "--project", "reports")
    assert changed.code == 0, changed.stderr
    now = project.deployment
    assert now["parameter_openapi_schema"]["properties"]["day"]["default"] == 2
    assert now["description"] == "edited"
    assert now["paused"] is True
    assert [each["schedule"]["cron"] for each in now["schedules"]] == ["0 6 * * *"]


def test_a_module_that_is_missing_stops_before_anything_is_registered(
    project: PrefectProject,
) -> None:
    project.write_flow(
        head="import importlib, pathlib\n"
        "if not (pathlib.Path.cwd() / 'flowtui.toml').exists():\n"
        "    importlib.import_module('nowhere_to_be_found')"
    )
    ran = project.deploy("flows/etl.py")
    assert ran.code == 1
    assert any("nowhere_to_be_found" in each["what"] for each in ran.of("problem"))
    assert project.deployments == []
