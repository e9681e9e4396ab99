"""Deployments of Prefect 3: deployed, deployed again, and what others changed in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.e2e.test_watch import watching
from tests.parts.prefect_server import PrefectServer
from tests.parts.prefects import prefect_python

pytestmark = [pytest.mark.real, pytest.mark.long(2)]


@pytest.fixture
def project(tmp_path: Path, prefect3_server: PrefectServer) -> PrefectProject:
    """A flow for a process pool of its own."""
    root = tmp_path / "project"
    root.mkdir()
    made = PrefectProject(root, prefect3_server.api_url, server=prefect3_server)
    made.make_pool()
    made.configure_pool('type = "local"', 'schedules = [{cron = "0 6 * * *"}]')
    made.write_flow(head="import helper")
    made.write("flows/helper.py", "WORD = 'hello'\n")
    return made


def test_a_flow_becomes_a_deployment_and_unchanged_it_is_left_alone(
    project: PrefectProject,
) -> None:
    ran = project.deploy("flows/etl.py", "--project", "reports")
    assert ran.code == 0, ran.stderr
    assert ran.stages == {
        "serialize": "done",
        "build": "done",
        "health check": "done",
        "push": "skipped",
        "register": "done",
    }
    made = project.deployment
    (step,) = made["pull_steps"]
    folder = Path(step["prefect.deployments.steps.set_working_directory"]["directory"])
    assert (folder / "flows/helper.py").read_text() == "WORD = 'hello'\n"
    assert made["entrypoint"] == "flows/etl.py:etl"
    assert made["work_pool_name"] == project.pool
    assert made["parameter_openapi_schema"]["properties"]["day"]["default"] == 1
    assert made["tags"] == ["project:reports"]
    assert made["labels"]["flowtui.project"] == "reports"
    assert [each["slug"] for each in made["schedules"]] == ["schedule-1"]
    assert folder.name.startswith(made["version"][:12])

    again = project.deploy("flows/etl.py", "--project", "reports")
    assert again.code == 0, again.stderr
    assert again.result["outcome"] == "unchanged"
    assert project.deployment["updated"] == made["updated"]


def test_a_changed_default_changes_just_that(project: PrefectProject) -> None:
    assert project.deploy("flows/etl.py").code == 0
    before = project.deployment
    project.write_flow(head="import helper", day=2)
    ran = project.deploy("flows/etl.py")
    assert ran.code == 0, ran.stderr
    after = project.deployment
    assert after["parameter_openapi_schema"]["properties"]["day"]["default"] == 2
    same = set(before) - {"parameter_openapi_schema", "pull_steps", "version", "updated"}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert len(project.deployments) == 1


def test_a_field_alone_is_changed_without_a_build(project: PrefectProject) -> None:
    assert project.deploy("flows/etl.py").code == 0
    ran = project.deploy("flows/etl.py", "--description", "what it does", "--param", "day=3")
    assert ran.code == 0, ran.stderr
    assert ran.of("planned")[0]["lane"] == "update only"
    assert ran.stages["build"] == ran.stages["health check"] == "skipped"
    assert project.deployment["description"] == "what it does"
    assert project.deployment["parameters"] == {"day": 3}


def test_what_was_edited_in_the_web_ui_survives(project: PrefectProject) -> None:
    assert project.deploy("flows/etl.py").code == 0
    edit = {
        "paused": True,
        "description": "edited",
        "tags": ["theirs"],
        "parameters": {"day": 9},
        "job_variables": {"env": {"A": "b"}},
    }
    project.edit(**edit)
    project.write_flow(head="import helper", day=2)
    ran = project.deploy("flows/etl.py")
    assert ran.code == 0, ran.stderr
    now = project.deployment
    assert now["parameter_openapi_schema"]["properties"]["day"]["default"] == 2
    assert {name: now[name] for name in edit} == edit


def test_schedules_of_the_web_ui_survive_a_new_time_of_ours(project: PrefectProject) -> None:
    assert project.deploy("flows/etl.py").code == 0
    made = project.deployment
    (ours,) = made["schedules"]
    path = f"/deployments/{made['id']}/schedules"
    project.ask("PATCH", f"{path}/{ours['id']}", {"active": False})
    theirs = {"schedule": {"cron": "5 5 * * *", "timezone": "UTC"}, "active": True}
    project.ask("POST", path, [theirs])
    project.configure_pool('type = "local"', 'schedules = [{cron = "0 7 * * *"}]')

    ran = project.deploy("flows/etl.py")

    assert ran.code == 0, ran.stderr
    now = {s["schedule"]["cron"]: s["active"] for s in project.deployment["schedules"]}
    assert now == {"0 7 * * *": False, "5 5 * * *": True}


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
    assert ran.stages["health check"] == "failed"
    assert any("nowhere_to_be_found" in each["what"] for each in ran.of("problem"))
    assert project.deployments == []


def test_a_file_that_is_missing_is_named(project: PrefectProject) -> None:
    project.write("flows/words.txt", "hello")
    project.write_flow(head="import pathlib\npathlib.Path('flows/words.txt').read_text()")
    ran = project.deploy("flows/etl.py")
    assert ran.code == 1
    assert any("flows/words.txt" in each["what"] for each in ran.of("problem")), ran.stderr
    assert project.deployments == []
    project.write(
        "flowtui.toml",
        (project.root / "flowtui.toml").read_text()
        + '\n[storage.files]\n"flows/words.txt" = "/words.txt"\n',
    )
    assert project.deploy("flows/etl.py").code == 0


def test_another_name_where_it_runs_is_refused(project: PrefectProject) -> None:
    project.write(
        "flows/etl.py",
        "import pathlib\nfrom prefect import flow\n"
        f"HERE = (pathlib.Path.cwd() / 'flowtui.toml').exists()\n\n"
        f"@flow(name='{project.name}' if HERE else 'another')\ndef etl():\n    pass\n",
    )
    ran = project.deploy("flows/etl.py")
    assert ran.code == 1
    assert any("'another'" in each["what"] for each in ran.of("problem")), ran.stdout
    assert project.deployments == []


def test_other_parameters_where_it_runs_are_refused(project: PrefectProject) -> None:
    project.write_flow(head="import pathlib\nHERE = (pathlib.Path.cwd() / 'flowtui.toml').exists()")
    text = (project.root / "flows/etl.py").read_text().replace("= 1", "= 1 if HERE else 2")
    project.write("flows/etl.py", text)
    ran = project.deploy("flows/etl.py")
    assert ran.code == 1
    assert any("day" in each["what"] for each in ran.of("problem")), ran.stdout
    assert project.deployments == []


def test_a_process_pool_takes_no_image(project: PrefectProject) -> None:
    ran = project.deploy("flows/etl.py", "--storage", "docker", "--no-push")
    assert ran.code == 2
    assert any("runs no images" in each["what"] for each in ran.of("problem")), ran.stdout
    assert project.deployments == []


def test_a_pool_is_made_on_the_way(project: PrefectProject) -> None:
    name = f"new-{project.name}"
    ran = project.deploy("flows/etl.py", "--create-work-pool", name, "--type", "process")
    assert ran.code == 0, ran.stderr
    pool = project.ask("GET", f"/work_pools/{name}")
    assert pool["type"] == "process" and pool["base_job_template"]["variables"]
    assert project.deployment["work_pool_name"] == name


def test_a_deploy_that_was_cancelled_is_gone_on_with(project: PrefectProject) -> None:
    project.write_flow(head="import time\ntime.sleep(1)")

    def is_checking(event: dict[str, object]) -> bool:
        return event["event"] == "stage_started" and event["stage"] == "health check"

    ran = project.interrupt_when(is_checking, "flows/etl.py")
    assert ran.code == 130
    assert project.deployments == []
    again = project.deploy("flows/etl.py", "--resume")
    assert again.code == 0, again.stderr
    assert project.deployment["entrypoint"] == "flows/etl.py:etl"


def test_a_save_of_a_module_deploys_what_imports_it(project: PrefectProject) -> None:
    assert project.deploy("flows/etl.py").code == 0
    before = project.deployment
    with watching(project, "flows/etl.py") as watch:
        watch.next("hot_watching")
        project.write("flows/helper.py", "WORD = 'changed'\n")
        assert watch.next("hot_saved")["paths"] == ["flows/helper.py"]
        watch.next("hot_deployed")
    assert project.deployment["id"] == before["id"]
    assert project.deployment["version"] != before["version"]
    (step,) = project.deployment["pull_steps"]
    folder = Path(step["prefect.deployments.steps.set_working_directory"]["directory"])
    assert (folder / "flows/helper.py").read_text() == "WORD = 'changed'\n"


def test_a_file_that_needs_its_package_is_found_by_module(project: PrefectProject) -> None:
    project.write("flows/__init__.py", "")
    project.write_flow(head="from . import helper")
    ran = project.deploy("flows/etl.py")
    assert ran.code == 0, ran.stderr
    made = project.deployment
    assert made["entrypoint"] == "flows.etl.etl"
    (step,) = made["pull_steps"]
    folder = step["prefect.deployments.steps.set_working_directory"]["directory"]
    assert made["job_variables"]["env"]["PYTHONPATH"] == folder


_RECIPE = """
pull:
- prefect.deployments.steps.set_working_directory:
    directory: {root}
