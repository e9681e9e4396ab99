"""Flow runs: create, name, label, delete."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import select

from flowtui.server import serialized
from flowtui.server.names import two_words
from flowtui.server.operations.base import (
    Act,
    FlowRunPayload,
    JsonDocument,
    Moment,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.state_changes import (
    apply_state,
    pending_columns,
    scheduled_state,
)
from flowtui.server.operations.task_runs import create_task_runs
from flowtui.server.tables import Flow, FlowGroup, FlowRun


@dataclass(frozen=True)
class CreateFlowRun:
    flow_id: Uuid | None = None
    version_group_id: str | None = None
    parameters: JsonDocument = None
    context: JsonDocument = None
    labels: tuple[str, ...] | None = None
    run_config: JsonDocument = None
    flow_run_name: str | None = None
    scheduled_start_time: Moment | None = None
    idempotency_key: str | None = None
    tenant_id: Uuid | None = None


@mutation
def create_flow_run(act: Act, wanted: CreateFlowRun) -> FlowRunPayload:
    flow = _flow(act, wanted)
    known = _known_run(act, flow, wanted.idempotency_key)
    if known:
        return FlowRunPayload(known, known)
    if flow.archived:
        raise Refused(f"the flow {flow.name!r} version {flow.version} is archived")
    group = act.row(FlowGroup, flow.flow_group_id)
    start = wanted.scheduled_start_time or act.now
    run = FlowRun(
        tenant_id=flow.tenant_id,
        flow_id=flow.id,
        name=wanted.flow_run_name or two_words(random.SystemRandom()),
        parameters=_parameters(flow, group, wanted.parameters),
        context=_object(wanted.context, "context"),
        labels=_labels(flow, group, wanted),
        run_config=_run_config(flow, group, wanted.run_config),
        scheduled_start_time=start,
        idempotency_key=wanted.idempotency_key,
        **pending_columns(act.now),
    )
    act.session.add(run)
    act.session.flush()
    create_task_runs(act, run)
    apply_state(act, run, scheduled_state(start))
    return FlowRunPayload(run.id, run.id)


def _flow(act: Act, wanted: CreateFlowRun) -> Flow:
    if wanted.flow_id:
        return act.row(Flow, wanted.flow_id)
    if not wanted.version_group_id:
        raise Refused("a flow run needs a flow_id or a version_group_id")
    newest = act.session.scalars(
        select(Flow)
        .where(Flow.version_group_id == wanted.version_group_id, Flow.archived.is_(False))
        .order_by(Flow.version.desc())
        .limit(1)
    ).first()
    if newest is None:
        raise Refused(f"no flow of version group {wanted.version_group_id} is in use")
    return newest


def _known_run(act: Act, flow: Flow, key: str | None) -> str | None:
    if key is None:
        return None
    same = select(FlowRun.id).where(FlowRun.flow_id == flow.id, FlowRun.idempotency_key == key)
    return act.session.scalars(same).first()


def _object(value: object, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    given = serialized.mapping(value)
    if given is None:
        raise Refused(f"{what} must be an object")
    return dict(given)


def _parameters(flow: Flow, group: FlowGroup, given: object) -> dict[str, Any]:
    """The flow's defaults, under the flow group's, under what was given."""
    declared = serialized.parameters(flow.parameters)
    values = {item.name: item.default for item in declared if not item.required}
    values |= _object(group.default_parameters, "default_parameters")
    values |= _object(given, "parameters")
    missing = [item.name for item in declared if item.required and item.name not in values]
    if missing:
        raise Refused(f"required parameters were not supplied: {', '.join(missing)}")
    return values


def _labels(flow: Flow, group: FlowGroup, wanted: CreateFlowRun) -> list[str]:
    """Those given; else the run config's, the flow group's, its run config's, the flow's run
    config's, its environment's: of the first that is there, even if it names none."""
    if wanted.labels is not None:
        return sorted(set(wanted.labels))
    if wanted.run_config is None and group.labels is not None:
        return sorted(serialized.strings(group.labels))
    for source in (wanted.run_config, group.run_config, flow.run_config, flow.environment):
        if source is not None:
            return sorted(serialized.strings((serialized.mapping(source) or {}).get("labels")))
    return []


def _run_config(flow: Flow, group: FlowGroup, given: object) -> Any:
    if given is not None and serialized.mapping(given) is None:
        raise Refused("run_config must be an object")
    return next(
        (config for config in (given, group.run_config, flow.run_config) if config is not None),
        None,
    )


@dataclass(frozen=True)
class NameFlowRun:
    flow_run_id: Uuid
    name: str


@mutation
def set_flow_run_name(act: Act, wanted: NameFlowRun) -> SuccessPayload:
    if not wanted.name.strip():
        raise Refused("a flow run needs a name")
    act.row(FlowRun, wanted.flow_run_id).name = wanted.name
    return SuccessPayload()


@dataclass(frozen=True)
class LabelFlowRun:
    flow_run_id: Uuid
    labels: tuple[str, ...]


@mutation
def set_flow_run_labels(act: Act, wanted: LabelFlowRun) -> SuccessPayload:
    act.row(FlowRun, wanted.flow_run_id).labels = sorted(set(wanted.labels))
    return SuccessPayload()


@dataclass(frozen=True)
class OfFlowRun:
    flow_run_id: Uuid


@mutation
def delete_flow_run(act: Act, wanted: OfFlowRun) -> SuccessPayload:
    run = act.row(FlowRun, wanted.flow_run_id)
    act.session.execute(delete_from(FlowRun).where(FlowRun.id == run.id))
    return SuccessPayload()
