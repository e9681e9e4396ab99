"""What is set for all versions of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowtui.server import serialized
from flowtui.server.operations.base import (
    Act,
    JsonDocument,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.tables import Flow, FlowGroup

HEARTBEAT = "heartbeat_enabled"
LAZARUS = "lazarus_enabled"
VERSION_LOCKING = "version_locking_enabled"
DEFAULT_SETTINGS = {HEARTBEAT: True, LAZARUS: True, VERSION_LOCKING: False}


def is_on(settings: object, key: str) -> bool:
    """A setting of a flow group by its `settings` column."""
    return bool((serialized.mapping(settings) or {}).get(key, DEFAULT_SETTINGS[key]))


@dataclass(frozen=True)
class WhichFlowGroup:
    """A flow group, or any of its flows (which is what Prefect Server takes)."""

    flow_id: Uuid | None = None
    flow_group_id: Uuid | None = None
    tenant_id: Uuid | None = None


def _set(act: Act, wanted: WhichFlowGroup, **changes: Any) -> SuccessPayload:
    group_id = wanted.flow_group_id
    if group_id is None:
        if wanted.flow_id is None:
            raise Refused("which flow? give a flow_id or a flow_group_id")
        group_id = act.row(Flow, wanted.flow_id).flow_group_id
    group = act.row(FlowGroup, group_id)
    group.settings = {**(serialized.mapping(group.settings) or {}), **changes}
    return SuccessPayload()


@mutation
def enable_flow_heartbeat(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    """Runs send heartbeats, and count as dead without."""
    return _set(act, wanted, disable_heartbeat=False, **{HEARTBEAT: True})


@mutation
def disable_flow_heartbeat(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    """Runs send no heartbeats, and nobody looks whether they are alive."""
    return _set(act, wanted, disable_heartbeat=True, **{HEARTBEAT: False})


@mutation
def enable_flow_lazarus_process(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    """Runs whose process is gone are handed out again."""
    return _set(act, wanted, **{LAZARUS: True})


@mutation
def disable_flow_lazarus_process(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    """Runs whose process is gone fail."""
    return _set(act, wanted, **{LAZARUS: False})


@mutation
def enable_flow_version_lock(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    """A state is taken from those only who know the run's latest one."""
    return _set(act, wanted, **{VERSION_LOCKING: True})


@mutation
def disable_flow_version_lock(act: Act, wanted: WhichFlowGroup) -> SuccessPayload:
    return _set(act, wanted, **{VERSION_LOCKING: False})


@dataclass(frozen=True)
class DescribeFlowGroup:
    flow_group_id: Uuid
    description: str | None = None


@mutation
def set_flow_group_description(act: Act, wanted: DescribeFlowGroup) -> SuccessPayload:
    act.row(FlowGroup, wanted.flow_group_id).description = wanted.description
    return SuccessPayload()


@dataclass(frozen=True)
class LabelFlowGroup:
    flow_group_id: Uuid
    labels: tuple[str, ...] | None = None


@mutation
def set_flow_group_labels(act: Act, wanted: LabelFlowGroup) -> SuccessPayload:
    labels = None if wanted.labels is None else sorted(set(wanted.labels))
    act.row(FlowGroup, wanted.flow_group_id).labels = labels
    return SuccessPayload()


@dataclass(frozen=True)
class DefaultParameters:
    flow_group_id: Uuid
    parameters: JsonDocument


@mutation
def set_flow_group_default_parameters(act: Act, wanted: DefaultParameters) -> SuccessPayload:
    parameters = serialized.mapping(wanted.parameters)
    if parameters is None:
        raise Refused("parameters must be an object")
    act.row(FlowGroup, wanted.flow_group_id).default_parameters = parameters
    return SuccessPayload()


@dataclass(frozen=True)
class FlowGroupRunConfig:
    flow_group_id: Uuid
    run_config: JsonDocument = None


@mutation
def set_flow_group_run_config(act: Act, wanted: FlowGroupRunConfig) -> SuccessPayload:
    if wanted.run_config is not None and serialized.mapping(wanted.run_config) is None:
        raise Refused("run_config must be an object")
    act.row(FlowGroup, wanted.flow_group_id).run_config = wanted.run_config
    return SuccessPayload()
