"""Many deployments of Prefect 3 at once, their plans, and rolling one back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Ran
from tests.e2e.prefect_project import PrefectProject
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.prefect_server import PrefectServer
from tests.parts.registry import RunningRegistry

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_GOOD = ("one", "two", "three")


@pytest.fixture
def project(tmp_path: Path, prefect3_server: PrefectServer) -> PrefectProject:
    """Four flows for a process pool, of which one cannot be imported where it runs."""
    made = empty(tmp_path, prefect3_server)
    made.make_pool()
    made.configure_pool('type = "local"')
    write_flows(made)
    return made


@pytest.fixture
def in_images(
    tmp_path: Path,
    prefect3_server: PrefectServer,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
) -> PrefectProject:
    """The same for a docker pool."""
    made = empty(tmp_path, prefect3_server)
    made.make_pool("docker")
    base = prefect_image(docker_engine, prefect3_server.version)
    made.configure_pool(f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/many"')
    write_flows(made)
    write_flow(made, "three", head="print('three is imported')")
    return made


def empty(folder: Path, server: PrefectServer) -> PrefectProject:
    root = folder / f"project-{folder.name[-6:].strip('_').lower()}"
    root.mkdir()
    return PrefectProject(root, server.api_url, server=server)


def write_flow(project: PrefectProject, name: str, *, limit: int = 1, head: str = "") -> None:
    project.write(
        f"flows/{name}.py",
        f"from prefect import flow\nimport helper\n{head}\n\n"
        f'@flow(name="{project.name}-{name}")\ndef {name}(limit: int = {limit}):\n'
        f"    return helper.WORD\n",
    )


def write_flows(project: PrefectProject) -> None:
    project.write("flows/helper.py", "WORD = 'hello'\n")
    for name in _GOOD:
        write_flow(project, name)
    # Found where the project is, and nowhere else.
    write_flow(
        project,
        "broken",
        head="import pathlib, importlib\n"
        "if not (pathlib.Path(__file__).parents[1] / 'flowtui.toml').exists():\n"
        "    importlib.import_module('nowhere_to_be_found')",
    )


def registered(project: PrefectProject) -> dict[str, dict[str, Any]]:
    """What the server has of this project's flows, by the last part of their names."""
    found: dict[str, dict[str, Any]] = {}
    for name in (*_GOOD, "broken"):
        wanted = {"flows": {"name": {"any_": [f"{project.name}-{name}"]}}}
        for each in project.ask("POST", "/deployments/filter", wanted):
            found[name] = each
    return found


def outcomes(ran: Ran) -> dict[str, str]:
    finished = ran.of("deploy_finished")
    return {each["flow"].rpartition("-")[2]: each["outcome"] for each in finished}


def test_one_that_cannot_run_keeps_no_other_from_being_registered(project: PrefectProject) -> None:
    first = project.run("plan", "--all", "--json")
    assert first.code == 10, first.stderr
    ran = project.deploy("--all")
    assert ran.code == 1, ran.stderr
    assert outcomes(ran) == {**dict.fromkeys(_GOOD, "done"), "broken": "failed"}
    assert set(registered(project)) == set(_GOOD)
    assert len({each["deploy"] for each in ran.of("planned")}) == 4

    good = [f"flows/{name}.py" for name in _GOOD]
    before = registered(project)
    assert project.run("plan", *good).code == 0
    again = project.deploy(*good)
    assert again.code == 0
    assert set(outcomes(again).values()) == {"unchanged"}
    now = registered(project)
    assert [now[name]["updated"] for name in _GOOD] == [before[name]["updated"] for name in _GOOD]

    write_flow(project, "two", limit=2)
    plan = project.run("plan", *good, "--json")
    assert plan.code == 10, plan.stderr
    lanes = {each["flow"].rpartition("-")[2]: each["lane"] for each in plan.of("plan")}
    assert lanes == {"one": "nothing to do", "two": "local storage", "three": "nothing to do"}
    (changed,) = [each for each in plan.of("plan") if each["lane"] == "local storage"]
    limit = next(each for each in changed["changes"] if each["name"] == "limit")
    assert (limit["before"], limit["after"]) == ("integer, default 1", "integer, default 2")
    words = project.run("deploy", *good)
    assert words.code == 0, words.stderr
    assert "2 unchanged, 1 done" in words.stderr
    assert "OUTCOME" in words.stdout


