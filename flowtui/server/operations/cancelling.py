"""Cancelling runs, in states that the Prefect which runs them can load.

A process from 0.13 on looks at its flow run every 15 seconds, and ends itself when that is
Cancelling. An older one never looks: its flow run becomes Cancelled at once, and the server refuses
to start its next task, which ends the process; the task at work is not interrupted. Before 0.7.3
there is no type Cancelled: what such a process reads is a Failed that says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from flowtui.server.core_versions import cancels_itself, knows_cancelled
from flowtui.server.operations.base import Act, Uuid, mutation
from flowtui.server.operations.state_changes import (
    FINISHED,
    StateDocument,
    apply_state,
    plain_state,
)
from flowtui.server.tables import Flow, FlowRun, TaskRun


@dataclass(frozen=True)
class CancelFlowRun:
    flow_run_id: Uuid


@dataclass(frozen=True)
class CancelPayload:
    id: Uuid
    state: str
    """What the run now is."""


@mutation
def cancel_flow_run(act: Act, wanted: CancelFlowRun) -> CancelPayload:
    """Running becomes Cancelling (its process stops itself), waiting becomes Cancelled, and
    finished stays what it is."""
    run = act.row(FlowRun, wanted.flow_run_id)
    if run.state in FINISHED or run.state == "Cancelling":
        return CancelPayload(run.id, run.state)
    if run.state == "Running" and cancels_itself(core_version(act, run)):
        apply_state(act, run, plain_state("Cancelling", "The flow run is being cancelled."))
    else:
        cancel(act, run, cancelled_state("The flow run was cancelled by request."))
    return CancelPayload(run.id, run.state)


def cancel(act: Act, run: FlowRun, state: StateDocument) -> None:
    """End a flow run, and those of its task runs that have not ended, in this Cancelled state."""
    if not knows_cancelled(core_version(act, run)):
        state = {**state, "type": "Failed"}
    apply_state(act, run, state, kind="Cancelled")
    open_ones = select(TaskRun).where(TaskRun.flow_run_id == run.id, TaskRun.state.not_in(FINISHED))
    for task_run in act.session.scalars(open_ones):
        apply_state(act, task_run, state, kind="Cancelled")


def cancelled_state(message: str) -> StateDocument:
    return plain_state("Cancelled", message)


def core_version(act: Act, run: FlowRun) -> str | None:
    """Of the Prefect that registered the flow, which is the one that runs it."""
    return act.session.scalars(select(Flow.core_version).where(Flow.id == run.flow_id)).one()
