"""Flow runs and their task runs: create, find, name, delete, hand to agents, log."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete as delete_from
from sqlalchemy import exists, or_, select

from flowtui.server import serialized
from flowtui.server.names import two_words
from flowtui.server.operations.base import (
    Act,
    IdPayload,
    JsonDocument,
    Moment,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
    query,
)
from flowtui.server.operations.states import (
    FlowRunPayload,
    TaskRunPayload,
    apply_state,
    pending_columns,
    scheduled_state,
)
from flowtui.server.tables import Agent, Flow, FlowGroup, FlowRun, Log, Task, TaskRun, now

_RUNS_FOR_ONE_POLL = 25
_WAITING = ("Scheduled", "Retrying", "Resume", "Queued")


@dataclass(frozen=True)
class CreateFlowRun:
    flow_id: Uuid | None = None
    version_group_id: str | None = None
    parameters: JsonDocument = None
    context: JsonDocument = None
    labels: tuple[str, ...] | None = None
    run_config: JsonDocument = None
    flow_run_name: str | None = None
    scheduled_start_time: Moment | None = None
    idempotency_key: str | None = None
    tenant_id: Uuid | None = None


@mutation
def create_flow_run(act: Act, wanted: CreateFlowRun) -> FlowRunPayload:
    flow = _flow(act, wanted)
    known = _known_run(act, flow, wanted.idempotency_key)
    if known:
        return FlowRunPayload(known, known)
    if flow.archived:
        raise Refused(f"the flow {flow.name!r} version {flow.version} is archived")
    group = act.row(FlowGroup, flow.flow_group_id)
    start = wanted.scheduled_start_time or now()
    run = FlowRun(
        tenant_id=flow.tenant_id,
        flow_id=flow.id,
        name=wanted.flow_run_name or two_words(random.SystemRandom()),
        parameters=_parameters(flow, group, wanted.parameters),
        context=_object(wanted.context, "context"),
        labels=_labels(flow, group, wanted),
        run_config=wanted.run_config or group.run_config or flow.run_config,
        scheduled_start_time=start,
        idempotency_key=wanted.idempotency_key,
        **pending_columns(),
    )
    act.session.add(run)
    act.session.flush()
    _create_task_runs(act, run)
    apply_state(act, run, scheduled_state(start))
    return FlowRunPayload(run.id, run.id)


def _flow(act: Act, wanted: CreateFlowRun) -> Flow:
    if wanted.flow_id:
        return act.row(Flow, wanted.flow_id)
    if not wanted.version_group_id:
        raise Refused("a flow run needs a flow_id or a version_group_id")
    newest = act.session.scalars(
        select(Flow)
        .where(Flow.version_group_id == wanted.version_group_id, Flow.archived.is_(False))
        .order_by(Flow.version.desc())
        .limit(1)
    ).first()
    if newest is None:
        raise Refused(f"no flow of version group {wanted.version_group_id} is in use")
    return newest


def _known_run(act: Act, flow: Flow, key: str | None) -> str | None:
    if key is None:
        return None
    same = select(FlowRun.id).where(FlowRun.flow_id == flow.id, FlowRun.idempotency_key == key)
    return act.session.scalars(same).first()


def _object(value: object, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    given = serialized.mapping(value)
    if given is None:
        raise Refused(f"{what} must be an object")
    return dict(given)


def _parameters(flow: Flow, group: FlowGroup, given: object) -> dict[str, Any]:
    """The flow's defaults, under the flow group's, under what was given."""
    declared = serialized.parameters(flow.parameters)
    values = {item.name: item.default for item in declared if not item.required}
    values |= _object(group.default_parameters, "default_parameters")
    values |= _object(given, "parameters")
    missing = [item.name for item in declared if item.required and item.name not in values]
    if missing:
        raise Refused(f"required parameters were not supplied: {', '.join(missing)}")
    return values


def _labels(flow: Flow, group: FlowGroup, wanted: CreateFlowRun) -> list[str]:
    """The first that says anything about labels, from the run to the flow's environment."""
    if wanted.labels is not None:
        return sorted(set(wanted.labels))
    for source in (
        wanted.run_config,
        {"labels": group.labels},
        group.run_config,
        flow.run_config,
        flow.environment,
    ):
        labels = (serialized.mapping(source) or {}).get("labels")
        if isinstance(labels, list):
            return sorted({str(label) for label in cast("list[object]", labels)})
    return []


def _create_task_runs(act: Act, run: FlowRun) -> None:
    """One for each task: Prefect before 0.10 cannot run a flow whose task runs are not there."""
    tasks = select(Task.id).where(Task.flow_id == run.flow_id).order_by(Task.created)
    for task_id in act.session.scalars(tasks):
        act.session.add(_new_task_run(run, task_id, -1))


