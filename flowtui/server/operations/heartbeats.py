"""Heartbeats: how a process says that its run is alive."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.server.operations.base import Act, SuccessPayload, Uuid, mutation
from flowtui.server.tables import FlowRun, TaskRun


@dataclass(frozen=True)
class FlowRunHeartbeat:
    flow_run_id: Uuid


@dataclass(frozen=True)
class TaskRunHeartbeat:
    task_run_id: Uuid


@mutation
def update_flow_run_heartbeat(act: Act, wanted: FlowRunHeartbeat) -> SuccessPayload:
    act.row(FlowRun, wanted.flow_run_id).heartbeat = act.now
    return SuccessPayload()


@mutation
def update_task_run_heartbeat(act: Act, wanted: TaskRunHeartbeat) -> SuccessPayload:
    act.row(TaskRun, wanted.task_run_id).heartbeat = act.now
    return SuccessPayload()
