"""What a state is and what it does to its run, whoever sets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import GraphQLError

from flowtui.server.operations.base import Act, Refused
from flowtui.server.scalars import parse_timestamp
from flowtui.server.serialized import mapping
from flowtui.server.tables import FlowRun, FlowRunState, TaskRun, TaskRunState

FINISHED = frozenset(
    {
        "Success", "Failed", "Cancelled", "Skipped", "TimedOut", "TriggerFailed", "Cached",
        "Mapped", "Looped", "Finished", "ValidationFailed", "Aborted",
    }
)  # fmt: skip
WAITING = frozenset({"Scheduled", "Retrying", "Resume", "Paused", "Queued"})
"""States with a time at which the run should go on."""
STATE_TYPES = FINISHED | WAITING | {"Pending", "Submitted", "Running", "Cancelling", "ClientFailed"}
"""Every type that some Prefect from 0.6.1 to 1.4.1 knows."""
_WRAPPING = frozenset({"Submitted", "Queued"})

StateDocument = Mapping[str, Any]


def scheduled_state(start: datetime, message: str = "Flow run scheduled.") -> StateDocument:
    """The smallest Scheduled state that every Prefect since 0.6.1 can load."""
    return {**plain_state("Scheduled", message), "start_time": start.isoformat(), "result": None}


def retrying_state(start: datetime, message: str, retries: int) -> StateDocument:
    """`retries` counts this one."""
    return {
        **plain_state("Retrying", message),
        "start_time": start.isoformat(),
        "run_count": retries,
    }


def plain_state(kind: str, message: str) -> StateDocument:
    return {"type": kind, "message": message, "__version__": "0.6.1"}


def pending_columns(moment: datetime) -> dict[str, Any]:
    """The state columns of a task run that was just created."""
    state = plain_state("Pending", "Task run created")
    return {
        "version": 0,
        "state": "Pending",
        "state_timestamp": moment,
        "state_message": state["message"],
        "serialized_state": state,
    }


def start_time_of(state: StateDocument) -> datetime | None:
    value = state.get("start_time")
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except GraphQLError as error:
        raise Refused(f"the state's start_time: {error.message}") from None


def wrapped_state(run: FlowRun | TaskRun) -> StateDocument:
    """The state that a Submitted or Queued state of this run stands around."""
    state = mapping(run.serialized_state) or {}
    inner = mapping(state.get("state"))
    return inner if state.get("type") in _WRAPPING and inner is not None else state


def apply_state(
    act: Act, run: FlowRun | TaskRun, given: StateDocument, *, kind: str | None = None
) -> None:
    """Make this the run's state and add it to the run's history.

    `kind` says what the state is where the run's own Prefect knows no type for it.
    """
    state = _with_what_must_last(run, given)
    moment = act.now
    kind = kind or str(state["type"])
    run.version += 1
    run.state = kind
    run.state_timestamp = moment
    run.state_message = _message(state)
    run.state_start_time = start_time_of(state)
    run.state_result = state.get("_result")
    run.serialized_state = state
    run.end_time = moment if kind in FINISHED else None
    if kind == "Running":
        run.start_time = run.start_time or moment
    if kind == "Running" or (kind == "Submitted" and isinstance(run, FlowRun)):
        run.heartbeat = moment
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
        run.run_count = max(run.run_count + {"Running": 1, "Looped": -1}.get(kind, 0), 0)
        act.session.add(TaskRunState(task_run_id=run.id, **history))


def _with_what_must_last(run: FlowRun | TaskRun, state: StateDocument) -> StateDocument:
    """What a state holds for the process that goes on later is handed from state to state.

    An agent wraps the state it found, rewritten in its own version: that loses the inputs that an
    older one stored, and the older one cannot load it. So the one that was stored is put back.
    """
    before = wrapped_state(run)
    if state.get("type") == "Submitted" and before:
        state = {**state, "state": before}
    if isinstance(run, TaskRun) and not state.get("cached_inputs") and before.get("cached_inputs"):
        state = {**state, "cached_inputs": before["cached_inputs"]}
    return state


def _message(state: StateDocument) -> str | None:
    message = state.get("message")
    return message if message is None or isinstance(message, str) else json.dumps(message)
