"""From rows of a Prefect REST API to flowtui's own words. Everything that people wrote is cleaned.

Raises KeyError, TypeError and ValueError for a row that does not have the form that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flowtui.api.reading import moment, text
from flowtui.api.rest import payload, project_tags
from flowtui.json_shapes import items, mapping, whole
from flowtui.models import FlowVersion, Json, JsonObject, Schedule
from flowtui.run_models import (
    Agent,
    FlowRun,
    Parameter,
    RunLine,
    StateChange,
    TaskRun,
    WorkQueue,
)
from flowtui.text import clean, clean_block, redact

_WAITING = ("SCHEDULED", "PAUSED")
_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO"), (10, "DEBUG"))


def deployment(row: Mapping[str, Any], flow_name: str) -> FlowVersion:
    """Of a row that `dialect.deployment` has been over."""
    tags = [clean(tag) for tag in payload.tags_of(row)]
    return FlowVersion(
        id=str(row["id"]),
        name=flow_name,
        version=0,
        project=project_tags.project_of(tags),
        archived=False,
        created=moment(row.get("created")),
        core_version="",
        storage=_storage(row),
        schedule=_schedule(row),
        deployment=clean(str(row["name"])),
        label=text(row, "version"),
        entrypoint=text(row, "entrypoint"),
        tags=tuple(project_tags.without(tags)),
        description=clean_block(str(row.get("description") or "")),
        work_pool=text(row, "work_pool_name"),
        work_queue=text(row, "work_queue_name"),
        paused=bool(row["paused"]),
        updated=moment(row.get("updated")),
    )


def _storage(row: Mapping[str, Any]) -> JsonObject:
    if image := mapping(row["job_variables"]).get("image"):
        return {"type": "Docker", "image": clean(str(image))}
    return {"type": "Local", "path": text(row, "path")} if row.get("path") else {}


def _schedule(row: Mapping[str, Any]) -> Schedule:
    if not row["schedules"]:
        return Schedule.NONE
    active = any(each.get("active", True) for each in row["schedules"])
    return Schedule.ACTIVE if active and not row["paused"] else Schedule.PAUSED


def parameters(row: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """What a deployment's flow takes, in its order; the deployment's own values are defaults."""
    schema = mapping(row.get("parameter_openapi_schema"))
    required = items(schema.get("required"))
    own = mapping(row.get("parameters"))
    shared = {key: schema[key] for key in ("definitions", "$defs") if schema.get(key)}
    declared = mapping(schema.get("properties"))
    in_order = sorted(declared, key=lambda name: _position(declared[name]))
    found = [
        Parameter(
            clean(name),
            required=name in required and name not in own,
            default=cast("Json", own.get(name, mapping(declared[name]).get("default"))),
            schema={**mapping(declared[name]), **shared},
        )
        for name in in_order
    ]
    # A deployment without a schema has values all the same.
    others = (Parameter(clean(name), False, own[name]) for name in own if name not in declared)
    return (*found, *others)


def _position(schema: object) -> float:
    position = mapping(schema).get("position")
    return position if isinstance(position, int) else float("inf")


def flow_run(row: Mapping[str, Any], names: Mapping[str, str]) -> FlowRun:
    """`names` are those of flows and deployments, by their ids."""
    state = mapping(row.get("state"))
    state_type = text(row, "state_type")
    tags = [clean(tag) for tag in payload.tags_of(row)]
    due = mapping(state.get("state_details")).get("scheduled_time")
    deployment_id = str(row.get("deployment_id") or "")
    return FlowRun(
        id=str(row["id"]),
        name=text(row, "name"),
        flow=names.get(str(row["flow_id"]), ""),
        project=project_tags.project_of(tags),
        version=0,
        version_id=deployment_id,
        state=text(row, "state_name"),
        message=_told(state),
        scheduled=moment(row.get("expected_start_time")),
        started=moment(row.get("start_time")),
        ended=moment(row.get("end_time")),
        parameters=cast("Mapping[str, Json]", mapping(row.get("parameters"))),
        created=moment(row.get("created")),
        auto_scheduled=bool(row.get("auto_scheduled")),
        state_start=moment(due) if state_type in _WAITING else None,
        deployment=names.get(deployment_id, ""),
        version_label=text(row, "deployment_version"),
        work_pool=text(row, "work_pool_name"),
        work_queue=text(row, "work_queue_name"),
        tags=tuple(project_tags.without(tags)),
        state_type=state_type,
    )


def task_run(row: Mapping[str, Any]) -> TaskRun:
    return TaskRun(
        id=str(row["id"]),
        task=text(row, "name"),
        slug=f"{text(row, 'task_key')}:{text(row, 'dynamic_key')}",
        map_index=-1,
        state=text(row, "state_name"),
        message=_told(mapping(row.get("state"))),
        started=moment(row.get("start_time")),
        ended=moment(row.get("end_time")),
        attempts=whole(row.get("run_count")),
        state_type=text(row, "state_type"),
    )


def state_change(row: Mapping[str, Any]) -> StateChange:
    when = moment(row["timestamp"])
    if when is None:
        raise ValueError("a state without a time")
    return StateChange(when, text(row, "name"), _told(row), text(row, "type"))


def run_line(row: Mapping[str, Any]) -> RunLine:
    when = moment(row["timestamp"])
    if when is None:
        raise ValueError("a log line without a time")
    return RunLine(
        id=str(row["id"]),
        moment=when,
        level=_level(whole(row.get("level"))),
        logger=text(row, "name"),
        text=redact(clean_block(str(row.get("message") or ""), keep_colour=True)),
        task_run_id=text(row, "task_run_id"),
    )


def _level(number: int) -> str:
    """Python's name of the level that a number is at least."""
    return next((name for least, name in _LEVELS if number >= least), "")


def _told(state: Mapping[str, Any]) -> str:
    return redact(clean_block(str(state.get("message") or "")))


def work_queue(row: Mapping[str, Any]) -> WorkQueue:
    paused = bool(row.get("is_paused"))
    return WorkQueue(
        id=str(row["id"]),
        name=clean(str(row["name"])),
        priority=whole(row.get("priority")),
        status="PAUSED" if paused else text(row, "status"),
        paused=paused,
        concurrency_limit=limit(row),
        last_polled=moment(row.get("last_polled")),
        description=text(row, "description"),
    )


def worker(row: Mapping[str, Any], pool: str, pool_type: str) -> Agent:
    status = row.get("status")
    return Agent(
        id=str(row["id"]),
        name=clean(str(row["name"])),
        type=f"{pool_type} worker",
        last_seen=moment(row.get("last_heartbeat_time")),
        work_pool=pool,
        online=status == "ONLINE" if status else None,
    )


def limit(row: Mapping[str, Any]) -> int | None:
    value = row.get("concurrency_limit")
    return value if isinstance(value, int) else None
