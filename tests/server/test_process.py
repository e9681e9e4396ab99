"""The server as a process: starting, refusing to start, stopping, being killed, and two at once."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.parts.control_plane import RunningServer, embedded_server, start_server, stop_server
from tests.parts.postgres import PostgresServer
from tests.server.conftest import serialized_flow

pytestmark = pytest.mark.real

TOKEN = "a-token-long-enough"


def ask(server: RunningServer, query: str, variables: Any = None) -> Any:
    body = {"query": query, "variables": json.dumps(variables)}
    answer = httpx.post(server.url, json=body, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def create_flow(server: RunningServer, project_id: str, name: str) -> str:
    wanted = {"project_id": project_id, "serialized_flow": serialized_flow(name)}
    query = "mutation($input: create_flow_input!) {create_flow(input: $input) {id}}"
    return ask(server, query, {"input": wanted})["create_flow"]["id"]


def create_project(server: RunningServer, name: str) -> str:
    query = f'mutation {{create_project(input: {{name: "{name}"}}) {{id}}}}'
    return ask(server, query)["create_project"]["id"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly(number: signal.Signals) -> None:
    with embedded_server() as server:
        ask(server, "{hello}")
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
        assert server.log.read_text() == ""


def test_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    database = tmp_path / "server.db"
    answered: list[str] = []
    server = start_server(database)
    enough = threading.Event()

    def write(number: int) -> None:
        try:
            for count in range(1000):
                answered.append(create_project(server, f"p{number}-{count}"))
                if len(answered) >= 60:
                    enough.set()
        except httpx.HTTPError:
            return

    try:
        with ThreadPoolExecutor(3) as pool:
            writers = [pool.submit(write, number) for number in range(3)]
            assert enough.wait(60)
            server.kill()
            for writer in writers:
                writer.result()
    finally:
        stop_server(server)
    with embedded_server(database) as again:
        found = {row["id"] for row in ask(again, "{project {id}}")["project"]}
    assert set(answered) <= found
    assert len(found) - len(answered) <= 3
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "server.db"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.new_database()


@pytest.fixture
def pair(shared_database: Path | str) -> Iterator[tuple[RunningServer, RunningServer]]:
    """Two servers, started at once, on one database that does not exist yet."""
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(start_server, [shared_database] * 2))
    yield started[0], started[1]
    for server in started:
        stop_server(server)


def test_two_processes_register_at_once(pair: tuple[RunningServer, RunningServer]) -> None:
    assert len(ask(pair[0], "{tenant {id}}")["tenant"]) == 1
    project = create_project(pair[0], "shared")
    together = threading.Barrier(4)

    def register(number: int) -> list[str]:
        together.wait()
        return [create_flow(pair[number % 2], project, "same") for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        ids = [flow for made in pool.map(register, range(4)) for flow in made]
    rows = ask(pair[1], "{flow(order_by: {version: asc}) {id version archived}}")["flow"]
    assert [row["version"] for row in rows] == list(range(1, 21))
    assert [row["archived"] for row in rows] == [True] * 19 + [False]
    assert {row["id"] for row in rows} == set(ids)


def test_files_are_the_owners_only(tmp_path: Path) -> None:
    database = tmp_path / "data" / "server.db"
    with embedded_server(database) as server:
        create_project(server, "a")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in database.parent.iterdir()}
    assert modes["server.db"] == 0o600
    assert all(mode == 0o600 for mode in modes.values())


def refusal(*arguments: Any, **named: Any) -> str:
    with pytest.raises(RuntimeError) as caught:
        stop_server(start_server(*arguments, **named))
    message = str(caught.value)
    assert "Traceback" not in message
    return message


def test_other_addresses_need_a_token(tmp_path: Path) -> None:
    database = tmp_path / "server.db"
    message = refusal(database, host="0.0.0.0")
    assert "needs a token" in message
    assert "FLOWTUI_SERVER_TOKEN" in message
    assert not database.exists()
    server = start_server(database, TOKEN, host="0.0.0.0")
    try:
        port = server.url.rpartition(":")[2]
        answer = httpx.post(f"http://127.0.0.1:{port}", json={"query": "{hello}"}).json()
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert TOKEN not in Path(f"/proc/{server.process.pid}/cmdline").read_text()
    finally:
        stop_server(server)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refusal(tmp_path / "server.db", port=port)
    assert f"port {port} is in use" in message
    assert "--port" in message


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    assert "cannot listen" in refusal(tmp_path / "server.db", TOKEN, host="192.0.2.1")
    assert "not an address" in refusal(tmp_path / "server.db", TOKEN, host="no.such.invalid")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "server.db"
    file.write_text("this is a diary, not a database\n" * 100)
    assert "not a database" in refusal(file)
    assert file.read_text().startswith("this is a diary")


def test_a_database_of_another_program_or_version(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE flow (id TEXT)")
    assert "another program" in refusal(file)
    newer = tmp_path / "newer.db"
    with embedded_server(newer):
        pass
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    assert "version 99" in refusal(newer)


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in refusal(tmp_path / "file" / "server.db")


def test_database_urls_that_lead_nowhere(postgres: PostgresServer) -> None:
    missing = f"postgresql://postgres@/nothing?host={postgres.socket_folder}"
    assert "does not exist" in refusal(missing)
    secret = f"postgresql://me:hunter22@/nothing?host={postgres.socket_folder}"
    assert "hunter22" not in refusal(secret)
    assert "mysql" in refusal("mysql://localhost/x")


def test_a_large_flow_goes_through(tmp_path: Path) -> None:
    """5,000 tasks in one request, and back."""
    kind = "prefect.tasks.core.function.FunctionTask"
    tasks = [{"name": f"t{n}", "slug": f"t{n}", "type": kind} for n in range(5000)]
    with embedded_server(tmp_path / "server.db") as server:
        project = create_project(server, "wide")
        wanted = {
            "project_id": project,
            "serialized_flow": serialized_flow("wide", tasks=tasks, edges=[]),
        }
        query = "mutation($input: create_flow_input!) {create_flow(input: $input) {id}}"
        ask(server, query, {"input": wanted})
        (flow,) = ask(server, "{flow {serialized_flow tasks {slug}}}")["flow"]
    assert flow["serialized_flow"]["tasks"] == tasks
    assert [task["slug"] for task in flow["tasks"]] == [task["slug"] for task in tasks]
