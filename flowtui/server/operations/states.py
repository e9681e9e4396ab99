"""Setting states, as clients and agents ask for it, by the rules of Prefect Server."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select

from flowtui.server.operations import tag_limits
from flowtui.server.operations.base import (
    Act,
    FlowRunPayload,
    JsonDocument,
    Refused,
    TaskRunPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.cancelling import cancel
from flowtui.server.operations.flow_groups import VERSION_LOCKING, is_on
from flowtui.server.operations.queue import submitting_agent
from flowtui.server.operations.state_changes import (
    FINISHED,
    STATE_TYPES,
    WAITING,
    StateDocument,
    apply_state,
)
from flowtui.server.serialized import mapping
from flowtui.server.tables import Flow, FlowGroup, FlowRun, TaskRun

STATE_LIMIT = 1_000_000
"""Bytes of one state; larger results belong into a result store."""
_CAN_BE_SUBMITTED = WAITING | {"Pending"}
_AFTER_CANCELLED = WAITING | {"Pending", "Cancelled"}
"""What may follow Cancelled: being started again. What its process still says comes too late."""
_OF_A_CANCELLED_RUN = FINISHED | {"Pending", "Scheduled"}
"""What a task run may become there: how it ended after all, or ready to be started again."""


def _checked(given: object) -> StateDocument:
    document = mapping(given)
    if document is None:
        raise Refused("a state must be an object")
    kind = document.get("type")
    if not isinstance(kind, str):
        raise Refused("a state needs a type")
    if kind not in STATE_TYPES:
        raise Refused(f"{kind!r} is not a state that Prefect knows")
    if len(json.dumps(document)) > STATE_LIMIT:
        raise Refused(f"State payload is too large: it may hold {STATE_LIMIT} bytes at most")
    return document


def _check_version(act: Act, run: FlowRun | TaskRun, flow_id: str, given: int | None) -> None:
    """A version that is not the run's is an error where the flow group has version locking on."""
    if given is None or given == run.version:
        return
    settings = act.session.scalars(
        select(FlowGroup.settings)
        .join(Flow, Flow.flow_group_id == FlowGroup.id)
        .where(Flow.id == flow_id)
    ).one()
    if is_on(settings, VERSION_LOCKING):
        raise Refused("State update failed: version lock mismatch.", "VERSION_LOCKING_ERROR")


def _check_can_be_submitted(run: FlowRun | TaskRun) -> None:
    """One agent takes a run: whoever read it before that comes too late, however long ago it was.

    Agents know the text: they go on to the next run without a word.
    """
    if run.state not in _CAN_BE_SUBMITTED:
        raise Refused("State update failed: this run has already been submitted.")


def _set_flow_run_state(act: Act, run: FlowRun, version: int | None, given: object) -> None:
    state = _checked(given)
    kind = state["type"]
    _check_version(act, run, run.flow_id, version)
    if run.state == "Cancelled" and kind not in _AFTER_CANCELLED:
        raise Refused(f"State update failed: flow run {run.id} was cancelled.")
    if kind == "Cancelled":
        cancel(act, run, state)
        return
    if kind == "Submitted":
        _check_can_be_submitted(run)
        run.agent_id = submitting_agent(act, run) or run.agent_id
    apply_state(act, run, state)


def _set_task_run_state(
    act: Act, run: TaskRun, version: int | None, given: object, *, can_queue: bool
) -> str | None:
    """Set the state; a text where the run has to wait for a place among those of its tags."""
    state = _checked(given)
    kind = state["type"]
    flow_run = act.row(FlowRun, run.flow_run_id)
    _check_version(act, run, flow_run.flow_id, version)
    if kind == "Running" and flow_run.state != "Running":
        raise Refused(
            f"State update failed for task run ID {run.id}: provided a running state but "
            f"associated flow run {flow_run.id} is not in a running state."
        )
    if flow_run.state == "Cancelled" and kind not in _OF_A_CANCELLED_RUN:
        raise Refused(f"State update failed: flow run {flow_run.id} was cancelled.")
    if kind == "Submitted":
        _check_can_be_submitted(run)
    run.heartbeat = act.now
    full = tag_limits.full_tag(act, run) if kind == "Running" and can_queue else None
    if full is not None:
        return tag_limits.keep_waiting(act, run, full)
    apply_state(act, run, state)
    return None


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
    flow_run_version: int | None = None
    """Taken and ignored, as Prefect Server does."""


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
    """One state, as Prefect before 0.6.6 sets it: no answer could tell it to wait."""
    run = act.row(TaskRun, wanted.task_run_id)
    _set_task_run_state(act, run, wanted.version, wanted.state, can_queue=False)
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
    """All or none. A task run that has to wait is answered as QUEUED: its process tries again."""
    return StatesPayload(tuple(_task_run_answer(act, item) for item in wanted.states))


def _task_run_answer(act: Act, item: SetTaskRunState) -> StatePayload:
    run = act.row(TaskRun, item.task_run_id)
    waits_for = _set_task_run_state(act, run, item.version, item.state, can_queue=True)
    return StatePayload(run.id, "SUCCESS" if waits_for is None else "QUEUED", waits_for)
