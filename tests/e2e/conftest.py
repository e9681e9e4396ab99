"""A project folder, the real binary, and the real parts around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.parts.base_images import prefect_image
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.engine import RunningEngine
from tests.parts.fixtures import (  # noqa: F401  (fixtures of these tests)
    docker_engine,
    password_registry,
    plain_registry,
    prefect2_server,
    prefect3_server,
    running_docker,
)
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry


@dataclass
class Ran:
    """A finished `flowtui` command."""

    code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def result(self) -> dict[str, Any]:
        """The last deploy's result."""
        return self.of("deploy_finished")[-1]

    @property
    def stages(self) -> dict[str, str]:
        """Outcome of each stage of the last deploy."""
        return {event["stage"]: event["outcome"] for event in self.of("stage_finished")}


@dataclass
class Project:
    """A folder with flows, deployed by the real binary to a real server."""

    root: Path
    api_url: str
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def configure(self, python: Path, storage: str = "", project: str = "My Project") -> None:
        """Write flowtui.toml; `storage` holds lines of the table [storage]."""
        self.write(
            "flowtui.toml",
            f'project = "{project}"\npython = "{python}"\n[storage]\n{storage}\n',
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flowtui", *arguments],
            cwd=self.root,
            env={**os.environ, "FLOWTUI_API_URL": self.api_url, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Ran:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        return Ran(process.returncode, out, err)

    def deploy(self, *arguments: str) -> Ran:
        """`flowtui deploy … --json`."""
        return self.run("deploy", *arguments, "--json")

    def interrupt_when(self, is_moment: Any, *arguments: str) -> Ran:
        """Deploy, and press Ctrl-C at the first event that `is_moment`."""
        process = self.start("deploy", *arguments, "--json")
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if is_moment(json.loads(line)):
                break
        else:
            pytest.fail(f"the moment never came: {lines[-3:]} {process.communicate()[1]}")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return Ran(process.returncode, "".join(lines) + out, err)

    def versions(self, name: str) -> list[dict[str, Any]]:
        """What the server holds, read by GraphQL and not through flowtui's client. Oldest first."""
        import httpx

        query = (
            "query($n: String) { flow(where: {name: {_eq: $n}}, order_by: {version: asc}) "
            "{ id name version archived serialized_flow storage project { name } } }"
        )
        answer = httpx.post(self.api_url, json={"query": query, "variables": {"n": name}})
        return answer.json()["data"]["flow"]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with embedded_server(tmp_path_factory.mktemp("server") / "server.sqlite") as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own: empty, and may be stopped."""
    with embedded_server(tmp_path / "server.sqlite") as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, server: RunningServer) -> Project:
    """An empty project folder; “My Project” exists on the server."""
    root = tmp_path / "project"
    root.mkdir()
    made = Project(root, server.url)
    assert made.run("projects", "create", "My Project").code == 0
    return made


def store_in_docker(
    project: Project,
    engine: RunningEngine,
    registry: RunningRegistry,
    python: Path,
    *,
    namespace: str,
) -> None:
    """Make a project of Prefect 1.4.1 whose images are built and pushed."""
    base = prefect_image(engine, "1.4.1")
    where = f"{registry.host}/{namespace}"
    project.configure(python, f'base_image = "{base}"\nregistry_url = "{where}"')


@pytest.fixture
def python_141() -> Path:
    return prefect_python("1.4.1")


@pytest.fixture
def python_061() -> Path:
    return prefect_python("0.6.1")
