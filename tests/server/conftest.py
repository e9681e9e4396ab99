"""The server in-process: an executor over a fresh database, SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowtui.server.database import Database, open_database
from flowtui.server.execute import Executor, Request
from flowtui.server.operations import Caller
from flowtui.server.tables import now
from tests.parts.postgres import PostgresServer, postgres_server


class Clock:
    """The time of day of a server, put forward by hand."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment

    def go(self, **ahead: float) -> None:
        """`go(minutes=5)`"""
        self.moment += timedelta(**ahead)


@dataclass(frozen=True)
class Api:
    """Asks an executor as a client would, without HTTP."""

    executor: Executor
    caller: Caller = Caller()  # noqa: RUF009  (frozen)

    def sent_by(self, **caller: Any) -> Api:
        """The same as another client: `sent_by(core_version="1.4.1", agent_id=…)`"""
        return replace(self, caller=Caller(**caller))

    def answer(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.executor.answer(Request(query, variables or {}), self.caller)

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

    def set_flow_run(self, run_id: str, kind: str, **state: Any) -> None:
        given = {"flow_run_id": run_id, "state": {"type": kind, **state}}
        self.mutate("set_flow_run_states", {"states": [given]}, "states {id}")

    def set_task_run(self, run_id: str, kind: str, **state: Any) -> dict[str, Any]:
        """What is answered: `{"id": …, "status": …, "message": …}`"""
        given = {"task_run_id": run_id, "state": {"type": kind, **state}}
        wanted = "states {id status message}"
        return self.mutate("set_task_run_states", {"states": [given]}, wanted)["states"][0]

    def refused_state(self, run_id: str, kind: str, *, of: str = "flow", **state: Any) -> str:
        given = {f"{of}_run_id": run_id, "state": {"type": kind, **state}}
        return self.refused(f"set_{of}_run_states", {"states": [given]}, "states {id}")

    def task_run_ids(self, run_id: str) -> dict[str, str]:
        """The task runs of a flow run by their tasks' slugs, mapped children left out."""
        wanted = "task_runs(where: {map_index: {_eq: -1}}) {id task {slug}}"
        rows = self.row("flow_run", run_id, wanted)["task_runs"]
        return {row["task"]["slug"]: row["id"] for row in rows}

    def queue(self, **given: Any) -> list[str]:
        return self.mutate("get_runs_in_queue", given, "flow_run_ids")["flow_run_ids"]

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
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(database: Database, clock: Clock) -> Api:
    return Api(Executor(database, clock=clock))
