"""Registered versions of flows: read them, archive them, switch their schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flowtui.api.graphql import answers
from flowtui.api.graphql.connection import Connection
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import Ability, FlowVersion, Json, JsonObject
from flowtui.run_models import Parameter

_COLUMNS = (
    "id",
    "name",
    "version",
    "archived",
    "created",
    "core_version",
    "storage",
    "schedule",
    "is_schedule_active",
    "schedule_problem",
)
_OPTIONAL = ("core_version", "storage", "schedule", "is_schedule_active", "schedule_problem")


async def flow_versions(
    api: Connection,
    *,
    project: str | None = None,
    name: str | None = None,
    archived: bool = False,
) -> tuple[FlowVersion, ...]:
    """Registered versions, newest first; archived ones only when asked for."""
    where: dict[str, Json] = {}
    if project is not None:
        where["project"] = {"name": {"_eq": project}}
    if name is not None:
        where["name"] = {"_eq": name}
    if not archived:
        where["archived"] = {"_eq": False}
    return await _rows(api, where)


async def version(api: Connection, version_id: str) -> FlowVersion | None:
    found = await _rows(api, {"id": {"_eq": version_id}})
    return found[0] if found else None


async def serialized_flow(api: Connection, version_id: str) -> JsonObject | None:
    """The serialization registered as this version, None where the API does not return it."""
    rows = await api.rows(
        "flow",
        {"id": {"_eq": version_id}},
        "",
        {"id": "id", "serialized_flow": "serialized_flow"},
        optional=("serialized_flow",),
    )
    serialized = rows[0].get("serialized_flow") if rows else None
    return cast("JsonObject", serialized) if isinstance(serialized, dict) else None


async def flow_parameters(api: Connection, version_id: str) -> tuple[Parameter, ...]:
    """See `ControlPlane.flow_parameters`; defaults of the flow group go before the flow's own."""
    await api.require(Ability.TELL_PARAMETERS)
    rows = await api.rows(
        "flow",
        {"id": {"_eq": version_id}},
        "",
        {
            "id": "id",
            "parameters": "parameters",
            "flow_group.default_parameters": "flow_group { default_parameters }",
        },
        optional=("parameters", "flow_group", "default_parameters"),
    )
    if not rows:
        raise ControlPlaneError(
            "this version is not registered any more",
            where=api.api_url,
            fix="look at the versions again: flowtui versions list",
        )
    row: Mapping[str, object] = rows[0]
    declared = row.get("parameters")
    if not isinstance(declared, list):
        declared = mapping(await serialized_flow(api, version_id)).get("parameters")
    found = api.understood(
        [mapping(each) for each in items(cast("object", declared))], answers.parameter
    )
    defaults = mapping(mapping(row.get("flow_group")).get("default_parameters"))
    return tuple(
        Parameter(each.name, required=False, default=defaults[each.name])
        if each.name in defaults
        else each
        for each in found
    )


async def archive(api: Connection, version_id: str) -> None:
    await api.connected()
    if api.first_known("archive_flow") is None:
        raise api.no_such_call("archiving a flow", "archive it in the control plane's UI")
    await api.succeed("archive_flow", {"flow_id": version_id})


async def set_schedule_active(api: Connection, version_id: str, active: bool) -> None:
    await api.connected()
    call = "set_schedule_active" if active else "set_schedule_inactive"
    if api.first_known(call) is not None:
        await api.succeed(call, {"flow_id": version_id})
    elif api.first_known("set_flow_schedule_state") is not None:
        values: dict[str, Json] = {"flow_id": version_id, "set_active": active}
        await api.succeed("set_flow_schedule_state", values)
    else:
        action = "switching a schedule " + ("on" if active else "off")
        raise api.no_such_call(action, "switch it in the control plane's UI")


async def _rows(api: Connection, where: Mapping[str, Json]) -> tuple[FlowVersion, ...]:
    rows = await api.rows(
        "flow",
        where,
        "{created: desc, version: desc}",
        {**{name: name for name in _COLUMNS}, "project": "project { name }"},
        optional=_OPTIONAL,
    )
    return api.understood(rows, answers.flow_version)
