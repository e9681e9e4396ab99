"""Unmodified Prefect 0.6.1, 0.15.13 and 1.4.1 against the server as a process, with only their API
address and token configured."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.prefects import client_environment, prefect_python

pytestmark = pytest.mark.real

CLIENTS = Path(__file__).parent / "clients"
TOKEN = "the-token-of-these-tests"
_SECONDS = 180


@dataclass(frozen=True)
class Client:
    """An old Prefect with a home of its own."""

    python: Path
    environment: dict[str, str]
    home: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def cli(self, *arguments: str | Path) -> str:
        """What `prefect …` printed; it must have worked."""
        done = self.run(self.python.parent / "prefect", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def script(self, name: str) -> dict[str, Any]:
        done = self.run(self.python, CLIENTS / name, self.home / "flows")
        assert done.returncode == 0, done.stdout + done.stderr
        (found,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
        return json.loads(found.removeprefix("FOUND "))


def client_of(version: str, url: str, token: str | None, home: Path) -> Client:
    home.mkdir(parents=True, exist_ok=True)
    python = prefect_python(version)
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        **client_environment(version, url, token),
    }
    return Client(python, environment, home)


@pytest.fixture(scope="module", params=["with token", "without token"])
def token(request: pytest.FixtureRequest) -> str | None:
    return TOKEN if request.param == "with token" else None


@pytest.fixture(scope="module")
def server(token: str | None) -> Iterator[RunningServer]:
    with embedded_server(token=token) as running:
        yield running
        log = running.log.read_text()
        assert "Traceback" not in log, log


def ask(server: RunningServer, query: str, token: str | None = TOKEN) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.post(server.url, json={"query": query}, headers=headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


def flow(server: RunningServer, flow_id: str) -> dict[str, Any]:
    query = f"""{{flow_by_pk(id: "{flow_id}") {{ name version archived serialized_flow
        is_schedule_active tasks {{slug}} edges {{key}} }}}}"""
    return ask(server, query)["flow_by_pk"]


def test_prefect_061(server: RunningServer, token: str | None, tmp_path: Path) -> None:
    client = client_of("0.6.1", server.url, token, tmp_path / "home")
    assert "Login successful" in client.cli("auth", "login", "--token", token or "none")
    found = client.script("deploy_061.py")
    assert found["prefect"] == "0.6.1"
    assert "Uniqueness violation" in found["again"]
    assert "no such project" in found["missing"]

    first, second = flow(server, found["first"]), flow(server, found["second"])
    assert (first["version"], first["archived"]) == (1, True)
    assert (second["version"], second["archived"]) == (2, False)
    assert normal(second["serialized_flow"]) == normal(found["serialized"])
    assert len(second["tasks"]) == 4
    assert len(second["edges"]) == 3
    assert flow(server, found["plain"])["is_schedule_active"]

    assert found["same_run"] == found["run"]
    slugs = sorted(task["slug"] for task in found["serialized"]["tasks"])
    assert found["info"] == {
        "parameters": {"x": 5},
        "context": {"camelKey": {"innerKey": 1}},
        "version": 1,
        "state": "Scheduled",
        "scheduled_start_time": "2030-01-01T00:00:00+00:00",
        "slugs": slugs,
    }

    assert words(client.cli("get", "projects"), "proj 061")[0] == "2"
    flows = client.cli("get", "flows", "--project", "proj 061")
    assert words(flows, "two task")[:3] == ["2", "proj", "061"]
    assert words(flows, "plain flow")[:3] == ["1", "proj", "061"]
    every = client.cli("get", "flows", "--name", "two task", "--all-versions")
    assert every.count("two task") == 2
    assert "FunctionTask" in client.cli("get", "tasks", "--flow-name", "two task")
    described = json.loads(client.cli("describe", "flows", "--name", "two task"))
    assert described["storage"]["type"] == "Local"
    assert '"slug": "x"' in client.cli("describe", "tasks", "--name", "two task")
    started = client.cli("run", "cloud", "--name", "two task", "--project", "proj 061")
    run_id = started.split(":")[1].strip()
    (run,) = ask(server, f'{{flow_run(where: {{id: {{_eq: "{run_id}"}}}}) {{name flow_id}}}}')[
        "flow_run"
    ]
    assert run["flow_id"] == found["second"]
    runs = client.cli("get", "flow-runs", "--flow", "two task")
    assert words(runs, run["name"])[:3] == ["two", "task", "Scheduled"]
    told = json.loads(client.cli("describe", "flow-runs", "--name", run["name"]))
    assert told["parameters"] == {"x": 1}


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
def test_prefect_1x(server: RunningServer, token: str | None, tmp_path: Path, version: str) -> None:
    project = f"proj {version}"
    client = client_of(version, server.url, token, tmp_path / "home")
    client.environment["TEST_PROJECT"] = project
    found = client.script("register_1x.py")
    assert found["prefect"] == version
    assert found["again"] == found["project"]
    assert found["deleted"] is True

    first, second = flow(server, found["first"]), flow(server, found["second"])
    assert (first["version"], first["archived"]) == (1, True)
    assert (second["version"], second["archived"]) == (2, False)
    assert found["third"] == found["second"]
    assert normal(second["serialized_flow"]) == normal(found["serialized"])
    assert [len(second["tasks"]), len(second["edges"])] == [3, 2]
    assert len(flow(server, found["wide"])["tasks"]) == 500
    assert flow(server, found["plain"])["serialized_flow"]["schedule"]["clocks"]

    assert found["same_run"] == found["labelled_run"]
    assert found["info"] == {
        "parameters": {"x": 5},
        "context": {"camelKey": {"innerKey": 1}},
        "version": 1,
        "slugs": ["add-1", "show-1", "x"],
    }
    assert found["state"] == "Scheduled"
    labelled = f'{{flow_run_by_pk(id: "{found["labelled_run"]}") {{labels name state}}}}'
    assert ask(server, labelled)["flow_run_by_pk"] == {
        "labels": ["zz"],
        "name": "named run",
        "state": "Cancelled",
    }

    assert "created" in client.cli("create", "project", f"cli {version}")
    projects = client.cli("get", "projects")
    assert words(projects, project)[0] == "4"
    assert words(projects, f"cli {version}")[0] == "0"
    flows = client.cli("get", "flows", "--project", project)
    assert words(flows, "two task")[0] == "2"
    assert found["second"] in flows
    assert "renamed" in client.cli("get", "flow-runs", "--project", project)
    assert "FunctionTask" in client.cli("get", "tasks", "--project", project)
    described = client.cli("describe", "flows", "--name", "two task", "--project", project)
    assert '"type": "Local"' in described
    tasks = client.cli("describe", "tasks", "--name", "two task", "--project", project)
    assert '"slug": "add-1"' in tasks
    told = client.cli("describe", "flow-runs", "--name", "renamed", "--flow-name", "two task")
    assert '"x": 5' in told
    assert "MESSAGE" in client.cli("get", "logs", "--id", found["run"])

    register = ("register", "--project", project, "--path", CLIENTS / "cli_flow.py")
    assert "1 registered" in client.cli(*register)
    assert "1 skipped" in client.cli(*register)
    assert "Version: 2" in client.cli(*register, "--force")
    started = client.cli(
        "run", "--name", "two task", "--project", project, "--param", "x=3", "--run-name", "by cli"
    )
    assert "by cli" in started
    if version == "0.15.13":
        started = client.cli("run", "flow", "--name", "two task", "--project", project)
        assert "Flow Run" in started


def normal(document: Any) -> Any:
    """A serialized flow with its lists, whose order is random up to 0.9, in one order."""
    if isinstance(document, dict):
        return {key: normal(value) for key, value in document.items()}
    if isinstance(document, list):
        return sorted((normal(item) for item in document), key=lambda item: json.dumps(item))
    return document


def words(table: str, first: str) -> list[str]:
    """The words of the row that starts with `first`, after it."""
    (row,) = [line for line in table.splitlines() if line.startswith(f"{first} ")]
    return row.removeprefix(first).split()


@pytest.mark.parametrize("version", ["0.6.1", "0.15.13", "1.4.1"])
def test_a_wrong_token_is_refused(
    server: RunningServer, token: str | None, tmp_path: Path, version: str
) -> None:
    client = client_of(version, server.url, "a-wrong-token-for-this", tmp_path / "home")
    script = "from prefect import Client; print(Client().graphql('query{project{id}}'))"
    done = client.run(client.python, "-c", script)
    if token is None:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 1
    expected = "ClientError" if version == "0.6.1" else "AuthorizationError"
    assert expected in done.stderr
    assert "UNAUTHENTICATED" in done.stderr


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
def test_logging_in_with_the_cli(tmp_path: Path, version: str) -> None:
    """The key is kept by the client itself; later commands find it."""
    with embedded_server(token=TOKEN) as server:
        client = client_of(version, server.url, TOKEN, tmp_path / "home")
        del client.environment["PREFECT__CLOUD__API_KEY"]
        prefect = client.python.parent / "prefect"
        assert client.run(prefect, "auth", "login", "--key", "wrong" * 5).returncode == 1
        assert client.run(prefect, "get", "projects").returncode == 1
        assert "Logged in" in client.cli("auth", "login", "--key", TOKEN)
        assert "default" in client.cli("auth", "list-tenants")
        assert "NAME" in client.cli("get", "projects")
