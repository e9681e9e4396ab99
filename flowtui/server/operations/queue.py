"""Handing runs to agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select

from flowtui.server.operations.base import Act, Moment, Uuid, mutation
from flowtui.server.tables import Agent, FlowRun, TaskRun

_RUNS_FOR_ONE_POLL = 25
_WAITING = ("Scheduled", "Retrying", "Resume", "Queued")


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
        agent.last_queried = act.now
    labels = set(wanted.labels or ())
    ids: list[str] = []
    for run in act.session.execute(_due(wanted.before or act.now)):
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
