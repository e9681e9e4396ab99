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
    tasks = select(Task.id).where(Task.flow_id == run.flow_id).order_by(Task.created)
    for task_id in act.session.scalars(tasks):
        act.session.add(_new_task_run(act, run, task_id, -1))


def _new_task_run(act: Act, run: FlowRun, task_id: str, map_index: int) -> TaskRun:
    return TaskRun(
        tenant_id=run.tenant_id,
        flow_run_id=run.id,
        task_id=task_id,
        map_index=map_index,
        **pending_columns(act.now),
    )


@dataclass(frozen=True)
class FindTaskRun:
    flow_run_id: Uuid
    task_id: Uuid
    map_index: int = -1


@dataclass(frozen=True)
class TaskRunInfoPayload:
    id: Uuid
    version: int
    serialized_state: JsonDocument


def _task_run(act: Act, wanted: FindTaskRun) -> TaskRun:
    found = act.session.scalars(
        select(TaskRun).where(
            TaskRun.flow_run_id == wanted.flow_run_id,
            TaskRun.task_id == wanted.task_id,
            TaskRun.map_index == wanted.map_index,
        )
    ).first()
    if found:
        return found
    run = act.row(FlowRun, wanted.flow_run_id)
    task = act.row(Task, wanted.task_id)
    if task.flow_id != run.flow_id:
        raise Refused(f"task {task.id} is not of the flow of flow run {run.id}")
    created = _new_task_run(act, run, task.id, wanted.map_index)
    act.session.add(created)
    act.session.flush()
    return created


@mutation
def get_or_create_task_run(act: Act, wanted: FindTaskRun) -> TaskRunPayload:
    run = _task_run(act, wanted)
    return TaskRunPayload(run.id, run.id)


@mutation
def get_or_create_task_run_info(act: Act, wanted: FindTaskRun) -> TaskRunInfoPayload:
    run = _task_run(act, wanted)
    return TaskRunInfoPayload(run.id, run.version, run.serialized_state)


@dataclass(frozen=True)
class TaskRunId:
    task_run_id: Uuid


@query
def get_task_run_info(act: Act, wanted: TaskRunId) -> TaskRunInfoPayload:
    run = act.row(TaskRun, wanted.task_run_id)
    return TaskRunInfoPayload(run.id, run.version, run.serialized_state)


@dataclass(frozen=True)
class NameTaskRun:
    task_run_id: Uuid
    name: str


@mutation
def set_task_run_name(act: Act, wanted: NameTaskRun) -> SuccessPayload:
    act.row(TaskRun, wanted.task_run_id).name = wanted.name
    return SuccessPayload()
