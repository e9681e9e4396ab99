"""Deployments on a Prefect REST API."""

from __future__ import annotations

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability, FlowVersion, JsonObject, Project
from flowtui.run_models import Parameter


async def flow_versions(
    api: Connection, *, project: str | None, name: str | None
) -> tuple[FlowVersion, ...]:
    """See `ControlPlane.flow_versions`."""
    raise api.cannot(Ability.REGISTER_DEPLOYMENTS)


async def payload(api: Connection, deployment_id: str) -> JsonObject | None:
    """See `ControlPlane.serialized_flow`."""
    raise api.cannot(Ability.RETURN_FLOWS)


async def register(api: Connection, project: Project, payload: JsonObject) -> FlowVersion:
    """See `ControlPlane.register`."""
    raise api.cannot(Ability.REGISTER_DEPLOYMENTS)


async def amend(api: Connection, deployment_id: str, fields: JsonObject) -> FlowVersion:
    """See `ControlPlane.amend`."""
    raise api.cannot(Ability.CHANGE_IN_PLACE)


async def delete(api: Connection, deployment_id: str) -> None:
    raise api.cannot(Ability.DELETE_VERSIONS)


async def set_schedule_active(api: Connection, deployment_id: str, active: bool) -> None:
    raise api.cannot(Ability.SWITCH_SCHEDULES)


async def parameters(api: Connection, deployment_id: str) -> tuple[Parameter, ...]:
    """See `ControlPlane.flow_parameters`."""
    raise api.cannot(Ability.TELL_PARAMETERS)
