"""Log lines of runs, one at a time (Prefect before 0.7) and in batches."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.server.operations.base import (
    Act,
    JsonDocument,
    Moment,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.tables import FlowRun, Log, TaskRun


@dataclass(frozen=True)
class WriteRunLog:
    flow_run_id: Uuid | None = None
    task_run_id: Uuid | None = None
    timestamp: Moment | None = None
    name: str | None = None
    message: str | None = None
    level: str | None = None
    info: JsonDocument = None


@dataclass(frozen=True)
class WriteRunLogs:
    logs: tuple[WriteRunLog, ...]


@mutation
def write_run_log(act: Act, wanted: WriteRunLog) -> SuccessPayload:
    return write_run_logs(act, WriteRunLogs((wanted,)))


@mutation
def write_run_logs(act: Act, wanted: WriteRunLogs) -> SuccessPayload:
    for record in wanted.logs:
        task_run = act.row(TaskRun, record.task_run_id) if record.task_run_id else None
        flow_run_id = record.flow_run_id or (task_run.flow_run_id if task_run else None)
        if flow_run_id is None:
            raise Refused("a log record needs a flow_run_id or a task_run_id")
        act.session.add(
            Log(
                tenant_id=act.row(FlowRun, flow_run_id).tenant_id,
                flow_run_id=flow_run_id,
                task_run_id=record.task_run_id,
                timestamp=record.timestamp or act.now,
                name=record.name,
                level=record.level,
                message=record.message,
                info=record.info,
            )
        )
    return SuccessPayload()
