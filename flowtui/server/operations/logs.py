"""Log lines of runs, one at a time (Prefect before 0.7) and in batches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import insert, select

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

_ROWS_IN_ONE_QUERY = 5000


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
    """All or none, in the order in which they came."""
    task_runs = {record.task_run_id for record in wanted.logs if record.task_run_id}
    run_of = _column_by_id(act, TaskRun, TaskRun.flow_run_id, task_runs)
    runs = [record.flow_run_id or run_of.get(record.task_run_id or "") for record in wanted.logs]
    if None in runs:
        raise Refused("a log record needs a flow_run_id or a task_run_id")
    tenant_of = _column_by_id(act, FlowRun, FlowRun.tenant_id, {run for run in runs if run})
    rows = [
        {
            "tenant_id": tenant_of[run],
            "flow_run_id": run,
            "task_run_id": record.task_run_id,
            "timestamp": record.timestamp or act.now,
            "name": record.name,
            "level": record.level,
            "message": record.message,
            "info": record.info,
        }
        for run, record in zip(runs, wanted.logs, strict=True)
        if run
    ]
    if rows:
        act.session.connection().execute(insert(Log), rows)
    return SuccessPayload()


def _column_by_id(
    act: Act, entity: type[FlowRun | TaskRun], column: Any, ids: set[str]
) -> dict[str, str]:
    """A column of these rows; Refused when one is missing."""
    found: dict[str, str] = {}
    pending = iter(sorted(ids))
    while some := list(islice(pending, _ROWS_IN_ONE_QUERY)):
        rows = act.session.execute(select(entity.id, column).where(entity.id.in_(some)))
        found.update((row[0], row[1]) for row in rows)
    for missing in ids - found.keys():
        act.row(entity, missing)
    return found
