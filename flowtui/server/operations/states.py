"""States of flow runs and task runs: the rules of section 5 of Prefect Server's API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from graphql import GraphQLError
from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    JsonDocument,
    Refused,
    RowOf,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.scalars import parse_timestamp
from flowtui.server.serialized import mapping
from flowtui.server.tables import (
    Flow,
    FlowGroup,
    FlowRun,
    FlowRunState,
    TaskRun,
    TaskRunState,
    now,
)

STATE_LIMIT = 1_000_000
"""Bytes of one state; larger results belong into a result store."""
SUBMITTED_HOLDS = timedelta(seconds=30)
"""How long one agent's submission keeps others from submitting the same run."""
FINISHED = frozenset(
    {
        "Success", "Failed", "Cancelled", "Skipped", "TimedOut", "TriggerFailed", "Cached",
        "Mapped", "Looped", "Finished", "ValidationFailed", "Aborted",
    }
)  # fmt: skip

StateDocument = Mapping[str, Any]


def scheduled_state(start: datetime, message: str = "Flow run scheduled.") -> StateDocument:
    """The smallest Scheduled state that every Prefect since 0.6.1 can load."""
    return {
        "type": "Scheduled",
        "message": message,
        "start_time": start.isoformat(),
        "result": None,
        "__version__": "0.6.1",
    }


def plain_state(kind: str, message: str) -> StateDocument:
    return {"type": kind, "message": message, "__version__": "0.6.1"}


def pending_columns() -> dict[str, Any]:
    """The state columns of a task run that was just created."""
    state = plain_state("Pending", "Task run created")
    return {
        "version": 0,
        "state": "Pending",
        "state_timestamp": now(),
        "state_message": state["message"],
        "serialized_state": state,
    }


def _start_time(state: StateDocument) -> datetime | None:
    value = state.get("start_time")
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except GraphQLError as error:
        raise Refused(f"the state's start_time: {error.message}") from None


def _checked(state: object) -> StateDocument:
    document = mapping(state)
    if document is None:
        raise Refused("a state must be an object")
    if not isinstance(document.get("type"), str):
        raise Refused("a state needs a type")
    if len(json.dumps(document)) > STATE_LIMIT:
        raise Refused(f"a state may hold {STATE_LIMIT} bytes at most")
    return document


def apply_state(act: Act, run: FlowRun | TaskRun, state: StateDocument) -> None:
    """Make this the run's state and add it to the run's history."""
    moment = now()
    kind = str(state["type"])
    run.version += 1
    run.state = kind
    run.state_timestamp = moment
    run.state_message = _message(state)
    run.state_start_time = _start_time(state)
    run.state_result = state.get("_result")
    run.serialized_state = state
    if kind == "Running":
        run.start_time = run.start_time or moment
        run.end_time = None
        run.heartbeat = moment
    elif kind in FINISHED:
        run.end_time = moment
    history = {
        "tenant_id": run.tenant_id,
        "timestamp": moment,
        "version": run.version,
        "state": kind,
        "message": run.state_message,
        "result": run.state_result,
        "start_time": run.state_start_time,
        "serialized_state": state,
    }
    if isinstance(run, FlowRun):
        act.session.add(FlowRunState(flow_run_id=run.id, **history))
    else:
        _apply_to_task_run(run, kind, state)
        act.session.add(TaskRunState(task_run_id=run.id, **history))


def _message(state: StateDocument) -> str | None:
    message = state.get("message")
    return message if message is None or isinstance(message, str) else json.dumps(message)


def _apply_to_task_run(run: TaskRun, kind: str, state: StateDocument) -> None:
    if kind == "Running":
        run.run_count += 1
    cache_key = state.get("cache_key")
    if kind == "Cached" and cache_key is None:
        cache_key = (mapping(state.get("context")) or {}).get("cache_key")
    if isinstance(cache_key, str):
        run.cache_key = cache_key


def _check_version(act: Act, run: FlowRun, given: int | None) -> None:
    settings = act.session.scalars(
        select(FlowGroup.settings)
        .join(Flow, Flow.flow_group_id == FlowGroup.id)
        .where(Flow.id == run.flow_id)
    ).one()
    locked = (mapping(settings) or {}).get("version_locking_enabled")
    if locked and given is not None and given != run.version:
        raise Refused("State update failed: version lock mismatch.", "VERSION_LOCKING_ERROR")


def _set_flow_run_state(act: Act, run: FlowRun, version: int | None, given: object) -> None:
    state = _checked(given)
    _check_version(act, run, version)
    kind = state["type"]
    if kind == "Submitted":
        if run.state == "Submitted" and now() - run.state_timestamp < SUBMITTED_HOLDS:
            raise Refused("State update failed: this run has already been submitted.")
        run.agent_id = act.caller.agent_id or run.agent_id
    apply_state(act, run, state)
    if kind == "Cancelled":
        _cancel_task_runs(act, run)


def _cancel_task_runs(act: Act, run: FlowRun) -> None:
    for task_run in act.session.scalars(select(TaskRun).where(TaskRun.flow_run_id == run.id)):
        if task_run.state not in FINISHED:
            apply_state(act, task_run, plain_state("Cancelled", "The flow run was cancelled."))