definitions:
  pool: &pool
    name: {pool}
deployments:
- name: one
  entrypoint: flows/etl.py:etl
  work_pool: *pool
- name: two
  entrypoint: flows/etl.py:etl
  parameters: {{day: 2}}
  work_pool: *pool
- name: three
  entrypoint: flows/etl.py:etl
  schedules:
  - cron: "0 3 * * *"
    timezone: Europe/Berlin
  work_pool: *pool
- name: four
  entrypoint: flows/etl.py:etl
  tags: [nightly]
  version: "4.0"
  work_pool: *pool
- name: five
  entrypoint: flows/etl.py:etl
  concurrency_limit: 2
  work_pool:
    name: {pool}
    job_variables: {{env: {{A: b}}}}
"""


def test_a_prefect_yaml_is_deployed_with_nothing_else_configured(project: PrefectProject) -> None:
    python = prefect_python(project.server.version) if project.server else ""
    project.write("flowtui.toml", f'python = "{python}"\n')
    project.write("prefect.yaml", _RECIPE.format(root=project.root, pool=project.pool))
    ran = project.deploy("--all")
    assert ran.code == 0, ran.stderr
    made = {each["name"]: each for each in project.deployments}
    assert set(made) == {"one", "two", "three", "four", "five"}
    assert made["two"]["parameters"] == {"day": 2}
    (schedule,) = made["three"]["schedules"]
    assert schedule["schedule"]["timezone"] == "Europe/Berlin"
    assert made["four"]["tags"] == ["nightly"] and made["four"]["version"] == "4.0"
    assert made["five"]["global_concurrency_limit"]["limit"] == 2
    assert made["five"]["job_variables"] == {"env": {"A": "b"}}
    again = project.deploy("--all")
    outcomes = {each["outcome"] for each in again.of("deploy_finished")}
    assert outcomes == {"unchanged"}, again.stderr
    now = {each["name"]: each["updated"] for each in project.deployments}
    assert now == {name: each["updated"] for name, each in made.items()}


def test_edits_run_in_place_only_where_it_is_said(project: PrefectProject) -> None:
    ran = project.deploy("flows/etl.py", "--in-place")
    assert ran.code == 0, ran.stderr
    (step,) = project.deployment["pull_steps"]
    folder = step["prefect.deployments.steps.set_working_directory"]["directory"]
    assert folder == str(project.root)
    warned = [each["text"] for each in ran.of("log") if each["level"] == "warning"]
    assert any("unchecked" in text for text in warned)
