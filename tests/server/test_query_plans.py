"""What is asked all the time takes its rows from an index, whatever the size of the tables.

SQLite's plans; `benchmarks/server_size.py` measures what they cost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from flowtui.server.database import open_database
from flowtui.server.execute import Executor
from tests.server.conftest import Api

NEWEST = "order_by: {scheduled_start_time: desc, created: desc}, limit: 50"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


@pytest.fixture
def api(path: Path) -> Iterator[Api]:
    database = open_database(path)
    yield Api(Executor(database))
    database.close()


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Everything that is sent to any database."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        seen.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plans(path: Path, seen: list[tuple[str, Any]], table: str) -> list[str]:
    """How SQLite goes about the queries that read this table first."""
    with sqlite3.connect(path) as raw:
        return [
            "; ".join(step[3] for step in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))
            for statement, values in seen
            if statement.startswith("SELECT") and f"FROM {table} " in statement.replace("\n", " ")
        ]


@pytest.mark.parametrize(
    ("query", "table", "index"),
    [
        (f"flow_run({NEWEST}) {{id}}", "flow_run", "ix_flow_run_planned"),
        (
            f'flow_run(where: {{flow: {{id: {{_eq: "{"0" * 32}"}}}}}}, {NEWEST}) {{id}}',
            "flow_run",
            "ix_flow_run_flow_planned",
        ),
        (
            f'flow_run(where: {{state: {{_eq: "Failed"}}}}, {NEWEST}) {{id}}',
            "flow_run",
            "ix_flow_run_state_planned",
        ),
        (
            f'flow_run(where: {{state: {{_in: ["Failed", "Success"]}}}}, {NEWEST}) {{id}}',
            "flow_run",
            "ix_flow_run_state_planned",
        ),
        (
            "flow_run(where: {start_time: {_is_null: false}, flow: {name: {_in: ["
            + ", ".join(f'"{number}"' for number in range(50))
            + "]}}}, order_by: {start_time: desc}, limit: 100) {id}",
            "flow_run",
            "ix_flow_run_started",
        ),
    ],
)
def test_a_page_of_runs_comes_from_an_index(
    api: Api, path: Path, query: str, table: str, index: str
) -> None:
    with statements() as seen:
        api.data(f"{{{query}}}")
    (plan,) = plans(path, seen, table)
    assert f"INDEX {index}" in plan
    # Only rows that are equal so far are sorted, or the few pages of several values.
    sorted_whole = plan.count("USE TEMP B-TREE FOR ORDER BY")
    assert sorted_whole == ("LIST SUBQUERY" in plan and "UNION ALL" in plan)


def test_runs_of_a_flow_by_its_name_start_from_the_flow(api: Api, path: Path) -> None:
    with statements() as seen:
        api.data(f'{{flow_run(where: {{flow: {{name: {{_eq: "x"}}}}}}, {NEWEST}) {{id}}}}')
    (plan,) = plans(path, seen, "flow_run")
    assert "SEARCH flow_run USING INDEX" in plan
    assert "(flow_id=?)" in plan
    assert "INDEX ix_flow_name (name=?)" in plan


def test_a_page_of_a_log_is_read_in_its_order(api: Api, path: Path) -> None:
    run = api.run(api.flow(api.project()))
    logs = 'logs(where: {timestamp: {_gte: "2026-01-01"}}, order_by: {timestamp: asc}, limit: 9)'
    with statements() as seen:
        api.row("flow_run", run, f"{logs} {{message}}")
    (plan,) = plans(path, seen, "log")
    assert "SEARCH log USING INDEX ix_log_flow_run_time (flow_run_id=? AND timestamp>?)" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


def test_a_poll_looks_at_what_is_due_only(api: Api, path: Path) -> None:
    with statements() as seen:
        api.mutate("get_runs_in_queue", {"labels": []}, "flow_run_ids")
    (plan,) = plans(path, seen, "flow_run")
    assert "INDEX ix_flow_run_queue (state=? AND state_start_time<?)" in plan
    assert "SCAN flow_run" not in plan


def test_lines_are_written_by_a_few_statements(api: Api, path: Path) -> None:
    run = api.run(api.flow(api.project()))
    lines = [{"flow_run_id": run, "message": str(number)} for number in range(500)]
    with statements() as seen:
        api.mutate("write_run_logs", {"logs": lines}, "success")
    assert len(seen) < 6
