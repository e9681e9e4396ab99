"""Log lines of runs, one at a time (Prefect before 0.7) and in batches."""

from __future__ import annotations

import uuid
from collections.abc import Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any

from graphql import GraphQLError
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
from flowtui.server.scalars import parse_timestamp
from flowtui.server.serialized import mapping
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
    logs: tuple[JsonDocument, ...]
    """Of the form of `WriteRunLog`. GraphQL would take longer to read thousands of them, field by
    field, than the database to write them."""


@mutation
def write_run_log(act: Act, wanted: WriteRunLog) -> SuccessPayload:
    return _write(act, [wanted])


@mutation
def write_run_logs(act: Act, wanted: WriteRunLogs) -> SuccessPayload:
    """All or none, in the order in which they came."""
    return _write(act, [_record(given) for given in wanted.logs])


_NAMES = {field.name: field.name for field in fields(WriteRunLog)} | {
    "flowRunId": "flow_run_id",
    "taskRunId": "task_run_id",
}
_TEXTS = ("flow_run_id", "task_run_id", "name", "message", "level")


def _record(given: object) -> WriteRunLog:
    document = mapping(given)
    if document is None:
        raise Refused("a log record must be an object")
    try:
        values = {_NAMES[key]: value for key, value in document.items()}
    except KeyError as error:
        raise Refused(f"a log record has no {error}") from None
    for name in _TEXTS:
        value = values.get(name)
        if value is not None and not isinstance(value, str):
            raise Refused(f"{name} of a log record must be text")
    if values.get("timestamp") is not None:
        values["timestamp"] = _moment(values["timestamp"])
    return WriteRunLog(**values)


def _moment(value: object) -> datetime:
    try:
        return parse_timestamp(value)
    except GraphQLError as error:
        raise Refused(f"timestamp of a log record: {error.message}") from None


def _write(act: Act, records: Sequence[WriteRunLog]) -> SuccessPayload:
    run_of = _column_by_id(act, TaskRun, TaskRun.flow_run_id, {r.task_run_id for r in records})
    runs = [record.flow_run_id or run_of.get(record.task_run_id) for record in records]
    if None in runs:
        raise Refused("a log record needs a flow_run_id or a task_run_id")
    tenant_of = _column_by_id(act, FlowRun, FlowRun.tenant_id, set(runs))
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
        for run, record in zip(runs, records, strict=True)
    ]
    if rows:
        act.session.connection().execute(insert(Log), rows)
    return SuccessPayload()


def _column_by_id(
    act: Act, entity: type[FlowRun | TaskRun], column: Any, ids: Set[str | None]
) -> dict[str | None, str]:
    """A column of these rows, by their ids as they were given; Refused when one is missing."""
    given_as = {_uuid(value): value for value in ids if value}
    found: dict[str | None, str] = {}
    pending = iter(sorted(given_as))
    while some := list(islice(pending, _ROWS_IN_ONE_QUERY)):
        rows = act.session.execute(select(entity.id, column).where(entity.id.in_(some)))
        found.update((given_as[row[0]], row[1]) for row in rows)
    for row_id, given in given_as.items():
        if given not in found:
            act.row(entity, row_id)
    return found


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise Refused(f"{value!r} is not a uuid") from None
