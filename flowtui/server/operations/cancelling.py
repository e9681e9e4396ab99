"""Cancelling a flow run by request."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.server.operations.base import Act, Uuid, mutation
from flowtui.server.operations.state_changes import (
    FINISHED,
    apply_state,
    cancel_task_runs,
    plain_state,
)
from flowtui.server.tables import FlowRun


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
            cancel_task_runs(act, run)
    return CancelPayload(run.id, run.state)
