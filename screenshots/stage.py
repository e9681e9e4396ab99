"""What the pictures are taken of: real flows, a real engine and registry, a real agent."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parts.engine import RunningEngine

SAMPLES = Path(__file__).parents[1] / "flowtui" / "cli" / "demo_flows"
STAGE = Path("/tmp/flowtui-demo")
"""It is on the screens: the same on every machine."""
FLOW = "example-storage"
"""The sample flow of hello.py."""
SCHEDULED = "nightly load"
"""The sample flow of nightly.py."""
EMBEDDED_PORT = 4200


@dataclass(frozen=True)
class Docker:
    """What the project's settings say for Docker storage."""

    registry_url: str
    base_image: str


def free_port() -> int:
    """The embedded server's own, where it is free."""
    for port in (EMBEDDED_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("no port is free")


def virtual_environment() -> Path:
    """One that has Prefect 1.4.1."""
    chosen = os.environ.get("FLOWTUI_SCREENSHOT_VENV")
    if chosen:
        return Path(chosen).resolve()
    from tests.parts.prefects import prefect_venv

    return prefect_venv("1.4.1")


def docker_here(stack: ExitStack) -> Docker | None:
    """An engine, a registry and a base image, as the tests start them; None where they cannot."""
    from tests.parts.base_images import prefect_image
    from tests.parts.engine import running_engine
    from tests.parts.registry import running_registry

    try:
        engine = stack.enter_context(running_engine())
        registry = stack.enter_context(running_registry())
        engine.docker("tag", prefect_image(engine, "1.4.1"), "prefect:1.4.1-python3.11")
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        print(f"Local storage: {reason}")
        return None
    os.environ["DOCKER_HOST"] = engine.url
    # What an earlier run built would be there already: nothing to see.
    stack.callback(remove_images, engine)
    remove_images(engine)
    return Docker(f"{registry.host}/flows", "prefect:1.4.1-python3.11")


def remove_images(engine: RunningEngine) -> None:
    """The images of the sample flows, by where they were pushed to."""
    lines = engine.docker("images", "--format", "{{.Repository}} {{.ID}}").splitlines()
    ids = {line.split()[1] for line in lines if "/flows/" in line.split()[0]}
    if ids:
        engine.docker("rmi", "--force", *ids)


@contextmanager
def project_folder(docker: Docker | None) -> Iterator[Path]:
    """The sample flows, their virtual environment as the usual .venv, and a home beside them."""
    shutil.rmtree(STAGE, ignore_errors=True)
    project = STAGE / "flows"
    shutil.copytree(SAMPLES, project, ignore=shutil.ignore_patterns("__pycache__"))
    storage = 'type = "local"'
    if docker is not None:
        storage = f'registry_url = "{docker.registry_url}"\nbase_image = "{docker.base_image}"'
    (project / "flowtui.toml").write_text(
        f'project = "My Project"\n\n[storage]\n{storage}\n'
        # Prefect's local agent, which runs it, takes no Docker storage.
        f'\n[flows."{SCHEDULED}".storage]\ntype = "local"\n',
        encoding="utf-8",
    )
    (project / ".venv").symlink_to(virtual_environment(), target_is_directory=True)
    os.environ["FLOWTUI_HOME"] = str(STAGE / "home")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    # All colours, wherever the pictures are taken.
    os.environ["COLORTERM"] = "truecolor"
    yield project
    shutil.rmtree(STAGE)