def _new_task_run(run: FlowRun, task_id: str, map_index: int) -> TaskRun:
    return TaskRun(
        tenant_id=run.tenant_id,
        flow_run_id=run.id,
        task_id=task_id,
        map_index=map_index,
        **pending_columns(),
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
    created = _new_task_run(run, task.id, wanted.map_index)
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
class NameFlowRun:
    flow_run_id: Uuid
    name: str


@dataclass(frozen=True)
class NameTaskRun:
    task_run_id: Uuid
    name: str


@mutation
def set_flow_run_name(act: Act, wanted: NameFlowRun) -> SuccessPayload:
    act.row(FlowRun, wanted.flow_run_id).name = wanted.name
    return SuccessPayload()


@mutation
def set_task_run_name(act: Act, wanted: NameTaskRun) -> SuccessPayload:
    act.row(TaskRun, wanted.task_run_id).name = wanted.name
    return SuccessPayload()


@dataclass(frozen=True)
class LabelFlowRun:
    flow_run_id: Uuid
    labels: tuple[str, ...]


@mutation
def set_flow_run_labels(act: Act, wanted: LabelFlowRun) -> IdPayload:
    run = act.row(FlowRun, wanted.flow_run_id)
    run.labels = sorted(set(wanted.labels))
    return IdPayload(run.id)


@dataclass(frozen=True)
class OfFlowRun:
    flow_run_id: Uuid


@mutation
def delete_flow_run(act: Act, wanted: OfFlowRun) -> SuccessPayload:
    run = act.row(FlowRun, wanted.flow_run_id)
    act.session.execute(delete_from(FlowRun).where(FlowRun.id == run.id))
    return SuccessPayload()


@dataclass(frozen=True)
class GetRunsInQueue:
    tenant_id: Uuid | None = None
    before: Moment | None = None
    labels: tuple[str, ...] | None = None
    agent_id: str | None = None


@dataclass(frozen=True)
class QueuePayload:
    flow_run_ids: tuple[Uuid, ...]


@mutation
def get_runs_in_queue(act: Act, wanted: GetRunsInQueue) -> QueuePayload:
    """Runs that an agent with these labels should start now, earliest first."""
    agent = act.session.get(Agent, act.caller.agent_id) if act.caller.agent_id else None
    if agent:
        agent.last_queried = now()
    labels = set(wanted.labels or ())
    ids: list[str] = []
    for run in act.session.execute(_due(wanted.before or now())):
        if _suits(labels, set(run.labels or ())):
            ids.append(run.id)
        if len(ids) == _RUNS_FOR_ONE_POLL:
            break
    return QueuePayload(tuple(ids))


def _due(before: datetime) -> Any:
    waiting_task = exists(
        select(1).where(
            TaskRun.flow_run_id == FlowRun.id,
            TaskRun.state.in_(_WAITING),
            TaskRun.state_start_time <= before,
        )
    )
    due = FlowRun.state.in_(_WAITING) & (FlowRun.state_start_time <= before)
    return (
        select(FlowRun.id, FlowRun.labels)
        .where(or_(due, (FlowRun.state == "Running") & waiting_task))
        .order_by(FlowRun.state_start_time, FlowRun.created)
    )


def _suits(agent_labels: set[str], run_labels: set[str]) -> bool:
    """An agent without labels takes runs without; one with labels takes runs with some of its
    own, never an unlabelled one."""
    return run_labels <= agent_labels and bool(run_labels) == bool(agent_labels)


@dataclass(frozen=True)
class WriteRunLog:
    flow_run_id: Uuid | None = None
    task_run_id: Uuid | None = None
    timestamp: Moment | None = None
    name: str | None = None
    message: str | None = None
    level: str | None = None
    info: JsonDocument = None


@dataclass(frozen=True)
class WriteRunLogs:
    logs: tuple[WriteRunLog, ...]


@mutation
def write_run_log(act: Act, wanted: WriteRunLog) -> SuccessPayload:
    return write_run_logs(act, WriteRunLogs((wanted,)))


@mutation
def write_run_logs(act: Act, wanted: WriteRunLogs) -> SuccessPayload:
    for record in wanted.logs:
        task_run = act.row(TaskRun, record.task_run_id) if record.task_run_id else None
        flow_run_id = record.flow_run_id or (task_run.flow_run_id if task_run else None)
        if flow_run_id is None:
            raise Refused("a log record needs a flow_run_id or a task_run_id")
        act.session.add(
            Log(
                tenant_id=act.row(FlowRun, flow_run_id).tenant_id,
                flow_run_id=flow_run_id,
                task_run_id=record.task_run_id,
                timestamp=record.timestamp or now(),
                name=record.name,
                level=record.level,
                message=record.message,
                info=record.info,
            )
        )
    return SuccessPayload()
