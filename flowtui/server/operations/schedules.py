"""Schedules: switching them, those of flow groups, and the runs they plan."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import delete, func, select

from flowtui.server import serialized
from flowtui.server.operations.base import (
    Act,
    JsonDocument,
    OfFlow,
    OfFlowGroup,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.runs import CreateFlowRun, create_flow_run
from flowtui.server.schedules import Event, ScheduleError, next_events, read_schedule
from flowtui.server.tables import Flow, FlowGroup, FlowRun

RUNS_AHEAD = 10
"""Planned for each active flow, as Prefect Server does."""

log = logging.getLogger("flowtui.server")


def schedule_of(flow: Flow, group: FlowGroup) -> Any:
    """The one in force: the flow group's goes before the flow's own."""
    return group.schedule or flow.schedule


def activate_schedule(act: Act, flow: Flow) -> None:
    """Start the flow's schedule and plan its first runs.

    A flow without a schedule, or whose schedule leaves a required parameter open, stays inactive.
    """
    group = act.row(FlowGroup, flow.flow_group_id)
    schedule = schedule_of(flow, group)
    if not serialized.has_clocks(schedule):
        return
    given = serialized.mapping(group.default_parameters) or {}
    declared = serialized.parameters(flow.parameters)
    open_ones = [item.name for item in declared if item.required and item.name not in given]
    flow.is_schedule_active = serialized.clock_defaults_cover(schedule, open_ones)
    if flow.is_schedule_active:
        plan_runs(act, flow, group)


def plan_runs(act: Act, flow: Flow, group: FlowGroup) -> bool:
    """Create the runs that the schedule wants next and that are not there yet.

    False when the schedule has fewer moments left than that, or cannot be followed; then the reason
    is logged when it is new, and told as the flow's `schedule_problem`.
    """
    problem = None
    wanted: list[Event] = []
    try:
        schedule = read_schedule(schedule_of(flow, group), flow.core_version)
        wanted = next_events(schedule, RUNS_AHEAD, act.now.replace(microsecond=0))
        _create_missing(act, flow, wanted)
    except (ScheduleError, Refused) as error:
        problem = str(error)
    if problem != flow.schedule_problem:
        flow.schedule_problem = problem
        if problem:
            log.warning("no runs are planned for the flow %r (%s): %s", flow.name, flow.id, problem)
    return problem is None and len(wanted) == RUNS_AHEAD


def _create_missing(act: Act, flow: Flow, wanted: Iterable[Event]) -> None:
    """A moment before the last one that was planned is left out: its run was deleted."""
    auto_scheduled = (FlowRun.flow_id == flow.id, FlowRun.auto_scheduled.is_(True))
    last = act.session.scalar(select(func.max(FlowRun.scheduled_start_time)).where(*auto_scheduled))
    known = set(
        act.session.scalars(
            select(FlowRun.idempotency_key).where(
                *auto_scheduled, FlowRun.scheduled_start_time > act.now
            )
        )
    )
    for event in wanted:
        is_plain = not event.defaults.parameters and event.defaults.labels is None
        key = _key(event)
        if key in known or (is_plain and last is not None and event.start <= last):
            continue
        known.add(key)
        _create(act, flow, event, key)


def _create(act: Act, flow: Flow, event: Event, key: str) -> None:
    wanted = CreateFlowRun(
        flow_id=flow.id,
        parameters=event.defaults.parameters,
        labels=event.defaults.labels,
        scheduled_start_time=event.start.astimezone(UTC),
        idempotency_key=key,
    )
    act.row(FlowRun, create_flow_run(act, wanted).id).auto_scheduled = True


def _key(event: Event) -> str:
    """One run for one moment, or for one moment and what its clock says of the run."""
    defaults = event.defaults
    moment = f"auto-scheduled:{event.start.astimezone(UTC).isoformat()}"
    if not defaults.parameters and defaults.labels is None:
        return moment
    said = json.dumps([defaults.parameters, defaults.labels], sort_keys=True)
    return f"{moment}:{hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()}"


def drop_planned_runs(act: Act, flow: Flow) -> None:
    """Delete what the schedule planned and no agent has taken."""
    act.session.execute(
        delete(FlowRun).where(
            FlowRun.flow_id == flow.id,
            FlowRun.auto_scheduled.is_(True),
            FlowRun.state == "Scheduled",
        )
    )
    flow.schedule_problem = None


@mutation
def set_schedule_active(act: Act, wanted: OfFlow) -> SuccessPayload:
    """Start the flow's schedule; a flow without one is left as it is, as clients expect."""
    flow = act.row(Flow, wanted.flow_id)
    if flow.archived:
        raise Refused("an archived flow cannot be scheduled")
    activate_schedule(act, flow)
    group = act.row(FlowGroup, flow.flow_group_id)
    if serialized.has_clocks(schedule_of(flow, group)) and not flow.is_schedule_active:
        raise Refused("a flow with required parameters cannot be scheduled without values for them")
    return SuccessPayload()


