"""Docker storage by keys alone: the real binary at 80x24, a real engine, registry and server."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.parts.base_images import prefect_image
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.engine import RunningEngine
from tests.parts.fixtures import (  # noqa: F401  (fixtures of these tests)
    docker_engine,
    plain_registry,
    running_docker,
)
from tests.parts.holding_proxy import holding_proxy
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry, free_port
from tests.tui.terminal import Terminal, terminal

pytestmark = pytest.mark.real

APP = (sys.executable, "-m", "flowtui", ".")
FLOW = """\
from prefect import Flow, task

from helpers.words import greeting


@task
def greet():
    return greeting()


with Flow("greeter") as flow:
    greet()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with embedded_server(tmp_path / "server.sqlite") as running:
        yield running


@pytest.fixture
def project(
    tmp_path: Path,
    server: RunningServer,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> Project:
    """A flow with a helper module, deployed to a real registry; its project does not exist yet."""
    root = tmp_path / "project"
    root.mkdir()
    made = Project(root, server.url)
    made.write("flow.py", FLOW)
    made.write("helpers/__init__.py", "")
    made.write("helpers/words.py", "def greeting():\n    return 'hello'\n")
    configure(made, docker_engine, f"{plain_registry.host}/tui")
    return made


def configure(
    project: Project, engine: RunningEngine, registry_url: str, *more: str, base: str = ""
) -> None:
    base = base or prefect_image(engine, "1.4.1")
    lines = (f'base_image = "{base}"', f'registry_url = "{registry_url}"', *more)
    project.configure(prefect_python("1.4.1"), "\n".join(lines))


@contextmanager
def app_on(project: Project) -> Iterator[Terminal]:
    """The app in a terminal, connected, with the flow's row on the screen."""
    folder = Path(tempfile.mkdtemp(prefix="ftui"))
    environment = {"FLOWTUI_API_URL": project.api_url, **project.environment}
    try:
        with terminal(APP, folder=folder, cwd=project.root, environment=environment) as screen:
            screen.wait("connected", "not deployed  greeter")
            yield screen
            screen.keys("C-q")
            screen.wait("EXIT CODE 0")
    finally:
        shutil.rmtree(folder)


def plan_and_deploy(screen: Terminal) -> None:
    screen.keys("Enter")
    screen.wait("docker image", "Enter creates it and deploys")
    screen.keys("Enter")


def no_container_is_left(engine: RunningEngine, mark: str) -> None:
    """The engine removes the container of a build step once it sees the client gone."""
    deadline = time.monotonic() + 60
    while engine.containers(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine.containers(mark) == []


def test_from_the_plan_to_a_pushed_digest_and_again_from_the_history(
    project: Project,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> None:
    with app_on(project) as screen:
        screen.keys("Enter")
        shown = screen.wait("docker image", "There is no project “My Project” yet")
        assert "Enter creates it and deploys" in shown
        screen.keys("3")
        screen.wait(f"FROM {prefect_image(docker_engine, '1.4.1')}", "COPY")
        screen.keys("4")
        screen.wait("src/helpers/words.py", "flow/greeter.prefect", "go to the engine")
        assert project.versions("greeter") == []

        screen.keys("Enter")
        shown = screen.wait("greeter: version 1 is registered in My Project")
        (version,) = project.versions("greeter")
        digest = re.search(r"sha256:[0-9a-f]{64}", shown)
        assert digest is not None, shown
        storage = version["storage"]
        image = f"{storage['registry_url']}/{storage['image_name']}:{storage['image_tag']}"
        assert "".join(image.split()) in "".join(shown.split())
        pushed = docker_engine.docker("image", "inspect", "-f", "{{.RepoDigests}}", image)
        assert digest.group() in pushed

        for key, words in (
            ("2", ("Log: build", "Step", "Successfully tagged")),
            ("3", ("Log: health check", "greeter")),
            ("4", ("Log: push", digest.group())),
            ("1", ("Log: serialize", "created project “My Project”")),
        ):
            screen.keys(key)
            screen.wait(*words)
        screen.keys("Escape")
        screen.wait("✓ up to date", "v1", "tasks", "1 Projects (1)")

    folder = Path(tempfile.mkdtemp(prefix="ftui"))
    environment = {"FLOWTUI_API_URL": project.api_url}
    with terminal(APP, folder=folder, cwd=project.root, environment=environment) as screen:
        screen.wait("✓ up to date")
        screen.keys("4")
        screen.wait("✓ done", "greeter", "v1")
        screen.keys("Enter")
        screen.wait("greeter: version 1 is registered in My Project", digest.group())
        screen.keys("2")
        screen.wait("Log: build", "Successfully tagged")
        screen.keys("C-q")
        screen.wait("EXIT CODE 0")
    shutil.rmtree(folder)


def test_a_package_missing_in_the_image_is_told_with_what_to_do(
    project: Project,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> None:
    configure(
        project,
        docker_engine,
        f"{plain_registry.host}/tui",
        'python_dependencies = ["prefect==1.4.1"]',
    )
    used = FLOW.replace("from helpers", "import xmissingx\nfrom helpers")
    project.write("flow.py", used.replace("greeting()\n", "greeting(), xmissingx.VALUE\n"))
    paths = (str(project.root.parent / "elsewhere"), os.environ.get("PYTHONPATH"))
    project.environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    project.write("../elsewhere/xmissingx.py", "VALUE = 1\n")
    with app_on(project) as screen:
        plan_and_deploy(screen)
        shown = screen.wait("✗ failed", "xmissingx", "Nothing was registered")
        assert "where" in shown
        assert "next" in shown
        assert "Log: health check" in shown
        assert project.versions("greeter") == []
        screen.keys("Escape")
        screen.wait("[Info]", "xmissingx")


def test_cancel_while_the_image_is_built(
    project: Project,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> None:
    configure(
        project,
        docker_engine,
        f"{plain_registry.host}/tui",
        'extra_dockerfile_commands = ["RUN sleep 71234"]',
    )
    with app_on(project) as screen:
        plan_and_deploy(screen)
        shown = screen.wait("Log: build", "RUN sleep 71234", "Running in", "━")
        assert re.search(r"\d+ of \d+ steps", shown), shown
        screen.keys("Escape")
        screen.wait("● build", "1 deploying")
        screen.keys("Enter")
        screen.wait("Log: build")
        screen.keys("C-x")
        shown = screen.wait("cancelled", "nothing was registered", "Log: build")
        no_container_is_left(docker_engine, "sleep 71234")
        assert project.versions("greeter") == []
        configure(project, docker_engine, f"{plain_registry.host}/tui")
        screen.keys("Escape")
        screen.wait("2 Flows", "not deployed")


def test_cancel_while_the_image_is_pushed_then_deploy(
    project: Project,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> None:
    port = int(plain_registry.host.rpartition(":")[2])
    with holding_proxy(port, b"/blobs/uploads/") as proxy:
        configure(project, docker_engine, f"127.0.0.1:{proxy.port}/held")
        with app_on(project) as screen:
            plan_and_deploy(screen)
            screen.wait("Log: push", "running")
            assert proxy.held.wait(30)
            screen.keys("C-x")
            screen.wait("cancelled", "nothing was registered", "Log: push")
            assert project.versions("greeter") == []
            no_container_is_left(docker_engine, "greeter")
            screen.keys("?")
            screen.wait("Keys ─")
            screen.keys("Escape")
            screen.wait_gone("Keys ─")


def test_a_registry_that_is_not_there_is_told_before_anything_is_built(
    project: Project,
    docker_engine: RunningEngine,  # noqa: F811
) -> None:
    port = free_port()
    configure(project, docker_engine, f"127.0.0.1:{port}/x")
    with app_on(project) as screen:
        plan_and_deploy(screen)
        shown = screen.wait("✗ failed", f"127.0.0.1:{port}", "next", "Nothing was registered")
        assert "2 build" in shown
        assert "· not run" in shown
        assert project.versions("greeter") == []
