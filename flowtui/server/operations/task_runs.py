"""Task runs: made with their flow run or while it runs, found, named."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    JsonDocument,
    Refused,
    SuccessPayload,
    TaskRunPayload,
    Uuid,
    mutation,
    query,
)
from flowtui.server.operations.state_changes import pending_columns
from flowtui.server.tables import FlowRun, Task, TaskRun


def create_task_runs(act: Act, run: FlowRun) -> None:
    """One for each task: Prefect before 0.10 cannot run a flow whose task runs are not there."""
    columns = select(Task.id, Task.cache_key)
    tasks = columns.where(Task.flow_id == run.flow_id).order_by(Task.created)
    for task_id, cache_key in act.session.execute(tasks):
        act.session.add(_new_task_run(act, run, task_id, cache_key, -1))


def _new_task_run(
    act: Act, run: FlowRun, task_id: str, cache_key: str | None, map_index: int
) -> TaskRun:
    return TaskRun(
        tenant_id=run.tenant_id,
        flow_run_id=run.id,
        task_id=task_id,
        map_index=map_index,
        cache_key=cache_key,
        **pending_columns(act.now),
    )


@dataclass(frozen=True)
class FindTaskRun:
    flow_run_id: Uuid
    task_id: Uuid
    map_index: int | None = None
    """Null and -1 alike are a task run that is no mapped child."""


@dataclass(frozen=True)
class TaskRunInfoPayload:
    id: Uuid
    version: int
    state: str
    serialized_state: JsonDocument


def _task_run(act: Act, wanted: FindTaskRun) -> TaskRun:
    map_index = -1 if wanted.map_index is None else wanted.map_index
    found = act.session.scalars(
        select(TaskRun).where(
            TaskRun.flow_run_id == wanted.flow_run_id,
            TaskRun.task_id == wanted.task_id,
            TaskRun.map_index == map_index,
        )
    ).first()
    if found:
        return found
    run = act.row(FlowRun, wanted.flow_run_id)
    task = act.row(Task, wanted.task_id)
    if task.flow_id != run.flow_id:
        raise Refused(f"task {task.id} is not of the flow of flow run {run.id}")
    created = _new_task_run(act, run, task.id, task.cache_key, map_index)
    act.session.add(created)
    act.session.flush()
    return created


def _info(run: TaskRun) -> TaskRunInfoPayload:
    return TaskRunInfoPayload(run.id, run.version, run.state, run.serialized_state)


@mutation
def get_or_create_task_run(act: Act, wanted: FindTaskRun) -> TaskRunPayload:
    run = _task_run(act, wanted)
    return TaskRunPayload(run.id, run.id)


@mutation
def get_or_create_task_run_info(act: Act, wanted: FindTaskRun) -> TaskRunInfoPayload:
    run = _task_run(act, wanted)
    return _info(run)


@dataclass(frozen=True)
class TaskRunId:
    task_run_id: Uuid


@query
def get_task_run_info(act: Act, wanted: TaskRunId) -> TaskRunInfoPayload:
    run = act.row(TaskRun, wanted.task_run_id)
    return _info(run)


@dataclass(frozen=True)
class NameTaskRun:
    task_run_id: Uuid
    name: str


@mutation
def set_task_run_name(act: Act, wanted: NameTaskRun) -> SuccessPayload:
    if not wanted.name.strip():
        raise Refused("a task run needs a name")
    act.row(TaskRun, wanted.task_run_id).name = wanted.name
    return SuccessPayload()
