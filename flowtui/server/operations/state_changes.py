"""What a state is and what it does to its run, whoever sets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import GraphQLError
from sqlalchemy import select

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


def _start_time(state: StateDocument) -> datetime | None:
    value = state.get("start_time")
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except GraphQLError as error:
        raise Refused(f"the state's start_time: {error.message}") from None


def apply_state(act: Act, run: FlowRun | TaskRun, state: StateDocument) -> None:
    """Make this the run's state and add it to the run's history."""
    moment = act.now
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


def cancel_task_runs(act: Act, run: FlowRun) -> None:
    for task_run in act.session.scalars(select(TaskRun).where(TaskRun.flow_run_id == run.id)):
        if task_run.state not in FINISHED:
            apply_state(act, task_run, plain_state("Cancelled", "The flow run was cancelled."))


def cancel_scheduled(act: Act, flow_id: str) -> None:
    """Cancel the runs of a flow that have not started."""
    waiting = select(FlowRun).where(FlowRun.flow_id == flow_id, FlowRun.state == "Scheduled")
    for run in act.session.scalars(waiting):
        apply_state(act, run, plain_state("Cancelled", "The flow was archived."))
        cancel_task_runs(act, run)
