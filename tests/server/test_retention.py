"""Old runs and old log lines are deleted, others are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.server.database import Database
from flowtui.server.execute import Executor
from flowtui.server.services import retention
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from tests.server.conftest import Api
from tests.server.test_scheduler import scheduled_flow

pytestmark = pytest.mark.slow
DAY = timedelta(days=1)
TABLES = ("flow_run", "flow_run_state", "task_run", "task_run_state", "log", "task_run_artifact")


@pytest.fixture
def api(database: Database) -> Api:
    return Api(Executor(database))


def set_state(api: Api, run: str, kind: str) -> None:
    states = [{"flow_run_id": run, "state": {"type": kind, "message": ""}}]
    api.mutate("set_flow_run_states", {"states": states}, "states { id }")


def run_with_all(api: Api, flow: str, lines: int = 3) -> str:
    """A run with task runs, their states, an artifact, and log lines of both kinds."""
    run = api.run(flow)
    set_state(api, run, "Running")
    task_run = api.row("flow_run", run, "task_runs {id}")["task_runs"][0]["id"]
    states = [{"task_run_id": task_run, "state": {"type": "Running"}}]
    api.mutate("set_task_run_states", {"states": states}, "states { id }")
    artifact = {"task_run_id": task_run, "kind": "markdown", "data": {}}
    api.mutate("create_task_run_artifact", artifact)
    logs: list[dict[str, Any]] = [{"flow_run_id": run, "message": str(n)} for n in range(lines)]
    logs.append({"task_run_id": task_run, "message": "of the task"})
    api.mutate("write_run_logs", {"logs": logs}, "success")
    return run


def clean(database: Database, later: timedelta, **settings: timedelta) -> None:
    moment = datetime.now(UTC) + later
    retention.run_once(database, Round(moment, moment), ServiceSettings(**settings))


def count(api: Api, table: str) -> int:
    found = api.data(f"{{{table}_aggregate {{aggregate {{count}}}}}}")
    return found[f"{table}_aggregate"]["aggregate"]["count"]


def runs(api: Api) -> set[str]:
    return {row["id"] for row in api.data("{flow_run {id}}")["flow_run"]}


def test_nothing_is_deleted_unasked(api: Api, database: Database) -> None:
    run = run_with_all(api, api.flow(api.project()))
    set_state(api, run, "Success")
    clean(database, 10_000 * DAY)
    assert count(api, "log") == 4


def test_a_run_goes_with_all_that_belongs_to_it(api: Api, database: Database) -> None:
    flow = api.flow(api.project())
    run = run_with_all(api, flow)
    set_state(api, run, "Failed")
    clean(database, 6 * DAY, keep_runs=7 * DAY)
    assert runs(api) == {run}
    clean(database, 8 * DAY, keep_runs=7 * DAY)
    assert {table: count(api, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert api.row("flow", flow, "name") == {"name": "flow"}


def test_what_is_not_over_stays(api: Api, database: Database) -> None:
    flow = api.flow(api.project())
    running = run_with_all(api, flow)
    waiting = api.run(flow)
    clean(database, 100 * DAY, keep_runs=7 * DAY, keep_logs=DAY)
    assert runs(api) == {running, waiting}
    assert count(api, "log") == 4


def test_log_lines_can_go_sooner(api: Api, database: Database) -> None:
    run = run_with_all(api, api.flow(api.project()))
    set_state(api, run, "Success")
    clean(database, 3 * DAY, keep_runs=7 * DAY, keep_logs=2 * DAY)
    assert runs(api) == {run}
    assert count(api, "log") == 0
    assert count(api, "task_run") == 3


def test_planned_runs_that_no_agent_took_go_too(api: Api, database: Database) -> None:
    scheduled_flow(api)
    assert count(api, "flow_run") == 10
    clean(database, 5 * DAY, keep_runs=7 * DAY)
    assert count(api, "flow_run") == 10
    clean(database, 30 * DAY, keep_runs=7 * DAY)
    assert count(api, "flow_run") == 0


def test_large_runs_go_in_small_parts(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LINES_AT_ONCE", 10)
    monkeypatch.setattr(retention, "_TASK_RUNS_AT_ONCE", 2)
    flow = api.flow(api.project())
    for _ in range(3):
        set_state(api, run_with_all(api, flow, lines=24), "Success")
    sizes: list[int] = []
    write = database.write

    def counted(work: Any) -> Any:
        before = sum(count(api, table) for table in ("log", "task_run"))
        result = write(work)
        sizes.append(before - sum(count(api, table) for table in ("log", "task_run")))
        return result

    monkeypatch.setattr(database, "write", counted)
    clean(database, 8 * DAY, keep_runs=7 * DAY)
    assert sum(sizes) == 3 * (25 + 3)
    assert max(sizes) <= 10 + 2
    assert count(api, "flow_run") == 0


def test_a_round_ends_and_the_next_one_goes_on(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_RUNS_AT_ONCE", 1)
    monkeypatch.setattr(retention, "_SECONDS_OF_ONE_ROUND", -1)
    flow = api.flow(api.project())
    for _ in range(3):
        set_state(api, run_with_all(api, flow), "Success")
    for left in (2, 1, 0):
        clean(database, 8 * DAY, keep_runs=7 * DAY)
        assert count(api, "flow_run") == left
