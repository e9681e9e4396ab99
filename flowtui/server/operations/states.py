"""Setting states, as clients and agents ask for it, by the rules of Prefect Server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    FlowRunPayload,
    JsonDocument,
    Refused,
    TaskRunPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.state_changes import (
    StateDocument,
    apply_state,
    cancel_task_runs,
)
from flowtui.server.serialized import mapping
from flowtui.server.tables import Flow, FlowGroup, FlowRun, TaskRun

STATE_LIMIT = 1_000_000
"""Bytes of one state; larger results belong into a result store."""
SUBMITTED_HOLDS = timedelta(seconds=30)
"""How long one agent's submission keeps others from submitting the same run."""


def _checked(state: object) -> StateDocument:
    document = mapping(state)
    if document is None:
        raise Refused("a state must be an object")
    if not isinstance(document.get("type"), str):
        raise Refused("a state needs a type")
    if len(json.dumps(document)) > STATE_LIMIT:
        raise Refused(f"a state may hold {STATE_LIMIT} bytes at most")
    return document


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
        if run.state == "Submitted" and act.now - run.state_timestamp < SUBMITTED_HOLDS:
            raise Refused("State update failed: this run has already been submitted.")
        run.agent_id = act.caller.agent_id or run.agent_id
    apply_state(act, run, state)
    if kind == "Cancelled":
        cancel_task_runs(act, run)


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
        and act.now - run.state_timestamp < SUBMITTED_HOLDS
    ):
        raise Refused("State update failed: this run has already been submitted.")
    apply_state(act, run, state)


def _check_version_of_task(act: Act, flow_run: FlowRun, run: TaskRun, given: int | None) -> None:
    if given is not None and given != run.version:
        _check_version(act, flow_run, flow_run.version + 1)


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
