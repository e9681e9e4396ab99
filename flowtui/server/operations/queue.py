"""Handing runs to agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, true

from flowtui.server.core_versions import takes_runs_one_by_one
from flowtui.server.operations.agents import (
    likely_anonymous,
    registered,
    seen,
    suits,
    version_of_agent,
)
from flowtui.server.operations.base import Act, Moment, Uuid, mutation
from flowtui.server.operations.state_changes import WAITING
from flowtui.server.serialized import strings
from flowtui.server.tables import FlowRun, TaskRun, Tenant

_RUNS_FOR_ONE_POLL = 25
_WAITING_TASKS = WAITING - {"Queued"}
"""A Queued task run is asked for again by its own process, and agents do not mark it as taken."""


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
    """Runs that an agent with these labels should start now, those due first.

    An agent that could not do without one of them is handed one only, and asks again at once.
    """
    labels = frozenset(wanted.labels or ())
    tenant_id = _tenant(act, wanted)
    version = version_of_agent(
        act, asks_before=wanted.before is not None, asks_labels=wanted.labels is not None
    )
    seen(act, labels, tenant_id or act.tenant_id(), version)
    most = _RUNS_FOR_ONE_POLL if takes_runs_one_by_one(version) else 1
    ids: list[str] = []
    for run in act.session.execute(_due(wanted.before or act.now, tenant_id)):
        if suits(labels, strings(run.labels)):
            ids.append(run.id)
        if len(ids) == most:
            break
    return QueuePayload(tuple(ids))


def _tenant(act: Act, wanted: GetRunsInQueue) -> str | None:
    """None for an agent that names no tenant that there is: it serves all."""
    for candidate in (wanted.tenant_id, act.caller.tenant_id):
        if candidate and act.session.get(Tenant, candidate):
            return candidate
    return None


def _due(before: datetime, tenant_id: str | None) -> Any:
    due_task = (
        select(func.min(TaskRun.state_start_time))
        .where(
            TaskRun.flow_run_id == FlowRun.id,
            TaskRun.state.in_(_WAITING_TASKS),
            TaskRun.state_start_time <= before,
        )
        .scalar_subquery()
    )
    due = FlowRun.state.in_(WAITING) & (FlowRun.state_start_time <= before)
    goes_on = (FlowRun.state == "Running") & due_task.is_not(None)
    return (
        select(FlowRun.id, FlowRun.labels)
        .where(or_(due, goes_on), true() if tenant_id is None else FlowRun.tenant_id == tenant_id)
        .order_by(func.coalesce(FlowRun.state_start_time, due_task), FlowRun.created)
    )


def submitting_agent(act: Act, run: FlowRun) -> str | None:
    """The id of the agent that is submitting this run, as far as it can be told."""
    agent = registered(act)
    if agent is None:
        agent = likely_anonymous(act, run.tenant_id, strings(run.labels))
    return agent.id if agent else None