def test_one_image_for_all_built_and_pushed_once(
    in_images: PrefectProject, docker_engine: RunningEngine
) -> None:
    project = in_images
    ran = project.deploy("--all")
    assert ran.code == 1, ran.stderr
    assert outcomes(ran) == {**dict.fromkeys(_GOOD, "done"), "broken": "failed"}
    now = registered(project)
    assert set(now) == set(_GOOD)
    images = {each["job_variables"]["image"] for each in now.values()}
    assert len(images) == 1, images
    built = {
        each["deploy"]
        for each in ran.of("log")
        if each["stage"] == "build" and "build context:" in each["text"]
    }
    assert len(built) == 1
    alone = {each["deploy"] for each in ran.of("log") if "looked at alone" in each["text"]}
    names = {each["deploy"]: each["flow"] for each in ran.of("deploy_finished")}
    assert {names[deploy].rpartition("-")[2] for deploy in alone} == {"broken"}
    printed = [names[each["deploy"]] for each in ran.of("log") if "is imported" in each["text"]]
    assert f"{project.name}-three" in printed
    (image,) = images
    name = image.partition("@")[0]
    tags = docker_engine.docker("images", name, "--format", "{{.Tag}}").split()
    assert len(set(tags) - {"<none>"}) == 1, tags
    listed = docker_engine.docker("run", "--rm", image, "ls", "flows").split()
    assert set(listed) >= {"one.py", "two.py", "three.py", "helper.py"}

    good = [f"flows/{name}.py" for name in _GOOD]
    alone = project.deploy("flows/one.py")
    assert alone.result["outcome"] == "unchanged", alone.stderr
    again = project.deploy(*good)
    assert set(outcomes(again).values()) == {"unchanged"}, again.stderr
    assert {n: d["updated"] for n, d in registered(project).items()} == {
        n: d["updated"] for n, d in now.items()
    }


def earlier(project: PrefectProject, name: str) -> list[dict[str, Any]]:
    listed = project.run("versions", "list", f"{project.name}-{name}", "--archived", "--json")
    return [each for each in json.loads(listed.stdout) if each["archived"]]


def test_a_deployment_goes_back_to_what_it_was_and_keeps_what_others_changed(
    project: PrefectProject,
) -> None:
    assert project.deploy("flows/one.py", "--description", "first").code == 0
    first = registered(project)["one"]
    write_flow(project, "one", limit=2)
    assert project.deploy("flows/one.py", "--description", "second").code == 0
    project.ask("PATCH", f"/deployments/{first['id']}", {"tags": ["by hand"], "paused": True})
    (version,) = earlier(project, "one")
    assert version["label"] == first["version"]

    look = project.run("versions", "roll-back", version["id"], "--dry-run", "--json")
    assert look.code == 10, look.stderr
    (way,) = look.of("roll_back")
    kept = {each["field"] for each in way["changes"] if each["kept"]}
    assert kept == {"tags", "paused"}, way
    assert set(way["fields"]) >= {"description", "parameter_openapi_schema", "version"}

    back = project.run("versions", "roll-back", version["id"], "--yes", "--json")
    assert back.code == 0, back.stderr
    now = registered(project)["one"]
    same = ("description", "version", "entrypoint", "pull_steps", "parameter_openapi_schema")
    assert {key: now[key] for key in same} == {key: first[key] for key in same}
    assert (now["tags"], now["paused"]) == (["by hand"], True)

    (undo,) = earlier(project, "one")
    exactly = project.run("versions", "roll-back", undo["id"], "--yes", "--exactly", "--json")
    assert exactly.code == 0, exactly.stderr
    undone = registered(project)["one"]
    assert (undone["description"], undone["tags"], undone["paused"]) == ("second", [], False)


def test_an_image_that_is_gone_stops_a_roll_back(
    in_images: PrefectProject, plain_registry: RunningRegistry
) -> None:
    project = in_images
    assert project.deploy("flows/one.py").code == 0
    first = registered(project)["one"]
    write_flow(project, "one", limit=2)
    assert project.deploy("flows/one.py").code == 0
    (version,) = earlier(project, "one")
    back = project.run("versions", "roll-back", version["id"], "--yes", "--json")
    assert back.code == 0, back.stderr
    now = registered(project)["one"]
    assert now["job_variables"]["image"] == first["job_variables"]["image"]

    (version,) = earlier(project, "one")
    host, _, rest = version["image"].partition("/")
    name, _, digest = rest.partition("@")
    assert host == plain_registry.host
    assert httpx.delete(f"http://{host}/v2/{name}/manifests/{digest}").status_code == 202
    gone = project.run("versions", "roll-back", version["id"], "--yes", "--json")
    assert gone.code == 5, gone.stderr
    assert "gone from the registry" in gone.result["reason"]
    assert registered(project)["one"]["updated"] == now["updated"]
