"""The server in-process: an executor over a fresh database, SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowtui.server.database import Database, open_database
from flowtui.server.execute import Executor, Request
from flowtui.server.operations import Caller
from tests.parts.postgres import PostgresServer, postgres_server


@dataclass(frozen=True)
class Api:
    """Asks an executor as a client would, without HTTP."""

    executor: Executor

    def answer(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.executor.answer(Request(query, variables or {}), Caller())

    def data(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        answer = self.answer(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def error(self, query: str, variables: Mapping[str, Any] | None = None) -> str:
        """The one error's message."""
        (error,) = self.answer(query, variables)["errors"]
        return error["message"]

    def mutate(self, name: str, given: Mapping[str, Any], wanted: str = "id") -> Any:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {wanted} }} }}"
        return self.data(query, {"input": given})[name]

    def refused(self, name: str, given: Mapping[str, Any], wanted: str = "id") -> str:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {wanted} }} }}"
        return self.error(query, {"input": given})

    def project(self, name: str = "proj") -> str:
        return self.mutate("create_project", {"name": name})["id"]

    def flow(self, project_id: str, name: str = "flow", **given: Any) -> str:
        """Register a flow with the tasks x → add → show; keywords go beside or into it."""
        document = serialized_flow(name, **given.pop("document", {}))
        wanted = {"project_id": project_id, "serialized_flow": document, **given}
        return self.mutate("create_flow", wanted)["id"]

    def run(self, flow_id: str, **given: Any) -> str:
        return self.mutate("create_flow_run", {"flow_id": flow_id, **given})["id"]

    def row(self, table: str, row_id: str, wanted: str) -> Any:
        return self.data(f'{{{table}_by_pk(id: "{row_id}") {{{wanted}}}}}')[f"{table}_by_pk"]


def serialized_flow(name: str = "flow", **changes: Any) -> dict[str, Any]:
    def task(slug: str) -> dict[str, Any]:
        kind = "prefect.tasks.core.function.FunctionTask"
        return {"name": slug, "slug": slug, "type": kind, "max_retries": 2, "retry_delay": 90}

    def edge(upstream: str, downstream: str, *, mapped: bool = False) -> dict[str, Any]:
        return {
            "upstream_task": {"slug": upstream},
            "downstream_task": {"slug": downstream},
            "key": "value",
            "mapped": mapped,
        }

    return {
        "name": name,
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [{"name": "x", "slug": "x", "default": 1, "required": False}],
        "tasks": [task("x"), task("add"), task("show")],
        "edges": [edge("x", "add"), edge("add", "show", mapped=True)],
        "reference_tasks": [],
        "environment": None,
        "run_config": None,
        "storage": {"type": "Local"},
        "__version__": "1.4.1",
        **changes,
    }


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)],
)
def new_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Path | str]:
    """Makes addresses of empty databases: files, and PostgreSQL's URLs."""
    if request.param == "sqlite":
        return lambda: tmp_path_factory.mktemp("database") / "server.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database


@pytest.fixture
def database_address(new_address: Callable[[], Path | str]) -> Path | str:
    return new_address()


@pytest.fixture
def database(database_address: Path | str) -> Iterator[Database]:
    opened = open_database(database_address)
    yield opened
    opened.close()


@pytest.fixture
def api(database: Database) -> Api:
    return Api(Executor(database))
