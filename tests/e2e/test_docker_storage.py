"""From a flow file to a registered version that is proven to run, through a real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_GUIDE_061 = """
from prefect import Flow, task, Parameter
from prefect.environments import RemoteEnvironment
from prefect.environments.storage import Docker

@task
def add(x, y):
    return x + y

with Flow(
    "example-env",
    environment=RemoteEnvironment(executor="prefect.engine.executors.LocalExecutor"),
    storage=Docker(registry_url="{registry}"),
) as f:
    x = Parameter("x", default=1)
    add(x, 2)
"""

_FLOW_141 = """
from prefect import Flow, task
from helpers.words import greeting

@task
def greet():
    return greeting()

with Flow("greeter") as flow:
    greet()
"""

_UNPICKLE = """
import json, sys
try:
    from prefect.utilities.storage import flow_from_bytes_pickle as load
except ImportError:
    from cloudpickle import loads as load
with open(sys.argv[1], "rb") as file:
    flow = load(file.read())
print(json.dumps(flow.serialize(build=False)))
"""


def _flow_in_image(engine: RunningEngine, image: str, path: str) -> object:
    """What the flow in a pushed image serializes to, by its own Prefect, pulled by digest."""
    return json.loads(engine.docker("run", "--rm", image, "python", "-c", _UNPICKLE, path))


def _sorted(value: object) -> object:
    """Prefect writes lists from sets: the order of tasks, edges and clocks means nothing."""
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(
            (_sorted(each) for each in value), key=lambda v: json.dumps(v, sort_keys=True)
        )
    return value


def test_the_guides_061_flow_goes_all_the_way(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_061: Path,
) -> None:
    base = prefect_image(docker_engine, "0.6.1")
    project.configure(python_061, f'base_image = "{base}"')
    project.write("flow.py", _GUIDE_061.format(registry=plain_registry.host))

    ran = project.deploy("flow.py")

    assert ran.code == 0, ran.stderr
    assert set(ran.stages.values()) == {"done"}
    (version,) = project.versions("example-env")
    image, digest = ran.result["image"], ran.result["digest"]
    assert version["storage"]["registry_url"] == plain_registry.host
    assert version["serialized_flow"]["environment"]["executor"] == (
        "prefect.engine.executors.LocalExecutor"
    )
    docker_engine.docker("rmi", "--force", image)
    pushed = f"{image.rpartition(':')[0]}@{digest}"
    path = version["storage"]["flows"]["example-env"]
    assert _sorted(_flow_in_image(docker_engine, pushed, path)) == _sorted(
        version["serialized_flow"]
    )
    assert docker_engine.containers(ran.result["deploy"]) == []


def test_a_141_flow_with_a_helper_and_a_second_deploy_without_a_change(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    base = prefect_image(docker_engine, "1.4.1")
    project.configure(
        python_141, f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/team"'
    )
    project.write("flow.py", _FLOW_141)
    project.write("helpers/__init__.py", "")
    project.write("helpers/words.py", "def greeting():\n    return 'hello'\n")

    first = project.deploy("flow.py")
    assert first.code == 0, first.stderr
    (version,) = project.versions("greeter")
    image, digest = first.result["image"], first.result["digest"]
    docker_engine.docker("rmi", "--force", image)
    pushed = f"{image.rpartition(':')[0]}@{digest}"
    in_image = _flow_in_image(docker_engine, pushed, version["storage"]["flows"]["greeter"])
    assert _sorted(in_image) == _sorted(version["serialized_flow"])

    again = project.deploy("flow.py")
    assert again.code == 0, again.stderr
    assert again.result["outcome"] == "unchanged"
    assert again.stages["build"] == again.stages["push"] == again.stages["register"] == "skipped"
    assert "made from exactly this input" in again.result["reason"]
    assert len(project.versions("greeter")) == 1

    project.write("helpers/words.py", "def greeting():\n    return 'good day'\n")
    changed = project.deploy("flow.py")
    assert changed.code == 0, changed.stderr
    assert changed.result["version"] == 2
    assert changed.result["image"] != image

    project.write("helpers/words.py", "def greeting():\n    return 'hello'\n")
    back = project.deploy("flow.py")
    assert back.code == 0, back.stderr
    assert (back.result["version"], back.result["image"]) == (3, image)
    assert back.stages["build"] == "skipped"
    assert [v["archived"] for v in project.versions("greeter")] == [True, True, False]


def test_an_image_gone_from_the_registry_is_built_again(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    import httpx

    base = prefect_image(docker_engine, "1.4.1")
    project.configure(
        python_141, f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/gone"'
    )
    project.write("flow.py", "from prefect import Flow\nf = Flow('short lived')\n")
    first = project.deploy("flow.py")
    assert first.code == 0, first.stderr
    name = first.result["image"].removeprefix(f"{plain_registry.host}/").rpartition(":")[0]
    url = f"http://{plain_registry.host}/v2/{name}/manifests/{first.result['digest']}"
    assert httpx.delete(url).status_code == 202

    again = project.deploy("flow.py")
    assert again.code == 0, again.stderr
    assert again.result["outcome"] == "done"
    assert "gone from the registry" in again.of("planned")[0]["reasons"][0]


def test_no_push_keeps_the_image_in_the_engine_and_registers_it(
    project: Project, docker_engine: RunningEngine, python_141: Path
) -> None:
    base = prefect_image(docker_engine, "1.4.1")
    project.configure(python_141, f'base_image = "{base}"')
    project.write("flow.py", "from prefect import Flow\nf = Flow('kept here')\n")
    ran = project.deploy("flow.py", "--no-push")
    assert ran.code == 0, ran.stderr
    assert ran.stages["push"] == "skipped"
    (version,) = project.versions("kept here")
    assert version["storage"]["registry_url"] is None
    assert docker_engine.docker("images", "--quiet", ran.result["image"])


def test_a_dry_run_builds_nothing_and_shows_everything(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    base = prefect_image(docker_engine, "1.4.1")
    project.configure(python_141, f'registry_url = "{plain_registry.host}"')
    project.write("flow.py", _FLOW_141)
    project.write("helpers/words.py", "def greeting():\n    return 'hello'\n")
    before = set(docker_engine.docker("images", "--quiet", "--all").split())
    ran = project.deploy("flow.py", "--dry-run", "--base-image", base)
    assert ran.code == 0, ran.stderr
    (plan,) = ran.of("plan")
    assert plan["settings"]["base_image"] == {"value": base, "origin": "command line"}
    assert plan["settings"]["registry_url"]["origin"] == "project file"
    assert plan["dockerfile"].startswith(f"FROM {base}\n")
    assert {file["path"] for file in plan["context"]} == {
        "Dockerfile",
        "flow/greeter.prefect",
        "src/helpers/words.py",
    }
    assert set(docker_engine.docker("images", "--quiet", "--all").split()) == before
    assert project.versions("greeter") == []


def test_secrets_of_the_project_never_reach_the_engine(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    """With a Dockerfile of one's own the project folder is the context; the list still holds."""
    base = prefect_image(docker_engine, "1.4.1")
    project.configure(
        python_141, f'dockerfile = "Dockerfile"\nregistry_url = "{plain_registry.host}/own"'
    )
    project.write("Dockerfile", f"FROM {base}\nCOPY . /everything\n")
    project.write("flow.py", "from prefect import Flow\nf = Flow('own dockerfile')\n")
    project.write("data/table.csv", "1,2\n")
    project.write(".dockerignore", "ignored.txt\n")
    for name in (".env", "certs/server.pem", "id_rsa", "ignored.txt"):
        project.write(name, "SECRET-CONTENT\n")

    dry = project.deploy("flow.py", "--dry-run")
    assert dry.code == 0, dry.stdout
    (plan,) = dry.of("plan")
    assert {".env", "certs/server.pem", "id_rsa"} <= set(plan["never_sent"])
    ran = project.deploy("flow.py")
    assert ran.code == 0, ran.stdout
    found = docker_engine.docker(
        "run", "--rm", ran.result["image"], "python", "-c",
        "import os; print(sorted(f for _, _, fs in os.walk('/everything') for f in fs))",
    )  # fmt: skip
    assert "table.csv" in found
    for name in (".env", "server.pem", "id_rsa", "ignored.txt"):
        assert name not in found


def test_01513_goes_the_same_way(
    project: Project, docker_engine: RunningEngine, plain_registry: RunningRegistry
) -> None:
    base = prefect_image(docker_engine, "0.15.13")
    project.configure(
        prefect_python("0.15.13"), f'base_image = "{base}"\nregistry_url = "{plain_registry.host}"'
    )
    project.write("flow.py", _FLOW_141)
    project.write("helpers/words.py", "def greeting():\n    return 'hello'\n")

    ran = project.deploy("flow.py")

    assert ran.code == 0, ran.stdout
    (version,) = project.versions("greeter")
    in_image = _flow_in_image(
        docker_engine, ran.result["image"], version["storage"]["flows"]["greeter"]
    )
    assert _sorted(in_image) == _sorted(version["serialized_flow"])