def _set_task_run_state(act: Act, run: TaskRun, version: int | None, given: object) -> None:
    state = _checked(given)
    flow_run = act.row(FlowRun, run.flow_run_id)
    _check_version_of_task(act, flow_run, run, version)
    kind = state["type"]
    if kind == "Running" and flow_run.state != "Running":
        raise Refused(
            f"State update failed for task run ID {run.id}: "
            "provided a running state but associated flow run is not in a running state."
        )
    if (
        kind == "Submitted"
        and run.state == "Submitted"
        and now() - run.state_timestamp < SUBMITTED_HOLDS
    ):
        raise Refused("State update failed: this run has already been submitted.")
    apply_state(act, run, state)


def _check_version_of_task(act: Act, flow_run: FlowRun, run: TaskRun, given: int | None) -> None:
    if given is not None and given != run.version:
        _check_version(act, flow_run, flow_run.version + 1)


def cancel_scheduled(act: Act, flow_id: str) -> None:
    """Cancel the runs of a flow that have not started."""
    waiting = select(FlowRun).where(FlowRun.flow_id == flow_id, FlowRun.state == "Scheduled")
    for run in act.session.scalars(waiting):
        apply_state(act, run, plain_state("Cancelled", "The flow was archived."))
        _cancel_task_runs(act, run)


@dataclass(frozen=True)
class SetFlowRunState:
    flow_run_id: Uuid
    state: JsonDocument
    version: int | None = None


@dataclass(frozen=True)
class SetTaskRunState:
    task_run_id: Uuid
    state: JsonDocument
    version: int | None = None


@dataclass(frozen=True)
class SetFlowRunStates:
    states: tuple[SetFlowRunState, ...]


@dataclass(frozen=True)
class SetTaskRunStates:
    states: tuple[SetTaskRunState, ...]


@dataclass(frozen=True)
class StatePayload:
    id: Uuid
    status: str = "SUCCESS"
    message: str | None = None


@dataclass(frozen=True)
class StatesPayload:
    states: tuple[StatePayload, ...]


@dataclass(frozen=True)
class FlowRunPayload:
    id: Uuid
    flow_run: Annotated[str, RowOf("flow_run")]


@dataclass(frozen=True)
class TaskRunPayload:
    id: Uuid
    task_run: Annotated[str, RowOf("task_run")]


@mutation
def set_flow_run_state(act: Act, wanted: SetFlowRunState) -> FlowRunPayload:
    run = act.row(FlowRun, wanted.flow_run_id)
    _set_flow_run_state(act, run, wanted.version, wanted.state)
    return FlowRunPayload(run.id, run.id)


@mutation
def set_task_run_state(act: Act, wanted: SetTaskRunState) -> TaskRunPayload:
    run = act.row(TaskRun, wanted.task_run_id)
    _set_task_run_state(act, run, wanted.version, wanted.state)
    return TaskRunPayload(run.id, run.id)


@mutation
def set_flow_run_states(act: Act, wanted: SetFlowRunStates) -> StatesPayload:
    """All or none."""
    for item in wanted.states:
        run = act.row(FlowRun, item.flow_run_id)
        _set_flow_run_state(act, run, item.version, item.state)
    return StatesPayload(tuple(StatePayload(item.flow_run_id) for item in wanted.states))


@mutation
def set_task_run_states(act: Act, wanted: SetTaskRunStates) -> StatesPayload:
    """All or none."""
    for item in wanted.states:
        run = act.row(TaskRun, item.task_run_id)
        _set_task_run_state(act, run, item.version, item.state)
    return StatesPayload(tuple(StatePayload(item.task_run_id) for item in wanted.states))


@dataclass(frozen=True)
class CancelFlowRun:
    flow_run_id: Uuid


@dataclass(frozen=True)
class CancelPayload:
    id: Uuid
    state: str


@mutation
def cancel_flow_run(act: Act, wanted: CancelFlowRun) -> CancelPayload:
    """Running becomes Cancelling (its process stops itself), waiting becomes Cancelled, and
    finished stays what it is."""
    run = act.row(FlowRun, wanted.flow_run_id)
    if run.state not in FINISHED:
        kind = "Cancelling" if run.state == "Running" else "Cancelled"
        apply_state(act, run, plain_state(kind, "Flow run is cancelled by request."))
        if kind == "Cancelled":
            _cancel_task_runs(act, run)
    return CancelPayload(run.id, run.state)


@dataclass(frozen=True)
class FlowRunHeartbeat:
    flow_run_id: Uuid


@dataclass(frozen=True)
class TaskRunHeartbeat:
    task_run_id: Uuid


@mutation
def update_flow_run_heartbeat(act: Act, wanted: FlowRunHeartbeat) -> SuccessPayload:
    act.row(FlowRun, wanted.flow_run_id).heartbeat = now()
    return SuccessPayload()


@mutation
def update_task_run_heartbeat(act: Act, wanted: TaskRunHeartbeat) -> SuccessPayload:
    act.row(TaskRun, wanted.task_run_id).heartbeat = now()
    return SuccessPayload()
