"""A control plane with a flow that takes parameters, and runs in every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flowtui.models import FlowVersion, JsonObject
from flowtui.run_models import FlowRun, Parameter
from flowtui.tui.screens.flow_run import FlowRunScreen
from flowtui.tui.view_models.run_watch import RunWatch
from tests.tui.driving import Driver
from tests.tui.memory import MemoryWorkspace

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
PARAMETERS = (
    Parameter("limit", required=False, default=10),
    Parameter("country", required=True),
    Parameter("dry run", required=False, default=False),
    Parameter("tags", required=False, default=["a", "b"]),
    Parameter("note", required=False, default="none"),
    Parameter("extra", required=False),
)


def etl(workspace: MemoryWorkspace) -> FlowVersion:
    """The version of “etl” that is in use."""
    return next(v for v in workspace.server.version_list[::-1] if v.name == "etl")


def serialized() -> JsonObject:
    """A parameter, a task, a mapped one, and one after that."""
    names = ("country", "extract", "double", "load")

    def edge(up: str, down: str, *, mapped: bool = False) -> dict[str, Any]:
        ends = {"upstream_task": {"slug": f"{up}-1"}, "downstream_task": {"slug": f"{down}-1"}}
        return {**ends, "mapped": mapped}

    return {
        "name": "etl",
        "parameters": [{"name": "country"}],
        "tasks": [
            {"name": name, "slug": f"{name}-1", "type": "prefect.core.parameter.Parameter"}
            if name == "country"
            else {"name": name, "slug": f"{name}-1", "type": "prefect.tasks.core.FunctionTask"}
            for name in names
        ],
        "edges": [
            edge("country", "extract"),
            edge("extract", "double", mapped=True),
            edge("double", "load"),
        ],
        "run_config": {"type": "UniversalRun", "labels": ["gpu"]},
    }


def with_flow(workspace: MemoryWorkspace) -> MemoryWorkspace:
    server = workspace.server
    version = etl(workspace)
    server.parameter_lists[version.id] = PARAMETERS
    server.serialized[version.id] = serialized()
    server.clock = lambda: datetime.now(UTC)
    return workspace


def ended(workspace: MemoryWorkspace, count: int, state: str = "Success") -> list[FlowRun]:
    """Runs that ended, the newest first, a minute apart."""
    server, version = workspace.server, etl(workspace)
    now = datetime.now(UTC) - timedelta(minutes=5)
    made: list[FlowRun] = []
    for number in range(count):
        began = now - timedelta(minutes=number)
        run = server.add_run(version, name=f"old-{number}", start=began)
        run = replace(run, state=state, started=began, ended=began + timedelta(seconds=42))
        made.append(run)
    server.runs[:] = [*[r for r in server.runs if not r.name.startswith("old-")], *made]
    return made


def going_on(workspace: MemoryWorkspace, children: int = 5) -> FlowRun:
    """A run at work, with a mapped task of which one child has failed and one runs."""
    server = workspace.server
    run = server.add_run(etl(workspace), name="jolly-wren", parameters={"country": "north"})
    server.move_run(run.id, "Submitted", "Submitted for execution: PID: 12")
    run = server.move_run(run.id, "Running", "Running flow.")
    server.add_task_run(run.id, "country", "Success")
    extract = server.add_task_run(run.id, "extract", "Success")
    server.add_task_run(run.id, "double", "Mapped")
    made = [server.add_task_run(run.id, "double", map_index=n) for n in range(children)]
    for number, child in enumerate(made[: children // 2]):
        server.move_task_run(run.id, child.id, "Running")
        if number == 1:
            server.move_task_run(run.id, child.id, "Failed", "ZeroDivisionError('by zero')")
        else:
            server.move_task_run(run.id, child.id, "Success")
    server.move_task_run(run.id, made[children // 2].id, "Running")
    server.add_task_run(run.id, "load")
    server.add_line(run.id, "Beginning Flow run for 'etl'")
    server.add_line(run.id, "extracting", task_run_id=extract.id)
    server.add_line(run.id, "it broke", "ERROR", task_run_id=made[1].id)
    return run


async def open_run(driver: Driver, run: FlowRun) -> RunWatch:
    """Its screen, with everything on it."""
    driver.app.flow_run.know(run)
    driver.app.push_screen(FlowRunScreen(run.id))
    watch = driver.app.session.run_watches[run.id]
    await driver.until(lambda: watch.looked and watch.drawn is not None)
    return watch


async def look_again(driver: Driver, watch: RunWatch) -> None:
    """As if the time had come."""
    answered = watch.answered
    driver.app.flow_run.look_again()
    await driver.until(lambda: watch.answered != answered)
