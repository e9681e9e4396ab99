"""From rows of a GraphQL API to flowtui's own words. Everything that people wrote is cleaned.

Raises KeyError, TypeError and ValueError for a row that does not have the form that was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

from flowtui.api.reading import moment, text
from flowtui.json_shapes import items, mapping, whole
from flowtui.models import FlowVersion, Json, JsonObject, Project, Schedule
from flowtui.run_models import Agent, FlowRun, Parameter, RunLine, StateChange, TaskRun
from flowtui.text import clean, clean_block, redact


def project(row: Mapping[str, Any]) -> Project:
    aggregate = mapping(mapping(row.get("flows_aggregate")).get("aggregate"))
    return Project(
        str(row["id"]),
        clean(str(row["name"])),
        clean(str(row.get("description") or "")),
        int(aggregate.get("count") or 0),
    )


def flow_version(row: Mapping[str, Any]) -> FlowVersion:
    return FlowVersion(
        id=str(row["id"]),
        name=clean(str(row["name"])),
        version=int(row["version"]),
        project=text(mapping(row.get("project")), "name"),
        archived=bool(row.get("archived")),
        created=moment(row.get("created")),
        core_version=text(row, "core_version"),
        storage=_object(row, "storage"),
        schedule=_schedule(row),
        schedule_problem=text(row, "schedule_problem"),
    )


def _schedule(row: Mapping[str, Any]) -> Schedule:
    """A schedule may also be the flow group's: an active one counts wherever it is kept."""
    if "is_schedule_active" not in row:
        return Schedule.UNKNOWN
    if row["is_schedule_active"]:
        return Schedule.ACTIVE
    if "schedule" not in row:
        return Schedule.UNKNOWN
    return Schedule.PAUSED if row["schedule"] else Schedule.NONE


def flow_run(row: Mapping[str, Any]) -> FlowRun:
    flow = mapping(row.get("flow"))
    return FlowRun(
        id=str(row["id"]),
        name=text(row, "name"),
        flow=clean(str(flow["name"])),
        project=text(mapping(flow.get("project")), "name"),
        version=int(flow["version"]),
        version_id=str(flow["id"]),
        state=text(row, "state"),
        message=text(row, "state_message"),
        scheduled=moment(row.get("scheduled_start_time")),
        started=moment(row.get("start_time")),
        ended=moment(row.get("end_time")),
        parameters=cast("Mapping[str, Json]", mapping(row.get("parameters"))),
        labels=_labels(row),
        created=moment(row.get("created")),
        auto_scheduled=bool(row.get("auto_scheduled")),
        run_config=_object(row, "run_config"),
        state_start=moment(row.get("state_start_time")),
        heartbeat=moment(row.get("heartbeat")),
        version_archived=bool(flow.get("archived")),
        storage=_object(flow, "storage"),
        core_version=text(flow, "core_version"),
        agent_id=text(row, "agent_id"),
    )


def task_run(row: Mapping[str, Any]) -> TaskRun:
    task = mapping(row.get("task"))
    index = row.get("map_index")
    return TaskRun(
        id=str(row["id"]),
        task=text(task, "name"),
        slug=text(task, "slug"),
        map_index=index if isinstance(index, int) else -1,
        state=text(row, "state"),
        message=text(row, "state_message"),
        started=moment(row.get("start_time")),
        ended=moment(row.get("end_time")),
        attempts=whole(row.get("run_count")),
    )


def state_change(row: Mapping[str, Any]) -> StateChange:
    when = moment(row["timestamp"])
    if when is None:
        raise ValueError("a state without a time")
    return StateChange(when, text(row, "state"), text(row, "message"))


def run_line(row: Mapping[str, Any]) -> RunLine:
    when = moment(row["timestamp"])
    if when is None:
        raise ValueError("a log line without a time")
    message = str(row.get("message") or "")
    line = RunLine(
        id=str(row.get("id") or ""),
        moment=when,
        level=text(row, "level"),
        logger=text(row, "name"),
        text=redact(clean_block(message, keep_colour=True)),
        task_run_id=text(row, "task_run_id"),
    )
    if line.id:
        return line
    # An API that gives lines no id: what makes a line the same one is all that is told of it.
    told = "\0".join((when.isoformat(), line.level, line.logger, line.task_run_id, message))
    return RunLine(
        hashlib.blake2b(told.encode(errors="replace"), digest_size=16).hexdigest(),
        line.moment,
        line.level,
        line.logger,
        line.text,
        line.task_run_id,
    )


def agent(row: Mapping[str, Any]) -> Agent:
    return Agent(
        id=str(row["id"]),
        name=text(row, "name"),
        type=text(row, "type"),
        labels=_labels(row),
        core_version=text(row, "core_version"),
        last_seen=moment(row.get("last_queried")),
    )


def parameter(declared: Mapping[str, Any]) -> Parameter:
    return Parameter(
        str(declared["name"]),
        bool(declared.get("required")),
        cast("Json", declared.get("default")),
    )


def _object(row: Mapping[str, Any], key: str) -> JsonObject | None:
    value = row.get(key)
    return cast("JsonObject", value) if isinstance(value, dict) else None


def _labels(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(clean(str(label)) for label in items(row.get("labels")))
