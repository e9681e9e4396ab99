"""From a login to a deployed flow by keys alone: real keyring, server, engine and registry."""

from __future__ import annotations

import sys
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
from tests.parts.keyring_service import KeyringHome, keyring_home
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry
from tests.tui.terminal import Terminal, short_folder, terminal

pytestmark = pytest.mark.real

TOKEN = "a-token-of-the-guarded-server-7"
FLOW = """\
from prefect import Flow, task


@task
def greet():
    return "hello"


with Flow("greeter") as flow:
    greet()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with embedded_server(tmp_path / "server.sqlite", token=TOKEN) as running:
        yield running


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyringHome:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    return keyring_home(tmp_path / "home")


@pytest.fixture
def project(
    tmp_path: Path,
    server: RunningServer,
    docker_engine: RunningEngine,  # noqa: F811
    plain_registry: RunningRegistry,  # noqa: F811
) -> Project:
    made = Project(tmp_path / "project", server.url)
    made.write("flow.py", FLOW)
    made.configure(
        prefect_python("1.4.1"),
        f'base_image = "{prefect_image(docker_engine, "1.4.1")}"\n'
        f'registry_url = "{plain_registry.host}/login"',
    )
    return made


def test_from_login_to_a_deployed_flow_and_back_with_the_kept_token(
    project: Project, keyring: KeyringHome, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    with app_on(project, keyring, raw) as screen:
        screen.wait("token needed")
        screen.keys("5")
        screen.wait("Profiles")
        screen.keys("i")
        screen.wait("Token for")
        screen.type(TOKEN)
        screen.keys("Enter")
        screen.wait("Where is it kept?", "keyring of this computer")
        screen.keys("Enter")
        screen.wait("connected", "keyring")
        screen.keys("Escape")
        screen.wait("not deployed", "greeter")

        screen.keys("Enter")
        screen.wait("docker image", "There is no project “My Project” yet")
        screen.keys("Enter")
        screen.wait("greeter: version 1 is registered in My Project")
        screen.keys("C-q")
        screen.wait("EXIT CODE 0")

    with app_on(project, keyring, raw) as screen:
        screen.wait("connected", "up to date", "v1")
        screen.keys("C-q")
        screen.wait("EXIT CODE 0")
    assert TOKEN.encode() not in raw.read_bytes()


@contextmanager
def app_on(project: Project, keyring: KeyringHome, raw: Path) -> Iterator[Terminal]:
    """The app with this keyring; what it writes to the terminal goes to `raw` as well."""
    command = keyring.command(sys.executable, "-m", "flowtui", ".")
    environment = {"HOME": str(keyring.path), "FLOWTUI_API_URL": project.api_url}
    with (
        short_folder() as folder,
        terminal(command, folder=folder, cwd=project.root, environment=environment) as screen,
    ):
        screen.tmux("pipe-pane", "-t", "app", f"cat >> {raw}")
        yield screen