@mutation
def set_schedule_inactive(act: Act, wanted: OfFlow) -> SuccessPayload:
    flow = act.row(Flow, wanted.flow_id)
    flow.is_schedule_active = False
    drop_planned_runs(act, flow)
    return SuccessPayload()


@dataclass(frozen=True)
class ScheduleState:
    flow_id: Uuid
    set_active: bool


@mutation
def set_flow_schedule_state(act: Act, wanted: ScheduleState) -> SuccessPayload:
    """`setFlowScheduleState`: how Prefect Cloud named both calls until 0.9."""
    switch = set_schedule_active if wanted.set_active else set_schedule_inactive
    return switch(act, OfFlow(wanted.flow_id))


@dataclass(frozen=True)
class FlowGroupSchedule:
    flow_group_id: Uuid
    cron_clocks: tuple[JsonDocument, ...] | None = None
    interval_clocks: tuple[JsonDocument, ...] | None = None
    timezone: str | None = None


@mutation
def set_flow_group_schedule(act: Act, wanted: FlowGroupSchedule) -> SuccessPayload:
    """A schedule that goes before that of every version of the flow.

    Clocks are `{cron}` and `{interval}` (seconds), each with `parameter_defaults` and `labels`
    if wanted. `timezone` counts for all of them. The shape is that of Prefect Server.
    """
    group = act.row(FlowGroup, wanted.flow_group_id)
    start = None
    if wanted.timezone:
        start = {"dt": act.now.replace(tzinfo=None).isoformat(), "tz": wanted.timezone}
    clocks = [
        *(_clock("CronClock", clock, start) for clock in wanted.cron_clocks or ()),
        *(_clock("IntervalClock", clock, start) for clock in wanted.interval_clocks or ()),
    ]
    schedule = {"type": "Schedule", "clocks": clocks}
    try:
        read_schedule(schedule, None)
    except ScheduleError as error:
        raise Refused(str(error)) from None
    _replace_schedule(act, group, schedule)
    return SuccessPayload()


def _clock(kind: str, given: object, start: object) -> dict[str, Any]:
    document = serialized.mapping(given)
    if document is None:
        raise Refused("a clock must be an object")
    clock: dict[str, Any] = {"type": kind, "start_date": start, "end_date": None, **document}
    seconds = document.get("interval")
    if kind == "IntervalClock" and isinstance(seconds, int | float):
        clock["interval"] = round(seconds * 1_000_000)
    return clock


@mutation
def delete_flow_group_schedule(act: Act, wanted: OfFlowGroup) -> SuccessPayload:
    """Each version's own schedule counts again."""
    _replace_schedule(act, act.row(FlowGroup, wanted.flow_group_id), None)
    return SuccessPayload()


def _replace_schedule(act: Act, group: FlowGroup, schedule: Any) -> None:
    group.schedule = schedule
    active = select(Flow).where(
        Flow.flow_group_id == group.id,
        Flow.archived.is_(False),
        Flow.is_schedule_active.is_(True),
    )
    for flow in act.session.scalars(active):
        drop_planned_runs(act, flow)
        if schedule_of(flow, group):
            plan_runs(act, flow, group)
