"""What prefect.yaml and calls of `.deploy(…)` say, as flowtui deploys it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.deployment.declaration import Declared, read_declaration
from flowtui.errors import UsageError
from flowtui.models import Declaration, StorageKind
from flowtui.source.prefect_yaml import read_prefect_yaml

ROOT = Path("/projects/etl")

DOCKER_RECIPE = """
name: etl
build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build_image
    requires: prefect-docker>=0.3.1
    image_name: "{{ $REGISTRY }}/team/etl"
    tag: latest
    dockerfile: auto
push:
- prefect_docker.deployments.steps.push_docker_image:
    requires: prefect-docker>=0.3.1
    image_name: "{{ build_image.image_name }}"
    tag: "{{ build_image.tag }}"
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/prefect/etl
deployments:
- name: nightly
  version: "{{ build_image.tag }}"
  tags: [a, "{{ build_image.tag }}"]
  entrypoint: flows/etl.py:etl
  parameters: {day: 3}
  schedules:
  - cron: "0 6 * * *"
    timezone: Europe/Berlin
    active: false
  concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW}
  work_pool:
    name: docker
    work_queue_name: fast
    job_variables:
      image: "{{ build_image.image }}"
      env: {A: "{{ prefect.variables.a }}"}
"""

LOCAL_RECIPE = """
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /projects/etl
deployments:
- name: local
  entrypoint: etl.py:etl
  work_pool: {name: process}
"""

GIT_RECIPE = """
pull:
- prefect.deployments.steps.git_clone:
    repository: https://example.com/etl.git
    branch: "{{ $BRANCH }}"
    access_token: "{{ prefect.blocks.secret.token }}"
deployments:
- name: git
  entrypoint: etl.py:etl
  work_pool: {name: process}
"""


def declared(text: str, **environ: str) -> Declared:
    found = read_prefect_yaml(text.encode(), "prefect.yaml")
    assert not found.broken
    (one,) = found.deployments
    return read(one.values, **environ)


def read(values: Any, **environ: str) -> Declared:
    return read_declaration(Declaration("nightly", "prefect.yaml:9", values), ROOT, environ)


def test_the_recipe_for_docker_becomes_an_image_of_ours() -> None:
    found = declared(DOCKER_RECIPE, REGISTRY="r.example.com:5000")
    storage, deployment = found.table.storage, found.table.deployment
    assert storage.type is StorageKind.DOCKER
    assert (storage.registry_url, storage.image_name) == ("r.example.com:5000/team", "etl")
    assert found.pushes
    assert deployment.pull_steps is None
    assert deployment.version is None
    assert deployment.tags == ("a",)
    assert deployment.job_variables == {"env": {"A": "{{ prefect.variables.a }}"}}
    assert (deployment.work_pool, deployment.work_queue) == ("docker", "fast")
    assert deployment.parameters == {"day": 3}
    assert deployment.concurrency_limit == 2
    assert deployment.concurrency_options == {"collision_strategy": "CANCEL_NEW"}
    assert deployment.schedules == (
        {"cron": "0 6 * * *", "timezone": "Europe/Berlin", "active": False},
    )
    assert [problem.what[:7] for problem in found.problems] == ["the tag"]


def test_the_folder_of_the_project_is_copied_as_without_a_pull_step() -> None:
    assert declared(LOCAL_RECIPE).table.deployment.pull_steps is None


def test_steps_that_fetch_the_source_are_taken_as_they_are() -> None:
    (step,) = declared(GIT_RECIPE, BRANCH="main").table.deployment.pull_steps or ()
    told = step["prefect.deployments.steps.git_clone"]
    assert told == {
        "repository": "https://example.com/etl.git",
        "branch": "main",
        "access_token": "{{ prefect.blocks.secret.token }}",
    }


def test_a_variable_that_is_not_set_is_asked_for() -> None:
    with pytest.raises(UsageError, match="BRANCH is not set") as error:
        declared(GIT_RECIPE)
    assert "export BRANCH" in error.value.problem.fix


def test_a_step_that_is_not_run_is_said() -> None:
    step = {"prefect.deployments.steps.run_shell_script": {"id": "test", "script": "pytest"}}
    found = read({"build": [step]})
    assert "run_shell_script is not run" in found.problems[0].what


def test_what_a_step_gives_is_never_guessed() -> None:
    step = {"prefect.deployments.steps.run_shell_script": {"id": "sha", "script": "git rev-parse"}}
    with pytest.raises(UsageError, match=r"description needs sha.stdout"):
        read({"build": [step], "description": "of {{ sha.stdout }}"})


def test_a_step_that_uploads_the_source_is_refused() -> None:
    step = {"prefect_aws.deployments.steps.push_to_s3": {"bucket": "b"}}
    with pytest.raises(UsageError, match="push_to_s3 would upload"):
        read({"push": [step]})


def test_a_variable_of_the_control_plane_is_refused_where_no_worker_fills_it_in() -> None:
    with pytest.raises(UsageError, match=r"prefect.variables.team"):
        read({"tags": ["{{ prefect.variables.team }}"]})


def test_an_image_that_is_not_pushed_stays_on_the_engine() -> None:
    step = {"prefect_docker.deployments.steps.build_docker_image": {"image_name": "etl"}}
    found = read({"build": [step]})
    assert not found.pushes and found.table.storage.registry_url is None


@pytest.mark.parametrize(
    ("image", "registry", "name", "tag"),
    [
        ("etl", None, "etl", None),
        ("localhost:5000/etl", "localhost:5000", "etl", None),
        ("r.io/team/etl:dev", "r.io/team", "etl", None),
        ({"name": "r.io/etl", "tag": "v1"}, "r.io", "etl", "v1"),
    ],
)
def test_the_image_of_a_call(image: Any, registry: str | None, name: str, tag: str | None) -> None:
    storage = read({"image": image}).table.storage
    assert (storage.registry_url, storage.image_name, storage.image_tag) == (registry, name, tag)
    assert storage.type is StorageKind.DOCKER


def test_what_flowtui_does_not_make_is_said() -> None:
    (problem,) = read({"triggers": [{"when": "x"}]}).problems
    assert "automations" in problem.what


def test_no_declaration_says_nothing() -> None:
    assert read_declaration(None, ROOT, {}) == Declared()
